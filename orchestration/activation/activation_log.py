"""`meta.activation_log`: every body that was written for a vendor, with what became of it. Counts and reasons, nobody's keys or values.

The files beside the bodies are the truth; the table is made of them anew, so that a rebuilt warehouse loses nothing.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import duckdb
from msgspec import structs

from orchestration.activation import outbox, receipts
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import build_file, writer_lock
from orchestration.warehouse.duckdb_session import transaction

_INSERT = "insert into meta.activation_log values (" + ", ".join(f"${place}" for place in range(1, 18)) + ")"


def refresh(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Writes the table of the build file anew."""
    with transaction(con):
        con.execute("delete from meta.activation_log")
        for row in _rows(settings):
            con.execute(_INSERT, list(row))


def refresh_if_free(settings: Settings) -> None:
    """The same where there is a build file of this version and nobody writes it; else the next publication brings the table."""
    if not settings.build_file.exists():
        return
    at_once = replace(settings, options=structs.replace(settings.options, lock_wait_seconds=0))
    with suppress(OperatorError, duckdb.Error), writer_lock.writer_lock(at_once, command="c360 activate"), build_file.connect(settings) as con:
        refresh(con, settings)


def _rows(settings: Settings) -> Iterator[tuple[Any, ...]]:
    for root in sorted((settings.data / "activation").glob("*/*/")):
        answers = receipts.last(root)
        for found in outbox.written(root):
            facts = found.manifest
            for file in facts["files"]:
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


def _reasons(receipt: receipts.Receipt) -> str | None:
    told = {*map(receipts.without_values, receipt.failed.values()), *((receipt.reason,) if receipt.reason else ())}
    return "; ".join(sorted(told)) or None
