"""Ometria: profiles, contacts as JSON or CSV, orders of its own interface and of its shop connectors, lists, custom
events.

A profile is Ometria's own cluster of contacts; a contact is known by its collection and id, and `customer_id` is always
the shop's. The dates of consent decide over its word; null is no opt-out. An order with a negative total is a refund
reported as a second order ("method two"): an adjustment of the order it names, and never an order.
"""

from orchestration.mapping.expressions import (
    at,
    given,
)
from orchestration.mapping.model import ANY_WORD, CsvForm, dialect, stream, vendor
from orchestration.mapping.record_kinds import Kinds, sign
from orchestration.mapping.record_schema import EXTRA, TEXT
from orchestration.mapping.selects import (
    RejectRule,
    unheard_refusal,
)
from orchestration.vendors.ometria.consents import consent_issues
from orchestration.vendors.ometria.contacts import CONTACTS
from orchestration.vendors.ometria.events import (
    CUSTOM_EVENT,
    LIST_CHANGE_DIALECT,
    UNSUBSCRIBED_NAMES,
    custom_events,
    event_person,
    is_nobody_unsubscribed,
    lists,
    unsubscribed,
    unsubscriptions,
)
from orchestration.vendors.ometria.orders import (
    ORDER,
    cancellations,
    order_contact,
    order_events,
    order_lines,
    orders,
    refund_orders,
)
from orchestration.vendors.ometria.profiles import (
    CELLS,
    CSV_PROFILE,
    LIST,
    LISTS,
    PROFILE,
    PROFILE_STATS,
    TAGS,
    csv_profile,
    csv_profile_consents,
    csv_profile_customers,
    profile,
    profile_consents,
    profile_customers,
    unknown_identities,
)
from orchestration.vendors.ometria.words import NO_NEWS

KINDS = Kinds(
    signs=(
        sign(word_in="@type", words={"customer": "contact", "unsubscribe": "unsubscribed_contact"}),
        sign("list_id", kind="list_change"),
        sign("event_type", kind="custom_event"),
        sign("email_address", kind="unsubscribed_contact"),
        sign("grand_total", kind="order"),
        sign("lineitems", kind="order"),
        sign("price", kind="product"),
        # A profile and a contact are known apart by where each states its dates.
        *(
            sign(name, kind="profile")
            for name in ("dates", "stats", "identities", *(name for name in CELLS if name.startswith("dates.")))
        ),
        *(
            sign(name, kind="contact")
            for name in (
                "@collection",
                "@force_optin",
                "country_id",
                "timestamp_acquired",
                "timestamp_subscribed",
                "timestamp_unsubscribed",
            )
        ),
    ),
    pages={
        "profiles": "profile",
        "contacts": "contact",
        "orders": "order",
        "lists": "list",
        "list_changes": "list_change",
        "unsubscribes": "unsubscribed_contact",
        "custom_events": "custom_event",
        "data": "",
    },
    common=frozenset(
        {
            "@type",
            "@collection",
            "id",
            "name",
            "title",
            "type",
            "status",
            "currency",
            "store",
            "timestamp",
            "properties",
        }
    ),
)

IN_EITHER_ENCODING = CsvForm(encodings=("utf-8", "iso-8859-1"))

VENDOR = vendor(
    "ometria",
    "Ometria",
    stream(
        "profiles",
        "Profiles: people as Ometria has put them together, with their figures, tags and lists.",
        dialect(
            "ometria.profile",
            "profile",
            PROFILE,
            profile_customers,
            *profile_consents,
            *TAGS,
            *LISTS,
            *PROFILE_STATS,
            about=profile,
            lacks=tuple(CELLS),
            issue_rules=(*consent_issues("dates.marketing_optin", "dates.marketing_optout"), unknown_identities),
            kinds=("profile",),
            marks={"name": ANY_WORD},
        ),
        dialect(
            "ometria.csv_profile",
            "profile",
            CSV_PROFILE,
            csv_profile_customers,
            *csv_profile_consents,
            *TAGS,
            *PROFILE_STATS,
            about=csv_profile,
            lacks=("dates", "stats", "channels", "properties", "identities", "lists"),
            issue_rules=consent_issues("dates.marketing_optin", "dates.marketing_optout"),
            kinds=("profile",),
            marks={"name": ANY_WORD},
        ),
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "contacts",
        "Contacts: people as the shop, forms and uploads have reported them.",
        *CONTACTS,
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "orders",
        "Orders of the shop, each as it stands.",
        dialect(
            "ometria.order",
            "order",
            ORDER,
            orders,
            order_lines,
            refund_orders,
            cancellations,
            order_events,
            about=order_contact,
            reject_rules=(RejectRule("missing_order_id", "id", ~given(at("id"))),),
            duplicates_of="orders",
            kinds=("order",),
            marks={"status": ANY_WORD},
        ),
        csv=IN_EITHER_ENCODING,
    ),
    stream(
        "lists",
        "The account's lists, and who has entered or left them.",
        dialect(
            "ometria.list",
            "list",
            {"@type": NO_NEWS, **LIST},
            lists,
            about=None,
            lacks=("list_id",),
            kinds=("list",),
            marks={"title": ANY_WORD},
            reject_rules=(RejectRule("missing_segment_id", "id", ~given(at("id"))),),
        ),
        LIST_CHANGE_DIALECT,
    ),
    stream("list_changes", "Who has entered or left which list.", LIST_CHANGE_DIALECT, envelopes=("lists",)),
    stream(
        "unsubscribes",
        "Who has unsubscribed, why and from what.",
        dialect(
            "ometria.unsubscribe",
            "unsubscribed_contact",
            {
                "@type": NO_NEWS,
                **dict.fromkeys(UNSUBSCRIBED_NAMES, TEXT),
                "type": TEXT,
                "reason": TEXT,
                "reason_text": TEXT,
                "mass_campaign_id": EXTRA,
                "trigger_campaign_id": EXTRA,
                "send_id": EXTRA,
                "time_stamp": TEXT,
                "timestamp": TEXT,
            },
            unsubscriptions,
            about=unsubscribed,
            kinds=("unsubscribed_contact",),
            reject_rules=(RejectRule("missing_identity", "email_address", is_nobody_unsubscribed),),
        ),
    ),
    stream(
        "custom_events",
        "What people did, in the shop's own words.",
        dialect(
            "ometria.custom_event",
            "custom_event",
            CUSTOM_EVENT,
            custom_events,
            about=event_person,
            issue_rules=(unheard_refusal("event_type", at("event_type")),),
            duplicates_of="events",
            kinds=("custom_event",),
        ),
    ),
    money=(
        "Major units, as numbers or as texts. An order's figures are in its `currency`; those that begin with `base_`"
        " are in the currency of the Ometria account (`base_currency`). Profiles state theirs in the account's."
    ),
    kinds=KINDS,
)
