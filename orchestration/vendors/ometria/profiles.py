"""Profiles: identities, attributes, figures, lists and consents."""

from dataclasses import replace

import polars as pl

from orchestration.mapping.expressions import (
    account_currency,
    at,
    filled,
    first_given,
    given,
    item,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, JSON, NUMBER, SCALAR, TEXT, Pairs
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    Identifier,
    Profile,
    Rows,
    rows,
    unknown_word,
)
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import translated, word
from orchestration.vendors.ometria.consents import (
    CHANNEL,
    CHANNEL_CELLS,
    channel_cell_rows,
    channel_rows,
    consent_rows,
    keyed_by_person,
    mail_allowed_since,
    mail_allowed_since_in_cells,
    names_no_list,
    nobody,
)
from orchestration.vendors.ometria.words import IDENTITY_TYPE, LIST_KIND, NO_NEWS

TAGS = (
    rows(
        "segment_memberships",
        each="tags",
        where=given(item()),
        segment_id=item().str.strip_chars().str.to_lowercase(),
        segment_name=item().str.strip_chars(),
        kind=pl.lit("tag"),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    nobody("tag", at("tags").is_not_null() & ~filled(at("tags"))),
)
LISTS = (
    rows(
        "segment_memberships",
        each="lists",
        where=given(item("id")),
        segment_id=item("id"),
        segment_name=item("title"),
        kind=word(item("type"), LIST_KIND),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    nobody("static_list", names_no_list("STATIC")),
    nobody("dynamic_segment", names_no_list("DYNAMIC")),
)

# -- profiles --------------------------------------------------------------------------------------------------------

LIST = {"id": TEXT, "title": TEXT, "type": TEXT}
PROFILE = {
    "@type": NO_NEWS,
    "id": TEXT,
    "customer_id": TEXT,
    "email": TEXT,
    "phone_number": TEXT,
    "identities": [{"id": TEXT, "type": TEXT}],
    "prefix": TEXT,
    "firstname": TEXT,
    "middlename": TEXT,
    "lastname": TEXT,
    "suffix": TEXT,
    "name": TEXT,
    "gender": TEXT,
    "date_of_birth": TEXT,
    "country": TEXT,
    "marketing_optin": consented(SCALAR),
    "channels": Pairs(CHANNEL),
    "dates": {
        "acquired": TEXT,
        "first_seen": TEXT,
        "last_seen": TEXT,
        "first_purchase": TEXT,
        "last_purchase": TEXT,
        "marketing_optin": TEXT,
        "marketing_optout": TEXT,
    },
    "seen": EXTRA,
    "properties": JSON,
    "tags": [TEXT],
    "lists": [LIST],
    "stats": {
        "orders": NUMBER,
        "orders_attempted": NUMBER,
        "revenue": NUMBER,
        "aov": NUMBER,
        "total_items": NUMBER,
        "visits": NUMBER,
    },
}
CELLS = {
    **{
        f"{name}.{field}": leaf
        for name, fields in PROFILE.items()
        if name in ("dates", "stats") and isinstance(fields, dict)
        for field, leaf in fields.items()
    },
    **CHANNEL_CELLS,
}
# A row of a table has in columns what stands in objects elsewhere.
CSV_PROFILE = {
    **{
        name: leaf
        for name, leaf in PROFILE.items()
        if name not in ("dates", "stats", "channels", "properties", "identities", "lists")
    },
    **CELLS,
    "properties.*": JSON,
}
profile = Profile(
    record_id=keyed_by_person(at("id"), at("phone_number"), at("country")),
    identifiers=(
        Identifier("profile_id", at("id"), "id"),
        Identifier("customer_id", at("customer_id"), "customer_id"),
        Identifier("email", at("email"), "email", is_primary=pl.lit(value=True)),
        Identifier("phone", at("phone_number"), "phone_number", region=at("country"), is_primary=pl.lit(value=True)),
        Identifier(
            translated(item("type"), IDENTITY_TYPE).fill_null("custom"),
            item("id"),
            "identities[].id",
            each="identities",
            namespace=pl.when(translated(item("type"), IDENTITY_TYPE).is_null()).then(item("type").str.strip_chars()),
            region=at("country"),
        ),
    ),
)
csv_profile = replace(profile, identifiers=profile.identifiers[:-1])
profile_customers = rows(
    "customers",
    acquired_at=time(at("dates.acquired")),
    first_seen_at=time(at("dates.first_seen")),
    last_seen_at=time(at("dates.last_seen")),
    full_name=at("name"),
    name_prefix=at("prefix"),
    first_name=at("firstname"),
    middle_name=at("middlename"),
    last_name=at("lastname"),
    name_suffix=at("suffix"),
    gender_raw=at("gender"),
    birth_date=at("date_of_birth"),
    country_raw=at("country"),
    attributes=raw("properties"),
)
csv_profile_customers = replace(
    profile_customers, columns={**profile_customers.columns, "attributes": raw("properties.*")}
)


def _consents(allowed: pl.Expr, *channels: Rows) -> tuple[Rows, ...]:
    """What a profile says of mail, and of its channels."""
    stated = consent_rows(
        yes=at("dates.marketing_optin"),
        no=at("dates.marketing_optout"),
        known_since=first_given(at("dates.acquired"), at("dates.first_seen")),
        allowed=allowed,
    )
    return (*stated, *channels)


profile_consents = _consents(mail_allowed_since(), *channel_rows(agreed=at("dates.marketing_optin")))
csv_profile_consents = _consents(mail_allowed_since_in_cells(), *channel_cell_rows(agreed=at("dates.marketing_optin")))


def _count(metric: str, path: str) -> Rows:
    return rows(
        "vendor_stats",
        where=given(at(path)),
        metric=pl.lit(metric),
        value_num=at(path),
        unit=pl.lit("count"),
        definition_id=pl.lit(path),
    )


def _money(metric: str, path: str) -> Rows:
    return rows(
        "vendor_stats",
        where=given(at(path)),
        metric=pl.lit(metric),
        value_num=at(path),
        unit=pl.lit("money"),
        currency=account_currency(),
        definition_id=pl.lit(path),
    )


def _moment(metric: str, path: str) -> Rows:
    return rows(
        "vendor_stats",
        where=given(at(path)),
        metric=pl.lit(metric),
        value_ts=time(at(path)),
        unit=pl.lit("time"),
        definition_id=pl.lit(path),
    )


unknown_identities = unknown_word("identities[].type", item("type"), IDENTITY_TYPE, "identities")
PROFILE_STATS = (
    _count("order_count", "stats.orders"),
    _count("orders_attempted", "stats.orders_attempted"),
    _money("total_revenue", "stats.revenue"),
    _money("average_order_value", "stats.aov"),
    _count("total_items", "stats.total_items"),
    _count("visits", "stats.visits"),
    _moment("first_order_at", "dates.first_purchase"),
    _moment("last_order_at", "dates.last_purchase"),
)
