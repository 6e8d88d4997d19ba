"""Consents by channel and purpose, and how a record names its person."""

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from orchestration.mapping.consent_words import CONSENT_WORDS
from orchestration.mapping.expressions import (
    at,
    email_address,
    first_given,
    given,
    item,
    pairs,
    phone_number,
    shared,
)
from orchestration.mapping.record_schema import SCALAR, TEXT
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    IssueRule,
    Rows,
    no_agreement,
    no_refusal,
    rows,
    unknown_word,
)
from orchestration.mapping.values import Typed, Value, time
from orchestration.mapping.words import (
    consent_said,
    consent_word,
    is_no,
    is_no_last,
    no_since,
    translated,
    word,
    yes_since,
)
from orchestration.parsing import ids
from orchestration.vendors.ometria.words import CHANNELS, EMPTY


def keyed_by_person(record_id: pl.Expr, phone: pl.Expr, country: pl.Expr) -> pl.Expr:
    """The record's own id, else the first identifier of the person in the order in which Ometria merges."""
    return pl.coalesce(
        ids.identifier(record_id, "profile_id"),
        pl.concat_str(pl.lit("customer_id:"), ids.identifier(at("customer_id"), "customer_id")),
        pl.concat_str(pl.lit("email:"), email_address(at("email"))),
        pl.concat_str(pl.lit("phone:"), phone_number(phone, country)),
    )


# -- consent ---------------------------------------------------------------------------------------------------------


def consent_rows(
    *,
    yes: pl.Expr,
    no: pl.Expr,
    known_since: pl.Expr = EMPTY,
    changed: pl.Expr = EMPTY,
    forced: pl.Expr = EMPTY,
    allowed: pl.Expr = EMPTY,
    says_unknown: bool = True,
) -> tuple[Rows, Rows, Rows]:
    """Consent to mail: a row per date, and one for the word where the dates do not say the same.

    A word without a date holds since the record last changed, a no of today at least since the yes beside it; that
    nothing is known holds since the person is known. `allowed` is since when the channel is allowed, where the record has
    that too.
    """
    # The shop connectors say true and false: false is everybody who is not on the shop's newsletter.
    stated = consent_said(at("marketing_optin"))
    is_definite = stated.is_not_null()
    yes, no = yes_since(yes), no_since(no, yes)
    is_no_latest = shared(is_no_last(no, yes))
    dated = pl.when(is_no_latest).then(pl.lit("opt_out")).when(given(yes)).then(pl.lit("opt_in"))
    is_news = is_definite & (dated.is_null() | (dated != stated))
    is_unknown = ~is_definite & dated.is_null() & (pl.lit(says_unknown) | given(at("marketing_optin")))

    refused_today = pl.when(stated == "opt_out")

    def dated_row(since: pl.Expr, status: str, *after: pl.Expr) -> Rows:
        is_of_word = (stated == status) | ~is_definite
        return rows(
            "customer_consents",
            where=given(since),
            channel=pl.lit("email"),
            purpose=pl.lit("marketing"),
            status=pl.lit(status),
            status_raw=pl.when(is_of_word).then(at("marketing_optin")),
            is_forced=pl.when(is_of_word).then(forced),
            effective_at=time(since, else_export_date=True, not_before=after),
        )

    word_row = rows(
        "customer_consents",
        where=is_news | is_unknown,
        channel=pl.lit("email"),
        purpose=pl.lit("marketing"),
        status=stated.fill_null("unknown"),
        status_raw=at("marketing_optin"),
        is_forced=forced,
        effective_at=time(
            pl.when(is_definite).then(changed).otherwise(known_since),
            else_export_date=True,
            is_inferred=pl.lit(value=True),
            not_before=(refused_today.then(yes), refused_today.then(allowed)),
        ),
    )
    no_row = dated_row(
        no, "opt_out", pl.when(is_no_latest).then(yes), refused_today.then(pl.when(is_no_latest).then(allowed))
    )
    return dated_row(yes, "opt_in"), no_row, word_row


