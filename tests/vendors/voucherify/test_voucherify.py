"""Voucherify: what its records mean, sentence by sentence; whole records stand beside as goldens."""

import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from orchestration.mapping.record_schema import leaves
from orchestration.vendors.voucherify import VENDOR
from tests.support.archives import zipped
from tests.support.goldens import normalise

CASES = Path(__file__).parent


def customers(*records, **account):
    return normalise("voucherify", "customers", list(records), **account)


def orders(*records, **account):
    return normalise("voucherify", "orders", [{"object": "order", **record} for record in records], **account)


def redemptions(*records):
    return normalise("voucherify", "redemptions", list(records))


def events(*records):
    return normalise("voucherify", "events", list(records))


def stats(outcome):
    return {row["metric"]: row.get("value_num", row.get("value_ts")) for row in outcome.rows("vendor_stats")}


SUMMARY = {
    "total_amount": 148800,
    "total_count": 5,
    "average_amount": 49600,
    "last_order_amount": 0,
    "last_order_date": "2021-04-12T12:51:26Z",
}


# -- customers


def test_figures_that_contradict_each_other_are_kept_as_reported_and_never_corrected():
    reported = stats(customers({"id": "cust_1", "summary": {"orders": SUMMARY}}))
    assert (reported["total_revenue"], reported["order_count"], reported["average_order_value"]) == (
        Decimal("1488.000000"),
        5,
        Decimal("496.000000"),
    )
    assert reported["last_order_amount"] == 0


@pytest.mark.parametrize(("currency", "revenue"), [("EUR", "1488.00"), ("JPY", "148800"), ("KWD", "148.800")])
def test_a_summary_is_in_minor_units_of_the_account_s_currency(currency, revenue):
    outcome = customers({"id": "cust_1", "summary": {"orders": SUMMARY}}, default_currency=currency)
    assert stats(outcome)["total_revenue"] == Decimal(revenue)
    assert {row["currency"] for row in outcome.rows("vendor_stats") if row["unit"] == "money"} == {currency}


def test_a_scraped_placeholder_is_no_e_mail_address():
    [identifier] = [
        row
        for row in customers({"id": "cust_1", "email": "[email protected]"}).rows("customer_identifiers")
        if row["id_type"] == "email"
    ]
    assert not identifier["is_valid"]
    assert "id_link_value" not in identifier


@pytest.mark.parametrize(
    ("source_id", "id_type", "value"),
    [
        ("trackcust5432", "customer_id", "trackcust5432"),
        ("Jane@Example.com", "email", "jane@example.com"),
        ("00055", "customer_id", "00055"),
    ],
)
def test_the_shop_s_id_is_an_e_mail_address_where_it_looks_like_one(source_id, id_type, value):
    found = customers({"id": "cust_1", "source_id": source_id}).rows("customer_identifiers")
    assert [(row["id_type"], row["id_value"]) for row in found] == [("profile_id", "cust_1"), (id_type, value)]


@pytest.mark.parametrize(
    ("key", "value", "purpose", "status"),
    [
        ("unsubscribed", True, "marketing", "opt_out"),
        ("unsubscribed", False, "marketing", "unknown"),
        ("cnst_1", True, "cnst_1", "opt_in"),
        ("cnst_1", False, "cnst_1", "opt_out"),
        ("cnst_1", None, "cnst_1", "unknown"),
        ("cnst_1", "true", "cnst_1", "opt_in"),
        ("cnst_1", 0, "cnst_1", "opt_out"),
        ("unsubscribed", "Yes", "marketing", "opt_out"),
        ("unsubscribed", "unsubscribed", "marketing", "opt_out"),
        ("unsubscribed", None, "marketing", "opt_out"),
        ("email_unsubscribed", True, "marketing", "opt_out"),
        ("email_unsubscribed", False, "marketing", "unknown"),
        ("Marketing", False, "marketing", "opt_out"),
    ],
)
def test_not_to_have_unsubscribed_is_no_consent(key, value, purpose, status):
    row = customers(
        {"id": "cust_1", "system_metadata": {"consents": {key: {"date": "2021-04-08T11:50:07.466Z", "value": value}}}}
    ).row("customer_consents")
    assert (row["purpose"], row["status"], row["channel"], row["is_effective_at_inferred"]) == (
        purpose,
        status,
        "all",
        False,
    )


def test_referrals_say_who_referred_the_customer_and_not_whom_the_customer_referred():
    record = {
        "id": "cust_me",
        "updated_at": "2021-04-12T12:51:27Z",
        "loyalty": {"referred_customers": 1},
        "referrals": {
            "total": 1,
            "campaigns": [{"campaign_id": "camp_1", "referrer_id": "cust_other", "date": "2021-04-16T11:49:44Z"}],
        },
    }
    outcome = customers(record)
    referral = outcome.row("referrals")
    assert (referral["referrer_profile_id"], referral["referred_profile_id"]) == ("cust_other", "cust_me")
    assert stats(outcome) == {"referred_customers": 1}


def test_types_of_open_metadata_are_kept():
    outcome = customers(
        {"id": "a", "metadata": {"test": True}},
        {"id": "b", "metadata": {"test": "yes", "n": 1.5}},
        {"id": "c", "metadata": {}},
    )
    assert [row["attributes"] for row in outcome.rows("customers")] == ['{"test":true}', '{"n":1.5,"test":"yes"}', "{}"]


@pytest.mark.parametrize(
    ("metadata", "is_test"),
    [
        ({"test": True}, True),
        ({"test": False}, False),
        ({"inner": {"test": True}}, None),
        ({}, None),
        ({"test": [1]}, None),
    ],
)
def test_only_the_metadata_s_own_mark_makes_a_test_record(metadata, is_test):
    assert customers({"id": "cust_1", "metadata": metadata}).row("customers").get("is_test") is is_test


