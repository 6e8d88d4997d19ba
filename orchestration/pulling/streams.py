"""What can be pulled: for every stream of a vendor the endpoint, its kind of paging, its filter and its fields, as the
vendors document them.

How a kind of paging goes on is decided in `paging.py`; a stream that is missing here has no endpoint that lists it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

Kind = Literal["once", "offset", "page", "cursor", "date"]
Params = Mapping[str, str | int]


@dataclass(frozen=True)
class Listing:
    """An endpoint that lists records, a page at a time.

    `rows` are the keys under which they may stand, if the page is no bare array. `since` is the parameter that leaves
    out what did not change after a time; `updated` are the fields that hold that time, the first that is filled.
    `fixed` goes with every request, `first` with the first only. `newest_first` says that a walk may stop at the first
    record that was seen before. One that `slides` has numbered pages in an order nobody promises: what goes or moves
    while one reads shifts others over the border between two pages. A listing `of_people` can show who is gone.
    """

    path: str
    kind: Kind
    rows: tuple[str, ...] = ()
    page_size: int = 0
    page_size_name: str = "limit"
    since: str | None = None
    since_format: Literal["instant", "day"] = "instant"
    until: str | None = None
    updated: tuple[str, ...] = ()
    overlap: timedelta = timedelta(minutes=15)
    fixed: Params = field(default_factory=dict)
    first: Params = field(default_factory=dict)
    most_pages: int | None = None
    newest_first: bool = False
    slides: bool = False
    of_people: bool = False
    parts: str | None = None


@dataclass(frozen=True)
class Export:
    """A job that lays files out: where it is started and asked after, with what body, and what its words mean."""

    path: str
    parts: str | None
    body: Mapping[str, object]
    busy: Mapping[int, float]
    state: str
    done: str
    working: tuple[str, ...]
    files: tuple[str, ...]
    most_seconds: float = 3600


DAY = timedelta(days=1)


def _voucherify(path: str, rows: tuple[str, ...], **facts: Any) -> Listing:
    return Listing(f"/v1/{path}", rows=rows, page_size=100, **facts)


def _open_delivery(path: str, **facts: Any) -> Listing:
    return Listing(
        f"/{path}", "page", rows=("items", path), page_size=500, page_size_name="pageSize", slides=True, **facts
    )


def _ometria(path: str, **facts: Any) -> Listing:
    return Listing(f"/v2/{path}", "offset", page_size=250, overlap=DAY, **facts)


LISTINGS: dict[tuple[str, str], Listing] = {
    # Profiles have no time of their change: the mark is the vendor's clock.
    ("ometria", "profiles"): _ometria("profiles/", since="updateSince", since_format="day", of_people=True),
    ("ometria", "contacts"): _ometria("contacts/{part}", parts="collections"),
    ("ometria", "orders"): _ometria("orders"),
    ("ometria", "custom_events"): _ometria("custom_events"),
    ("ometria", "lists"): Listing("/v2/lists", "once", fixed={"mode": "all"}),
    ("ometria", "unsubscribes"): Listing("/v2/unsubscribes", "once"),
    ("omnisend", "contacts"): Listing(
        "/contacts",
        "cursor",
        rows=("contacts",),
        page_size=250,
        since="updatedAtFrom",
        updated=("updatedAt",),
        first={"sort": "updatedAt", "direction": "asc"},
        of_people=True,
    ),
    ("open_delivery", "customers"): _open_delivery(
        "customers", since="updatedFrom", until="updatedTo", updated=("updatedAt",), of_people=True
    ),
    ("open_delivery", "leads"): _open_delivery(
        "leads", since="updatedFrom", until="updatedTo", updated=("updatedAt",), of_people=True
    ),
    ("open_delivery", "orders"): _open_delivery(
        "orders", since="updatedFrom", until="updatedTo", updated=("updatedAt",)
    ),
    # Found by the day they were written only: one that is edited within a month is read again.
    ("open_delivery", "reviews"): _open_delivery(
        "reviews", since="createdFrom", until="createdTo", updated=("createdAt",), overlap=30 * DAY
    ),
    ("voucherify", "customers"): _voucherify(
        "customers",
        ("customers",),
        kind="date",
        since="starting_after",
        updated=("updated_at", "created_at"),
        fixed={"order": "updated_at"},
        of_people=True,
    ),
    ("voucherify", "orders"): _voucherify(
        "orders",
        ("orders",),
        kind="page",
        updated=("updated_at", "created_at"),
        fixed={"order": "-updated_at"},
        most_pages=100,
        newest_first=True,
    ),
    ("voucherify", "redemptions"): _voucherify(
        "redemptions",
        ("redemptions",),
        kind="page",
        since="created_at[after]",
        updated=("created_at",),
        fixed={"order": "created_at"},
        most_pages=99,
    ),
    ("voucherify", "segments"): _voucherify("segments", ("data", "segments"), kind="once"),
}

EXPORTS: dict[tuple[str, str], Export] = {
    ("optimizely", "segments"): Export(
        "/v3/export-segment-members",
        parts="segments",
        body={"select": {"segments": ["{part}"], "fields": ["*"], "maxDelay": "PT1H"}},
        # Says that the same is being exported already.
        busy={422: 120.0},
        state="state",
        done="completed",
        working=("pending", "running"),
        files=("presignedUrls",),
    ),
}

NOT_LISTED: dict[tuple[str, str], str] = {
    ("omnisend", "orders"): "the vendor's current API lists contacts only",
    ("omnisend", "events"): "the vendor's current API lists contacts only",
    ("open_delivery", "events"): "events come as webhooks",
    (
        "optimizely",
        "customers",
    ): "its exports lie in the vendor's S3, which needs keys of its own; copy them into the landing zone",
}


def of_vendor(vendor: str) -> list[str]:
    """Streams of the vendor that can be pulled."""
    return sorted(stream for source, stream in (*LISTINGS, *EXPORTS) if source == vendor)
