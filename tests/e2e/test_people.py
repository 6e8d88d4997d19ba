"""People: who is one person, which id they have, and what is shown of them."""

from datetime import date

import pytest

from tests.support.installation import (
    EXPORT_DATES,
    Installation,
    ometria_order,
    ometria_profile,
    omnisend_event,
    voucherify_customer,
    voucherify_order,
)

pytestmark = pytest.mark.long

PLACEHOLDERS = (
    "[email protected]",
    "none@none.com",
    "null",
    "N/A",
    "test@test.com",
    "noemail@example.invalid",
    "info@gardenshop.de",
    "noreply@gardenshop.de",
)
FAMILY = [
    ("Arno", "1980-01-01"),
    ("Britt", "1981-02-02"),
    ("Curd", "1982-03-03"),
    ("Dora", "1983-04-04"),
    ("Ernst", "1984-05-05"),
    ("Frieda", "1985-06-06"),
]


def land(installation: Installation) -> None:
    first, second, third, _ = EXPORT_DATES
    land_deletions(installation)
    installation.land(
        "ometria/profiles",
        first,
        "people.ndjson",
        ometria_profile("P-gmail-1", email="Peter.Dotted+shop@gmail.com", firstname="Peter"),
        ometria_profile("P-chain-1", email="chain.one@example.com", firstname="Chaya"),
        ometria_profile(
            "P-move", email="old.address@example.com", customer_id="P-77", firstname="Mona", lastname="Berg"
        ),
        ometria_profile("P-couple-1", email="rita.couple@example.com", phone_number="+4915123450001", firstname="Rita"),
        ometria_profile("P-bare-55555", customer_id="P-55555"),
        *(
            ometria_profile(f"P-place-{number}", email=mail, firstname=f"Place{number}", lastname="Holder")
            for number, mail in enumerate(PLACEHOLDERS)
        ),
        *(
            ometria_profile(f"P-family-{number}", email="clan@example.com", firstname=name, date_of_birth=born)
            for number, (name, born) in enumerate(FAMILY)
        ),
    )
    installation.land(
        "ometria/profiles",
        second,
        "people.ndjson",
        ometria_profile(
            "P-move", email="new.address@example.com", customer_id="P-77", firstname="Mona", lastname="Berg"
        ),
    )
    installation.land(
        "omnisend/contacts",
        second,
        "contacts.ndjson",
        {
            "contactID": "p-gmail-2",
            "email": "peterdotted@googlemail.com",
            "firstName": "Peter",
            "phone": "+4915123450009",
        },
        {"contactID": "p-chain-2", "email": "chain.one@example.com", "phone": "+4915123450011", "firstName": "Chaya"},
        {"contactID": "p-couple-2", "email": "sam.couple@example.com", "phone": "+4915123450001", "firstName": "Sam"},
        {"contactID": "p-old-holder", "email": "old.address@example.com", "firstName": "Nils"},
        {"email": "No.Id@Example.com", "firstName": "Noah"},
        {"phone": "+4915123450077", "firstName": "Fonda"},
    )
    installation.land(
        "voucherify/customers",
        third,
        "people.ndjson",
        voucherify_customer("cust_chain_3", phone="+4915123450011", source_id="P-chain-shop", name="Chaya Chain"),
        voucherify_customer("cust_55555", source_id="P-55555", email="other.five@example.com"),
        voucherify_customer("cust_mail_id", source_id="peter.dotted+shop@gmail.com"),
    )
    installation.land(
        "optimizely/profiles",
        third,
        "people.ndjson",
        {
            "identifiers": {"email": "vuid.person@example.com", "vuid": "aaaa-1111"},
            "attributes": {"first_name": "Vera"},
        },
        {"identifiers": {"vuid": "bbbb-2222"}, "attributes": {"first_name": "Anon"}},
        {"identifiers": {"customer_id": "P-odp-1", "vuid": "cccc-3333"}},
    )
    installation.land(
        "open_delivery/customers",
        third,
        "people.ndjson",
        {"identifier": {"type": "phone", "value": "+55 11 99999-0077"}},
        {"identifier": {"type": "document", "value": "529.982.247-25"}, "name": "Doc Holder"},
    )
    installation.land(
        "ometria/orders",
        first,
        "guests.ndjson",
        ometria_order("P-guest-1", 10, email="just.a.guest@example.com"),
        ometria_order("P-guest-2", 15, email="Just.A.Guest@example.com"),
    )
    installation.land(
        "omnisend/events",
        second,
        "visits.ndjson",
        omnisend_event("viewed product", "p-visit-1", "just.a.guest@example.com", productID="x"),
    )


def test_dots_and_tags_of_gmail_link_and_are_shown_as_given(world: Installation) -> None:
    person = world.customer_of("ometria", "P-gmail-1")
    assert person == world.customer_of("omnisend", "p-gmail-2") == world.customer_of("voucherify", "cust_mail_id")
    assert world.value("select email from marts.dim_customers where customer_id = ?", person) in (
        "peter.dotted+shop@gmail.com",
        "peterdotted@googlemail.com",
    )
    values = world.column(
        "select identifier_value from marts.bridge_customer_identifiers where customer_id = ? and identifier_type = 'email' order by 1",
        person,
    )
    assert values == ["peter.dotted+shop@gmail.com", "peterdotted@googlemail.com"]


