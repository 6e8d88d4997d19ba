"""One walk over a listing: from where it stands to its end, a page at a time, and what may be concluded when it ended.

After every page the walk log says where to go on, so that a walk that was killed continues. The mark moves, and a
delivery is called full, only when a walk ended; the rules stand in `_finish`.
"""

from datetime import UTC, date, datetime, time, timedelta

from orchestration.config.settings import Settings
from orchestration.network.client import Answer, Client, RefusedError
from orchestration.pulling import landing, paging, walk_log
from orchestration.pulling.configuration import Unit
from orchestration.pulling.streams import Listing
from orchestration.pulling.walk_log import Walk, WalkLog
from orchestration.runtime.failpoints import pass_point

# A cursor does not live for ever, and what is read later belongs to a later export date.
RESUMABLE = timedelta(hours=24)
MOST_PASSES = 4
MOST_RESTARTS = 2
FUTURE = timedelta(days=1)


def begin(settings: Settings, unit: Unit, log: WalkLog, *, since: date | None, full: bool) -> Walk:
    """The walk that was interrupted, if it is what is asked for and is not too old; else a new one, from the mark on or
    over everything."""
    now = walk_log.now()
    walk = log.walk
    if walk and (walk.asked_since, walk.asked_full) == (since, full) and timedelta() <= now - walk.began_at < RESUMABLE:
        return walk
    if walk:
        landing.sweep(landing.folder_of(settings, unit, walk))
    first = datetime.combine(since, time(), settings.reporting_zone).astimezone(UTC) if since else None
    start = _start(unit, log, since=first, full=full, now=now)
    listing = unit.facts
    begun = Walk(
        began_at=now,
        since=start,
        covers=start is None or (log.mark is not None and start <= log.mark),
        asked_since=since,
        asked_full=full,
        position={},
    )
    while landing.folder_of(settings, unit, begun).exists():
        begun.began_at += timedelta(seconds=1)  # that of a walk that was just before
    if isinstance(listing, Listing):
        begun.position = paging.first(listing, start, unit.period, begun.began_at)
    return begun


def walk(settings: Settings, client: Client, unit: Unit, log: WalkLog) -> Walk:
    """Goes on with the walk of the log until it ends; returns what it was."""
    current, listing = log.walk, unit.facts
    assert current is not None and isinstance(listing, Listing)
    folder = landing.folder_of(settings, unit, current)
    while current.position is not None:
        answer = _asked(settings, client, unit, log)
        if answer is not None:
            _land(settings, unit, log, answer)
    landing.sweep(folder)
    _finish(settings, unit, log)
    return current


def _start(unit: Unit, log: WalkLog, *, since: datetime | None, full: bool, now: datetime) -> datetime | None:
    """From when on changes are asked for; None for everything."""
    listing = unit.facts
    can_filter = isinstance(listing, Listing) and (listing.since is not None or listing.newest_first)
    if since and can_filter:
        return since
    is_due = log.whole_at is None or now - log.whole_at >= unit.full_every
    if full or not can_filter or log.mark is None or (is_due and _is_ever_full(unit)):
        return None
    assert isinstance(listing, Listing)
    return log.mark - listing.overlap


def _is_ever_full(unit: Unit) -> bool:
    """A walk over everything shows who is gone; of a part of a stream, or of what is never gone, it shows nothing
    new."""
    return isinstance(unit.facts, Listing) and unit.facts.of_people and unit.part is None


def _asked(settings: Settings, client: Client, unit: Unit, log: WalkLog) -> Answer | None:
    """The next page; None if its cursor has gone bad and the walk begins again."""
    current, listing = log.walk, unit.facts
    assert current is not None and current.position is not None and isinstance(listing, Listing)
    path = listing.path.format(part=unit.part)
    try:
        return client.get(path, _params(unit, listing, current))
    except RefusedError as error:
        if error.status != 400 or "after" not in current.position or current.restarts >= MOST_RESTARTS:
            raise
    current.position = paging.first(listing, current.since, unit.period, current.began_at)
    current.restarts += 1
    walk_log.save(settings, unit, log)
    return None


def _params(unit: Unit, listing: Listing, current: Walk) -> dict[str, str | int]:
    position = current.position or {}
    size = {listing.page_size_name: listing.page_size} if listing.page_size else {}
    is_first = position == paging.first(listing, current.since, unit.period, current.began_at)
    return {**listing.fixed, **size, **(listing.first if is_first else {}), **position}


