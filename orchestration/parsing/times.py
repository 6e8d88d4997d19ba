"""Text columns into dates and instants in UTC, by the formats given; a zone that was assumed is said to be."""

from functools import partial

import polars as pl

from orchestration.parsing.numbers import plain_numbers
from orchestration.parsing.text import clean, stepwise

ISO: tuple[str, ...] = ("iso", "iso_date", "epoch")

# The nine formats of ODP's CSV import (developer.zaius.com, "CSV Upload"): epoch seconds, ISO 8601 with or without
# zone, and US dates, month first, year in two or four digits, with or without seconds or time; without a time it is 12
# AM UTC.
ODP_TIME_FORMATS: tuple[str, ...] = (
    "epoch_s",
    "iso",
    "iso_date",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%m/%d/%y %H:%M:%S",
    "%m/%d/%y %H:%M",
    "%m/%d/%Y",
    "%m/%d/%y",
)
_ISO_TIME = (
    r"^(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt"
    r" ](?P<time>(?:[01][0-9]|2[0-3]):[0-5][0-9])(?::(?P<second>[0-5][0-9])(?:[.,](?P<fraction>[0-9]+))?)?"
    r" ?(?:(?P<utc>[Zz]|UTC|GMT)|(?P<sign>[+-])(?P<hours>[01][0-9]|2[0-3])(?::?(?P<minutes>[0-5][0-9]))?)?$"
)
# Of whole seconds in UTC, as most are written: read in a fifth of the time.
_USUAL_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z$"
_TIME = pl.Struct({"value": pl.Datetime("us", "UTC"), "is_zone_inferred": pl.Boolean})
_EARLIEST_TIME, _LATEST_TIME = pl.datetime(1990, 1, 1, time_zone="UTC"), pl.datetime(2101, 1, 1, time_zone="UTC")


def date(expr: pl.Expr, formats: tuple[str, ...] = ()) -> pl.Expr:
    """DATE as written (never moved by a zone): ISO date, the date of an ISO time, then `formats` in order; null outside
    1850..2200."""
    text = clean(expr)
    iso = pl.coalesce(text.str.extract(r"^([0-9]{4}-[0-9]{2}-[0-9]{2})$"), text.str.extract(_ISO_TIME)).str.to_date(
        "%Y-%m-%d", strict=False
    )
    candidates = [iso, *(text.str.to_date(form, strict=False) for form in formats)]
    return pl.coalesce(pl.when(day.dt.year().is_between(1850, 2200)).then(day) for day in candidates)


def time(expr: pl.Expr, formats: tuple[str, ...] = ISO, zone: str = "UTC", *, date_hour: int = 0) -> pl.Expr:
    """struct{value: Datetime(us, UTC), is_zone_inferred}: the first of `formats` that reads the text as a time in
    1990..2100.

    A format is `iso` (RFC 3339 and its looser kin: blank for T, no seconds, `Z`, `+00:00`, `+0000`, `+00` or no zone),
    `iso_date`, `epoch_s`, `epoch_ms`, `epoch` (seconds or milliseconds by the number of digits, which is a guess and
    flagged as one), or a strftime pattern. A time without a zone is taken to be in `zone`, one that
    clocks show twice as the earlier, one they skip as if they had not been put forward; a bare date is at `date_hour`.
    """
    return clean(expr).map_batches(
        partial(_first_plausible, formats=formats, zone=zone, date_hour=date_hour),
        return_dtype=_TIME,
        is_elementwise=True,
    )


def _first_plausible(texts: pl.Series, *, formats: tuple[str, ...], zone: str, date_hour: int) -> pl.Series:
    """A format is asked only where those before it left something to be read."""
    frame = texts.to_frame("text")
    read: pl.DataFrame | None = None
    for form in formats:
        reading = (
            _iso_times(frame, zone=zone)
            if form == "iso"
            else frame.select(_reading(pl.col("text"), form, zone=zone, date_hour=date_hour)).to_series()
        )
        is_plausible = pl.col("value").is_between(_EARLIEST_TIME, _LATEST_TIME, closed="left")
        plausible = reading.struct.unnest().select(pl.when(is_plausible).then(pl.all()))
        read = (
            plausible
            if read is None
            else read.select(pl.coalesce(pl.col(name), plausible.get_column(name)) for name in read.columns)
        )
        if read["value"].null_count() == texts.null_count():
            break
    assert read is not None
    return read.to_struct()


