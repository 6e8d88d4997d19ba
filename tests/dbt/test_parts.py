"""What may be made of a part of the data: the models that are, and what they rest on, are such that a part says what the whole would."""

import re
from collections import Counter
from typing import Any

import pytest

from orchestration.canonical.tables import TABLES
from orchestration.config.settings import Settings
from orchestration.transformation import dbt_project
from orchestration.transformation.cutting import RENEWED
from orchestration.transformation.incremental import PUBLISHED, Division
from orchestration.warehouse.change_keys import CHANGE_KEYS

# They are computed as a whole, and say of a part's rows the same when they see nothing but the part.
ALIKE = {"int_delivery_gaps", "int_exchange_rates", "int_reported_refunds", "int_source_priorities"}
Nodes = dict[str, Any]


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    return dbt_project.rendered(Settings(data=tmp_path_factory.mktemp("project") / "data")).nodes


@pytest.fixture(scope="module")
def division(nodes: Nodes) -> Division:
    return Division.of(nodes)


def named(nodes: Nodes, names: frozenset[str], kind: str) -> dict[str, Any]:
    return {node.name: node for node in nodes.values() if node.resource_type == kind and node.name in names}


def test_a_part_rests_on_models_that_a_part_can_be_made_of(nodes: Nodes, division: Division) -> None:
    renewed = {name for _, name in division.renewed}
    assert named(nodes, division.in_part, "model").keys() - renewed == ALIKE


def test_a_step_with_a_file_of_its_own_stands_in_the_queries_of_those_that_refer_to_it(nodes: Nodes) -> None:
    statements = nodes["model.customer360.int_segment_statements"]
    assert "__dbt__cte__int_segment_claims as (" in statements.compiled_code
    assert "model.customer360.int_owner_deletions" in statements.depends_on.nodes
    steps = {node.name for node in nodes.values() if node.config.materialized == "ephemeral"}
    models = [node for node in nodes.values() if node.resource_type == "model"]
    missing = {key for node in models for key in node.depends_on.nodes if key.startswith("model.")} - nodes.keys()
    assert (steps, missing) == (set(), set())


def test_no_step_is_computed_for_two_tables(nodes: Nodes) -> None:
    queries = [node.compiled_code or "" for node in nodes.values() if node.resource_type == "model"]
    uses = Counter(step for query in queries for step in set(re.findall(r"__dbt__cte__(\w+) as \(", query)))
    assert len(uses) > 30
    assert [step for step, count in uses.items() if count > 1] == []


def test_a_contact_is_outdated_only_if_no_table_that_names_owners_mentions_it(nodes: Nodes) -> None:
    [model] = named(nodes, frozenset({"int_outdated_contacts"}), "model").values()
    read = {key.split(".")[-1] for key in model.depends_on.nodes if key.startswith("source.")}
    assert read == {
        name for name, table in TABLES.items() if "owner_record_id" in {column.name for column in table.all_columns}
    }


def test_all_staging_that_a_part_is_made_of_has_change_keys(nodes: Nodes, division: Division) -> None:
    models = named(nodes, division.in_part, "model").values()
    read = {tuple(key.split(".")[2:]) for node in models for key in node.depends_on.nodes if key.startswith("source.")}
    assert {table for schema, table in read if schema == "staging"} == set(CHANGE_KEYS)
    assert {schema for schema, _ in read} == {"staging", "meta", "internal"}


def test_no_model_of_a_part_knows_the_day_of_the_run(nodes: Nodes, division: Division) -> None:
    assert [
        name for name, node in named(nodes, division.in_part, "model").items() if "as_of_date" in node.raw_code
    ] == []


def test_rows_are_found_by_columns_that_the_change_keys_know(division: Division) -> None:
    assert set(division.renewed.values()) <= RENEWED.keys()


def test_every_model_is_made_and_every_test_of_data_runs_once(nodes: Nodes, division: Division) -> None:
    models = {node.name for node in nodes.values() if node.resource_type == "model"}
    tests = {
        node.name
        for node in nodes.values()
        if node.resource_type == "test" and any(not key.startswith("seed.") for key in node.depends_on.nodes)
    }
    assert division.in_part | division.in_whole == models | tests
    assert division.in_part & division.in_whole == ALIKE


def test_what_analysts_see_is_tested_as_a_whole(nodes: Nodes, division: Division) -> None:
    published = {key for key, node in nodes.items() if node.resource_type == "model" and node.schema in PUBLISHED}
    assert [
        test.name for test in named(nodes, division.in_part, "test").values() if published & set(test.depends_on.nodes)
    ] == []
