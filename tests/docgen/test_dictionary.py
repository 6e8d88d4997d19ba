"""Whoever reads a column's comment learns what a value means and, of a code, what it can be."""

from pathlib import Path
from typing import Any

import pytest

from orchestration.canonical.table_model import COMMON
from orchestration.canonical.tables import TABLES
from orchestration.docgen import dictionary
from orchestration.docgen.generate import ROOT
from orchestration.warehouse import meanings

SHORTEST = 20
MODELS = [model for schema in ("marts", "meta") for model in dictionary.models(ROOT / "dbt_project", schema)]


def test_a_column_without_a_description_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "marts"
    folder.mkdir(parents=True)
    (folder / "dim_tills.yml").write_text(
        "models: [{name: dim_tills, description: Tills., columns: [{name: till, data_type: bigint}]}]"
    )
    with pytest.raises(ValueError, match=r"dim_tills\.till has no description"):
        dictionary.models(tmp_path, "marts")


def test_the_page_of_what_can_be_queried_names_every_table() -> None:
    page = (ROOT / "docs" / "query.md").read_text(encoding="utf-8")
    tables = {model["name"] for model in MODELS} | {table.name for table in meanings.of_schema("meta")}
    assert {table for table in tables if f"`{table}`" not in page} == set()


def _reported() -> dict[str, str]:
    """Every comment, by the column it is of."""
    reported = {
        f"{model['name']}.{column['name']}": column["description"] for model in MODELS for column in model["columns"]
    }
    reported |= {
        f"staging.{table.name}.{column.name}": column.description
        for table in TABLES.values()
        for column in (*COMMON, *table.columns)
    }
    return reported | {
        f"{table.schema}.{table.name}.{column}": meaning
        for table in (*meanings.AUDIT_TABLES, *meanings.LOG_TABLES)
        for column, _, meaning in table.columns
    }


def test_no_comment_is_a_word_long() -> None:
    assert len(_reported()) > 700
    assert {column: comment for column, comment in _reported().items() if len(comment.strip()) < SHORTEST} == {}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model["name"])
def test_the_comment_of_a_code_lists_what_it_can_be(model: dict[str, Any]) -> None:
    promised = [
        test["checks"].get("arguments", {}).get("accepted", {})
        for test in model.get("data_tests", [])
        if "checks" in test
    ]
    values = {column: accepted for promise in promised for column, accepted in promise.items()}
    comments = {column["name"]: column["description"] for column in model["columns"]}
    assert {
        column: [value for value in accepted if value not in comments[column]] for column, accepted in values.items()
    } == {column: [] for column in values}
