"""A build file begun anew loses nothing: what was archived is taken over, or nothing is published."""

import shutil
from collections.abc import Callable
from datetime import date

import duckdb
import pytest

from orchestration import pipeline
from orchestration.cli import main
from orchestration.config.settings import DateRange, Settings
from orchestration.job import ingest
from orchestration.loading import archived_deliveries
from orchestration.publishing import publish, sound_build_file
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import fingerprints
from tests.support.deliveries import EXPORT_DATES, checksum, land, order, row_counts_balance

pytestmark = pytest.mark.long


def archive(settings: Settings, export_date: str = EXPORT_DATES[0]) -> None:
    shutil.rmtree(settings.landing / "omnisend" / "events" / export_date)


def other_version(settings: Settings) -> None:
    """The build file was made by other code; its tables are as they are now."""
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("update internal.made_by set fingerprint = 'older code'")


def former_names(settings: Settings) -> None:
    """The build file is one of before some of its tables were called otherwise."""
    other_version(settings)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("alter table internal.duplicates rename to repeats")
        con.execute("alter table internal.changed_keys rename column change_key to tie")
        con.execute("alter table internal.changed_keys rename to touched")


def lost(settings: Settings) -> None:
    settings.build_file.unlink()


def changed_accounts(settings: Settings) -> None:
    settings.config.joinpath("accounts.csv").write_text("source,default_currency\nvoucherify,USD\n", encoding="utf-8")


def count(settings: Settings, table: str) -> int:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return con.execute(f"select count(*) from {table}").fetchall()[0][0]


def staged(settings: Settings) -> list[tuple[object, ...]]:
    """All events of staging but for when they came, and the bookings."""
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        events = con.execute("select * exclude (load_seq) from staging.events order by event_id").fetchall()
        loads = "select file_path, status, rows_read, rows_loaded, rows_duplicate from meta.loads where status <> 'superseded' order by 1"
        return events + con.execute(loads).fetchall()


@pytest.mark.parametrize("begin", [lost, other_version, former_names, changed_accounts])
def test_archived_deliveries_are_taken_over_into_a_build_file_begun_anew(
    published: Settings, begin: Callable[[Settings], None]
) -> None:
    before = checksum(published.published_file), staged(published)
    archive(published)
    begin(published)
    pipeline.run(
        Settings(
            data=published.data,
            options=published.options,
            accounts={("voucherify", "default"): {"default_currency": "USD"}},
        )
    )
    assert (checksum(published.published_file), staged(published)) == before
    assert row_counts_balance(published.published_file)
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        taken = con.execute("select file_path from meta.loads where is_taken_over").fetchall()
        assert taken == [(f"landing/omnisend/events/{EXPORT_DATES[0]}/a.ndjson",)]


@pytest.mark.parametrize("begin", [other_version, former_names])
def test_an_archived_duplicate_still_stands_in_for_the_first_when_that_is_withdrawn(
    published: Settings, begin: Callable[[Settings], None]
) -> None:
    land(published, "2026-06-03", "c.ndjson", order(1, "anna"))
    pipeline.run(published)
    archive(published, "2026-06-03")
    begin(published)
    pipeline.run(published)
    assert count(published, "internal.duplicates") == 1
    pipeline.run(published, choose=lambda _: False, withdraw=lambda found: str(found.export_date) == EXPORT_DATES[0])
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        rows = con.execute("select source_file from staging.events where event_id = 'event-1'").fetchall()
    assert rows == [("landing/omnisend/events/2026-06-03/c.ndjson",)]
    assert row_counts_balance(published.published_file)


def test_where_build_file_and_published_file_are_both_lost_a_kept_publication_knows_what_was_archived(
    published: Settings,
) -> None:
    before = checksum(published.published_file), staged(published)
    archive(published)
    lost(published)
    published.published_file.unlink()
    pipeline.run(published)
    assert (checksum(published.published_file), staged(published)) == before


def test_what_only_a_publication_that_was_taken_back_knows_is_taken_over(published: Settings) -> None:
    land(published, "2026-06-03", "c.ndjson", order(4, "cleo"))
    pipeline.run(published)
    before = checksum(published.published_file), staged(published)
    publish.rollback(published)
    archive(published, "2026-06-03")
    lost(published)
    pipeline.run(published)
    assert (checksum(published.published_file), staged(published)) == before
    assert row_counts_balance(published.published_file)


