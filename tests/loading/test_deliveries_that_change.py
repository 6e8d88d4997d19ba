"""What becomes of loaded files that move, vanish or are withdrawn, and of full deliveries that would delete too much."""

import gzip
import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config.settings import DateRange
from orchestration.job.run_report import Ingestion
from orchestration.landing import landing_zone
from orchestration.loading import archived_deliveries, held_deletions, load_log, unreadable_files
from orchestration.loading.load_log import Delivered
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import build_file
from tests.loading.test_loader import LAW, Installation, event

pytestmark = pytest.mark.long

FIRST, SECOND, THIRD = (f"omnisend/contacts/2026-03-0{day}" for day in (1, 2, 3))
STANDING = "select source_record_id, export_date::varchar, source_file from staging.customers order by all"


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


def run(installation: Installation, **asked: object) -> Ingestion:
    """The part of a run that brings staging and its audit tables up to date."""
    return pipeline.ingest(installation.settings, installation.warehouse, "test", **asked)


def contacts(*numbers: int) -> list[object]:
    return [{"contactID": f"c{number}"} for number in numbers]


def vanished(installation: Installation) -> list[str]:
    with build_file.connect(installation.settings) as con:
        return load_log.vanished(con, landing_zone.scan(installation.settings))


def looked_at(installation: Installation) -> list[str]:
    with build_file.connect(installation.settings) as con:
        return list(unreadable_files.look(con, installation.settings, "test"))


def move(installation: Installation, path: str, to: str) -> None:
    target = installation.settings.landing / to
    target.parent.mkdir(parents=True, exist_ok=True)
    (installation.settings.landing / path).rename(target)


@pytest.mark.parametrize("to", [f"{SECOND}/a.ndjson", f"{FIRST}/b.ndjson", f"{FIRST}/0.ndjson"])
def test_a_file_that_was_moved_stands_where_it_lies_now(installation: Installation, tmp_path: Path, to: str) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1, 2))
    run(installation)
    move(installation, f"{FIRST}/a.ndjson", to)
    run(installation)
    there_at_once = Installation(tmp_path / "once")
    there_at_once.land(to, contacts(1, 2))
    run(there_at_once)
    assert installation.state() == there_at_once.state()
    assert (vanished(installation), installation.query(LAW)) == ([], [(0,)])


def test_events_of_a_file_that_was_moved_are_reported_by_it_alone(installation: Installation, tmp_path: Path) -> None:
    installation.land("omnisend/events/2026-03-02/a.ndjson", [event(1), event(2)])
    installation.land("omnisend/events/2026-03-03/b.ndjson", [event(2), event(3)])
    run(installation)
    move(installation, "omnisend/events/2026-03-02/a.ndjson", "omnisend/events/2026-03-04/a.ndjson")
    run(installation)
    there_at_once = Installation(tmp_path / "once")
    shutil.copytree(installation.settings.landing, there_at_once.settings.landing, dirs_exist_ok=True)
    run(there_at_once)
    assert installation.state() == there_at_once.state()


def test_the_same_content_of_another_account_or_stream_is_no_place_a_file_moved_to(installation: Installation) -> None:
    for feed in ("omnisend", "omnisend@uk"):
        installation.land(f"{feed}/contacts/2026-03-01/a.ndjson", contacts(1))
    run(installation)
    shutil.rmtree(installation.settings.landing / "omnisend")
    run(installation)
    assert installation.query("select source_account from staging.customers order by all") == [("default",), ("uk",)]
    assert vanished(installation) == [f"landing/{FIRST}/a.ndjson"]


DELIVERIES_OF_ONE_CONTENT = [
    ("c1", f"2026-03-0{day}", f"landing/omnisend/contacts/2026-03-0{day}/all_full.ndjson") for day in (1, 2, 3)
]


def archive(installation: Installation, path: str) -> None:
    (installation.settings.landing / path).unlink()