def test_the_address_of_the_cockpit_is_dropped_with_its_reason_and_is_nowhere_in_staging():
    outcome = customers({"id": "cust_1", "assets": {"cockpit_url": "https://cockpits.example.com/?token=geheim"}})
    assert all(
        "geheim" not in str(row)
        for table in outcome.normalised.frames
        for row in outcome.normalised.frame(table).iter_rows()
    )
    reasons = {
        path: leaf.reason
        for path, leaf in leaves(VENDOR.streams["customers"].dialects[0].shape)
        if getattr(leaf, "kind", "") == "drop"
    }
    assert "token" in reasons["assets.cockpit_url"]


def test_a_programme_named_anything_has_its_balance_and_its_stay():
    outcome = customers(
        {
            "id": "cust_1",
            "loyalty": {"campaigns": {"Loyalty 01/2021: 'best' 🎁": {"points": 140, "loyalty_tier": "ltr_1"}}},
        }
    )
    assert outcome.row("loyalty_accounts")["balance"] == 140
    assert [(row["kind"], row["segment_id"]) for row in outcome.rows("segment_memberships")] == [
        ("loyalty_campaign", "Loyalty 01/2021: 'best' 🎁"),
        ("loyalty_tier", "ltr_1"),
    ]


def test_a_customer_without_programmes_says_so_and_one_without_the_field_says_nothing():
    outcome = customers({"id": "cust_1", "loyalty": {"campaigns": {}}}, {"id": "cust_2", "loyalty": {"points": 0}})
    assert [(row["owner_record_id"], row["state"]) for row in outcome.rows("segment_memberships")] == [
        ("cust_1", "none"),
        ("cust_1", "none"),
    ]


def test_300_customers_with_programmes_of_their_own_lose_none():
    records = [{"id": f"cust_{n}", "loyalty": {"campaigns": {f"programme {n}": {"points": n}}}} for n in range(300)]
    assert sorted(row["balance"] for row in customers(*records).rows("loyalty_accounts")) == list(range(300))


def test_a_deletion_marks_the_customer_s_record_as_gone():
    row = customers(
        {
            "id": "evcus_1",
            "type": "customer.deleted",
            "created_at": "2026-02-28T10:00:00Z",
            "data": {"customer": {"id": "cust_1"}},
        }
    ).row("customers")
    assert (row["source_record_id"], row["is_deleted"]) == ("cust_1", True)


@pytest.mark.parametrize("owner", [{"customer": {"id": "cust_1"}}, {"customer_id": "cust_1"}])
@pytest.mark.parametrize(("word", "is_deleted"), [("customer.deleted", True), ("customer.updated", False)])
def test_a_bare_notice_is_about_a_customer_s_record(owner, word, is_deleted):
    outcome = customers({"event": word, **owner})
    row = outcome.row("customers")
    assert (row["source_record_id"], row["is_deleted"]) == ("cust_1", is_deleted)
    assert ("profile_id", "cust_1") in {
        (identifier["id_type"], identifier["id_value"]) for identifier in outcome.rows("customer_identifiers")
    }


def test_an_update_reported_by_event_is_an_observation_like_any_other():
    customer = {"id": "cust_1", "name": "Ana", "summary": {"orders": SUMMARY}}
    outcome = customers(
        {
            "id": "evcus_1",
            "type": "customer.updated",
            "created_at": "2026-02-28T10:00:00Z",
            "data": {"customer": customer},
        }
    )
    assert outcome.row("customers")["full_name"] == "Ana"
    assert stats(outcome) == stats(customers(customer))


def test_an_export_row_gives_what_the_object_gives():
    cells = {
        "id": "cust_1", "name": "Ana", "address_city": "Leipzig", "address_postal_code": "04109", "orders_total_amount": "148800",
        "orders_total_count": "5", "loyalty_points": "340", "metadata": '{"lang": "de"}', "phone": "+49 1512 3456701",
    }  # fmt: skip
    record = {
        "id": "cust_1", "name": "Ana", "address": {"city": "Leipzig", "postal_code": "04109"},
        "summary": {"orders": {"total_amount": 148800, "total_count": 5}},
        "loyalty": {"points": 340}, "metadata": {"lang": "de"}, "phone": "+49 1512 3456701",
    }  # fmt: skip
    of_export, of_interface = customers(cells), customers(record)
    assert of_export.rows("vendor_stats") == of_interface.rows("vendor_stats")
    assert of_export.rows("customer_identifiers") == of_interface.rows("customer_identifiers")
    assert {**of_export.row("customers"), "attributes": ""} == {**of_interface.row("customers"), "attributes": ""}
    assert json.loads(of_export.row("customers")["attributes"]) == {"lang": "de"}
    assert of_export.issues == []


def test_the_whole_customer_export_is_modelled():
    [header, *_] = (CASES / "customers.csv").read_text(encoding="utf-8").splitlines()
    assert len(header.split(",")) == 30
    assert set(header.split(",")) <= VENDOR.streams["customers"].dialects[0].shape.keys()


@pytest.mark.parametrize(
    ("file", "stream", "names"), [("orders.csv", "orders", 13), ("redemptions.csv", "redemptions", 18)]
)
def test_the_whole_export_of_orders_and_of_redemptions_is_modelled(file, stream, names):
    [header, *_] = (CASES / file).read_text(encoding="utf-8").splitlines()
    assert len(header.split(",")) == names
    assert set(header.split(",")) <= VENDOR.streams[stream].dialects[0].shape.keys()


