"""What the files of `$C360_DATA/config` change, and what a full delivery means."""

from datetime import UTC, date, datetime
from decimal import Decimal

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


def land(installation: Installation) -> None:
    installation.configure("settings.toml", 'reporting_currency = "USD"\nreporting_time_zone = "America/Sao_Paulo"\n')
    installation.configure(
        "accounts.csv",
        "source,source_account,default_currency,time_zone,phone_region,order_namespace,customer_id_namespace\n"
        "voucherify,project-jp,JPY,UTC,DE,shop,shop\n"
        "ometria,main,GBP,Europe/Berlin,DE,shop,shop\n"
        "open_delivery,,,,,shop,\n",
    )
    installation.configure(
        "fx_rates.csv",
        "rate_date,currency,units_per_eur\n2026-02-01,USD,2.0\n2026-02-05,USD,4.0\n2026-02-01,GBP,0.5\n2026-02-01,JPY,100\n",
    )
    installation.configure("order_status_validity.csv", "status,is_valid\npending_payment,true\nshipped,false\n")
    installation.configure(
        "order_source_priority.csv",
        "source,priority\nomnisend,1\nometria,2\nvoucherify,3\noptimizely,4\nopen_delivery,5\n",
    )
    installation.configure(
        "lifecycle_limits.csv", "lifecycle_stage,max_days_since_last_order\nactive,5\nat_risk,10\nlapsed,\n"
    )
    first, second = EXPORT_DATES[:2]
    installation.land(
        "ometria/orders",
        first,
        "orders.ndjson",
        {
            key: value
            for key, value in ometria_order(
                "K-1", "10.00", email="k@example.com", timestamp="2026-02-03 00:30:00"
            ).items()
            if key != "currency"
        },
        ometria_order("K-2", "8.00", email="k@example.com", time="2026-02-10T01:00:00Z"),
        ometria_order("K-3", "10.00", "pending_payment", email="k@example.com"),
        ometria_order("K-4", "10.00", email="k@example.com"),
        ometria_order("K-5", "11.00", email="k@example.com"),
    )
    installation.land(
        "omnisend/events",
        first,
        "orders.ndjson",
        omnisend_event(
            "order fulfilled",
            "k-6",
            "k@example.com",
            orderID="K-6",
            totalPrice=5.0,
            currency="EUR",
            paymentStatus="paid",
            fulfillmentStatus="fulfilled",
        ),
        omnisend_event(
            "placed order", "k-5", "k@example.com", orderID="K-5", totalPrice=12.0, currency="EUR", paymentStatus="paid"
        ),
    )
    installation.land(
        "voucherify/orders", first, "orders.ndjson", voucherify_order("ord_k7", "K-7", 1000, customer="cust_k")
    )
    installation.land(
        "voucherify/customers",
        first,
        "customers.ndjson",
        voucherify_customer(
            "cust_k",
            source_id="K-shop-1",
            phone="030 901820",
            summary={"orders": {"total_amount": 1000, "total_count": 1, "average_amount": 1000}},
        ),
    )
    installation.land(
        "ometria/profiles",
        first,
        "profiles.ndjson",
        ometria_profile("k-profile", customer_id="K-shop-1", email="k@example.com"),
    )
    installation.land(
        "open_delivery/orders",
        first,
        "orders.ndjson",
        {
            "id": "K-4",
            "createdAt": "2026-02-10T10:00:00Z",
            "lastEvent": "CONCLUDED",
            "items": [],
            "total": {"orderAmount": {"value": 10, "currency": "BRL"}},
            "customer": {"id": "odk", "name": "K", "email": "k@example.com"},
        },
    )
    members = [
        {"contactID": f"k-member-{number}", "email": f"k.member{number}@example.com", "tags": ["club"]}
        for number in range(3)
    ]
    installation.land("omnisend/contacts", first, "contacts.ndjson", *members)
    installation.land("omnisend/contacts", second, "contacts_full.ndjson", *members[:2])
    installation.land(
        "ometria/contacts",
        first,
        "contacts.ndjson",
        *(
            {"@type": "contact", "@collection": "c", "id": f"k-c{number}", "email": f"k.contact{number}@example.com"}
            for number in range(2)
        ),
    )
    installation.land(
        "ometria/contacts",
        second,
        "contacts.ndjson",
        {"@type": "contact", "@collection": "c", "id": "k-c0", "email": "k.contact0@example.com"},
    )
    (installation.data / "landing/ometria/contacts" / EXPORT_DATES[2]).mkdir(parents=True)
    installation.land("ometria/contacts", EXPORT_DATES[2], "_FULL", b"")
    installation.land(
        "ometria/contacts",
        EXPORT_DATES[2],
        "contacts.ndjson",
        {"@type": "contact", "@collection": "c", "id": "k-c1", "email": "k.contact1@example.com"},
    )