@pytest.mark.parametrize("only_second", [False, True])
def test_of_two_export_dates_that_delivered_the_same_the_first_may_be_archived(
    installation: Installation, *, only_second: bool
) -> None:
    for folder in (FIRST, SECOND):
        installation.land(f"{folder}/all_full.ndjson", contacts(1))
    # The second may be loaded later: that it lay beside the first is what counts.
    run(installation, **({"choose": lambda file: file.export_date.day == 1} if only_second else {}))
    archive(installation, f"{FIRST}/all_full.ndjson")
    run(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[:2]
    assert vanished(installation) == [f"landing/{FIRST}/all_full.ndjson"]


def test_what_was_archived_before_the_same_was_delivered_again_keeps_its_rows(installation: Installation) -> None:
    installation.land(f"{FIRST}/all_full.ndjson", contacts(1))
    run(installation)
    archive(installation, f"{FIRST}/all_full.ndjson")
    run(installation)
    for folder in (SECOND, THIRD):
        installation.land(f"{folder}/all_full.ndjson", contacts(1))
        run(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT


@pytest.mark.parametrize(
    "touch", [lambda path: path.chmod(0o640), lambda path: os.utime(path, (1, 1)), lambda path: put_there_anew(path)]
)
def test_a_file_that_was_touched_when_its_like_was_archived_has_not_come_anew(
    installation: Installation, touch: Callable[[Path], None]
) -> None:
    for folder in (FIRST, SECOND):
        installation.land(f"{folder}/all_full.ndjson", contacts(1))
    run(installation)
    archive(installation, f"{FIRST}/all_full.ndjson")
    touch(installation.settings.landing / SECOND / "all_full.ndjson")
    run(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[:2]


COPIES = [f"{FIRST}/{name}.ndjson" for name in ("a", "b", "c")]
UNDER = "select source_record_id, source_file from staging.customers order by all"
LOGGED = "select file_path, status, rows_read, rows_loaded, rows_duplicate from meta.loads where status <> 'superseded' order by all"


ANEW = pytest.mark.parametrize("is_begun_anew", [False, True])


def run_or_begin_anew(installation: Installation, *, is_begun_anew: bool) -> None:
    (begin_anew if is_begun_anew else run)(installation)


@ANEW
def test_an_archived_copy_keeps_its_rows_when_the_original_is_corrected(
    installation: Installation, *, is_begun_anew: bool
) -> None:
    for path in COPIES:
        installation.land(path, contacts(1, 2))
    run(installation)
    for path in COPIES[1:]:
        archive(installation, path)
    run(installation)
    installation.land(COPIES[0], contacts(3))
    run_or_begin_anew(installation, is_begun_anew=is_begun_anew)
    original, copy, other = (f"landing/{path}" for path in COPIES)
    assert installation.query(UNDER) == [("c1", copy), ("c2", copy), ("c3", original)]
    assert installation.query(LOGGED) == [
        (original, "loaded", 1, 1, 0),
        (copy, "loaded", 2, 2, 0),
        (other, "duplicate", 2, 0, 2),
    ]
    assert (vanished(installation), installation.query(LAW)) == ([copy, other], [(0,)])


@ANEW
def test_a_copy_that_lies_there_is_loaded_when_the_original_is_corrected(
    installation: Installation, *, is_begun_anew: bool
) -> None:
    for path in COPIES:
        installation.land(path, contacts(1))
    run(installation)
    archive(installation, COPIES[1])
    installation.land(COPIES[0], contacts(3))
    run_or_begin_anew(installation, is_begun_anew=is_begun_anew)
    assert installation.query(UNDER) == [("c1", f"landing/{COPIES[2]}"), ("c3", f"landing/{COPIES[0]}")]


def test_an_original_loaded_again_is_the_original_of_its_archived_copy_again(installation: Installation) -> None:
    for path in COPIES[:2]:
        installation.land(path, contacts(1))
    run(installation)
    archive(installation, COPIES[1])
    run(installation)
    run(installation, full_refresh=True)
    assert installation.query(UNDER) == [("c1", f"landing/{COPIES[0]}")]
    assert [(path, status) for path, status, *_ in installation.query(LOGGED)] == [
        (f"landing/{COPIES[0]}", "loaded"),
        (f"landing/{COPIES[1]}", "duplicate"),
    ]


def test_a_file_that_was_moved_over_another_one_stands_in_its_place(installation: Installation) -> None:
    installation.land(f"{FIRST}/all_full.ndjson", contacts(1))
    installation.land(f"{SECOND}/all_full.ndjson", contacts(2))
    run(installation)
    move(installation, f"{FIRST}/all_full.ndjson", f"{SECOND}/all_full.ndjson")
    run(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[1:2]


@pytest.mark.parametrize("is_loaded_at_once", [False, True])
def test_a_file_that_was_moved_is_known_as_that_when_its_new_place_is_loaded_later(
    installation: Installation, *, is_loaded_at_once: bool
) -> None:
    installation.land(f"{FIRST}/all_full.ndjson", contacts(1))
    run(installation)
    move(installation, f"{FIRST}/all_full.ndjson", f"{THIRD}/all_full.ndjson")
    if not is_loaded_at_once:
        run(installation, choose=lambda _: False)
    run(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[2:]


@pytest.mark.parametrize("to", [f"{FIRST}/b.txt", f"{SECOND}/a.txt", f"{FIRST}/0.xlsx"])
def test_a_file_that_was_moved_to_a_name_that_cannot_be_read_keeps_its_rows(
    installation: Installation, to: str
) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1, 2))
    run(installation)
    before = installation.query(STANDING)
    move(installation, f"{FIRST}/a.ndjson", to)
    for _ in range(2):
        run(installation)
        assert installation.query(STANDING) == before
        assert vanished(installation) == [f"landing/{FIRST}/a.ndjson"]
        assert any(to in problem for problem in looked_at(installation)) or installation.query(
            "select file_path from meta.loads where status = 'rejected'"
        ) == [(f"landing/{to}",)]
    assert installation.query(LAW) == [(0,)]
    move(installation, to, f"{FIRST}/a.ndjson")
    run(installation)
    assert (installation.query(STANDING), vanished(installation)) == (before, [])
    assert looked_at(installation) == []


@pytest.mark.parametrize("to", ["b.txt", "0.txt"])
def test_a_file_under_a_name_that_cannot_be_read_keeps_its_rows_when_its_date_is_loaded_again(
    installation: Installation, to: str
) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1, 2))
    run(installation)
    before = installation.query(STANDING)
    move(installation, f"{FIRST}/a.ndjson", f"{FIRST}/{to}")
    run(installation, dates=DateRange(date(2026, 3, 1), date(2026, 3, 1)))
    assert installation.query(STANDING) == before
    assert installation.query(LAW) == [(0,)]


def test_a_copy_that_cannot_be_read_is_rejected_once_its_original_is_corrected(installation: Installation) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    run(installation)
    shutil.copy(installation.settings.landing / FIRST / "a.ndjson", installation.settings.landing / FIRST / "b.txt")
    run(installation)
    assert installation.query(LOGGED) == [
        (f"landing/{FIRST}/a.ndjson", "loaded", 1, 1, 0),
        (f"landing/{FIRST}/b.txt", "duplicate", 1, 0, 1),
    ]
    installation.land(f"{FIRST}/a.ndjson", contacts(3))
    run(installation)
    assert installation.query("select file_path, status, reason_code from meta.loads where status <> 'superseded'") == [
        (f"landing/{FIRST}/a.ndjson", "loaded", None),
        (f"landing/{FIRST}/b.txt", "rejected", "unknown_format"),
    ]
    assert looked_at(installation) == []


def test_a_build_file_begun_anew_knows_what_lay_beside_what(installation: Installation) -> None:
    for folder in (FIRST, SECOND):
        installation.land(f"{folder}/all_full.ndjson", contacts(1))
    run(installation)
    archive(installation, f"{FIRST}/all_full.ndjson")
    begin_anew(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[:2]


def test_a_file_moved_while_a_build_file_is_begun_anew_stands_where_it_lies_now(installation: Installation) -> None:
    installation.land(f"{FIRST}/all_full.ndjson", contacts(1))
    run(installation)
    move(installation, f"{FIRST}/all_full.ndjson", f"{SECOND}/all_full.ndjson")
    begin_anew(installation)
    assert installation.query(STANDING) == DELIVERIES_OF_ONE_CONTENT[1:2]


def test_a_file_that_vanished_keeps_its_rows_even_when_its_date_is_loaded_again(installation: Installation) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    installation.land(f"{SECOND}/b.ndjson", contacts(2))
    run(installation)
    shutil.rmtree(installation.settings.landing / FIRST)
    before = installation.state()
    run(installation, dates=DateRange(date(2026, 3, 1), date(2026, 3, 2)))
    assert installation.state() == before
    assert vanished(installation) == [f"landing/{FIRST}/a.ndjson"]


@pytest.mark.parametrize(("is_replay", "left"), [(False, ["c2"]), (True, ["c1", "c2"])])
def test_a_date_again_replaces_what_its_delivery_consists_of_no_more(
    installation: Installation, *, is_replay: bool, left: list[str]
) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    installation.land(f"{FIRST}/b.ndjson", contacts(2))
    run(installation)
    (installation.settings.landing / FIRST / "a.ndjson").unlink()
    run(installation, dates=DateRange(date(2026, 3, 1), date(2026, 3, 1)), is_replay=is_replay)
    assert [record for record, *_ in installation.query(STANDING)] == left


def of(path: str) -> Callable[[Delivered], bool]:
    return lambda found: found.relative_path == f"landing/{path}"


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\n")


def put_there_anew(path: Path) -> None:
    kept = path.with_name("kept.tmp")
    shutil.copy2(path, kept)
    path.unlink()
    shutil.copy2(kept, path)


@pytest.mark.parametrize("land_again", [change, put_there_anew])
def test_a_file_that_was_withdrawn_is_passed_over_until_it_is_landed_again(
    installation: Installation, land_again: Callable[[Path], None]
) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    installation.land(f"{SECOND}/b.ndjson", contacts(1, 2))
    run(installation)
    run(installation, withdraw=of(f"{SECOND}/b.ndjson"))
    only_first = [("c1", "2026-03-01", f"landing/{FIRST}/a.ndjson")]
    assert installation.query(STANDING) == only_first
    assert installation.query("select file_path, status, reason_code from meta.loads order by 1") == [
        (f"landing/{FIRST}/a.ndjson", "loaded", None),
        (f"landing/{SECOND}/b.ndjson", "superseded", "withdrawn"),
    ]
    export_date = DateRange(date(2026, 3, 1), date(2026, 3, 2))
    for asked in ({}, {"dates": export_date}, {"full_refresh": True}):
        run(installation, **asked)
        assert installation.query(STANDING) == only_first
    land_again(installation.settings.landing / SECOND / "b.ndjson")
    assert [outcome.rows_loaded for outcome in run(installation).outcomes] == [2]
    assert run(installation).outcomes == ()
    assert [record for record, *_ in installation.query(STANDING)] == ["c1", "c1", "c2"]


def test_a_copy_of_a_file_that_was_withdrawn_speaks_for_itself(installation: Installation) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    installation.land(f"{FIRST}/copy.ndjson", contacts(1))
    run(installation)
    run(installation, withdraw=of(f"{FIRST}/a.ndjson"))
    assert installation.query(STANDING) == [("c1", "2026-03-01", f"landing/{FIRST}/copy.ndjson")]
    assert installation.query(LAW) == [(0,)]


def test_an_archived_file_can_be_withdrawn_and_comes_back_with_the_file(installation: Installation) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    run(installation)
    (installation.settings.landing / FIRST / "a.ndjson").rename(installation.folder / "archived")
    run(installation, withdraw=of(f"{FIRST}/a.ndjson"))
    assert (installation.query(STANDING), vanished(installation)) == ([], [])
    (installation.folder / "archived").rename(installation.settings.landing / FIRST / "a.ndjson")
    run(installation)
    assert [record for record, *_ in installation.query(STANDING)] == ["c1"]


def begin_anew(installation: Installation) -> None:
    archived_deliveries.set_aside(installation.settings)
    with build_file.connect(installation.settings) as con:
        archived_deliveries.note_to_reload(con, installation.settings)
    run(installation)


@pytest.mark.parametrize("archived", ["2026-03-01", "2026-03-02", "2026-03-03"])
def test_events_reported_on_several_dates_survive_a_new_build_file_whichever_is_archived(
    installation: Installation, archived: str
) -> None:
    for export_date, numbers in {"2026-03-01": (1, 3), "2026-03-02": (1, 2), "2026-03-03": (2, 3, 4)}.items():
        installation.land(f"omnisend/events/{export_date}/a.ndjson", [event(number) for number in numbers])
    run(installation)
    before = installation.state()
    shutil.rmtree(installation.settings.landing / "omnisend/events" / archived)
    begin_anew(installation)
    assert installation.state() == before
    assert installation.query("select file_path from meta.loads where is_taken_over") == [
        (f"landing/omnisend/events/{archived}/a.ndjson",)
    ]


def test_an_event_with_its_first_report_corrected_away_stands_under_the_archived_second(
    installation: Installation,
) -> None:
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1), event(2)])
    installation.land("omnisend/events/2026-03-02/b.ndjson", [event(1), event(3)])
    run(installation)
    (installation.settings.landing / "omnisend/events/2026-03-02/b.ndjson").unlink()
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(2)])
    begin_anew(installation)
    assert installation.query(
        "select event_id, export_date::varchar, last_export_date::varchar from staging.events order by all"
    ) == [
        ("e1", "2026-03-02", "2026-03-02"),
        ("e2", "2026-03-01", "2026-03-01"),
        ("e3", "2026-03-02", "2026-03-02"),
    ]
    assert installation.query("select rows_loaded, rows_duplicate from meta.loads where is_taken_over") == [(2, 0)]
    assert installation.query(LAW) == [(0,)]


