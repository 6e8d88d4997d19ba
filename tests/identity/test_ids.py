"""The laws of `customer_id`: a pure function of what landed, and once handed out never lost."""

from tests.identity.worlds import Scenario, Warehouse, contact, profile

SCENARIOS = [
    Scenario(
        "a guest becomes a profile of the same vendor",
        [contact("grown-1", email="g@grown.example"), profile("grown-2", email="g@grown.example", night=1)],
        [{"grown-1", "grown-2"}],
    ),
    Scenario(
        "a guest of two vendors becomes a profile of one",
        [
            contact("both-1", email="g@both.example"),
            contact("both-2", source="omnisend", email="g@both.example"),
            profile("both-3", email="g@both.example", night=1),
        ],
        [{"both-1", "both-2", "both-3"}],
    ),
    Scenario(
        "two people turn out to be one",
        [
            profile("merged-1", email="a@merged.example"),
            profile("merged-2", source="omnisend", phone="+4915110000101"),
            profile("merged-3", source="voucherify", email="a@merged.example", phone="+4915110000101", night=1),
        ],
        [{"merged-1", "merged-2", "merged-3"}],
    ),
    Scenario(
        "a wrong bridge is corrected",
        [
            profile("bridge-1", email="a@bridge.example"),
            profile("bridge-2", source="omnisend", phone="+4915110000102"),
            profile("bridge-3", source="voucherify", email="a@bridge.example", phone="+4915110000102"),
            profile("bridge-3", source="voucherify", email="a@bridge.example", night=1),
        ],
        [{"bridge-1", "bridge-3"}, {"bridge-2"}],
    ),
    Scenario(
        "a younger profile joins an older person",
        [
            profile("old-1", email="o@old.example"),
            profile("old-2", source="omnisend", email="o@old.example", night=1),
            profile("old-3", source="annex", email="o@old.example", night=1),
        ],
        [{"old-1", "old-2", "old-3"}],
    ),
]


def test_a_guest_who_becomes_a_profile_keeps_the_id(first_night: Warehouse, warehouse: Warehouse) -> None:
    assert first_night.customer("grown-1") == warehouse.customer("grown-1") == warehouse.customer("grown-2")
    assert first_night.customer("both-2") == warehouse.customer("both-2") == warehouse.customer("both-3")


def test_growth_renames_nobody_except_into_an_older_id(first_night: Warehouse, warehouse: Warehouse) -> None:
    before = {row["customer_id"] for row in first_night.rows("select customer_id from marts.dim_customers")}
    possible = {row["alias_id"] for row in first_night.rows("select alias_id from marts.customer_id_aliases")}
    after = {row["alias_id"]: row["customer_id"] for row in warehouse.rows("select alias_id, customer_id from marts.customer_id_aliases")}
    assert before <= after.keys()
    assert {after[customer] for customer in before} <= possible


def test_both_ids_of_two_who_became_one_resolve_to_the_older(first_night: Warehouse, warehouse: Warehouse) -> None:
    former = [first_night.customer("merged-1"), first_night.customer("merged-2")]
    resolved = warehouse.rows("select distinct customer_id from marts.customer_id_aliases where alias_id in ($1, $2)", *former)
    assert len(set(former)) == 2
    assert [row["customer_id"] for row in resolved] == [warehouse.customer("merged-3")]
    assert warehouse.customer("merged-3") in former


def test_a_corrected_bridge_gives_both_former_ids_back(first_night: Warehouse, warehouse: Warehouse) -> None:
    aliases = {warehouse.statements[name].alias_id for name in ("bridge-1", "bridge-2", "bridge-3")}
    assert len(first_night.persons(["bridge-1", "bridge-2", "bridge-3"])) == 1
    assert {warehouse.customer("bridge-1"), warehouse.customer("bridge-2")} <= aliases
    assert first_night.customer("bridge-1") in {warehouse.customer("bridge-1"), warehouse.customer("bridge-2")}


def test_a_person_is_named_after_its_earliest_record_ties_by_source(warehouse: Warehouse) -> None:
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
