"""`c360 doctor` on installations that are broken in one way each: it names the trouble and what to do about it."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import doctor, main
from orchestration.cli.doctor import Finding
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.monitoring import alerts, freshness
from orchestration.monitoring.alerts import Alert
from orchestration.monitoring.freshness import Freshness
from orchestration.warehouse import build_file, run_log
from orchestration.warehouse.writer_lock import writer_lock
from tests.support.deliveries import hide, land, land_two_deliveries

HOLD_OPEN = "import duckdb, sys; con = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2); print('open', flush=True); sys.stdin.read()"


@pytest.fixture
def sound(settings: Settings, checkout: Path) -> Settings:
    """Deliveries of two days have landed, and there is an empty build file."""
    land_two_deliveries(settings)
    with build_file.connect(settings):
        pass
    return settings


def trouble(settings: Settings, level: str) -> list[Finding]:
    found = [finding for finding in doctor.examine(settings) if finding.level != "ok"]
    assert all(finding.remedy for finding in found)
    return [finding for finding in found if finding.level == level]


def spoil(path: Path, content: bytes = b"no warehouse" * 1000) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def publish_something(settings: Settings) -> None:
    with duckdb.connect(str(settings.published_file)) as con:
        con.execute("create schema marts; create table marts.dim_customers (i integer)")


def no_landing(settings: Settings) -> None:
    settings.landing.rename(settings.data / "somewhere_else")


def unknown_vendor(settings: Settings) -> None:
    (settings.landing / "omnisand" / "events" / "2026-06-01").mkdir(parents=True)


def unreadable_folder(settings: Settings) -> None:
    hide(settings.landing / "omnisend" / "events" / "2026-06-01")


def seed_with_a_bad_header(settings: Settings) -> None:
    configure(settings, "wieghts.csv", "a,b\n1,2\n")


def account_of_no_vendor(settings: Settings) -> None:
    configure(settings, "accounts.csv", "source,time_zone\nomnisand,UTC\n")


def rule_with_a_bad_value(settings: Settings) -> None:
    configure(settings, "weights.csv", "kind,weight,since\norder,2,2026-13-01\n")


def pull_from_nowhere(settings: Settings) -> None:
    configure(settings, "pull.toml", '[[account]]\nvendor = "omnisand"\nstreams = ["contacts"]\n')


def target_of_no_vendor(settings: Settings) -> None:
    configure(settings, "activation.toml", '[targets.news]\nvendor = "omnisand"\n')


def configure(settings: Settings, name: str, text: str) -> None:
    settings.config.mkdir(exist_ok=True)
    (settings.config / name).write_text(text, encoding="utf-8")


def build_file_of_another_kind(settings: Settings) -> None:
    spoil(settings.build_file)


def published_file_of_another_kind(settings: Settings) -> None:
    spoil(settings.published_file)


def log_beside_the_published_file(settings: Settings) -> None:
    publish_something(settings)
    settings.published_file.with_name("warehouse.duckdb.wal").touch()


BROKEN: list[tuple[Callable[[Settings], None], str, str]] = [
    (no_landing, "no landing folder", "Create it"),
    (unknown_vendor, "omnisand", "Everything else is loaded"),
    (unreadable_folder, "landing/omnisend/events/2026-06-01 cannot be read", "Everything else is loaded"),
    (seed_with_a_bad_header, "wieghts.csv", ""),
    (account_of_no_vendor, "accounts.csv, line 2", "Mend the line"),
    (rule_with_a_bad_value, "weights.csv, line 2", "Mend the line"),
    (pull_from_nowhere, "pull.toml", "Fix it"),
    (target_of_no_vendor, "activation.toml", ""),
    (build_file_of_another_kind, "build/warehouse.duckdb is no warehouse", "moves it aside"),
    (published_file_of_another_kind, "data/warehouse.duckdb is no warehouse", "Move it away"),
    (log_beside_the_published_file, "left a log beside it", "Open it read-only"),
]


@pytest.mark.parametrize(("break_it", "text", "remedy"), BROKEN, ids=[case[0].__name__ for case in BROKEN])
def test_what_is_broken_is_named_with_its_remedy(
    sound: Settings, break_it: Callable[[Settings], None], text: str, remedy: str
) -> None:
    assert trouble(sound, "broken") == []
    break_it(sound)
    [finding] = trouble(sound, "broken")
    assert text in finding.text
    assert remedy in finding.remedy


def test_a_data_folder_that_cannot_be_written_to_is_broken(sound: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, _: Path(path) != sound.data)
    [finding] = trouble(sound, "broken")
    assert "Nothing can be written to" in finding.text


def test_too_little_disk_is_broken(sound: Settings) -> None:
    [finding] = trouble(replace(sound, options=Options(free_disk_bytes=10**18)), "broken")
    assert "MB are free on the disk" in finding.text


def test_an_alert_that_reached_nobody_is_broken(sound: Settings) -> None:
    loud = replace(sound, options=Options(free_disk_bytes=0, alert_command="exit 4"))
    alerts.send(loud, Alert("failed", "The disk is full.", "Make room."))
    [finding] = trouble(loud, "broken")
    assert "alert_command ended with 4" in finding.text


@pytest.fixture
def strangers() -> Iterator[Callable[[Path, bool], int]]:
    """Opens files in processes of their own, which end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def open_elsewhere(path: Path, is_reader: bool) -> int:
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD_OPEN, path, *["read"] * is_reader],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        return process.pid

    yield open_elsewhere
    for process in started:
        process.communicate()


