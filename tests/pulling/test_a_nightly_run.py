"""A nightly run that pulls first: what landed is published, and who was down is named, on the command line and in Dagster."""

from collections.abc import Iterator

import dagster as dg
import duckdb
import pytest

from orchestration import definitions, pipeline
from orchestration.config.settings import Settings
from tests.pulling.conftest import Installation
from tests.support.deliveries import EXPORT_DATES, land, order
from tests.support.http_server import Response
from tests.support.small_installation import checkout, shared_checkout  # noqa: F401
from tests.support.vendor_servers import Ometria, Omnisend

pytestmark = pytest.mark.long

PERSON = {
    "id": "contact-1",
    "email": "ben@mail.test.example.com",
    "firstName": "Ben",
    "updatedAt": "2026-02-01T12:00:00.000Z",
}


@pytest.fixture
def installed(installation: Installation, checkout: object) -> Installation:  # noqa: F811
    """One vendor with a person in it, one that refuses us, and a delivery that came as a file."""
    omnisend, ometria = Omnisend(), Ometria()
    omnisend.rows["contacts"] = [PERSON]
    installation.connect("omnisend", omnisend, "contacts")
    ometria.knows = lambda _: False
    installation.connect("ometria", ometria, "profiles")
    land(installation.settings, EXPORT_DATES[0], "a.ndjson", order(1, "anna"))
    return installation


def emails(settings: Settings) -> set[str]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return {value for (value,) in con.execute("select id_value from staging.customer_identifiers").fetchall()}


def test_a_run_publishes_what_came_and_names_who_was_down(installed: Installation) -> None:
    installed.pull()
    report = pipeline.run(installed.settings)
    assert report.published and report.exit_code == 3
    assert any("ometria/profiles was not pulled" in sentence and "never" in sentence for sentence in report.attention)
    assert "ben@mail.test.example.com" in emails(installed.settings)


def test_a_vendor_that_is_back_is_named_no_more(installed: Installation) -> None:
    installed.pull()
    pipeline.run(installed.settings)
    installed.vendors["ometria"].knows = Ometria.knows.__get__(installed.vendors["ometria"])
    installed.pull()
    assert pipeline.run(installed.settings).exit_code == 0


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as made:
        yield made


def nightly(installed: Installation, instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    code_location = definitions.definitions.load_fn()
    return code_location.resolve_job_def("nightly").execute_in_process(
        instance=instance, tags=tags, raise_on_error=False
    )


@pytest.mark.slow
def test_dagster_pulls_before_it_loads_and_a_vendor_that_is_down_stops_nothing(
    installed: Installation, instance: dg.DagsterInstance
) -> None:
    result = nightly(installed, instance)
    assert result.success and "ben@mail.test.example.com" in emails(installed.settings)
    checks = {
        check.asset_key.to_user_string(): check.passed
        for check in result.get_asset_check_evaluations()
        if check.check_name == "all_was_pulled"
    }
    assert checks == {"pulled/omnisend": True, "pulled/ometria": False}


@pytest.mark.slow
def test_a_secret_that_is_missing_stops_no_run(
    installed: Installation, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDOR_SECRET")
    assert nightly(installed, instance).success
    report = pipeline.run(installed.settings)
    assert report.exit_code == 3 and any(
        "omnisend was not pulled: `key` of omnisend is missing" in sentence for sentence in report.attention
    )


@pytest.mark.slow
@pytest.mark.parametrize("tags", [{"dagster/sensor_name": "arrival"}, {"dagster/backfill": "b"}])
def test_files_that_landed_and_dates_loaded_again_ask_no_vendor(
    installed: Installation, instance: dg.DagsterInstance, tags: dict[str, str]
) -> None:
    assert nightly(installed, instance, **tags).success
    assert not installed.servers["omnisend"].requests


@pytest.mark.slow
def test_without_configuration_there_is_no_such_asset(settings: Settings, checkout: object) -> None:  # noqa: F811
    keys = definitions.definitions.load_fn().resolve_asset_graph().get_all_asset_keys()
    assert not [key for key in keys if key.path[0] == "pulled"]


def test_a_broken_answer_is_reported_by_the_run_until_the_vendor_is_well(installed: Installation) -> None:
    installed.servers["omnisend"].failures = [Response(500)] * 4
    installed.pull()
    report = pipeline.run(installed.settings)
    assert any("omnisend answered with 500" in sentence for sentence in report.attention)
