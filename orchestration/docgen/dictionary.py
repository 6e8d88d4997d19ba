"""The page docs/data_dictionary.md: every table and column that the published file shows, from where each is declared.

Marts and the quality tables of dbt are declared in its YAML, staging in `tables.py`, the pipeline's audit tables in
`meanings.py`.
"""

from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path
from typing import Any

from orchestration.canonical.table_model import COMMON, Column
from orchestration.canonical.tables import TABLES
from orchestration.runtime import yaml_files
from orchestration.warehouse import meanings


def page(project: Path) -> str:
    """The data dictionary."""
    parts = [
        "# Data dictionary",
        (
            "Schemas of `warehouse.duckdb`: `marts` is for analysis, `meta` says how good the data are, `staging` is"
            " what the vendors delivered."
        ),
        "# Schema `marts`",
        *(_models(project, "marts")),
        "# Schema `meta`",
        *(_models(project, "meta")),
        *(
            _table(table.name, table.description, [(*column, False) for column in table.columns])
            for table in meanings.of_schema("meta")
        ),
        "# Schema `staging`\n\nEvery table begins with the common columns.",
        _table("Common columns", "", [_staged(column) for column in COMMON]),
        *(
            _table(
                table.name,
                f"{table.grain[0].upper()}{table.grain[1:]}. {table.description}",
                [_staged(column) for column in table.columns],
            )
            for table in TABLES.values()
        ),
    ]
    return "\n\n".join(parts) + "\n"


def models(project: Path, schema: str) -> Iterator[dict[str, Any]]:
    """The models of a schema as their YAML declares them, by name; raises ValueError where a column is not described."""
    declared = [
        model
        for path in (project / "models" / schema).rglob("*.yml")
        for model in yaml_files.read(path).get("models", [])
    ]
    for model in declared:
        for column in model.get("columns", []):
            if not column.get("description"):
                raise ValueError(f"{model['name']}.{column['name']} has no description in its YAML.")
    return iter(sorted(declared, key=lambda model: model["name"]))


def is_personal(column: dict[str, Any]) -> bool:
    """The YAML says that the column holds personal data."""
    return bool(column.get("config", {}).get("meta", {}).get("personal"))


def _models(project: Path, schema: str) -> Iterator[str]:
    for model in models(project, schema):
        columns = [
            (column["name"], column["data_type"].upper(), column["description"], is_personal(column))
            for column in model["columns"]
        ]
        yield _table(
            model["name"], f"{_grain(project, model['name'])} {' '.join(model['description'].split())}", columns
        )


def _grain(project: Path, model: str) -> str:
    """The first sentence of a model, which says what a row is."""
    lines = next((project / "models").rglob(f"{model}.sql")).read_text(encoding="utf-8").splitlines()
    head = " ".join(line.removeprefix("-- ") for line in takewhile(lambda line: line.startswith("--"), lines))
    grain = f"{head} ".partition(". ")[0].removeprefix("Grain: ")
    return f"{grain[0].upper()}{grain[1:]}."


def _staged(column: Column) -> tuple[str, str, str, bool]:
    meaning = column.meaning
    if column.required:
        meaning += f" Missing: rejected as `{column.required}`."
    if column.unparseable:
        meaning += f" Unreadable: rejected as `{column.unparseable}`."
    return column.name, column.duckdb_type, meaning, column.personal


def _table(name: str, description: str, columns: Sequence[tuple[str, str, str, bool]]) -> str:
    lines = [
        f"| `{name}` | {kind} | {'yes' if personal else ''} | {' '.join(meaning.split())} |"
        for name, kind, meaning, personal in columns
    ]
    head = "| column | type | personal | meaning |\n| --- | --- | --- | --- |"
    return "\n\n".join(part for part in (f"## {name}", description, "\n".join([head, *lines])) if part)
