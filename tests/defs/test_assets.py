"""The same job as Dagster sees it: assets, partitions, checks, and runs whose process died."""

import json
import os
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from orchestration import definitions, pipeline
from orchestration.config.settings import PACKAGE, Settings, with_options
from orchestration.monitoring import dagster_reports, dagster_runs
from orchestration.transformation import dbt_project
from tests.support.deliveries import EXPORT_DATES, checksum, land, order

pytestmark = pytest.mark.long

STREAM = dg.AssetKey(["omnisend", "events"])
RANGE = {"dagster/asset_partition_range_start": EXPORT_DATES[0], "dagster/asset_partition_range_end": EXPORT_DATES[1]}


@pytest.fixture
def code_location(published: Settings, monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    monkeypatch.setenv("C360_DATA", str(published.data))
    return definitions.definitions.load_fn()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def nightly(code_location: dg.Definitions, instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    return code_location.resolve_job_def("nightly").execute_in_process(
        instance=instance, tags=tags, raise_on_error=False
    )


def test_the_whole_graph_is_one_job_with_its_schedule_and_sensors(code_location: dg.Definitions) -> None:
    job = code_location.resolve_job_def("nightly")
    keys = {key.to_user_string() for key in job.asset_layer.executable_asset_keys}
    assert {"omnisend/events", "staging/orders", "marts/fct_orders", "published/warehouse"} <= keys
    assert [schedule.name for schedule in code_location.schedules or ()] == ["every_night"]
    assert {sensor.name for sensor in code_location.sensors or ()} == {
        "arrival",
        "command_line_runs",
        "janitor",
        "failures",
        "lateness",
    }


def test_a_job_for_each_vendor_loads_it_again_through_to_publishing(code_location: dg.Definitions) -> None:
    job = code_location.resolve_job_def("reload_omnisend")
    keys = {key.to_user_string() for key in job.asset_layer.selected_asset_keys}
    assert {"omnisend/events", "staging/orders", "marts/fct_orders", "published/warehouse"} <= keys
    assert not [key for key in keys if key.startswith(("ometria/", "voucherify/"))]
    assert job.partitions_def is not None


def test_tables_below_one_vendor_can_be_counted_without_those_of_the_others(
    code_location: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    chosen = [STREAM, dg.AssetKey(["staging", "orders"])]
    result = code_location.resolve_job_def("nightly").execute_in_process(
        instance=instance, tags=RANGE, asset_selection=chosen
    )
    assert result.success
    assert {event.asset_key for event in result.get_asset_materialization_events()} == set(chosen)


def test_tables_of_staging_show_their_columns(code_location: dg.Definitions) -> None:
    schema = (
        code_location.resolve_asset_graph().get(dg.AssetKey(["staging", "orders"])).metadata["dagster/column_schema"]
    )
    columns = {column.name: (column.type, column.description) for column in schema.columns}
    assert columns["total"][0] == "DECIMAL(18,4)"
    assert all(description for _, description in columns.values())


def test_every_test_of_dbt_is_a_check_that_says_what_it_asks(
    code_location: dg.Definitions, published: Settings
) -> None:
    manifest = json.loads(dbt_project.manifest(published).read_text(encoding="utf-8"))
    tests = {node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "test"}
    checks = {
        spec.name: spec.description
        for definition in code_location.assets or ()
        if isinstance(definition, dg.AssetsDefinition)
        for spec in definition.check_specs
    }
    assert tests
    assert [name for name in tests if not checks.get(name)] == []


def reported(instance: dg.DagsterInstance) -> list[dg.AssetMaterialization]:
    """Everything that was reported without a run."""
    keys = instance.all_asset_keys()
    found = [record for key in keys for record in instance.fetch_materializations(key, limit=50).records]
    assert all(record.run_id == "" for record in found)
    return [record.asset_materialization for record in found if record.asset_materialization]


def test_what_the_command_line_published_is_reported_to_dagster_once(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    published.dagster_home.mkdir(parents=True)
    assert dagster_reports.report(instance, published, seconds=600) == 0
    graph = code_location.resolve_asset_graph()
    events = reported(instance)
    partitioned = {(event.asset_key, event.partition): event for event in events if event.partition}
    assert {export_date for key, export_date in partitioned if key == STREAM} == set(EXPORT_DATES[:2])
    rows = partitioned[STREAM, EXPORT_DATES[0]].metadata
    assert (rows["rows read"].value, rows["rows loaded"].value) == (2, 2)
    assert graph.executable_asset_keys - {event.asset_key for event in events} == set()
    # Of an export date that is loaded nothing is missing: a stream that brought nothing says so.
    empty = partitioned[dg.AssetKey(["voucherify", "orders"]), EXPORT_DATES[1]].metadata
    assert (empty["files"].value, empty["rows read"].value) == (0, 0)
    assert "@" not in str(events)
    assert "Anna" not in str(events)
    assert dagster_reports.report(instance, published, seconds=600) == 0
    assert len(reported(instance)) == len(events)


def test_what_the_command_line_published_is_up_to_date_in_dagster(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    published.dagster_home.mkdir(parents=True)
    while dagster_reports.report(instance, published, seconds=0.5):
        pass
    graph = code_location.resolve_asset_graph()
    reported_at = {
        key: instance.fetch_materializations(key, limit=1).records[0].storage_id for key in graph.executable_asset_keys
    }
    tables = {key for key in reported_at if not graph.get(key).is_partitioned}
    outdated = [
        key
        for key in tables
        for parent in graph.get(key).parent_keys & tables
        if reported_at[parent] > reported_at[key]
    ]
    assert outdated == []
    [last] = instance.fetch_materializations(STREAM, limit=1).records
    assert last.partition_key == EXPORT_DATES[1]


def test_what_there_was_no_time_to_report_is_reported_the_next_time_and_nothing_twice(
    instance: dg.DagsterInstance, published: Settings
) -> None:
    published.dagster_home.mkdir(parents=True)
    left = dagster_reports.report(instance, published, seconds=0)
    assert left > 0
    assert dagster_reports.report(instance, published, seconds=600) == 0
    keys = [(event.asset_key, event.partition) for event in reported(instance)]
    assert len(keys) == len(set(keys)) >= left


def test_what_a_run_of_dagster_loaded_and_built_is_reported_by_that_run_alone(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    published.dagster_home.mkdir(parents=True)
    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    assert nightly(code_location, instance, **RANGE).success
    assert dagster_reports.report(instance, published, seconds=600) == 0
    for key in (STREAM, dg.AssetKey(["marts", "fct_orders"])):
        assert all(record.run_id for record in instance.fetch_materializations(key, limit=50).records)


def test_every_step_belongs_to_the_pool_of_one_writer(code_location: dg.Definitions) -> None:
    job = code_location.resolve_job_def("nightly")
    assert {node.definition.pool for node in job.graph.nodes} == {"duckdb_writer"}


@pytest.mark.parametrize("chosen", [{"engine": "abacus"}, {"machines": 2}])
def test_an_engine_that_is_none_is_refused_before_a_run_begins(
    code_location: dg.Definitions, chosen: dict[str, object]
) -> None:
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(
            code_location.resolve_job_def("nightly"), {"resources": {"settings": {"config": chosen}}}
        )


def test_nothing_after_loading_could_run_before_it(code_location: dg.Definitions) -> None:
    graph = code_location.resolve_asset_graph()
    assert {key.path[0] for key in graph.root_executable_asset_keys} == {
        "ometria",
        "omnisend",
        "open_delivery",
        "optimizely",
        "voucherify",
    }


def test_a_run_without_partition_loads_what_is_new_and_marks_its_date(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
    assert nightly(code_location, instance).success
    marked = [record.partition_key for record in instance.fetch_materializations(STREAM, limit=10).records]
    assert set(marked) == {None, EXPORT_DATES[1]}
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        assert con.execute("select count(*) from marts.fct_orders").fetchone() == (4,)


def two_accounts(settings: Settings) -> None:
    """The second account's order has the number of one of the first's, and no currency but that of its account."""
    settings.config.joinpath("accounts.csv").write_text(
        "source,source_account,default_currency\nomnisend,uk,GBP\n", encoding="utf-8"
    )
    reported = order(1, "dora")
    land(
        settings,
        EXPORT_DATES[1],
        "a.ndjson",
        reported | {"order": {"orderID": "1001", "totalPrice": 10.0}},
        account="uk",
    )


def test_two_accounts_of_a_vendor_are_loaded_by_one_asset_and_stay_apart(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    two_accounts(published)
    assert nightly(code_location, instance).success
    once = checksum(published.published_file)
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        orders = con.execute(
            "select source_account, source_order_id, currency from staging.orders where source_order_id = '1001' order by all"
        ).fetchall()
        counts = con.execute(
            "select source_account, sum(rows_loaded)::int from meta.loads where status = 'loaded' group by all order by all"
        ).fetchall()
    assert orders == [("default", "1001", "EUR"), ("uk", "1001", "GBP")]
    assert counts == [("default", 3), ("uk", 1)]
    result = nightly(code_location, instance, **RANGE)
    assert result.success
    assert checksum(published.published_file) == once
    figures = {
        record.partition_key: record.asset_materialization.metadata["rows loaded"].value
        for record in instance.fetch_materializations(STREAM, limit=2).records
        if record.asset_materialization
    }
    assert figures == {EXPORT_DATES[0]: 2, EXPORT_DATES[1]: 2}


def test_one_account_that_is_late_or_spoilt_is_named_by_the_checks_of_the_stream(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    two_accounts(published)
    land(published, EXPORT_DATES[1], "b.ndjson", "no json", account="uk")
    result = nightly(code_location, instance)
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations() if check.asset_key == STREAM}
    reported = str([(name, check.metadata) for name, check in checks.items() if not check.passed])
    assert "omnisend@uk" in reported
    with duckdb.connect(str(published.published_file), read_only=True) as con:
        assert con.execute("select source_account, raw from meta.rejects").fetchall() == [("uk", "no json")]


def test_chosen_dates_are_loaded_again_in_one_run_and_give_the_same(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    before = checksum(published.published_file)
    result = nightly(code_location, instance, **RANGE)
    assert result.success
    assert checksum(published.published_file) == before
    loaded = {
        record.partition_key: record.asset_materialization.metadata
        for record in instance.fetch_materializations(STREAM, limit=10).records
        if record.asset_materialization
    }
    assert {export_date: metadata["rows loaded"].value for export_date, metadata in loaded.items()} == {
        EXPORT_DATES[0]: 2,
        EXPORT_DATES[1]: 1,
    }


def test_what_lands_for_a_date_within_a_range_after_the_run_was_begun_is_loaded_and_marked(
    published: Settings, monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> None:
    monkeypatch.setenv("C360_DATA", str(published.data))
    land(published, "2026-06-05", "late.ndjson", order(9, "ines"))
    job = definitions.definitions.load_fn().resolve_job_def("reload_omnisend")
    land(published, "2026-06-04", "later.ndjson", order(10, "olga"))
    tags = RANGE | {"dagster/asset_partition_range_end": "2026-06-05"}
    assert job.execute_in_process(instance=instance, tags=tags, asset_selection=[STREAM]).success
    marked = {record.partition_key for record in instance.fetch_materializations(STREAM, limit=10).records}
    assert marked == {*EXPORT_DATES[:2], "2026-06-04", "2026-06-05"}


def test_the_tests_of_dbt_are_checks_of_their_models(
    code_location: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    result = nightly(code_location, instance, **RANGE)
    found = {
        (check.asset_key.to_user_string(), check.check_name): check.passed
        for check in result.get_asset_check_evaluations()
    }
    assert found["marts/dim_customers", "unique_dim_customers_customer_id"]
    assert found["omnisend/events", "rows_add_up"]
    assert not found["omnisend/events", "is_fresh"]


def test_what_stands_in_the_wrong_place_of_the_landing_zone_is_reported_by_a_check_and_an_alert(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    reported = published.data / "alert.json"
    with (published.config / "settings.toml").open("a", encoding="utf-8") as file:
        file.write(f'alert_command = "cat > {reported}"\n')
    (published.landing / "omnisand" / "events" / EXPORT_DATES[0]).mkdir(parents=True)
    result = nightly(code_location, instance)
    assert result.success
    [check] = [check for check in result.get_asset_check_evaluations() if check.check_name == "landing_zone_is_sound"]
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "landing/omnisand is the folder of no known vendor" in str(check.metadata["problems"].value)
    assert "1 thing in the landing zone could not be loaded" in reported.read_text(encoding="utf-8")


def shape_checks(instance: dg.DagsterInstance, export_date: str) -> dict[str, dg.AssetCheckEvaluation]:
    """The checks of the shape of one day's events, loaded by Dagster, which knows the export dates that have landed by
    now."""
    job = definitions.definitions.load_fn().resolve_job_def("nightly")
    tags = {"dagster/asset_partition_range_start": export_date, "dagster/asset_partition_range_end": export_date}
    result = job.execute_in_process(instance=instance, tags=tags, asset_selection=[STREAM])
    assert result.success
    return {
        check.check_name: check
        for check in result.get_asset_check_evaluations()
        if check.check_name in ("has_not_drifted", "fields_are_known")
    }


def test_a_delivery_in_its_usual_shape_passes_the_checks_of_the_shape(
    code_location: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    assert {name: check.passed for name, check in shape_checks(instance, EXPORT_DATES[0]).items()} == {
        "has_not_drifted": True,
        "fields_are_known": True,
    }


def test_a_new_field_and_a_new_type_warn_and_stop_nothing(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    land(
        published,
        "2026-06-03",
        "c.ndjson",
        order(4, "cleo", total="11.50") | {"weather": {"sky": "grey"}},
        order(5, "dora"),
    )
    checks = shape_checks(instance, "2026-06-03")
    assert {(check.passed, check.severity) for check in checks.values()} == {(False, dg.AssetCheckSeverity.WARN)}
    assert checks["has_not_drifted"].metadata["changes"].value == [
        "2026-06-03 `weather`: a new field (object, 1 record)",
        "2026-06-03 `order.totalPrice`: another type (text, 1 record)",
    ]
    assert checks["fields_are_known"].metadata["unknown"].value == ["weather"]
    with duckdb.connect(str(published.build_file), read_only=True) as con:
        assert con.execute(
            "select count(*) from staging.orders where source_order_id in ('1004', '1005')"
        ).fetchone() == (2,)


def test_a_field_that_is_no_longer_filled_warns(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    events = [order(number, f"person{number}") for number in range(10, 30)]
    land(published, "2026-06-03", "c.ndjson", *(event | {"origin": "api"} for event in events))
    land(published, "2026-06-04", "d.ndjson", *(event | {"eventID": f"{event['eventID']}-again"} for event in events))
    before, after = (shape_checks(instance, export_date) for export_date in ("2026-06-03", "2026-06-04"))
    assert before["has_not_drifted"].passed
    assert (after["has_not_drifted"].passed, after["has_not_drifted"].severity) == (False, dg.AssetCheckSeverity.WARN)
    assert after["has_not_drifted"].metadata["changes"].value == ["2026-06-04 `origin`: no longer filled"]
    assert after["fields_are_known"].passed


def test_a_failed_test_stops_publishing_and_no_event_quotes_a_row(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings, checkout: Path
) -> None:
    (checkout / "dbt_project" / "models" / "orders" / "int_spoilt.sql").write_text(
        "select cast(first_name as integer) as n from {{ ref('dim_customers') }}", encoding="utf-8"
    )
    before = published.published_file.stat().st_ino
    result = nightly(definitions.definitions.load_fn(), instance, **RANGE)
    assert not result.success
    assert published.published_file.stat().st_ino == before
    reported = "\n".join(str(record) for record in instance.all_logs(result.run_id))
    assert "int_spoilt" in reported
    assert "Anna" not in reported


def test_there_is_a_partition_for_each_date_that_landed_or_is_loaded_and_for_none_between(
    published: Settings,
) -> None:
    land(published, "2026-06-05", "late.ndjson", order(9, "ines"))
    for path in (published.landing / "omnisend" / "events" / EXPORT_DATES[0]).iterdir():
        path.unlink()
    keys = definitions.partitions(published).get_partition_keys()
    assert [key for key in keys if key < str(published.today())] == [*EXPORT_DATES[:2], "2026-06-05"]


# At any moment one of the two has another date than UTC.
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_the_last_partition_is_today_where_days_end_and_tomorrow_once_it_has_landed(
    settings: Settings, zone: str
) -> None:
    there = with_options(settings, reporting_time_zone=zone)
    assert definitions.partitions(there).get_partition_keys() == [str(there.today())]
    tomorrow = str(there.today() + timedelta(days=1))
    land(there, tomorrow, "a.ndjson", order(1, "anna"))
    assert definitions.partitions(there).get_partition_keys() == [str(there.today()), tomorrow]


def test_a_landing_folder_that_is_gone_is_no_night_without_deliveries(
    code_location: dg.Definitions, instance: dg.DagsterInstance, published: Settings
) -> None:
    shutil.rmtree(published.landing)
    result = code_location.resolve_job_def("nightly").execute_in_process(
        instance=instance, asset_selection=[STREAM], raise_on_error=False
    )
    assert not result.success
    [failed] = [event for event in result.all_node_events if event.is_step_failure]
    assert "There is no landing folder" in str(failed.step_failure_data.user_failure_data.description)


def test_the_shipped_instance_configuration_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text((PACKAGE / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    with dg.DagsterInstance.from_config(str(tmp_path)) as made:
        assert made.get_concurrency_config().pool_config.default_pool_limit == 1
        assert not made.telemetry_enabled


def test_a_run_with_a_process_that_is_gone_is_ended_and_a_living_one_is_not(
    code_location: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    job = code_location.resolve_job_def("nightly")
    dead, alive = (instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED) for _ in range(2))
    dagster_runs.claim(instance, dead.run_id, "999999999:1:gone")
    dagster_runs.claim(instance, alive.run_id)
    assert list(dagster_runs.end_dead_runs(instance)) == [dead.run_id]
    assert not any("process" in tag for run in instance.get_runs() for tag in run.tags)
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {dead.run_id: dg.DagsterRunStatus.FAILURE, alive.run_id: dg.DagsterRunStatus.STARTED}


def test_a_complete_arrival_asks_for_one_run_and_an_unchanged_landing_zone_for_none(
    code_location: dg.Definitions, published: Settings
) -> None:
    sensor = next(sensor for sensor in code_location.sensors or () if sensor.name == "arrival")
    with dg.build_sensor_context() as context:
        assert not sensor.evaluate_tick(context).run_requests
        path = land(published, EXPORT_DATES[1], "c.ndjson", order(4, "cleo"))
        assert not sensor.evaluate_tick(context).run_requests
        os.utime(path, (1, 1))
        assert len(sensor.evaluate_tick(context).run_requests or ()) == 1
        pipeline.run(published)
        assert not sensor.evaluate_tick(context).run_requests
