"""The rows that one ODP event makes: event, order, lines, adjustments, consents, points, segments."""

from collections.abc import Callable

import polars as pl

from orchestration.mapping.expressions import (
    at,
    email_address,
    filled,
    first_given,
    given,
    item,
    lookup,
)
from orchestration.mapping.selects import Rows, rows
from orchestration.mapping.values import Typed, Value, absolute
from orchestration.mapping.words import consent_said, word
from orchestration.parsing.ids import order_key
from orchestration.parsing.numbers import money
from orchestration.vendors.optimizely.event_fields import (
    EVENT_FIELDS,
    EventFields,
    flat_event,
    flat_field,
    json_event,
    line_discount,
    line_total,
    moment,
    nested_data,
    nested_event,
    nested_order,
)
from orchestration.vendors.optimizely.people import cell
from orchestration.vendors.optimizely.words import (
    EVENT_TYPES,
    LOYALTY,
    MESSAGES,
    NONE,
    ORDER_ACTIONS,
    ORDER_STATUS,
    SUBSCRIPTION_CONSENT,
    TAKEN_BACK,
)


def event_rows(event: EventFields) -> tuple[Rows, ...]:
    """What an event says, in all tables but the order's lines."""
    by_type = {
        position: lookup(event.kind, {name: words[position] for name, words in EVENT_TYPES.items()}, default)
        for position, default in enumerate(("custom", "true"))
    }
    is_listed = event.is_sound & (event.kind == "list").fill_null(value=False) & given(event.data("list_id"))
    return (
        rows(
            "events",
            each=event.each,
            where=event.is_sound,
            event_type=event.word(0, event.kind),
            event_action=event.word(1, pl.coalesce(event.deed, pl.when(event.kind == "pageview").then(pl.lit("view")))),
            event_name_raw=pl.concat_str(event.type, event.action, separator="/", ignore_nulls=True).replace("", None),
            engagement_class=event.word(2, by_type[0]),
            is_active=first_given(event.active, event.word(3, by_type[1])),
            occurred_at=moment(event.stated_time),
            source_order_id=event.order("order_id"),
            order_match_key=event.order("order_id"),
            product_id=event.data("product_id"),
            campaign_id=event.data("campaign_id"),
            origin=event.origin,
            properties=event.properties,
        ),
        rows(
            "orders",
            each=event.each,
            where=event.is_sound & event.is_amount_sound & event.is_order("purchase") & given(event.order("order_id")),
            **order_columns(event.order),
            ordered_at=moment(event.stated_time),
            source_updated_at=moment(event.stated_time, else_export_date=False),
            status_raw=first_given(event.order("status"), event.action),
            status=word(event.order("status"), ORDER_STATUS, otherwise="paid"),
            is_guest=Typed(event.is_guest),
            is_from_event=Typed(pl.lit(value=True)),
        ),
        adjustment_rows(event),
        *membership_rows(
            list_id=event.data("list_id"),
            state=event.subscription,
            since=event.stated_time,
            each=event.each,
            where=is_listed,
        ),
        consent_reported(event),
        rows(
            "loyalty_transactions",
            each=event.each,
            where=event.is_sound
            & (event.kind == "loyalty").fill_null(value=False)
            & lookup(event.deed, LOYALTY).is_not_null(),
            transaction_id=content_id(
                event.person, event.deed, event.at_time, loyalty_delta(event), event.data("current_loyalty_tier_id")
            ),
            type=lookup(event.deed, LOYALTY),
            type_raw=event.action,
            points_delta=loyalty_delta(event),
            source_order_id=event.order("order_id"),
            occurred_at=moment(event.stated_time),
            is_sign_normalised=Typed((event.deed == "points_removed") & given(event.data("loyalty_change_in_points"))),
        ),
        rows(
            "referrals",
            each=event.each,
            where=event.is_sound
            & (event.kind == "loyalty").fill_null(value=False)
            & (event.deed == "referral_completed").fill_null(value=False),
            campaign_id=event.data("loyalty_referral_code_id"),
            referrer_profile_id=event.person,
            referred_profile_id=pl.concat_str(
                pl.lit("email:"), email_address(event.data("loyalty_referred_customer_email"))
            ),
            related_object_id=event.data("loyalty_referral_code_id"),
            related_object_type=pl.when(given(event.data("loyalty_referral_code_id"))).then(pl.lit("referral_code")),
            referred_at=moment(event.stated_time),
        ),
    )


def consent_reported(event: EventFields) -> Rows:
    """Consent that an event reports: a no is one to all channels, as ODP sends on none then; a yes is of the address.

    To unsubscribe from no list in particular is such a no; one that a message was answered with is of its channel. A no
    whose event has no readable time is one since the export date.
    """
    is_no_list = (event.kind == "list") & ~given(event.data("list_id")) & (event.subscription == "unsubscribed")
    is_answer = event.kind.is_in(MESSAGES) & (consent_said(event.action) == "opt_out")
    status = pl.when(is_no_list | is_answer).then(pl.lit("opt_out")).when(event.kind == "consent").then(event.consent)
    return rows(
        "customer_consents",
        each=event.each,
        where=status.is_not_null() & (event.is_sound | (status == "opt_out")),
        channel=pl.when(is_answer)
        .then(event.kind)
        .when(status == "opt_out")
        .then(pl.lit("all"))
        .otherwise(pl.lit("email")),
        purpose=pl.lit("marketing"),
        status=status,
        status_raw=first_given(event.action, event.data("consent")),
        effective_at=moment(event.stated_time),
        consent_source=pl.lit("event"),
    )


