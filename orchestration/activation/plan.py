"""What one target would be sent tonight: every record compared with what was written before, cut into files, counted by
reason.

The plan stands in tables of a connection of its own, which spill to disk; nothing is written to the activation folder
here.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from hashlib import sha256
from typing import Any

import duckdb

from orchestration import vendors
from orchestration.activation import outbox, selection
from orchestration.activation.catalogue import VERSION, slug
from orchestration.activation.changes import Renderer, decoded
from orchestration.activation.channel import OptOut, moment
from orchestration.activation.plan_rows import BLOCK, TABLES, Rows
from orchestration.activation.planned import (
    CHANGED,
    CONSENT,
    NEW,
    NO_VENDOR_KEY,
    OPT_OUT,
    SHARED,
    UNCHANGED,
    Plan,
    Shown,
)
from orchestration.activation.targets import Target, colliding
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts
from orchestration.warehouse.duckdb_session import attach, has_table

SHOWN = 10
# What is above it goes to disk: a plan of a million records is no reason to take memory from the rest of the machine.
MOST_MEMORY = 1_000_000_000


@contextmanager
def working(settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection of its own with the published warehouse attached for reading."""
    if not settings.published_file.exists():
        raise OperatorError(
            f"Nothing is published in {settings.data}.", remedy="`c360 run` builds it from what has landed."
        )
    settings.spill.mkdir(parents=True, exist_ok=True)
    memory = f"{min(settings.memory_bytes, MOST_MEMORY) // 1_000_000}MB"
    config = {**settings.duckdb_config, "memory_limit": memory, "preserve_insertion_order": True}
    with duckdb.connect(":memory:", config=config) as con:
        con.execute("set TimeZone = 'UTC'")
        attach(con, settings.published_file, "warehouse")
        if not has_table(con, "internal", "int_channel_refusals", catalog="warehouse"):
            raise OperatorError(
                "What is published was made by an older version, and does not say who refuses an address.",
                remedy="`c360 run` publishes it anew.",
            )
        yield con


def published(con: duckdb.DuckDBPyConnection) -> tuple[str, date]:
    """Run and day of the published warehouse."""
    run_id, as_of = con.execute(selection.PUBLISHED).fetchone() or (None, None)
    if as_of is None or run_id is None:
        raise OperatorError(
            "The published warehouse does not say of what day it is.", remedy="`c360 run` publishes it anew."
        )
    return run_id, as_of


def basis(con: duckdb.DuckDBPyConnection, target: Target) -> dict[str, str]:
    """What decides who is left out and how records look, as the manifest of a folder has it."""
    return {
        "run_id": published(con)[0],
        "purpose": target.purpose,
        "channel": target.channel,
        "mapping_version": mapping_version(target, _segments(con, target)),
    }


def make(
    con: duckdb.DuckDBPyConnection, settings: Settings, target: Target, *, is_full: bool = False, is_begun: bool = False
) -> Plan:
    """Compares the target's records with what was written before. One that `is_begun` is not there for the first time,
    though nothing is left of what was written."""
    con.execute(TABLES)
    segments = _segments(con, target)
    run_id, as_of = published(con)
    last = outbox.load_state(con, target.folder(settings))
    version = mapping_version(target, segments)
    row = con.execute("select count(*) from state where kind = 'profile' and status = 'held'").fetchone()
    plan = Plan(
        target,
        as_of,
        run_id,
        version,
        last is None and not is_begun,
        last is not None and last.mapping_version != version,
        row[0] if row else 0,
    )
    renderer = Renderer(target.receiver, target, segments, is_full=is_full)
    con.execute(selection.held(target.receiver), vendor_and_account(settings, target))
    _compare(con, plan, renderer, writes_all=is_full or plan.is_new_mapping)
    _leave(con, plan, renderer)
    if target.opt_outs:
        _opt_out(con, plan, vendor_and_account(settings, target))
    return plan


def require_sound(con: duckdb.DuckDBPyConnection, target: Target) -> None:
    """Refuses a target with segments that do not exist, cannot be told apart, or cannot be taken by the vendor."""
    _segments(con, target)


def vendor_and_account(settings: Settings, target: Target) -> dict[str, str]:
    """Vendor and account as the warehouse knows them."""
    return {"source": target.vendor, "account": source_account(settings, target.vendor, target.account)}


def source_account(settings: Settings, vendor: str, account: str) -> str:
    """The account as the warehouse knows it: a vendor's plain folder may have a name."""
    return settings.account(vendors.discover()[vendor], account).source_account


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
            f"The segments `{clash[0]}` and `{clash[1]}` would have one name at the vendor.",
            remedy="Rename one in computed_segments.csv.",
            exit_code=2,
        )
    _require_room(target, wanted)
    return wanted


