"""What is older than the settings allow goes, with a receipt; by default nothing does."""

import argparse
import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from orchestration import pipeline
from orchestration.cli import forget
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.job import erase
from orchestration.privacy import erasing
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from tests.privacy.conftest import copied
from tests.support.deliveries import land, order, row_counts_balance

SECRET = b"a secret of this test"
DAY = datetime.now(UTC)
# A year ago somebody bought last; yesterday somebody else did.
LONG_AGO, YESTERDAY = ((DAY - timedelta(days=days)).date().isoformat() for days in (365, 1))


def at(day: str) -> str:
    return f"{day}T10:00:00Z"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, one of whom did nothing for a year, and a line that cannot be read in each delivery."""
    settings = of(tmp_path_factory.mktemp("retention") / "data")
    land(settings, LONG_AGO, "old.ndjson", order(1, "anna", time=at(LONG_AGO)), "no json of the past")
    land(settings, YESTERDAY, "new.ndjson", order(2, "ben", total=20, time=at(YESTERDAY)), "no json of today")
    assert pipeline.run(settings).published
    return settings.data


@pytest.fixture
def settings(built: Path, tmp_path: Path) -> Settings:
    return of(copied(built, tmp_path).data)


def of(data: Path, **limits: int) -> Settings:
    options = Options(free_disk_bytes=0, reject_share=1, hold_back_share=1, **limits)
    return Settings(data=data, options=options, secret=SECRET)


def limited(settings: Settings, **limits: int) -> Settings:
    return dataclasses.replace(settings, options=msgspec.structs.replace(settings.options, **limits))


def rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return con.execute(query).fetchall()


REVENUE = "select order_date, sum(net_amount) from marts.fct_orders group by all order by all"


@pytest.mark.slow
def test_by_default_everything_is_kept(settings: Settings) -> None:
    assert pipeline.run(settings).published is False
    assert list(erasing.receipts(settings)) == []
    assert len(list(settings.landing.rglob("*.ndjson"))) == 2


@pytest.mark.slow
def test_old_deliveries_and_what_was_rejected_in_them_go_and_their_rows_stay(settings: Settings) -> None:
    revenue = rows(settings, REVENUE)
    mine = limited(settings, keep_landing_days=30, keep_reject_days=30)
    pipeline.run(mine)
    assert [path.name for path in settings.landing.rglob("*.ndjson")] == ["new.ndjson"]
    assert rows(mine, "select export_date, reason_code is not null, raw <> '' from meta.rejects order by 1") == [
        (datetime.fromisoformat(LONG_AGO).date(), True, False),
        (datetime.fromisoformat(YESTERDAY).date(), True, True),
    ]
    for path in (mine.published_file, mine.build_file):
        assert b"no json of the past" not in path.read_bytes()
        assert b"no json of today" in path.read_bytes()
    assert rows(mine, REVENUE) == revenue
    assert row_counts_balance(mine.published_file)
    [receipt] = erasing.receipts(mine)
    assert (receipt["by"], receipt["deliveries_deleted"], receipt["rejects_emptied"]) == ("retention", 1, 1)
    assert receipt["limits_in_days"] == {"keep_landing_days": 30, "keep_reject_days": 30}
    # What lands next with the same content was not moved from there: the rows stay.
    land(mine, YESTERDAY, "same.ndjson", order(1, "anna", time=at(LONG_AGO)), "no json of the past")
    pipeline.run(mine)
    assert rows(mine, "select count(*) from meta.loads where status = 'superseded'") == [(0,)]
    # Another run finds nothing more to do, and a build file begun anew keeps what was loaded.
    pipeline.run(mine)
    assert len(list(erasing.receipts(mine))) == 1
    pipeline.run(mine, full_refresh=True)
    assert rows(mine, REVENUE) == revenue


def die_while_rejects_are_emptied(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(point: str) -> None:
        if point == "after_emptying_rejects":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erase, "pass_point", die)
        with pytest.raises(KeyboardInterrupt):
            pipeline.run(settings)


@pytest.mark.long
@pytest.mark.parametrize("lands_more", [False, True])
def test_a_run_that_dies_while_rejects_are_emptied_is_made_good_by_the_next(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, *, lands_more: bool
) -> None:
    mine = limited(settings, keep_reject_days=30)
    die_while_rejects_are_emptied(mine, monkeypatch)
    if lands_more:
        land(mine, YESTERDAY, "more.ndjson", order(3, "cleo", total=30, time=at(YESTERDAY)))
    pipeline.run(mine)
    for path in (mine.published_file, mine.build_file):
        assert b"no json of the past" not in path.read_bytes()
        assert b"no json of today" in path.read_bytes()
    [receipt] = erasing.receipts(mine)
    assert (receipt["by"], receipt["rejects_emptied"]) == ("retention", 1)
    pipeline.run(mine)
    assert len(list(erasing.receipts(mine))) == 1


@pytest.mark.long
def test_what_a_run_began_to_empty_is_emptied_although_the_limit_is_off_since(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_while_rejects_are_emptied(limited(settings, keep_reject_days=30), monkeypatch)
    pipeline.run(settings)
    for path in (settings.published_file, settings.build_file):
        assert b"no json of the past" not in path.read_bytes()
    assert [receipt["rejects_emptied"] for receipt in erasing.receipts(settings)] == [1]


@pytest.mark.long
def test_nothing_is_thrown_away_while_a_rollback_stands_for_that_would_publish_what_was_taken_back(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land(settings, YESTERDAY, "wrong.ndjson", order(3, "cleo", total=3000, time=at(YESTERDAY)))
    pipeline.run(settings)
    publish.rollback(settings)
    revenue = rows(settings, REVENUE)
    mine = limited(settings, keep_reject_days=30)
    pipeline.run(mine)
    assert rows(mine, REVENUE) == revenue
    assert list(erasing.receipts(mine)) == []
    asked = argparse.ArgumentParser()
    forget.arguments(asked)
    assert forget.execute(mine, asked.parse_args(["--email", "ben@mail.test.example.com", "--dry-run"])) == 0
    assert "What was taken back by `c360 rollback`" in capsys.readouterr().out
    land(settings, YESTERDAY, "wrong.ndjson", order(3, "cleo", total=30, time=at(YESTERDAY)))
    pipeline.run(mine)
    assert rows(mine, REVENUE) != revenue
    assert [receipt["rejects_emptied"] for receipt in erasing.receipts(mine)] == [1]


@pytest.mark.slow
def test_whoever_did_nothing_for_too_long_is_erased_and_their_orders_stay(settings: Settings) -> None:
    revenue = rows(settings, REVENUE)
    mine = limited(settings, keep_inactive_days=180)
    report = pipeline.run(mine)
    assert report.customers == 1
    assert rows(mine, "select email from marts.dim_customers") == [("ben@mail.test.example.com",)]
    assert rows(mine, REVENUE) == revenue
    for path in (*mine.data.rglob("*.ndjson"), mine.published_file, mine.build_file):
        assert b"anna@" not in path.read_bytes()
    [receipt] = erasing.receipts(mine)
    assert receipt["people"] == 1
    assert receipt["by"].startswith("retention")
    assert "anna" not in json.dumps(receipt)
    # Whoever comes back later is somebody new, with the same address.
    tomorrow = (DAY + timedelta(days=1)).date().isoformat()
    land(mine, tomorrow, "later.ndjson", order(3, "anna", time=at(tomorrow)))
    assert pipeline.run(mine).customers == 2


@pytest.mark.slow
def test_an_earlier_publication_goes_when_it_is_older_than_the_setting_says(settings: Settings) -> None:
    land(settings, YESTERDAY, "more.ndjson", order(4, "cleo", time=at(YESTERDAY)))
    assert pipeline.run(settings).published
    earlier, _ = sorted(settings.publications.iterdir())
    note = earlier / "publication.json"
    note.write_text(json.dumps(json.loads(note.read_bytes()) | {"published_at": "2026-01-01T00:00:00+00:00"}), encoding="utf-8")  # fmt: skip
    mine = limited(settings, keep_publication_days=30)
    pipeline.run(mine)
    assert not earlier.exists()
    [receipt] = erasing.receipts(mine)
    assert receipt["publications_dropped"] == 1


def test_people_are_not_erased_by_themselves_without_a_secret(tmp_path: Path) -> None:
    settings = dataclasses.replace(of(tmp_path / "data", keep_inactive_days=10), secret=None)
    settings.landing.mkdir(parents=True)
    with pytest.raises(OperatorError, match="without a secret"):
        pipeline.run(settings)