def test_a_full_refresh_takes_archived_deliveries_over_too_and_a_date_again_does(published: Settings) -> None:
    before = checksum(published.published_file)
    archive(published)
    pipeline.run(published, full_refresh=True)
    assert checksum(published.published_file) == before
    lost(published)
    second = date.fromisoformat(EXPORT_DATES[1])
    pipeline.run(published, dates=DateRange(second, second))
    assert checksum(published.published_file) == before


def test_what_cannot_be_taken_over_stops_the_run_by_name_until_the_loss_is_accepted(
    published: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = checksum(published.published_file)
    monkeypatch.setenv("C360_DATA", str(published.data))
    archive(published)
    published.published_file.chmod(0o644)
    with duckdb.connect(str(published.published_file)) as con:
        con.execute("alter table staging.events rename column event_type to kind_of_event")
    lost(published)
    for _ in range(2):
        assert main.main(["run"]) == 1
        assert f"landing/omnisend/events/{EXPORT_DATES[0]}/a.ndjson" in capsys.readouterr().err
    assert checksum(published.published_file) == before
    assert main.main(["run", "--without-archived"]) == 0
    assert count(published, "marts.fct_orders") == 1


class KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(
    "point", ["after_setting_aside", "after_taking_over", pytest.param("after_staging", marks=pytest.mark.slow)]
)
def test_a_run_that_is_killed_while_it_begins_anew_is_continued_without_loss(published: Settings, point: str) -> None:
    before = checksum(published.published_file)
    land(published, "2026-06-03", "c.ndjson", order(4, "cleo"))
    with pytest.MonkeyPatch.context() as patch:  # loaded, and never published
        patch.setattr(publish, "publish", lambda *_, **__: (_ for _ in ()).throw(KilledError))
        with pytest.raises(KilledError):
            pipeline.run(published)
    archive(published)
    archive(published, "2026-06-03")
    other_version(published)

    def die(name: str) -> None:
        if name == point:
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        for module in (ingest, sound_build_file):
            patch.setattr(module, "pass_point", die)
        with pytest.raises(KilledError):
            pipeline.run(published)
    assert checksum(published.published_file) == before
    assert pipeline.run(published).orders == 4
    assert not archived_deliveries.previous_file(published).exists()


def test_nothing_is_published_before_all_that_is_to_be_reloaded_is_loaded(published: Settings) -> None:
    lost(published)
    with pipeline.writing(published, "run", command="a part of the job") as warehouse, pytest.raises(OperatorError):
        pipeline.publish_if_new(published, warehouse, "run")


def test_a_file_that_was_withdrawn_stays_withdrawn_in_a_build_file_begun_anew(published: Settings) -> None:
    report = pipeline.run(
        published, choose=lambda _: False, withdraw=lambda found: str(found.export_date) == EXPORT_DATES[0]
    )
    assert (report.orders, report.published) == (1, True)
    lost(published)
    assert pipeline.run(published).orders == 1
    (published.landing / "omnisend" / "events" / EXPORT_DATES[0] / "a.ndjson").touch()
    assert pipeline.run(published).orders == 3


def test_a_withdrawal_that_is_killed_is_finished_by_the_next_run(published: Settings) -> None:
    def die(name: str) -> None:
        if name == "after_withdrawing":
            raise KilledError

    with pytest.MonkeyPatch.context() as patch:
        for module in (ingest, sound_build_file):
            patch.setattr(module, "pass_point", die)
        with pytest.raises(KilledError):
            pipeline.run(
                published, choose=lambda _: False, withdraw=lambda found: str(found.export_date) == EXPORT_DATES[0]
            )
    assert count(published, "marts.fct_orders") == 3
    assert pipeline.run(published).orders == 1


def test_other_versions_of_the_libraries_that_decide_staging_begin_a_build_file_anew(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = fingerprints.made_by(published)
    installed = fingerprints.metadata.version
    for name in fingerprints.LIBRARIES:
        monkeypatch.setattr(
            fingerprints.metadata, "version", lambda asked, name=name: installed(asked) + ("x" if asked == name else "")
        )
        assert fingerprints.made_by(published) != before