def _require_room(target: Target, segments: Sequence[str]) -> None:
    """Refuses names that the vendor would not take, or would take for something else."""
    channel = target.receiver
    names = len(target.values) + (0 if channel.tags else len(segments))
    for what, count, most in (
        ("names of values and segments", names, channel.most_names),
        ("tags", len(segments), channel.most_tags),
    ):
        if most is not None and count > most:
            raise OperatorError(
                f"`{target.name}` has {count:,} {what}; {channel.title} takes {most:,}.",
                remedy="Name fewer under `values` or `segments`.",
                exit_code=2,
            )
    for segment in segments:
        if slug(segment).endswith(channel.reserved_endings):
            raise OperatorError(
                f"{channel.title} would take the segment `{without_contacts(segment)}` for an identifier, for its name"
                f" ends like one ({', '.join(channel.reserved_endings)}).",
                remedy="Rename it in computed_segments.csv, or leave it out of `segments`.",
                exit_code=2,
            )


def _compare(con: duckdb.DuckDBPyConnection, plan: Plan, renderer: Renderer, *, writes_all: bool) -> None:
    target = plan.target
    found = con.cursor().execute(
        selection.candidates(target.values), {"channel": target.channel, "segments": list(renderer.segments)}
    )
    # Several people may stand on one key.
    taken_back: set[str] = set()
    with Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for (
                key,
                person,
                alias,
                identity,
                shared,
                is_of_several,
                is_allowed,
                is_refusing,
                status,
                identity_before,
                text,
                inside,
                *given,
            ) in block:
                before = decoded(text)
                may_be_reported = is_allowed if target.purpose == "marketing" else not is_refusing
                reason = _reason(key, identity, shared, is_of_several=is_of_several, may_be_reported=may_be_reported)
                if reason:
                    rows.reject(person, alias, reason)
                    if status in selection.HELD and reason != NO_VENDOR_KEY and key not in taken_back:
                        # What reaches several people is cleared by nothing but what it was written by.
                        writes = reason == CONSENT or identity == decoded(identity_before)
                        rows.take_back(renderer, key, person, alias, identity, before, writes=writes)
                        taken_back.add(key)
                    continue
                values = renderer.values(given[: len(target.values)], inside, before, is_held=status == "held")
                change = renderer.change(values, before)
                is_known = status == "held" and identity == decoded(identity_before)
                if change is None and is_known and not writes_all:
                    plan.counts[UNCHANGED] += 1
                    continue
                action = CHANGED if status == "held" else NEW
                rows.write(
                    key,
                    person,
                    alias,
                    action,
                    "held",
                    identity,
                    values,
                    before,
                    is_certain=status == "held" and not writes_all,
                )
                if change:
                    plan.fields.update(change.differing)
                    if len(plan.examples) < SHOWN:
                        plan.examples += [
                            Shown(person, name, before.get(name), values.get(name)) for name in change.differing
                        ]


def _reason(
    key: str | None,
    identity: Mapping[str, Any],
    shared: list[str] | None,
    *,
    is_of_several: bool,
    may_be_reported: bool,
) -> str | None:
    """Why a record is not written; None if it is."""
    if key is None:
        return NO_VENDOR_KEY
    if is_of_several or (shared and not set(shared).isdisjoint(identity.values())):
        return SHARED
    return None if may_be_reported else CONSENT


def _leave(con: duckdb.DuckDBPyConnection, plan: Plan, renderer: Renderer) -> None:
    """Records that the vendor no longer holds: nothing is sent, and nothing more is known of them."""
    found = con.cursor().execute(selection.GONE)
    with Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for key, person, alias, identity, values in block:
                rows.take_back(renderer, key, person, alias, decoded(identity), decoded(values), writes=False)


def _opt_out(con: duckdb.DuckDBPyConnection, plan: Plan, feed: Mapping[str, str]) -> None:
    channel = plan.target.receiver
    assert channel.optouts is not None and channel.optout is not None
    found = con.cursor().execute(selection.OPTED_OUT, dict(feed))
    with Rows(con, plan) as rows:
        while block := found.fetchmany(BLOCK):
            for (
                key,
                person,
                alias,
                identity,
                message_channel,
                said_to,
                said_at,
                address,
                shared,
                is_of_several,
                text,
            ) in block:
                is_shared = is_of_several or not set(shared or ()).isdisjoint({address, *identity.values()})
                can_be_said = said_at is not None and key is not None and not is_shared
                record = (
                    channel.optout(identity, OptOut(message_channel, said_at, said_to, address))
                    if can_be_said
                    else None
                )
                if record is None:
                    rows.reject(person, alias, OPT_OUT, message_channel)
                elif decoded(text) != (kept := {"said_at": moment(said_at)}):
                    plan.opt_outs += 1
                    rows.add(
                        "optout", "optouts", channel.optouts, (key, person, alias, NEW, "held"), identity, kept, record
                    )