def test_a_chain_over_three_vendors_is_one_person(world: Installation) -> None:
    assert (
        world.customer_of("ometria", "P-chain-1")
        == world.customer_of("omnisend", "p-chain-2")
        == world.customer_of("voucherify", "cust_chain_3")
    )
    person = world.customer_of("ometria", "P-chain-1")
    assert world.row("select sources, record_count, phone from marts.dim_customers where customer_id = ?", person) == (
        ["ometria", "omnisend", "voucherify"],
        3,
        "+4915123450011",
    )


def test_the_anchor_is_the_record_delivered_first(world: Installation) -> None:
    person = world.customer_of("voucherify", "cust_chain_3")
    anchor = world.row(
        "select source, source_record_id, alias_id from marts.bridge_customer_records where customer_id = ? and is_anchor",
        person,
    )
    assert anchor == ("ometria", "P-chain-1", person)


def test_every_record_has_an_alias_that_leads_to_its_person(world: Installation) -> None:
    lost = world.rows(
        "select * from marts.bridge_customer_records r left join marts.customer_id_aliases a using (alias_id) where a.customer_id is distinct from r.customer_id"
    )
    assert lost == []
    assert (
        world.rows(
            "select customer_id from marts.dim_customers anti join marts.customer_id_aliases a on a.alias_id = dim_customers.customer_id and a.customer_id = dim_customers.customer_id"
        )
        == []
    )
    assert world.value("select count(*) - count(distinct alias_id) from marts.customer_id_aliases") == 0


def test_an_id_handed_out_to_a_guest_survives_as_an_alias_of_the_record_he_belongs_to(world: Installation) -> None:
    more = world.rows(
        "select alias_id from marts.customer_id_aliases except select alias_id from marts.bridge_customer_records"
    )
    assert all(
        world.column(
            "select customer_id in (select customer_id from marts.dim_customers) from marts.customer_id_aliases where alias_id = ?",
            alias,
        )[0]
        for (alias,) in more
    )


def test_placeholders_neither_link_nor_show(world: Installation) -> None:
    people = {world.customer_of("ometria", f"P-place-{number}") for number in range(len(PLACEHOLDERS))}
    assert len(people) == len(PLACEHOLDERS)
    shown = world.column("select email from marts.dim_customers where list_contains(?, customer_id)", sorted(people))
    assert not set(shown) & {
        "[email protected]",
        "none@none.com",
        "null",
        "n/a",
        "test@test.com",
        "noemail@example.invalid",
    }


def test_a_superseded_identifier_stays_in_the_bridge_and_links_nobody(world: Installation) -> None:
    person = world.customer_of("ometria", "P-move")
    found = world.rows(
        "select identifier_value, is_linking, not_linking_reason from marts.bridge_customer_identifiers where customer_id = ? and identifier_type = 'email' order by 1",
        person,
    )
    assert found == [("new.address@example.com", True, None), ("old.address@example.com", False, "superseded")]
    assert world.customer_of("omnisend", "p-old-holder") != person
    assert (
        world.value("select email from marts.dim_customers where customer_id = ?", person) == "new.address@example.com"
    )


def test_a_couple_with_one_phone_stays_two(world: Installation) -> None:
    assert world.customer_of("ometria", "P-couple-1") != world.customer_of("omnisend", "p-couple-2")


def test_an_identifier_of_more_than_five_people_links_nobody_and_is_listed(world: Installation) -> None:
    assert len({world.customer_of("ometria", f"P-family-{number}") for number in range(len(FAMILY))}) == len(FAMILY)
    assert world.value(
        "select people_count from meta.shared_identifiers where identifier_type = 'email' and identifier_value = 'clan@example.com'"
    ) == len(FAMILY)
    assert not any(
        world.column(
            "select is_linking from marts.bridge_customer_identifiers where identifier_value = 'clan@example.com'"
        )
    )


def test_bare_ids_of_two_vendors_are_not_the_same(world: Installation) -> None:
    assert world.customer_of("ometria", "P-bare-55555") != world.customer_of("voucherify", "cust_55555")


def test_a_guest_with_an_address_is_a_person(world: Installation) -> None:
    person = world.customer_with("just.a.guest@example.com")
    assert (
        world.value(
            "select count(distinct customer_id) from marts.fct_orders where upper(order_number) in ('P-GUEST-1', 'P-GUEST-2')"
        )
        == 1
    )
    assert world.value("select customer_id from marts.fct_orders where upper(order_number) = 'P-GUEST-1'") == person
    assert world.value("select customer_id from marts.fct_events where event_id like '%p-visit-1'") == person
    records = world.column("select source_record_id from marts.bridge_customer_records where customer_id = ?", person)
    assert all(record.startswith("derived:") for record in records)


