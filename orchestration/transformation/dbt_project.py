"""What dbt knows of the project: its `Manifest`, its description as JSON, its pages.

To read the project and to render the queries of its models and tests costs more than a small run's work, and what
comes of it follows from files alone. So both are done once for a state of the project and kept, in the data folder and
in the user's cache, from which other data folders take it: `rendered` gives the project with a query, and no template,
in each model and test. Ephemeral models, steps that have a file of their own, are part of these queries then, and
models no longer.
"""

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
from platformdirs import user_cache_path

from orchestration.config.settings import Settings
from orchestration.transformation.dbt_process import invoke, state, target
from orchestration.warehouse.fingerprints import project_fingerprint

QUERIES = ("model", "test", "analysis")
TEST = "test"
TEMPLATES = ("{{", "}}", "{%", "%}", "{#", "#}")
LIBRARIES = ("dbt-core", "dbt-duckdb")
CACHE = "customer360"
CACHED = 8  # states of projects


class Project:
    """A project that was rendered: `models` is what dbt runs, without the tests, which it would link and order every
    time."""

    def __init__(self, manifest: Any) -> None:
        self.nodes: dict[str, Any] = dict(manifest.nodes)
        self.models = manifest
        manifest.nodes = {key: node for key, node in self.nodes.items() if node.resource_type != TEST}

    def chosen(self, kind: str, names: Collection[str]) -> list[Any]:
        """The models or the tests of those names; all, if there are none."""
        return [
            node for node in self.nodes.values() if node.resource_type == kind and (not names or node.name in names)
        ]


def parsed(settings: Settings) -> Any:
    """The project as dbt knows it (its `Manifest`)."""
    return invoke(settings, ["parse"])


def rendered(settings: Settings) -> Project:
    """The same with the queries of models, tests and analyses in place of their templates, from what was kept if no
    file of the project has changed.

    A template may ask for names, rules of the project and variables; one that asked the database would be answered
    once for all.
    """
    name = f"rendered-{_fingerprint(settings)}.msgpack"
    own, shared = state(settings) / name, user_cache_path(CACHE) / name
    found = _read(own)
    if found is None:
        found = _read(shared)
        if found is None:
            found = _rendered(settings)
            with suppress(OSError):  # a service may have no home
                _keep(shared, found.to_msgpack(), most=CACHED)
        _keep(own, found.to_msgpack(), most=1)
    return Project(found)


def queries(names: Collection[str], project: Project) -> dict[str, str]:
    """The queries of models and analyses of those names, as they would run on the build file."""
    return {node.name: node.compiled_code for node in project.nodes.values() if node.name in names}


def manifest(settings: Settings) -> Path:
    """dbt's description of the project, made anew when a file of the project has changed."""
    path = state(settings) / f"manifest-{project_fingerprint(settings)[:16]}.json"
    if not _is_whole(path):
        invoke(settings, ["parse"], write_json=True)
        for old in path.parent.glob("manifest-*.json"):
            old.unlink()
        os.replace(target(settings) / "manifest.json", path)
    return path


def documentation(settings: Settings) -> Path:
    """dbt's pages on the project in one file that opens without a network; types are the declared ones, so that no
    warehouse is needed."""
    invoke(settings, ["parse"], write_json=True)
    invoke(settings, ["docs", "generate", "--static", "--no-compile", "--empty-catalog"], write_json=True)
    return target(settings) / "static_index.html"


def _fingerprint(settings: Settings) -> str:
    """Changes with whatever decides what is rendered; names of tables begin with that of the file."""
    versions = [metadata.version(name) for name in LIBRARIES]
    parts = (project_fingerprint(settings), settings.build_file.stem, versions)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def _rendered(settings: Settings) -> Any:
    project = parsed(settings)
    nodes = [node for node in project.nodes.values() if node.resource_type in QUERIES and node.language == "sql"]
    names = sorted(node.name for node in nodes)
    chosen = ["--indirect-selection", "empty", "--select", *names]
    # Without a connection, which Python models would need: nothing is there to be asked yet.
    invoke(settings, ["compile", "--no-introspect", "--no-populate-cache", *chosen], project=project)
    for node in nodes:
        node.raw_code = _verbatim(node.compiled_code)
        # It names this data folder.
        node.compiled_path = None
        if hasattr(node, "test_metadata"):
            # They are in the query; dbt would render them again.
            node.test_metadata.kwargs = {}
    _dissolve_ephemeral(project.nodes)
    # Where each lies on this machine.
    project.files.clear()
    project.flat_graph.clear()
    for node in project.nodes.values():
        if node.resource_type == "seed":
            node.root_path = None
    return project


def _dissolve_ephemeral(nodes: dict[str, Any]) -> None:
    """Takes out the models that stand in the queries of others: what rests on one rests on what that rests on."""
    ephemeral = {
        key: node
        for key, node in nodes.items()
        if node.resource_type == "model" and node.config.materialized == "ephemeral"
    }

    def beneath(parents: Iterable[str]) -> Iterator[str]:
        for parent in parents:
            yield from beneath(ephemeral[parent].depends_on.nodes) if parent in ephemeral else (parent,)

    for key in ephemeral:
        del nodes[key]
    for node in nodes.values():
        if node.resource_type in QUERIES:
            node.depends_on.nodes = list(dict.fromkeys(beneath(node.depends_on.nodes)))


def _verbatim(query: str) -> str:
    """The query as a template that says just this."""
    return f"{{% raw %}}{query}{{% endraw %}}" if any(sign in query for sign in TEMPLATES) else query


def _read(path: Path) -> Any:
    from dbt.contracts.graph.manifest import Manifest

    try:
        found = Manifest.from_msgpack(path.read_bytes())
    except Exception:
        # It is not there, or was cut by a power loss.
        return None
    with suppress(OSError):  # it may be somebody else's
        os.utime(path)
    return found


def _keep(path: Path, content: bytes, *, most: int) -> None:
    """Puts the file in place, and forgets those unused for longest where there are more."""
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = path.with_suffix(f".{os.getpid()}")
    begun.write_bytes(content)
    os.replace(begun, path)
    for old in sorted(path.parent.glob("rendered-*.msgpack"), key=_age)[most:]:
        old.unlink(missing_ok=True)


def _age(path: Path) -> float:
    """Sorts what was used last first; what another process has just taken away is the oldest."""
    try:
        return -path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _is_whole(path: Path) -> bool:
    """A power loss may have cut it while it was written."""
    try:
        msgspec.json.decode(path.read_bytes(), type=dict[str, msgspec.Raw])
    except (OSError, msgspec.MsgspecError):
        return False
    return True
