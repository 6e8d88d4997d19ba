"""The checks of the dbt project that stop a publication, and why no vendor's data may make one fail: the page
docs/checks.md.

Every check declares its `kind` where it stands: in `config.meta` of a promise in YAML, in the config block of a query.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestration.runtime import yaml_files
from orchestration.transformation import check_descriptions

KINDS = {
    "law": (
        "The models keep it for whatever vendors say and people decide; the tests named beside it ask it of random"
        " data."
    ),
    "set_aside": "What breaks it is set aside and listed, all else is published, and the run ends with 3.",
    "warning": "It is reported, and stops nothing.",
    "rule": "It is about a file of rules, which is refused with exit code 2, file and line, before anything is built.",
}
WORLDS = "tests/dbt/test_laws.py"
HISTORIES, ORDERS = "tests/dbt/identity/test_histories.py", "tests/dbt/orders/test_order_laws.py"
# Who asks a law beside the random worlds, which ask all of them: by its model or name, else by a folder that its model
# stands in.
_ASKED_BY = {
    "int_components": "tests/dbt/identity/test_components.py",
    "int_cluster_splits": "tests/dbt/identity/test_components.py",
    "customer_consents": "tests/dbt/marts/customers/test_consents.py",
    "customer_contactability": "tests/dbt/marts/customers/test_consents.py",
    "assert_revenue_survives_every_join": None,
    "assert_orders_without_a_rate_are_listed": None,
    "bridge_customer_identifiers": HISTORIES,
    "bridge_customer_records": HISTORIES,
    "customer_id_aliases": HISTORIES,
    "dim_customers": HISTORIES,
    "dim_customers_history": HISTORIES,
    "identity_links": HISTORIES,
    "shared_identifiers": HISTORIES,
    "bridge_order_sources": ORDERS,
    "daily_metrics": ORDERS,
    "fct_order_adjustments": ORDERS,
    "fct_order_lines": ORDERS,
    "fct_orders": ORDERS,
    "order_conflicts": ORDERS,
    "identity": HISTORIES,
    "owners": HISTORIES,
    "orders": ORDERS,
    "order_versions": ORDERS,
    "int_engagement": "tests/dbt/insights/test_insight_properties.py",
    "int_customer_figures": "tests/dbt/insights/test_insight_properties.py",
    "marts/forecasts": "tests/dbt/forecasts/test_customer_forecasts.py",
}
_QUERY_KIND = re.compile(r'config\(.*?meta=\{"kind": "(\w+)"')
_REFERENCE = re.compile(r'ref\("(\w+)"\)')
_QUERY_SEVERITY = re.compile(r"severity\s*=\s*[\"'](\w+)")


@dataclass(frozen=True)
class Check:
    """A check: what it is about, what it asks, its kind ('' if it declares none), whether it only warns, and the model
    it is about with its folders."""

    subject: str
    asks: str
    kind: str
    is_warning: bool
    places: tuple[str, ...]

    @property
    def asked_by(self) -> tuple[str, ...]:
        """The files of tests that ask a law of random data."""
        also = next((_ASKED_BY[place] for place in self.places if place in _ASKED_BY), None)
        return (WORLDS, also) if also else (WORLDS,)


def checks(project: Path) -> list[Check]:
    """All checks of a dbt project, by subject."""
    return sorted([*_promises(project), *_queries(project)], key=lambda check: (check.kind, check.subject))


def page(project: Path) -> str:
    """The list of all checks."""
    found = checks(project)
    parts = [
        "# Checks that stop a publication",
        (
            "Nothing is published while one of these fails. So that no vendor's data can stop it for everybody,"
            " each is one of these:"
        ),
    ]
    parts.append("\n".join(f"- **{kind}**: {meaning}" for kind, meaning in KINDS.items()))
    for kind in KINDS:
        parts.append(f"## {kind}\n\n{_table([check for check in found if check.kind == kind], is_law=kind == 'law')}")
    return "\n\n".join(parts) + "\n"


def _table(found: list[Check], *, is_law: bool) -> str:
    if not found:
        return "None."
    rows = [
        f"| `{check.subject}` | {check.asks} |"
        + (f" {', '.join(f'`{test}`' for test in check.asked_by)} |" if is_law else "")
        for check in found
    ]
    head = (
        "| about | asks | asked of random data by |\n| --- | --- | --- |\n"
        if is_law
        else "| about | asks |\n| --- | --- |\n"
    )
    return head + "\n".join(rows)


def _promises(project: Path) -> Iterator[Check]:
    for path in sorted([*(project / "models").rglob("*.yml"), *(project / "seeds").rglob("*.yml")]):
        declared = yaml_files.read(path) or {}
        for subject in [*_declared(declared, "models"), *_declared(declared, "seeds")]:
            for test in _tests(subject):
                yield _promise(subject["name"], test, (subject["name"], *_folders(path, project)))


def _folders(path: Path, project: Path) -> Iterator[str]:
    """The folders that a file of models stands in, from the nearest outwards, as `marts/orders` and `marts`."""
    for folder in path.relative_to(project).parents:
        yield folder.as_posix().removeprefix("models/")


def _declared(declared: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return declared.get(kind) or []


def _tests(subject: dict[str, Any]) -> Iterator[Any]:
    for described in (subject, *(subject.get("columns") or [])):
        yield from [*(described.get("data_tests") or []), *(described.get("tests") or [])]


def _promise(subject: str, test: Any, places: tuple[str, ...]) -> Check:
    [(name, body)] = test.items() if isinstance(test, dict) else [(test, {})]
    config = body.get("config") or {}
    asks = check_descriptions.in_words(body.get("arguments") or {}).replace("|", "\\|")
    return Check(
        subject, asks or name, (config.get("meta") or {}).get("kind", ""), config.get("severity") == "warn", places
    )


def _queries(project: Path) -> Iterator[Check]:
    for path in sorted((project / "tests").glob("singular/*.sql")):
        sql = path.read_text(encoding="utf-8")
        kind, severity = _QUERY_KIND.search(sql), _QUERY_SEVERITY.search(sql)
        asks = check_descriptions.of_query(sql)
        models = [model for name in _REFERENCE.findall(sql) for model in (project / "models").rglob(f"{name}.sql")]
        places = (path.stem, *(place for model in models[:1] for place in (model.stem, *_folders(model, project))))
        yield Check(path.stem, asks, kind[1] if kind else "", severity is not None and severity[1] == "warn", places)
