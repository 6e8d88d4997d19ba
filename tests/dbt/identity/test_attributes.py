"""What a person is called: survivorship, provenance and history."""

from datetime import UTC, date, datetime

from tests.support.worlds import FIRST_EXPORT_DATE, Scenario, Warehouse, contact, profile

SECOND_DAY, THIRD_DAY = date(2026, 1, 2), date(2026, 1, 3)

SCENARIOS = [
    Scenario(
        "the latest change speaks, attribute by attribute",
        [
            profile(
                "fresh-1",
                email="f@fresh.example",
                first_name="Andrea",
                city="Porto",
                source_updated_at=datetime(2025, 1, 1, tzinfo=UTC),
            ),
            profile(
                "fresh-2",
                source="omnisend",
                email="f@fresh.example",
                first_name="Andréa",
                last_name="Reis",
                source_updated_at=datetime(2025, 6, 1, tzinfo=UTC),
            ),
            contact(
                "fresh-3",
                source="voucherify",
                email="f@fresh.example",
                city="Lisboa",
                seen_at=datetime(2025, 12, 1, tzinfo=UTC),
            ),
        ],
    ),
    Scenario(
        "a placeholder is not shown",
        [profile("shown-1", email="noemail@shop.example", phone="+5511999999999", first_name="Ivo")],
    ),
    Scenario("a role address is shown", [profile("role-1", email="info@role.example")]),
    Scenario(
        "somebody moves",
        [
            profile("moves", email="m@moves.example", city="Porto"),
            profile("moves", email="m@moves.example", city="Porto", day=1, attributes='{"visits": 2}'),
            profile("moves", email="m@moves.example", city="Braga", day=2),
        ],
    ),
    Scenario(
        "two places are reported by two records",
        [
            profile(
                "places-1",
                source="omnisend",
                email="l@places.example",
                full_name="Lia Roth",
                city="Berlin",
                postal_code="10115",
                country_code="DE",
            ),
            profile(
                "places-2",
                source="voucherify",
                email="l@places.example",
                first_name="Kunde",
                city="Paris",
                country_code="FR",
                day=1,
            ),
            profile("places-3", source="open_delivery", email="l@places.example", full_name="Kunde Gast", day=1),
        ],
    ),
    Scenario(
        "orders of a stream are reported in full every day",
        [
            contact("told-guest", source="voucherify", account="orders", email="g@told.example", city="Lugo"),
            contact("told-guest", source="voucherify", account="orders", email="g@told.example", city="Lugo", day=1),
        ],
        full_deliveries=[("voucherify", "orders", "orders", 0), ("voucherify", "orders", "orders", 1)],
    ),
    Scenario(
        "what was reported as the city is the state",
        [
            contact("moved-word", source="omnisend", email="w@moved.example", city="Lugo"),
            contact("moved-word", source="omnisend", email="w@moved.example", state_raw="Lugo", day=1),
        ],
    ),
    Scenario(
        "somebody is left out of a full delivery",
        [
            profile(
                "left-1",
                source="voucherify",
                account="full",
                stream="customers",
                email="l@left.example",
                first_name="Leo",
            ),
            profile("left-2", source="voucherify", account="full", stream="customers", email="k@left.example", day=1),
        ],
        full_deliveries=[("voucherify", "full", "customers", 0), ("voucherify", "full", "customers", 1)],
    ),
    Scenario(
        "an old order comes after a profile that names no times",
        [
            profile("timeless", email="t@timeless.example"),
            contact(
                "timeless-order",
                source="omnisend",
                email="t@timeless.example",
                day=1,
                seen_at=datetime(2025, 11, 2, tzinfo=UTC),
            ),
        ],
    ),
    Scenario(
        "a record is deleted and the other one speaks",
        [
            profile(
                "silent-1",
                email="s@silent.example",
                first_name="Sol",
                source_updated_at=datetime(2025, 6, 1, tzinfo=UTC),
            ),
            profile("silent-1", email="s@silent.example", first_name="Sol", is_deleted=True, day=1),
            profile("silent-2", source="omnisend", email="s@silent.example", first_name="Sol Maria", city="Faro"),
        ],
    ),
]


def test_each_attribute_is_of_the_record_that_changed_last_and_orders_only_fill_gaps(warehouse: Warehouse) -> None:
    person = warehouse.person("fresh-1")
    assert [person["first_name"], person["last_name"], person["city"]] == ["Andréa", "Reis", "Porto"]
    assert [person["sources"], person["record_count"]] == [["ometria", "omnisend", "voucherify"], 3]


