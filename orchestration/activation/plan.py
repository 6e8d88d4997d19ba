"""What one target would be sent tonight: every record compared with what was written before, cut into files, counted by reason.

The plan stands in tables of a connection of its own, which spill to disk; nothing is written to the activation folder here.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb
import polars as pl

from orchestration import vendors
from orchestration.activation import outbox, selection
from orchestration.activation.catalogue import SEGMENT, VERSION
from orchestration.activation.changes import Renderer, decoded, encode
from orchestration.activation.channel import OptOut, Request, moment
from orchestration.activation.targets import Target, colliding
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts
from orchestration.warehouse.duckdb_session import attach, handed_over

BLOCK = 5_000
SHOWN = 10
NO_VENDOR_KEY, SHARED, CONSENT, TOO_LONG = "no_vendor_key", "shared_identifier", "consent", "too_long"
UNCHANGED, NEW, CHANGED, CLEARED, GONE = "unchanged", "new", "changed", "cleared", "gone"
_TABLES = """
create or replace table changes (
    kind varchar, key varchar, customer_id varchar, alias_id varchar, action varchar, status varchar, identity varchar, vals varchar,
    file varchar, position bigint, record blob
);
create or replace table tagged (action varchar, slug varchar, key varchar, identity varchar);
create or replace table rejects (customer_id varchar, alias_id varchar, reason_code varchar, field varchar);
"""
_SCHEMAS: dict[str, dict[str, Any]] = {
    "changes": {
        **dict.fromkeys(("kind", "key", "customer_id", "alias_id", "action", "status", "identity", "vals", "file"), pl.String),
        "position": pl.Int64,
        "record": pl.Binary,
    },
    "tagged": dict.fromkeys(("action", "slug", "key", "identity"), pl.String),
    "rejects": dict.fromkeys(("customer_id", "alias_id", "reason_code", "field"), pl.String),
}


@dataclass(frozen=True)
class Shown:
    """One value before and after, as a preview shows it; the values of ours name nobody."""

    customer_id: str
    field: str
    before: Any
    after: Any


@dataclass
class Plan:
    """Figures of a plan; its rows stand in the tables `changes`, `tagged` and `rejects`."""

    target: Target
    as_of: date
    run_id: str
    mapping_version: str
    is_first: bool
    is_new_mapping: bool
    before: int
    counts: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)
    examples: list[Shown] = field(default_factory=list)
    opt_outs: int = 0
    tag_changes: int = 0

    @property
    def is_empty(self) -> bool:
        return not (any(self.counts[action] for action in (NEW, CHANGED, CLEARED, GONE)) or self.opt_outs or self.tag_changes)

    @property
    def has_nobody(self) -> bool:
        """The vendor has delivered nobody for this account, and nobody was written before."""
        return not (self.before or self.counts or self.rejected)

    @property
    def to_confirm(self) -> str | None:
        """Why a person should look before this is written."""
        leaving = self.counts[CLEARED] + self.counts[GONE]
        if self.is_empty:
            return None
        if self.is_first:
            return "it is the first time for this target"
        if self.is_new_mapping:
            return "what is sent, or how, was changed: every record is written once more"
        if self.before >= self.target.guard_from_records:
            if leaving > self.target.most_leaving_share * self.before:
                return f"{leaving:,} of {self.before:,} records would be cleared or are gone, more than `most_leaving_share` allows"
            if self.counts[CHANGED] > self.target.most_changed_share * self.before:
                return f"{self.counts[CHANGED]:,} of {self.before:,} records would change, more than `most_changed_share` allows"
        return None


@contextmanager
def working(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own with the published warehouse attached for reading."""
    if not settings.published_file.exists():
        raise OperatorError(f"Nothing is published in {settings.data}.", remedy="`c360 run` builds it from what has landed.")
    settings.spill.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:", config={**settings.duckdb_config, "preserve_insertion_order": True}) as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, settings.published_file, "warehouse")
        yield con