@ANEW
def test_events_of_an_archived_copy_stand_on_when_the_original_is_corrected(
    installation: Installation, *, is_begun_anew: bool
) -> None:
    paths = [f"omnisend/events/2026-03-02/{name}.ndjson" for name in ("a", "b")]
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1)])
    for path in paths:
        installation.land(path, [event(1), event(2)])
    run(installation)
    archive(installation, paths[1])
    run(installation)
    installation.land(paths[0], [event(3)])
    run_or_begin_anew(installation, is_begun_anew=is_begun_anew)
    assert installation.query(
        "select event_id, last_export_date::varchar, source_file from staging.events order by all"
    ) == [
        ("e1", "2026-03-02", "landing/omnisend/events/2026-03-01/a.ndjson"),
        ("e2", "2026-03-02", f"landing/{paths[1]}"),
        ("e3", "2026-03-02", f"landing/{paths[0]}"),
    ]
    assert installation.query("select count(*) from staging.order_lines") == [(3,)]
    assert installation.query("select source_file from internal.duplicates") == [(f"landing/{paths[1]}",)]
    assert installation.query(LAW) == [(0,)]


def test_a_copy_of_what_nothing_is_known_of_any_more_is_not_silently_left_out_of_a_build_file_begun_anew(
    installation: Installation,
) -> None:
    for path in COPIES[:2]:
        installation.land(path, contacts(1))
    run(installation)
    archive(installation, COPIES[1])
    run(installation)
    installation.land(COPIES[0], contacts(3))
    with build_file.connect(installation.settings) as con:
        con.execute("update meta.loads set status = 'superseded' where status = 'loaded'")
    with pytest.raises(OperatorError) as error:
        begin_anew(installation)
    assert f"landing/{COPIES[1]}" in str(error.value)


