"""Publishing and going back, on small files of the right kind: no vendor, no dbt."""

import json
import threading
from pathlib import Path

import duckdb
import pytest

from orchestration import publish
from orchestration.errors import OperatorError
from orchestration.settings import Options, Settings


def build(settings: Settings, content: int) -> None:
    """A build file whose two marts must always agree."""
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("create schema if not exists marts")
        con.execute(f"create or replace table marts.dim_customers as select {content} as content from range(5000)")
        con.execute(f"create or replace table marts.fct_orders as select {content} as content from range(5000)")


def publish_content(settings: Settings, content: int) -> publish.Publication:
    build(settings, content)
    return publish.publish(settings, run_id=f"run{content}", fingerprint=f"made of {content}", customers=content, orders=content)


def seen(path: Path) -> tuple[int, int]:
    with duckdb.connect(str(path), read_only=True) as con:
        row = con.execute("select (select max(content) from marts.dim_customers), (select min(content) from marts.fct_orders)").fetchone()
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


def test_rollback_brings_back_the_publication_before(settings: Settings) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    assert publish.rollback(settings).fingerprint == "made of 1"
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


def test_a_publication_that_fails_leaves_everything_as_it_was(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    publish_content(settings, 1)
    before = publish.publications(settings)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    build(settings, 2)
    monkeypatch.setattr(publish, "_copy", fail)
    with pytest.raises(OSError, match="No space"):
        publish.publish(settings, run_id="run2", fingerprint="made of 2", customers=0, orders=0)
    assert publish.publications(settings) == before
    assert seen(settings.published_file) == (1, 1)


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