@pytest.mark.parametrize(
    ("stream", "titles", "names"),
    [
        (
            "customers",
            b"Name,Id,Email,Source ID,Created At,Address_city,Orders_Total_Amount",
            b"name,id,email,source_id,created_at,address_city,orders_total_amount",
        ),
        (
            "orders",
            b"Customer Id,Id,Status,Source id,Created at,Total Discount Amount,TOTAL_AMOUNT",
            b"customer_id,id,status,source_id,created_at,total_discount_amount,total_amount",
        ),
        (
            "redemptions",
            b"Result,Id,Customer Source Id,Tracking ID,Date,Voucher Code,Gift Amount",
            b"result,id,customer_source_id,tracking_id,date,voucher_code,gift_amount",
        ),
    ],
)
def test_headers_written_as_titles_are_those_of_the_export(stream, titles, names):
    row = b"\nFAILURE,x_1,a@example.com,100,2026-02-01T10:00:00Z,5,1234\n"
    as_titles, as_names = (
        normalise("voucherify", stream, header + row, file_name="export.csv") for header in (titles, names)
    )
    assert as_titles.drift == {}
    for table in as_names.normalised.frames:
        assert as_titles.rows(table) == as_names.rows(table) != []


def test_metadata_in_columns_of_their_own_are_attributes_with_their_names_as_written():
    outcome = normalise(
        "voucherify", "customers", b"Id,Metadata.test,metadata.Shoe Size\ncust_1,true,42\n", file_name="export.csv"
    )
    row = outcome.row("customers")
    assert (json.loads(row["attributes"]), row["is_test"], outcome.drift) == (
        {"test": "true", "Shoe Size": "42"},
        True,
        {},
    )


@pytest.mark.parametrize("birthdate", ["1974-07-04", "1974-07-04T00:00:00Z"])
def test_a_birth_date_may_carry_a_time(birthdate):
    assert str(customers({"id": "cust_1", "birthdate": birthdate}).row("customers")["birth_date"]) == "1974-07-04"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("birthdate", "soon"),
        ("created_at", "31.12.2021"),
        ("summary", {"orders": {"total_amount": "much"}}),
        ("summary", {"orders": {"last_order_date": "never"}}),
        ("summary", []),
        ("loyalty", {"campaigns": {"Club": {"points": "many"}}}),
        ("address", "Leipzig"),
    ],
)
def test_what_cannot_be_read_is_logged_and_costs_the_record_nothing_else(field, value):
    outcome = customers({"id": "cust_1", "name": "Ana", field: value})
    assert outcome.row("customers")["full_name"] == "Ana"
    assert bool(outcome.issues) or value == []


# -- orders


def test_shipping_is_a_line_that_is_no_product_and_the_lines_still_add_up():
    items = [
        {
            "object": "order_item",
            "source_id": "prod_5h1pp1ng",
            "quantity": 1,
            "amount": 700,
            "discount_amount": 70,
            "price": 700,
            "subtotal_amount": 630,
            "product": {"name": "Shipping"},
        },
        {
            "object": "order_item",
            "source_id": "roses_1",
            "quantity": 1,
            "amount": 500,
            "discount_amount": 50,
            "price": 500,
            "subtotal_amount": 450,
            "product": {"name": "Bouquet"},
        },
    ]
    lines = orders(
        {"id": "ord_1", "status": "PAID", "total_amount": 1080, "created_at": "2026-02-01T00:00:00Z", "items": items}
    ).rows("order_lines")
    assert [line["is_shipping"] for line in lines] == [True, False]
    assert sum(line["total"] for line in lines) == Decimal("10.80")


@pytest.mark.parametrize(
    ("item", "is_shipping"),
    [
        ({"product": {"name": " shipping "}}, True),
        ({"product": {"name": "Versandkosten"}}, True),
        ({"product_id": "prod_5h1pp1ng"}, True),
        ({"source_id": "SHIPPING"}, True),
        ({"sku": {"sku": "Delivery"}}, True),
        ({"product": {"name": "Shipping box, oak"}}, False),
        ({"product": {"name": "Fern"}}, False),
        ({}, False),
    ],
)
def test_shipping_is_known_by_its_whole_name_or_its_id(item, is_shipping):
    assert orders({"id": "ord_1", "items": [{"quantity": 1, **item}]}).row("order_lines")["is_shipping"] is is_shipping


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CREATED", "created"),
        ("PAID", "paid"),
        ("paid ", "paid"),
        ("FULFILLED", "completed"),
        ("CANCELED", "canceled"),
        ("PROCESSING", "in_progress"),
        ("NEW", "unknown"),
        (None, "unknown"),
    ],
)
def test_the_status_is_translated(word, status):
    assert orders({"id": "ord_1", "status": word}).row("orders")["status"] == status


@pytest.mark.parametrize(
    ("currency", "subtotal", "total"), [("EUR", "25.00", "21.50"), ("JPY", "2500", "2150"), ("KWD", "2.500", "2.150")]
)
def test_an_order_without_a_total_has_its_amount_less_discounts(currency, subtotal, total):
    row = orders(
        {"id": "ord_1", "status": "CREATED", "amount": 2500, "total_discount_amount": 350}, default_currency=currency
    ).row("orders")
    assert (row["subtotal"], row["total"]) == (Decimal(subtotal), Decimal(total))
    assert "total" not in orders({"id": "ord_1", "status": "CREATED", "total_discount_amount": 350}).row("orders")


@pytest.mark.parametrize(
    ("discounts", "total"),
    [
        ({"items_discount_amount": 300}, "47.00"),
        ({"discount_amount": 500, "items_discount_amount": -300}, "42.00"),
        ({"discount_amount": 500, "items_discount_amount": 300, "total_discount_amount": 700}, "43.00"),
    ],
)
def test_discounts_on_items_count_where_no_sum_of_discounts_is_stated(discounts, total):
    row = orders({"id": "ord_1", "status": "PAID", "amount": 5000} | discounts, default_currency="EUR").row("orders")
    assert (row["total"], row["discount_total"]) == (Decimal(total), Decimal("50.00") - Decimal(total))


@pytest.mark.parametrize("stream", ["orders", "events"])
def test_discounts_beyond_the_amount_leave_nothing_to_pay(stream):
    order = {"id": "ord_1", "status": "PAID", "amount": 5000, "total_discount_amount": 6000}
    event = {"id": "evcus_1", "type": "customer.order.paid", "data": {"customer": {"id": "cust_1"}, "order": order}}
    row = normalise("voucherify", stream, [order if stream == "orders" else event]).row("orders")
    assert (row["total"], row["subtotal"], row["discount_total"]) == (0, 50, 60)


