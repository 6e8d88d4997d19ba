"""When a delivery is complete: by marker where the vendor writes one, else by quiet."""

import os
from datetime import date
from pathlib import Path

import pytest

from orchestration.landing import completeness
from orchestration.landing.landing_zone import LandedFile
from orchestration.monitoring import dagster_runs

NOW = 1_000_000.0


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    return tmp_path / "landing" / "shop" / "orders"


def land(stream: Path, export_date: str, name: str, *, age: float) -> LandedFile:
    path = stream / export_date / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    os.utime(path, (NOW - age, NOW - age))
    stat = path.stat()
    return LandedFile(
        date.fromisoformat(export_date),
        "shop",
        "orders",
        str(path),
        path,
        stat.st_size,
        stat.st_mtime_ns,
        is_full=False,
    )


def test_a_quiet_delivery_is_complete(stream: Path) -> None:
    file = land(stream, "2026-06-01", "a.json", age=100)
    assert completeness.complete([file], quiet_seconds=60, now=NOW) == [file]


def test_one_growing_file_holds_back_its_whole_delivery_and_no_other(stream: Path) -> None:
    waiting = [land(stream, "2026-06-01", "a.json", age=100), land(stream, "2026-06-01", "b.json", age=5)]
    ready = land(stream, "2026-06-02", "c.json", age=100)
    assert completeness.complete([*waiting, ready], quiet_seconds=60, now=NOW) == [ready]


def test_a_marker_makes_a_delivery_complete_at_once(stream: Path) -> None:
    file = land(stream, "2026-06-01", "a.json", age=0)
    (stream / "2026-06-01" / "complete.json").touch()
    assert completeness.complete([file], quiet_seconds=60, now=NOW) == [file]


def test_where_markers_are_usual_a_delivery_waits_for_its_own(stream: Path) -> None:
    marked = land(stream, "2026-06-01", "a.json", age=1000)
    (stream / "2026-06-01" / "_SUCCESS").touch()
    unmarked = land(stream, "2026-06-02", "b.json", age=1000)
    assert completeness.complete([marked, unmarked], quiet_seconds=60, now=NOW) == [marked]


def test_the_same_arrival_wakes_one_run_and_a_changed_file_another(stream: Path) -> None:
    file = land(stream, "2026-06-01", "a.json", age=100)
    assert completeness.key([file]) == completeness.key([file])
    assert completeness.key([file]) != completeness.key([land(stream, "2026-06-01", "a.json", age=50)])


def test_a_process_is_known_by_more_than_its_number() -> None:
    mine = dagster_runs.process_of(os.getpid())
    assert dagster_runs.is_alive(mine, started=0.0)
    number, began, boot = mine.split(":")
    assert not dagster_runs.is_alive(f"{number}:{int(began) + 1}:{boot}", started=0.0)
    assert not dagster_runs.is_alive(f"{number}:{began}:another boot", started=0.0)


def test_a_run_that_has_named_no_process_yet_is_given_a_moment() -> None:
    import time

    assert dagster_runs.is_alive(None, started=time.time())
    assert not dagster_runs.is_alive(None, started=time.time() - 3600)
