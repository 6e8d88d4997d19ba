"""Runs a command of dbt inside this process.

In process, so that a killed run leaves no child that still holds the file. dbt prints and writes nothing of its own
here, because its messages quote rows.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError, cause_in, of_cause
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.gc_pauses import collecting_seldom
from orchestration.runtime.progress import Progress, silent

# Beyond this share of the memory a build file, which is compressed, has models that need all of it.
LARGE = 0.5
# What is reported as it ends, with the name of the number of all.
REPORTED = {"LogModelResult": "total", "LogTestResult": "num_models"}


def invoke(
    settings: Settings,
    arguments: list[str],
    progress: Progress = silent,
    *,
    file: Path | None = None,
    project: Any = None,
    shards: Sequence[Path] = (),
    write_json: bool = False,
) -> Any:
    """What a command of dbt answers, on the build file or on another `file`; a `project` that was parsed before is not
    parsed again."""
    with _environment(settings, file or settings.build_file, shards):
        from dbt.cli.main import dbtRunner

        runner = dbtRunner(manifest=project, callbacks=[_reporter(progress)])
        try:
            with collecting_seldom(), _few_events():
                result = runner.invoke([*_flags(write_json=write_json), *arguments, *_folders(settings)])
        finally:
            _close_connections()
    if result.exception is not None:
        if cause := cause_in(str(result.exception)):
            raise of_cause(cause)
        raise OperatorError(
            f"dbt could not start: {' '.join(str(result.exception).split()).rstrip('.')}.",
            remedy=f"`dbt parse --project-dir {settings.dbt_project}` shows more.",
        )
    return result.result


def state(settings: Settings) -> Path:
    """The folder of what dbt and we keep of the project between runs."""
    return settings.internal / "dbt"


def target(settings: Settings) -> Path:
    """The folder that dbt writes queries and descriptions to."""
    return state(settings) / "target"


def models_at_once(settings: Settings, file: Path) -> int:
    """As many as threads while the data are small; else one, which has all threads and all memory, where several would
    spill to disk."""
    return 1 if file.exists() and file.stat().st_size > LARGE * settings.memory_bytes else settings.threads


def _flags(*, write_json: bool) -> list[str]:
    quiet = [
        "--quiet",
        "--no-print",
        "--log-level",
        "none",
        "--log-level-file",
        "none",
        "--no-use-colors",
        "--no-version-check",
    ]
    return [*quiet, "--write-json" if write_json else "--no-write-json", "--no-send-anonymous-usage-stats"]


def _folders(settings: Settings) -> list[str]:
    target(settings).mkdir(parents=True, exist_ok=True)
    return ["--target-path", str(target(settings)), "--log-path", str(state(settings) / "logs")]


@contextmanager
def _environment(settings: Settings, file: Path, shards: Sequence[Path]) -> Iterator[None]:
    wanted = {
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DO_NOT_TRACK": "1",
        "C360_BUILD_FILE": str(file),
        "C360_THREADS": str(settings.threads),
        "C360_MODELS_AT_ONCE": str(models_at_once(settings, file)),
        "C360_MEMORY_LIMIT": settings.memory_limit,
        "C360_TEMP_DIRECTORY": str(settings.spill),
    }
    if shards:
        attached = [
            {"path": str(path), "alias": f"shard_{number}", "read_only": True} for number, path in enumerate(shards)
        ]
        wanted |= {"C360_ATTACHED": repr(attached), "C360_SHARDS": str(len(shards))}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _few_events() -> Iterator[None]:
    """Of the 25 events that dbt reports of a node nobody reads more than one: the others are not put into messages."""
    from dbt_common.events import event_manager_client
    from dbt_common.events.event_manager import EventManager

    class Reported(EventManager):
        def fire_event(
            self, e: Any, level: Any = None, node: Any = None, force_warn_or_error_handling: bool = False
        ) -> None:
            if force_warn_or_error_handling or type(e).__name__ in REPORTED:
                super().fire_event(e, level, node, force_warn_or_error_handling)

    before = event_manager_client.get_event_manager()
    event_manager_client.ctx_set_event_manager(Reported())
    try:
        yield
    finally:
        event_manager_client.ctx_set_event_manager(before)


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    DuckDBConnectionManager.close_all_connections()
    reset_adapters()


def _reporter(progress: Progress) -> Callable[[Any], None]:
    def report(event: Any) -> None:
        if event.info.name in REPORTED:
            pass_point("inside_dbt")
            progress(
                f"{event.data.index}/{getattr(event.data, REPORTED[event.info.name])} {event.data.node_info.node_name}"
            )

    return report
