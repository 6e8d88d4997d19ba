"""Publishing and going back, on small files of the right kind: no vendor, no dbt."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

import duckdb
import pytest

from orchestration.cli import main, plan
from orchestration.config import file_rights
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import copying, run_log
from orchestration.warehouse.ddl import AUDIT_DDL


def build(settings: Settings, content: int) -> None:
    """A build file with two marts that must always agree."""
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("create schema if not exists marts")
        con.execute(f"create or replace table marts.dim_customers as select {content} as content from range(5000)")
        con.execute(f"create or replace table marts.fct_orders as select {content} as content from range(5000)")
        con.execute("create schema if not exists meta; create schema if not exists internal")
        con.execute(f"create or replace table internal.transformed as select 'made of {content}' as fingerprint")
        con.execute(
            f"create or replace table meta.runs as select 'run{content}' as run_id, true as published, now() as started_at, now() as ended_at"
        )


def publish_content(settings: Settings, content: int) -> publish.Publication:
    build(settings, content)
    return publish.publish(
        settings, run_id=f"run{content}", fingerprint=f"made of {content}", customers=content, orders=content
    )


def seen(path: Path) -> tuple[int, int]:
    with duckdb.connect(str(path), read_only=True) as con:
        row = con.execute(
            "select (select max(content) from marts.dim_customers), (select min(content) from marts.fct_orders)"
        ).fetchone()
    assert row is not None
    return row


def test_a_published_warehouse_is_seen_and_known_as_current(settings: Settings) -> None:
    made = publish_content(settings, 1)
    assert seen(settings.published_file) == (1, 1)
    assert publish.current(settings) == made


def test_the_published_file_is_read_by_older_tools_and_not_to_be_written(settings: Settings) -> None:
    publish_content(settings, 1)
    assert settings.published_file.stat().st_mode & 0o222 == 0
    with duckdb.connect() as con:
        con.execute(f"attach '{settings.published_file}' as published (read_only)")
        tags = con.execute("select tags from duckdb_databases() where database_name = 'published'").fetchone()
    assert tags is not None
    assert "v1.5" in json.dumps(tags[0])


def test_a_reader_keeps_the_warehouse_it_opened(settings: Settings) -> None:
    publish_content(settings, 1)
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        publish_content(settings, 2)
        assert con.execute("select max(content) from marts.fct_orders").fetchone() == (1,)
    assert seen(settings.published_file) == (2, 2)


@pytest.mark.long
def test_readers_never_fail_and_never_see_half_a_publication(settings: Settings) -> None:
    publish_content(settings, 0)
    answers: list[tuple[int, int]] = []
    failures: list[Exception] = []
    is_over = threading.Event()

    def read() -> None:
        while not is_over.is_set():
            try:
                answers.append(seen(settings.published_file))
            except Exception as error:
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    content = 0
    while content < 15 or (len(answers) < 20 and not failures):
        content += 1
        publish_content(settings, content)
    is_over.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert all(left == right for left, right in answers)


def test_a_write_ahead_log_left_by_a_stranger_does_not_spoil_the_next_publication(settings: Settings) -> None:
    publish_content(settings, 1)
    settings.published_file.with_name("warehouse.duckdb.wal").write_bytes(b"of another file")
    publish_content(settings, 2)
    assert seen(settings.published_file) == (2, 2)


# Imports nothing but what publishes; dies at the point that the environment names.
KILLED = """
import sys
from pathlib import Path
from orchestration.publishing import publish
from orchestration.config.options import Options
from orchestration.config.settings import Settings
settings = Settings(data=Path(sys.argv[1]), options=Options(free_disk_bytes=0))
if sys.argv[2] == "rollback":
    publish.rollback(settings)
elif sys.argv[2] == "amend":
    publish.amend(settings, lambda con: con.execute("create table meta.more as select 1 as one"))
else:
    publish.publish(settings, run_id="run2", fingerprint="made of 2", customers=2, orders=2)
