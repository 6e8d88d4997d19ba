"""What an opt-in, an opt-out or a status says, however it is wrapped."""

from collections.abc import Callable

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
from orchestration.mapping.values import Time, Typed, Word, time
from orchestration.mapping.words import (
    consent_said,
    is_no,
    is_plain_no,
    last_time,
    stated_time,
)
from orchestration.vendors.omnisend.events import CHANGE_TIMES, OPTED

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


def statement(
    channel: pl.Expr,
    status: Word | pl.Expr,
    status_raw: pl.Expr,
    effective_at: Time,
    where: pl.Expr,
    *,
    each: str | tuple[str, ...] | None = None,
    **more: pl.Expr,
) -> Rows:
    """What is said of marketing by a channel."""
    return rows(
        "customer_consents",
        each=each,
        where=where,
        channel=channel,
        purpose=pl.lit("marketing"),
        status=status,
        status_raw=status_raw,
        effective_at=effective_at,
        **more,
    )


def status_time(field: Callable[[str], pl.Expr], *agreed: pl.Expr, elsewhere: tuple[pl.Expr, ...] = ()) -> Time:
    """Since when a status holds; `agreed` are the times of agreement beside its own. A no has none of those for its
    time: it came after them, and without any time after those of a yes `elsewhere` in the record."""
    refuses = is_no(field("status"))
    changed = tuple(field(name) for name in CHANGE_TIMES)
    agreements = (field("optInAt"), *agreed)
    is_dated = pl.any_horizontal(given(stated) for stated in (field("optOutAt"), *changed))
    return time(
        pl.when(refuses).then(field("optOutAt")),
        *changed,
        *(pl.when(~refuses).then(agreement) for agreement in agreements),
        else_export_date=True,
        not_before=(
            *(pl.when(refuses).then(earlier) for earlier in (*changed, *agreements)),
            *(pl.when(refuses & ~is_dated).then(earlier) for earlier in elsewhere),
        ),
    )


def agreed_last(statuses: pl.Expr, status: pl.Expr) -> pl.Expr:
    """The latest time of a yes in a list of statuses; `status` is the element's object."""
    field = status.struct.field
    since = first_given(*(field(name) for name in (*CHANGE_TIMES, "optInAt")))
    return last_time(statuses.list.eval(pl.when(consent_said(field("status")) == "opt_in").then(since)))


def taken_back(field: Callable[[str], pl.Expr]) -> pl.Expr:
    """A time of opting out stands beside a status that is no refusal."""
    return given(stated_time(field("optOutAt"))) & ~is_no(field("status"))


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
    path: str,
    status: str,
    *,
    where: pl.Expr | None = None,
    since: tuple[pl.Expr, ...] = (),
    elsewhere: tuple[pl.Expr, ...] = (),
    **more: pl.Expr,
) -> Rows:
    """Yes or no to the channel each element of a list names; a no has no time of agreement for its own, and without any
    came after a yes `elsewhere` in the record."""
    meant = _meant(status)
    refuses = meant == "opt_out"
    is_dated = pl.any_horizontal(given(item(name)) for name in ("date", "createdAt", "optOutAt"))
    return rows(
        "customer_consents",
        each=path,
        where=(says_something if where is None else where) & ~_says_nothing(status),
        channel=channel(meant),
        purpose=pl.lit("marketing"),
        status=meant,
        effective_at=time(
            *(
                since
                or (
                    pl.when(refuses).then(item("optOutAt")),
                    item("date"),
                    item("createdAt"),
                    pl.when(~refuses).then(item("optInAt")),
                )
            ),
            else_export_date=True,
            not_before=()
            if since
            else (
                pl.when(refuses).then(item("optInAt")),
                *(pl.when(refuses & ~is_dated).then(earlier) for earlier in elsewhere),
            ),
        ),
        **more,
    )


def opted_out_again(path: str) -> Rows:
    """A time of opting out among the opt-ins is a no of its day."""
    return opted(path, "opt_out", where=given(stated_time(item("optOutAt"))), since=(item("optOutAt"),))


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
    opted_out_again("contact.optIns"),
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
