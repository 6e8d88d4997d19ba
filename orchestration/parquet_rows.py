"""Rows of a Parquet file as JSON records."""

import io
from collections.abc import Iterator

import polars as pl

from orchestration.containers import ContainerError
from orchestration.records import Record


def rows(content: io.BufferedReader) -> Iterator[Record]:
    """A record for every row; fractions, dates and times become text, so that nothing is lost."""
    whole = io.BytesIO(content.read())
    number = 0
    try:
        frame = pl.scan_parquet(whole)
        schema = frame.collect_schema()
        total = frame.select(pl.len()).collect().item()
        for start in range(0, total, 20_000):
            rows = frame.slice(start, 20_000).select(_as_text(name, dtype) for name, dtype in schema.items()).collect()
            lines = rows.write_ndjson().encode().splitlines()
            for line in lines:
                number += 1
                yield Record(number, line, line)
    except (pl.exceptions.PolarsError, OSError):
        raise ContainerError("broken_parquet") from None


def _as_text(name: str, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        return pl.col(name).dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("%:z" if dtype.time_zone else ""))
    if isinstance(dtype, pl.Float32 | pl.Float64):
        # Whole numbers become fractions where a column may be empty: order 7001 is no other than order 7001.0.
        return pl.col(name).cast(pl.String).str.strip_suffix(".0")
    if isinstance(dtype, pl.Decimal | pl.Date | pl.Time | pl.Categorical | pl.Enum):
        return pl.col(name).cast(pl.String)
    return pl.col(name)
