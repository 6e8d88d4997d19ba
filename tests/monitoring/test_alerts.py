"""A failed or late nightly run is reported once, by a real command and a real web server on this machine."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import dagster as dg
import pytest

from orchestration.cli import main
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.defs import sensors
from orchestration.monitoring import alerts, dagster_runs, freshness
from orchestration.monitoring.alerts import Alert
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import build_file, run_log
from orchestration.warehouse.writer_lock import writer_lock

FAILED = Alert("failed", "The disk has 12 MB free.", "Make room.")


@pytest.fixture
def heard(tmp_path: Path) -> Path:
    """Where the command of `loud` writes what it receives, a line each."""
    return tmp_path / "heard"


@pytest.fixture
def loud(settings: Settings, heard: Path) -> Settings:
    return replace(settings, options=Options(free_disk_bytes=0, alert_command=f"cat >> {heard}; echo >> {heard}"))


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


class Hook(BaseHTTPRequestHandler):
    """Takes what is posted; answers with the server's `answer`."""

    def do_POST(self) -> None:
        self.server.posted.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(self.server.answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[HTTPServer]:
    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        server.posted, server.answer = [], 200
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def address(hook: HTTPServer) -> str:
    return f"http://127.0.0.1:{hook.server_port}/"


def test_nobody_is_reported_unless_a_setting_says_whom(settings: Settings) -> None:
    assert not alerts.send(settings, FAILED)
    assert not settings.sent_alerts.exists()


def test_the_command_is_reported_what_happened_and_what_to_do(loud: Settings, heard: Path) -> None:
    assert alerts.send(loud, FAILED)
    [reported] = lines(heard)
    assert (reported["event"], reported["message"], reported["remedy"]) == (
        "failed",
        "The disk has 12 MB free.",
        "Make room.",
    )
    assert reported["night"] == str(freshness.run_date(loud))


def test_the_webhook_is_reported_the_same(settings: Settings, hook: HTTPServer) -> None:
    alerts.send(replace(settings, options=Options(alert_webhook=address(hook))), FAILED)
    assert [posted["message"] for posted in hook.posted] == ["The disk has 12 MB free."]
    assert "Make room." in hook.posted[0]["text"]


def test_the_same_cause_is_reported_once_a_night_even_with_other_numbers(loud: Settings, heard: Path) -> None:
    assert alerts.send(loud, FAILED)
    assert not alerts.send(loud, Alert("failed", "The disk has 9 MB free.", "Make room."))
    assert alerts.send(loud, Alert("failed", "Another run is writing.", "Wait."))
    assert len(lines(heard)) == 2


def test_the_next_night_is_reported_anew(loud: Settings, heard: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alerts.send(loud, FAILED)
    tomorrow = freshness.run_date(loud) + timedelta(days=1)
    monkeypatch.setattr(freshness, "run_date", lambda _: tomorrow)
    assert alerts.send(loud, FAILED)
    assert len(lines(heard)) == 2


def test_a_webhook_that_refuses_is_called_once_and_remembered(settings: Settings, hook: HTTPServer) -> None:
    hook.answer = 500
    loud = replace(settings, options=Options(alert_webhook=address(hook)))
    alerts.send(loud, FAILED)
    alerts.send(loud, FAILED)
    assert len(hook.posted) == 1
    assert alerts.undelivered(loud) == ["alert_webhook was answered with 500"]


def test_a_webhook_that_is_gone_and_a_command_that_fails_do_no_harm(settings: Settings, hook: HTTPServer) -> None:
    hook.shutdown()
    hook.server_close()
    loud = replace(settings, options=Options(alert_webhook=address(hook), alert_command="exit 4"))
    assert alerts.send(loud, FAILED)
    assert alerts.undelivered(loud) == ["alert_command ended with 4", "alert_webhook could not be reached (URLError)"]


@pytest.mark.parametrize(
    "wrong", [{"alert_webhook": "http://["}, {"alert_webhook": "nowhere"}, {"alert_command": "a\0b"}]
)
def test_an_alert_that_cannot_even_be_begun_does_not_hide_what_it_reports(
    settings: Settings, wrong: dict[str, str]
) -> None:
    loud = replace(settings, options=Options(**wrong))
    with pytest.raises(KeyError, match="the failure itself"), alerts.on_failure(loud):
        raise KeyError("the failure itself")
    [problem] = alerts.undelivered(loud)
    assert problem.startswith(tuple(wrong))


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "null", '{"problems": null}', "\ud800"])
def test_a_note_of_an_alert_that_was_cut_is_no_reason_to_crash(loud: Settings, text: str) -> None:
    alerts.send(loud, FAILED)
    [note] = loud.sent_alerts.iterdir()
    note.write_bytes(text.encode("utf-8", "surrogatepass"))
    assert alerts.undelivered(loud) == []


def test_an_alert_of_a_process_that_was_killed_before_it_was_delivered_is_reported_by_the_next(
    loud: Settings, heard: Path
) -> None:
    alerts.send(loud, FAILED)
    [note] = loud.sent_alerts.iterdir()
    note.write_bytes(b"")
    assert not alerts.send(loud, FAILED)
    os.utime(note, (0, 0))
    assert alerts.send(loud, FAILED)
    assert len(lines(heard)) == 2


def test_a_command_that_hangs_is_ended(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "COMMAND_SECONDS", 0.2)
    loud = replace(settings, options=Options(alert_command="sleep 60"))
    alerts.send(loud, FAILED)
    assert "did not end" in alerts.undelivered(loud)[0]


def test_an_unexpected_error_is_reported_by_its_kind_and_never_by_its_text(loud: Settings, heard: Path) -> None:
    with suppress(ValueError), alerts.on_failure(loud):
        raise ValueError("anna@mail.test.example.com")
    assert "ValueError" in heard.read_text(encoding="utf-8")
    assert "anna" not in heard.read_text(encoding="utf-8")