def test_an_order_without_the_shop_s_number_is_matched_by_the_vendor_s_id():
    outcome = orders({"id": "ord_1", "source_id": None}, {"id": "ord_2", "source_id": " #f-2001"})
    assert [row["order_match_key"] for row in outcome.rows("orders")] == ["ORD_1", "F-2001"]


def test_a_currency_is_never_stated_and_always_flagged():
    row = orders({"id": "ord_1", "total_amount": 1500}, default_currency="JPY").row("orders")
    assert (row["currency"], row["is_currency_inferred"], row["total"], row["amount_unit"]) == (
        "JPY",
        True,
        1500,
        "minor",
    )


def test_ids_of_the_shop_s_catalogue_come_before_those_of_the_vendor():
    variant = {
        "related_object": "sku",
        "source_id": "comics-1",
        "sku_id": "sku_1",
        "product_id": "prod_1",
        "product": {"source_id": "comics"},
    }
    line = orders({"id": "ord_1", "items": [variant]}).row("order_lines")
    assert (line["product_id"], line["variant_id"], line["sku"]) == ("comics", "sku_1", "comics-1")


# -- redemptions


def test_an_amount_is_money_for_gift_cards_and_points_for_loyalty_cards():
    gift, card, reward = redemptions(
        {"id": "r_1", "amount": 5000, "gift": {"amount": 5000}, "result": "SUCCESS"},
        {"id": "r_2", "amount": 300, "voucher": {"code": "C", "type": "LOYALTY_CARD"}, "result": "SUCCESS"},
        {"id": "r_3", "amount": 4, "reward": {"id": "rew_1"}, "result": "SUCCESS"},
    ).rows("redemptions")
    assert (gift["money_amount"], gift.get("points_amount")) == (50, None)
    assert (card.get("money_amount"), card["points_amount"]) == (None, 300)
    assert (reward.get("money_amount"), reward["points_amount"]) == (None, 4)


def test_an_amount_of_which_nothing_says_what_it_counts_is_neither_and_logged():
    outcome = redemptions({"id": "r_1", "amount": 7, "result": "SUCCESS"})
    assert not {"money_amount", "points_amount"} & outcome.row("redemptions").keys()
    assert outcome.issues == [("amount", "unparseable", "7")]


@pytest.mark.parametrize("amount", [-5000, 5000])
def test_a_rollback_takes_back_whatever_sign_it_came_with(amount):
    row = redemptions(
        {
            "id": "rr_1",
            "object": "redemption_rollback",
            "redemption": "r_1",
            "amount": amount,
            "voucher": {"type": "GIFT_VOUCHER"},
            "result": "SUCCESS",
        }
    ).row("redemptions")
    assert (row["kind"], row["parent_redemption_id"], row["money_amount"]) == ("rollback", "r_1", -50)


def test_a_refused_redemption_may_belong_to_nobody():
    row = redemptions(
        {
            "id": "rf_1",
            "object": "redemption",
            "result": "FAILURE",
            "failure_code": "not_found",
            "customer_id": None,
            "customer": None,
            "order": None,
        }
    ).row("redemptions")
    assert (row["result"], row["failure_code"]) == ("failure", "not_found")
    assert "owner_record_id" not in row


def test_an_order_inside_a_redemption_makes_no_order():
    outcome = redemptions(
        {
            "id": "r_1",
            "result": "SUCCESS",
            "order": {"id": "ord_1", "source_id": "F-1", "status": "PAID", "total_amount": 500},
        }
    )
    assert outcome.rows("orders") == []
    assert outcome.row("redemptions")["order_match_key"] == "F-1"


# -- segments


def test_segments_of_a_customer_are_a_full_list_and_an_empty_one_closes_every_stay():
    outcome = normalise(
        "voucherify",
        "segments",
        [
            {"customer_id": "cust_1", "segments": [{"id": "seg_1", "name": "A"}]},
            {"customer_id": "cust_2", "segments": []},
        ],
    )
    assert [
        (row.get("segment_id"), row["state"], row["is_full_snapshot"]) for row in outcome.rows("segment_memberships")
    ] == [
        ("seg_1", "member", True),
        (None, "none", True),
    ]


def test_a_page_of_segments_that_names_its_customer_is_a_full_list():
    page = {
        "object": "list",
        "data_ref": "data",
        "total": 1,
        "customer_id": "cust_1",
        "data": [{"id": "seg_1", "name": "VIP"}],
    }
    outcome = normalise("voucherify", "segments", json.dumps(page).encode(), file_name="page.json")
    reported = outcome.row("segment_memberships")
    assert (reported["segment_id"], reported["state"], reported["is_full_snapshot"]) == ("seg_1", "member", True)
    assert outcome.row("customer_identifiers")["id_value"] == "cust_1"


SEGMENTS = [{"id": "seg_1", "object": "segment", "name": "VIP", "type": "static"}]


@pytest.mark.parametrize("stream", VENDOR.streams)
@pytest.mark.parametrize(
    "page",
    [
        {"object": "list", "data_ref": "data", "total": 1, "customer_id": "cust_1", "data": SEGMENTS},
        {"object": "list", "data_ref": "segments", "customer": {"id": "cust_1"}, "segments": SEGMENTS},
        {"object": "list", "data_ref": "data", "source_id": "1001", "data": SEGMENTS},
        {"customer_id": "cust_1", "segments": SEGMENTS},
    ],
)
def test_segments_of_a_customer_are_the_customer_s_in_whichever_stream_they_lie(stream, page):
    for content, name in (
        (json.dumps(page).encode(), "page.json"),
        (json.dumps(page).encode() + b"\n" + json.dumps(page).encode(), "pages.ndjson"),
    ):
        outcome = normalise("voucherify", stream, content, file_name=name)
        reported = outcome.row("segment_memberships")
        assert (reported["segment_id"], reported["state"], reported["is_full_snapshot"]) == ("seg_1", "member", True)
        assert outcome.row("customer_identifiers")["id_value"] in ("cust_1", "1001")