def version(number: int, day: int) -> object:
    return {"contactID": f"c{number}", "updatedAt": f"2026-02-0{day}T00:00:00Z"}


@ANEW
def test_an_older_version_of_an_archived_file_comes_back_when_the_newer_one_is_corrected_away(
    installation: Installation, *, is_begun_anew: bool
) -> None:
    newer, older = COPIES[:2]
    installation.land(newer, [version(1, 2), version(2, 2)])
    installation.land(older, [version(1, 1)])
    run(installation)
    archive(installation, older)
    run(installation)
    installation.land(newer, [version(2, 2)])
    run_or_begin_anew(installation, is_begun_anew=is_begun_anew)
    assert installation.query(UNDER) == [("c1", f"landing/{older}"), ("c2", f"landing/{newer}")]
    assert installation.query(LOGGED) == [
        (f"landing/{newer}", "loaded", 1, 1, 0),
        (f"landing/{older}", "loaded", 1, 1, 0),
    ]


def test_an_older_version_of_an_archived_file_stays_aside_in_a_build_file_begun_anew(
    installation: Installation,
) -> None:
    installation.land(COPIES[0], [version(1, 2)])
    installation.land(COPIES[1], [version(1, 1)])
    run(installation)
    before = installation.state()
    archive(installation, COPIES[1])
    begin_anew(installation)
    assert installation.state() == before
    assert installation.query("select source_file from internal.outdone") == [(f"landing/{COPIES[1]}",)]


