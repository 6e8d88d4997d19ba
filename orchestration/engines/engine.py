"""Maps a function over tasks: one after the other, in processes of this machine, or by Spark.

A task and its result carry paths, numbers and counts, for engines write them into logs of their own. A task with a
worker that dies is done again, so that a function does the same however often it is called.
"""

import multiprocessing
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from shutil import which
from typing import Any, Generic, Literal, TypeVar

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
        return self.name != "spark" or not self.master or self.master.startswith("local")

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
        return list(self.each(function, tasks, ahead=max(1, len(tasks))))

    def each(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], *, ahead: int
    ) -> Generator[Result, None, None]:
        """The same one after the other, as they are asked for; of the tasks after that one at most `ahead` are begun or
        done already."""
        if self.name == "processes":
            yield from _in_processes(function, tasks, self.workers, ahead)
        elif self.name == "spark":
            yield from _in_spark(function, tasks, self.workers, self.master, ahead)
        else:
            yield from map(function, tasks)


@dataclass
class _Begun(Generic[Task, Result]):
    """A task, and where its result will be once it is given to a process."""

    task: Task
    future: Future[Result] | None = None

    @property
    def is_done(self) -> bool:
        """It was done, whatever became of the processes since."""
        future = self.future
        return future is not None and future.done() and not isinstance(future.exception(), BrokenProcessPool)


def _in_processes(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, ahead: int
) -> Iterator[Result]:
    todo, begun = iter(tasks), deque[_Begun[Task, Result]]()
    given = done_before = deaths = 0
    pool = _pool(workers)
    try:
        while True:
            begun.extend(_Begun(task) for task in islice(todo, ahead - len(begun)))
            if not begun:
                return
            try:
                for one in begun:
                    one.future = one.future or pool.submit(function, one.task)
                first = begun[0].future
                assert first is not None
                result = first.result()
            except BrokenProcessPool:
                # One process that dies takes the whole pool with it; which task it was over nobody knows.
                pool.shutdown()
                pool = _pool(workers)
                done = given + sum(one.is_done for one in begun)
                deaths = deaths + 1 if done == done_before else 1
                done_before = done
                if deaths == ATTEMPTS:
                    raise OperatorError(
                        f"A worker process died {ATTEMPTS} times over the same work.",
                        remedy="It may have had too little memory: lower `memory_limit`, or take fewer workers or more shards.",
                    ) from None
                for one in begun:
                    one.future = one.future if one.is_done else None
                continue
            begun.popleft()
            given += 1
            yield result
    finally:
        pool.shutdown(cancel_futures=True)


def _pool(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_end_with_parent,
        initargs=(os.getpid(),),
    )


def _end_with_parent(parent: int) -> None:
    """A worker of a run that was killed ends too, and so holds no file that the next run wants."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(LOOKS_EVERY)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _in_spark(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int, master: str, ahead: int
) -> Iterator[Result]:
    with _spark(master or f"local[{workers},{ATTEMPTS}]") as context, ThreadPoolExecutor(ahead, "spark") as pool:

        def done(task: Task) -> Result:
            [result] = context.parallelize([task], 1).map(function).collect()
            return result

        todo, begun = iter(tasks), deque[Future[Result]]()
        try:
            while True:
                begun.extend(pool.submit(done, task) for task in islice(todo, ahead - len(begun)))
                if not begun:
                    return
                yield begun[0].result()
                begun.popleft()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            context.cancelAllJobs()


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
