"""All scenarios of the folder share their builds: one for everything, one for the first days, one in another order."""

import importlib
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.transformation import dbt_runner, seeds
from orchestration.transformation.dbt_project import Project, queries, rendered
from tests.support.worlds import Scenario, Statement, Warehouse, World, write

# Besides the models of identity: what these are made of, and the marts that say who is who.
MODELS = {
    "int_order_rows",
    "int_event_versions",
    "dim_customers",
    "dim_customers_history",
    "customer_attribute_sources",
    "bridge_customer_records",
    "bridge_customer_identifiers",
    "customer_id_aliases",
    "shared_identifiers",
    "identity_links",
}
FIRST_DAYS = 0
HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def scenarios() -> list[Scenario]:
    """Scenarios of every test module of the folder, so that a module alone is asked in the same world as all
    together."""
    modules = [importlib.import_module(f"{__package__}.{path.stem}") for path in sorted(HERE.glob("test_*.py"))]
    return [scenario for module in modules for scenario in getattr(module, "SCENARIOS", [])]


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return rendered(Settings(data=tmp_path_factory.mktemp("project") / "data"))


@pytest.fixture(scope="session")
def make(
    scenarios: list[Scenario], project: Project, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str, list[Statement]], Warehouse]]:
    """Builds a warehouse of some of the statements."""
    work = tmp_path_factory.mktemp("identity")
    opened: list[duckdb.DuckDBPyConnection] = []
    deliveries = [delivery for scenario in scenarios for delivery in scenario.full_deliveries]

    def made(name: str, statements: list[Statement]) -> Warehouse:
        settings = Settings(data=work / name)
        settings.build_file.parent.mkdir(parents=True)
        write(World(statements, deliveries), settings.build_file)
        with duckdb.connect(settings.build_file, config=settings.duckdb_config) as con:
            seeds.load(con, settings)
            _override(con, scenarios)
        dbt_runner.build(settings, only=_chosen(project))
        opened.append(duckdb.connect(settings.build_file))
        return Warehouse(opened[-1], {statement.name: statement for statement in statements})

    yield made
    for con in opened:
        con.close()


def _chosen(project: Project) -> list[str]:
    """The models, and the tests that ask nothing of others."""
    models = {
        key: node.name
        for key, node in project.nodes.items()
        if node.resource_type == "model"
        and (node.original_file_path.startswith("models/identity/") or node.name in MODELS)
    }
    tests = (
        node.name
        for node in project.nodes.values()
        if node.resource_type == "test"
        and {parent for parent in node.depends_on.nodes if parent.startswith("model.")} <= models.keys()
    )
    return [*models.values(), *tests]


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
def compiled(project: Project) -> Callable[[str], str]:
    """SQL of a model as a run asks it."""
    return lambda model: queries([model], project)[model]


def _override(con: duckdb.DuckDBPyConnection, scenarios: list[Scenario]) -> None:
    for row in (row for scenario in scenarios for row in scenario.overrides):
        con.execute(
            f"insert into seeds.identity_overrides ({', '.join(row)}) values ({', '.join('?' * len(row))})",
            list(row.values()),
        )
    for line in (line for scenario in scenarios for line in scenario.blocklist):
        con.execute(
            "insert into seeds.identifier_blocklist (identifier_type, match_kind, value, reason)"
            " values (?, ?, ?, 'blocked')",
            list(line),
        )
