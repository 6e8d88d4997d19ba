"""How a walk over a listing goes on: one function per kind of paging. Pure: a page in, the parameters of the next
request out.

A position is the parameters that change from request to request; that is what makes a walk resumable.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.pulling.streams import Kind, Listing
from orchestration.runtime.errors import OperatorError

Position = dict[str, str | int]
# Rows that slide back over a border while one reads are met again in the next page, which begins so many earlier.
OFFSET_OVERLAP = 10
MILLISECOND = timedelta(milliseconds=1)
BEGINNING = "1970-01-01T00:00:00.000Z"


@dataclass(frozen=True)
class Page:
    """What a page says beside its records: how many there are in all, whether more follow, and where."""

    rows: list[Any]
    total: int | None = None
    has_more: bool | None = None
    size: int | None = None
    cursor: str | None = None


@dataclass(frozen=True)
class Step:
    """Where to go on, None at the end; `gap` says what may have been left out on the way."""

    position: Position | None
    gap: str = ""


class UnknownPageError(OperatorError):
    """A page that has another shape than the vendor documents."""


def read(listing: Listing, body: Any) -> Page:
    """The page in an answer's JSON."""
    if isinstance(body, list):
        return Page(body)
    rows = (
        next((body[name] for name in listing.rows if isinstance(body.get(name), list)), None)
        if isinstance(body, dict)
        else None
    )
    if rows is None:
        raise UnknownPageError(
            "The answer has another shape than the vendor documents.",
            remedy="Nothing of it was landed; please report it.",
        )
    paging = next((body[name] for name in ("paging", "pagination") if isinstance(body.get(name), dict)), body)
    cursors = paging.get("cursors")
    return Page(
        rows,
        total=_number(paging.get("total")),
        has_more=_flag(paging.get("has_more", paging.get("hasMore"))),
        size=_number(paging.get("pageSize")),
        cursor=cursors.get("after") if isinstance(cursors, dict) and isinstance(cursors.get("after"), str) else None,
    )


def first(listing: Listing, since: datetime | None, period: timedelta | None, now: datetime) -> Position:
    """Where a walk begins."""
    if listing.kind == "date":
        return {_since_name(listing): written(listing, since) if since else BEGINNING}
    if listing.until and since and period:
        return _window(listing, since, period, now)
    start: Position = {listing.since: written(listing, since)} if listing.since and since else {}
    return start | ({"page": 1} if listing.kind == "page" else {})


def following(
    listing: Listing, position: Position, page: Page, *, since: datetime | None, period: timedelta | None, now: datetime
) -> Step:
    """Where the walk goes on after this page."""
    step = _KINDS[listing.kind](listing, position, page, since)
    if step.position is None and listing.until and listing.until in position and period:
        border = parsed(position[listing.until])
        assert border is not None
        step = Step(_window(listing, border - timedelta(seconds=1), period, now), step.gap)
    if step.position == position:
        raise circling()
    return step


def circling() -> UnknownPageError:
    """What to say of a vendor that answers the same however far one is."""
    return UnknownPageError(
        "The vendor's pages go round in circles.", remedy="What was read is landed; please report it."
    )


def written(listing: Listing, moment: datetime) -> str:
    """A time as the vendor's filter takes it."""
    utc = moment.astimezone(UTC)
    return (
        utc.date().isoformat()
        if listing.since_format == "day"
        else f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"
    )


def updated_at(listing: Listing, row: Any) -> datetime | None:
    """When the vendor last changed a record, by its own word."""
    found = (parsed(row.get(name)) for name in listing.updated) if isinstance(row, dict) else iter(())
    return next((moment for moment in found if moment), None)


def parsed(text: object) -> datetime | None:
    """A time as vendors write it; None for anything else."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC) if moment and moment.year > 1 else None


def _once(listing: Listing, position: Position, page: Page, since: datetime | None) -> Step:
    return Step(None, "the vendor says that there is more, and not how to ask for it" if page.has_more else "")


def _by_offset(listing: Listing, position: Position, page: Page, since: datetime | None) -> Step:
    """Ends at an empty page only: a short one may be the vendor's own limit."""
    if not page.rows:
        return Step(None)
    step = len(page.rows) - (OFFSET_OVERLAP if len(page.rows) >= listing.page_size else 0)
    return Step(position | {"offset": int(position.get("offset", 0)) + step})


def _by_page(listing: Listing, position: Position, page: Page, since: datetime | None) -> Step:
    number = int(position["page"])
    if (
        not page.rows
        or _is_last_page(listing, number, page)
        or (listing.newest_first and _reaches(listing, page, since))
    ):
        return Step(None)
    if listing.most_pages is None or number < listing.most_pages:
        return Step(position | {"page": number + 1})
    if listing.newest_first:
        return Step(
            None, f"the vendor lists the newest {listing.most_pages * listing.page_size:,} only, and more have changed"
        )
    return Step(
        position | {_since_name(listing): written(listing, _last_moment(listing, page) - MILLISECOND), "page": 1}
    )


def _by_cursor(listing: Listing, position: Position, page: Page, since: datetime | None) -> Step:
    if page.has_more is False or page.cursor is None:
        return Step(None, "the vendor says that there is more, and not how to ask for it" if page.has_more else "")
    return Step(position | {"after": page.cursor})


def _by_date(listing: Listing, position: Position, page: Page, since: datetime | None) -> Step:
    """The next page begins a millisecond before this one ends: the vendor does not say whether its border counts."""
    is_last = page.has_more is False or (page.has_more is None and len(page.rows) < listing.page_size)
    if not page.rows or is_last:
        return Step(None)
    name = _since_name(listing)
    last = _last_moment(listing, page)
    here = parsed(position[name])
    if here is None or last - MILLISECOND > here:
        return Step(position | {name: written(listing, last - MILLISECOND)})
    return Step(
        position | {name: written(listing, max(last, here + MILLISECOND))},
        "more records than a page holds changed in one millisecond",
    )


_KINDS: Mapping[Kind, Callable[[Listing, Position, Page, datetime | None], Step]] = {
    "once": _once,
    "offset": _by_offset,
    "page": _by_page,
    "cursor": _by_cursor,
    "date": _by_date,
}


def _is_last_page(listing: Listing, number: int, page: Page) -> bool:
    if page.has_more is not None:
        return not page.has_more
    return page.total is not None and number * (page.size or listing.page_size) >= page.total


def _reaches(listing: Listing, page: Page, since: datetime | None) -> bool:
    """The page holds a record that had not changed since. One that never changed has no place in that order, whenever
    it was made."""
    moments = [moment for row in page.rows if isinstance(row, dict) and (moment := parsed(row.get(listing.updated[0])))]
    return since is not None and bool(moments) and min(moments) < since


def _last_moment(listing: Listing, page: Page) -> datetime:
    moments = [moment for row in page.rows if (moment := updated_at(listing, row))]
    if not moments:
        raise UnknownPageError(
            "The records do not say when they changed.", remedy="What was read is landed; please report it."
        )
    return max(moments)


def _window(listing: Listing, start: datetime, period: timedelta, now: datetime) -> Position:
    """A stretch of time that the vendor lets one ask for; the last one is open."""
    position: Position = {_since_name(listing): written(listing, start), "page": 1}
    assert listing.until is not None
    return position | ({listing.until: written(listing, start + period)} if start + period < now else {})


def _since_name(listing: Listing) -> str:
    assert listing.since is not None
    return listing.since


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None
