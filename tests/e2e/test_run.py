"""The job as a whole: what a run does, does not do, and leaves as it was."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import msgspec
import pytest

from orchestration import pipeline
from orchestration.cli import doctor, main, nightly_run
from orchestration.config.options import Options
from orchestration.config.settings import DateRange, Settings
from orchestration.loading.loader import Warehouse
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import dbt_process
from orchestration.warehouse import fingerprints, read_only
from tests.support.deliveries import EXPORT_DATES, checksum, hide, land, order, row_counts_balance
from tests.support.small_installation import PROJECT, c360

pytestmark = pytest.mark.long

FIRST_EXPORT_DATE = DateRange(date.fromisoformat(EXPORT_DATES[0]), date.fromisoformat(EXPORT_DATES[0]))

# A model with rows that break everything that can be promised of rows, and what is to be reported of them.
BROKEN = """
select *
from (
    values
        (1, 'Anna', -1, 2.0, 'odd', ' ', true, date '2026-01-01', date '2026-01-03'),
        (1, 'Anna', null, 0.5, 'good', 'x', true, date '2026-01-02', null),
        (null, null, 1, null, null, null, null, date '2026-01-05', date '2026-01-04')
) as broken(id, person, amount, share, state, note, is_current, valid_from, valid_to)
"""
PROMISES = """
models:
  - name: broken
    data_tests:
      - checks:
          name: checks_broken
          arguments:
            key: [id]
            unique: [person]
            not_null: [amount, state]
            not_empty: [note]
            at_least: {amount: 0}
            between: {share: [0, 1]}
            accepted:
              state: [good, better]
            references:
              - {column: person, to: ref('dim_customers'), field: customer_id}
            holds:
              - amount > 0 or state <> 'odd'
              - valid_from < '2027-01-01'
            same: [state]
            one_row: [amount > 100]
            one_current: {columns: [id], flag: is_current}
            periods: {columns: [id], valid_from: valid_from, valid_to: valid_to}
"""
BROKEN_CHECKS = (
    "amount is below 0 (1 row)",
    "amount is null (1 row)",
    "id is no key (2 rows)",
    "is_current is true more than once (1 row)",
    "not (amount > 0 or state <> 'odd') (1 row)",
    "note is empty (1 row)",
    "one row of (amount > 100) (1 row)",
    "person is not in dim_customers (2 rows)",
    "person is not unique (1 row)",
    "share is not between 0 and 1 (1 row)",
    "state is none of its values (1 row)",
    "state is not the same in every row (1 row)",
    "state is null (1 row)",
    "valid_from to valid_to overlap (2 rows)",
)


def count(settings: Settings, table: str) -> int:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        row = con.execute(f"select count(*) from {table}").fetchone()
    assert row is not None
    return row[0]


def statuses(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as con:
        return [status for (status,) in con.execute("select status from meta.runs order by started_at").fetchall()]


def identity(path: Path) -> tuple[int, int, int]:
    """Says whether a file is still the same one, untouched."""
    stat = path.stat()
    return stat.st_ino, stat.st_size, stat.st_mtime_ns


def test_what_landed_is_published_and_the_row_counts_balance(published: Settings) -> None:
    assert (count(published, "marts.fct_orders"), count(published, "marts.dim_customers")) == (3, 2)
    assert row_counts_balance(published.published_file)
    assert statuses(published.published_file) == ["done"]


def test_running_again_does_nothing_and_says_so(published: Settings) -> None:
    before = identity(published.published_file)
    report = pipeline.run(published)
    assert (report.files, report.published, report.exit_code) == (0, False, 0)
    assert (report.customers, report.orders) == (2, 3)
    assert identity(published.published_file) == before
    assert statuses(published.build_file) == ["done", "unchanged"]


def test_a_run_without_work_imports_neither_dagster_nor_dbt(published: Settings, checkout: Path) -> None:
    pipeline.run(published)
    code = f"""