def test_the_command_line_reports_a_failed_run_and_ends_as_before(settings: Settings, heard: Path) -> None:
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text(
        f'alert_command = "cat >> {heard}; echo >> {heard}"', encoding="utf-8"
    )
    assert [main.main(["run"]), main.main(["run"])] == [2, 2]
    [reported] = lines(heard)
    assert "no landing folder" in reported["message"]


def test_wrong_use_of_the_command_is_nobody_elses_business(settings: Settings, heard: Path) -> None:
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text(f'alert_command = "touch {heard}"', encoding="utf-8")
    assert main.main(["run", "--from", "2026-06-01"]) == 2
    assert not heard.exists()


def with_run(settings: Settings, started_at: datetime, status: str) -> None:
    with build_file.connect(settings) as con:
        run_log.begin(con, str(started_at), "c360 run")
        con.execute(
            "update meta.runs set status = $1, started_at = $2 where run_id = $3", [status, started_at, str(started_at)]
        )


def due_hours_ago(settings: Settings, hours: int) -> Settings:
    due = datetime.now(UTC) - timedelta(hours=hours)
    return replace(settings, options=replace_options(settings.options, schedule_time=due.strftime("%H:%M")))


def replace_options(options: Options, **values: object) -> Options:
    return Options(**{name: getattr(options, name) for name in Options.__struct_fields__} | values)


@pytest.mark.parametrize(
    ("hours_since_due", "runs_hours_ago", "is_late"),
    [
        (5, [(29, run_log.DONE)], True),
        (5, [(29, run_log.DONE), (4, run_log.UNCHANGED)], False),
        (5, [(29, run_log.DONE), (4, run_log.FAILED)], True),
        (5, [(29, run_log.DONE), (6, run_log.DONE)], True),
        (1, [(25, run_log.DONE)], False),
        (5, [], False),
    ],
    ids=[
        "no run came",
        "one came without work",
        "one failed",
        "one came before it was due",
        "there is time yet",
        "the first run is still to come",
    ],
)
def test_a_nightly_run_is_late_when_none_ended_well_since_it_was_due(
    loud: Settings, heard: Path, hours_since_due: int, runs_hours_ago: list[tuple[int, str]], is_late: bool
) -> None:
    late = due_hours_ago(loud, hours_since_due)
    with build_file.connect(late):
        pass
    for hours, status in runs_hours_ago:
        with_run(late, datetime.now(UTC) - timedelta(hours=hours), status)
    assert (alerts.report_lateness(late) is not None) == is_late
    alerts.report_lateness(late)
    assert [reported["event"] for reported in lines(heard)] == ["late"] * is_late


def test_a_nightly_run_may_be_called_late_after_more_than_a_day(loud: Settings) -> None:
    late = replace(loud, options=replace_options(due_hours_ago(loud, 5).options, late_after_minutes=2 * 24 * 60))
    with build_file.connect(late):
        pass
    with_run(late, datetime.now(UTC) - timedelta(hours=100), run_log.DONE)
    assert "has not ended well yet" in (freshness.lateness(late) or "")
    with_run(late, datetime.now(UTC) - timedelta(hours=50), run_log.DONE)
    assert freshness.lateness(late) is None


def test_a_run_that_is_at_work_is_late_only_when_it_takes_too_long(
    loud: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = due_hours_ago(loud, 5)
    with_run(late, datetime.now(UTC) - timedelta(hours=29), run_log.DONE)
    with writer_lock(late, command="c360 run"):
        assert freshness.lateness(late) is None
        patience = replace(late, options=replace_options(late.options, late_after_minutes=0))
        assert "has not ended well yet" in (freshness.lateness(patience) or "")


def test_a_stream_that_is_late_is_named(loud: Settings) -> None:
    with build_file.connect(loud) as con:
        con.execute(
            "insert into meta.loads by name select 'omnisend' as source, 'default' as source_account, 'events' as stream, 'loaded' as status, date '2020-01-01' as export_date"
        )
    assert "omnisend/events" in (alerts.report_lateness(loud) or "")


@pytest.mark.slow
def test_a_failed_run_of_dagster_is_reported_in_our_words(
    loud: Settings, heard: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.config.settings.load", lambda: loud)

    @dg.op
    def spoilt() -> None:
        raise dg.Failure(
            description=str(OperatorError("Nothing was published.", remedy="Mend it.")), allow_retries=False
        )

    @dg.op
    def leaking() -> None:
        raise ValueError("anna@mail.test.example.com")

    @dg.job
    def nightly() -> None:
        spoilt()
        leaking()

    with dg.instance_for_test() as instance:
        result = nightly.execute_in_process(instance=instance, raise_on_error=False)
        context = dg.build_run_status_sensor_context(
            sensor_name="failures",
            dagster_event=result.get_run_failure_event(),
            dagster_instance=instance,
            dagster_run=result.dagster_run,
        ).for_run_failure()
        reported = sensors._why(context)
        sensors.failures()(context)
        sensors.failures()(context)
    assert reported == "Nothing was published. Mend it."
    assert len(lines(heard)) == 1
    assert "anna" not in heard.read_text(encoding="utf-8")


def test_old_runs_of_dagster_are_forgotten_and_young_ones_kept() -> None:
    @dg.job
    def nightly() -> None:
        pass

    with dg.instance_for_test() as instance:
        result = nightly.execute_in_process(instance=instance)
        assert dagster_runs.forget_old_runs(instance, keep_days=1) == 0
        assert dagster_runs.forget_old_runs(instance, keep_days=0) == 1
        assert instance.get_run_by_id(result.run_id) is None