def test_an_account_s_currency_and_zone_fill_in_what_the_data_leave_out(configured: Installation) -> None:
    assert configured.order("K-1", "currency", "ordered_at", "order_date") == (
        "GBP",
        datetime(2026, 2, 2, 23, 30, tzinfo=UTC),
        date(2026, 2, 2),
    )
    assert configured.row(
        "select is_currency_inferred, is_ordered_at_inferred, source_account from staging.orders where order_number = 'K-1'"
    ) == (
        True,
        True,
        "main",
    )


def test_business_days_end_in_the_reporting_zone(configured: Installation) -> None:
    assert configured.order("K-2", "order_date", "ordered_at") == (
        date(2026, 2, 9),
        datetime(2026, 2, 10, 1, tzinfo=UTC),
    )


def test_amounts_are_reported_in_the_configured_currency_at_the_configured_rates(configured: Installation) -> None:
    assert configured.order("K-2", "net_amount_reporting", "reporting_currency") == (Decimal(32), "USD")
    assert configured.order("K-1", "net_amount_reporting") == (Decimal(40),)


def test_zero_decimal_currencies_have_no_cents(configured: Installation) -> None:
    assert configured.order("K-7", "total_amount", "currency") == (Decimal(1000), "JPY")
    assert (
        configured.value(
            "select vendor_value from marts.customer_stat_reconciliation where source = 'voucherify' and metric = 'total_revenue'"
        )
        == 1000
    )


def test_the_validity_of_states_can_be_decided(configured: Installation) -> None:
    assert configured.order("K-3", "status", "is_valid") == ("pending_payment", True)
    assert configured.order("K-6", "status", "is_valid") == ("shipped", False)
    assert configured.order("K-2", "is_valid") == (True,)


def test_the_source_that_wins_with_its_figures_can_be_decided(configured: Installation) -> None:
    assert configured.order("K-5", "source", "total_amount") == ("omnisend", Decimal(12))


def test_an_order_namespace_joins_two_vendors(configured: Installation) -> None:
    assert configured.order("K-4", "sources") == (["ometria", "open_delivery"],)


def test_a_shared_namespace_of_customer_ids_links_two_vendors(configured: Installation) -> None:
    assert configured.customer_of("voucherify", "cust_k") == configured.customer_of("ometria", "k-profile")
    assert (
        configured.value(
            "select distinct source_account from marts.bridge_customer_records where source = 'voucherify'"
        )
        == "project-jp"
    )


def test_a_local_phone_number_follows_the_account_s_region(configured: Installation) -> None:
    assert (
        configured.value(
            "select phone from marts.dim_customers where customer_id = ?",
            configured.customer_of("voucherify", "cust_k"),
        )
        == "+4930901820"
    )


def test_the_limits_of_the_life_cycle_are_a_seed(configured: Installation) -> None:
    assert (
        configured.value(
            "select lifecycle_stage from marts.customer_insights where customer_id = ?",
            configured.customer_of("ometria", "k-profile"),
        )
        == "lapsed"
    )


def test_a_full_delivery_deletes_and_closes_what_it_no_longer_names(configured: Installation) -> None:
    deleted = dict(
        configured.rows(
            "select source_record_id, is_deleted from marts.bridge_customer_records where source_record_id like 'k-member-%'"
        )
    )
    assert deleted == {"k-member-0": False, "k-member-1": False, "k-member-2": True}
    stays = configured.rows(
        "select r.source_record_id, s.exited_at, s.is_current from marts.fct_segment_memberships s join marts.bridge_customer_records r using (customer_id) where segment_id = 'club' order by 1"
    )
    assert stays == [
        ("k-member-0", None, True),
        ("k-member-1", None, True),
        ("k-member-2", datetime(2026, 3, 2, tzinfo=UTC), False),
    ]


def test_a_partial_delivery_deletes_nobody_and_a_delivery_marked_full_does(configured: Installation) -> None:
    deleted = dict(
        configured.rows(
            "select source_record_id, is_deleted from marts.bridge_customer_records where source_record_id like '%k-c_'"
        )
    )
    assert sorted(deleted.values()) == [False, True]
    assert next(record for record, gone in deleted.items() if gone).endswith("k-c0")
