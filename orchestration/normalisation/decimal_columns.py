"""Columns of a table that are documented in minor units and written with decimals: in that table they are in major
units.

One value with a decimal point decides for its column, over the whole file, or member of an archive: 200.00 beside
159.90 is never two euros.
"""

import re
from collections.abc import Iterable

import msgspec

from orchestration.canonical.tables import TABLES
from orchestration.landing.formats import format_of
from orchestration.landing.record import Record
from orchestration.mapping.expressions import roots
from orchestration.mapping.model import Dialect, Stream
from orchestration.mapping.selects import Rows
from orchestration.mapping.values import Amount, Value

# What may hold tables, and nothing but them or, in an archive, other records too.
TABULAR = ("csv", "xlsx", "parquet", "zip")
_HAS_POINT = re.compile(r"\s*[+-]?\d*\.\d+\s*\Z")
# In Parquet the type of the column writes zeros behind the point: only a part of a unit shows what is meant.
_HAS_FRACTION = re.compile(r"\s*[+-]?\d*\.\d*[1-9]\d*\s*\Z")
_CELLS = msgspec.json.Decoder(dict[str, msgspec.Raw])


def is_in_minor_units(select: Rows, name: str, value: Value) -> bool:
    """The column of the select is read from an amount in minor units."""
    if isinstance(value, Amount) and value.unit != "major":
        return True
    return TABLES[select.table].column(name).kind == "money" and select.amounts != "major"


def fields_read(value: Value) -> frozenset[str]:
    """The fields of the record that a value is read from."""
    return frozenset(name.removeprefix("at:") for name in roots(value) if name.startswith("at:"))


def _minor_fields(dialect: Dialect) -> frozenset[str]:
    """The fields of a row that are read as amounts in minor units."""
    return frozenset(
        name
        for select in dialect.rows
        if select.each is None
        for column, value in select.columns.items()
        if is_in_minor_units(select, column, value)
        for name in fields_read(value)
    )


def columns_in_major_units(stream: Stream, file_name: str, blocks: Iterable[list[Record]]) -> dict[int, frozenset[str]]:
    """By the part of the file (0 where it is no archive) the columns of its table that hold a decimal point where they
    should be in minor units.

    Only what may hold tables is read for it; records of other forms, which an archive may hold beside tables, say
    nothing.
    """
    fields = frozenset().union(*map(_minor_fields, stream.dialects))
    form, _ = format_of(file_name)
    if not fields or form not in TABULAR:
        return {}
    decides = _HAS_FRACTION if form == "parquet" else _HAS_POINT
    found: dict[int, frozenset[str]] = {}
    for block in blocks:
        for record in block:
            if record.is_row and record.document is not None and b"." in record.document:
                found[record.part] = found.get(record.part, frozenset()) | _with_point(record.document, fields, decides)
    return found


def _with_point(document: bytes, fields: frozenset[str], decides: re.Pattern[str]) -> frozenset[str]:
    return frozenset(
        name for name, cell in _CELLS.decode(document).items() if name in fields and decides.match(_text(cell))
    )


def _text(cell: msgspec.Raw) -> str:
    return bytes(cell).decode("utf-8", "replace").strip('"')