def make(con: duckdb.DuckDBPyConnection, settings: Settings, target: Target, *, is_full: bool = False) -> Plan:
    """Compares the target's records with what was written before."""
    con.execute(_TABLES)
    segments = _segments(con, target)
    run_id, as_of = con.execute(selection.PUBLISHED).fetchone() or (None, None)
    if as_of is None or run_id is None:
        raise OperatorError("The published warehouse does not say of what day it is.", remedy="`c360 run` publishes it anew.")
    last = outbox.load_state(con, target.folder(settings))
    version = mapping_version(target, segments)
    row = con.execute("select count(*) from state where kind = 'profile' and status = 'held'").fetchone()
    plan = Plan(target, as_of, run_id, version, last is None, last is not None and last.mapping_version != version, row[0] if row else 0)
    renderer = Renderer(target.receiver, target, segments, is_full=is_full)
    con.execute(selection.held(target.receiver), whose(settings, target))
    _compare(con, plan, renderer, writes_all=is_full or plan.is_new_mapping)
    _leave(con, plan, renderer)
    if target.opt_outs:
        _opt_out(con, plan, whose(settings, target))
    return plan


def whose(settings: Settings, target: Target) -> dict[str, str]:
    """Vendor and account as the warehouse knows them: a vendor's plain folder may have a name."""
    return {"source": target.vendor, "account": settings.account(vendors.discover()[target.vendor], target.account).source_account}


def mapping_version(target: Target, segments: Sequence[str]) -> str:
    """Changes with all that decides how a record looks."""
    said = (VERSION, target.vendor, target.account, target.dialect, sorted(target.values), sorted(segments))
    return sha256(repr(said).encode()).hexdigest()[:16]


def _segments(con: duckdb.DuckDBPyConnection, target: Target) -> tuple[str, ...]:
    known = [segment for (segment,) in con.execute(selection.SEGMENTS).fetchall()]
    wanted = selection.wanted_segments(target.segments, known)
    for segment in wanted:
        if segment not in known:
            raise OperatorError(
                f"`segments` of `{target.name}` names `{without_contacts(segment)}`, which is no computed segment.",
                remedy=f"Those of computed_segments.csv are: {', '.join(known) or 'none'}.",
                exit_code=2,
            )
    if clash := colliding(wanted):
        raise OperatorError(
            f"The segments `{clash[0]}` and `{clash[1]}` would have one name at the vendor.", remedy="Rename one in computed_segments.csv.", exit_code=2
        )
    return wanted


def _compare(con: duckdb.DuckDBPyConnection, plan: Plan, renderer: Renderer, *, writes_all: bool) -> None:
    target = plan.target
    found = con.cursor().execute(selection.candidates(target.values), {"channel": target.channel, "segments": list(renderer.segments)})
    with _Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for key, person, alias, identity, shared, is_of_several, is_allowed, status, identity_before, text, inside, *given in block:
                before = decoded(text)
                reason = _reason(target, key, identity, shared, is_of_several=is_of_several, is_allowed=is_allowed)
                if reason:
                    rows.reject(person, alias, reason)
                    if status == "held" and reason != NO_VENDOR_KEY:
                        rows.take_back(renderer, key, person, alias, decoded(identity_before), before, writes=reason == CONSENT)
                    continue
                values = renderer.values(given[: len(target.values)], inside, before)
                change = renderer.change(values, before)
                is_known = status == "held" and identity == decoded(identity_before)
                if change is None and is_known and not writes_all:
                    plan.counts[UNCHANGED] += 1
                    continue
                action = CHANGED if status == "held" else NEW
                rows.write(key, person, alias, action, "held", identity, values, before, is_certain=status == "held" and not writes_all)
                if change:
                    plan.fields.update(change.differing)
                    if len(plan.examples) < SHOWN:
                        plan.examples += [Shown(person, name, before.get(name), values.get(name)) for name in change.differing]


def _reason(target: Target, key: str | None, identity: Mapping[str, Any], shared: list[str] | None, *, is_of_several: bool, is_allowed: bool) -> str | None:
    """Why a record is not written; None if it is."""
    if key is None:
        return NO_VENDOR_KEY
    if is_of_several or (shared and not set(shared).isdisjoint(identity.values())):
        return SHARED
    return CONSENT if target.purpose == "marketing" and not is_allowed else None


def _leave(con: duckdb.DuckDBPyConnection, plan: Plan, renderer: Renderer) -> None:
    """Records that the vendor no longer holds: nothing is sent, and nothing more is known of them."""
    found = con.cursor().execute(selection.GONE)
    with _Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for key, person, alias, identity, values in block:
                rows.take_back(renderer, key, person, alias, decoded(identity), decoded(values), writes=False)


