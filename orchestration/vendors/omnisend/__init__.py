"""Omnisend: events in the published event schema and in the v5 shape, contacts as JSON or CSV, segments, v3 orders
times 100.

Several events report one order (placed, paid for, fulfilled, refunded): each reports the order as it then stood. The
refunded amount in them is a running total. `nonSubscribed` means that nobody ever said yes or no: unknown. In a contact
the channels of its identifiers decide over its statuses, these over its opt-ins, and all over the word at its top: they
are one action reported again. A no is heard wherever it stands, for it may be the later of two actions.
"""

from orchestration.mapping.expressions import (
    at,
    filled,
    given,
    raw,
)
from orchestration.mapping.model import ANY_WORD, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.selects import (
    IssueRule,
    RejectRule,
    no_refusal,
    unheard_refusal,
)
from orchestration.vendors.omnisend.consents import event_consents, event_tags, opted_issues
from orchestration.vendors.omnisend.contact_csv import CSV_FORM, csv_contact
from orchestration.vendors.omnisend.contacts import (
    CONTACT,
    contact,
    contact_consents,
    customers,
    exported_segment,
    is_phone,
    segment_rows,
    unknown_identifiers,
)
from orchestration.vendors.omnisend.events import (
    EVENT,
    event_adjustments,
    event_contact,
    event_lines,
    event_orders,
    events,
    property_lines,
)
from orchestration.vendors.omnisend.orders import ORDER, cancellations, order_contact, order_lines, orders
from orchestration.vendors.omnisend.segments import SEGMENT, segment_id, segments
from orchestration.vendors.omnisend.words import CONTACT_STATUS

# -- what a record is --------------------------------------------------------------------------------------------------

NONE_OF_OURS = {
    "campaign": ("campaignID", "subject", "fromName", "campaignType", "abTest"),
    "automation": ("automationID", "trigger", "blocks"),
    "product": ("productID", "variants", "vendor", "categoryIDs"),
    "category": ("categoryID",),
    "cart": ("cartSum", "cartRecoveryUrl", "cartRecoveryURL"),
    "batch": ("batchID",),
}
KINDS = Kinds(
    signs=(
        sign("eventName", kind="event"),
        sign("orderID", kind="order"),
        *(sign(name, kind=kind) for kind, names in NONE_OF_OURS.items() for name in names),
        sign("cartID", kind="cart"),
        sign("segmentID", kind="segment"),
        *(sign(name, kind="contact") for name in ("contactID", "identifiers", "statuses", "optIns", "optOuts")),
    ),
    pages={
        "contacts": "contact",
        "orders": "order",
        "events": "event",
        "segments": "segment",
        "subscribers": "contact",
        "data": "",
        "results": "",
    },
    common=frozenset(
        {"id", "name", "title", "description", "type", "status", "currency", "tags", "createdAt", "updatedAt", "email"}
    ),
)

VENDOR = vendor(
    "omnisend",
    "Omnisend",
    stream(
        "events",
        "What contacts did, one event at a time.",
        dialect(
            "omnisend.event",
            "event",
            EVENT,
            events,
            event_orders,
            event_lines,
            property_lines,
            event_adjustments,
            *event_consents,
            event_tags,
            about=event_contact,
            issue_rules=(
                opted_issues("contact.optIns", "opt_in"),
                opted_issues("contact.optOuts", "opt_out"),
                opted_issues("contact.consents", "opt_in"),
                unheard_refusal("eventName", at("eventName"), unless=filled(at("contact.optOuts"))),
            ),
            has=("eventName",),
            duplicates_of="events",
            kinds=("event",),
        ),
    ),
    stream(
        "contacts",
        "Contacts with their consents, tags and segments.",
        dialect(
            "omnisend.contact",
            "contact",
            CONTACT,
            customers,
            *contact_consents,
            *segment_rows("segments", "dynamic_segment"),
            *segment_rows("tags", "tag"),
            exported_segment,
            about=contact,
            lacks=tuple(header for header in CSV_FORM.names if header not in CONTACT),
            kinds=("contact",),
            marks={"email": ANY_WORD, "status": CONTACT_STATUS},
            issue_rules=(
                IssueRule("phone", raw("phone"), ~is_phone),
                unknown_identifiers,
                opted_issues("optIns", "opt_in"),
                opted_issues("optOuts", "opt_out"),
            ),
        ),
        csv_contact("omnisend.csv_contact"),
        csv=CSV_FORM,
        file_value=r"^segment[-_ ]([^.]+)",
    ),
    stream(
        "segments",
        "Segments by name.",
        dialect(
            "omnisend.segment",
            "segment",
            SEGMENT,
            segments,
            about=None,
            reject_rules=(RejectRule("missing_segment_id", "segmentID", ~given(segment_id)),),
            kinds=("segment",),
            marks={"name": ANY_WORD},
        ),
    ),
    stream(
        "orders",
        "Orders of the v3 interface, in hundredths.",
        dialect(
            "omnisend.v3",
            "order",
            ORDER,
            orders,
            order_lines("products"),
            order_lines("orderItems"),
            cancellations,
            about=order_contact,
            issue_rules=(no_refusal("canceledDate", at("canceledDate")),),
            has=("orderID",),
            duplicates_of="orders",
            kinds=("order",),
        ),
    ),
    money="Events state major units; orders of interface v3 state the amount times 100 in every currency (hundredths).",
    kinds=KINDS,
)
