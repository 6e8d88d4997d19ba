"""Events and webhooks: what happened to a customer, and the facts they carry."""

from typing import Any

import msgspec
import polars as pl

from orchestration.mapping.coercion import decode_generic, fit
from orchestration.mapping.expressions import (
    at,
    filled,
    first_given,
    furthest,
    given,
    item,
    lookup,
    pairs,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, TEXT, Leaf, Open, Pairs
from orchestration.mapping.selects import IssueRule, Rows, rows
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import words
from orchestration.vendors.voucherify.customers import CONSENT, CUSTOMER, consent, loyalty_account
from orchestration.vendors.voucherify.orders import ORDER, PERSON, order_figures
from orchestration.vendors.voucherify.redemptions import REDEMPTION, redemption_rows, taken_back
from orchestration.vendors.voucherify.words import (
    EVENTS,
    MESSENGERS,
    ORDER_EVENTS,
    POINT_EVENTS,
    SAME_WORD,
    STATUS,
    TRUE,
)

# -- events ----------------------------------------------------------------------------------------------------------


def within_data(shape: dict[str, Any]) -> dict[str, Any]:
    """The part of a shape that is decoded: inside an open object the rest stays in its JSON."""
    return {
        key: _within_data(inner)
        for key, inner in shape.items()
        if not isinstance(inner, Leaf) or inner.kind in ("text", "number", "flag", "scalar")
    }


def _within_data(shape: Any) -> Any:
    if isinstance(shape, list):
        return [within_data(shape[0])]
    return within_data(shape) if isinstance(shape, dict) else shape


TIER = {"id": TEXT, "name": TEXT}
ENVELOPE: dict[str, Any] = {
    "id": TEXT,
    "object": SAME_WORD,
    "type": TEXT,
    "created_at": TEXT,
    "entity_id": TEXT,
    "group_id": EXTRA,
    "project_id": EXTRA,
    "source": EXTRA,
    "event_source": EXTRA,
    "event": {
        "id": TEXT,
        "type": TEXT,
        "created_at": TEXT,
        "entity_id": TEXT,
        "group_id": EXTRA,
        "event_source": EXTRA,
    },
}
EVENT = ENVELOPE | {
    "data": Open(
        {
            "customer": within_data(PERSON),
            "order": within_data(ORDER),
            "redemption": within_data(REDEMPTION),
            "redemption_rollback": within_data(REDEMPTION),
            "rollback": within_data(REDEMPTION),
            "voucher": {"code": TEXT, "type": TEXT, "campaign_id": TEXT, "campaign": TEXT},
            "segment": {"id": TEXT, "name": TEXT},
            "campaign": {"id": TEXT, "name": TEXT},
            "loyalty_tier": TIER,
            "loyalty_tier_from": TIER,
            "loyalty_tier_to": TIER,
        }
    )
}
CUSTOMER_EVENT = ENVELOPE | {
    "id": EXTRA,
    "entity_id": EXTRA,
    "event": ENVELOPE["event"] | {"id": EXTRA, "entity_id": EXTRA},
    "data": {"customer": CUSTOMER, "unconfirmed_customer": EXTRA, "event_source": EXTRA},
}

# The answer to a customer's permanent deletion; the vendor spells `object` so.
DELETION = {
    "id": EXTRA,
    "object": SAME_WORD,
    "created_at": TEXT,
    "related_object": EXTRA,
    "related_object_id": TEXT,
    "status": TEXT,
    "data_json": EXTRA,
}
CUSTOMER_NOTICE = {"event": TEXT, "created_at": TEXT, "customer_id": TEXT, "customer": CUSTOMER}


# A project's webhook names an event without the word before it that the activity of a customer has: one fact has one
# name.
def _bare_name(stated: pl.Expr) -> pl.Expr:
    return stated.str.strip_chars().str.to_lowercase().str.strip_prefix("customer.")


event_name = pl.concat_str(pl.lit("customer."), _bare_name(first_given(at("event.type"), at("type"))))
# A webhook states its event's name twice; the event's own word counts.
other_type = IssueRule(
    "type",
    at("type"),
    given(at("type")) & given(at("event.type")) & (_bare_name(at("type")) != event_name.str.strip_prefix("customer.")),
    code="other_kind",
)
event_key = first_given(at("event.id"), at("id"))
event_time = time(at("event.created_at"), at("created_at"), else_export_date=True)
entity_id = first_given(at("event.entity_id"), at("entity_id"))
REPORTED_WITH_CUSTOMER = ("order", "redemption", "redemption_rollback", "rollback")
event_customer_id = first_given(
    at("data.customer.id"),
    pl.when(entity_id.str.starts_with("cust_")).then(entity_id),
    *(at(f"data.{name}.{path}") for name in REPORTED_WITH_CUSTOMER for path in ("customer_id", "customer.id")),
)
event_order = "data.order."
event_order_id = first_given(at(f"{event_order}id"), at(f"{event_order}source_id"))
# The order in the event of a redemption or a reward is a report of it as well; one that is only looked at is none.
is_about_order = given(event_order_id) & (
    event_name.str.starts_with("customer.order.")
    | (given(at(f"{event_order}status")) & ~event_name.str.starts_with("customer.validation."))
).fill_null(value=False)


def reported_json(path: str) -> pl.Expr:
    """A value of the event's data that is no object in every event that has it."""
    return raw("data").str.json_path_match(f"$.{path}")


def event_word(position: int, default: pl.Expr) -> pl.Expr:
    """One of the words of an event name; all that are not listed take theirs from the name."""
    return lookup(event_name, {name: words[position] for name, words in EVENTS.items()}, default)


named = event_name.str.strip_prefix("customer.")
first_word = named.str.extract(r"^([^.]+)")
rest = named.str.extract(r"^[^.]+\.(.+)$").fill_null(named)
is_loyalty_event = (
    first_word.is_in(("loyalty", "rewarded", "reward_redemptions")) | named.str.starts_with("voucher.")
).fill_null(value=False)
is_custom = (event_name == "customer.custom_event").fill_null(value=False)
events = rows(
    "events",
    event_id=event_key,
    event_type=event_word(
        0,
        pl.when(is_custom).then(pl.lit("custom"))
        .when(is_loyalty_event).then(pl.lit("loyalty"))
        .when(first_word.is_in(MESSENGERS)).then(pl.lit("message"))
        .when(~named.str.contains(".", literal=True)).then(pl.lit("customer"))
        .otherwise(first_word),
    ),
    event_action=event_word(
        1,
        pl.when(is_custom).then(pl.coalesce(reported_json("event.type"), pl.lit("custom_event")))
        .when(first_word.is_in(("rewarded", "reward_redemptions", "voucher"))).then(named)
        .otherwise(rest),
    ),
    event_name_raw=first_given(at("event.type"), at("type")),
    engagement_class=event_word(2, pl.when(is_custom).then(pl.lit("custom")).when(is_loyalty_event).then(pl.lit("loyalty")).otherwise(pl.lit("none"))),
    is_active=event_word(3, pl.when(is_custom).then(pl.lit("true")).otherwise(pl.lit("false"))),
    occurred_at=event_time,
    source_order_id=event_order_id,
    order_match_key=first_given(at(f"{event_order}source_id"), at(f"{event_order}id")),
    product_id=pl.lit(None, pl.String),
    campaign_id=at("data.campaign.id"),
    origin=first_given(reported_json("event_source.channel")),
    properties=raw("data"),
)  # fmt: skip
event_orders = rows(
    "orders",
    where=is_about_order,
    amounts="minor",
    ordered_at=time(
        at(f"{event_order}created_at"),
        at("event.created_at"),
        at("created_at"),
        else_export_date=True,
        is_inferred=~given(at(f"{event_order}created_at")),
    ),
    canceled_at=time(
        pl.when(event_name == "customer.order.canceled").then(first_given(at("event.created_at"), at("created_at")))
    ),
    status=words(
        furthest(lookup(at(f"{event_order}status"), STATUS), lookup(event_name, ORDER_EVENTS)).fill_null("unknown"),
        (at(f"{event_order}status"), STATUS),
    ),
    is_from_event=TRUE,
    # What an event tells was so when it happened, whatever the copy of the order in it says.
    **order_figures(event_order)
    | {"source_updated_at": time(at("event.created_at"), at("created_at"), at(f"{event_order}updated_at"))},
)
event_cancellations = rows(
    "order_adjustments",
    where=is_about_order & (event_name == "customer.order.canceled"),
    source_order_id=event_order_id,
    order_match_key=first_given(at(f"{event_order}source_id"), at(f"{event_order}id")),
    action=pl.lit("cancel"),
    amount_kind=pl.lit("running_total"),
    occurred_at=event_time,
)


def reported_redemption(name: str) -> Rows:
    """The redemption or rollback that an event is about, as it stands in its data."""
    path = f"data.{name}."
    made, _ = redemption_rows(
        path, where=given(at(f"{path}id")), attributes=reported_json(f"{name}.metadata"), beside=("data.",)
    )
    return made


def _consents_of(text: str) -> list[dict[str, str | None]]:
    """The consents in a JSON text, read as those of a customer are."""
    try:
        value = decode_generic(text.encode())
    except msgspec.DecodeError:
        value = text
    found = fit({"consents": value}, {"consents": Pairs(CONSENT)}).record["consents"] or {}
    return [
        {"key": key, "value": _text(one.get("value")), "date": _text(one.get("date"))}
        for key, one in found.items()
        if one
    ]


def _text(value: object) -> str | None:
    return None if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def reported_consent(path: str) -> Rows:
    """The consents of the customer in an event: an object with open keys inside the event's open data."""
    found = reported_json(path).replace("{}", None)
    each = found.map_elements(
        _consents_of, return_dtype=pl.List(pl.Struct(dict.fromkeys(("key", "value", "date"), pl.String)))
    )
    return consent(each, item("key"), item("value"), item("date"), at("event.created_at"), at("created_at"))


CONSENT_PLACES = ("customer.system_metadata.consents", "customer.consents", "consents")
event_consents = tuple(map(reported_consent, CONSENT_PLACES))


def _unheard(holds_consents: pl.Expr) -> IssueRule:
    """Without the consents themselves it is not known which of them were given or taken back."""
    return IssueRule(
        "type",
        first_given(at("event.type"), at("type")),
        event_name.str.starts_with("customer.consents.").fill_null(value=False) & ~holds_consents,
        code="unheard_consent",
    )


unheard_consent = _unheard(
    pl.any_horizontal(reported_json(path).replace("{}", None).is_not_null() for path in CONSENT_PLACES)
)
unheard_observation = _unheard(
    pl.any_horizontal(
        filled(pl.col(pairs(f"data.customer.{path}"))) for path in ("system_metadata.consents", "consents")
    )
)
event_redemptions = tuple(reported_redemption(name) for name in ("redemption", "redemption_rollback", "rollback"))


def _reported_membership(kind: str | None, path: str, state: str, where: pl.Expr) -> Rows:
    return rows(
        "segment_memberships",
        where=where & given(at(f"{path}.id")),
        segment_id=at(f"{path}.id"),
        segment_name=at(f"{path}.name"),
        kind=pl.lit(kind, pl.String),
        state=pl.lit(state),
        observed_at=event_time,
    )


def _tier_event(word: str) -> pl.Expr:
    return event_name == f"customer.loyalty.tier.{word}"


moved = _tier_event("upgraded") | _tier_event("downgraded")
event_memberships = (
    _reported_membership(None, "data.segment", "entered", event_name == "customer.segment.entered"),
    _reported_membership(None, "data.segment", "left", event_name == "customer.segment.left"),
    _reported_membership("loyalty_tier", "data.loyalty_tier", "entered", _tier_event("joined")),
    _reported_membership("loyalty_tier", "data.loyalty_tier", "left", _tier_event("left")),
    _reported_membership("loyalty_tier", "data.loyalty_tier_to", "entered", moved),
    _reported_membership("loyalty_tier", "data.loyalty_tier_from", "left", moved),
)
points = first_given(reported_json("balance.points"), reported_json("points"))
is_expiry = event_name == "customer.voucher.loyalty_card.points_expired"
event_points = rows(
    "loyalty_transactions",
    where=event_name.is_in(tuple(POINT_EVENTS)) & given(points),
    transaction_id=first_given(reported_json("transaction.id"), event_key),
    account_id=loyalty_account(event_customer_id, at("data.campaign.name")),
    type=lookup(event_name, POINT_EVENTS),
    type_raw=first_given(reported_json("transaction.type"), at("event.type"), at("type")),
    points_delta=taken_back(points, is_expiry),
    source_order_id=event_order_id,
    occurred_at=event_time,
    is_sign_normalised=Typed(is_expiry),
)