def test_an_archived_copy_keeps_the_older_versions_of_its_original(installation: Installation) -> None:
    original, copy, newer = COPIES
    for path in (original, copy):
        installation.land(path, [version(1, 1)])
    installation.land(newer, [version(1, 2)])
    run(installation)
    archive(installation, copy)
    run(installation)
    installation.land(original, contacts(9))
    run(installation)
    assert installation.query(UNDER) == [("c1", f"landing/{newer}"), ("c9", f"landing/{original}")]
    run(installation, withdraw=of(newer))
    assert installation.query(UNDER) == [("c1", f"landing/{copy}"), ("c9", f"landing/{original}")]
    assert installation.query(LAW) == [(0,)]


@ANEW
def test_of_versions_without_a_time_an_archived_copy_has_the_newest_by_its_own_path(
    installation: Installation, *, is_begun_anew: bool
) -> None:
    original, between, copy = COPIES
    for path, name in ((original, "One"), (between, "Two"), (copy, "One")):
        installation.land(path, [{"contactID": "c1", "firstName": name}])
    run(installation)
    archive(installation, copy)
    run(installation)
    installation.land(original, contacts(9))
    run_or_begin_anew(installation, is_begun_anew=is_begun_anew)
    assert installation.query(UNDER) == [("c1", f"landing/{copy}"), ("c9", f"landing/{original}")]
    assert installation.query(LOGGED) == [
        (f"landing/{original}", "loaded", 1, 1, 0),
        (f"landing/{between}", "loaded", 1, 0, 1),
        (f"landing/{copy}", "loaded", 1, 1, 0),
    ]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-9])


