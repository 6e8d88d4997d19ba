"""Maps a function over tasks: one after the other, in processes of this machine, or by Spark.

A task and its result carry paths, numbers and counts, for engines write them into logs of their own. A task whose
worker dies is done again, so that a function does the same however often it is called.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from typing import Any, Literal, TypeVar

from orchestration.runtime.errors import OperatorError

EngineName = Literal["local", "processes", "spark"]
ENGINES: tuple[EngineName, ...] = ("local", "processes", "spark")
# As often as Spark tries a task.
ATTEMPTS = 4
LOOKS_EVERY = 0.5

Task = TypeVar("Task")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Engine:
    """An engine, and how many tasks it does at once; `master` names the Spark cluster, empty is this machine."""

    name: EngineName = "local"
    workers: int = 1
    master: str = ""

    @property
    def is_on_this_machine(self) -> bool:
        return not self.master or self.master.startswith("local")

    def check(self) -> None:
        """Refuses an engine that is not installed, before anything is done."""
        if self.name != "spark":
            return
        if find_spec("pyspark") is None:
            raise OperatorError(
                "The engine `spark` needs pyspark, which is not installed.",
                remedy="`pip install 'customer360[spark]'`, or choose another engine.",
                exit_code=2,
            )
        if which("java") is None and not _is_java_home(os.environ.get("JAVA_HOME", "")):
            raise OperatorError(
                "The engine `spark` needs Java 17 or later, which is not installed.",
                remedy="Install it (on Debian openjdk-17-jre-headless), or choose another engine.",
                exit_code=2,
            )

    def map(self, function: Callable[[Task], Result], tasks: Sequence[Task]) -> list[Result]:
        """What the function makes of each task, in the order of the tasks."""
        if self.name == "processes":
            return _in_processes(function, tasks, self.workers)
        if self.name == "spark":
            return _in_spark(function, tasks, self.workers, self.master)
        return [function(task) for task in tasks]


def _in_processes(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int) -> list[Result]:
    done: dict[int, Result] = {}
    for _ in range(ATTEMPTS):
        left = [number for number in range(len(tasks)) if number not in done]
        with ProcessPoolExecutor(
            min(workers, len(left)) or 1,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_end_with_parent,
            initargs=(os.getpid(),),
        ) as pool:
            waiting: dict[int, Future[Result]] = {number: pool.submit(function, tasks[number]) for number in left}
            for number, future in waiting.items():
                # One process that dies takes the whole pool with it: what was done by then stays done.
                if not isinstance(future.exception(), BrokenProcessPool):
                    done[number] = future.result()
        if len(done) == len(tasks):
            return [done[number] for number in range(len(tasks))]
    raise OperatorError(
        f"A worker process died {ATTEMPTS} times over the same work.",
        remedy="It may have had too little memory: lower `memory_limit`, or take fewer workers or more shards.",
    )


def _end_with_parent(parent: int) -> None:
    """A worker whose run was killed ends too, and so holds no file that the next run wants."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOKS_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _in_spark(function: Callable[[Task], Result], tasks: Sequence[Task], workers: int, master: str) -> list[Result]:
    with _spark(master or f"local[{workers},{ATTEMPTS}]") as context:
        return context.parallelize(list(tasks), max(1, len(tasks))).map(function).collect()


@contextmanager
def _spark(master: str) -> Iterator[Any]:
    pyspark = import_module("pyspark")
    conf = pyspark.SparkConf().setMaster(master).setAppName("customer360")
    for key, value in {
        "spark.ui.enabled": "false",
        "spark.log.level": "ERROR",
        # A worker that lives on keeps the memory that its last task took.
        "spark.python.worker.reuse": "false",
        "spark.task.maxFailures": str(ATTEMPTS),
    }.items():
        conf.setIfMissing(key, value)
    before = os.environ.get("PYSPARK_PYTHON")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    context = pyspark.SparkContext.getOrCreate(conf)
    try:
        yield context
    finally:
        context.stop()
        if before is None:
            os.environ.pop("PYSPARK_PYTHON", None)


def _is_java_home(folder: str) -> bool:
    return bool(folder) and (Path(folder) / "bin" / "java").is_file()
