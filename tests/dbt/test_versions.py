"""Which version is the newest, and which rows say the same, is decided in one place: macros/versions.sql; nothing is decided by chance."""

import re
from pathlib import Path

import pytest

from orchestration.config.settings import Settings

MODELS = sorted((Settings(data=Path()).dbt_project / "models").rglob("*.sql"))
OWN_ORDER = re.compile(r"\b(source_file|source_row) desc\b|'\|', (\w+\.)?source_file")
BY_CHANCE = re.compile(r"\b(any_value|arg_(min|max)|first|last|random|sample|tablesample)\s*\(|\blimit\s+\d")
OWN_COMPARISON = re.compile(r"concat_ws\(\s*('\|'|chr\(31\))")


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_model_orders_versions_or_compares_contents_in_a_way_of_its_own(path: Path) -> None:
    sql = path.read_text(encoding="utf-8")
    assert not OWN_ORDER.search(sql)
    assert not OWN_COMPARISON.search(sql)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_no_model_takes_any_one_of_several_rows(path: Path) -> None:
    assert not BY_CHANCE.search(path.read_text(encoding="utf-8"))
