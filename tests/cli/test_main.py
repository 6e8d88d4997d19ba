"""The command line: help everywhere, and every mistake answered by one sentence and the next thing to type."""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.cli import forget, main, nightly_run, output
from orchestration.config.settings import Settings
from orchestration.job import writing
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import build_file, run_log
from orchestration.warehouse.writer_lock import writer_lock
from tests.support.deliveries import EXPORT_DATES, land, land_a_third_delivery, land_two_deliveries, order
from tests.support.paths import PROJECT


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main.main([name, "--help"])
    assert end.value.code == 0
    assert "Exit codes" in capsys.readouterr().out


def test_help_is_instant_because_it_imports_nothing_heavy() -> None:
    code = """
import sys
from pathlib import Path
from orchestration.cli import main as cli
try:
    cli.main(["--help"])
finally:
    assert not {"polars", "duckdb", "dagster", "dbt"} & set(sys.modules)
"""
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ["fly"],
        ["run", "--fast"],
        ["run", "--date", "yesterday"],
        ["run", "--date", "2026-06-01", "--from", "2026-06-01", "--to", "2026-06-02"],
        ["run", "--from", "2026-06-01"],
        ["run", "--from", "2026-06-02", "--to", "2026-06-01"],
        ["run"],
        ["replay", "--source", "omnisand"],
        ["rejects", "--source", "omnisand"],
        ["up", "--port", "99999"],
        ["up", "--port", "-1"],
        ["look", "--port", "99999"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_two_and_says_what_to_do(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(words) == 2
    reported = capsys.readouterr()
    assert reported.err.startswith("c360: ")
    assert len(reported.err.splitlines()) == 2
    assert "Traceback" not in reported.err


def test_the_version_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--version"]) == 0
    assert re.fullmatch(r"customer360 \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_nothing_but_the_name_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([]) == 0
    reported = capsys.readouterr().out
    assert all(name in reported for name in main.COMMANDS)


@pytest.mark.parametrize(
    ("words", "meant"),
    [(["statsu"], "status"), (["status", "--jsno"], "--json"), (["run", "--full-refesh"], "--full-refresh")],
)
def test_what_was_likely_meant_is_said(words: list[str], meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(words) == 2
    assert f"Did you mean `{meant}`?" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("typed", "offered"), [("c360 stat", "status"), ("c360 status --j", "--json"), ("c360 completion z", "zsh")]
)
def test_a_shell_completes_commands_options_and_choices(
    typed: str, offered: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["completion", "bash"]) == 0
    words = typed.split()
    ask = f"COMP_WORDS=({' '.join(words)}); COMP_CWORD={len(words) - 1}; _c360; echo ${{COMPREPLY[@]}}"
    found = subprocess.run(["bash", "-c", capsys.readouterr().out + ask], capture_output=True, text=True, check=True)
    assert (found.stdout.split(), found.stderr) == ([offered], "")


def test_every_shell_learns_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    for shell in ("bash", "zsh", "fish"):
        assert main.main(["completion", shell]) == 0
        reported = capsys.readouterr().out
        assert all(name in reported for name in main.COMMANDS)


def test_progress_shows_rate_and_time_left_of_what_is_counted() -> None:
    assert output.pace("30/120 landing/a.ndjson: loaded", 10.0) == " (3.0/s, 0:30 left)"
    assert output.pace("publishing", 10.0) == ""
    assert output.pace("1/9 a: loaded", 0.2) == ""


def test_a_mistake_in_the_configuration_is_wrong_use(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text("shoe_size = 43", encoding="utf-8")
    assert main.main(["status"]) == 2
    assert "shoe_size" in capsys.readouterr().err


def test_a_line_about_a_vendor_that_is_none_is_wrong_use(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.landing.mkdir()
    settings.config.mkdir()
    (settings.config / "accounts.csv").write_text(
        "source,time_zone\nometria,UTC\nomnisand,Europe/Berlin\n", encoding="utf-8"
    )
    assert main.main(["run"]) == 2
    assert "accounts.csv, line 3: `source` is none of ometria, omnisend" in capsys.readouterr().err


def test_a_mistake_in_a_rule_is_found_before_anything_is_loaded(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land_two_deliveries(settings)
    settings.config.mkdir()
    (settings.config / "lifecycle_limits.csv").write_text(
        "lifecycle_stage,max_days_since_last_order\nactive,soon\n", encoding="utf-8"
    )
    assert main.main(["run"]) == 2
    reported = capsys.readouterr().err
    assert f"{settings.config / 'lifecycle_limits.csv'}, line 2" in reported
    assert "Mend the line" in reported
    assert not settings.build_file.exists()


def test_an_unexpected_error_names_its_place_and_never_its_text(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: object) -> None:
        raise ValueError("anna@example.org")

    settings.landing.mkdir()
    monkeypatch.setattr(pipeline, "require_landing", fail)
    assert main.main(["run"]) == 1
    reported = capsys.readouterr().err
    assert "Unexpected ValueError in pipeline.py" in reported
    assert "anna" not in reported


def test_the_last_line_of_a_run_is_its_figures(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.landing.mkdir()
    assert main.main(["run"]) == 0
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert list(figures) == [
        "files",
        "rows_read",
        "rows_loaded",
        "rows_rejected",
        "rows_duplicate",
        "customers",
        "orders",
        "published",
        "duration_s",
    ]
    assert (figures["files"], figures["published"]) == (0, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--date", "2026-05-01"], "There is no file of 2026-05-01 to load."),
        (["--from", "2026-05-01", "--to", "2026-05-02"], "There is no file of 2026-05-01 to 2026-05-02 to load."),
    ],
)
def test_a_run_of_dates_of_which_nothing_landed_does_not_deny_what_waits(
    settings: Settings, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    land(settings, EXPORT_DATES[0], "a.ndjson", order(1, "anna"))
    assert main.main(["run", *words]) == 0
    reported = capsys.readouterr().out
    assert said in reported
    assert "Nothing new has landed" not in reported


@pytest.mark.parametrize("name", ["status", "doctor", "rejects", "replay", "rollback"])
def test_a_fresh_installation_is_no_reason_to_crash(
    settings: Settings, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main([name]) in ((3,) if name == "doctor" else (0, 1))  # what is broken is there to be looked at
    reported = capsys.readouterr()
    assert "Unexpected" not in reported.err
    assert reported.out or reported.err


def test_the_status_during_the_first_run_says_who_is_at_work(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with writer_lock(settings, command="c360 run"), build_file.connect(settings):
        assert main.main(["status"]) == 0
    assert "`c360 run` (process" in capsys.readouterr().out


@pytest.mark.slow
def test_status_doctor_and_rejects_show_a_published_warehouse(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["status"]) == 0
    assert "2 customers, 3 orders" in capsys.readouterr().out
    assert main.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["pending"] == []
    assert main.main(["doctor"]) == 0
    assert "Nothing is broken" in capsys.readouterr().out
    assert main.main(["rejects"]) == 0
    assert "No record is rejected" in capsys.readouterr().out


@pytest.mark.slow
def test_the_status_after_a_rollback_says_what_was_taken_back(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land_a_third_delivery(published)
    pipeline.run(published)
    assert main.main(["rollback"]) == 0
    capsys.readouterr()
    assert main.main(["status"]) == 0
    assert "was rolled back; `c360 run --full-refresh` publishes anew" in capsys.readouterr().out
    assert main.main(["status", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rolled_back"] is not None


def test_a_run_that_ended_without_a_word_is_reported_until_one_ends_well(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.landing.mkdir()
    assert main.main(["run"]) == 0
    with build_file.connect(settings) as con:
        run_log.begin(con, "killed", "c360 run")
        run_log.begin(con, "failed", "c360 run")
        run_log.end(con, "failed", failure="The disk is full.")
    capsys.readouterr()
    assert main.main(["status"]) == 0
    reported = capsys.readouterr().out
    assert "ended without a word." in reported
    assert "failed: The disk is full." in reported
    assert main.main(["run"]) == 0
    capsys.readouterr()
    assert main.main(["status"]) == 0
    assert "To look at" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (KeyboardInterrupt(), " was interrupted. `c360 run` continues where it stopped."),
        (MemoryError(), " failed: The machine has too little memory for this. Fix that"),
    ],
    ids=["by hand", "by a failure"],
)
def test_the_status_says_why_a_run_did_not_end_in_a_sentence(
    settings: Settings, error: BaseException, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(type(error)), writing.writing(settings, "stopped", command="c360 run"):
        raise error
    assert main.main(["status"]) == 0
    assert said in capsys.readouterr().out


def test_times_are_those_of_utc_wherever_the_machine_stands(settings: Settings) -> None:
    settings.landing.mkdir()
    assert main.main(["run"]) == 0
    with build_file.connect(settings) as con:
        run_log.begin(con, "failed", "c360 run")
        run_log.end(con, "failed", failure="The disk is full.")
        [(began,)] = con.execute("select started_at from meta.runs where run_id = 'failed'").fetchall()

    def asked(*words: str) -> str:
        command = [sys.executable, "-m", "orchestration.cli", "status", *words]
        environment = {**os.environ, "TZ": "Asia/Tokyo"}
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True).stdout

    reported = asked()
    assert f"The run of {began:%Y-%m-%d %H:%M} UTC failed" in reported
    assert f"  {began:%Y-%m-%d %H:%M} UTC  failed" in reported
    assert json.loads(asked("--json"))["runs"][0]["started_at"] == str(began)


@pytest.mark.slow
def test_what_fails_after_publishing_is_no_failed_run(published: Settings) -> None:
    land_a_third_delivery(published)
    with pytest.raises(OperatorError) as reported, nightly_run.published_all_the_same(published):
        assert pipeline.run(published).published
        raise OSError(28, "No space left on device")
    assert reported.value.exit_code == 3
    assert reported.value.message.startswith("The warehouse was published (")
    assert "disk is full" in reported.value.message
    with pytest.raises(OSError, match="No space"), nightly_run.published_all_the_same(published):
        raise OSError(28, "No space left on device")


def test_one_is_not_said_to_be_several_and_a_file_is_no_record(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land(settings, EXPORT_DATES[0], "a.ndjson", order(1, "anna"))
    with build_file.connect(settings) as con:
        for reason in ("invalid_json", "no_records"):
            con.execute("insert into meta.rejects by name select $1 as reason_code", [reason])
    assert main.main(["status"]) == 0
    reported = capsys.readouterr().out
    assert "Pending       1 file\n" in reported
    assert "Rejected      1 record and 1 whole file;" in reported
    main.main(["doctor"])
    reported = capsys.readouterr().out
    assert "  1 file in the landing zone" in reported
    assert "Rejected: 1 record and 1 whole file." in reported


def test_records_of_somebody_erased_wait_for_nobody(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    settings.landing.mkdir()
    with build_file.connect(settings) as con:
        con.execute(
            "insert into meta.rejects by name select 'erased' as reason_code, 'landing/a' as file_path, 1 as row_number"
        )
    for command in ("status", "doctor", "rejects"):
        main.main([command])
    reported = capsys.readouterr().out
    assert "Rejected      0 records\n" in reported
    assert "1 × erased" in reported
    assert "c360 replay" not in reported
    assert main.main(["replay"]) == 0
    assert "No loaded file holds rejected records" in capsys.readouterr().out


def test_an_example_of_a_reject_can_be_read_without_its_values() -> None:
    from orchestration.cli.rejects import masked

    assert (
        masked('{"email": "Anna.Kern1@example.org", "total": 12.5, "ok": true}')
        == '{"email": "xxxx.xxxx9@xxxxxxx.xxx", "total": "99.9", "ok": true}'
    )
    assert masked('{"Anna.Kern1@example.org": {"+4915127778899": 1}}') == '{"A…@e….org": {"+49…99": "9"}}'
    assert masked(b"\xff Anna, 12") == "\ufffd xxxx, 99"


def test_an_example_of_a_file_that_was_rejected_whole_names_no_record(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with build_file.connect(settings) as con:
        con.execute(
            "insert into meta.rejects by name "
            "select 'omnisend' as source, 'events' as stream, 'landing/omnisend/events/2026-06-01/a.json' as file_path, 'truncated_json' as reason_code"
        )
    assert main.main(["rejects"]) == 0
    assert "    for example landing/omnisend/events/2026-06-01/a.json\n" in capsys.readouterr().out


def test_who_has_too_little_memory_to_load_is_reported_which_setting_to_raise(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    land_two_deliveries(settings)
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text('free_disk_bytes = 0\nmemory_limit = "3MB"\n', encoding="utf-8")
    assert main.main(["run"]) == 1
    assert "Raise `memory_limit`" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["replay", "--source", "anna.kern@mail.example"],
        ["run", "--accept-deletions", "anna.kern@mail.example/contacts/2026-06-01"],
        ["overrides", "undo", "4915112345678"],
        ["look", "--port", "4915112345678"],
    ],
    ids=" ".join,
)
def test_what_was_typed_is_echoed_without_addresses_and_long_numbers(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(words) == 2
    reported = capsys.readouterr().err
    assert not re.search("kern|mail.example|12345", reported)


@pytest.mark.parametrize("content", ["", "\n  \n"])
def test_a_list_that_names_nobody_is_wrong_use(tmp_path: Path, content: str) -> None:
    (tmp_path / "list.txt").write_text(content, encoding="utf-8")
    given = argparse.Namespace(customer_id=None, email=None, phone=None, file=tmp_path / "list.txt")
    with pytest.raises(OperatorError, match="names nobody") as refused:
        list(forget.asked(given))
    assert refused.value.exit_code == 2