"""


def killed(settings: Settings, act: str, point: str) -> None:
    died = subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.data), act], env={**os.environ, "C360_KILL_AT": point}, check=False
    )
    assert died.returncode == -signal.SIGKILL


@pytest.mark.long
@pytest.mark.parametrize(
    ("point", "stands"),
    [
        ("before_copy", [1]),
        ("before_note", [1]),
        ("before_swap", [1]),
        ("after_swap", [1, 2]),
        ("before_prune", [1, 2]),
    ],
)
def test_a_publication_that_was_killed_is_finished_or_undone(settings: Settings, point: str, stands: list[int]) -> None:
    publish_content(settings, 1)
    build(settings, 2)
    killed(settings, "publish", point)
    assert seen(settings.published_file) == (stands[-1], stands[-1])
    assert publish.secure(settings) == []
    assert [found.fingerprint for found in publish.publications(settings)] == [
        f"made of {content}" for content in stands
    ]
    now = publish.current(settings)
    assert (now and now.fingerprint) == f"made of {stands[-1]}"
    assert {folder.name.partition("-")[0] for folder in settings.publications.iterdir()} == {
        f"{number:010}" for number in stands
    }


@pytest.mark.long
@pytest.mark.parametrize("point", ["before_rollback_swap", "after_rollback_swap"])
def test_a_rollback_that_was_killed_holds_and_is_not_done_twice(settings: Settings, point: str) -> None:
    for content in (1, 2, 3):
        publish_content(settings, content)
    killed(settings, "rollback", point)
    publish.secure(settings)
    assert seen(settings.published_file) == (2, 2)
    assert publish.is_withdrawn(settings, "made of 3")
    assert not publish.is_withdrawn(settings, "made of 2")


def test_the_order_of_publications_is_their_number_whatever_the_clock_says(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> "Stopped":
            return cls(1990, 1, 1, tzinfo=tz)

    (settings.publications / "20260101T000000.000000Z-earlier").mkdir(parents=True)
    publish_content(settings, 1)
    monkeypatch.setattr(publish, "datetime", Stopped)
    publish_content(settings, 2)
    publish_content(settings, 3)
    assert publish.rollback(settings).fingerprint == "made of 2"
    assert publish.rollback(settings).fingerprint == "made of 1"


@pytest.mark.long
@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", "null", "7", '{"fingerprint": 7}', '{"run_id": "run1"}', "\0" * 300, "[" * 9000]
)
def test_a_note_that_is_lost_or_cut_stops_nothing_and_is_written_anew(settings: Settings, text: str | None) -> None:
    for content in (1, 2):
        publish_content(settings, content)
    whole = [replace(found, published_at="", customers=0, orders=0) for found in publish.publications(settings)]
    note = publish.publications(settings)[0].folder / publish.NOTE
    note.unlink() if text is None else note.write_text(text, encoding="utf-8")
    assert publish.damaged_notes(settings) == [note]
    for _ in range(2):
        assert [
            replace(found, published_at="", customers=0, orders=0) for found in publish.publications(settings)
        ] == whole
        assert publish.secure(settings) == []
        assert publish.damaged_notes(settings) == []
    assert publish.rollback(settings).fingerprint == "made of 1"


def test_a_note_of_a_newer_version_may_say_more(settings: Settings) -> None:
    made = publish_content(settings, 1)
    note = made.folder / publish.NOTE
    note.write_text(json.dumps(json.loads(note.read_text(encoding="utf-8")) | {"mood": "merry"}), encoding="utf-8")
    assert publish.damaged_notes(settings) == []
    assert publish.current(settings) == made


def test_what_was_taken_back_stays_so_when_its_note_is_lost(settings: Settings) -> None:
    for content in (1, 2):
        publish_content(settings, content)
    publish.rollback(settings)
    (publish.publications(settings)[1].folder / publish.NOTE).unlink()
    publish.secure(settings)
    assert publish.is_withdrawn(settings, "made of 2")
    assert seen(settings.published_file) == (1, 1)


def test_a_published_file_that_is_gone_after_a_rollback_stands_there_again(settings: Settings) -> None:
    for content in (1, 2):
        publish_content(settings, content)
    publish.rollback(settings)
    settings.published_file.unlink()
    [reported] = publish.secure(settings)
    assert "was gone" in reported
    assert seen(settings.published_file) == (1, 1)
    assert publish.is_withdrawn(settings, "made of 2")
    assert publish.secure(settings) == []


def test_one_goes_back_to_no_publication_that_cannot_be_opened(settings: Settings) -> None:
    for content in (1, 2, 3):
        publish_content(settings, content)
    damaged = publish.publications(settings)[1].file
    damaged.chmod(0o600)
    os.truncate(damaged, 9000)
    publish.rollback(settings)
    assert seen(settings.published_file) == (1, 1)


@pytest.mark.parametrize("content", [b"", b"\0" * 9000, b"x" * 9000])
def test_a_damaged_published_file_is_moved_aside_and_the_one_before_stands_in(
    settings: Settings, content: bytes
) -> None:
    for number in (1, 2):
        publish_content(settings, number)
    settings.published_file.chmod(0o600)
    settings.published_file.write_bytes(content)
    [reported] = publish.secure(settings)
    assert "was damaged and was moved aside to warehouse.duckdb.damaged" in reported
    assert settings.published_file.with_name("warehouse.duckdb.damaged").read_bytes() == content
    assert seen(settings.published_file) == (1, 1)
    assert [found.fingerprint for found in publish.publications(settings)] == ["made of 1"]


def of_somebody_else(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("create table marks as select 1 as mark")


@pytest.mark.parametrize(
    "put",
    [
        lambda path: path.write_text("my thesis", encoding="utf-8"),
        lambda path: path.write_bytes(b"SQLite format 3\0" + b"\0" * 5000),
        lambda path: path.write_bytes(b"PAR1" + b"\0" * 5000),
        of_somebody_else,
        lambda path: duckdb.connect(str(path)).close(),
        lambda path: path.mkdir(),
    ],
)
@pytest.mark.parametrize("act", [publish.secure, publish.rollback])
def test_a_file_of_somebody_else_is_never_overwritten(
    settings: Settings, put: Callable[[Path], object], act: Callable[[Settings], object]
) -> None:
    for content in (1, 2):
        publish_content(settings, content)
    settings.published_file.unlink()
    put(settings.published_file)
    before = settings.published_file.stat()
    with pytest.raises(OperatorError, match="no warehouse of this program"):
        act(settings)
    after = settings.published_file.stat()
    assert (before.st_ino, before.st_size, before.st_mtime_ns) == (after.st_ino, after.st_size, after.st_mtime_ns)


def test_a_file_that_is_put_there_while_a_run_is_at_work_is_not_overwritten(settings: Settings) -> None:
    publish_content(settings, 1)
    build(settings, 2)

    def meanwhile(con: duckdb.DuckDBPyConnection) -> None:
        settings.published_file.unlink()
        settings.published_file.write_text("my thesis", encoding="utf-8")

    with pytest.raises(OperatorError, match="no warehouse of this program"):
        publish.publish(settings, run_id="run2", fingerprint="made of 2", customers=2, orders=2, record=meanwhile)
    assert settings.published_file.read_text(encoding="utf-8") == "my thesis"
    assert [found.fingerprint for found in publish.publications(settings)] == ["made of 1"]


def test_what_the_copy_says_of_its_run_the_build_file_says_only_after_the_swap(settings: Settings) -> None:
    build(settings, 1)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("update meta.runs set published = false")

    def record(con: duckdb.DuckDBPyConnection) -> None:
        con.execute("update meta.runs set published = true")

    publish.publish(settings, run_id="run1", fingerprint="made of 1", customers=1, orders=1, record=record)
    said = []
    for path in (settings.published_file, settings.build_file):
        with duckdb.connect(str(path), read_only=True, config=settings.duckdb_config) as con:
            said += con.execute("select published from meta.runs").fetchall()
    assert said == [(True,), (False,)]


def test_the_run_log_learns_from_publications_that_stand_and_from_no_other(settings: Settings) -> None:
    with duckdb.connect() as con:
        con.execute(AUDIT_DDL)
        for run_id in ("swapped", "killed before", "now"):
            run_log.begin(con, run_id, "c360 run", published=["swapped"])
        found = con.execute("select run_id, status, published from meta.runs order by run_id").fetchall()
    assert found == [
        ("killed before", "interrupted", False),
        ("now", "running", False),
        ("swapped", "interrupted", True),
    ]


def test_a_plan_compares_with_the_very_file_that_it_copied(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.published_file.write_bytes(b"of yesterday")
    copyfile = shutil.copyfile

    def meanwhile(source: Path, target: Path) -> None:
        copyfile(source, target)
        (settings.data / "new").write_bytes(b"of today")
        os.replace(settings.data / "new", settings.published_file)

    monkeypatch.setattr(plan.shutil, "copyfile", meanwhile)
    tried = plan._lay_out(settings, settings.internal / "plan", settings.config)
    assert tried.build_file.read_bytes() == tried.published_file.read_bytes() == b"of yesterday"


@pytest.mark.parametrize(
    ("chosen", "umask", "mode"),
    [("", 0o022, 0o444), ("", 0o027, 0o440), ("", 0o077, 0o400), ("0440", 0o022, 0o440), ("444", 0o077, 0o444)],
)
def test_the_published_file_can_be_read_by_whom_the_umask_or_the_setting_lets(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, chosen: str, umask: int, mode: int
) -> None:
    monkeypatch.setenv("C360_UMASK", f"{umask:03o}")
    made = publish_content(replace(settings, options=Options(published_file_mode=chosen)), 1)
    assert stat.S_IMODE(settings.published_file.stat().st_mode) == stat.S_IMODE(made.file.stat().st_mode) == mode


@pytest.mark.parametrize(("chosen", "mode"), [("", 0o700), ("0400", 0o700), ("0440", 0o710), ("0444", 0o711)])
def test_the_data_folder_is_private_and_passed_only_by_whom_the_published_file_is_for(
    settings: Settings, chosen: str, mode: int
) -> None:
    settings.data.chmod(0o755)
    inside = (settings.internal, settings.config)
    for folder in inside:
        folder.mkdir(mode=0o755)
    file_rights.tighten(replace(settings, options=Options(published_file_mode=chosen)))
    assert stat.S_IMODE(settings.data.stat().st_mode) == mode
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in inside} == {0o700}


def test_a_setting_of_rights_holds_for_what_is_published_already(settings: Settings) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    chosen = replace(settings, options=Options(published_file_mode="0400", free_disk_bytes=0))
    file_rights.tighten(chosen)
    files = [settings.published_file, *(one.file for one in publish.publications(settings))]
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o400] * 3
    publish.rollback(chosen)
    assert stat.S_IMODE(settings.published_file.stat().st_mode) == 0o400


def test_rollback_brings_back_the_publication_before(settings: Settings) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    assert publish.rollback(settings).fingerprint == "made of 1"
    assert seen(settings.published_file) == (1, 1)


def test_going_back_from_a_damaged_file_goes_one_step(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    for content in (1, 2, 3):
        publish_content(settings, content)
    settings.published_file.chmod(0o600)
    os.truncate(settings.published_file, 9000)
    assert main.main(["rollback"]) == 3
    assert seen(settings.published_file) == (2, 2)
    reported = capsys.readouterr().out
    assert "was damaged" in reported
    assert "What was taken back" not in reported
    assert main.main(["rollback"]) == 0
    assert seen(settings.published_file) == (1, 1)
    assert "What was taken back" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.parametrize(("command", "point"), [("rollback", "before_rollback_swap"), ("publish", "after_swap")])
def test_going_back_after_a_kill_goes_one_step(settings: Settings, command: str, point: str) -> None:
    for content in (0, 1):
        publish_content(settings, content)
    build(settings, 2) if command == "publish" else publish_content(settings, 2)
    killed(settings, command, point)
    assert main.main(["rollback"]) == 0
    assert seen(settings.published_file) == (1, 1)


def test_what_was_taken_back_is_known_until_something_new_is_published(settings: Settings) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    publish.rollback(settings)
    assert publish.is_withdrawn(settings, "made of 2")
    assert not publish.is_withdrawn(settings, "made of 1")


def test_rollback_passes_over_what_was_taken_back_before(settings: Settings) -> None:
    for content in (1, 2):
        publish_content(settings, content)
    publish.rollback(settings)
    publish_content(settings, 3)
    publish.rollback(settings)
    assert seen(settings.published_file) == (1, 1)


def test_what_was_taken_back_does_not_push_out_what_one_can_go_back_to(settings: Settings) -> None:
    for content in range(1, 8):
        publish_content(settings, content)
        if content > 1:
            publish.rollback(settings)
    assert seen(settings.published_file) == (1, 1)


def test_rollback_without_an_earlier_publication_says_so(settings: Settings) -> None:
    publish_content(settings, 1)
    with pytest.raises(OperatorError, match="no earlier publication"):
        publish.rollback(settings)
    assert seen(settings.published_file) == (1, 1)


def test_only_as_many_publications_as_the_setting_says_are_kept(settings: Settings) -> None:
    frugal = Settings(data=settings.data, options=Options(keep_publications=2))
    for content in range(1, 6):
        publish_content(frugal, content)
    assert [found.fingerprint for found in publish.publications(frugal)] == ["made of 4", "made of 5"]


def test_the_current_publication_is_kept_even_when_it_is_an_old_one(settings: Settings) -> None:
    for content in (1, 2, 3):
        publish_content(settings, content)
    publish.rollback(settings)
    publish.rollback(settings)
    publish.prune(Settings(data=settings.data, options=Options(keep_publications=1)))
    now = publish.current(settings)
    assert now is not None
    assert now.fingerprint == "made of 1"


def test_a_file_that_was_put_in_the_place_of_the_published_one_is_not_current(settings: Settings) -> None:
    publish_content(settings, 1)
    settings.published_file.unlink()
    settings.published_file.write_bytes(b"something else")
    assert publish.current(settings) is None


def test_a_publication_that_fails_leaves_everything_as_it_was(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_content(settings, 1)
    before = publish.publications(settings)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    build(settings, 2)
    monkeypatch.setattr(copying, "write_copy", fail)
    with pytest.raises(OSError, match="No space"):
        publish.publish(settings, run_id="run2", fingerprint="made of 2", customers=0, orders=0)
    assert publish.publications(settings) == before
    assert seen(settings.published_file) == (1, 1)


def test_steps_on_the_way_are_not_published(settings: Settings) -> None:
    build(settings, 1)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute('create schema "or""ders"; create table "or""ders".int_steps as select 1 as one')
        con.execute("create view marts.customers as from marts.dim_customers")
    publish.publish(settings, run_id="run1", fingerprint="made of 1", customers=1, orders=1)
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        found = con.execute("select schema_name from duckdb_schemas() where not internal order by 1").fetchall()
        assert con.execute("select count(*) from marts.customers").fetchone() == (5000,)
    assert [schema for (schema,) in found] == ["internal", "marts", "meta"]


def test_a_published_file_is_never_mostly_free_space(settings: Settings) -> None:
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("create schema orders")
        con.execute("create table orders.int_steps as select uuid()::text as step from range(300000)")
        con.execute("force checkpoint")
    build(settings, 1)
    publish.publish(settings, run_id="run1", fingerprint="made of 1", customers=1, orders=1)
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        [(used,)] = con.execute("select used_blocks * block_size from pragma_database_size()").fetchall()
    assert settings.published_file.stat().st_size < 2.5 * used
    assert settings.build_file.stat().st_size > 4 * used
    assert seen(settings.published_file) == (1, 1)


def test_a_damaged_block_that_nobody_has_read_is_not_published(settings: Settings) -> None:
    publish_content(settings, 1)
    build(settings, 2)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("create schema staging; create table staging.reviews (review_text varchar)")
        con.execute("insert into staging.reviews select 'a word of ' || uuid() from range(100000)")
        con.execute("force checkpoint")
        [(block,)] = con.execute(
            "select max(block_id) from pragma_storage_info('staging.reviews') where segment_type = 'VARCHAR'"
        ).fetchall()
    # Blocks of 256 KiB stand behind three headers of 4 KiB.
    with settings.build_file.open("r+b") as file:
        file.seek(3 * 4096 + block * 262_144 + 100_000)
        file.write(os.urandom(64))
    with pytest.raises(duckdb.Error):
        publish.publish(settings, run_id="run2", fingerprint="made of 2", customers=2, orders=2)
    assert seen(settings.published_file) == (1, 1)
    assert not list(settings.publications.glob(".*"))


def test_where_links_are_impossible_copies_do_the_same(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("os.link", refuse)
    publish_content(settings, 1)
    publish_content(settings, 2)
    publish.rollback(settings)
    assert seen(settings.published_file) == (1, 1)
    now = publish.current(settings)
    assert now is not None
    assert now.fingerprint == "made of 1"


def test_an_amended_publication_is_the_same_one_with_more_in_it(settings: Settings) -> None:
    publish_content(settings, 1)
    before = publish_content(settings, 2)
    made = publish.amend(settings, lambda con: con.execute("create table meta.more as select 1 as one"))
    assert made is not None and publish.current(settings) == made
    assert replace(made, folder=before.folder) == before
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        assert con.execute("from meta.more").fetchall() == [(1,)]
    assert [found.run_id for found in publish.publications(settings)] == ["run1", "run2"]
    assert publish.rollback(settings).run_id == "run1"
    assert seen(settings.published_file) == (1, 1)


def test_an_amendment_that_fails_leaves_what_was_published(settings: Settings) -> None:
    made = publish_content(settings, 1)
    with pytest.raises(duckdb.Error):
        publish.amend(settings, lambda con: con.execute("nonsense"))
    assert publish.current(settings) == made
    assert [folder.name for folder in settings.publications.iterdir()] == [made.folder.name]


def test_nothing_published_is_nothing_to_amend(settings: Settings) -> None:
    assert publish.amend(settings, lambda con: None) is None


@pytest.mark.long
@pytest.mark.parametrize("point", ["before_swap", "after_swap", "after_amending"])
def test_an_amendment_that_was_killed_is_finished_or_undone(settings: Settings, point: str) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    killed(settings, "amend", point)
    assert seen(settings.published_file) == (2, 2)
    assert publish.secure(settings) == []
    now = publish.current(settings)
    assert now is not None and now.run_id == "run2"
    assert publish.rollback(settings).run_id == "run1"