def content_id(*parts: pl.Expr) -> pl.Expr:
    """Id of a row that its vendor gives none, such that the same reported again has the same."""
    return pl.concat_str([pl.lit("content:"), *(part.fill_null("") for part in parts)], separator="|")


def loyalty_delta(event: EventFields) -> pl.Expr:
    """Points the event added, or took away where its action says so, whatever sign they came with."""
    change = event.data("loyalty_change_in_points")
    bare = change.str.strip_chars().str.strip_prefix("-").str.strip_prefix("+")
    return (
        pl.when(event.deed == "points_removed")
        .then(pl.concat_str(pl.lit("-"), bare))
        .when(event.deed == "points_added")
        .then(bare)
    )


def order_columns(order: Callable[[str], pl.Expr]) -> dict[str, Value]:
    """What an order says of itself, whatever it came in."""
    return {
        "source_order_id": order("order_id"),
        "currency": order("currency"),
        "subtotal": order("subtotal"),
        "discount_total": absolute(order("discount")),
        "shipping_total": order("shipping"),
        "tax_total": order("tax"),
        "total": order("total"),
        "coupon_codes": pl.when(given(order("coupon_code"))).then(pl.concat_list(order("coupon_code"))),
    }


def adjustment_rows(event: EventFields) -> Rows:
    """A refund, return or cancellation: what it takes back, whatever its sign."""
    total, subtotal = event.change("total"), event.change("subtotal")
    amount = first_given(total, subtotal)
    own_id = content_id(
        order_key(event.order("order_id")),
        event.deed,
        event.at_time,
        money(amount).abs().cast(pl.String),
        event.line_key,
    )
    return rows(
        "order_adjustments",
        each=event.each,
        where=event.is_sound & event.is_amount_sound & event.is_order(*TAKEN_BACK),
        source_order_id=event.order("order_id"),
        order_match_key=event.order("order_id"),
        adjustment_id=pl.when(given(event.order("order_id"))).then(own_id),
        action=event.deed,
        amount_kind=pl.lit("delta"),
        currency=event.order("currency"),
        amount=absolute(amount),
        subtotal_amount=absolute(subtotal),
        occurred_at=moment(event.stated_time),
    )


def line_rows(
    each: str | None,
    where: pl.Expr | None,
    line: Callable[[str], pl.Expr],
    order: Callable[[str], pl.Expr],
) -> Rows:
    """Lines of an order: the elements of its list, or the record itself."""
    price, quantity, discount, subtotal = (line(name) for name in ("price", "quantity", "discount", "subtotal"))
    return rows(
        "order_lines",
        each=each,
        where=where,
        source_order_id=order("order_id"),
        line_no=Typed(pl.col("position")),
        product_id=line("product_id"),
        sku=line("sku"),
        title=line("name"),
        quantity=quantity,
        unit_price=price,
        discount=absolute(line_discount(price, quantity, discount, subtotal)),
        subtotal=subtotal,
        total=line_total(price, quantity, discount, subtotal),
        currency=order("currency"),
    )


# Those of a refund or return are what was taken back.
json_event_lines = (
    line_rows(
        "data.order.items",
        json_event.is_order(*ORDER_ACTIONS) & given(json_event.order("order_id")),
        item,
        json_event.order,
    ),
    line_rows(
        None,
        json_event.is_order(*ORDER_ACTIONS)
        & given(json_event.order("order_id"))
        & ~filled(at("data.order.items"))
        & given(at("data.product_id")),
        lambda name: at(f"data.{name}") if name in EVENT_FIELDS else NONE,
        json_event.order,
    ),
)
is_nested_order = nested_event.is_order(*ORDER_ACTIONS) & given(nested_order("order_id"))
nested_event_lines = (
    line_rows("order.items", is_nested_order, item, nested_order),
    line_rows("data.order.items", is_nested_order & ~filled(at("order.items")), item, nested_order),
    line_rows(
        None,
        is_nested_order
        & ~filled(at("order.items"))
        & ~filled(at("data.order.items"))
        & given(nested_data("product_id")),
        lambda name: nested_data(name) if name in EVENT_FIELDS else at(f"product.{name}"),
        nested_order,
    ),
)
flat_event_lines = line_rows(
    None,
    flat_event.is_order(*ORDER_ACTIONS) & given(flat_event.order("order_id")) & given(flat_field("product_id")),
    lambda name: flat_field(name) if name in EVENT_FIELDS else cell(f"product.{name}"),
    flat_event.order,
)

# -- lists and segments ----------------------------------------------------------------------------------------------


def membership_rows(
    *, list_id: pl.Expr, state: pl.Expr, since: pl.Expr, where: pl.Expr, each: str | None = None, name: pl.Expr = NONE
) -> tuple[Rows, Rows]:
    """A subscription to a list: membership, and consent for that list where an e-mail address carries it."""
    is_known = where & state.is_not_null()
    address = pl.col("first:email") if each is None else NONE
    return (
        rows(
            "segment_memberships",
            each=each,
            where=is_known,
            segment_id=list_id,
            segment_name=name,
            kind=pl.lit("subscription_list"),
            state=state,
            observed_at=moment(since),
            is_full_snapshot=Typed(pl.lit(value=False)),
        ),
        rows(
            "customer_consents",
            each=each,
            where=is_known & given(address) if each is None else is_known,
            id_type=pl.when(given(address)).then(pl.lit("email")),
            id_value=address,
            channel=pl.lit("email"),
            purpose=pl.concat_str(pl.lit("list:"), list_id.str.strip_chars()),
            status=lookup(state, SUBSCRIPTION_CONSENT),
            status_raw=state,
            effective_at=moment(since),
            consent_source=pl.lit("list"),
        ),
    )