def _reading(text: pl.Expr, form: str, *, zone: str, date_hour: int) -> pl.Expr:
    """struct{value, is_zone_inferred} of the text in one format, null where it does not read so."""
    if form in ("epoch_s", "epoch_ms"):
        places = pl.lit(6 if form == "epoch_s" else 3, pl.Int64)
        micros = (
            stepwise(plain_numbers, pl.String, text=text, places=places)
            .str.extract(r"^([+-]?[0-9]+)")
            .cast(pl.Int64, strict=False)
        )
        return pl.struct(value=micros.cast(pl.Datetime("us", "UTC")), is_zone_inferred=False)
    if form == "epoch":
        seconds = text.str.extract(r"^([0-9]{10})(?:[0-9]{3})?$").cast(pl.Int64, strict=False)
        millis = text.str.extract(r"^[0-9]{10}([0-9]{3})$").cast(pl.Int64, strict=False).fill_null(0)
        return pl.struct(
            value=(seconds * 1_000_000 + millis * 1_000).cast(pl.Datetime("us", "UTC")), is_zone_inferred=True
        )
    if "%z" in form or "%:z" in form or "%#z" in form:
        return pl.struct(
            value=text.str.to_datetime(form, time_unit="us", time_zone="UTC", strict=False), is_zone_inferred=False
        )
    if form == "iso_date":
        naive = text.str.extract("^([0-9]{4}-[0-9]{2}-[0-9]{2})$").str.to_date("%Y-%m-%d", strict=False).cast(
            pl.Datetime("us")
        ) + pl.duration(hours=date_hour)
    elif "%H" in form or "%I" in form:
        naive = text.str.to_datetime(form, time_unit="us", strict=False)
    else:
        naive = text.str.to_date(form, strict=False).cast(pl.Datetime("us")) + pl.duration(hours=date_hour)
    return pl.struct(value=_in_zone(naive, zone), is_zone_inferred=True)


def _iso_times(frame: pl.DataFrame, *, zone: str) -> pl.Series:
    text = pl.col("text")
    if frame.select(text.str.contains(_USUAL_TIME).all()).item():
        value = text.str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us", strict=False).dt.replace_time_zone("UTC")
        return frame.select(value=value, is_zone_inferred=pl.lit(value=False)).to_struct()
    parts = frame.select(pl.col("text").str.extract_groups(_ISO_TIME)).to_series().struct.unnest()
    fraction = pl.concat_str(pl.col("fraction").fill_null(""), pl.lit("000000")).str.slice(0, 6)
    whole = pl.concat_str(
        "date", pl.lit("T"), "time", pl.lit(":"), pl.col("second").fill_null("00"), pl.lit("."), fraction
    )
    minutes = pl.col("hours").cast(pl.Int64) * 60 + pl.col("minutes").cast(pl.Int64).fill_null(0)
    staged = parts.select(
        naive=whole.str.to_datetime("%Y-%m-%dT%H:%M:%S%.6f", time_unit="us", strict=False),
        offset=pl.when(pl.col("utc").is_not_null())
        .then(0)
        .when(pl.col("sign") == "-")
        .then(-minutes)
        .otherwise(minutes),
    )
    reported = (pl.col("naive") - pl.duration(minutes="offset")).dt.replace_time_zone("UTC")
    is_naive = pl.col("offset").is_null()
    naive = pl.when(is_naive).then("naive")
    return staged.select(
        value=pl.when(is_naive).then(_in_zone(naive, zone)).otherwise(reported), is_zone_inferred=is_naive
    ).to_struct()


def _in_zone(naive: pl.Expr, zone: str) -> pl.Expr:
    """UTC of a wall clock time; no gap is longer than a day (Samoa skipped one in 2011), so a day and two hours earlier
    the clock showed it."""
    reported = naive.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null").dt.convert_time_zone("UTC")
    before = pl.duration(hours=26)
    skipped = (naive - before).dt.replace_time_zone(zone, ambiguous="latest", non_existent="null").dt.convert_time_zone(
        "UTC"
    ) + before
    return pl.coalesce(reported, skipped)
