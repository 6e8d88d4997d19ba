"""An erased person at the vendors: a request per target, as a file of its own, and nothing left of them in what was
written here.

A request is never sent by this program and is no proof that anything was deleted. Who is meant is said by the caller;
this must be called while the published warehouse still knows them.
"""

import json
import os
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from orchestration.activation import outbox, plan, receipts, selection, targets
from orchestration.activation.activate import alone
from orchestration.activation.changes import encode
from orchestration.activation.channel import Channel
from orchestration.activation.channels import discover
from orchestration.activation.targets import Target
from orchestration.canonical.given_back import PREFIX
from orchestration.config.settings import Settings
from orchestration.runtime.durable_files import replace
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.duckdb_session import quoted

REQUESTS = "erasures"
# By their id of today, or, where they had another when it was written, by what only they are known by.
_MINE = f"""
delete from records
where list_contains($1, customer_id) or list_has_any({outbox.KNOWN_BY}, $2)
returning identity
"""
# All that the vendor holds of them, also what nothing could be written to.
_THEIRS = """
select identity, source_record_id, shared, is_of_several from held where list_contains($1, person_id) order by key, source_record_id
"""
Marks = frozenset[tuple[str, str]]
# What is alike in the records of many people, and where values of ours stand.
_CONSTANT = ("@type", "@collection", "type", "properties", "metadata", "customProperties", "consents", "channels")


def request(settings: Settings, customer_ids: Collection[str], request_id: str) -> int:
    """Writes what to ask each target's vendor, as `erasures/<request id>.json` beside its folders; how many were
    written."""
    if not targets.is_configured(settings) or not settings.published_file.exists():
        return 0
    with plan.working(settings) as con:
        return sum(_write_request(con, settings, target, customer_ids, request_id) for target in targets.load(settings))


def requests(settings: Settings) -> list[Path]:
    """What vendors are still to be asked, as files that name who is meant."""
    return sorted((settings.data / "activation").glob(f"*/*/{REQUESTS}/*.json"))


def delete_requests(settings: Settings, request_id: str) -> int:
    """Deletes the requests of an erasure, after they were sent; how many."""
    asked = [path for path in requests(settings) if path.stem == request_id]
    for path in asked:
        path.unlink()
    return len(asked)


def forget(settings: Settings, customer_ids: Collection[str], values: Collection[str]) -> int:
    """Removes the person from all bodies, rejects, receipts and records; `values` are identifiers as vendors hold them,
    `outbox.of_account` where only one of them does. How many records there were.

    May be called again after a kill: what is gone is gone, and `records.parquet`, which says where to look, is written
    last.
    """
    roots = [root for root in sorted((settings.data / "activation").glob("*/*/")) if root.parent.name in discover()]
    if not roots:
        return 0
    with (
        alone(settings, wait_seconds=settings.options.lock_wait_seconds),
        duckdb.connect(":memory:", config=settings.duckdb_config) as con,
    ):
        return sum(_forget_in(con, settings, root, customer_ids, values) for root in roots)


def _write_request(
    con: duckdb.DuckDBPyConnection, settings: Settings, target: Target, customer_ids: Collection[str], request_id: str
) -> int:
    channel = target.receiver
    con.execute(selection.held(channel), plan.vendor_and_account(settings, target))
    found = con.execute(_THEIRS, [list(customer_ids)]).fetchall()
    if not found:
        return 0
    records = [
        {
            **{name: value for name, value in identity.items() if value},
            "record_id": record,
            "is_shared": is_of_several or not set(shared or ()).isdisjoint(identity.values()),
        }
        for identity, record, shared, is_of_several in found
    ]
    asked = [channel.erasure(record) for record in records if channel.erasure and not record["is_shared"]]
    folder = target.folder(settings) / REQUESTS
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "vendor": target.vendor,
        "account": target.account,
        "how": channel.erasure_hint,
        "requests": [one for one in asked if one],
        "records": records,
    }
    replace(folder / f"{request_id}.json", msgspec.json.format(encode(content), indent=1) + b"\n")
    return 1


def _forget_in(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    root: Path,
    customer_ids: Collection[str],
    values: Collection[str],
) -> int:
    outbox.forget_state(root)
    outbox.sweep(root)
    vendor = root.parent.name
    known = outbox.spellings(values, vendor, plan.source_account(settings, vendor, root.name))
    channel = discover()[vendor]
    removed = sum(_forget_in_folder(con, found, channel, customer_ids, known) for found in outbox.written(root))
    _keep_lines(root / receipts.FILE, lambda line: _without_keys(line, known))
    return removed


