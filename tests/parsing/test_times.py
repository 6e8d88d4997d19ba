"""Times are instants in UTC, or null; a zone that was assumed is said to be."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.parsing import times

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Kathmandu",
)
MOMENTS = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30))  # noqa: DTZ001 - wall clock times; Polars knows clock changes to 2099


def read(values, *arguments, **options):
    frame = pl.DataFrame({"given": values}, schema={"given": pl.String}).select(
        read=times.time(pl.col("given"), *arguments, **options)
    )
    return [(row["value"], row["is_zone_inferred"]) for row in frame["read"].to_list()]


@given(st.lists(st.tuples(MOMENTS, st.integers(-14 * 60, 14 * 60), st.sampled_from("T ")), min_size=1, max_size=10))
def test_iso_times_are_what_fromisoformat_reads(moments):
    texts = [
        moment.replace(tzinfo=UTC).astimezone(ZoneInfo("UTC")).isoformat(separator)[:-6] + offset(minutes)
        for moment, minutes, separator in moments
    ]
    assert read(texts) == [(datetime.fromisoformat(text).astimezone(UTC), False) for text in texts]


def offset(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


@given(st.lists(MOMENTS, min_size=1, max_size=10), st.sampled_from(ZONES))
def test_a_time_without_a_zone_is_in_the_given_one_the_earlier_where_clocks_show_it_twice(moments, zone):
    expected = [(moment.replace(tzinfo=ZoneInfo(zone), fold=0).astimezone(UTC), True) for moment in moments]
    assert read([moment.isoformat() for moment in moments], times.ISO, zone) == expected


@settings(max_examples=50)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=10))
def test_no_text_raises_and_every_reading_is_plausible(texts):
    for value, is_inferred in read(texts, (*times.ODP_TIME_FORMATS, "epoch_ms")):
        assert (value is None) == (is_inferred is None)
        assert value is None or 1990 <= value.year <= 2100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2014-11-01T15:34:35+00:00", "2014-11-01T15:34:35Z"),
        ("2014-11-01T15:34:35+00", "2014-11-01T15:34:35Z"),
        ("2018-09-10T21:07:10-05:00", "2018-09-11T02:07:10Z"),
        ("2018-09-10T21:07:10-0530", "2018-09-11T02:37:10Z"),
        ("2021-04-08t11:50:07,466z", "2021-04-08T11:50:07.466Z"),
        ("2024-05-01 10:00 UTC", "2024-05-01T10:00:00Z"),
        ("2024-05-01T10:00:00.123456789Z", "2024-05-01T10:00:00.123456Z"),
    ],
)
def test_the_looser_kin_of_rfc_3339_are_read(text, expected):
    assert read([text]) == [(datetime.fromisoformat(expected), False)]


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-30T10:00:00Z",
        "2024-05-01T24:00:00Z",
        "2024-05-01T10:00:60Z",
        "0009-01-14T13:34:00Z",
        "9999-12-31T00:00:00Z",
        "09/01/14 13:34",
        "20240501",
        "157272110",
    ],
)
def test_what_is_no_time_of_our_age_is_null(text):
    assert read([text]) == [(None, None)]


@pytest.mark.parametrize(
    ("text", "expected"), [("1572721108", "2019-11-02T18:58:28Z"), ("1572721108123", "2019-11-02T18:58:28.123Z")]
)
def test_seconds_or_milliseconds_in_place_of_a_date_are_read_and_flagged_as_a_guess(text, expected):
    assert read([text]) == [(datetime.fromisoformat(expected), True)]


@pytest.mark.parametrize(
    "text",
    [
        "1409578440",
        "2014-09-01T13:34:00Z",
        "2014-09-01 13:34:00+00:00",
        "2014-09-01 13:34:00",
        "09/01/14 13:34",
        "09/01/14 13:34:00",
        "09/01/2014 13:34:00",
        "09/01/2014 13:34",
        "9/1/2014 13:34",
    ],
)
def test_odp_imports_write_one_time_in_nine_ways(text):
    assert read([text], times.ODP_TIME_FORMATS)[0][0] == datetime(2014, 9, 1, 13, 34, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2014-09-01", "09/01/2014", "09/01/14"])
def test_a_bare_date_is_at_the_hour_the_vendor_means(text):
    assert read([text], times.ODP_TIME_FORMATS) == [(datetime(2014, 9, 1, tzinfo=UTC), True)]
    assert read([text], times.ODP_TIME_FORMATS, date_hour=12) == [(datetime(2014, 9, 1, 12, tzinfo=UTC), True)]


def test_epochs_are_reported_apart_by_what_is_plausible():
    formats = ("epoch_s", "epoch_ms")
    assert read(["1572721108", "1572721108123", "1572721108.5", "1.572721108e9", "12"], formats) == [
        (datetime(2019, 11, 2, 18, 58, 28, tzinfo=UTC), False),
        (datetime(2019, 11, 2, 18, 58, 28, 123000, tzinfo=UTC), False),
        (datetime(2019, 11, 2, 18, 58, 28, 500000, tzinfo=UTC), False),
        (datetime(2019, 11, 2, 18, 58, 28, tzinfo=UTC), False),
        (None, None),
    ]


def test_a_day_that_a_country_skipped_is_reported_by_the_clock_before():
    assert read(["2011-12-30T10:00:00"], times.ISO, "Pacific/Apia") == [(datetime(2011, 12, 30, 20, tzinfo=UTC), True)]


def test_dates_are_as_written_and_never_moved_by_a_zone():
    texts = [
        "1984-04-22",
        "1984-04-22T23:30:00-05:00",
        "22/04/1984",
        "1984-02-30",
        "0009-01-01",
        "2201-01-01",
        "1984-04-22T25:00",
        "",
        None,
    ]
    frame = pl.DataFrame({"given": texts}).select(read=times.date(pl.col("given"), ("%d/%m/%Y",)))
    assert frame["read"].to_list() == [date(1984, 4, 22)] * 3 + [None] * 6


@given(st.dates(date(1850, 1, 1), date(2200, 12, 31)))
def test_every_iso_date_of_the_window_is_read(day):
    assert pl.DataFrame({"given": [day.isoformat()]}).select(times.date(pl.col("given"))).item() == day


def test_an_hour_that_clocks_skip_is_an_hour_later():
    assert read(["2024-03-10T02:30:00"], times.ISO, "America/New_York") == [
        (datetime(2024, 3, 10, 7, 30, tzinfo=UTC), True)
    ]
