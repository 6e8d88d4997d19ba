"""Everything held about a person, to be handed to them: as JSON with its schema, and as one page that can be read."""

import html
import json
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.activation import access
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.landing.containers import ContainerError
from orchestration.loading.reading import Reading, blocks_of
from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures
from orchestration.privacy import persons
from orchestration.privacy.persons import Person
from orchestration.runtime import durable_files
from orchestration.runtime.errors import OperatorError

_IS_THEIRS = "customer_id in (select unnest($1::varchar[]))"
STYLE = (
    "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:75em} table{border-collapse:collapse;margin-bottom:2em} "
    "td,th{border:1px solid #ccc;padding:.2em .5em;text-align:left;vertical-align:top} pre{white-space:pre-wrap}"
)
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Everything held about one person",
    "type": "object",
    "required": [
        "made_at",
        "customer_ids",
        "known_by",
        "delivered",
        "rejected",
        "held",
        "given_back",
        "not_looked_into",
    ],
    "properties": {
        "made_at": {"type": "string", "format": "date-time"},
        "customer_ids": {"type": "array", "items": {"type": "string"}},
        "known_by": {
            "description": "Identifiers that nobody else carries.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string"},
                    "namespace": {"type": "string"},
                    "value": {"type": "string"},
                },
            },
        },
        "delivered": {
            "description": "Records as the vendors delivered them; `record` is the text of one that is no JSON.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["vendor", "account", "stream", "export_date", "file", "row", "record"],
                "properties": {"row": {"type": "integer"}, "export_date": {"type": "string", "format": "date"}},
            },
        },
        "rejected": {
            "description": "Records that could not be loaded and name the person, with why; of archived deliveries too.",
            "type": "array",
            "items": {
                "type": "object",
                "required": ["vendor", "stream", "export_date", "file", "row", "reason", "raw"],
            },
        },
        "given_back": {
            "description": "What was written for vendors, by day: who the person is there, and the values.",
            "type": "array",
            "items": {"type": "object", "required": ["vendor", "account", "night", "kind"]},
        },
        "not_looked_into": {
            "description": "Files that could not be read.",
            "type": "array",
            "items": {"type": "string"},
        },
        "held": {
            "description": (
                "Rows of the warehouse by table: records as they were read, profile, history, orders and their lines,"
                " events, referrals, where each value came from, why it is one person."
            ),
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "object"}},
        },
    },
}


def export(settings: Settings, con: duckdb.DuckDBPyConnection, person: Person, folder: Path) -> list[Path]:
    """Writes what is held of the person, after `persons.resolve` on that connection; the files, for their owner
    alone."""
    if folder.resolve().is_relative_to(settings.landing.resolve()):
        raise OperatorError(
            "An export does not belong into the landing zone.", remedy="Name another folder.", exit_code=2
        )
    unread: list[str] = []
    content = {
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "customer_ids": list(person.customer_ids),
        "known_by": [
            {"type": kind, "namespace": namespace, "value": shown}
            for kind, namespace, _, shown, _ in person.identifiers
        ],
        "delivered": list(_delivered(settings, person, persons.files_to_look_at(con), unread)),
        "rejected": list(_rejected(con, person)),
        "held": dict(_held(con, person)),
        "given_back": list(access.given_back(settings, person.customer_ids, person.given)),
        "not_looked_into": unread,
    }
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    texts = {
        "person.json": json.dumps(content, indent=1, ensure_ascii=False, default=str),
        "person.schema.json": json.dumps(SCHEMA, indent=1),
        "person.html": _page(content),
    }
    return [_written(folder / name, text) for name, text in texts.items()]


def _written(path: Path, text: str) -> Path:
    """Writes a file for its owner alone, whatever stood there and whatever that led to."""
    durable_files.replace(path, text.encode("utf-8", "backslashreplace"), mode=0o600)
    return path


def _known(person: Person) -> Erasures:
    """The person as an erasure would know them."""
    secret = secrets.token_bytes()
    return Erasures(secret, dict.fromkeys(erasures.hashes(secret, person.known_by()), date.max))