def test_every_attribute_says_which_record_it_is_from(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select attribute, source_record_id as record from marts.customer_attribute_sources where customer_id = $1",
        warehouse.customer("fresh-1"),
    )
    assert {row["attribute"]: row["record"] for row in rows if row["attribute"] in ("first_name", "city")} == {
        "first_name": "fresh-2",
        "city": "fresh-1",
    }


def test_placeholders_are_not_shown_but_listed_with_their_reason(warehouse: Warehouse) -> None:
    person = warehouse.person("shown-1")
    assert [person["email"], person["phone"], person["first_name"]] == [None, None, "Ivo"]
    assert (
        warehouse.reason("shown-1", "noemail@shop.example")
        == warehouse.reason("shown-1", "+5511999999999")
        == "placeholder"
    )


def test_a_role_address_is_shown(warehouse: Warehouse) -> None:
    assert warehouse.person("role-1")["email"] == "info@role.example"


def test_history_has_a_row_only_for_days_on_which_something_changed(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select city, valid_from, valid_to, is_current from marts.dim_customers_history where customer_id = $1 order by valid_from",
        warehouse.customer("moves"),
    )
    assert [tuple(row.values()) for row in rows] == [
        ("Porto", FIRST_EXPORT_DATE, THIRD_DAY, False),
        ("Braga", THIRD_DAY, None, True),
    ]


def test_an_old_order_does_not_take_back_when_a_person_was_last_seen(warehouse: Warehouse) -> None:
    periods = warehouse.rows(
        "select first_seen_at, last_seen_at from marts.dim_customers_history where customer_id = $1 order by valid_from",
        warehouse.customer("timeless"),
    )
    day, ordered = datetime(2026, 1, 1, tzinfo=UTC), datetime(2025, 11, 2, tzinfo=UTC)
    assert [(row["first_seen_at"], row["last_seen_at"]) for row in periods] == [(day, day), (ordered, day)]
    person = warehouse.person("timeless")
    assert (person["first_seen_at"], person["last_seen_at"]) == (ordered, day)


def test_who_is_left_out_of_a_full_delivery_is_deleted_says_nothing_and_stays(warehouse: Warehouse) -> None:
    person = warehouse.person("left-1")
    assert [person["is_deleted"], person["first_name"], person["email"]] == [True, None, None]
    assert warehouse.person("left-2")["is_deleted"] is False
    rows = warehouse.rows(
        "select first_name, valid_from, is_deleted from marts.dim_customers_history where customer_id = $1 order by valid_from",
        warehouse.customer("left-1"),
    )
    assert [tuple(row.values()) for row in rows] == [("Leo", FIRST_EXPORT_DATE, False), (None, SECOND_DAY, True)]


def test_a_deleted_record_stays_in_the_bridge_and_speaks_no_more(warehouse: Warehouse) -> None:
    person = warehouse.person("silent-2")
    assert [person["first_name"], person["is_deleted"], person["record_count"]] == ["Sol Maria", False, 2]
    assert warehouse.rows(
        "select is_deleted from marts.bridge_customer_records where source_record_id = 'silent-1'"
    ) == [{"is_deleted": True}]


def test_the_current_period_is_the_customer_of_today(warehouse: Warehouse) -> None:
    columns = "customer_id, first_name, last_name, full_name, email, phone, birth_date, gender, city, state, country, postal_code, language, sources, record_count"
    today = warehouse.rows(f"select {columns} from marts.dim_customers order by all")
    assert today == warehouse.rows(f"select {columns} from marts.dim_customers_history where is_current order by all")


def test_a_full_delivery_of_orders_changes_nobody(warehouse: Warehouse) -> None:
    rows = warehouse.rows(
        "select city, valid_from, is_deleted from marts.dim_customers_history where customer_id = $1 order by valid_from",
        warehouse.customer("told-guest"),
    )
    assert [tuple(row.values()) for row in rows] == [("Lugo", FIRST_EXPORT_DATE, False)]


def test_an_address_is_of_one_record_and_a_name_that_stands_for_nobody_is_not_shown(warehouse: Warehouse) -> None:
    person = warehouse.person("places-1")
    assert [person["city"], person["postal_code"], person["country"], person["full_name"]] == [
        "Paris",
        None,
        "FR",
        "Lia Roth",
    ]