import sys
from pathlib import Path
from orchestration.cli import main as cli
from orchestration.config import settings
settings.CHECKOUT = Path({str(checkout)!r})
assert cli.main(["run"]) == 0
sys.exit(", ".join({{"dbt", "dagster"}} & {{name.partition(".")[0] for name in sys.modules}}) or None)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env={**os.environ, "C360_DATA": str(published.data)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b'"files": 0' in done.stdout


def test_an_export_date_again_replaces_its_slice_by_the_same(published: Settings) -> None:
    before = checksum(published.published_file)
    report = pipeline.run(published, dates=FIRST_EXPORT_DATE)
    assert (report.files, report.rows_loaded, report.published) == (1, 2, True)
    assert checksum(published.published_file) == before
    assert row_counts_balance(published.published_file)


def test_a_full_refresh_gives_the_same_warehouse_and_keeps_the_run_log(published: Settings) -> None:
    before = checksum(published.published_file)
    report = pipeline.run(published, full_refresh=True)
    assert (report.files, report.published) == (2, True)
    assert checksum(published.published_file) == before
    assert statuses(published.published_file) == ["done", "done"]


def test_the_same_content_under_another_name_is_a_duplicate(published: Settings) -> None:
    land(published, EXPORT_DATES[0], "again.ndjson", order(1, "anna"), order(2, "ben", total=20))
    report = pipeline.run(published)
    assert (report.files, report.rows_read, report.rows_duplicate) == (1, 2, 2)
    assert (report.customers, report.orders) == (2, 3)


def test_another_as_of_day_is_computed_anew_and_the_next_run_returns_to_the_default(published: Settings) -> None:
    assert pipeline.run(published, as_of=date(2026, 7, 1)).published
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        assert con.execute("select distinct as_of_date from marts.customer_insights").fetchall() == [
            (date(2026, 7, 1),)
        ]
    assert pipeline.run(published).published
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        assert con.execute("select distinct as_of_date from marts.customer_insights").fetchall() == [
            (date.fromisoformat(EXPORT_DATES[1]),)
        ]


def test_a_changed_setting_is_enough_to_build_the_marts_again(published: Settings) -> None:
    dollars = replace(published, options=Options(free_disk_bytes=0, reporting_currency="USD"))
    assert pipeline.run(dollars).published
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        assert con.execute("select distinct reporting_currency from marts.fct_orders").fetchall() == [("USD",)]


def age(path: Path, settings: Settings) -> None:
    """Makes of a warehouse one that another version built, with other columns in its tables."""
    path.chmod(0o644)
    with duckdb.connect(str(path), config=settings.duckdb_config) as con:
        con.execute("update internal.made_by set fingerprint = 'older code'")
        con.execute("alter table meta.runs add column mood varchar default 'merry'")
        con.execute("alter table meta.runs drop column warnings")
        con.execute("alter table meta.loads rename column load_seq to arrival")
        con.execute("alter table meta.rejects drop column reason_code")
        con.execute("alter table meta.identity_events add column mood varchar")
        con.execute("alter table meta.identity_links drop column is_refused")
        con.execute("drop table staging.orders")


@pytest.mark.parametrize("command", ["status", "doctor", "rejects", "replay"])
def test_a_warehouse_of_an_older_version_is_no_reason_to_crash(
    published: Settings, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    age(published.build_file, published)
    age(published.published_file, published)
    assert main.main([command]) in (0, 1)
    assert "Unexpected" not in capsys.readouterr().err


def test_a_warehouse_of_an_older_version_is_built_anew_and_keeps_the_run_log(published: Settings) -> None:
    before = checksum(published.published_file)
    age(published.build_file, published)
    age(published.published_file, published)
    reported: list[str] = []
    report = pipeline.run(published, progress=reported.append)
    assert "made by another version" in reported[0]
    assert (report.files, report.published) == (2, True)
    assert checksum(published.published_file) == before
    assert statuses(published.published_file) == ["done", "done"]


def lose(path: Path, settings: Settings) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [age, lose])
def test_an_export_date_again_over_a_build_file_begun_anew_keeps_the_other_dates(
    published: Settings, spoil: Callable[[Path, Settings], None]
) -> None:
    before = checksum(published.published_file)
    land(published, "2026-06-03", "c.ndjson", order(4, "cleo"))
    spoil(published.build_file, published)
    report = pipeline.run(published, dates=FIRST_EXPORT_DATE)
    assert (report.files, report.orders) == (2, 3)
    assert checksum(published.published_file) == before
    assert pipeline.run(published).orders == 4


def test_a_lost_published_file_is_published_again_without_loading_anything(published: Settings) -> None:
    before = checksum(published.published_file)
    published.published_file.unlink()
    report = pipeline.run(published)
    assert (report.files, report.published) == (0, True)
    assert checksum(published.published_file) == before


def test_a_lost_build_file_is_built_again_from_the_landing_zone(published: Settings) -> None:
    before = checksum(published.published_file)
    shutil.rmtree(published.build_file.parent)
    report = pipeline.run(published)
    assert (report.files, report.published) == (2, True)
    assert checksum(published.published_file) == before


def test_what_was_rolled_back_is_not_published_again_by_itself(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    assert pipeline.run(published).published
    assert [finding for finding in doctor.examine(published) if "rolled back" in finding.text] == []
    publish.rollback(published)
    report = pipeline.run(published)
    assert not report.published
    nightly_run.print_report(report, published)
    said = capsys.readouterr().out
    assert "was rolled back" in said
    assert "up to date" not in said
    [finding] = [finding for finding in doctor.examine(published) if "rolled back" in finding.text]
    assert (finding.level, "--full-refresh" in finding.remedy) == ("note", True)
    assert count(published, "marts.fct_orders") == 3
    land(published, EXPORT_DATES[1], "d.ndjson", order(5, "dora"))
    assert pipeline.run(published).published
    assert count(published, "marts.fct_orders") == 5


def test_a_bad_line_is_rejected_and_makes_the_run_end_with_three(published: Settings) -> None:
    land(published, "2026-06-03", "bad.ndjson", order(4, "cleo"), "this is no json")
    report = pipeline.run(published)
    assert (report.rows_loaded, report.rows_rejected, report.exit_code) == (1, 1, 3)
    assert report.deliveries_above_limit == ("omnisend/events/2026-06-03",)
    assert count(published, "marts.fct_orders") == 4


def test_an_unknown_vendor_folder_is_reported_and_everything_else_is_loaded(published: Settings) -> None:
    (published.landing / "omnisand" / "events" / EXPORT_DATES[0]).mkdir(parents=True)
    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    report = pipeline.run(published)
    assert (report.exit_code, report.orders) == (3, 4)
    assert "omnisand" in report.ingestion.problems[0].message


def test_a_folder_that_cannot_be_read_harms_no_other_and_is_never_left_out_of_a_build_file_begun_anew(
    published: Settings,
) -> None:
    before = checksum(published.published_file)
    hidden = hide(published.landing / "omnisend" / "events" / EXPORT_DATES[0])
    report = pipeline.run(published, dates=FIRST_EXPORT_DATE)
    assert (report.exit_code, report.orders, report.published) == (3, 3, False)
    with pytest.raises(OperatorError, match=f"{EXPORT_DATES[0]} cannot be read"):
        pipeline.run(published, full_refresh=True)
    assert checksum(published.published_file) == before
    shutil.rmtree(hidden)
    assert pipeline.run(published).orders == 3
    assert checksum(published.published_file) == before


def test_a_file_that_is_named_after_somebody_is_reported_of_without_the_address(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land(published, EXPORT_DATES[1], "export_zoe@private.example.json", "[")
    (published.landing / "omnisend" / "zoe@private.example").mkdir()
    reported: list[str] = []
    nightly_run.print_report(pipeline.run(published, progress=reported.append), published)
    said = capsys.readouterr().out
    assert f"landing/omnisend/events/{EXPORT_DATES[1]}/e…@p….json was rejected whole (truncated_json)" in said
    assert "landing/omnisend/z…@p….example is no stream of omnisend" in said
    assert "zoe" not in said + "".join(reported)


def test_a_missing_landing_folder_is_wrong_use(settings: Settings) -> None:
    with pytest.raises(OperatorError, match="no landing folder") as error:
        pipeline.run(settings)
    assert error.value.exit_code == 2


def test_an_empty_landing_folder_publishes_nothing(settings: Settings) -> None:
    settings.landing.mkdir()
    report = pipeline.run(settings)
    assert (report.files, report.customers, report.published, report.exit_code) == (0, 0, False, 0)
    assert not settings.published_file.exists()


def test_who_is_to_be_alerted_hears_of_a_file_that_was_rejected_whole_and_of_a_delivery_with_much_bad(
    published: Settings, checkout: Path, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    (published.config / "settings.toml").write_text(
        f"free_disk_bytes = 0\nhold_back_share = 1.0\nalert_command = 'cat >> {heard}; echo >> {heard}'\n",
        encoding="utf-8",
    )
    (land(published, "2026-06-03", "cut.ndjson.gz").parent / "cut.ndjson.gz").write_bytes(b"\x1f\x8b\x08cut")
    land(published, "2026-06-04", "bad.ndjson", order(7, "dora"), "no json")
    process = c360(published, checkout, "run")
    process.communicate()
    assert process.returncode == 3
    alerts = [json.loads(line) for line in heard.read_text(encoding="utf-8").splitlines()]
    [said] = [alert for alert in alerts if alert["event"] == "attention"]
    assert "omnisend/events/2026-06-03/cut.ndjson.gz was rejected whole" in said["message"]
    assert "And 2 more things." in said["message"]


def overwrite_the_end(path: Path) -> None:
    """Damages blocks that are not read when the file is opened."""
    path.chmod(0o600)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(os.urandom(path.stat().st_size // 2))


@pytest.mark.parametrize(
    "damage",
    [lambda path: path.write_bytes(b"no warehouse" * 1000), lambda path: os.truncate(path, 9000), overwrite_the_end],
)
def test_a_damaged_build_file_is_moved_aside_and_built_anew_which_is_reported(
    published: Settings, damage: Callable[[Path], None]
) -> None:
    before = checksum(published.published_file)
    damage(published.build_file)
    land(published, EXPORT_DATES[1], "again.ndjson", order(1, "anna"))
    report = pipeline.run(published)
    assert (report.published, report.exit_code) == (True, 3)
    assert "moved aside to warehouse.duckdb.damaged" in report.attention[0]
    assert published.build_file.with_name("warehouse.duckdb.damaged").exists()
    assert {table: found for table, found in checksum(published.published_file).items() if table in before} == before
    assert pipeline.run(published).exit_code == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"x" * 9000),
        lambda path: os.truncate(path, 9000),
    ],
)
def test_a_damaged_published_file_is_moved_aside_and_published_anew_which_is_reported(
    published: Settings, damage: Callable[[Path], None]
) -> None:
    before = checksum(published.published_file)
    published.published_file.chmod(0o600)
    damage(published.published_file)
    report = pipeline.run(published)
    assert (report.published, report.exit_code) == (True, 3)
    assert "was damaged and was moved aside" in report.attention[0]
    assert checksum(published.published_file) == before


def test_what_is_loaded_between_transform_and_publish_is_in_the_marts_that_are_published(published: Settings) -> None:
    def step(work: Callable[[Warehouse, str], object]) -> None:
        run_id = pipeline.new_run_id()
        with pipeline.writing(published, run_id, command="a step of Dagster's") as build:
            work(build, run_id)

    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    step(lambda build, run_id: pipeline.ingest(published, build, run_id))
    step(lambda build, run_id: pipeline.transform(published, build, run_id))
    land(published, EXPORT_DATES[1], "d.ndjson", order(5, "dora"))
    step(lambda build, run_id: pipeline.ingest(published, build, run_id))
    step(lambda build, run_id: pipeline.publish_if_new(published, build, run_id))
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        staged, made = con.execute(
            "select (select count(*) from staging.orders), (select count(*) from marts.fct_orders)"
        ).fetchone() or (0, 0)
    assert staged == made == 5


def test_a_build_file_that_somebody_has_open_is_reported_as_such(published: Settings) -> None:
    code = "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=True); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, published.build_file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as looker:
        assert looker.stdout is not None
        assert looker.stdout.readline() == b"open\n"
        with pytest.raises(OperatorError, match=rf"open in another program \(PID {looker.pid}\)") as error:
            pipeline.run(published)
        looker.communicate()
    assert "--full-refresh" not in error.value.remedy
    assert not pipeline.run(published).published


def test_a_run_waits_for_who_looks_at_the_build_file(published: Settings) -> None:
    impatient = replace(published, options=Options(free_disk_bytes=0, lock_wait_seconds=0))
    with read_only.newest(published), pytest.raises(OperatorError, match="waited 0 s"):
        pipeline.run(impatient)
    assert not pipeline.run(impatient).published


def test_a_strange_file_under_the_published_name_is_not_overwritten(published: Settings) -> None:
    published.published_file.unlink()
    published.published_file.write_text("my thesis", encoding="utf-8")
    with pytest.raises(OperatorError, match="no warehouse of this program"):
        pipeline.run(published)
    assert published.published_file.read_text(encoding="utf-8") == "my thesis"


def test_a_failed_check_stops_publishing_and_names_the_test_but_no_value(published: Settings, checkout: Path) -> None:
    (checkout / "dbt_project" / "tests" / "no_anna.sql").write_text(
        "select * from {{ ref('dim_customers') }} where first_name like 'Ann%'", encoding="utf-8"
    )
    before = identity(published.published_file)
    with pytest.raises(OperatorError) as error:
        pipeline.run(published)
    assert "test no_anna: 1 row" in error.value.message
    assert identity(published.published_file) == before
    assert statuses(published.build_file) == ["done", "failed"]
    _says_nothing_about_anna(published, str(error.value))


def test_a_broken_promise_of_a_model_is_reported_with_its_column_and_its_rows_but_no_value(
    published: Settings, checkout: Path
) -> None:
    marts = checkout / "dbt_project" / "models" / "marts"
    (marts / "broken.yml").write_text(PROMISES, encoding="utf-8")
    (marts / "broken.sql").write_text(BROKEN, encoding="utf-8")
    with pytest.raises(OperatorError) as error:
        pipeline.run(published)
    assert f"because test checks_broken: {', '.join(BROKEN_CHECKS)}, shown by" in error.value.message
    _says_nothing_about_anna(published, str(error.value))


def test_a_model_may_become_a_view_and_a_table_again(published: Settings, checkout: Path) -> None:
    model = checkout / "dbt_project" / "models" / "orders" / "int_changing.sql"
    found = []
    for kind in ("table", "view", "table"):
        model.write_text(f"{{{{ config(materialized='{kind}') }}}} select 1 as number", encoding="utf-8")
        pipeline.run(published)
        with duckdb.connect(str(published.build_file), read_only=True) as con:
            found.append(
                con.execute(
                    "select table_type from information_schema.tables where table_name like 'int_changing%'"
                ).fetchall()
            )
    assert found == [[("BASE TABLE",)], [("VIEW",)], [("BASE TABLE",)]]


def test_models_of_a_warehouse_that_is_large_for_the_memory_are_built_one_at_a_time(
    published: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = checkout / "dbt_project" / "models" / "orders" / "int_reported.sql"
    settings, found = replace(published, options=msgspec.structs.replace(published.options, threads=2)), []
    for share in (dbt_process.LARGE, 0.0):
        monkeypatch.setattr(dbt_process, "LARGE", share)
        model.write_text(f"select {{{{ target.threads }}}} as models_at_once, {share} as share", encoding="utf-8")
        pipeline.run(settings)
        with duckdb.connect(str(settings.build_file), read_only=True) as con:
            found += con.execute("select models_at_once from orders.int_reported").fetchall()
    assert found == [(2,), (1,)]


def test_what_two_threads_have_no_memory_for_is_built_by_one(published: Settings, checkout: Path) -> None:
    _write_hungry_model(checkout, rows="case when current_setting('threads') > 1 then 20000000 else 10 end")
    reported: list[str] = []
    assert pipeline.run(_frugal(published), progress=reported.append).published
    assert "memory was short: what is missing is built again, with one thread" in reported
    with duckdb.connect(str(published.build_file), read_only=True) as con:
        assert con.execute("select longest, twice from orders.int_hungry, orders.int_after_it").fetchall() == [(10, 20)]


def test_who_is_short_of_memory_is_reported_which_setting_to_raise(published: Settings, checkout: Path) -> None:
    _write_hungry_model(checkout, rows="20000000")
    with pytest.raises(OperatorError) as error:
        pipeline.run(_frugal(published))
    assert "model orders.int_hungry: Out of Memory Error" in error.value.message
    assert error.value.remedy.startswith("Raise `memory_limit` in settings.toml above 100MB")


def _frugal(settings: Settings) -> Settings:
    return replace(settings, options=msgspec.structs.replace(settings.options, memory_limit="100MB", threads=2))


def _write_hungry_model(checkout: Path, *, rows: str) -> None:
    """A list of texts cannot spill to disk."""
    orders = checkout / "dbt_project" / "models" / "orders"
    query = f"select len(list(concat('text number ', i))) as longest from range({rows}) as numbers(i)"
    (orders / "int_hungry.sql").write_text(query, encoding="utf-8")
    (orders / "int_after_it.sql").write_text(
        "select 2 * longest as twice from {{ ref('int_hungry') }}", encoding="utf-8"
    )


def test_a_failing_model_is_named_without_the_row_it_failed_on(published: Settings, checkout: Path) -> None:
    (checkout / "dbt_project" / "models" / "orders" / "int_spoilt.sql").write_text(
        "select cast(first_name as integer) as number from {{ ref('dim_customers') }}", encoding="utf-8"
    )
    with pytest.raises(OperatorError) as error:
        pipeline.run(published)
    assert "model orders.int_spoilt: Conversion Error" in error.value.message
    _says_nothing_about_anna(published, str(error.value))
    (checkout / "dbt_project" / "models" / "orders" / "int_spoilt.sql").unlink()
    assert not pipeline.run(published).published


def _says_nothing_about_anna(settings: Settings, message: str) -> None:
    assert "Anna" not in message
    written = [path for path in settings.internal.rglob("*.log*") if path.is_file() and b"Anna" in path.read_bytes()]
    assert written == []


def test_too_little_disk_is_refused_before_anything_is_written(published: Settings) -> None:
    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    greedy = replace(published, options=Options(free_disk_bytes=10**18))
    with pytest.raises(OperatorError, match="Nothing was written"):
        pipeline.run(greedy)
    assert pipeline.run(published).orders == 4


def test_a_build_file_that_was_not_transformed_to_the_end_is_not_trusted(published: Settings) -> None:
    with duckdb.connect(str(published.build_file), config=published.duckdb_config) as con:
        fingerprints.forget_transformed(con)
        con.execute("delete from marts.fct_orders")
    pipeline.run(published)
    with duckdb.connect(str(published.build_file), read_only=True, config=published.duckdb_config) as con:
        assert con.execute("select count(*) from marts.fct_orders").fetchone() == (3,)
