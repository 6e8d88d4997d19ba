"""What the vendor tests share: records through the real normaliser, and golden files of what must come out.

A golden case is `tests/vendors/<vendor>/<case>.json`: `{"stream", "records"}`, or `{"stream", "file"}` with a file of the
same folder, and where they matter `export_date`, `file_name` and `account` (columns of accounts.csv); `traps` are the
numbers of the traps it holds, for docs/vendor_coverage.md. What it must give stands beside it in `<case>.expected.json`;
`pytest tests/vendors --update-goldens` writes that anew.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from orchestration.canonical.table_model import COMMON
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import formats
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.mapping.model import Stream
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser
from orchestration.vendors import discover
from tests.support.paths import GOLDENS

HERE = GOLDENS
EXPORT_DATE = date(2026, 3, 1)
LINEAGE = frozenset(column.name for column in COMMON) - {"source_record_id", "source_row", "extra"} | {"alias_id"}


@dataclass
class Outcome:
    """A file's canonical rows and accounting, and what the decoder saw of it."""

    normalised: Normalised
    drift: dict[tuple[str, str, str, str], int]
    dialects: dict[str, int]
    coverage: dict[tuple[str, str], int]

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Rows of a table as dictionaries of what is not null, lineage left out."""
        frame = self.normalised.frame(table)
        return [
            {name: value for name, value in row.items() if value is not None and name not in LINEAGE}
            for row in frame.iter_rows(named=True)
        ]

    def row(self, table: str) -> dict[str, Any]:
        """The only row of a table."""
        [only] = self.rows(table)
        return only

    @property
    def issues(self) -> list[tuple[str, str, str]]:
        """(field, code, value given) of everything that was repaired, set to null or kept with a doubt."""
        return [(issue.field, issue.code, issue.given) for issue in self.normalised.issues]

    @property
    def rejects(self) -> list[tuple[int, str, str | None]]:
        """(row number, reason, field) of every rejected record."""
        return [(reject.number, reject.reason, reject.field) for reject in self.normalised.rejects]


def normalise(
    vendor: str,
    stream: str,
    records: Sequence[Mapping[str, Any] | bytes] | bytes,
    *,
    file_name: str = "export.ndjson",
    export_date: date = EXPORT_DATE,
    **account: str,
) -> Outcome:
    """Records (as values or as bytes), or the bytes of a whole file, through the vendor's module."""
    described = discover()[vendor]
    source_file = f"landing/{vendor}/{stream}/{export_date}/{file_name}"
    shape = described.streams[stream]
    origin = Origin(
        replace(Settings(HERE).account(described), **account),
        stream,
        export_date,
        source_file,
        load_seq=1,
        file_value=_file_value(shape, file_name),
    )
    normaliser = Normaliser(described, origin, Bounds())
    is_file = isinstance(records, bytes)
    given = (
        _records_of_file(records, shape, file_name)
        if is_file
        else [_record(number, record) for number, record in enumerate(records, 1)]
    )
    normaliser.major_fields = columns_in_major_units(shape, file_name, [given]) if is_file else {}
    normalised = normaliser.block(given)
    assert normalised.rows_read == normalised.rows_loaded + normalised.rows_rejected + normalised.rows_duplicate
    decoder = normaliser.decoder
    return Outcome(normalised, dict(decoder.drift), dict(decoder.dialect_records), dict(decoder.coverage))


def _file_value(stream: Stream, file_name: str) -> str | None:
    found = re.search(stream.file_value, file_name) if stream.file_value else None
    return found.group(1) if found else None


def _record(number: int, record: Mapping[str, Any] | bytes) -> Record:
    document = record if isinstance(record, bytes) else msgspec.json.encode(record)
    return Record(number, document, document)


def _records_of_file(content: bytes, stream: Stream, file_name: str) -> list[Record]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / file_name
        path.write_bytes(content)
        file = LandedFile(EXPORT_DATE, "", stream.name, file_name, path, len(content), 0, is_full=False)
        blocks = formats.blocks(file, path.parent, Options(), stream)
        return [record for block in blocks for record in block]


def documents_of(content: bytes, stream: Stream, file_name: str) -> list[bytes]:
    """The records of a file as JSON texts."""
    return [record.document for record in _records_of_file(content, stream, file_name) if record.document is not None]


def lost_leaves(outcome: Outcome, record: Mapping[str, Any]) -> set[str]:
    """Paths of the record's values that no staging row holds, be it in a column or in `extra`; give every field a value of its own."""
    held = _shown({table: outcome.rows(table) for table in outcome.normalised.frames}).lower()
    return {path for path, value in _leaves(record, "") if not any(form in held for form in _forms(value))}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, f"{path}[]")
    elif value is not None:
        yield path, value


def _forms(value: Any) -> tuple[str, ...]:
    """How a value may be written in staging: as given, as a time in UTC, or as an element of a JSON text."""
    text = json.dumps(value) if isinstance(value, bool | int | float) else str(value).strip()
    return text.lower(), text.lower().replace("+00:00", "z")


# -- golden files --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Golden:
    """A case on disk and what it must give."""

    vendor: str
    path: Path

    @property
    def stream(self) -> str:
        return str(json.loads(self.path.read_bytes())["stream"])

    @property
    def expected_path(self) -> Path:
        return self.path.with_suffix(".expected.json")

    def outcome(self, export_date: date | None = None) -> Outcome:
        """What the case gives, also had it been delivered on another export date than its own."""
        case = json.loads(self.path.read_bytes())
        content = (
            (self.path.parent / case["file"]).read_bytes()
            if "file" in case
            else [msgspec.json.encode(record) for record in case["records"]]
        )
        return normalise(
            self.vendor,
            case["stream"],
            content,
            file_name=case.get("file_name", case.get("file", "export.ndjson")),
            export_date=export_date or date.fromisoformat(case.get("export_date", str(EXPORT_DATE))),
            **case.get("account", {}),
        )

    def actual(self) -> dict[str, Any]:
        return json.loads(_shown(_summary(self.outcome())))

    def expected(self) -> dict[str, Any] | None:
        return json.loads(self.expected_path.read_bytes()) if self.expected_path.exists() else None

    def update(self) -> None:
        self.expected_path.write_text(_shown(_summary(self.outcome())) + "\n", encoding="utf-8")


def goldens() -> list[Golden]:
    """Every case of every vendor."""
    cases = sorted(path for path in HERE.glob("*/*.json") if not path.name.endswith(".expected.json"))
    return [Golden(path.parent.name, path) for path in cases]


def _summary(outcome: Outcome) -> dict[str, Any]:
    normalised = outcome.normalised
    summary: dict[str, Any] = {
        "rows": {
            "read": normalised.rows_read,
            "loaded": normalised.rows_loaded,
            "rejected": normalised.rows_rejected,
            "duplicate": normalised.rows_duplicate,
        },
        "dialects": outcome.dialects,
        "rejects": [list(reject) for reject in outcome.rejects],
        "issues": [list(issue) for issue in outcome.issues],
        "drift": sorted([*key, count] for key, count in outcome.drift.items()),
        "tables": {table: outcome.rows(table) for table in sorted(normalised.frames)},
    }
    return {key: value for key, value in summary.items() if value}


def _shown(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return str(value)
