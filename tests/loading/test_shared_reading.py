"""Files read by workers become what they become when the run reads them itself, whoever dies meanwhile."""

import gzip
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from orchestration.engines.engine import EngineName
from orchestration.landing import landing_zone
from orchestration.landing.stretches import stretches_of
from orchestration.loading import prefetch, shared_reading
from orchestration.loading.loader import Warehouse
from orchestration.runtime.errors import OperatorError
from tests.loading.test_files_together import EXPORT_DATES, State, delivered
from tests.loading.test_loader import SAMPLES, Installation, event

ENGINES = [pytest.param("processes", marks=pytest.mark.long), pytest.param("spark", marks=pytest.mark.spark)]
WHOLE = f"omnisend/events/{EXPORT_DATES[0]}/large.ndjson"


def installation(folder: Path, engine: EngineName) -> Installation:
    """The samples, deliveries that have to do with each other, and files that are read alone."""
    made = Installation(folder)
    shutil.copytree(SAMPLES, made.settings.landing, dirs_exist_ok=True)
    for path, content in delivered(is_entangled=True).items():
        made.land(path, content)
    made.land(WHOLE, large())
    made.land(WHOLE.replace("events", "contacts"), large_contacts())
    made.land(f"omnisend/contacts/{EXPORT_DATES[0]}/broken.ndjson.gz", gzip.compress(b"{}\n" * 99)[:-9])
    return by(made, engine)


def large() -> bytes:
    """A file of lines in which the end reports again, and of the same people, what the start reported, and not all is
    right."""
    lines = [json.dumps(contact_of(number)).encode() for number in range(1_200)]
    page = {"items": [contact_of(5_000), contact_of(7)]}
    odd = [
        b"",
        b"{bad",
        b'{"eventName": 1, "odd": {"a@b.example": 2}}',
        json.dumps(page).encode(),
        b"[" + lines[5] + b"]",
    ]
    return b"\n".join([*lines[:600], *odd, *lines[600:], *odd, b"\r\n".join(lines[3:9]), lines[1100], lines[0]])


def contact_of(number: int) -> dict[str, object]:
    contact = {
        "email": f"person{number % 40}@example.com",
        "city": f"City {number}",
        "phone": f"+35191234{number % 9}678",
    }
    return event(number, contact=contact, note="x" * 300, eventTime=f"2026-02-01T{number % 24:02}:10:00Z")


def large_contacts() -> bytes:
    records = [
        {"contactID": f"c{number % 300}", "firstName": f"Eva {number % 700}", "email": f"eva{number % 300}@example.com"}
        for number in range(4_000)
    ]
    return b"\n".join(json.dumps(record | {"note": "y" * 100}).encode() for record in records)


def by(made: Installation, engine: EngineName) -> Installation:
    options = msgspec.structs.replace(made.settings.options, engine=engine, workers=2, share_out_from_bytes=0)
    made.settings = replace(made.settings, options=options)
    made.warehouse = Warehouse(made.settings)
    return made


def state(made: Installation) -> State:
    return made.state() | {
        table: sorted(made.query(f"select * from internal.{table}"), key=repr) for table in ("duplicates", "outdone")
    }


@pytest.fixture(scope="module")
def by_the_run(tmp_path_factory: pytest.TempPathFactory) -> State:
    made = installation(tmp_path_factory.mktemp("run") / "data", "local")
    made.load()
    return state(made)


@pytest.fixture
def small_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prefetch, "MOST_FILES_TOGETHER", 40)
    monkeypatch.setattr(prefetch, "SMALL_FILE_BYTES", 50_000)
    monkeypatch.setattr(shared_reading, "STRETCH_BYTES", 100_000)
    monkeypatch.setattr(shared_reading, "CUTTING_WORKERS", 2)


def differing(found: State, expected: State) -> set[str]:
    assert found.keys() == expected.keys()
    return {table for table in found if found[table] != expected[table]}


