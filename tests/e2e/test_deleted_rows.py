"""What was deleted, or never came to be, can be read in no file of ours once something was published since."""

from pathlib import Path

import pytest

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.loading.load_log import Delivered
from orchestration.warehouse import build_file, deleted_rows, run_log
from orchestration.warehouse.duckdb_session import transaction
from tests.support.deliveries import EXPORT_DATES, land, order, row_counts_balance

pytestmark = pytest.mark.long
ZOE = b"zoe@mail.test.example.com"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """People who stay, and others whom one delivery names, published."""
    settings = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0, reject_share=1, hold_back_share=1))
    land(settings, EXPORT_DATES[0], "a.ndjson", *(order(number, f"anna{number}") for number in range(2000)))
    theirs = (order(number, f"ben{number}") for number in range(2000, 4000))
    land(settings, EXPORT_DATES[1], "z.ndjson", *theirs, order(4000, "zoe"), f"no json of {ZOE.decode()}")
    assert pipeline.run(settings).published
    assert names(settings) == [True, True]
    return settings


def of_zoe(found: Delivered) -> bool:
    """The delivery that names her."""
    return found.relative_path.endswith("z.ndjson")


def names(settings: Settings) -> list[bool]:
    """Whether the build file and the published one hold the bytes of her address."""
    return [ZOE in path.read_bytes() for path in (settings.build_file, settings.published_file)]


def test_of_a_delivery_that_was_withdrawn(settings: Settings) -> None:
    report = pipeline.run(settings, withdraw=of_zoe, accept_changes=True)
    assert report.published
    assert names(settings) == [False, False]
    assert row_counts_balance(settings.published_file)


def test_of_a_file_that_was_replaced(settings: Settings) -> None:
    land(settings, EXPORT_DATES[1], "z.ndjson", order(4002, "ben"))
    pipeline.run(settings, accept_changes=True)
    assert names(settings) == [False, False]


def test_of_a_delivery_that_was_withdrawn_by_a_run_that_failed_afterwards(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched, pytest.raises(RuntimeError, match="of this test"):
        patched.setattr(pipeline, "transform", lambda *_, **__: failed())
        pipeline.run(settings, withdraw=of_zoe, accept_changes=True)
    assert names(settings) == [True, True]
    land(settings, EXPORT_DATES[1], "b.ndjson", order(4003, "ben"))
    assert pipeline.run(settings, accept_changes=True).published
    assert names(settings) == [False, False]


def failed() -> None:
    raise RuntimeError("a failure of this test")


def test_of_what_a_run_was_loading_when_it_failed(settings: Settings) -> None:
    """Many rows are written where the file has room, before their transaction ends."""
    xenia = b"xenia@mail.test.example.com"
    with build_file.connect(settings) as con:
        for name, rows in (("room", 2_000_000), ("behind", 300_000)):
            con.execute(f"create table internal.{name} as select uuid()::varchar as stored from range({rows})")
        con.execute("checkpoint")
        con.execute("drop table internal.room")
        con.execute("checkpoint")
    many = f"select if(range % 1000 = 0, '{xenia.decode()}', md5(range::varchar)) from range(2000000)"
    with (
        pytest.raises(RuntimeError),
        pipeline.writing(settings, "failing", command="c360 run"),
        build_file.connect(settings) as con,
        transaction(con),
    ):
        con.execute(f"insert into internal.weighed {many}")
        failed()
    assert xenia in settings.build_file.read_bytes()
    assert build_file.holds_deleted_rows(settings)
    build_file.write_anew(settings)
    assert xenia not in settings.build_file.read_bytes()
    assert not build_file.holds_deleted_rows(settings)


def test_a_run_that_was_killed_may_have_left_such_rows(settings: Settings) -> None:
    with build_file.connect(settings) as con:
        run_log.begin(con, "killed", "c360 run")
        assert not deleted_rows.may_be_held(con)
        run_log.begin(con, "next", "c360 run")
        assert deleted_rows.may_be_held(con)


def test_so_may_one_that_was_killed_while_it_was_noted_that_it_failed(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with build_file.connect(settings) as con:
        run_log.begin(con, "failing", "c360 run")
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(run_log, "figures", lambda *_: failed())
            run_log.end(con, "failing", failure="of this test")
        con.execute("delete from internal.rows_deleted")
        with monkeypatch.context() as patched, pytest.raises(RuntimeError):
            patched.setattr(deleted_rows, "note", lambda _: failed())
            run_log.begin(con, "next", "c360 run")
        run_log.begin(con, "next", "c360 run")
        assert deleted_rows.may_be_held(con)


def test_a_night_that_deletes_nothing_does_not_write_the_build_file_anew(settings: Settings) -> None:
    before = settings.build_file.stat().st_ino
    land(settings, EXPORT_DATES[1], "b.ndjson", order(4003, "ben"))
    pipeline.run(settings)
    assert settings.build_file.stat().st_ino == before
