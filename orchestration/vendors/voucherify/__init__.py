"""Voucherify: customers, orders, redemptions, segments and activity events, as the interface gives them and as CSV
exports.

An export row holds the names of the interface, nested ones joined by `_` (`summary.orders.total_amount` is
`orders_total_amount`), perhaps as titles (`Source ID`), so one dialect reads both; a column `metadata.x` holds one of
the open attributes. Amounts are whole minor units; no currency is stated anywhere, it is the account's. For currencies
without two decimals the vendor's texts disagree (orders: smallest unit; summaries: times 100): the smallest unit is
taken throughout.

A customer's figures are claims to be reconciled, never to be corrected. An order inside a redemption is a copy of what
the orders stream delivers in full: only its ids are read. Segments of a customer come with the customer's id beside the
list (`customer_id` or `customer`), or in a file named after it; the latter are single claims and close nothing. Events
of the customer itself (`customer.deleted` and the like) may land in `customers`, where they are observations of the
record, be it as an activity (`type` and `data`) or as a bare notice (`event` and `customer`), or in `events`, where
they are events; a deletion counts from either."""

from typing import Any

from orchestration.mapping.expressions import (
    at,
    file_value,
    first_given,
    given,
)
from orchestration.mapping.model import ANY_WORD, CsvForm, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.selects import Contact, Identifier, Profile, RejectRule, rows
from orchestration.mapping.values import time
from orchestration.vendors.voucherify.customers import CUSTOMER_OR_CELLS, Customer
from orchestration.vendors.voucherify.events import (
    CUSTOMER_EVENT,
    CUSTOMER_NOTICE,
    DELETION,
    EVENT,
    event_cancellations,
    event_consents,
    event_customer_id,
    event_memberships,
    event_name,
    event_order,
    event_orders,
    event_points,
    event_redemptions,
    events,
    is_about_order,
    other_type,
    unheard_consent,
    unheard_observation,
)
from orchestration.vendors.voucherify.orders import ORDER_OR_CELLS, order_customer_id, order_lines, orders, person
from orchestration.vendors.voucherify.redemptions import (
    REDEMPTION_OR_CELLS,
    redemption_customer_id,
    redemptions,
    unclear_amount,
)
from orchestration.vendors.voucherify.segments import SEGMENT, customer_segments, segment_in_named_file, segments
from orchestration.vendors.voucherify.words import METADATA_CELLS, RESULT, SEGMENT_KIND, STATUS, TRUE

# -- what a record is --------------------------------------------------------------------------------------------------

# Events about a customer as a whole are observations of it where they land among the customers.
OBSERVATIONS = dict.fromkeys(
    (
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.confirmed",
        "customer.consents.given",
        "customer.consents.revoked",
    ),
    "customer_event",
)
KINDS = Kinds(
    signs=(
        sign("data", word_in="type", kind="event", words=OBSERVATIONS),
        sign(word_in="event", words={"customer.*": "customer_notice"}),
        sign("related_object_id", word_in="related_object", words={"customer": "deletion_of_a_customer"}),
        # A list of segments that names its owner is a record itself.
        *(sign(key, owner, kind="segments_of_a_customer") for key in ("data", "segments") for owner in ("customer_id", "customer")),
        sign("data", "source_id", kind="segments_of_a_customer"),
        sign(word_in="object", words={"list": ""}),
        sign("exported_object", kind="export"),
        sign("campaign_type", kind="campaign"),
        sign("voucher_type", kind="voucher"),
        sign("voucher_id", kind="voucher_transaction"),
        sign("is_winner", kind="publication"),
        # An export's columns are chosen: the word for what a row is may not be among them.
        *(sign(name, kind="order") for name in ("total_amount", "total_discount_amount", "items_discount_amount")),
        sign("items", "amount", kind="order"),
        *(sign(name, kind="redemption") for name in ("failure_code", "order_amount", "gift_amount")),
        *(sign("result", name, kind="redemption") for name in ("voucher_code", "redemption", "tracking_id")),
        sign("price", kind="product"),
        sign("image_url", kind="product"),
        sign("rules", kind="validation_rule"),
        sign("schema", kind="metadata_schema"),
    ),
    pages={
        "customers": "customer",
        "orders": "order",
        "redemptions": "redemption",
        "redemption_entries": "redemption",
        "segments": "segment",
        "events": "event",
        "activities": "event",
        "data": "",
    },
    common=frozenset({
        "id", "object", "source_id", "name", "description", "code", "type", "status", "result", "reason", "channel", "date", "amount",
        "metadata", METADATA_CELLS, "created_at", "updated_at", "assets", "campaign", "campaign_id", "voucher_code", "customer", "customer_id",
        "customer_source_id", "summary", "total", "data_ref", "has_more",
    }),
    holders={"data": ("customer", "order", "voucher", "campaign")},
)  # fmt: skip

# -- the vendor ------------------------------------------------------------------------------------------------------


