"""Columns and marts that answer without a join through JSON: coupons, campaigns, attribution, custom fields, products and days."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.dbt.conftest import Query
from tests.support.warehouse_builder import WarehouseBuilder

SECOND = date(2024, 1, 2)


def at(month: int, day: int, *, year: int = 2024, hour: int = 12) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


def stage(w: WarehouseBuilder) -> None:
    stage_orders(w)
    stage_touches(w)
    stage_attributes(w)


def stage_orders(w: WarehouseBuilder) -> None:
    w.order("ometria", "AN-1", total="60.00", payment_method="paypal", coupon_codes=[], is_test=True)
    reported = w.order(
        "omnisend", "AN-1", total="61.00", coupon_codes=[" SPRING", "fern5", "SPRING"], payment_method="card"
    )
    w.add("order_payments", source="omnisend", seq=1, method="GIFT", **{name: reported[name] for name in PLACE})
    w.order("ometria", "AN-2", total="10.00", coupon_codes=["spring"], tags=["gift", "b2b"])
    w.order("ometria", "AN-2", total="10.00", export_date=SECOND)
    w.order("ometria", "AN-3", total="30.00", coupon_codes=["SPRING"], status="canceled")
    pounds = w.order("ometria", "AN-4", total="8.00", currency="GBP")
    w.line(pounds, "an-fern", title="Fern", sku="F1", total="8.00", categories=["Plants", " Green "])
    w.line(pounds, "an-strange", line_no=2, total="3.00", currency="XXX", refunded_quantity=1, refunded_amount="-3.00")
    renamed = w.order("ometria", "AN-5", total="20.00", ordered_at=at(1, 20))
    w.line(renamed, "an-fern", title="Royal fern", quantity=2, total="20.00")
    abroad = w.order("ometria", "AN-6", total="5.00", ordered_at=at(1, 25), source_account="uk")
    w.line(abroad, "an-fern", title="Another thing", total="5.00")
    w.add(
        "redemptions",
        source="voucherify",
        redemption_id="an-r1",
        kind="redemption",
        result="success",
        voucher_code="spring",
    )
    w.add(
        "redemptions",
        source="voucherify",
        redemption_id="an-r2",
        kind="redemption",
        result="failure",
        voucher_code="WINTER",
    )


PLACE = (
    "source_account",
    "stream",
    "export_date",
    "source_file",
    "source_row",
    "source_record_id",
    "source_order_id",
    "currency",
)
LINK = '{"page": "https://shop.example/fern?utm_source=news&utm_medium=CPC&utm_campaign=spring+sale%21#top"}'


def stage_touches(w: WarehouseBuilder) -> None:
    buyer = {"owner_record_id": "an-buyer", "stream": "profiles"}
    w.profile("optimizely", "an-buyer", email="buyer@answers.example")
    w.order("optimizely", "AN-T1", total="70.00", ordered_at=at(1, 15), **buyer)
    w.event(
        "optimizely", "an-too-old", event_type="email", event_action="click", occurred_at=at(12, 10, year=2023), **buyer
    )
    w.event(
        "optimizely",
        "an-mail",
        event_type="email",
        event_action="click",
        campaign_id="c-7",
        occurred_at=at(1, 1),
        **buyer,
    )
    w.event("optimizely", "an-page", event_type="pageview", occurred_at=at(1, 8), properties=LINK, **buyer)
    w.event(
        "optimizely",
        "an-plain",
        event_type="pageview",
        occurred_at=at(1, 9),
        properties='{"page": "https://shop.example/fern"}',
        **buyer,
    )
    w.event(
        "optimizely",
        "an-push",
        event_type="push",
        event_action="click",
        occurred_at=at(1, 15),
        properties='{"campaign": {"name": "Sale"}}',
        **buyer,
    )
    w.event(
        "optimizely",
        "an-latin",
        event_type="pageview",
        occurred_at=at(1, 17),
        properties='{"page": "https://shop.example/?utm_source=news+today&utm_campaign=Fr%FChling"}',
        **buyer,
    )
    w.event("optimizely", "an-late", event_type="push", event_action="click", occurred_at=at(1, 16), **buyer)
    w.event(
        "optimizely",
        "an-sent",
        event_type="email",
        event_action="sent",
        is_active=False,
        occurred_at=at(1, 14),
        **buyer,
    )


def stage_attributes(w: WarehouseBuilder) -> None:
    w.profile(
        "ometria",
        "an-fan",
        attributes='{"shoe": 42, "colour": "red", "likes": ["moss", "fern"], "club.tier": {"n": 1}}',
    )
    w.profile(
        "ometria", "an-fan", attributes='{"shoe": 43, "colour": null, "vip": true, "note": " "}', export_date=SECOND
    )

    for name, days in (("an-gone", (1, 2)), ("an-back", (1, 2, 3))):
        for day in days:
            said = {1: '{"shoe": 42, "colour": "red"}', 3: '{"colour": "blue"}'}.get(day)
            w.profile("ometria", name, attributes=said, is_deleted=day == 2, export_date=date(2024, 1, day))
    w.profile("vendor_with_full_profiles", "an-left-out", attributes='{"shoe": 42}')
    w.delivery("vendor_with_full_profiles", "profiles", SECOND, is_full=True)
    w.profile("ometria", "an-odd", attributes='{"a/b~c": 1, "$.x": "y", "twice": 1, "twice": 2, "": "nameless"}')
    w.profile("ometria", "an-list", attributes='["no", "object"]')


def test_custom_fields_may_have_any_name_and_one_that_is_there_twice_ends_no_run(query: Query) -> None:
    rows = query(
        "select attribute, value from marts.customer_attributes where source_record_id in ('an-odd', 'an-list') order by all"
    )
    assert rows == [("", "nameless"), ("$.x", "y"), ("a/b~c", "1"), ("twice", "1")]


def test_an_order_names_its_coupons_tags_and_payments_from_the_best_report_that_has_them(query: Query) -> None:
    rows = query(
        "select order_number, coupon_codes, payment_methods, tags, is_test from marts.fct_orders where order_number in ('AN-1', 'AN-5') order by all"
    )
    assert rows == [("AN-1", ["SPRING", "fern5"], ["paypal"], [], True), ("AN-5", [], [], [], False)]


def test_a_version_that_leaves_coupons_and_tags_out_takes_none_back(query: Query) -> None:
    assert query("select coupon_codes, tags from marts.fct_orders where order_number = 'AN-2'") == [
        (["spring"], ["b2b", "gift"])
    ]


def test_a_line_is_converted_at_the_rate_of_its_order_and_without_one_not_at_all(query: Query) -> None:
    rows = query("""
        select product_id, categories, lines.total_amount_reporting, refunded_quantity, lines.refunded_amount
        from marts.fct_order_lines as lines inner join marts.fct_orders using (order_id) where order_number = 'AN-4' order by line_number
    """)
    assert rows == [
        ("an-fern", ["Green", "Plants"], Decimal("10.00"), None, None),
        ("an-strange", [], None, Decimal(1), Decimal(3)),
    ]


@pytest.mark.parametrize(
    ("event", "reported"),
    [
        ("an-page", ("spring sale!", "news", "CPC", "spring sale!")),
        ("an-push", ("Sale", None, None, None)),
        ("an-mail", ("c-7", None, None, None)),
        ("an-plain", (None, None, None, None)),
        ("an-latin", ("Fr%FChling", "news today", None, "Fr%FChling")),
    ],
)
def test_an_event_says_where_it_came_from_by_its_properties_its_link_or_its_campaign(
    query: Query, event: str, reported: tuple[str | None, ...]
) -> None:
    assert query(
        "select campaign, utm_source, utm_medium, utm_campaign from marts.fct_events where event_id = $1", [event]
    ) == [reported]


def test_touches_of_the_window_share_the_order_by_four_models(query: Query) -> None:
    rows = query("""
        select event_id, touch_number, touches.channel, campaign, weight_first, weight_last, weight_linear, weight_decay
        from marts.fct_order_attribution as touches inner join marts.fct_orders using (order_id) where order_number = 'AN-T1' order by touch_number
    """)
    third = pytest.approx(1 / 3)
    # Fourteen, seven and no days before it, at a half-life of seven: 1/4, 1/2 and 1, of 7/4 together.
    assert rows == [
        ("an-mail", 1, "email", "c-7", 1.0, 0.0, third, pytest.approx(1 / 7)),
        ("an-page", 2, "cpc", "spring sale!", 0.0, 0.0, third, pytest.approx(2 / 7)),
        ("an-push", 3, "push", "Sale", 0.0, 1.0, third, pytest.approx(4 / 7)),
    ]


def test_custom_fields_are_rows_and_what_a_newer_version_leaves_empty_stays(query: Query) -> None:
    rows = query(
        "select attribute, value, value_type, observed_at from marts.customer_attributes where source_record_id = 'an-fan' order by all"
    )
    first, second = at(1, 1, hour=0), at(1, 2, hour=0)
    assert rows == [
        ("club.tier", '{"n":1}', "json", first),
        ("colour", "red", "text", first),
        ("likes", "fern", "text", first),
        ("likes", "moss", "text", first),
        ("shoe", "43", "number", second),
        ("vip", "true", "boolean", second),
    ]


def test_a_record_that_is_deleted_has_no_custom_fields_and_begins_anew_when_it_is_back(query: Query) -> None:
    rows = query(
        "select source_record_id, attribute, value from marts.customer_attributes where source_record_id in ('an-gone', 'an-back', 'an-left-out')"
    )
    assert rows == [("an-back", "colour", "blue")]


def test_a_product_is_called_what_its_newest_order_calls_it(query: Query) -> None:
    rows = query(
        "select source_account, title, sku, categories, order_count, quantity, total_amount_reporting from marts.dim_products where product_id = 'an-fern' order by all"
    )
    assert rows == [
        ("default", "Royal fern", "F1", ["Green", "Plants"], 2, Decimal(3), Decimal("30.00")),
        ("uk", "Another thing", None, [], 1, Decimal(1), Decimal("5.00")),
    ]


def test_a_coupon_counts_orders_and_redemptions_however_it_is_spelt(query: Query) -> None:
    rows = query("""
        select coupon_code, orders_attempted, order_count, revenue, redemptions_succeeded, redemptions_failed, first_ordered_on
        from marts.dim_coupons where coupon_code in ('SPRING', 'WINTER', 'FERN5') order by all
    """)
    day = date(2024, 1, 1)
    assert rows == [
        ("FERN5", 1, 1, Decimal(60), 0, 0, day),
        ("SPRING", 3, 2, Decimal(70), 1, 0, day),
        ("WINTER", 0, 0, Decimal(0), 0, 1, None),
    ]


def test_days_know_their_week_and_are_without_gaps(query: Query) -> None:
    rows = query(
        "select iso_year, iso_week, day_name, week_start, quarter, is_weekend, is_past from marts.dim_dates where date_day = '2024-12-30'"
    )
    assert rows == [(2025, 1, "Monday", date(2024, 12, 30), 4, False, False)]
    assert query(
        "select count(*) = max(date_day) - min(date_day) + 1, max(date_day) >= '2024-12-31' from marts.dim_dates"
    ) == [(True, True)]
    assert query("select count(*) from marts.fct_orders anti join marts.dim_dates on order_date = date_day") == [(0,)]
