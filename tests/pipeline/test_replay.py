"""Rejected records, mended and loaded again, give what a right delivery would have given."""

from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import cli, pipeline
from orchestration.settings import Settings
from tests.pipeline.deliveries import books_balance, checksum, land, land_two_nights, order

pytestmark = pytest.mark.slow
NIGHT = "2026-06-03"


def rejected(settings: Settings) -> int:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        row = con.execute("select count(*) from meta.rejects").fetchone()
    assert row is not None
    return row[0]


def test_a_replay_after_a_mend_equals_a_run_that_was_right_the_first_time(published: Settings, tmp_path: Path) -> None:
    right = replace(published, data=tmp_path / "right")
    land_two_nights(right)
    for settings in (right, published):
        land(settings, NIGHT, "c.ndjson", order(4, "cleo"), order(5, "dora") if settings is right else '{"eventName": "placed order", "eventTime"')
        pipeline.run(settings)
    assert (rejected(right), rejected(published)) == (0, 1)
    land(published, NIGHT, "c.ndjson", order(4, "cleo"), order(5, "dora"))
    assert cli.main(["replay"]) == 0
    assert rejected(published) == 0
    assert checksum(published.published_file) == checksum(right.published_file)
    assert books_balance(published.published_file)
