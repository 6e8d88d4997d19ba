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
from orchestration.mapping.values import time
from orchestration.mapping.words import consent_word, is_no, no_since, yes_since
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
    since: pl.Expr,
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
        effective_at=time(since, else_export_date=True),
        consent_source=nothing if reported_by is None else reported_by,
    )


def stated_consents(
    field: Callable[[str], pl.Expr], *, each: str | None, where: pl.Expr | None = None, since: pl.Expr | None = None
) -> tuple[Rows, Rows]:
    """What a consent reports: its state, and the other change where it has the times of both.

    Without a word the times decide: what was revoked is taken back. What was taken back had been given; and a time of
    revocation beside a yes is a no of its day, which a later yes supersedes.
    """
    granted, revoked = shared(yes_since(field("grantedAt"))), shared(no_since(field("revokedAt"), field("grantedAt")))
    stated = field("status")
    by_time = pl.when(given(revoked)).then(pl.lit("revoked")).when(given(granted)).then(pl.lit("opt_in"))
    status = shared(pl.when(given(stated)).then(stated).otherwise(by_time))
    is_taken_back = shared(is_no(status))
    is_other_reported = pl.when(is_taken_back).then(given(granted) & given(revoked)).otherwise(given(revoked))
    of_both: dict[str, Any] = {"reported_by": field("source"), "each": each}
    channel, purpose = field("channel"), field("purpose")
    moment = first_given(
        pl.when(is_taken_back).then(first_given(revoked, granted)).otherwise(granted),
        *(() if since is None else (since,)),
    )
    other = pl.when(is_taken_back).then(pl.lit("opt_in")).otherwise(pl.lit("revoked"))
    other_moment = pl.when(is_taken_back).then(granted).otherwise(revoked)
    is_one = given(status) if where is None else where & given(status)
    return (
        consent(channel, purpose, status, moment, where=is_one if each is None else where, **of_both),
        consent(
            channel,
            purpose,
            other,
            other_moment,
            where=is_other_reported if where is None else where & is_other_reported,
            **of_both,
        ),
    )


def consent_issues(*bodies: str) -> tuple[IssueRule, ...]:
    """Logs what says nothing in the time of a yes or a no as an issue, in the consents and the consent under each."""
    fields = (("grantedAt", no_agreement), ("revokedAt", no_refusal))
    lists = tuple(
        rule(f"{body}consents[].{name}", item(name), f"{body}consents") for body in bodies for name, rule in fields
    )
    return lists + tuple(
        rule(f"{body}consent.{name}", at(f"{body}consent.{name}")) for body in bodies if body for name, rule in fields
    )