CHANNEL = {
    "allow_marketing": consented(SCALAR),
    "allow_transactional": replace(consented(SCALAR), stands_alone=False),
    "dt_updated_marketing": TEXT,
    "dt_updated_transactional": TEXT,
}
CHANNEL_CELLS = {f"channels.{channel}.{field}": leaf for channel in CHANNELS for field, leaf in CHANNEL.items()}
CHANNEL_CELLS |= {f"channels.{channel}": consented(SCALAR) for channel in CHANNELS}
PURPOSES = ("marketing", "transactional")


def _allowed(
    purpose: str,
    channel: Value,
    read: Callable[[str], pl.Expr],
    each: str | None = None,
    changed: pl.Expr = EMPTY,
    agreed: pl.Expr = EMPTY,
) -> Rows:
    """Whether a channel may be used for the purpose: a yes or no with the time of its last change, where that is
    stated; a no of today holds at least since what the record has `agreed` to for the channel."""
    stated, since = read(f"allow_{purpose}"), read(f"dt_updated_{purpose}")
    return rows(
        "customer_consents",
        each=each,
        where=given(stated),
        channel=channel,
        purpose=pl.lit(purpose),
        status=consent_word(stated),
        status_raw=stated,
        effective_at=time(
            since,
            changed,
            else_export_date=True,
            is_inferred=~given(since),
            not_before=(pl.when(is_no(stated)).then(yes_since(agreed)),) if purpose == "marketing" else (),
        ),
    )


def channel_rows(changed: pl.Expr = EMPTY, *, agreed: pl.Expr) -> tuple[Rows, ...]:
    """Consent by channel, as `channels` of a profile or contact states it; to mail it was `agreed` apart from that."""
    key = item("key")
    of_mail = pl.when(translated(key, CHANNELS).fill_null("all").is_in(["email", "all"])).then(agreed)
    return tuple(
        _allowed(purpose, word(key, CHANNELS), lambda name: item(f"value.{name}"), pairs("channels"), changed, of_mail)
        for purpose in PURPOSES
    )


def mail_allowed_since() -> pl.Expr:
    """Since when `channels` allow marketing by mail."""
    value = pl.element().struct.field("value").struct
    is_it = translated(pl.element().struct.field("key"), CHANNELS) == "email"
    allows = consent_said(value.field("allow_marketing")) == "opt_in"
    dates = pl.col(pairs("channels")).list.eval(pl.when(is_it & allows).then(value.field("dt_updated_marketing")))
    return dates.list.drop_nulls().list.first()


def mail_allowed_since_in_cells() -> pl.Expr:
    """The same of a flat record."""
    stated = first_given(at("channels.email.allow_marketing"), at("channels.email"))
    return pl.when(consent_said(stated) == "opt_in").then(at("channels.email.dt_updated_marketing"))


def channel_cell_rows(changed: pl.Expr = EMPTY, *, agreed: pl.Expr) -> tuple[Rows, ...]:
    """The same of a flat record."""

    def cell(channel: str, name: str) -> pl.Expr:
        stated = at(f"channels.{channel}.{name}")
        return first_given(stated, at(f"channels.{channel}")) if name == "allow_marketing" else stated

    return tuple(
        _allowed(
            purpose,
            pl.lit(ours),
            lambda name, channel=channel: cell(channel, name),
            changed=changed,
            agreed=agreed if ours in ("email", "all") else EMPTY,
        )
        for channel, ours in CHANNELS.items()
        for purpose in PURPOSES
    )


def consent_issues(agreed: str, refused: str) -> tuple[IssueRule, ...]:
    """Words of consent that are none, `agreed` and `refused` being the fields of the times of a yes and of a no."""
    stated = at("marketing_optin")
    return (
        unknown_word("marketing_optin", stated, CONSENT_WORDS),
        no_agreement(agreed, at(agreed)),
        no_refusal(refused, at(refused)),
    )


# -- segments --------------------------------------------------------------------------------------------------------


def nobody(kind: str, where: pl.Expr) -> Rows:
    """The field was delivered and names no segment of the kind: what was a stay has ended."""
    return rows(
        "segment_memberships",
        where=where,
        kind=pl.lit(kind),
        state=pl.lit("none"),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )


def names_no_list(word: str) -> pl.Expr:
    names = (
        at("lists")
        .list.eval(pl.element().struct.field("type").str.strip_chars().str.to_uppercase() == word)
        .list.any()
        .fill_null(value=False)
    )
    return at("lists").is_not_null() & ~names
