"""Rows of a Parquet file as JSON records."""

import io
from collections.abc import Iterator
from typing import Any

import polars as pl

from orchestration.landing.containers import ContainerError
from orchestration.landing.record import Record

_TEXTS = (pl.Decimal, pl.Date, pl.Time, pl.Categorical, pl.Enum, pl.Int128, pl.UInt64)


def rows(content: io.BufferedReader) -> Iterator[Record]:
    """A record for every row; fractions, dates, times and bytes become text, so that nothing is lost."""
    whole = io.BytesIO(content.read())
    number = 0
    try:
        frame = pl.scan_parquet(whole)
        columns = [_plain(pl.col(name), dtype).alias(name) for name, dtype in frame.collect_schema().items()]
        total = frame.select(pl.len()).collect().item()
        for start in range(0, total, 20_000):
            for line in frame.slice(start, 20_000).select(columns).collect().write_ndjson().encode().splitlines():
                number += 1
                yield Record(number, line, line, is_row=True)
    # Polars panics at what it cannot do yet, such as a column of bytes: that is no `Exception`.
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError, TypeError):
        raise ContainerError("broken_parquet") from None


def _plain(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """A value such that JSON can hold it, at any depth."""
    if isinstance(dtype, pl.Struct):
        inner = [_plain(value.struct.field(part.name), _of(part.dtype)).alias(part.name) for part in dtype.fields]
        return pl.when(value.is_not_null()).then(pl.struct(inner)) if inner else value
    if isinstance(dtype, pl.Array):
        return _plain(value.arr.to_list(), pl.List(dtype.inner))
    if isinstance(dtype, pl.List):
        return value.list.eval(_plain(pl.element(), _of(dtype.inner)))
    if isinstance(dtype, pl.Datetime):
        return value.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f" + ("%:z" if dtype.time_zone else ""))
    if isinstance(dtype, pl.Duration):
        return value.dt.to_string("iso")
    if isinstance(dtype, pl.Float32 | pl.Float64):
        # Whole numbers become fractions where a column may be empty: order 7001 is no other than order 7001.0.
        return value.cast(pl.String).str.strip_suffix(".0")
    if isinstance(dtype, pl.Binary):
        return value.map_batches(_bytes_as_text, return_dtype=pl.String)
    return value.cast(pl.String) if isinstance(dtype, _TEXTS) else value


def _of(dtype: Any) -> pl.DataType:
    return dtype() if isinstance(dtype, type) else dtype


def _bytes_as_text(values: pl.Series) -> pl.Series:
    """Older writers do not mark texts as such; what is no text is shown by its digits."""
    try:
        return values.cast(pl.String)
    except pl.exceptions.ComputeError:
        return pl.Series(values.name, [value if value is None else _text(value) for value in values], dtype=pl.String)


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.hex()