def _forget_in_folder(
    con: duckdb.DuckDBPyConnection,
    found: outbox.Written,
    channel: Channel,
    customer_ids: Collection[str],
    values: Collection[str],
) -> int:
    path = found.folder / outbox.RECORDS
    con.execute("create or replace table records as from read_parquet($1)", [str(path)])
    mine = con.execute(_MINE, [list(customer_ids), list(values)]).fetchall()
    stubs = {frozenset(_marks(channel.profile(json.loads(identity), {}))) for (identity,) in mine}
    files = [
        facts if found.is_without_bodies else _without(found.folder, facts, stubs, values)
        for facts in found.manifest["files"]
    ]
    pass_point("after_erasing_bodies")
    _keep_answers(found, [facts for facts in files if facts])
    _keep_lines(found.folder / outbox.REJECTS, lambda line: None if line.get("customer_id") in customer_ids else line)
    outbox.save_manifest(found, {**found.manifest, "files": [facts for facts in files if facts]})
    pass_point("before_erasing_records")
    con.execute(f"copy (from records order by kind, key) to {quoted(f'{path}.tmp')} (format parquet, compression zstd)")
    os.replace(f"{path}.tmp", path)
    return len(mine)


def _without(
    folder: Path, facts: dict[str, Any], stubs: Collection[Marks], values: Collection[str]
) -> dict[str, Any] | None:
    """What the manifest says of a body after the person's records are out of it; None if nothing is left of it."""
    path = folder / facts["file"]
    if not path.exists():
        return None
    body = json.loads(path.read_bytes(), parse_float=Decimal)
    name = next((name for name in ("items", "emails") if isinstance(body, dict) and name in body), None)
    records = body[name] if name else body
    kept = [record for record in records if not _is_theirs(record, stubs, values)]
    if not kept:
        path.unlink()
        return None
    content = encode({**body, name: kept} if name else kept) if len(kept) < len(records) else path.read_bytes()
    replace(path, content)
    return {**facts, "records": len(kept), "bytes": len(content), "sha256": sha256(content).hexdigest()}


def _keep_answers(found: outbox.Written, files: Collection[dict[str, Any]]) -> None:
    """What bodies were answered holds for what is left of them. The manifest, which names the bodies as they were,
    is written after this."""
    hashes = {facts["file"]: facts["sha256"] for facts in files}
    anew: dict[tuple[Any, ...], str] = {
        (found.name, facts["file"], facts["sha256"]): hashes[facts["file"]]
        for facts in found.manifest["files"]
        if hashes.get(facts["file"], facts["sha256"]) != facts["sha256"]
    }

    def kept(line: dict[str, Any]) -> dict[str, Any]:
        sha256 = anew.get((line.get("folder"), line.get("file"), line.get("sha256")))
        return {**line, "sha256": sha256} if sha256 else line

    if anew:
        _keep_lines(found.folder.parent / receipts.FILE, kept)


def _is_theirs(record: Any, stubs: Collection[Marks], values: Collection[str]) -> bool:
    """A record of a body that is known by all that one of the person's is known by, or an address or identifier of
    theirs alone."""
    if isinstance(record, str):
        return record.casefold() in values
    marks = frozenset(_marks(record))
    return any(stub <= marks for stub in stubs) or any(
        name == "identifier_value" and value.casefold() in values for name, value in marks
    )


def _marks(record: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Names and values that a record is known by: texts that are no value of ours and no constant."""
    if isinstance(record, dict):
        for key, inner in record.items():
            if not key.startswith(PREFIX) and key not in _CONSTANT:
                yield from _marks(inner, key)
    elif isinstance(record, list):
        for inner in record:
            yield from _marks(inner, name)
    elif isinstance(record, str):
        yield name, record


def _without_keys(line: dict[str, Any], values: Collection[str]) -> dict[str, Any]:
    failed = {
        key: reason
        for key, reason in (line.get("failed") or {}).items()
        if not {key.casefold(), key.partition(":")[2].casefold()} & set(values)
    }
    return {**line, "failed": failed}


def _keep_lines(path: Path, keep: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
    """Writes the file anew with what is kept of each line. One that a killed process left half counts for nothing and
    may name the person: it goes."""
    if path.exists():
        kept = [keep(line) for line in map(_parsed, path.read_bytes().splitlines()) if line is not None]
        replace(
            path, b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in kept if line is not None)
        )


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
