"""The checks of the dbt project that stop a night, and why no vendor's data may make one fail: the page docs/checks.md.

Every check declares its `kind` where it stands: in `config.meta` of a promise in YAML, in the config block of a query.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

KINDS = {
    "law": "The models keep it for whatever vendors say and people decide: `tests/marts/test_laws.py` asks it of random worlds.",
    "set_aside": "What breaks it is set aside and listed, all else is published, and the run ends with 3.",
    "warning": "It is told, and stops nothing.",
    "rule": "It is about a file of rules, which is refused with exit code 2, file and line, before anything is built.",
}
_QUERY_KIND = re.compile(r'config\(.*?meta=\{"kind": "(\w+)"\}')
_QUERY_SEVERITY = re.compile(r"severity\s*=\s*[\"'](\w+)")


@dataclass(frozen=True)
class Check:
    """A check: what it is about, what it asks, its kind ('' if it declares none), and whether it only warns."""

    subject: str
    asks: str
    kind: str
    is_warning: bool


def checks(project: Path) -> list[Check]:
    """All checks of a dbt project, by subject."""
    return sorted([*_promises(project), *_queries(project)], key=lambda check: (check.kind, check.subject))


def page(project: Path) -> str:
    """The list of all checks."""
    found = checks(project)
    parts = [
        "# Checks that stop a night",
        "Nothing is published while one of these fails. So that no data of a vendor can stop everybody's night, each is one of these:",
    ]
    parts.append("\n".join(f"- **{kind}**: {meaning}" for kind, meaning in KINDS.items()))
    for kind in KINDS:
        rows = [f"| `{check.subject}` | {check.asks} |" for check in found if check.kind == kind]
        parts.append(f"## {kind}\n\n" + ("| about | asks |\n| --- | --- |\n" + "\n".join(rows) if rows else "None."))
    return "\n\n".join(parts) + "\n"


def _promises(project: Path) -> Iterator[Check]:
    for path in sorted([*(project / "models").rglob("*.yml"), *(project / "seeds").rglob("*.yml")]):
        declared = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        for subject in [*_declared(declared, "models"), *_declared(declared, "seeds")]:
            for test in _tests(subject):
                yield _promise(subject["name"], test)


def _declared(declared: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return declared.get(kind) or []


def _tests(subject: dict[str, Any]) -> Iterator[Any]:
    for described in (subject, *(subject.get("columns") or [])):
        yield from [*(described.get("data_tests") or []), *(described.get("tests") or [])]


def _promise(subject: str, test: Any) -> Check:
    [(name, body)] = test.items() if isinstance(test, dict) else [(test, {})]
    config = body.get("config") or {}
    asks = "; ".join(_words(promise, value) for promise, value in (body.get("arguments") or {}).items())
    return Check(subject, asks or name, (config.get("meta") or {}).get("kind", ""), config.get("severity") == "warn")


def _words(promise: str, value: Any) -> str:
    if promise == "references":
        return "references " + ", ".join(f"{one['column']} in {one['to'][5:-2]}" for one in value)
    return f"{promise.replace('_', ' ')} {_listed(value)}"


def _listed(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_listed(each)}" for name, each in value.items())
    return ", ".join(map(_listed, value)) if isinstance(value, list) else str(value).replace("|", "\\|")


def _queries(project: Path) -> Iterator[Check]:
    for path in sorted((project / "tests").glob("singular/*.sql")):
        sql = path.read_text(encoding="utf-8")
        kind, severity = _QUERY_KIND.search(sql), _QUERY_SEVERITY.search(sql)
        asks = " ".join(line.removeprefix("--").strip() for line in sql.splitlines() if line.startswith("--"))
        yield Check(path.stem, asks, kind[1] if kind else "", severity is not None and severity[1] == "warn")