def test_a_page_of_orders_of_one_customer_is_a_page_of_orders():
    page = {
        "object": "list",
        "data_ref": "orders",
        "customer_id": "cust_1",
        "orders": [{"id": "ord_1", "object": "order", "status": "PAID", "amount": 5}],
    }
    assert (
        normalise("voucherify", "orders", json.dumps(page).encode(), file_name="page.json").row("orders")[
            "source_order_id"
        ]
        == "ord_1"
    )


def test_segments_of_nobody_are_rejected():
    assert normalise("voucherify", "segments", [{"segments": [{"id": "seg_1"}]}]).rejects == [
        (1, "missing_identity", "customer_id")
    ]


@pytest.mark.parametrize(
    ("word", "kind"), [("static", "static_list"), ("auto-update", "dynamic_segment"), ("passive", "dynamic_segment")]
)
def test_the_kind_of_a_segment_is_reported_by_its_definition(word, kind):
    assert normalise("voucherify", "segments", [{"id": "seg_1", "type": word}]).row("segments")["kind"] == kind


def test_a_file_named_after_a_customer_holds_single_claims():
    outcome = normalise(
        "voucherify",
        "segments",
        [{"id": "seg_1", "name": "A", "object": "segment"}],
        file_name="cust_CSnYd37MXmrbS19X.ndjson",
    )
    assert "is_full_snapshot" not in outcome.row("segment_memberships")


# -- events


def test_three_events_of_one_order_are_three_reports_of_it():
    order = {"id": "ord_1", "source_id": "F-1", "total_amount": 500, "created_at": "2026-02-01T10:00:00Z"}
    reported = [("created", "CREATED"), ("paid", "PAID"), ("fulfilled", "FULFILLED")]
    outcome = events(
        *(
            {
                "id": f"evcus_{word}",
                "type": f"customer.order.{word}",
                "created_at": "2026-02-01T10:00:00Z",
                "data": {"order": {**order, "status": status}},
            }
            for word, status in reported
        )
    )
    assert [(row["source_order_id"], row["status"], row["is_from_event"]) for row in outcome.rows("orders")] == [
        ("ord_1", "created", True),
        ("ord_1", "paid", True),
        ("ord_1", "completed", True),
    ]


def test_a_webhook_and_the_activity_it_reports_are_one_event():
    data = {"customer": {"id": "cust_1"}, "segment": {"id": "seg_1", "name": "A"}}
    activity = {"id": "evcus_1", "type": "customer.segment.entered", "created_at": "2026-02-01T10:00:00Z", "data": data}
    webhook = {
        "id": "whs_1",
        "type": "customer.segment.entered",
        "created_at": "2026-02-01T10:00:09Z",
        "data": data,
        "event": {"id": "evcus_1", "type": "customer.segment.entered", "created_at": "2026-02-01T10:00:00Z"},
    }
    first, second = (events(one).row("events") for one in (activity, webhook))
    assert {key: first[key] for key in ("event_id", "content_key", "occurred_at")} == {
        key: second[key] for key in ("event_id", "content_key", "occurred_at")
    }


def test_whatever_an_event_s_data_holds_beside_what_is_known_stays_in_its_properties():
    data = {
        "customer": {"id": "cust_1", "favourite": {"fern": "🌿"}},
        "order": {"id": "ord_1", "items": [{"quantity": "2", "colour": "green"}]},
    }
    outcome = events(
        {
            "id": "evcus_1",
            "type": "customer.order.paid",
            "created_at": "2026-02-01T10:00:00Z",
            "data": data,
            "unheard_of": 1,
        }
    )
    properties = json.loads(outcome.row("events")["properties"])
    assert properties["customer"]["favourite"] == {"fern": "🌿"}
    assert properties["order"]["items"][0]["colour"] == "green"
    assert outcome.row("order_lines")["quantity"] == 2


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        [],
        "text",
        5,
        {"customer": None},
        {"customer": "cust_1"},
        {"order": []},
        {"order": {"items": {}}},
        {"segment": 1},
    ],
)
def test_an_event_survives_any_data(data):
    assert (
        events(
            {"id": "evcus_1", "type": "customer.order.paid", "created_at": "2026-02-01T10:00:00Z", "data": data}
        ).row("events")["event_type"]
        == "order"
    )


# -- all streams


STRANGE = [None, "", " ", [], {}, 0, True, "x", -1, 1.5, "🙂", {"a": {"b": [1]}}, [[]], [None], {"id": None}, 10**30]


@pytest.mark.parametrize("value", STRANGE, ids=repr)
@pytest.mark.parametrize("stream", VENDOR.streams)
def test_no_value_in_any_field_harms_another_record(stream, value):
    fields = sorted({field for dialect in VENDOR.streams[stream].dialects for field in dialect.shape})
    strange = [{"id": f"strange_{field}", "type": "customer.created", field: value} for field in fields]
    sound = {"id": "sound", "type": "customer.created", "data": {"customer": {"id": "sound"}}}
    if stream not in ("events", "customers"):
        sound = {"id": "sound", "object": stream.removesuffix("s")}
    outcome = normalise("voucherify", stream, [*strange, sound])
    assert len(strange) + 1 not in [number for number, _, _ in outcome.rejects]
    assert "sound" in {row["source_record_id"] for table in outcome.normalised.frames for row in outcome.rows(table)}


@pytest.mark.parametrize("stream", VENDOR.streams)
def test_exactly_one_dialect_fits_any_record_of_the_goldens(stream):
    for path in CASES.glob("*.json"):
        case = json.loads(path.read_bytes())
        if case.get("stream") == stream:
            for record in case.get("records", []):
                assert sum(dialect.fits(record) for dialect in VENDOR.streams[stream].dialects) == 1, record


