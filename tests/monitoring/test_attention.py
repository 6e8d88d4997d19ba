"""What a person must look at after a run that went well, as the run, its exit code, its log, `status` and `doctor` say."""

from collections.abc import Iterator

import duckdb
import pytest

from orchestration import pipeline
from orchestration.cli import doctor, main, status
from orchestration.config.settings import Settings
from orchestration.monitoring import attention
from orchestration.warehouse import build_file
from tests.support.deliveries import land, order

pytestmark = pytest.mark.long

HELD = "The delivery of anna@mail.test.example.com is held; type this."


def held(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    yield HELD


def not_built(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    yield str(con.execute("select * from marts.not_built_yet").fetchone())


@pytest.fixture
def quiet(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation to which nothing was delivered, and in which something is to be looked at."""
    settings.landing.mkdir()
    monkeypatch.setattr(attention, "LOOKS", (not_built, held))
    return settings


def test_what_a_person_must_look_at_ends_the_run_with_three_every_night_until_it_is_settled(
    quiet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        report = pipeline.run(quiet)
        assert (report.exit_code, report.attention) == (3, ("The delivery of a…@m….com is held; type this.",))
    monkeypatch.setattr(attention, "LOOKS", (not_built,))
    assert pipeline.run(quiet).exit_code == 0
    assert status.look(quiet).attention == ()


def failing_on_data(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    yield str(con.execute("select cast('anna' as integer)").fetchone())


def test_a_look_that_fails_on_data_ends_no_run_and_is_reported_without_the_value(
    quiet: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention, "LOOKS", (failing_on_data, held))
    report = pipeline.run(quiet)
    assert report.exit_code == 3
    assert report.attention == (
        "What is to be reported of test attention could not be found out (ConversionException). Please report it.",
        "The delivery of a…@m….com is held; type this.",
    )


def test_it_is_reported_by_run_status_and_doctor_without_an_address(
    quiet: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["run"]) == 3
    assert main.main(["status"]) == 0
    assert capsys.readouterr().out.count("The delivery of a…@m….com is held; type this.") == 2
    assert "The delivery of a…@m….com is held; type this." in [finding.text for finding in doctor.examine(quiet)]


def test_a_loaded_file_that_cannot_be_read_any_more_is_reported_every_night_by_run_and_doctor(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    path = land(published, "2026-06-01", "anna@mail.test.example.com.json", order(1, "anna"))
    assert main.main(["run"]) == 0
    path.write_text('{"eventName": ', encoding="utf-8")
    capsys.readouterr()
    for _ in range(2):
        assert main.main(["run"]) == 3
        assert "a…@m….json was loaded and cannot be read any more (truncated_json)" in capsys.readouterr().out
    assert any("cannot be read any more" in finding.text for finding in doctor.examine(published))


def test_what_only_a_run_knows_is_reported_by_that_run_once(quiet: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LOOKS", ())
    run_id = pipeline.new_run_id()
    with pipeline.writing(quiet, run_id, command="c360 run"), build_file.connect(quiet) as con:
        attention.add(con, run_id, "A file was moved aside.")
        attention.add(con, run_id, "A file was moved aside.")
        assert attention.of_run(con, run_id) == ("A file was moved aside.",)
    assert pipeline.run(quiet).attention == ()
