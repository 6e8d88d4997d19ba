"""The tables a plan stands in, and how records get into them: by the block, and each into the file that has room for
it."""

from collections.abc import Mapping
from typing import Any

import duckdb
import polars as pl

from orchestration.activation.catalogue import SEGMENT
from orchestration.activation.changes import Renderer, encode
from orchestration.activation.channel import Request
from orchestration.activation.planned import CLEARED, GONE, TOO_LONG, Plan
from orchestration.activation.targets import Target
from orchestration.warehouse.duckdb_session import handed_over

BLOCK = 5_000
AROUND_RECORDS = 200
TABLES = """
create or replace table changes (
    kind varchar, key varchar, customer_id varchar, alias_id varchar, action varchar, status varchar, identity varchar, vals varchar,
    file varchar, position bigint, record blob
);
create or replace table tagged (action varchar, slug varchar, key varchar, identity varchar);
create or replace table rejects (customer_id varchar, alias_id varchar, reason_code varchar, field varchar);
"""
_SCHEMAS: dict[str, dict[str, Any]] = {
    "changes": {
        **dict.fromkeys(
            ("kind", "key", "customer_id", "alias_id", "action", "status", "identity", "vals", "file"), pl.String
        ),
        "position": pl.Int64,
        "record": pl.Binary,
    },
    "tagged": dict.fromkeys(("action", "slug", "key", "identity"), pl.String),
    "rejects": dict.fromkeys(("customer_id", "alias_id", "reason_code", "field"), pl.String),
}


class Rows:
    """Takes the rows of a plan and puts them into its tables by the block; says which file of which kind a record goes
    into."""

    def __init__(self, con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
        self._con = con.cursor()
        self._plan = plan
        self._blocks: dict[str, list[tuple[Any, ...]]] = {name: [] for name in _SCHEMAS}
        self._packers: dict[str, _Packer] = {}

    def __enter__(self) -> "Rows":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            for name in self._blocks:
                self._flush(name)

    def reject(self, person: str, alias: str, reason: str, field: str | None = None) -> None:
        self._plan.rejected[reason] += 1
        self._put("rejects", (person, alias, reason, field))

    def take_back(
        self,
        renderer: Renderer,
        key: str,
        person: str,
        alias: str,
        identity: Mapping[str, Any],
        before: Mapping[str, Any],
        *,
        writes: bool,
    ) -> None:
        """A record that leaves the target: its values are written empty once, or only forgotten where nobody holds
        them."""
        if writes:
            self.write(key, person, alias, CLEARED, "cleared", identity, renderer.cleared(before), before)
        else:
            self._plan.counts[GONE] += 1
            self._put(
                "changes",
                ("profile", key, person, alias, GONE, "gone", _text(identity), _text(before), None, None, None),
            )

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
        if len(encode(record)) > self._most_bytes_of_a_record(channel.profiles):
            self.reject(person, alias, TOO_LONG)
            return
        self._plan.counts[action] += 1
        if channel.tags:
            self._tag(key, identity, values, before, is_certain=is_certain)
        self.add("profile", "upsert", channel.profiles, (key, person, alias, action, status), identity, values, record)

    def add(
        self,
        kind: str,
        name: str,
        request: Request,
        who: tuple[str, str, str, str, str],
        identity: Mapping[str, Any],
        values: Mapping[str, Any],
        record: Any,
    ) -> None:
        encoded = encode(record)
        packer = self._packers.setdefault(name, _Packer(request, self._plan.target))
        number, position = packer.place(len(encoded))
        key, person, alias, action, status = who
        file = f"{name}-{number:05}.json"
        self._put(
            "changes",
            (kind, key, person, alias, action, status, _text(identity), _text(values), file, position, encoded),
        )

    def _most_bytes_of_a_record(self, request: Request) -> int:
        room = most_bytes(request, self._plan.target)
        return min(room, request.record_bytes) if request.record_bytes else room

    def _tag(
        self,
        key: str,
        identity: Mapping[str, Any],
        values: Mapping[str, Any],
        before: Mapping[str, Any],
        *,
        is_certain: bool,
    ) -> None:
        for name, is_in in values.items():
            if name.startswith(SEGMENT) and (is_in != before.get(name, False) or (is_in and not is_certain)):
                self._plan.tag_changes += 1
                self._put(
                    "tagged", ("tags-add" if is_in else "tags-remove", name.removeprefix(SEGMENT), key, _text(identity))
                )

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

    def __init__(self, request: Request, target: Target) -> None:
        self._most_records = min(request.most_records, target.most_records or request.most_records)
        self._most_bytes = most_bytes(request, target)
        self._file, self._records, self._bytes = 1, 0, 0

    def place(self, size: int) -> tuple[int, int]:
        if self._records and (self._records >= self._most_records or self._bytes + size + 1 > self._most_bytes):
            self._file, self._records, self._bytes = self._file + 1, 0, 0
        self._records += 1
        self._bytes += size + 1
        return self._file, self._records - 1


def most_bytes(request: Request, target: Target) -> int:
    """Room for the records of one body, beside what stands around them."""
    return min(request.most_bytes, (target.most_kilobytes or request.most_bytes) * 1024) - AROUND_RECORDS


def _text(values: Mapping[str, Any]) -> str:
    return encode(dict(values)).decode()
