"""Customer profiles, nested and flat, with their insights, points and segments."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from orchestration.mapping.expressions import (
    account_currency,
    at,
    filled,
    first_given,
    given,
    item,
    pairs,
    raw,
)
from orchestration.mapping.model import dialect
from orchestration.mapping.record_schema import EXTRA, NUMBER, SCALAR, TEXT, Open, Pairs
from orchestration.mapping.selects import Identifier, IssueRule, Profile, Rows, rows
from orchestration.mapping.values import Typed, Value, time
from orchestration.parsing.ids import identifier
from orchestration.vendors.optimizely.consents import identifier_dialects
from orchestration.vendors.optimizely.event_fields import (
    PROFILE_EVENT,
    is_no_time,
    moment,
    profile_event,
    profile_event_amount,
    profile_event_time,
)
from orchestration.vendors.optimizely.event_rows import event_rows
from orchestration.vendors.optimizely.lists import SEGMENT_PREFIX
from orchestration.vendors.optimizely.people import (
    FLAT_PERSON,
    INSIGHTS,
    LOYALTY_FIELDS,
    LOYALTY_READ,
    MONEY_INSIGHTS,
    OTHER_INSIGHTS,
    PERSON_FIELDS,
    cell,
    customer_cell,
    customer_columns,
    flat_identifiers,
    identifier_type,
    odd_names,
    paired,
    paired_value,
    person_columns,
    record_id,
    singular,
)
from orchestration.vendors.optimizely.words import IDENTIFIERS, NONE, ORDER_ACTIONS

# -- profiles --------------------------------------------------------------------------------------------------------

ATTRIBUTES = Open(dict.fromkeys([*PERSON_FIELDS, *IDENTIFIERS, *LOYALTY_FIELDS], SCALAR))
PROFILE = {
    "identifiers": Pairs(SCALAR, many=True),
    "attributes": ATTRIBUTES,
    "insights": (
        dict.fromkeys(INSIGHTS, SCALAR)
        | dict.fromkeys(OTHER_INSIGHTS, EXTRA)
        | dict.fromkeys(("total_revenue", "order_count", "average_order_value", "engagement_score"), NUMBER)
    ),
    "segments": [TEXT],
    "events": [PROFILE_EVENT],
    "zaius_id": SCALAR,
}
ATTRIBUTES_ONLY = {name: inner for name, inner in PROFILE.items() if name != "identifiers"}
FLAT_CUSTOMER = (
    FLAT_PERSON
    | customer_columns(*LOYALTY_READ)
    | {
        f"{start}{name}": EXTRA
        for start in ("", "customer.")
        for name in ("image_url", *LOYALTY_FIELDS)
        if name not in LOYALTY_READ
    }
    | {f"insights.{name}": SCALAR for name in INSIGHTS}
    | {f"insights.{name}": EXTRA for name in OTHER_INSIGHTS}
)


def customer_rows(attribute: Callable[..., pl.Expr], attributes: pl.Expr) -> Rows:
    """The person as the profile describes them."""
    return rows("customers", **person_columns(attribute), attributes=attributes)


def stat_rows(insight: Callable[[str], pl.Expr]) -> tuple[Rows, ...]:
    """Figures ODP has computed for the person."""
    found = []
    for name, metric in INSIGHTS.items():
        value: dict[str, Value] = (
            {"value_ts": moment(insight(name), else_export_date=False), "unit": pl.lit("time")}
            if name.endswith("_date")
            else {"value_num": insight(name)}
        )
        if name in MONEY_INSIGHTS:
            value |= {"unit": pl.lit("money"), "currency": account_currency()}
        elif metric == "order_count":
            value["unit"] = pl.lit("count")
        found.append(
            rows(
                "vendor_stats",
                where=given(insight(name)),
                metric=pl.lit(metric),
                definition_id=pl.lit(f"insights.{name}"),
                **value,
            )
        )
    return tuple(found)


def loyalty_rows(attribute: Callable[..., pl.Expr]) -> tuple[Rows, Rows]:
    """Points and tier of the person; ODP has no accounts, so the profile is one."""
    points = attribute("loyalty_points_balance")
    return (
        rows(
            "loyalty_accounts",
            where=given(points) | given(attribute("loyalty_tier_id")),
            account_id=pl.concat_str(pl.col("owner"), pl.lit("|loyalty")),
            program_id=pl.lit("loyalty"),
            balance_type=pl.lit("points"),
            balance=points,
            tier_id=attribute("loyalty_tier_id"),
        ),
        rows(
            "vendor_stats",
            where=given(points),
            metric=pl.lit("loyalty_points"),
            value_num=points,
            unit=pl.lit("points"),
            definition_id=pl.lit("loyalty_points_balance"),
        ),
    )


segment_names = (
    rows(
        "segment_memberships",
        each="segments",
        where=given(item()),
        segment_id=item().str.strip_chars().str.replace(SEGMENT_PREFIX, ""),
        kind=pl.when(item().str.strip_chars().str.starts_with("classic:"))
        .then(pl.lit("classic_segment"))
        .otherwise(pl.lit("realtime_segment")),
        state=pl.lit("member"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
    rows(
        "segment_memberships",
        where=at("segments").is_not_null() & ~filled(at("segments")),
        kind=pl.lit("realtime_segment"),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    ),
)


def attribute(*names: str) -> pl.Expr:
    """A field under `attributes`."""
    return first_given(*(at(f"attributes.{name}") for name in names))


def profile_rows(customer_id: pl.Expr) -> tuple[Rows, ...]:
    """Everything a profile reports, by the customer id it is known by."""
    return (
        customer_rows(attribute, raw("attributes")),
        *stat_rows(lambda name: at(f"insights.{name}")),
        *loyalty_rows(attribute),
        *segment_names,
        *event_rows(replace(profile_event, is_guest=identifier(customer_id, "customer_id").is_null())),
    )


flat_rows = (
    customer_rows(customer_cell, NONE),
    *stat_rows(lambda name: cell(f"insights.{name}")),
    *loyalty_rows(customer_cell),
)
attribute_identifiers = tuple(
    Identifier(kind, at(f"attributes.{name}"), f"attributes.{name}", region=at("attributes.country"))
    for name, kind in IDENTIFIERS.items()
)
first_custom = (
    pl.col(pairs("identifiers"))
    .list.eval(
        pl.concat_str(
            pl.element().struct.field("key"), pl.lit(":"), pl.element().struct.field("value").str.strip_chars()
        ).filter(
            (identifier_type(singular(pl.element().struct.field("key"))) == "custom")
            & given(pl.element().struct.field("value"))
        )
    )
    .list.first()
)
profile_customer_id = first_given(paired_value("customer_id"), at("attributes.customer_id"))
seed_profile = Profile(
    record_id=record_id(
        customer_id=profile_customer_id,
        vuid=first_given(paired_value("vuid"), at("attributes.vuid")),
        address=first_given(paired_value("email"), paired_value("emails"), at("attributes.email")),
        zaius_id=first_given(paired_value("zaius_id"), at("zaius_id"), at("attributes.zaius_id")),
        number=first_given(paired_value("phone"), at("attributes.phone")),
        country=at("attributes.country"),
        custom=first_custom,
    ),
    identifiers=(
        *paired(pairs("identifiers"), at("attributes.country")),
        *attribute_identifiers,
        Identifier("profile_id", at("zaius_id"), "zaius_id"),
    ),
)
attributes_profile = Profile(
    record_id=record_id(
        customer_id=at("attributes.customer_id"),
        vuid=at("attributes.vuid"),
        address=at("attributes.email"),
        zaius_id=first_given(at("zaius_id"), at("attributes.zaius_id")),
        number=at("attributes.phone"),
        country=at("attributes.country"),
        custom=NONE,
    ),
    identifiers=(*attribute_identifiers, Identifier("profile_id", at("zaius_id"), "zaius_id")),
)
flat_profile = Profile(
    record_id=record_id(
        customer_id=customer_cell("customer_id"),
        vuid=customer_cell("vuid"),
        address=customer_cell("email"),
        zaius_id=customer_cell("zaius_id"),
        number=customer_cell("phone"),
        country=customer_cell("country"),
        custom=NONE,
    ),
    identifiers=flat_identifiers(),
)
event_issues = (
    IssueRule(
        "events[]",
        first_given(profile_event_time, item("action"), pl.lit("{}")),
        ~profile_event.is_sound,
        each="events",
    ),
    IssueRule(
        "events[].data",
        profile_event_amount,
        ~profile_event.is_amount_sound & profile_event.is_order(*ORDER_ACTIONS),
        each="events",
    ),
    IssueRule("events[].timestamp", profile_event_time, is_no_time(profile_event_time), each="events"),
)
profile_dialects = (
    dialect(
        "optimizely.profile",
        "profile",
        PROFILE,
        *profile_rows(profile_customer_id),
        about=seed_profile,
        has=("identifiers",),
        lacks=("type",),
        issue_rules=(odd_names(), *event_issues),
    ),
    dialect(
        "optimizely.attributes",
        "profile",
        ATTRIBUTES_ONLY,
        *profile_rows(at("attributes.customer_id")),
        about=attributes_profile,
        has=("attributes",),
        lacks=("identifiers",),
        issue_rules=event_issues,
    ),
    dialect(
        "optimizely.customers",
        "customer",
        FLAT_CUSTOMER,
        *flat_rows,
        about=flat_profile,
        lacks=("identifiers", "attributes", "identifier_field_name"),
    ),
    *identifier_dialects,
)
