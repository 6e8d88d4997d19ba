"""All scenarios of the folder share their builds: one for everything, one for the first days, one in another order."""

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from tests.support.worlds import Scenario, Statement, Warehouse, World, build, write

MODELS = [
    "path:models/identity",
    "int_order_rows",
    "int_event_versions",
    "dim_customers",
    "dim_customers_history",
    "customer_attribute_sources",
]
MODELS += [
    "bridge_customer_records",
    "bridge_customer_identifiers",
    "customer_id_aliases",
    "shared_identifiers",
    "identity_links",
]
SEEDS = [
    "name_placeholders",
    "given_name_variants",
    "identifier_blocklist",
    "identity_rules",
    "identity_overrides",
    "attribute_source_priority",
    "order_status_overrides",
]
FIRST_DAYS = 0
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def scenarios() -> list[Scenario]:
    """Scenarios of every test module of the folder, so that a module alone is asked in the same world as all
    together."""
    modules = [importlib.import_module(f"{__package__}.{path.stem}") for path in sorted(HERE.glob("test_*.py"))]
    return [scenario for module in modules for scenario in getattr(module, "SCENARIOS", [])]


@pytest.fixture(scope="session")
def make(
    scenarios: list[Scenario], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, list[Statement]], Warehouse]]:
    """Builds a warehouse of some of the statements."""
    work = tmp_path_factory.mktemp("identity")
    path = work / "warehouse.duckdb"
    opened: list[duckdb.DuckDBPyConnection] = []
    before = {name: os.environ.get(name) for name in ("C360_BUILD_FILE", "DO_NOT_TRACK")}
    os.environ.update(C360_BUILD_FILE=str(path), DO_NOT_TRACK="1")

    def made(name: str, statements: list[Statement]) -> Warehouse:
        path.unlink(missing_ok=True)
        write(World(statements, [delivery for scenario in scenarios for delivery in scenario.full_deliveries]), path)
        build(["seed", "--select", *SEEDS], work=work)
        _override(path, scenarios)
        build(
            [
                "build",
                "--indirect-selection",
                "cautious",
                "--exclude-resource-type",
                "seed",
                "--select",
                *MODELS,
            ],
            work=work,
        )
        copy = work / name / path.name
        copy.parent.mkdir()
        shutil.move(path, copy)
        opened.append(duckdb.connect(copy))
        return Warehouse(opened[-1], {statement.name: statement for statement in statements})

    yield made
    for con in opened:
        con.close()
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})


@pytest.fixture(scope="session")
def statements(scenarios: list[Scenario]) -> list[Statement]:
    """Everything all scenarios say, each name once."""
    return [statement for scenario in scenarios for statement in scenario.statements]


@pytest.fixture(scope="session")
def warehouse(make: Callable[[str, list[Statement]], Warehouse], statements: list[Statement]) -> Warehouse:
    """What became of everything."""
    return make("everything", statements)


@pytest.fixture(scope="session")
def first_day(make: Callable[[str, list[Statement]], Warehouse], statements: list[Statement]) -> Warehouse:
    """What had become of it when only the first day had landed."""
    return make("first_day", [statement for statement in statements if statement.day <= FIRST_DAYS])


@pytest.fixture(scope="session")
def shuffled(make: Callable[[str, list[Statement]], Warehouse], statements: list[Statement]) -> Warehouse:
    """What becomes of everything when it lands the other way round."""
    return make("shuffled", statements[::-1])


@pytest.fixture(scope="session")
def target(warehouse: Warehouse) -> Path:
    """Folder in which dbt left what it made of the models of that build."""
    return (
        Path(str(warehouse.rows("select file from pragma_database_list where name = 'warehouse'")[0]["file"])).parents[
            1
        ]
        / "target"
    )


@pytest.fixture(scope="session")
def compiled(target: Path) -> Callable[[str], str]:
    """SQL of an identity model as dbt runs it."""

    def read(model: str) -> str:
        return next((target / "compiled" / "customer360" / "models" / "identity").rglob(f"{model}.sql")).read_text(
            encoding="utf-8"
        )

    return read


def _override(path: Path, scenarios: list[Scenario]) -> None:
    with duckdb.connect(path) as con:
        for row in (row for scenario in scenarios for row in scenario.overrides):
            con.execute(
                f"insert into seeds.identity_overrides ({', '.join(row)}) values ({', '.join('?' * len(row))})",
                list(row.values()),
            )
