"""`c360 rejects`: why records were rejected: counts, what to do, and one example with its values masked."""

import argparse
import json
import re
from typing import Any, NamedTuple

import duckdb

from orchestration.canonical.reason_codes import ERASED, FILE_REASONS, RECORD_REASONS
from orchestration.cli import nightly_run, output
from orchestration.config import accounts
from orchestration.config.settings import Settings
from orchestration.runtime.redaction import shown_name, without_contacts
from orchestration.runtime.wording import counted
from orchestration.warehouse import read_only

SHOWN = 160
COUNTS = (
    "select count(*) filter (reason_code not in $1), count(*) filter (reason_code in $1) from meta.rejects where"
    " reason_code <> $2"
)
REASONS = """
select
    source, source_account, stream, reason_code, field, count(*) as rows, any_value(file_path) as file_path, any_value(row_number) as row_number,
    any_value(raw) as raw
from (from meta.rejects order by export_date desc, file_path, row_number)
where ($source is null or source = $source) and ($account is null or source_account = $account)
group by source, source_account, stream, reason_code, field
order by rows desc, source, source_account, stream, reason_code, field
"""

NAMES = (
    "source",
    "source_account",
    "stream",
    "reason_code",
    "field",
    "records",
    "example_file",
    "example_record",
    "example",
)


class Counts(NamedTuple):
    """Rejected records, and files of which nothing could be read."""

    records: int
    files: int

    def __str__(self) -> str:
        named = (counted(self.records, "record"), *([counted(self.files, "whole file")] if self.files else []))
        return " and ".join(named)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--source",
        type=nightly_run.feed,
        default=(None, None),
        metavar="VENDOR[@ACCOUNT]",
        help="of one vendor, or of one account of it, only",
    )
    parser.add_argument("--json", action="store_true", help="the same for machines")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Shows every reason once, the most frequent first."""
    with read_only.newest(settings) as con:
        found = _reasons(con, *given.source)
    if given.json:
        output.objects(NAMES, ((*row[:6], shown_name(row[6]), row[7], masked(row[8])) for row in found))
        return 0
    if not found:
        output.say("No record is rejected.")
    for source, account, stream, reason, field, count, path, row, raw in found:
        at = f" at `{field}`" if field else ""
        output.say(f"{count:,} × {reason}{at} in {accounts.feed(source, account)}/{stream}")
        output.say(f"    {(RECORD_REASONS | FILE_REASONS).get(reason, '')}")
        output.say(f"    for example {shown_name(path)}" + (f", record {row}: {masked(raw)}\n" if row else "\n"))
    if any(reason != ERASED for _, _, _, reason, *_ in found):
        output.say("Once the cause is fixed, `c360 replay` loads them again.")
    return 0


def counts(con: duckdb.DuckDBPyConnection) -> Counts:
    """How much is rejected just now and waits for somebody to fix the cause; of those who were erased nothing does."""
    row = con.execute(COUNTS, [list(FILE_REASONS), ERASED]).fetchone()
    assert row is not None
    return Counts(*row)


def masked(raw: bytes | str | None) -> str:
    """A record with its keys readable and its values masked: letters become x, digits 9."""
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw or ""
    try:
        text = json.dumps(_masked_value(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        text = _mask(text)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _masked_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {without_contacts(key): _masked_value(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked_value(inner) for inner in value[:2]]
    if value is None or isinstance(value, bool):
        return value
    return _mask(str(value))


def _mask(text: str) -> str:
    return re.sub(r"\d", "9", re.sub(r"[^\W\d_]", "x", text[: 4 * SHOWN]))


def _reasons(con: duckdb.DuckDBPyConnection, source: str | None, account: str | None) -> list[tuple[Any, ...]]:
    return con.execute(REASONS, {"source": source, "account": account}).fetchall()
