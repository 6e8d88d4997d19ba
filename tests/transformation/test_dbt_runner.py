"""A small project of its own with our macros: what becomes of its models and tests."""

import shutil
from pathlib import Path

import duckdb
import pytest

from orchestration.config import settings as settings_module
from orchestration.config.settings import Settings
from orchestration.transformation import dbt_project, dbt_runner
from orchestration.transformation.node_result import NodeResult, TransformError
from orchestration.warehouse import build_file
from tests.support.paths import PROJECT

pytestmark = pytest.mark.long

MART = """
models:
  - name: {name}
    columns:
      - {{name: word, data_type: {kind}, description: A word.}}
"""
ASKED = """
models:
  - name: words
    data_tests:
      - checks: {name: odd_words, config: {severity: warn}, arguments: {accepted: {word: [good]}}}
"""


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """An installation with a project of one table, `orders.words`."""
    project = tmp_path / "dbt_project"
    (project / "seeds").mkdir(parents=True)
    for name in ("dbt_project.yml", "profiles.yml", "seeds/date_placeholders.csv"):
        shutil.copy(PROJECT / "dbt_project" / name, project / name)
    for name in ("macros", "tests/generic"):
        shutil.copytree(PROJECT / "dbt_project" / name, project / name)
    monkeypatch.setattr(settings_module, "CHECKOUT", tmp_path)
    _write(project / "models" / "orders" / "words.sql", "select unnest(['good', 'odd', 'odd']) as word")
    settings = Settings(data=tmp_path / "data")
    with build_file.connect(settings):
        return settings


def test_signs_of_templates_in_a_query_are_what_they_are_whether_it_was_kept_or_not(small: Settings) -> None:
    _write(_models(small) / "signs.sql", "select '{{ \"{{ a }} {% b %} {# c #}\" }}' as signs")
    found = []
    for _ in range(2):
        dbt_runner.build(small)
        found += _rows(small, "select signs from orders.signs")
    assert found == [("{{ a }} {% b %} {# c #}",)] * 2


def test_a_model_that_was_changed_is_made_as_it_is_now(small: Settings) -> None:
    dbt_runner.build(small)
    _write(_models(small) / "words.sql", "select 'new' as word")
    dbt_runner.build(small)
    assert _rows(small, "from orders.words") == [("new",)]


def test_what_was_kept_and_is_cut_is_made_anew(small: Settings) -> None:
    dbt_runner.build(small)
    (kept,) = (small.internal / "dbt").glob("rendered-*.msgpack")
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2])
    dbt_runner.build(small)
    assert kept.read_bytes()[-100:] == whole[-100:]


def test_another_data_folder_takes_what_was_kept_for_this_user(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    dbt_project.rendered(small)
    (kept,) = (tmp_path / "cache" / "customer360").iterdir()
    assert str(small.data).encode() not in kept.read_bytes()
    monkeypatch.setattr(dbt_project, "parsed", None)
    other = Settings(data=tmp_path / "other")
    assert dbt_project.rendered(other).nodes.keys() == dbt_project.rendered(small).nodes.keys()


def test_a_user_without_a_cache_has_the_project_all_the_same(
    small: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert dbt_project.rendered(small).nodes.keys() == dbt_project.rendered(small).nodes.keys()


def test_a_test_that_warns_says_what_does_not_hold_and_leaves_its_query(small: Settings) -> None:
    _write(_models(small) / "words.yml", ASKED)
    *_, asked = dbt_runner.build(small)
    assert (asked.status, asked.failures, asked.reason) == ("warn", 2, "word is none of its values (2 rows)")
    assert asked.query is not None
    assert "word" in asked.query.read_text(encoding="utf-8")


def test_what_rests_on_a_model_that_fails_is_skipped_with_its_tests(small: Settings) -> None:
    _write(_models(small) / "words.yml", ASKED)
    _write(_models(small) / "words.sql", "select error('no') as word")
    _write(_models(small) / "after.sql", "select * from {{ ref('words') }}")
    assert {node.name: node.status for node in _failed(small)} == {
        "orders.words": "error",
        "orders.after": "skipped",
        "odd_words": "skipped",
    }


@pytest.mark.parametrize(
    ("kind", "found"),
    [("varchar", ("success", "")), ("integer", ("error", "not of the type in the contract: word"))],
)
def test_a_mart_fails_with_a_column_of_another_type_than_its_contract_and_names_it(
    small: Settings, kind: str, found: tuple[str, str]
) -> None:
    marts = small.dbt_project / "models" / "marts"
    _write(marts / "told.yml", MART.format(name="told", kind=kind))
    _write(marts / "told.sql", "select * from {{ ref('words') }}")
    nodes = dbt_runner.build(small) if kind == "varchar" else _failed(small)
    assert [(node.status, node.reason) for node in nodes if node.name == "marts.told"] == [found]


def _models(settings: Settings) -> Path:
    return settings.dbt_project / "models" / "orders"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _failed(settings: Settings) -> tuple[NodeResult, ...]:
    with pytest.raises(TransformError) as error:
        dbt_runner.build(settings)
    return error.value.nodes


def _rows(settings: Settings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.build_file), read_only=True) as con:
        return con.execute(query).fetchall()
