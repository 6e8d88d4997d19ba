"""What an opt-in or opt-out says, however it is wrapped."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
    given,
    item,
)
from orchestration.mapping.selects import (
    IssueRule,
    Rows,
    rows,
)
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import (
    consent_said,
    is_no,
    is_plain_no,
)
from orchestration.vendors.omnisend.events import OPTED

says_something = pl.any_horizontal([given(item(name)) for name in OPTED])


def listed_channels(expr: pl.Expr) -> pl.Expr:
    """Channels of a list of {channel, …}, as text between commas."""
    return between_commas(expr.list.eval(pl.element().struct.field("channel")))


def between_commas(words: pl.Expr) -> pl.Expr:
    return pl.concat_str(
        pl.lit(","), words.list.drop_nulls().list.join(",").str.to_lowercase().fill_null(""), pl.lit(",")
    )


def _is_unreported(channel: pl.Expr, reported: pl.Expr) -> pl.Expr:
    return ~reported.str.contains(
        pl.concat_str(pl.lit(","), channel.str.strip_chars().str.to_lowercase(), pl.lit(",")), literal=True
    ).fill_null(value=False)


def channel(status: pl.Expr) -> pl.Expr:
    """The channel that an element names; a no that names none is a no to all."""
    return first_given(
        pl.when(consent_said(item("channel")).is_null()).then(item("channel")),
        pl.when(status == "opt_out").then(pl.lit("all")),
    )


def _meant(status: str) -> pl.Expr:
    """What an element of opt-ins or opt-outs says, where the place of its channel may hold a yes or no: a no among the
    opt-ins is one."""
    return (
        pl.lit(status)
        if status == "opt_out"
        else pl.when(is_no(item("channel"))).then(pl.lit("opt_out")).otherwise(pl.lit(status))
    )


def _says_nothing(status: str) -> pl.Expr:
    """A yes or no in the place of a channel that makes no statement: a yes to nothing in particular, or no opt-out."""
    channel = item("channel")
    return is_plain_no(channel) if status == "opt_out" else (consent_said(channel) == "opt_in").fill_null(value=False)


def opted_issues(path: str, status: str) -> IssueRule:
    return IssueRule(f"{path}[].channel", item("channel"), _says_nothing(status), path)


def opted(
    path: str, status: str, *, where: pl.Expr | None = None, since: tuple[pl.Expr, ...] = (), **more: pl.Expr
) -> Rows:
    """Yes or no to the channel each element of a list names."""
    return rows(
        "customer_consents",
        each=path,
        where=(says_something if where is None else where) & ~_says_nothing(status),
        channel=channel(_meant(status)),
        purpose=pl.lit("marketing"),
        status=_meant(status),
        effective_at=time(
            *(since or (item("date"), item("createdAt"), item("optInAt"), item("optOutAt"))), else_export_date=True
        ),
        **more,
    )


# One subscription stands in `optIns` and, with where it was given, in `consents`: of two that are dated the latter
# counts. A consent that names no channel is none to any, and its proof is kept.
dated_consents = at("contact.consents").list.eval(pl.element().filter(given(pl.element().struct.field("createdAt"))))
event_consents = (
    opted(
        "contact.optIns",
        "opt_in",
        where=given(item("channel")) & _is_unreported(item("channel"), listed_channels(dated_consents)),
    ),
    opted("contact.optOuts", "opt_out"),
    opted(
        "contact.consents",
        "opt_in",
        where=~given(item("channel"))
        | (
            (given(item("createdAt")) | _is_unreported(item("channel"), listed_channels(at("contact.optIns"))))
            & _is_unreported(item("channel"), listed_channels(at("contact.optOuts")))
        ),
        since=(item("createdAt"),),
        consent_source=item("source"),
        ip=item("ip"),
        user_agent=item("userAgent"),
    ),
)
event_tags = rows(
    "segment_memberships",
    each="contact.tags",
    where=given(item()),
    segment_id=item().str.strip_chars().str.to_lowercase(),
    segment_name=item().str.strip_chars(),
    kind=pl.lit("tag"),
    state=pl.lit("member"),
    observed_at=time(at("eventTime"), else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=False)),
)
