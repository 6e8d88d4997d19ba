"""One writer at a time, by processes that really compete."""

import multiprocessing
import os
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse.writer_lock import holder, reader_lock, writer_lock

SPAWN = multiprocessing.get_context("spawn")


def hold(data: Path, has_it: Event, seconds: float) -> None:
    with writer_lock(Settings(data=data), command="c360 run --somewhere-else"):
        has_it.set()
        time.sleep(seconds)


def start_holder(settings: Settings, seconds: float) -> multiprocessing.process.BaseProcess:
    has_it = SPAWN.Event()
    process = SPAWN.Process(target=hold, args=(settings.data, has_it, seconds))
    process.start()
    assert has_it.wait(300)
    return process


def end(process: multiprocessing.process.BaseProcess) -> None:
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def test_nobody_holds_a_lock_that_was_never_taken(settings: Settings) -> None:
    assert holder(settings) is None


def test_a_second_writer_gives_up_and_names_the_first(settings: Settings) -> None:
    process = start_holder(settings, 60)
    impatient = Settings(data=settings.data, options=Options(lock_wait_seconds=0.3))
    reported: list[str] = []
    try:
        with pytest.raises(OperatorError) as error, writer_lock(impatient, command="c360 run", on_wait=reported.append):
            pass
        assert f"process {process.pid}" in error.value.message
        assert "c360 run --somewhere-else" in error.value.message
        assert error.value.exit_code == 1
        assert len(reported) == 1
    finally:
        end(process)


def test_a_second_writer_waits_for_the_first(settings: Settings) -> None:
    process = start_holder(settings, 0.5)
    with writer_lock(Settings(data=settings.data, options=Options(lock_wait_seconds=300)), command="c360 run"):
        found = holder(settings)
        assert found is not None
        assert found.pid == os.getpid()
    process.join()


def test_who_looks_at_the_build_file_keeps_a_writer_waiting_and_no_other_reader(settings: Settings) -> None:
    with writer_lock(settings, command="c360 run"):
        pass
    impatient = Settings(data=settings.data, options=Options(lock_wait_seconds=0))
    with reader_lock(settings) as first, reader_lock(settings) as second:
        assert (first, second, holder(settings)) == (True, True, None)
        with pytest.raises(OperatorError), writer_lock(impatient, command="c360 run"):
            pass
    with writer_lock(impatient, command="c360 run"), reader_lock(settings) as is_free:
        assert not is_free


def test_the_lock_of_a_killed_process_is_free_at_once(settings: Settings) -> None:
    end(start_holder(settings, 60))
    assert holder(settings) is None
    with writer_lock(settings, command="c360 run"):
        pass


def test_an_error_in_the_body_frees_the_lock(settings: Settings) -> None:
    with pytest.raises(ValueError, match="body"), writer_lock(settings, command="c360 run"):
        raise ValueError("body")
    assert holder(settings) is None
