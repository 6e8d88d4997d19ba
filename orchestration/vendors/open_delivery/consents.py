"""Consents, as each version of the protocol states them."""

from collections.abc import Callable
from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
    lookup,
    shared,
)
from orchestration.mapping.record_schema import TEXT
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import (
    IssueRule,
    Rows,
    no_agreement,
    no_refusal,
    rows,
)
from orchestration.mapping.values import Time, time
from orchestration.mapping.words import consent_word, is_no, last_time, no_since, yes_since
from orchestration.parsing.text import clean
from orchestration.vendors.open_delivery.identifiers import CHANNELS, nothing

CONSENT = {
    "purpose": TEXT,
    "channel": TEXT,
    "status": consented(TEXT),
    "source": TEXT,
    "grantedAt": TEXT,
    "revokedAt": TEXT,
}


def consent(
    channel: pl.Expr,
    purpose: pl.Expr,
    status: pl.Expr,
    since: Time,
    *,
    reported_by: pl.Expr | None = None,
    each: str | None = None,
    where: pl.Expr | None = None,
) -> Rows:
    """One statement of consent; a channel that is not named means all."""
    stated = channel.str.strip_chars().str.to_lowercase()
    return rows(
        "customer_consents",
        each=each,
        where=where,
        channel=pl.when(given(channel)).then(lookup(stated, CHANNELS, stated)).otherwise(pl.lit("all")),
        purpose=first_given(clean(purpose).str.to_lowercase(), pl.lit("marketing")),
        # A legal basis lets one be served, it is not a yes to advertising.
        status=consent_word(status, legal_consent="unknown"),
        status_raw=status,
        effective_at=since,
        consent_source=nothing if reported_by is None else reported_by,
    )


def since(*stated: pl.Expr, changed: pl.Expr = nothing, after: tuple[pl.Expr, ...] = ()) -> Time:
    """A stated time, else, inferred, that of the record's last change; what holds came `after` others."""
    return time(
        *stated,
        changed,
        else_export_date=True,
        is_inferred=~pl.any_horizontal(map(given, stated)),
        not_before=after,
    )


def stated_consents(
    field: Callable[[str], pl.Expr],
    *,
    each: str | None,
    reported_at: pl.Expr = nothing,
    changed: pl.Expr = nothing,
    agreed: tuple[pl.Expr, ...] = (),
) -> tuple[Rows, Rows]:
    """What a consent reports: its state, and the other change where it has the times of both.

    Without a word the times decide: what was revoked is taken back. What was taken back had been given, and before, so
    that the time of the yes is never the no's; and a time of revocation beside a yes is a no of its day, which a later
    yes supersedes. `reported_at` is when an event reports it, `changed` when the record last changed; a no without a
    time came after all that the record has `agreed` to.
    """
    granted, revoked = shared(yes_since(field("grantedAt"))), shared(no_since(field("revokedAt"), field("grantedAt")))
    stated = field("status")
    by_time = pl.when(given(revoked)).then(pl.lit("revoked")).when(given(granted)).then(pl.lit("opt_in"))
    status = shared(pl.when(given(stated)).then(stated).otherwise(by_time))
    is_taken_back = shared(is_no(status))
    is_other_reported = pl.when(is_taken_back).then(given(granted) & given(revoked)).otherwise(given(revoked))
    of_both: dict[str, Any] = {"reported_by": field("source"), "each": each}
    channel, purpose = field("channel"), field("purpose")
    moment = since(
        pl.when(is_taken_back).then(revoked).otherwise(granted),
        reported_at,
        changed=pl.when(is_taken_back).then(changed),
        after=(
            pl.when(is_taken_back).then(granted),
            *(pl.when(is_taken_back & ~given(revoked)).then(earlier) for earlier in agreed),
        ),
    )
    other = pl.when(is_taken_back).then(pl.lit("opt_in")).otherwise(pl.lit("revoked"))
    other_moment = since(pl.when(is_taken_back).then(granted).otherwise(revoked))
    return (
        consent(channel, purpose, status, moment, where=given(status) if each is None else None, **of_both),
        consent(channel, purpose, other, other_moment, where=is_other_reported, **of_both),
    )


def agreed_last(consents: pl.Expr) -> pl.Expr:
    """The latest time of a yes in a list of consents."""
    field = pl.element().struct.field
    return last_time(consents.list.eval(pl.when(~is_no(field("status"))).then(yes_since(field("grantedAt")))))


def consent_issues(*bodies: str) -> tuple[IssueRule, ...]:
    """Logs what says nothing in the time of a yes or a no as an issue, in the consents and the consent under each."""
    fields = (("grantedAt", no_agreement), ("revokedAt", no_refusal))
    lists = tuple(
        rule(f"{body}consents[].{name}", item(name), f"{body}consents") for body in bodies for name, rule in fields
    )
    return lists + tuple(
        rule(f"{body}consent.{name}", at(f"{body}consent.{name}")) for body in bodies if body for name, rule in fields
    )