def test_records_without_a_vendor_s_id_are_named_by_rule(world: Installation) -> None:
    named = set(world.column("select source_record_id from marts.bridge_customer_records"))
    assert {
        "email:no.id@example.com",
        "phone:+4915123450077",
        "bbbb-2222",
        "P-odp-1",
        "aaaa-1111",
        "phone:+5511999990077",
    } <= named
    assert named & {"document:52998224725", "document:cpf:52998224725"}


def test_history_has_one_unbroken_line_per_person(world: Installation) -> None:
    person = world.customer_of("ometria", "P-move")
    periods = world.rows(
        "select email, cast(valid_from as date), cast(valid_to as date), is_current from marts.dim_customers_history where customer_id = ? order by valid_from",
        person,
    )
    assert periods == [
        ("old.address@example.com", date(2026, 3, 1), date(2026, 3, 2), False),
        ("new.address@example.com", date(2026, 3, 2), None, True),
    ]


def test_every_person_has_exactly_one_current_period(world: Installation) -> None:
    assert (
        world.rows(
            "select customer_id from marts.dim_customers_history group by 1 having count(*) filter (is_current) <> 1"
        )
        == []
    )
    assert world.value("select count(distinct customer_id) from marts.dim_customers_history") == world.value(
        "select count(*) from marts.dim_customers"
    )


def test_the_record_count_is_that_of_the_bridge(world: Installation) -> None:
    assert (
        world.rows(
            "select customer_id, record_count from marts.dim_customers except select customer_id, count(*) from marts.bridge_customer_records group by 1"
        )
        == []
    )


def land_deletions(installation: Installation) -> None:
    """Customers that an event of the second day says are deleted; some are reported again."""
    first, second, third, _ = EXPORT_DATES
    names = ("gone", "back", "older", "newer")
    installation.land(
        "voucherify/customers",
        first,
        "deletable.ndjson",
        *(
            voucherify_customer(f"cust_{name}", email=f"{name}.deletable@example.com", name=f"Della {name.title()}")
            for name in names
        ),
    )
    buyer = {"id": "cust_gone", "name": "Della Gone", "email": "gone.deletable@example.com"}
    installation.land(
        "voucherify/orders",
        first,
        "deletable.ndjson",
        voucherify_order("ord_gone", "DEL-1", 1000) | {"customer": buyer},
    )
    installation.land(
        "voucherify/events",
        second,
        "deletions.ndjson",
        *(
            {
                "id": f"ev_{name}",
                "type": "customer.deleted",
                "created_at": "2026-03-02T08:00:00Z",
                "data": {"customer": {"id": f"cust_{name}"}},
            }
            for name in names
        ),
    )
    for export_date, name, updated_at in (
        (second, "older", "2026-03-02T07:00:00Z"),
        (second, "newer", "2026-03-02T09:00:00Z"),
        (third, "back", None),
    ):
        again = voucherify_customer(
            f"cust_{name}", email=f"{name}.deletable@example.com", name=f"Della {name.title()}", updated_at=updated_at
        )
        installation.land("voucherify/customers", export_date, f"deletable_{name}.ndjson", again)


@pytest.mark.parametrize(("name", "is_deleted"), [("gone", True), ("older", True), ("newer", False), ("back", False)])
def test_a_deletion_reported_by_event_holds_until_the_record_is_reported_of_again(
    world: Installation, name: str, is_deleted: bool
) -> None:
    person = world.customer_of("voucherify", f"cust_{name}")
    assert (
        world.value("select is_deleted from marts.bridge_customer_records where source_record_id = ?", f"cust_{name}")
        == is_deleted
    )
    shown = (None, None) if is_deleted else (f"Della {name.title()}", f"{name}.deletable@example.com")
    assert world.row("select full_name, email from marts.dim_customers where customer_id = ?", person) == shown


def test_the_orders_of_somebody_deleted_stay_with_the_person_and_give_no_name_away(world: Installation) -> None:
    person = world.customer_of("voucherify", "cust_gone")
    assert world.order("DEL-1", "customer_id") == (person,)
    assert world.row("select full_name, email, is_deleted from marts.dim_customers where customer_id = ?", person) == (
        None,
        None,
        True,
    )


def test_the_history_says_from_which_day_on_somebody_was_deleted(world: Installation) -> None:
    def periods(name: str) -> list[tuple[object, ...]]:
        query = "select is_deleted, full_name, cast(valid_from as date) from marts.dim_customers_history where customer_id = ? order by valid_from"
        return world.rows(query, world.customer_of("voucherify", f"cust_{name}"))

    assert periods("gone") == [(False, "Della Gone", date(2026, 3, 1)), (True, None, date(2026, 3, 2))]
    assert periods("older") == [(False, "Della Older", date(2026, 3, 1)), (True, None, date(2026, 3, 2))]
    assert periods("newer") == [(False, "Della Newer", date(2026, 3, 1))]
    assert periods("back") == [
        (False, "Della Back", date(2026, 3, 1)),
        (True, None, date(2026, 3, 2)),
        (False, "Della Back", date(2026, 3, 3)),
    ]