def no_file(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def leads_nowhere(path: Path) -> None:
    path.unlink()
    path.symlink_to("gone.gz")


def other_content(path: Path) -> None:
    path.write_bytes(b"%PDF-1.7 no delivery")


def empty_archive(path: Path) -> None:
    path.write_bytes(gzip.compress(b" \n"))


SPOIL = pytest.mark.parametrize("spoil", [cut, no_file, leads_nowhere, other_content, empty_archive])
SPOILT = f"{FIRST}/a.ndjson.gz"


def reported(installation: Installation) -> list[str]:
    with build_file.connect(installation.settings) as con:
        return list(unreadable_files.look(con, installation.settings, "test"))


def land_packed(installation: Installation, *numbers: int) -> None:
    installation.land(SPOILT, gzip.compress("\n".join(map(json.dumps, contacts(*numbers))).encode(), mtime=0))


@SPOIL
def test_a_loaded_file_that_cannot_be_read_any_more_keeps_its_rows_and_is_reported_until_it_can(
    installation: Installation, spoil: Callable[[Path], None]
) -> None:
    land_packed(installation, 1, 2)
    run(installation)
    before = installation.state()
    path = installation.settings.landing / SPOILT
    sound = path.read_bytes()
    spoil(path)
    for asked in ({}, {}, {"dates": DateRange(date(2026, 3, 1), date(2026, 3, 1))}):
        assert [outcome.status for outcome in run(installation, **asked).outcomes] == ["kept"]
        assert installation.state() == before
        assert [SPOILT in sentence for sentence in reported(installation)] == [True]
    path.unlink()
    path.write_bytes(sound)
    run(installation)
    assert (installation.state(), reported(installation)) == (before, [])
    spoil(path)
    run(installation)
    path.unlink()
    land_packed(installation, 3)
    run(installation)
    assert ([record for record, *_ in installation.query(STANDING)], reported(installation)) == (["c3"], [])


@pytest.mark.parametrize("settle", ["archive", "withdraw"])
def test_what_cannot_be_read_any_more_is_reported_of_until_it_is_archived_or_withdrawn(
    installation: Installation, settle: str
) -> None:
    land_packed(installation, 1)
    run(installation)
    cut(installation.settings.landing / SPOILT)
    run(installation)
    if settle == "archive":
        archive(installation, SPOILT)
    run(installation, **({"withdraw": of(SPOILT)} if settle == "withdraw" else {}))
    assert (reported(installation), len(installation.query(STANDING))) == ([], 1 if settle == "archive" else 0)


@SPOIL
def test_a_file_that_cannot_be_read_any_more_is_taken_over_into_a_build_file_begun_anew(
    installation: Installation, spoil: Callable[[Path], None]
) -> None:
    land_packed(installation, 1, 2)
    installation.land(f"{SECOND}/b.ndjson", contacts(2))
    run(installation)
    before = installation.state()
    spoil(installation.settings.landing / SPOILT)
    begin_anew(installation)
    assert installation.state() == before
    assert len(reported(installation)) == 1


def test_a_file_that_never_could_be_read_is_rejected_each_time_it_changes(installation: Installation) -> None:
    for content in (b"no archive", b"no archive either"):
        installation.land(SPOILT, content)
        assert [outcome.status for outcome in run(installation).outcomes] == ["rejected"]
    begin_anew(installation)
    assert installation.query("select status, rows_rejected from meta.loads") == [("rejected", 1)]
    assert reported(installation) == []


def test_a_date_to_come_that_an_earlier_version_loaded_is_not_taken_over(installation: Installation) -> None:
    installation.land(f"{FIRST}/a.ndjson", contacts(1))
    run(installation)
    with build_file.connect(installation.settings) as con:
        con.execute("insert into internal.owed (file_path) values ('landing/omnisend/contacts/2042-05-02/a.ndjson')")
    installation.land("omnisend/contacts/2042-05-02/a.ndjson", contacts(2))
    assert [problem.reason_code for problem in run(installation).problems] == ["future_date"]
    assert installation.query("select count(*) from internal.owed") == [(0,)]


def full(installation: Installation, folder: str, *numbers: int) -> None:
    installation.land(f"{folder}/contacts_full.ndjson", contacts(*numbers))


def is_full(installation: Installation) -> list[bool]:
    return [
        reported
        for (reported,) in installation.query(
            "select is_full from meta.deliveries order by source, source_account, stream, export_date"
        )
    ]


def held(installation: Installation) -> list[tuple[str, int, int]]:
    with build_file.connect(installation.settings) as con:
        return [(found.name, found.left_out, found.living) for found in held_deletions.held(con)]


@pytest.mark.parametrize(("left", "is_held"), [(100, False), (81, False), (80, False), (79, True), (0, True)])
def test_a_full_delivery_that_would_delete_more_than_a_fifth_is_partial_and_held(
    installation: Installation, left: int, *, is_held: bool
) -> None:
    full(installation, FIRST, *range(100))
    full(installation, SECOND, *range(left), 1000)
    run(installation)
    assert is_full(installation) == [True, not is_held]
    assert held(installation) == ([(SECOND, 100 - left, 100)] if is_held else [])


def test_fewer_than_twenty_deletions_need_no_reason_unless_the_delivery_is_empty(installation: Installation) -> None:
    full(installation, FIRST, *range(20))
    full(installation, SECOND, 0)
    installation.land(f"{THIRD}/contacts_full.json", b"[]")
    run(installation)
    assert is_full(installation) == [True, True, False]
    assert held(installation) == [(THIRD, 1, 1)]


def test_an_empty_full_delivery_of_a_stream_that_never_held_anybody_is_full(installation: Installation) -> None:
    installation.land(f"{FIRST}/contacts_full.json", b"[]")
    run(installation)
    assert (is_full(installation), held(installation)) == ([True], [])


def test_a_held_delivery_is_settled_by_a_later_full_one(installation: Installation) -> None:
    full(installation, FIRST, *range(100))
    full(installation, SECOND, *range(10))
    run(installation)
    assert held(installation) == [(SECOND, 90, 100)]
    full(installation, THIRD, *range(95))
    run(installation)
    assert (is_full(installation), held(installation)) == ([True, False, True], [])


def test_deletions_are_weighed_by_whom_the_last_delivery_left_alive_whatever_came_first(
    installation: Installation, tmp_path: Path
) -> None:
    deliveries = {FIRST: range(100), SECOND: range(81), THIRD: range(62), "omnisend/contacts/2026-03-04": range(40)}
    for folder, numbers in reversed(deliveries.items()):
        full(installation, folder, *numbers)
        run(installation)
    at_once = Installation(tmp_path / "once")
    for folder, numbers in deliveries.items():
        full(at_once, folder, *numbers)
    run(at_once)
    assert is_full(installation) == is_full(at_once) == [True, True, True, False]


def test_accepted_deletions_stand_as_long_as_the_delivery_is_the_same(installation: Installation) -> None:
    full(installation, FIRST, *range(100))
    full(installation, SECOND, *range(10))
    run(installation)
    run(installation, accept_deletions=[("omnisend", "default", "contacts", date(2026, 3, 2))])
    assert (is_full(installation), held(installation)) == ([True, True], [])
    full(installation, SECOND, *range(5))
    run(installation)
    assert (is_full(installation), held(installation)) == ([True, False], [(SECOND, 95, 100)])
    with pytest.raises(OperatorError) as error:
        run(installation, accept_deletions=[("omnisend", "4915112345678", "contacts", date(2026, 3, 2))])
    assert error.value.exit_code == 2
    assert "15112345" not in str(error.value)


def test_deletions_of_one_account_are_weighed_against_its_own_records(installation: Installation) -> None:
    full(installation, FIRST, *range(100))
    full(installation, "omnisend@uk/contacts/2026-03-02", *range(1000, 1005))
    run(installation)
    assert is_full(installation) == [True, True]
    installation.land("omnisend@uk/contacts/2026-03-03/contacts_full.json", b"[]")
    run(installation)
    assert held(installation) == [("omnisend@uk/contacts/2026-03-03", 5, 5)]


def test_whom_the_vendor_called_deleted_needs_no_other_reason(installation: Installation) -> None:
    customers = [{"id": f"cust_{number}", "object": "customer"} for number in range(40)]
    deleted = [
        {
            "id": f"ev_{number}",
            "type": "customer.deleted",
            "created_at": "2026-03-02T08:00:00Z",
            "data": {"customer": {"id": f"cust_{number}"}},
        }
        for number in range(15, 40)
    ]
    installation.land("voucherify/customers/2026-03-01/customers_full.ndjson", customers)
    installation.land("voucherify/customers/2026-03-02/told.ndjson", deleted)
    installation.land("voucherify/customers/2026-03-03/customers_full.ndjson", customers[:15])
    run(installation)
    assert is_full(installation) == [True, False, True]
    (installation.settings.landing / "voucherify/customers/2026-03-02/told.ndjson").unlink()
    run(installation, withdraw=of("voucherify/customers/2026-03-02/told.ndjson"))
    assert held(installation) == [("voucherify/customers/2026-03-03", 25, 40)]


def test_a_list_that_loses_most_of_the_people_it_names_is_held_too(installation: Installation) -> None:
    for day, count in ((1, 60), (2, 10)):
        rows = "".join(f"p{number}@list.example,subscribe,1770022800\n" for number in range(count))
        installation.land(
            f"optimizely/lists/2026-03-0{day}/zaius_list_newsletter_full.csv",
            f"email,action,ts_status_updated\n{rows}".encode(),
        )
    run(installation)
    assert held(installation) == [("optimizely/lists/2026-03-02", 50, 60)]