def _rejected(con: duckdb.DuckDBPyConnection, person: Person) -> Iterator[dict[str, Any]]:
    theirs = _known(person)
    names = ("vendor", "account", "stream", "export_date", "file", "row", "reason", "raw")
    for row in con.execute(
        "select source, source_account, stream, export_date, file_path, row_number, reason_code, raw from meta.rejects"
        " where raw <> '' order by all"
    ).fetchall():
        if theirs.is_named(row[-1].encode("utf-8", "replace"), row[3]):
            yield dict(zip(names, row, strict=True))


def _delivered(settings: Settings, person: Person, paths: set[str], unread: list[str]) -> Iterator[dict[str, Any]]:
    """Every record of a landing file that is about the person: what an erasure would take."""
    theirs = _known(person)
    for file in landing_zone.scan(settings).files:
        if file.relative_path not in paths:
            continue
        try:
            records = [record for block in blocks_of(settings, file) for record in block]
        except ContainerError:
            unread.append(file.shown_path)
            continue
        about = Reading(settings, file, load_seq=0).normaliser.about_erased(records, theirs) if records else set()
        place = {
            "vendor": file.source,
            "account": file.source_account,
            "stream": file.stream,
            "export_date": file.export_date.isoformat(),
        }
        for record in records:
            if record.number in about:
                yield {
                    **place,
                    "file": file.relative_path,
                    "row": record.number,
                    "record": _plain(record.document or record.raw),
                }


def _plain(document: bytes) -> Any:
    try:
        return json.loads(document)
    except (ValueError, RecursionError):
        return document.decode("utf-8", "backslashreplace")


def _held(con: duckdb.DuckDBPyConnection, person: Person) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    ids = list(person.customer_ids)
    for place, condition in (*persons.places(con), ("meta.identity_links", _IS_THEIRS)):
        if rows := _rows(con, f"* from {place} where {condition}", ids):
            yield place, rows
    # Who was on the other side of a referral is somebody else.
    sides = ("referrer", "referred")
    referrals = [
        row
        for theirs, others in (sides, sides[::-1])
        for row in _rows(
            con,
            f"* exclude ({others}_customer_id, {others}_profile_id) from marts.fct_referrals where"
            f" {theirs}_{_IS_THEIRS}",
            ids,
        )
    ]
    if referrals:
        yield "marts.fct_referrals", referrals


def _rows(con: duckdb.DuckDBPyConnection, what: str, ids: list[str]) -> list[dict[str, Any]]:
    found = con.execute(f"select {what} order by all", [ids] if "$1" in what else [])
    names = [column[0] for column in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _page(content: dict[str, Any]) -> str:
    parts = [
        f"<!doctype html><meta charset=utf-8><title>What is held about you</title><style>{STYLE}</style><h1>What is"
        " held about you</h1>"
    ]
    parts.append(f"<p>Made at {html.escape(content['made_at'])}.</p>")
    parts += [f"<h2>{html.escape(name)}</h2>{_table(rows)}" for name, rows in content["held"].items()]
    if content["given_back"]:
        parts += ["<h2>What was given back to the vendors</h2>", _table(content["given_back"])]
    parts.append("<h2>As the vendors delivered it</h2>")
    for one in content["delivered"]:
        place = f"{one['vendor']}, {one['stream']}, {one['export_date']}: {one['file']}, record {one['row']}"
        parts.append(
            f"<h3>{html.escape(place)}</h3><pre>{html.escape(json.dumps(one['record'], indent=1, ensure_ascii=False))}</pre>"
        )
    if content["rejected"]:
        parts += ["<h2>What could not be loaded</h2>", _table(content["rejected"])]
    if content["not_looked_into"]:
        parts += ["<h2>Files that could not be read</h2>", *map(html.escape, content["not_looked_into"])]
    return "\n".join(parts) + "\n"


def _table(rows: list[dict[str, Any]]) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>"
        + "".join(f"<td>{html.escape('' if value is None else str(value))}</td>" for value in map(row.get, names))
        + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"