def _land(settings: Settings, unit: Unit, log: WalkLog, answer: Answer) -> None:
    """Lands a page, then notes where to go on."""
    current, listing = log.walk, unit.facts
    assert current is not None and current.position is not None and isinstance(listing, Listing)
    page = paging.read(listing, answer.json)
    folder = landing.folder_of(settings, unit, current)
    # Whoever is asked for the next page by its number, and knows no numbers, would be asked for ever.
    is_numbered = listing.kind in ("offset", "page") and current.passes == 1
    if is_numbered and page.rows and landing.is_page(folder, current.pages, answer.content):
        raise paging.circling()
    if current.passes == 1 or not landing.has_page(folder, answer.content):
        current.pages = landing.land_page(folder, current.pages + 1, answer.content)
        current.rows += len(page.rows)
    _note(listing, current, page, answer)
    step = paging.following(
        listing, current.position, page, since=current.since, period=unit.period, now=current.began_at
    )
    if step.gap and step.gap not in current.gaps:
        current.gaps.append(step.gap)
    current.position = step.position
    if step.position is None and listing.slides:
        _look_again(settings, unit, current)
    walk_log.save(settings, unit, log)
    pass_point("position_is_noted")


def _look_again(settings: Settings, unit: Unit, current: Walk) -> None:
    """Begins a further pass unless the last one found nothing that the others had missed, or could miss nothing: a
    single page cannot slide."""
    listing = unit.facts
    assert isinstance(listing, Listing)
    folder = landing.folder_of(settings, unit, current)
    is_first = current.passes == 1
    if current.requests_of_pass == 1 or (
        not is_first and not landing.were_missed(folder, listing, current.pages_before_pass, current.served_at)
    ):
        return
    if current.passes == MOST_PASSES:
        current.gaps.append("records moved whenever it was read, so that others may have slipped between two pages")
        return
    current.passes += 1
    current.requests_of_pass, current.pages_before_pass = 0, current.pages
    current.position = paging.first(listing, current.since, unit.period, current.began_at)


def _note(listing: Listing, current: Walk, page: paging.Page, answer: Answer) -> None:
    """What a page adds to the end of the walk."""
    current.requests_of_pass += 1
    current.served_at = current.served_at or answer.served_at
    current.total = page.total if current.total is None else current.total
    latest = (current.served_at or current.began_at) + FUTURE
    moments = [moment for row in page.rows if (moment := paging.updated_at(listing, row)) and moment <= latest]
    current.newest = max([*moments, *([current.newest] if current.newest else [])], default=None)


def _finish(settings: Settings, unit: Unit, log: WalkLog) -> None:
    """Moves the mark and calls the delivery full, each only where nothing can have been left out."""
    current, listing = log.walk, unit.facts
    assert current is not None and isinstance(listing, Listing)
    if not current.gaps or listing.newest_first:
        seen = _seen_up_to(listing, current)
        if current.covers and seen:
            log.mark = max(filter(None, (log.mark, seen)))
    if current.since is None and not current.gaps and _is_ever_full(unit):
        _conclude_whole(settings, unit, log)
    pass_point("before_the_end_is_noted")
    log.walk, log.finished_at = None, walk_log.now()
    walk_log.save(settings, unit, log)
    pass_point("end_is_noted")


def _seen_up_to(listing: Listing, current: Walk) -> datetime | None:
    """Up to when every change was seen: never later than the walk began by the vendor's clock, for what was read may
    have changed behind it."""
    if not listing.updated:
        return current.served_at
    return min(current.newest, current.served_at or current.began_at) if current.newest else None


def _conclude_whole(settings: Settings, unit: Unit, log: WalkLog) -> None:
    """A walk over everything is a full delivery if it holds as many records as the vendor says there are, or the same
    as the walk before."""
    current, listing = log.walk, unit.facts
    assert current is not None and isinstance(listing, Listing)
    folder = landing.folder_of(settings, unit, current)
    count, ids = landing.distinct(folder, listing)
    is_proven = count >= current.total if current.total is not None else ids == log.whole_ids
    log.whole_at, log.whole_rows, log.whole_ids = current.began_at, count, ids
    if is_proven and count and count >= unit.least_share * log.marked_rows:
        pass_point("before_the_full_marker")
        landing.mark_full(folder)
        log.marked_rows = count
