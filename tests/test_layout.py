"""What to run for what was changed is the path: tests lie where the code lies."""

import re
from pathlib import Path

import pytest

from tests.support.paths import DBT_PROJECT, PROJECT

CODE, TESTS = PROJECT / "orchestration", PROJECT / "tests"
PACKAGES = sorted(path.parent.name for path in CODE.glob("*/__init__.py"))
VENDORS = sorted(path.stem for path in (CODE / "vendors").iterdir() if not path.name.startswith("_"))
# Beside the packages: the job as a whole, the models, and what tests stand on.
OTHERS = {"e2e", "dbt", "support"}


def folders(root: Path) -> set[str]:
    return {path.parent.relative_to(root).as_posix() for path in root.rglob("test_*.py")} - {"."}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_has_a_folder_of_tests(package: str) -> None:
    assert list((TESTS / package).rglob("test_*.py")), f"tests/{package} holds no test"


def test_a_folder_of_tests_is_a_package_or_the_job_or_the_models() -> None:
    assert {name.split("/")[0] for name in folders(TESTS)} == {*PACKAGES, *OTHERS} - {"support"}


def test_a_folder_of_tests_of_models_is_a_folder_of_models() -> None:
    models = {path.relative_to(DBT_PROJECT / "models").as_posix() for path in (DBT_PROJECT / "models").rglob("*/")}
    assert folders(TESTS / "dbt") <= models


def test_every_vendor_has_a_folder_with_its_rules_and_its_golden_cases() -> None:
    assert folders(TESTS / "vendors") == set(VENDORS)
    assert [vendor for vendor in VENDORS if not list((TESTS / "vendors" / vendor).glob("*.expected.json"))] == []


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "vendors"])
def test_a_test_named_after_a_module_lies_in_its_package(package: str) -> None:
    own = {path.stem for path in (CODE / package).rglob("*.py")}
    elsewhere = {path.stem: path.parent.name for path in CODE.rglob("*.py")}
    named = {path.stem.removeprefix("test_") for path in (TESTS / package).rglob("test_*.py")}
    assert {name: elsewhere[name] for name in named - own if name in elsewhere} == {}


def test_every_test_that_a_page_or_a_tool_names_is_there() -> None:
    naming = [PROJECT / ".pre-commit-config.yaml", *(PROJECT / ".ci").iterdir(), *PROJECT.glob("*.md")]
    naming += [
        path for folder in ("docs", "data", "benchmarks", "dbt_project") for path in (PROJECT / folder).rglob("*.md")
    ]
    named = {name for path in naming for name in re.findall(r"\btests/[\w/]+\.py\b", path.read_text(encoding="utf-8"))}
    assert {name for name in named if not (PROJECT / name).is_file()} == set()
    assert len(named) > 5
