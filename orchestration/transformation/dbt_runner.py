"""From staging to marts: runs `dbt build` inside this process, and gives dbt's description of the project.

In process, so that a killed run leaves no child that still holds the file. dbt prints and writes nothing of its own
here, because its messages quote rows; what failed is told by model and test name, with a query that shows the rows.
"""

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from orchestration.config.settings import Settings
from orchestration.runtime.errors import (
    DAMAGED,
    NO_ROOM,
    OUT_OF_MEMORY,
    OperatorError,
    cause_in,
    of_cause,
    without_values,
)
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.gc_pauses import collecting_seldom
from orchestration.warehouse.fingerprints import project_fingerprint

# Beyond this share of the memory a build file, which is compressed, has models that need all of it.
LARGE = 0.5
Progress = Callable[[str], None]


@dataclass(frozen=True)
class NodeResult:
    """What became of one model or test: `failures` counts the rows a test found, `reason` says of what kind, `query`
    shows them."""

    unique_id: str
    kind: str
    name: str
    status: str
    seconds: float
    failures: int = 0
    reason: str = ""
    query: Path | None = None

    @property
    def is_failure(self) -> bool:
        return self.status in ("error", "fail", "runtime error")

    @property
    def is_starved(self) -> bool:
        return self.is_failure and self.reason.startswith(OUT_OF_MEMORY)

    @property
    def is_damage(self) -> bool:
        return self.is_failure and self.reason == DAMAGED

    @property
    def short_name(self) -> str:
        """The name that dbt selects it by."""
        return self.name.split(".")[-1]

    @property
    def is_warning(self) -> bool:
        return self.status == "warn"

    def __str__(self) -> str:
        if self.kind == "test":
            found = self.reason or f"{self.failures} rows"
            return f"test {self.name}: {found}" + (f", shown by {self.query}" if self.query else "")
        return f"model {self.name}: {self.reason}"


class TransformError(OperatorError):
    """A model or test failed; `nodes` tell everything that was done until then."""

    def __init__(self, nodes: tuple[NodeResult, ...], settings: Settings) -> None:
        failures = [node for node in nodes if node.is_failure]
        shown = "; ".join(str(node) for node in failures[:3])
        more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
        remedy = f"Look at the rows in {settings.build_file} (read-only), mend the cause and run again."
        if any(node.is_starved for node in failures):
            remedy = f"Raise `memory_limit` in settings.toml above {settings.memory_limit} and run again."
        if any(node.reason == NO_ROOM for node in failures):
            remedy = "Make room and run again: it continues where it stopped."
        super().__init__(f"Nothing was published, because {shown}{more}.", remedy=remedy)
        self.nodes = nodes


def build(
    settings: Settings,
    *,
    file: Path | None = None,
    only: Collection[str] = (),
    project: Any = None,
    shards: Sequence[Path] = (),
    progress: Progress = lambda _: None,
) -> tuple[NodeResult, ...]:
    """Runs every model and test on the build file; raises when one fails, with the file closed either way.

    Or on another `file`, or only models and tests of those names; a `project` that was parsed before is not parsed
    again. With `shards` a model that can be made of shards is the union of what stands there. What has no memory is
    tried once more, with one thread.
    """
    made = partial(_built, file=file or settings.build_file, project=project, shards=shards, progress=progress)
    nodes = made(settings, only)
    if any(node.is_starved for node in nodes):
        progress("memory was short: what is missing is built again, with one thread")
        alone = replace(settings, options=msgspec.structs.replace(settings.options, threads=1))
        missing = [node for node in nodes if node.is_starved or node.status == "skipped"]
        again = made(alone, [node.short_name for node in missing])
        nodes = (*(node for node in nodes if node not in missing), *again)
    if any(node.is_failure for node in nodes):
        raise TransformError(nodes, settings)
    return nodes


def _built(
    settings: Settings,
    only: Collection[str],
    *,
    file: Path,
    project: Any,
    shards: Sequence[Path],
    progress: Progress,
) -> tuple[NodeResult, ...]:
    chosen = ["--indirect-selection", "empty", "--select", *sorted(only)] if only else []
    arguments = ["build", "--exclude-resource-type", "seed", "unit_test", *chosen]
    result = _invoke(settings, arguments, progress, file=file, project=project, shards=shards)
    return tuple(_node(settings, run, file) for run in getattr(result, "results", []))


def parsed(settings: Settings) -> Any:
    """The project as dbt knows it (its `Manifest`)."""
    return _invoke(settings, ["parse"], lambda _: None)


def compiled(settings: Settings, names: Collection[str], project: Any) -> dict[str, str]:
    """The queries of models and analyses of those names, as they would run on the build file."""
    result = _invoke(settings, ["compile", "--select", *sorted(names)], lambda _: None, project=project)
    return {run.node.name: run.node.compiled_code for run in result.results}