def headers_of(shape: dict[str, Any]) -> CsvForm:
    """An export's headers stand for the fields of the shape, however they are written."""
    return CsvForm(names=tuple(shape))


customer = Customer()
reported_customer = Customer("data.customer", reported_at=(at("event.created_at"), at("created_at")))
noticed_customer = Customer("customer", other_id="customer_id", reported_at=(at("created_at"),))

VENDOR = vendor(
    "voucherify",
    "Voucherify",
    stream(
        "customers",
        "Customers with figures, loyalty balances, referrals and consents; also the events about a customer as a"
        " whole.",
        dialect(
            "voucherify.customer",
            "customer",
            CUSTOMER_OR_CELLS,
            *customer.rows(),
            about=customer.profile,
            lacks=("type", "data", "event"),
            kinds=("customer",),
            marks=dict.fromkeys(("source_id", "name", "summary", "metadata", METADATA_CELLS), ANY_WORD),
        ),
        dialect(
            "voucherify.customer_event",
            "customer",
            CUSTOMER_EVENT,
            *reported_customer.rows(is_deleted=event_name == "customer.deleted"),
            about=reported_customer.profile,
            issue_rules=(other_type, unheard_observation),
            has=("type", "data"),
            kinds=("customer_event",),
        ),
        dialect(
            "voucherify.customer_notice",
            "customer",
            CUSTOMER_NOTICE,
            *noticed_customer.rows(is_deleted=at("event").str.strip_chars().str.to_lowercase() == "customer.deleted"),
            about=noticed_customer.profile,
            has=("event",),
            lacks=("type", "data"),
            kinds=("customer_notice",),
        ),
        dialect(
            "voucherify.deletion",
            "customer",
            DELETION,
            rows(
                "customers",
                where=at("status").str.to_uppercase() == "DONE",
                source_updated_at=time(at("created_at")),
                is_deleted=TRUE,
            ),
            about=Profile(
                at("related_object_id"), (Identifier("profile_id", at("related_object_id"), "related_object_id"),)
            ),
            has=("related_object_id",),
            kinds=("deletion_of_a_customer",),
        ),
        csv=headers_of(CUSTOMER_OR_CELLS),
    ),
    stream(
        "orders",
        "Orders with their lines; the CSV export has none.",
        dialect(
            "voucherify.order",
            "order",
            ORDER_OR_CELLS,
            orders,
            order_lines(),
            about=person(order_customer_id, "customer"),
            duplicates_of="orders",
            kinds=("order",),
            marks={"amount": ANY_WORD, "status": STATUS},
        ),
        csv=headers_of(ORDER_OR_CELLS),
    ),
    stream(
        "redemptions",
        "Vouchers, gift cards and points used, refused and taken back.",
        dialect(
            "voucherify.redemption",
            "redemption",
            REDEMPTION_OR_CELLS,
            redemptions,
            about=person(
                redemption_customer_id,
                "customer",
                Identifier("tracking_id", at("tracking_id"), "tracking_id"),
                source_id=first_given(at("customer.source_id"), at("customer_source_id")),
                name=first_given(at("customer.name"), at("customer_name")),
            ),
            issue_rules=(unclear_amount,),
            kinds=("redemption", "redemption_rollback"),
            marks={"result": RESULT, "status": RESULT},
        ),
        envelopes=("redemption_entries",),
        csv=headers_of(REDEMPTION_OR_CELLS),
    ),
    stream(
        "segments",
        "Segments as defined, and the segments of single customers.",
        customer_segments("segments", "data"),
        customer_segments("data", "segments"),
        dialect(
            "voucherify.segment",
            "segment",
            SEGMENT,
            segments,
            segment_in_named_file,
            about=Contact(identifiers=(Identifier("profile_id", file_value(), "file name"),), profile_id=file_value()),
            has=("id",),
            lacks=("segments", "data"),
            kinds=("segment",),
            marks={"name": ANY_WORD, "type": SEGMENT_KIND},
            reject_rules=(RejectRule("missing_segment_id", "id", ~given(at("id"))),),
        ),
        owners=("customer_id", "customer", "source_id"),
        file_value=r"(cust_[0-9A-Za-z]{8,})",
    ),
    stream(
        "events",
        "What customers did and what was done to them: the activity list, and webhooks as sent.",
        dialect(
            "voucherify.event",
            "event",
            EVENT,
            events,
            event_orders,
            order_lines(event_order, is_about_order),
            event_cancellations,
            *event_memberships,
            event_points,
            *event_redemptions,
            *event_consents,
            about=person(event_customer_id, "data.customer"),
            issue_rules=(other_type, unheard_consent),
            has=("type",),
            duplicates_of="events",
            kinds=("event", "customer_event"),
        ),
    ),
    money=(
        "Minor units, with as many decimals as the currency has: orders are documented in the smallest unit, summaries"
        " times 100, which differ only where a currency has not two decimals. Voucherify names no currency: it is a"
        " setting of the project, hence the account's. A column of a table that holds a decimal point anywhere in its"
        " file is in major units there."
    ),
    kinds=KINDS,
)
