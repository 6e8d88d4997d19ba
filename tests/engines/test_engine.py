"""The engines do what one loop would: every task once or more often, whoever dies meanwhile."""

import os
import signal
import sys
from pathlib import Path

import pytest

from orchestration.engines.engine import Engine, EngineName
from orchestration.runtime.errors import OperatorError
from tests.support.engine_work import all_end, die_always, die_once, divided, doubled, wait_for_workers

ENGINES = ["local", "processes", pytest.param("spark", marks=pytest.mark.spark)]
MORTAL = ["processes", pytest.param("spark", marks=pytest.mark.spark)]


@pytest.mark.parametrize("name", ENGINES)
def test_results_stand_in_the_order_of_the_tasks(name: EngineName) -> None:
    assert Engine(name, workers=2).map(doubled, [5, 3, 4]) == [10, 6, 8]


@pytest.mark.parametrize("name", MORTAL)
def test_what_a_worker_died_over_is_done_again(name: EngineName, tmp_path: Path) -> None:
    assert Engine(name, workers=2).map(die_once, [(str(tmp_path), number) for number in range(3)]) == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 1


def test_a_task_that_every_worker_dies_of_ends_with_a_sentence() -> None:
    with pytest.raises(OperatorError, match="died 4 times") as error:
        Engine("processes", workers=1).map(die_always, [1])
    assert "memory_limit" in error.value.remedy


def test_an_error_of_a_task_is_no_death_and_is_handed_on() -> None:
    with pytest.raises(ZeroDivisionError):
        Engine("processes", workers=2).map(divided, [1, 0])


def test_workers_end_with_the_run_that_started_them(tmp_path: Path) -> None:
    """The run is killed while both of its workers are at work: they are gone within seconds."""
    code = (
        "import sys; from orchestration.engines.engine import Engine; from tests.support.engine_work import watched; "
        "Engine('processes', workers=2).map(watched, [sys.argv[1], sys.argv[1]])"
    )
    run = os.posix_spawn(
        sys.executable,
        [sys.executable, "-c", code, str(tmp_path)],
        {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    wait_for_workers(tmp_path, 2)
    os.kill(run, signal.SIGKILL)
    os.waitpid(run, 0)
    assert all_end(tmp_path)


def test_spark_without_java_is_wrong_use_and_reported_before_anything_is_done(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pyspark.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(OperatorError, match="needs Java 17") as error:
        Engine("spark").check()
    assert error.value.exit_code == 2


def test_spark_without_pyspark_is_wrong_use_and_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [folder for folder in sys.path if "site-packages" not in folder])
    monkeypatch.delitem(sys.modules, "pyspark", raising=False)
    with pytest.raises(OperatorError, match="pyspark") as error:
        Engine("spark").check()
    assert error.value.exit_code == 2
    assert "customer360[spark]" in error.value.remedy


def test_other_engines_need_nothing() -> None:
    Engine("local").check()
    Engine("processes", workers=9).check()