def _opt_out(con: duckdb.DuckDBPyConnection, plan: Plan, whose_records: Mapping[str, str]) -> None:
    channel = plan.target.receiver
    assert channel.optouts is not None and channel.optout is not None
    found = con.cursor().execute(selection.OPTED_OUT, dict(whose_records))
    with _Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for key, person, alias, identity, message_channel, said_to, said_at, address, shared, text in block:
                said = OptOut(message_channel, said_at, said_to, address)
                kept = {"said_at": moment(said_at)}
                record = None if shared and address in shared else channel.optout(identity, said)
                if record is not None and decoded(text) != kept:
                    plan.opt_outs += 1
                    rows.add("optout", "optouts", channel.optouts, (key, person, alias, NEW, "held"), identity, kept, record)


class _Rows:
    """Takes the rows of a plan and puts them into its tables by the block; says which file of which kind a record goes into."""

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
        self._con = con.cursor()
        self._plan = plan
        self._blocks: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _SCHEMAS}
        self._packers: dict[str, _Packer] = {}

    def __enter__(self) -> "_Rows":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for name in self._blocks:
                self._flush(name)

    def reject(self, person: str, alias: str, reason: str, field: str | None = None) -> None:
        self._plan.rejected[reason] += 1
        self._put("rejects", (person, alias, reason, field))

    def take_back(self, renderer: Renderer, key: str, person: str, alias: str, identity: Mapping[str, Any], before: Mapping[str, Any], *, writes: bool) -> None:
        """A record that leaves the target: its values are written empty once, or only forgotten where nobody holds them."""
        if writes:
            self.write(key, person, alias, CLEARED, "cleared", identity, renderer.cleared(before), before)
        else:
            self._plan.counts[GONE] += 1
            self._put("changes", ("profile", key, person, alias, GONE, "gone", _text(identity), _text(before), None, None, None))

    def write(
        self,
        key: str,
        person: str,
        alias: str,
        action: str,
        status: str,
        identity: Mapping[str, Any],
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        *,
        is_certain: bool = True,
    ) -> None:
        """One record into the bodies of the profiles; where segments are tags of their own, these beside.

        Unless it is certain that the vendor still has what was written before, tags are added again.
        """
        channel = self._plan.target.receiver
        record = channel.profile(identity, channel.named(values))
        if channel.profiles.record_bytes and len(encode(record)) > channel.profiles.record_bytes:
            self.reject(person, alias, TOO_LONG)
            return
        self._plan.counts[action] += 1
        if channel.tags:
            self._tag(key, identity, values, before, is_certain=is_certain)
        self.add("profile", "upsert", channel.profiles, (key, person, alias, action, status), identity, values, record)

    def add(
        self, kind: str, name: str, request: Request, who: tuple[str, str, str, str, str], identity: Mapping[str, Any], values: Mapping[str, Any], record: Any
    ) -> None:
        encoded = encode(record)
        packer = self._packers.setdefault(name, _Packer(request, self._plan.target.most_records))
        number, position = packer.place(len(encoded))
        key, person, alias, action, status = who
        file = f"{name}-{number:05}.json"
        self._put("changes", (kind, key, person, alias, action, status, _text(identity), _text(values), file, position, encoded))

    def _tag(self, key: str, identity: Mapping[str, Any], values: Mapping[str, Any], before: Mapping[str, Any], *, is_certain: bool) -> None:
        for name, is_in in values.items():
            if name.startswith(SEGMENT) and (is_in != before.get(name, False) or (is_in and not is_certain)):
                self._plan.tag_changes += 1
                self._put("tagged", ("tags-add" if is_in else "tags-remove", name.removeprefix(SEGMENT), key, _text(identity)))

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        block = self._blocks[table]
        block.append(row)
        if len(block) >= BLOCK:
            self._flush(table)

    def _flush(self, table: str) -> None:
        block = self._blocks[table]
        if block:
            frame = pl.DataFrame(block, schema=_SCHEMAS[table], orient="row")
            with handed_over(self._con, frame) as rows:
                self._con.execute(f"insert into {table} select * from {rows}")
            block.clear()


class _Packer:
    """Says into which file of a kind the next record goes, by the vendor's limits."""

    def __init__(self, request: Request, most_records: int | None) -> None:
        self._most_records = min(request.most_records, most_records or request.most_records)
        self._most_bytes = request.most_bytes - 200
        self._file, self._records, self._bytes = 1, 0, 0

    def place(self, size: int) -> tuple[int, int]:
        if self._records and (self._records >= self._most_records or self._bytes + size + 1 > self._most_bytes):
            self._file, self._records, self._bytes = self._file + 1, 0, 0
        self._records += 1
        self._bytes += size + 1
        return self._file, self._records - 1


def _text(values: Mapping[str, Any]) -> str:
    return encode(dict(values)).decode()
