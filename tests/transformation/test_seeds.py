"""Business rules as files: the installation's own come first, and a mistake names its line."""

from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import seeds

pytestmark = pytest.mark.usefixtures("checkout")


def override(settings: Settings, text: str, name: str = "weights") -> Path:
    settings.config.mkdir(exist_ok=True)
    path = settings.config / f"{name}.csv"
    path.write_text(text, encoding="utf-8")
    return path


def loaded(settings: Settings) -> list[tuple[object, ...]]:
    with duckdb.connect() as con:
        assert "weights" in seeds.load(con, settings)
        return con.execute("select kind, weight, since::varchar from seeds.weights order by all").fetchall()


def test_the_rules_of_the_project_are_loaded_in_their_declared_types(settings: Settings) -> None:
    assert loaded(settings) == [("order", 2, "2026-01-01")]


def test_a_file_of_the_installation_replaces_the_rule_of_that_name(settings: Settings) -> None:
    override(settings, 'since,kind,weight\n2026-02-01,"a, quoted ""kind""", 7 \n,visit,\n')
    assert loaded(settings) == [('a, quoted "kind"', 7, "2026-02-01"), ("visit", None, None)]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("kind,weight\norder,1\n", 1, "`since` is missing"),
        ("kind,weight,since,until\n", 1, "`until` is no column"),
        ("zoe@private.example,1,2026-01-01\n", 1, "`z…@p….example` is no column"),
        ("kind,kind,weight,since\n", 1, "twice"),
        ("kind,weight,since\norder,1,2026-01-01\nvisit,much,2026-01-01\n", 3, "`weight` does not hold a INTEGER"),
        ("kind,weight,since\norder,1.5,2026-01-01\n", 2, "`weight`"),
        ("kind,weight,since\norder,1,31.12.2026\n", 2, "`since` does not hold a DATE"),
        ("kind,weight,since\norder,1,2026-01-01\nvisit,2\n", 3, "2 cells"),
    ],
)
def test_a_mistake_in_a_rule_names_file_and_line(settings: Settings, text: str, line: int, problem: str) -> None:
    path = override(settings, text)
    with duckdb.connect() as con, pytest.raises(OperatorError) as error:
        seeds.load(con, settings)
    assert f"{path}, line {line}" in error.value.message
    assert problem in error.value.message
    assert error.value.exit_code == 2


def test_a_file_that_overrides_nothing_is_reported_with_the_name_that_was_meant(settings: Settings) -> None:
    override(settings, "kind\n", name="weigths")
    with pytest.raises(OperatorError, match="no seed of that name") as error:
        seeds.find(settings)
    assert "weights.csv" in error.value.remedy


def test_accounts_are_no_rule_and_no_stranger_either(settings: Settings) -> None:
    override(settings, "source\n", name="accounts")
    assert "accounts" not in [seed.name for seed in seeds.find(settings)]