def test_a_file_that_somebody_writes_is_broken_and_says_who(
    sound: Settings, strangers: Callable[[Path, bool], int]
) -> None:
    pid = strangers(sound.build_file, False)
    [finding] = trouble(sound, "broken")
    assert f"open in another program (PID {pid})" in finding.text


def test_a_published_file_that_somebody_writes_is_broken(
    sound: Settings, strangers: Callable[[Path, bool], int]
) -> None:
    publish_something(sound)
    strangers(sound.published_file, False)
    [finding] = trouble(sound, "broken")
    assert "Close the program" in finding.remedy


def test_what_the_next_run_repairs_by_itself_is_a_note(
    sound: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "CHECKOUT", checkout)
    (checkout / "constraints.txt").write_text("polars==0.0.1\n", encoding="utf-8")
    publish_something(sound)
    with build_file.connect(sound) as con:
        run_log.begin(con, "killed", "c360 run")
        con.execute("update internal.made_by set fingerprint = 'older code'")
        con.execute(
            "insert into meta.loads by name select 'omnisend' as source, 'default' as source_account, 'events' as stream,"
            " 'omnisend/events/2020-01-01/a.ndjson' as file_path, 'loaded' as status, date '2020-01-01' as export_date"
        )
        con.execute(
            "insert into meta.rejects by name select 'omnisend' as source, 'default' as source_account, 'events' as stream, 'no_json' as reason_code"
        )
    reported = "\n".join(finding.text for finding in trouble(sound, "note"))
    for expected in (
        "0.0.1 was tested",
        "made by another version",
        "ended without a word",
        "not the file that a run published",
        "omnisend is late",
        "Rejected: 1 record.",
        "No secret is set",
        "Nobody is alerted",
    ):
        assert expected in reported
    assert trouble(sound, "broken") == []


def test_a_run_that_failed_is_broken_and_says_why_until_one_goes_well(
    sound: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    with build_file.connect(sound) as con:
        run_log.begin(con, "bad", "c360 run")
        run_log.end(con, "bad", failure="Nothing was published, because of this and that.")
    [finding] = trouble(sound, "broken")
    assert finding.text.endswith(" failed: Nothing was published, because of this and that.")
    assert main.main(["status"]) == 0
    assert "because of this and that" in capsys.readouterr().out
    with build_file.connect(sound) as con:
        run_log.begin(con, "good", "c360 run")
        run_log.end(con, "good")
    assert trouble(sound, "broken") == []
    assert main.main(["status"]) == 0
    assert "because of this and that" not in capsys.readouterr().out


def test_a_run_at_work_is_a_note_that_names_it(sound: Settings) -> None:
    with writer_lock(sound, command="c360 run"):
        notes = [finding.text for finding in trouble(sound, "note")]
    assert any(text.startswith("`c360 run` (process") for text in notes)


def test_no_finding_quotes_a_record(sound: Settings) -> None:
    land(sound, "2026-06-03", "bad.ndjson", json.dumps({"email": "anna@mail.test.example.com"})[:-1])
    assert "anna" not in "\n".join(f"{finding.text} {finding.remedy}" for finding in doctor.examine(sound))


def test_late_streams_of_a_vendor_are_one_sentence() -> None:
    old, older = date(2026, 3, 2), date(2026, 3, 1)
    streams = [
        Freshness("ometria", "default", "orders", old, 9, is_late=True),
        Freshness("ometria", "default", "profiles", older, 10, is_late=True),
        Freshness("ometria", "uk", "orders", old, 1, is_late=False),
        Freshness("omnisend", "default", "contacts", old, 9, is_late=True),
        Freshness("omnisend", "default", "events", old, 9, is_late=True),
    ]
    assert freshness.late_by_vendor(streams) == [
        "ometria is late: nothing since 2026-03-01 of profiles; since 2026-03-02 of orders.",
        "omnisend is late: nothing since 2026-03-02 of contacts, events.",
    ]


def test_a_delivery_of_tomorrow_is_no_negative_number_of_days_ago() -> None:
    stream = Freshness("ometria", "default", "orders", date(2026, 3, 2), -1, is_late=False)
    assert str(stream) == "ometria/orders: last delivery of tomorrow (2026-03-02)"


def test_a_part_that_is_too_large_for_a_worker_is_named(sound: Settings) -> None:
    with build_file.connect(sound) as con:
        con.execute(
            "create table internal.sharing as select 4 as shards, 2000 as parts, 1000000 as row_count, 600000 as largest_part"
        )
    [finding] = [finding for finding in trouble(sound, "note") if "even share" in finding.text]
    assert "600,000 of 1,000,000 rows" in finding.text
    assert "meta.shared_identifiers" in finding.remedy
    with build_file.connect(sound) as con:
        con.execute("update internal.sharing set largest_part = 240000")
    assert not any("even share" in finding.text for finding in doctor.examine(sound))
