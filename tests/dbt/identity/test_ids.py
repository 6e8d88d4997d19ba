"""The laws of `customer_id`: a pure function of what landed, and once handed out never lost."""

import re
from datetime import UTC, datetime

import pytest

from tests.support.paths import PROJECT
from tests.support.worlds import Scenario, Warehouse, contact, profile

SCHEMAS = {"int_record_customers": "internal", "run_settings": "internal"}

SCENARIOS = [
    Scenario(
        "a guest becomes a profile of the same vendor",
        [contact("grown-1", email="g@grown.example"), profile("grown-2", email="g@grown.example", day=1)],
        [{"grown-1", "grown-2"}],
    ),
    Scenario(
        "a guest of two vendors becomes a profile of one",
        [
            contact("both-1", email="g@both.example"),
            contact("both-2", source="omnisend", email="g@both.example"),
            profile("both-3", email="g@both.example", day=1),
        ],
        [{"both-1", "both-2", "both-3"}],
    ),
    Scenario(
        "two people turn out to be one",
        [
            profile("merged-1", email="a@merged.example"),
            profile("merged-2", source="omnisend", phone="+4915110000101"),
            profile("merged-3", source="voucherify", email="a@merged.example", phone="+4915110000101", day=1),
        ],
        [{"merged-1", "merged-2", "merged-3"}],
    ),
    Scenario(
        "a wrong bridge is corrected",
        [
            profile("bridge-1", email="a@bridge.example"),
            profile("bridge-2", source="omnisend", phone="+4915110000102"),
            profile("bridge-3", source="voucherify", email="a@bridge.example", phone="+4915110000102"),
            profile("bridge-3", source="voucherify", email="a@bridge.example", day=1),
        ],
        [{"bridge-1", "bridge-3"}, {"bridge-2"}],
    ),
    Scenario(
        "a customer stands in a second table of the vendor later, and its event came before",
        [
            contact(
                "tables-event", source="optimizely", stream="events", customer_id="lt-1", email="lt@tables.example"
            ),
            profile("tables-1", source="optimizely", customer_id="lt-1", email="lt@tables.example"),
            profile("tables-2", source="optimizely", stream="customers", customer_id="lt-1", day=1),
        ],
        [{"tables-event", "tables-1", "tables-2"}],
    ),
    Scenario(
        "a second profile of the vendor with the same address comes later",
        [
            contact("second-order", source="omnisend", stream="events", email="s@second.example"),
            profile("second-1", source="omnisend", stream="profiles", email="s@second.example"),
            profile("second-2", source="omnisend", stream="profiles", email="s@second.example", day=1),
        ],
        [{"second-order", "second-1", "second-2"}],
    ),
    Scenario(
        "somebody else uses the browser later",
        [
            contact("browser-visit", source="optimizely", stream="events", vuid="v-browser"),
            profile("browser-1", source="optimizely", vuid="v-browser", email="1@browser.example", first_name="Ada"),
            profile(
                "browser-2",
                source="optimizely",
                vuid="v-browser",
                email="2@browser.example",
                first_name="Bela",
                day=1,
            ),
        ],
        [{"browser-visit", "browser-1"}, {"browser-2"}],
    ),
    Scenario(
        "a younger profile joins an older person",
        [
            profile("old-1", email="o@old.example"),
            profile("old-2", source="omnisend", email="o@old.example", day=1),
            profile("old-3", source="annex", email="o@old.example", day=1),
        ],
        [{"old-1", "old-2", "old-3"}],
    ),
]


def test_a_guest_who_becomes_a_profile_keeps_the_id(first_day: Warehouse, warehouse: Warehouse) -> None:
    assert first_day.customer("grown-1") == warehouse.customer("grown-1") == warehouse.customer("grown-2")
    assert first_day.customer("both-2") == warehouse.customer("both-2") == warehouse.customer("both-3")


@pytest.mark.parametrize("name", ["tables-1", "second-1", "browser-1"])
def test_what_comes_later_renames_nobody(first_day: Warehouse, warehouse: Warehouse, name: str) -> None:
    assert first_day.customer(name) == warehouse.customer(name)


