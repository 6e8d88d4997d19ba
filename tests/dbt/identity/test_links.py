"""`meta.identity_links` proves every person: what it lists links all records of a person and nobody else's."""

from datetime import date

import pytest

from orchestration.insight.identity_graph import Graph, RecordLink
from tests.support.worlds import Scenario, Warehouse, always, contact, profile

JOINED = [
    profile("decided-ana", source="omnisend", first_name="Ana", email="both@decided.example"),
    profile("decided-beatriz", source="omnisend", first_name="Beatriz", email="both@decided.example"),
]

SCENARIOS = [
    Scenario(
        "who is deleted follows by an address that names contest, once a decision has made its holders one person",
        [*JOINED, profile("decided-deleted", first_name="Ana", email="both@decided.example", is_deleted=True)],
        [{"decided-ana", "decided-beatriz", "decided-deleted"}],
        [always(*JOINED)],
    ),
    Scenario(
        "who gives no name goes by the name of its address, and its phone joins no two people",
        [
            profile("mute-mail-1", first_name="Ana", email="ana@bridge-mute.example"),
            profile("mute-mail-2", source="omnisend", email="ana@bridge-mute.example", phone="+4915110000301"),
            profile("mute-mail-3", source="voucherify", first_name="Bia", phone="+4915110000301"),
        ],
        [{"mute-mail-1", "mute-mail-2"}, {"mute-mail-3"}],
    ),
    Scenario(
        "who gives no name still links addresses of the same name",
        [
            profile("mute-same-1", first_name="Ana", email="ana@same-mute.example"),
            profile("mute-same-2", source="omnisend", email="ana@same-mute.example", phone="+4915110000302"),
            profile("mute-same-3", source="voucherify", first_name="Ana", phone="+4915110000302"),
        ],
        [{"mute-same-1", "mute-same-2", "mute-same-3"}],
    ),
    Scenario(
        "first and last name swapped, with birth date and postal code, are one person",
        [
            profile(
                "swapped-1", first_name="Mitchell", last_name="Green", birth_date=date(1956, 4, 9), postal_code="2119"
            ),
            profile(
                "swapped-2",
                source="omnisend",
                first_name="Green",
                last_name="Mitchell",
                birth_date=date(1956, 4, 9),
                postal_code="2119",
            ),
        ],
        [{"swapped-1", "swapped-2"}],
    ),
    Scenario(
        "many orders of one profile hang on it",
        [
            profile("hung-1", email="hung@hung.example"),
            *(
                contact(f"hung-order-{number}", email="hung@hung.example", phone=f"+491511000040{number}")
                for number in range(3)
            ),
        ],
        [{"hung-1", "hung-order-0", "hung-order-1", "hung-order-2"}],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_scenario(warehouse: Warehouse, scenario: Scenario) -> None:
    assert warehouse.persons(scenario.names) == sorted(scenario.persons, key=sorted)


def test_every_person_of_every_scenario_is_held_together_by_its_links(warehouse: Warehouse) -> None:
    links: dict[str, list[RecordLink]] = {}
    for row in warehouse.con.execute(
        "select customer_id, alias_id, link_id, rule, rule_detail, identifier_type, identifier_namespace, identifier_value"
        " from meta.identity_links where not is_refused"
    ).fetchall():
        links.setdefault(row[0], []).append(RecordLink(*row[1:]))
    records: dict[str, set[str]] = {}
    for alias, customer in warehouse.con.execute(
        "select alias_id, customer_id from marts.customer_id_aliases"
    ).fetchall():
        records.setdefault(customer, set()).add(alias)
    loose = {
        customer
        for customer, aliases in records.items()
        if {customer, *Graph(links.get(customer, [])).tree(customer)} != aliases
    }
    assert loose == set()


def test_every_link_joins_at_least_two_records(warehouse: Warehouse) -> None:
    assert (
        warehouse.rows("select link_id from meta.identity_links group by link_id having count(distinct alias_id) < 2")
        == []
    )