def test_a_word_that_is_none_of_the_known_is_logged() -> None:
    redeemed = normalise(
        "voucherify",
        "redemptions",
        [{"id": "r", "object": "redemption", "date": "2026-02-01T10:00:00Z", "result": "PENDING"}],
    )
    segment = normalise(
        "voucherify", "segments", [{"id": "seg_1", "object": "segment", "name": "Few", "type": "by-moon"}]
    )
    assert [outcome.issues for outcome in (redeemed, segment)] == [
        [("result", "unknown_word", "PENDING")],
        [("kind", "unknown_word", "by-moon")],
    ]


def test_the_address_shown_is_that_of_today_and_not_the_one_a_source_id_was_made_of():
    outcome = customers({"id": "cust_1", "source_id": "a.maiden@shop.example", "email": "b.married@shop.example"})
    addresses = [row for row in outcome.rows("customer_identifiers") if row["id_type"] == "email"]
    assert {row["id_value"]: row.get("is_primary", False) for row in addresses} == {
        "b.married@shop.example": True,
        "a.maiden@shop.example": False,
    }


@pytest.mark.parametrize(
    ("name", "stated", "status"),
    [
        ("customer.order.processing", "PAID", "in_progress"),
        ("customer.order.paid", "CREATED", "paid"),
        ("customer.order.created", "PAID", "paid"),
        ("customer.order.updated", "FULFILLED", "completed"),
        ("customer.order.canceled", "PAID", "canceled"),
    ],
)
def test_of_an_order_event_and_the_order_in_it_the_further_state_counts(name, stated, status):
    reported = events(
        {
            "id": "e1",
            "type": name,
            "created_at": "2026-02-26T10:00:00Z",
            "data": {"order": {"id": "ord_1", "status": stated}},
        }
    )
    assert reported.row("orders")["status"] == status


PERSON = {"id": "cust_1", "object": "customer", "source_id": "1001", "email": "ana.souza@example.com"}


def webhook(name, **data):
    return {
        "id": "whs_1",
        "project_id": "p",
        "type": name,
        "created_at": "2026-02-02T10:00:00Z",
        "data": {"customer": PERSON, **data},
    }


@pytest.mark.parametrize(
    ("name", "action", "is_active"),
    [
        ("redemption.succeeded", "redeem", True),
        ("redemption.failed", "redeem_failed", True),
        ("redemption.rollback.succeeded", "rollback", False),
        ("redemption.rollback.failed", "rollback_failed", False),
        ("publication.succeeded", "publish", False),
        ("validation.succeeded", "validate", True),
    ],
)
def test_a_project_s_webhook_and_a_customer_s_activity_have_one_name_for_one_fact(name, action, is_active):
    for one in (name, f"customer.{name}"):
        row = events(webhook(one)).row("events")
        assert (row["event_type"], row["event_action"], row["is_active"], row["event_name_raw"]) == (
            "coupon",
            action,
            is_active,
            one,
        )


def test_the_redemption_and_the_rollback_in_a_webhook_reach_their_table():
    redemption = {
        "id": "r_1",
        "object": "redemption",
        "date": "2026-02-01T10:00:00Z",
        "result": "SUCCESS",
        "amount": 300,
        "voucher": {"code": "GIFT-1"},
    }
    rollback = {
        "id": "rr_1",
        "object": "redemption_rollback",
        "date": "2026-02-02T09:59:00Z",
        "result": "SUCCESS",
        "redemption": "r_1",
        "amount": -300,
    }
    data = {
        "redemption": redemption,
        "redemption_rollback": rollback,
        "voucher": {"code": "GIFT-1", "type": "GIFT_VOUCHER"},
    }
    outcome = events(
        webhook(
            "redemption.rollback.succeeded", order={"id": "ord_1", "source_id": "F-1", "status": "CANCELED"}, **data
        )
    )
    reported = [
        (row["redemption_id"], row["kind"], row["voucher_code"], row["money_amount"], row["order_match_key"])
        for row in outcome.rows("redemptions")
    ]
    assert reported == [("r_1", "redemption", "GIFT-1", 3, "F-1"), ("rr_1", "rollback", "GIFT-1", -3, "F-1")]
    assert outcome.row("orders")["status"] == "canceled"


LINES = [{"object": "order_item", "product_id": "prod_1", "quantity": 1, "amount": 500, "price": 500}]
OBJECTS = {
    "redemption": {"id": "r_1", "date": "2026-02-01T10:00:00Z", "result": "SUCCESS", "gift": {"amount": 300}},
    "redemption_rollback": {
        "id": "rr_1",
        "date": "2026-02-01T10:00:00Z",
        "result": "SUCCESS",
        "redemption": "r_1",
        "gift": {"amount": 300},
    },
    "order": {
        "id": "ord_1",
        "source_id": "F-1",
        "status": "PAID",
        "amount": 500,
        "customer_id": "cust_1",
        "items": LINES,
    },
    "segment": {"id": "seg_1", "name": "A"},
}
TYPES = {
    "redemption": "redemption.succeeded",
    "redemption_rollback": "redemption.rollback.succeeded",
    "order": "customer.order.paid",
    "segment": "customer.segment.entered",
}


@pytest.mark.parametrize("thing", OBJECTS)
def test_facts_in_a_webhook_reach_their_table_whichever_envelope_holds_them(thing):
    order = {} if thing == "order" else {"order": {"id": "ord_2", "object": "order", "status": "PAID", "amount": 700}}
    beside = {"customer": PERSON, **order, "voucher": {"object": "voucher", "code": "GIFT-1"}}
    whole = {"object": thing, **OBJECTS[thing], **beside}
    message = {"id": "whs_1", "type": TYPES[thing], "created_at": "2026-02-02T10:00:00Z"}
    reported = []
    for data in ({thing: {"object": thing, **OBJECTS[thing]}, **beside}, whole, {"object": whole}):
        outcome = events({**message, "data": data})
        assert (outcome.rejects, outcome.issues) == ([], [])
        reported.append({table: outcome.rows(table) for table in outcome.normalised.frames})
    by_name, alone, under_object = reported
    assert by_name == alone == under_object
    assert {
        "redemption": "redemptions",
        "redemption_rollback": "redemptions",
        "order": "order_lines",
        "segment": "segment_memberships",
    }[thing] in by_name


