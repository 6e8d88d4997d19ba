"""Optimizely Data Platform (ODP, once Zaius): profiles, events, orders, lists and segment exports, as JSON and as flat
files.

Flat files are what people import (`zaius_orders_….csv`, one row per item with the order's totals on each) and what ODP
exports (columns by dotted path: `customer.email`, `order.status`); both may be mixed, so one dialect reads both.

A purchase makes an order. A refund, return or cancellation makes an adjustment and never an order, so that one that
comes before its purchase, or without any, is an orphan and no revenue. Its amount counts without sign; what it says of
tax and shipping is what is left of them, not what was taken back, and stays with the event. The adjustment's id is made
of order, action, time and amount: the same refund in an event and in an order file is one, and so is one with its total
on every item's row. Whether a cancellation is whole follows from its amount; without one it is.

Lists: a subscription is consent for that list alone (purpose `list:<id>`); a list file without a column for what
happened names who is subscribed. Reachability says whether messages arrive at an identifier, and is no consent. Only
what stands under `identifiers` is known to be an identifier: a column of a flat file that is merely named like one
links with low confidence. ODP names no currency: it is the account's.
"""

from orchestration.mapping.model import CsvForm, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.selects import Contact
from orchestration.vendors.optimizely.consents import identifier_dialects
from orchestration.vendors.optimizely.events import event_dialects
from orchestration.vendors.optimizely.lists import LIST, SEGMENT, list_rejects, list_rows, segment_rejects, segment_rows
from orchestration.vendors.optimizely.orders import order_dialects
from orchestration.vendors.optimizely.people import flat_identifiers
from orchestration.vendors.optimizely.profiles import FLAT_CUSTOMER, profile_dialects

# -- streams ---------------------------------------------------------------------------------------------------------

RECORD_KINDS = Kinds(
    signs=(
        sign("identifier_field_name", kind="identifier"),
        sign("event_type", kind="event"),
        sign("identifiers", "type", kind="event"),
        sign("order", kind="event"),
        *(sign("type", name, kind="event") for name in ("order_id", "list_id")),
        *(sign(name, kind="order") for name in ("order_id", "order.order_id")),
        sign("list_id", kind="list"),
        *(sign(name, kind="segment") for name in ("valid_time", "qualifications")),
    )
)

CUSTOMER_FILE = CsvForm(names=tuple(FLAT_CUSTOMER))

VENDOR = vendor(
    "optimizely",
    "Optimizely Data Platform",
    stream(
        "profiles",
        "Profiles with identifiers, attributes, insights, segments and recent events.",
        *profile_dialects,
        csv=CUSTOMER_FILE,
    ),
    stream(
        "customers",
        "Customers as the import and the export of customers write them.",
        *profile_dialects,
        csv=CUSTOMER_FILE,
    ),
    stream(
        "events",
        "What customers did and what was done to them, one event at a time.",
        *event_dialects(lacks=("identifier_field_name",)),
        *identifier_dialects,
    ),
    stream(
        "orders",
        "Orders: order events, order objects, and one row per item.",
        *event_dialects(flat_has=("event_type",)),
        *order_dialects(),
    ),
    stream(
        "lists",
        "Lists and who subscribed to them; the list's id may stand in the file name only.",
        dialect(
            "optimizely.list",
            "list",
            LIST,
            *list_rows,
            about=Contact(identifiers=flat_identifiers()),
            lacks=("identifiers", "data", "identifier_field_name"),
            reject_rules=list_rejects,
            kinds=("list",),
        ),
        *event_dialects(flat_has=("event_type",))[:3],
        *identifier_dialects,
        envelopes=("subscriptions", "members"),
        csv=CsvForm(default=(("action", "subscribed"), "subscribe")),
        file_value=r"zaius_list_([^/]+?)\.(?:csv|tsv|ndjson|jsonl|json|parquet)(?:\.gz|\.zst)?$",
    ),
    stream(
        "segments",
        "Members of a segment, with its name in the file name, and segments as such.",
        dialect(
            "optimizely.segment",
            "segment",
            SEGMENT,
            *segment_rows,
            about=Contact(identifiers=flat_identifiers()),
            reject_rules=segment_rejects,
            kinds=("segment",),
        ),
        envelopes=("audiences", "members"),
        file_value=r"([^/]+?)_[0-9]+_[0-9]+_[0-9]+\.",
    ),
    stream("consents", "Consent, one identifier at a time.", *identifier_dialects),
    stream("reachability", "Whether messages reach an identifier.", *identifier_dialects),
    money=(
        "Major units everywhere. ODP has no field for the currency: one that is delivered as `currency` counts, else it"
        " is the account's. Refunds, returns and cancellations count without sign."
    ),
    kinds=RECORD_KINDS,
)
