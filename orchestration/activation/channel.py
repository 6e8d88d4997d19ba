"""The form every channel has: what a vendor knows its records by, how a body of requests looks, and how much fits into
one.

No vendor is named here, and nothing is read or written.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal

from orchestration.activation.catalogue import SEGMENT, Kind, kind_of

Values = Mapping[str, Any]
Identity = Mapping[str, Any]
Purpose = Literal["profiles", "tags-add", "tags-remove", "optouts"]
NO_DAY = date(1970, 1, 1)
# What is sent where a value of ours holds no more: no vendor but ODP says in writing that null deletes.
CLEARED: dict[Kind, Any] = {
    "text": "",
    "number": 0,
    "count": 0,
    "flag": False,
    "time": datetime(1970, 1, 1, tzinfo=UTC),
    "date": NO_DAY,
}


@dataclass(frozen=True)
class Request:
    """Where the bodies of one kind are posted to, how much one may hold, and how often a second where that is rarer
    than all else at the vendor."""

    path: str
    most_records: int
    most_bytes: int
    method: str = "POST"
    record_bytes: int | None = None
    per_second: float | None = None


@dataclass(frozen=True)
class OptOut:
    """A no that was said elsewhere: channel, when it was said by its own time, to whom, and the address of that channel
    that the receiver holds."""

    channel: str
    said_at: datetime
    said_to: str
    address: str | None


@dataclass(frozen=True)
class Judged:
    """What a vendor says became of a body's records: codes of the reasons by the key of the record, and how many failed
    that it does not name."""

    failed: Mapping[str, str]
    unnamed: int = 0


@dataclass(frozen=True)
class Verdict:
    """How a vendor that takes bodies for later is asked what became of one: by the reference in its answer; None as
    long as it is at work."""

    reference: Callable[[Any], str | None]
    path: str
    judge: Callable[[Any], Judged | None]


def none_refused(answer: Any) -> int | None:
    """The answer of a vendor that says no more than that it has taken a body."""
    return 0 if isinstance(answer, dict) else None


@dataclass(frozen=True)
class Channel:
    """One vendor as a receiver.

    `identity_sql` is what the vendor already holds of its record, as a struct, `key_sql` what it knows the record
    by (null: nothing to write it by), and `several_sql` whether several people stand on that, all over `held`. `profile` makes a record of a body out of an identity and
    values; `body`, or that of the dialect that the configuration names, puts records into a request. Where segments are
    tags with requests of their own there are `tags`. `refused` is how many records an answer (null: an empty one) says
    were not taken; None if it is no answer that the vendor documents. The vendor takes so many names of values (`most_names`) and of tags
    of a record, and keeps names with `reserved_endings` for itself.
    """

    vendor: str
    title: str
    key_sql: str
    identity_sql: str
    several_sql: str
    profiles: Request
    profile: Callable[[Identity, Values], dict[str, Any]]
    body: Callable[[list[dict[str, Any]]], Any]
    time_kind: Literal["time", "date"] = "time"
    date_kind: Literal["time", "date"] = "date"
    sent_names: Mapping[str, str] = field(default_factory=dict)
    most_names: int | None = None
    most_tags: int | None = None
    reserved_endings: tuple[str, ...] = ()
    dialects: Mapping[str, Callable[[list[dict[str, Any]]], Any]] = field(default_factory=dict)
    tags: Request | None = None
    tag_body: Callable[[str, list[Identity]], Any] | None = None
    optouts: Request | None = None
    optout: Callable[[Identity, OptOut], dict[str, Any] | None] | None = None
    optout_body: Callable[[list[dict[str, Any]]], Any] | None = None
    verdict: Verdict | None = None
    refused: Callable[[Any], int | None] = none_refused
    erasure_hint: str = ""
    erasure: Callable[[Identity], dict[str, Any] | None] | None = None

    def written(self, kind: Kind, value: Any) -> Any:
        """A value as this vendor wants it."""
        if kind == "time":
            return _written_time(value, self.time_kind)
        if kind == "date":
            return _written_time(datetime(value.year, value.month, value.day, tzinfo=UTC), self.date_kind)
        return Decimal(value) if kind == "number" else value

    def cleared(self, sent_name: str) -> Any:
        """What takes the place of a value that holds no more."""
        kind = kind_of(sent_name)
        return self.written(kind, CLEARED[kind])

    def named(self, values: Values) -> dict[str, Any]:
        """Values under the names that this vendor allows."""
        return {self.sent_names.get(name, name): value for name, value in values.items()}


def as_list(records: list[dict[str, Any]]) -> Any:
    """The body that is nothing but its records."""
    return records


def without_segments(values: Values) -> dict[str, Any]:
    """The values that are no memberships."""
    return {name: value for name, value in values.items() if not name.startswith(SEGMENT)}


def segments_among(values: Values) -> Iterable[str]:
    """Slugs of the segments that a person is in."""
    return [name.removeprefix(SEGMENT) for name, value in values.items() if name.startswith(SEGMENT) and value is True]


def moment(at: datetime) -> str:
    """A moment as all vendors read it."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _written_time(at: datetime, kind: Literal["time", "date"]) -> str:
    return moment(at) if kind == "time" else at.astimezone(UTC).date().isoformat()