@pytest.mark.parametrize("stream", ["customers", "events"])
def test_a_customer_who_fills_the_webhook_is_known_by_it(stream):
    data = {**PERSON, "name": "Ana Souza", "consents": {"unsubscribed": {"value": True}}}
    outcome = normalise("voucherify", stream, [webhook("customer.created") | {"data": data}])
    assert ("profile_id", "cust_1") in {
        (row["id_type"], row["id_value"]) for row in outcome.rows("customer_identifiers")
    }
    assert outcome.row("customer_consents")["status"] == "opt_out"


def test_the_customer_of_an_order_is_the_event_s_where_nobody_else_is_named():
    order = {"id": "ord_1", "object": "order", "status": "PAID", "customer_id": "cust_1"}
    for data in (order, {"order": order}):
        assert (
            events(webhook("customer.order.paid") | {"data": data}).row("customer_identifiers")["id_value"] == "cust_1"
        )


def test_of_two_words_for_what_a_record_is_the_one_not_followed_is_logged():
    reported = {"redemption": {"id": "r_1", "result": "SUCCESS"}}
    of_another = events(webhook("redemption.succeeded", **reported) | {"object": "order"})
    assert of_another.issues == [("object", "other_kind", "order")]
    twice = events(
        webhook("order.paid", **reported) | {"event": {"id": "e_1", "type": "customer.redemption.succeeded"}}
    )
    assert (twice.issues, twice.row("events")["event_action"]) == ([("type", "other_kind", "order.paid")], "redeem")
    agreed = events(
        webhook("redemption.succeeded", **reported)
        | {"object": "event", "event": {"id": "e_1", "type": "customer.redemption.succeeded"}}
    )
    assert agreed.issues == []


def test_an_order_that_was_only_validated_is_no_report_of_it():
    assert (
        events(
            webhook("customer.validation.succeeded", order={"id": "ord_1", "status": "CREATED", "amount": 500})
        ).rows("orders")
        == []
    )


def test_the_amount_of_a_rollback_is_kept_in_both_readings_until_its_redemption_decides():
    outcome = redemptions(
        {"id": "rr_1", "object": "redemption_rollback", "redemption": "r_1", "amount": -300, "result": "SUCCESS"}
    )
    row = outcome.row("redemptions")
    assert (row["unclear_money_amount"], row["unclear_points_amount"], "money_amount" in row, outcome.issues) == (
        -3,
        -300,
        False,
        [],
    )


def test_an_event_of_a_customer_was_so_when_it_happened():
    activity = [
        {
            "id": "evt_2",
            "type": "customer.updated",
            "created_at": "2026-02-04T10:00:00Z",
            "data": {"customer": {**PERSON, "name": "Kai Berg"}},
        },
        {
            "id": "evt_1",
            "type": "customer.created",
            "created_at": "2026-02-04T09:00:00Z",
            "data": {"customer": {**PERSON, "name": "Kai Lind"}},
        },
    ]
    rows = customers(*activity).rows("customers")
    assert [(row["full_name"], row["source_updated_at"].hour) for row in rows] == [("Kai Berg", 10), ("Kai Lind", 9)]


def test_a_column_with_a_decimal_point_anywhere_is_in_major_units_for_its_file():
    content = b"id,source_id,status,amount,total_amount\no1,N-1,PAID,200,200.00\no2,N-2,PAID,15990,149.90\n"
    outcome = normalise("voucherify", "orders", content, file_name="export.csv")
    assert [(row["total"], row["subtotal"]) for row in outcome.rows("orders")] == [
        (200, 2),
        (Decimal("149.9"), Decimal("159.9")),
    ]
    assert [issue for issue in outcome.issues if issue[1] == "major_units"] == [
        ("total", "major_units", "200.00"),
        ("total", "major_units", "149.90"),
    ]


def test_tables_in_an_archive_are_in_major_units_as_they_are_alone_and_other_records_beside_are_not():
    content = b"id,source_id,status,amount,total_amount\no1,N-1,PAID,200,200.00\no2,N-2,PAID,15990,149.90\n"
    outcome = normalise("voucherify", "orders", zipped({"export.csv": content}), file_name="export.zip")
    assert [row["total"] for row in outcome.rows("orders")] == [200, Decimal("149.9")]
    lines = b'{"id":"o1","status":"PAID","amount":200,"metadata":{"rate":1.5}}\n'
    outcome = normalise("voucherify", "orders", zipped({"export.ndjson": lines}), file_name="export.zip")
    assert [row["subtotal"] for row in outcome.rows("orders")] == [2]


@pytest.mark.parametrize("amount", ["1,234", "12.5"])
def test_an_order_with_an_only_amount_that_cannot_be_read_is_rejected(amount: str) -> None:
    assert normalise("voucherify", "orders", [{"id": "o1", "status": "PAID", "amount": amount}]).rejects == [
        (1, "bad_money", "total")
    ]


def test_an_amount_with_an_exponent_has_its_discount_taken_off() -> None:
    outcome = normalise(
        "voucherify", "orders", [b'{"id":"o1","status":"PAID","amount":1e3,"total_discount_amount":100}']
    )
    assert outcome.row("orders")["total"] == 9


def test_figures_of_an_export_with_decimals_are_in_major_units_too():
    outcome = normalise(
        "voucherify", "customers", b"id,name,orders_total_amount\nc1,A,12.50\nc2,B,20\n", file_name="export.csv"
    )
    assert [row["value_num"] for row in outcome.rows("vendor_stats")] == [Decimal("12.5"), 20]


