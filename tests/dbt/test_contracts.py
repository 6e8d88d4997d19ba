"""A mart has the columns of its contract, and its query makes no other: those would be left out without a word."""

from orchestration.transformation.dbt_project import rendered
from tests.support.warehouse_builder import WarehouseBuilder


def test_every_column_that_a_query_makes_stands_in_its_contract(warehouse: WarehouseBuilder) -> None:
    wrong = {}
    for node in rendered(warehouse.settings).chosen("model", ()):
        if node.language == "sql" and node.config.contract.enforced and node.config.materialized != "ephemeral":
            made = {name for name, *_ in warehouse.query(f"describe {node.compiled_code}")}
            if made != set(node.columns):
                wrong[node.name] = made ^ set(node.columns)
    assert wrong == {}