def manifest(settings: Settings) -> Path:
    """dbt's description of the project, made anew when a file of the project has changed."""
    path = _state(settings) / f"manifest-{project_fingerprint(settings)[:16]}.json"
    if not _is_whole(path):
        _invoke(settings, ["parse"], lambda _: None, write_json=True)
        for old in path.parent.glob("manifest-*.json"):
            old.unlink()
        os.replace(_target(settings) / "manifest.json", path)
    return path


def documentation(settings: Settings) -> Path:
    """dbt's pages on the project in one file that opens without a network; types are the declared ones, so that no
    warehouse is needed."""
    _invoke(settings, ["parse"], lambda _: None, write_json=True)
    _invoke(
        settings, ["docs", "generate", "--static", "--no-compile", "--empty-catalog"], lambda _: None, write_json=True
    )
    return _target(settings) / "static_index.html"


def _is_whole(path: Path) -> bool:
    """A power loss may have cut it while it was written."""
    try:
        msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    except (OSError, msgspec.MsgspecError):
        return False
    return True


def _invoke(
    settings: Settings,
    arguments: list[str],
    progress: Progress,
    *,
    file: Path | None = None,
    project: Any = None,
    shards: Sequence[Path] = (),
    write_json: bool = False,
) -> Any:
    with _environment(settings, file or settings.build_file, shards):
        from dbt.cli.main import dbtRunner

        runner = dbtRunner(manifest=project, callbacks=[_reporter(progress)])
        try:
            with collecting_seldom():
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
    target = _target(settings)
    target.mkdir(parents=True, exist_ok=True)
    return ["--target-path", str(target), "--log-path", str(_state(settings) / "logs")]


def _state(settings: Settings) -> Path:
    return settings.internal / "dbt"


def _target(settings: Settings) -> Path:
    return _state(settings) / "target"


@contextmanager
def _environment(settings: Settings, file: Path, shards: Sequence[Path]) -> Iterator[None]:
    wanted = {
        "DBT_PROJECT_DIR": str(settings.dbt_project),
        "DBT_PROFILES_DIR": str(settings.dbt_project),
        "DO_NOT_TRACK": "1",
        "C360_BUILD_FILE": str(file),
        "C360_THREADS": str(settings.threads),
        "C360_MODELS_AT_ONCE": str(_models_at_once(settings, file)),
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


def _models_at_once(settings: Settings, file: Path) -> int:
    """As many as threads while the data are small; else one, which has all threads and all memory, where several would
    spill to disk."""
    return 1 if file.exists() and file.stat().st_size > LARGE * settings.memory_bytes else settings.threads


def _close_connections() -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.adapters.factory import reset_adapters

    DuckDBConnectionManager.close_all_connections()
    reset_adapters()


def _reporter(progress: Progress) -> Callable[[Any], None]:
    totals = {"LogModelResult": "total", "LogTestResult": "num_models"}

    def report(event: Any) -> None:
        if event.info.name in totals:
            pass_point("inside_dbt")
            progress(
                f"{event.data.index}/{getattr(event.data, totals[event.info.name])} {event.data.node_info.node_name}"
            )

    return report


def _node(settings: Settings, run: Any, file: Path) -> NodeResult:
    node = run.node
    kind, status, query = str(node.resource_type), str(run.status), _compiled(settings, node)
    return NodeResult(
        unique_id=node.unique_id,
        kind=kind,
        name=node.name if kind == "test" else f"{node.schema}.{node.name}",
        status=status,
        seconds=round(run.execution_time, 3),
        failures=run.failures or 0,
        reason=(
            without_values(run.message or "")
            if status == "error"
            else _broken(settings, query, file)
            if run.failures and _asks_several(node)
            else ""
        ),
        query=query,
    )


def _asks_several(node: Any) -> bool:
    return getattr(getattr(node, "test_metadata", None), "name", "") == "checks"


def _broken(settings: Settings, query: Path | None, file: Path) -> str:
    """Which of the things that a test asks for do not hold, and in how many rows; the test names columns and limits,
    and no value."""
    if query is None:
        return ""
    with duckdb.connect(str(file), read_only=True, config=settings.duckdb_config) as con:
        found = con.execute(
            f"select failing, failing_rows from ({query.read_text(encoding='utf-8')}) order by failing"
        ).fetchall()
    return ", ".join(f"{failing} ({rows} rows)" for failing, rows in found)


def _compiled(settings: Settings, node: Any) -> Path | None:
    path = getattr(node, "compiled_path", None)
    return Path(path) if path and Path(path).is_absolute() else (settings.dbt_project / path if path else None)