def test_growth_renames_nobody_except_into_an_older_id(first_day: Warehouse, warehouse: Warehouse) -> None:
    before = {row["customer_id"] for row in first_day.rows("select customer_id from marts.dim_customers")}
    possible = {row["alias_id"] for row in first_day.rows("select alias_id from marts.customer_id_aliases")}
    after = {
        row["alias_id"]: row["customer_id"]
        for row in warehouse.rows("select alias_id, customer_id from marts.customer_id_aliases")
    }
    assert before <= after.keys()
    assert {after[customer] for customer in before} <= possible


def test_both_ids_of_two_who_became_one_resolve_to_the_older(first_day: Warehouse, warehouse: Warehouse) -> None:
    former = [first_day.customer("merged-1"), first_day.customer("merged-2")]
    resolved = warehouse.rows(
        "select distinct customer_id from marts.customer_id_aliases where alias_id in ($1, $2)", *former
    )
    assert len(set(former)) == 2
    assert [row["customer_id"] for row in resolved] == [warehouse.customer("merged-3")]
    assert warehouse.customer("merged-3") in former


def test_a_corrected_bridge_gives_both_former_ids_back(first_day: Warehouse, warehouse: Warehouse) -> None:
    aliases = {warehouse.statements[name].alias_id for name in ("bridge-1", "bridge-2", "bridge-3")}
    assert len(first_day.persons(["bridge-1", "bridge-2", "bridge-3"])) == 1
    assert {warehouse.customer("bridge-1"), warehouse.customer("bridge-2")} <= aliases
    assert first_day.customer("bridge-1") in {warehouse.customer("bridge-1"), warehouse.customer("bridge-2")}


def test_a_person_is_named_after_its_earliest_record_and_of_equals_by_source(warehouse: Warehouse) -> None:
    assert warehouse.customer("old-3") == warehouse.statements["old-1"].alias_id
    assert warehouse.customer("merged-2") == warehouse.statements["merged-1"].alias_id


def test_the_order_of_arrival_changes_nothing(warehouse: Warehouse, shuffled: Warehouse) -> None:
    tables = (
        "dim_customers",
        "dim_customers_history",
        "bridge_customer_records",
        "bridge_customer_identifiers",
        "customer_id_aliases",
        "customer_attribute_sources",
    )
    for table in tables:
        query = f"select * from marts.{table} order by all"
        assert warehouse.rows(query) == shuffled.rows(query), table


def test_every_record_and_every_former_derived_record_has_an_alias(warehouse: Warehouse) -> None:
    known = {row["alias_id"] for row in warehouse.rows("select alias_id from marts.customer_id_aliases")}
    leads = {statement.alias_id for statement in warehouse.statements.values() if statement.said.get("is_lead_only")}
    assert known == {statement.alias_id for statement in warehouse.statements.values()} - leads


def test_an_id_with_records_that_are_gone_means_who_holds_most_of_them_or_is_retired(warehouse: Warehouse) -> None:
    one, other, third = (warehouse.statements[name].alias_id for name in ("merged-1", "merged-2", "old-1"))
    issued = [
        ("gone-1", "former"),
        (one, "former"),
        (other, "former"),
        (third, "former"),
        ("gone-2", "nobody"),
        (third, "lately"),
    ]
    values = ", ".join(f"('{alias}', '{customer}')" for alias, customer in issued)
    columns = "select alias_id, customer_id, null::timestamptz as retired_at"
    query = (PROJECT / "dbt_project/models/marts/customers/customer_id_aliases.sql").read_text(encoding="utf-8")
    query = re.sub(
        r'\{\{ source\("internal", "issued_ids"\) \}\}',
        f"({columns} from (values {values}) as given (alias_id, customer_id))",
        query,
    )
    query = re.sub(
        r'\{\{ \w+\("?(?:internal", ")?(\w+)"\) \}\}', lambda found: f"{SCHEMAS[found[1]]}.{found[1]}", query
    )
    found = {row["alias_id"]: row for row in warehouse.rows(query) if row["alias_id"].startswith("gone")}
    assert found["gone-1"]["customer_id"] == warehouse.customer("merged-1")
    assert found["gone-1"]["retired_at"] is None
    assert found["gone-2"]["customer_id"] is None
    assert found["gone-2"]["retired_at"] == datetime(2026, 12, 31, tzinfo=UTC)