@pytest.mark.usefixtures("small_tasks")
def test_stretches_of_a_large_file_become_what_the_file_would(tmp_path: Path) -> None:
    states = []
    for engine in (None, "local"):
        made = by(Installation(tmp_path / str(engine)), engine or "local")
        made.land(WHOLE, large())
        made.land(WHOLE.replace("events", "contacts"), large_contacts())
        files = landing_zone.scan(made.settings).files
        assert [len(stretches_of(file, shared_reading.STRETCH_BYTES)) for file in files] == [8, 8]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shared_reading, "is_wanted", lambda *_, engine=engine: engine is not None)
            made.load()
        states.append(state(made))
    assert differing(*states) == set()
    counts = "select stream, rows_read, rows_duplicate, rows_rejected from meta.loads"
    assert sorted(made.query(counts)) == [("contacts", 4_000, 3_700, 0), ("events", 1_218, 14, 2)]


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize("is_foretold_wrongly", [False, True])
def test_a_stretch_is_read_again_only_if_what_it_repeats_was_not_foretold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_foretold_wrongly: bool
) -> None:
    lines = [json.dumps(contact_of(number)).encode() for number in range(900)]
    content = b"\n".join([*lines, *lines[::9]])
    states, numbers = [], []
    if is_foretold_wrongly:
        # As if two lines had one hash.
        monkeypatch.setattr(shared_reading, "repeated_lines", lambda _, cut: [[one.start] for one in cut])
    for engine in (None, "local"):
        made = by(Installation(tmp_path / str(engine)), engine or "local")
        made.land(WHOLE, content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(shared_reading, "is_wanted", lambda *_, engine=engine: engine is not None)
            patch.setattr(
                shared_reading, "read", lambda task, read=shared_reading.read: numbers.append(task) or read(task)
            )
            made.load()
        states.append(state(made))
    assert differing(*states) == set()
    cut = stretches_of(landing_zone.scan(made.settings).files[0], shared_reading.STRETCH_BYTES)
    assert len(cut) > 3
    assert (len(numbers) > len(cut)) == is_foretold_wrongly


@pytest.mark.usefixtures("small_tasks")
@pytest.mark.parametrize("engine", ENGINES)
def test_workers_read_what_the_run_would_whoever_dies_over_it(
    tmp_path: Path, by_the_run: State, monkeypatch: pytest.MonkeyPatch, engine: EngineName
) -> None:
    monkeypatch.setenv("C360_KILL_AT", "inside_reading")
    made = installation(tmp_path / "data", engine)
    progress: list[str] = []
    made.load(progress=progress.append)
    assert f"({engine}, 2 workers)" in progress[0]
    assert differing(state(made), by_the_run) == set()
    assert not any((made.settings.internal / "spool").iterdir())
    assert made.load() == []


def test_few_new_bytes_are_read_by_the_run_itself(tmp_path: Path) -> None:
    made = by(Installation(tmp_path / "data"), "processes")
    made.land(WHOLE, [event(1)])
    files = landing_zone.scan(made.settings).files
    few = msgspec.structs.replace(made.settings.options, share_out_from_bytes=files[0].size + 1)
    assert shared_reading.is_wanted(made.settings, files)
    assert not shared_reading.is_wanted(replace(made.settings, options=few), files)


def test_a_task_done_twice_leaves_what_it_left_the_first_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = by(Installation(tmp_path / "data"), "local")
    made.land(WHOLE, [event(1), event(2)])
    done: list[shared_reading.Outcome] = []

    def read_twice(task: shared_reading.Task, read: Any = shared_reading.read) -> shared_reading.Outcome:
        task.place.with_name(f"{task.place.name}.abandoned.work").mkdir()
        done.extend((read(task), read(task)))
        return done[0]

    monkeypatch.setattr(shared_reading, "read", read_twice)
    [bundle] = shared_reading.read_by_workers(made.settings, landing_zone.scan(made.settings).files, first_load_seq=7)
    assert [outcome.records for outcome in done] == [2, 0]
    assert bundle.readings[0].counts.read == 2


def test_a_worker_that_knows_another_secret_reads_nothing(tmp_path: Path) -> None:
    made = by(Installation(tmp_path / "data"), "local")
    made.land(WHOLE, [event(1)])
    other = replace(made.settings, secret=b"of the run alone")
    with pytest.raises(OperatorError, match="another secret") as error:
        list(shared_reading.read_by_workers(other, landing_zone.scan(other).files, first_load_seq=1))
    assert "config/secret" in error.value.remedy
    assert not any((made.settings.internal / "spool").iterdir())


def test_a_full_disk_of_a_worker_is_the_machine_s_and_no_fault_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = by(Installation(tmp_path / "data"), "local")
    made.land(WHOLE, [event(1)])
    files = landing_zone.scan(made.settings).files
    monkeypatch.setattr(shared_reading, "read", lambda task: shared_reading.Outcome(0, 0, "The disk is full.", "", 28))
    with pytest.raises(OSError, match="No space left"):
        list(shared_reading.read_by_workers(made.settings, files, first_load_seq=1))
