"""Lists and changes of lists, unsubscriptions and custom events."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    raw,
)
from orchestration.mapping.model import dialect
from orchestration.mapping.record_schema import JSON, TEXT
from orchestration.mapping.selects import (
    Contact,
    Identifier,
    RejectRule,
    rows,
)
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import translated, word, words
from orchestration.vendors.ometria.orders import ordered_at
from orchestration.vendors.ometria.words import LIST_CHANGE, LIST_KIND, NO_NEWS, UNSUBSCRIBED_FROM

# -- lists, changes of lists, unsubscriptions ------------------------------------------------------------------------

lists = rows("segments", segment_id=at("id"), name=at("title"), kind=word(at("type"), LIST_KIND))
reported_person = Contact(
    identifiers=(Identifier("profile_id", at("profile_id"), "profile_id"), Identifier("email", at("email"), "email")),
    profile_id=at("profile_id"),
)
list_change = translated(at("event"), LIST_CHANGE)
changed_at = first_given(at("time_stamp"), at("timestamp"))
list_changes = rows(
    "segment_memberships",
    segment_id=at("list_id"),
    state=list_change,
    observed_at=time(changed_at, else_export_date=True),
    valid_from=time(changed_at),
    is_full_snapshot=Typed(pl.lit(value=False)),
)
LIST_CHANGE_DIALECT = dialect(
    "ometria.list_change",
    "list_change",
    {
        "@type": NO_NEWS,
        "list_id": TEXT,
        "profile_id": TEXT,
        "email": TEXT,
        "event": TEXT,
        "time_stamp": TEXT,
        "timestamp": TEXT,
    },
    list_changes,
    about=reported_person,
    has=("list_id",),
    kinds=("list_change",),
    reject_rules=(
        RejectRule("missing_segment_id", "list_id", ~given(at("list_id"))),
        RejectRule("missing_action", "event", list_change.is_null()),
        RejectRule("missing_identity", "profile_id", ~given(at("profile_id")) & ~given(at("email"))),
    ),
)
# The address has a name of its own here; whoever is named as in other records says no as well.
UNSUBSCRIBED_ADDRESS = ("email_address", "email")
UNSUBSCRIBED_NAMES = ("profile_id", "customer_id", *UNSUBSCRIBED_ADDRESS, "phone_number")
is_nobody_unsubscribed = ~pl.any_horizontal(given(at(name)) for name in UNSUBSCRIBED_NAMES)
unsubscribed = Contact(
    identifiers=(
        Identifier("profile_id", at("profile_id"), "profile_id"),
        Identifier("customer_id", at("customer_id"), "customer_id"),
        *(Identifier("email", at(name), name) for name in UNSUBSCRIBED_ADDRESS),
        Identifier("phone", at("phone_number"), "phone_number"),
    ),
    profile_id=at("profile_id"),
)
unsubscriptions = rows(
    "customer_consents",
    # Whoever says no to what we do not know says no to all.
    channel=words(
        pl.when(given(at("type")))
        .then(translated(at("type"), UNSUBSCRIBED_FROM).fill_null("all"))
        .otherwise(pl.lit("email")),
        (at("type"), UNSUBSCRIBED_FROM),
    ),
    purpose=pl.lit("marketing"),
    status=pl.lit("opt_out"),
    status_raw=pl.lit("unsubscribed"),
    effective_at=time(changed_at, else_export_date=True),
    consent_source=at("type"),
    reason=pl.concat_str(first_given(at("reason")), first_given(at("reason_text")), separator=": ", ignore_nulls=True),
)

# -- custom events ---------------------------------------------------------------------------------------------------

CUSTOM_EVENT = {
    "@type": NO_NEWS,
    "id": TEXT,
    "event_type": TEXT,
    "timestamp": TEXT,
    "time_stamp": TEXT,
    "profile_id": TEXT,
    **dict.fromkeys(
        ("customer_id", "identity_account_id", "email", "identity_email", "phone_number", "identity_phone_number"), TEXT
    ),
    "properties": JSON,
}
event_person = Contact(
    identifiers=(
        Identifier("profile_id", at("profile_id"), "profile_id"),
        *(Identifier("customer_id", at(name), name) for name in ("customer_id", "identity_account_id")),
        *(Identifier("email", at(name), name) for name in ("identity_email", "email")),
        *(Identifier("phone", at(name), name) for name in ("identity_phone_number", "phone_number")),
    ),
    profile_id=at("profile_id"),
)
custom_events = rows(
    "events",
    event_id=at("id"),
    event_type=pl.when(given(at("event_type"))).then(pl.lit("custom")),
    event_action=at("event_type").str.strip_chars().str.to_lowercase(),
    event_name_raw=at("event_type"),
    engagement_class=pl.lit("custom"),
    is_active=pl.lit("true"),
    occurred_at=time(ordered_at, else_export_date=True),
    properties=raw("properties"),
)
