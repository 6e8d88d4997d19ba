"""Records that can be read and make no sense: they are kept as reported, and never stop a run for everybody else."""

from decimal import Decimal

import pytest

from tests.support.installation import EXPORT_DATES, Installation, ometria_order, voucherify_customer, voucherify_order

pytestmark = pytest.mark.long

BEYOND_DOUBLES = 9_007_199_254_740_993  # cents; the next smaller number is all that a double could hold
LARGEST = Decimal("99999999999999.9999")


def land(installation: Installation) -> None:
    export_date = EXPORT_DATES[0]
    figures = {"total_amount": 10**15, "total_count": 10**15, "average_amount": 10**15}
    installation.land(
        "voucherify/customers",
        export_date,
        "z_figures.ndjson",
        voucherify_customer("cust_z", summary={"orders": figures}, email="z.rich@example.com"),
    )
    orders = [
        voucherify_order(f"ord_z{n}", f"Z-{n}", BEYOND_DOUBLES, customer="cust_z", created_at="2019-05-05T10:00:00Z")
        for n in (1, 2)
    ]
    installation.land("voucherify/orders", export_date, "z_orders.ndjson", *orders)
    lines = [
        {"product_id": "z", "quantity": 100, "unit_price": "1500000000"},
        {"product_id": "y", "quantity": "1e9", "unit_price": "1e9"},
    ]
    installation.land(
        "ometria/orders",
        export_date,
        "z_lines.ndjson",
        ometria_order("Z-3", "150000000000", email="z.bulk@example.com", lineitems=lines),
    )
    statuses = [{"channel": "carrier pigeon", "status": "subscribed"}, {"channel": "sms", "status": "unsubscribed"}]
    installation.land(
        "omnisend/contacts",
        export_date,
        "z_channels.ndjson",
        {"contactID": "z-pigeon", "email": "z.pigeon@example.com", "statuses": statuses},
    )
    installation.land(
        "open_delivery/loyalty_accounts", export_date, "z_accounts.ndjson", {"balance": 10, "balanceType": "points"}
    )
    installation.land(
        "open_delivery/loyalty_programs", export_date, "z_programs.ndjson", {"id": " ", "name": "Club without an id"}
    )


def test_amounts_beyond_what_a_double_holds_are_exact(world: Installation) -> None:
    assert world.order("Z-1", "total_amount") == (Decimal("90071992547409.93"),)
    assert world.value(
        "select total_revenue from marts.customer_insights where customer_id = ?",
        world.customer_of("voucherify", "cust_z"),
    ) == Decimal("180143985094819.86")


def test_a_sum_beyond_its_type_stands_at_the_limit(world: Installation) -> None:
    assert (
        world.value(
            "select net_amount from marts.daily_metrics where order_date = '2019-05-05' and source = 'voucherify'"
        )
        == LARGEST
    )


def test_price_times_quantity_may_be_large_and_never_overflows(world: Installation) -> None:
    lines = "select l.total_amount from marts.fct_order_lines as l join marts.fct_orders using (order_id) where order_number = 'Z-3' order by line_number"
    assert world.column(lines) == [Decimal("150000000000"), LARGEST]


def test_figures_too_large_to_multiply_contradict_nothing(world: Installation) -> None:
    person = world.customer_of("voucherify", "cust_z")
    verdict = "select verdict from marts.customer_stat_reconciliation where customer_id = ? and metric = 'average_order_value'"
    assert world.value(verdict, person) == "mismatch"


def test_a_word_on_a_channel_we_do_not_know_is_logged_and_is_no_consent(world: Installation) -> None:
    person = world.customer_of("omnisend", "z-pigeon")
    assert world.rows("select channel, status from marts.fct_consents where customer_id = ?", person) == [
        ("sms", "opt_out")
    ]
    assert world.rows(
        "select field, issue_code, value_given from meta.field_issues where file_path like '%z_channels.ndjson'"
    ) == [("channel", "unknown_word", "carrier pigeon")]


def test_an_account_of_nobody_and_a_programme_without_an_id_are_rejected(world: Installation) -> None:
    assert world.rows(
        "select stream, reason_code from meta.rejects where file_path similar to '.*z_(accounts|programs).*' order by 1"
    ) == [
        ("loyalty_accounts", "missing_identity"),
        ("loyalty_programs", "missing_segment_id"),
    ]
