"""`meta.activation_log`: every body that was written for a vendor, with what became of it. Counts and reasons, nobody's
keys or values.

The files beside the bodies are the truth; the table is made of them anew, so that a rebuilt warehouse loses nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
from msgspec import structs

from orchestration.activation import outbox, receipts, targets
from orchestration.activation.targets import Target
from orchestration.config.settings import Settings
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted
from orchestration.warehouse import build_file, read_only, writer_lock
from orchestration.warehouse.duckdb_session import has_table, transaction

_INSERT = "insert into meta.activation_log values (" + ", ".join(f"${place}" for place in range(1, 18)) + ")"


def refresh(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Writes the table of the build file anew."""
    with transaction(con):
        con.execute("delete from meta.activation_log")
        for row in rows(settings):
            con.execute(_INSERT, list(row))


def publish_log(settings: Settings) -> None:
    """Brings the table up to date for analysts, where nobody is writing; else the run that writes brings it with its
    publication."""
    at_once = replace(settings, options=structs.replace(settings.options, lock_wait_seconds=0))
    with suppress(OperatorError, duckdb.Error), writer_lock.writer_lock(at_once, command="c360 activate"):
        if settings.build_file.exists():
            with build_file.connect(settings) as con:
                refresh(con, settings)
        if not _is_reported(settings):
            publish.amend(settings, lambda con: refresh(con, settings))


@dataclass(frozen=True)
class Standing:
    """Where a target stands: its last folder, bodies that no vendor has answered, and records that failed and are to be
    written again."""

    target: str
    last_folder: str | None
    unanswered: int
    failed_records: int

    def __str__(self) -> str:
        if self.last_folder is None:
            return f"{self.target}: nothing yet"
        reported = [counted(self.unanswered, "body", "bodies") + " without an answer"] if self.unanswered else []
        reported += [counted(self.failed_records, "record") + " to be written again"] if self.failed_records else []
        return f"{self.target}: last {self.last_folder}" + "".join(f"; {sentence}" for sentence in reported)


def standings(settings: Settings) -> list[Standing]:
    """Where every configured target stands, by the folders and receipts."""
    return [_standing(settings, target) for target in targets.load(settings)] if targets.is_configured(settings) else []


def _standing(settings: Settings, target: Target) -> Standing:
    root = target.folder(settings)
    folders, answers = outbox.written(root), _answers(root)
    unanswered = sum(
        (found.name, file["file"]) not in answers
        for found in folders
        if not found.is_without_bodies
        for file in found.manifest["files"]
    )
    failed = sum(
        receipt.failed_records for receipt in answers.values() if folders and receipt.folder == folders[-1].name
    )
    return Standing(target.name, folders[-1].name if folders else None, unanswered, failed)


def _is_reported(settings: Settings) -> bool:
    """What is published says the same already, or was built before there was such a table."""
    with read_only.published(settings) as con:
        if not has_table(con, "meta", "activation_log"):
            return True
        reported = con.execute(
            "select folder, file, state, failed_records from meta.activation_log order by source, source_account,"
            " folder, file"
        ).fetchall()
    return reported == [(row[3], row[4], row[12], row[13]) for row in rows(settings)]


def rows(settings: Settings) -> Iterator[tuple[Any, ...]]:
    """What the table holds, by the folders and receipts."""
    for root in sorted((settings.data / "activation").glob("*/*/")):
        answers = _answers(root)
        for found in sorted(outbox.written(root), key=lambda found: found.name):
            facts = found.manifest
            for file in sorted(facts["files"], key=lambda file: file["file"]):
                receipt = answers.get((found.name, file["file"]))
                yield (
                    *(facts[name] for name in ("target", "vendor", "account")),
                    found.name,
                    file["file"],
                    facts["as_of"],
                    facts["run_id"],
                    facts["mapping_version"],
                    *(file[name] for name in ("method", "path", "records", "sha256")),
                    receipt.state if receipt else "written",
                    receipt.failed_records if receipt else 0,
                    _reasons(receipt) if receipt else None,
                    receipt.reference if receipt else None,
                    receipt.at if receipt else None,
                )


def _answers(root: Path) -> dict[tuple[str, str], receipts.Receipt]:
    return {place: receipt for place, receipt in outbox.last(root).items() if receipt.is_answer}


def _reasons(receipt: receipts.Receipt) -> str | None:
    reported = {*map(receipts.code, receipt.failed.values()), *((receipt.reason,) if receipt.reason else ())}
    return "; ".join(sorted(reported)) or None