def test_the_import_s_template_names_the_parts_of_an_address():
    content = b"Name,Source_id,Email,Address_line_1,City,Postal_Code,State,Country\nIda Holm,crm-25,ida@example.com,Havnegade 4,Aarhus,8000,Midtjylland,Denmark\n"
    row = normalise("voucherify", "customers", content, file_name="import.csv").row("customers")
    assert (row["city"], row["postal_code"], row["state_raw"], row["country_code"], row["address_line_1"]) == (
        "Aarhus",
        "8000",
        "Midtjylland",
        "DK",
        "Havnegade 4",
    )


def test_the_answer_to_a_permanent_deletion_deletes_the_customer_it_names_and_nobody_else():
    answer = {
        "id": "del_1",
        "object": "pernament_deletion",
        "related_object": "customer",
        "related_object_id": "cust_3",
        "status": "DONE",
    }
    row = customers(answer).row("customers")
    assert (row["source_record_id"], row["is_deleted"]) == ("cust_3", True)
    assert customers({**answer, "status": "IN_PROGRESS"}).rows("customers") == []


@pytest.mark.parametrize(
    "holder", [lambda found: {"system_metadata": {"consents": found}}, lambda found: {"consents": found}]
)
def test_a_no_in_an_event_is_heard_as_the_one_in_a_customer(holder):
    found = {"unsubscribed": {"date": "2026-02-01T11:50:07.466Z", "value": True}, "cnst_1": {"value": False}}
    reported = events(webhook("customer.consents.revoked") | {"data": {"customer": {**PERSON, **holder(found)}}}).rows(
        "customer_consents"
    )
    assert [(row["channel"], row["purpose"], row["status"], str(row["effective_at"])[:19]) for row in reported] == [
        ("all", "cnst_1", "opt_out", "2026-02-02 10:00:00"),
        ("all", "marketing", "opt_out", "2026-02-01 11:50:07"),
    ]


@pytest.mark.parametrize(
    "no", [{"unsubscribed": {"value": True}}, {"email_unsubscribed": {"value": True}}, {"all": {"value": False}}]
)
@pytest.mark.parametrize(
    "held",
    [lambda no, yes: {"consents": no | yes}, lambda no, yes: {"system_metadata": {"consents": no}, "consents": yes}],
)
def test_a_no_without_a_date_came_after_every_yes_of_its_record(no, held):
    """Both hold today; before, a yes of the export date undid it, for a no without a date counts from midnight."""
    yes = {"marketing": {"value": True, "date": "2026-03-05T09:00:00Z"}}
    customer = {"id": "cust_1", "object": "customer", "email": "a@example.com", **held(no, yes)}
    rows = normalise("voucherify", "customers", [customer], export_date=date(2026, 3, 5)).rows("customer_consents")
    [refused] = [row for row in rows if row["status"] == "opt_out"]
    assert (str(refused["effective_at"])[:19], refused["is_effective_at_inferred"]) == ("2026-03-05 09:00:00", True)


def test_an_order_is_as_new_as_the_event_that_reports_it():
    def reported(name, at, amount):
        order = {"id": "ord_1", "status": "PAID", "amount": amount, "total_amount": amount}
        return {"id": f"evt_{amount}", "type": f"customer.order.{name}", "created_at": at, "data": {"order": order}}

    newest_first = [
        reported("updated", "2026-03-03T10:00:00Z", 5000),
        reported("created", "2026-03-02T10:00:00Z", 4000),
    ]
    rows = normalise("voucherify", "events", newest_first).rows("orders")
    assert [(row["total"], row["source_updated_at"].day) for row in rows] == [(Decimal(50), 3), (Decimal(40), 2)]


@pytest.mark.parametrize("stream", ["customers", "orders", "redemptions"])
@pytest.mark.parametrize(
    ("row", "table"),
    [
        (
            "id,source_id,created_at,status,amount,total_amount,customer_id\nord_1,SH-1,2026-02-01,PAID,1000,900,cust_1\n",
            "orders",
        ),
        ("id,date,voucher_code,customer_id,result,metadata\nr_1,2026-02-01,C,cust_1,SUCCESS,{}\n", "redemptions"),
    ],
)
def test_rows_of_an_export_are_what_their_columns_say_in_every_stream(stream, row, table):
    outcome = normalise("voucherify", stream, row.encode(), file_name="export.csv")
    assert outcome.rows("customers") == []
    assert len(outcome.rows(table)) == 1


@pytest.mark.parametrize("word", ["ROLLED_BACK", "rolled back", "rolled-back"])
def test_a_result_is_heard_however_its_words_are_joined(word):
    record = {"id": "r_1", "object": "redemption", "date": "2026-02-01T00:00:00Z", "status": word}
    assert normalise("voucherify", "redemptions", [record]).row("redemptions")["result"] == "success"


@pytest.mark.parametrize("stream", ["events", "customers"])
def test_an_event_of_consent_out_of_which_none_is_read_is_logged(stream):
    event = {"id": "ev", "type": "customer.consents.revoked", "created_at": "2026-02-01T00:00:00Z"}
    outcome = normalise("voucherify", stream, [event | {"data": {"customer": {"id": "cust_1"}}}])
    assert outcome.issues == [("type", "unheard_consent", "customer.consents.revoked")]


def test_a_column_of_parquet_with_parts_of_a_unit_is_in_major_units():
    def totals(*amounts):
        frame = pl.DataFrame(
            {"id": ["1", "2"], "status": "PAID", "total_amount": amounts, "created_at": "2026-02-01T00:00:00Z"}
        )
        file = io.BytesIO()
        frame.write_parquet(file)
        outcome = normalise("voucherify", "orders", file.getvalue(), file_name="orders.parquet")
        return [row["total"] for row in outcome.rows("orders")]

    assert totals(159.9, 200.0) == [Decimal("159.9"), Decimal(200)]
    assert totals(Decimal("15990.00"), Decimal("20000.00")) == [Decimal("159.9"), Decimal(200)]
