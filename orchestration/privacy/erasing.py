"""An erasure from its beginning to its receipt. What is begun stands in a file, and whoever runs next ends it.

First the hashes are kept, so that nothing can bring the person back; then the landing zone is written anew, loaded and
published, earlier publications go, and the receipt is written last.
"""

import hashlib
import html
import json
import secrets
import shlex
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.activation import erasure as activation_erasure
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.loading import anonymous_orders, erasure_log, load_log
from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures
from orchestration.privacy import landing_erasure, persons, warehouse_erasure
from orchestration.privacy.landing_erasure import Found, Rewritten
from orchestration.privacy.persons import Person
from orchestration.publishing import publish
from orchestration.runtime import durable_files
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse import build_file

OUT_OF_REACH = (
    "Readers that had the warehouse open keep the file they opened until they close it.",
    "Backups and snapshots of the data folder, of the disk and of the machine.",
    "Extracts that analysts made, and what was sent to other systems.",
    (
        "The vendors themselves: ask each to erase the person too (where targets are set up, what to ask stands in"
        " their folder `erasures`)."
    ),
)

RETENTION = "retention"
"""By whom something goes that is older than the settings allow."""
_TAKEN = ("people", "deliveries_deleted", "rejects_emptied", "publications_dropped")


@dataclass
class Erasing:
    """One erasure that was begun."""

    id: str
    by: str
    at: str
    until: str | None
    look_at: list[str]
    """Files to look into. Names of files may be personal: this goes with the end of the erasure."""
    people: int = 1
    customer_ids: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    """What they are known by at vendors, to be found in what was given back to those; this goes with the end of the
    erasure too."""
    expected: dict[str, int] = field(default_factory=dict)
    rewritten: dict[str, Sequence[Any]] = field(default_factory=dict)
    """Files of the landing zone that were or are about to be written anew, as `Rewritten` has them; goes likewise."""
    found: dict[str, Any] = field(default_factory=dict)


def require_secret(settings: Settings) -> bytes:
    """The secret that hashes are keyed with, the same as before."""
    if settings.secret is None:
        folder = shlex.quote(str(settings.config))
        raise OperatorError(
            "Nobody can be erased without a secret: the hashes that keep a person out are keyed with it.",
            remedy=(
                f"Make one with `mkdir -p {folder} && python3 -c 'import secrets; print(secrets.token_hex(32))' >"
                f" {folder}/secret`, keep a copy of it, run `c360 run --accept-changes`, for all ids change once, and"
                " type this again."
            ),
            exit_code=2,
        )
    erasure_log.erasures(settings)
    return settings.secret


@dataclass(frozen=True)
class Held:
    """A person, and where they are."""

    person: Person
    counts: dict[str, int]
    files: set[str]
    orders: list[anonymous_orders.Order]
    until: date | None = None
    """Of somebody who was erased before and is kept out for a time only: the last export date that holds for."""

    @classmethod
    def of(cls, con: duckdb.DuckDBPyConnection, settings: Settings | None, **named: str) -> "Held":
        """Whoever is meant, as `persons.resolve` takes it; of somebody who was erased before, what was delivered
        since. Without settings whoever was erased is nobody."""
        erased = erasure_log.erasures(settings) if settings else None
        person = persons.resolve(con, erased, **named)
        files, until = persons.files_to_look_at(con), None
        if settings and erased and not person.owners:
            ended, until = _last_erasure(settings, erased, person)
            since = persons.files_loaded_since(con, ended)
            if not since and not load_log.pending(con, landing_zone.scan(settings), dates=None, full_refresh=False):
                raise OperatorError(
                    f"They were erased on {ended[:10]}, and nothing has been delivered since.",
                    remedy="`c360 erasures` lists the receipts.",
                    exit_code=2,
                )
            files |= since
        return cls(person, persons.counts(con, person), files, persons.orders(con), until)


def _last_erasure(settings: Settings, erased: Erasures, person: Person) -> tuple[str, date | None]:
    """When the last erasure of somebody ended, and the last export date that they are kept out of; null for ever."""
    known_by = set(erasures.hashes(erased.secret, person.known_by()))
    begun = {name: entry for name, entry in erasure_log.entries(settings).items() if known_by & {*entry["hashes"]}}
    ended = {receipt["erasure"]: receipt["ended_at"] for receipt in receipts(settings)}
    until = max(day for text in person.known_by() if (day := erased.last_export_date(text)))
    return (
        max(ended.get(name, entry.get("at", "1970-01-01")) for name, entry in begun.items()),
        None if until == erasure_log.FOREVER else until,
    )


def begin(settings: Settings, people: Sequence[Held], *, by: str, until: date | None) -> Erasing:
    """Keeps the hashes and notes what is to be done; from here on the people do not come back. Only for the holder of
    the writer lock."""
    secret = require_secret(settings)
    made = Erasing(
        _new_id(),
        by,
        _now(),
        until.isoformat() if until else None,
        sorted(set[str]().union(*(one.files for one in people))),
        people=len(people),
        customer_ids=sorted({one for held in people for one in held.person.customer_ids}),
        values=sorted({value for held in people for value in held.person.given}),
        expected=dict(sum((Counter(held.counts) for held in people), Counter[str]())),
    )
    erasure_log.pending_folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)
    erasure_log.write(erasure_log.pending_folder(settings) / f"{made.id}.json", vars(made))
    pass_point("erasure_noted")
    anonymous_orders.remember(settings, secret, [held.orders for held in people])
    pass_point("orders_noted")
    known_by = [text for held in people for text in held.person.known_by()]
    erasure_log.write(
        erasure_log.folder(settings) / f"{made.id}.json",
        {
            "at": made.at,
            "until": made.until,
            "key": erasure_log.fingerprint(secret),
            "hashes": erasures.hashes(secret, known_by),
        },
    )
    pass_point("erasure_begun")
    return made


def _new_id() -> str:
    return f"{_now()[:10]}-{secrets.token_hex(4)}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def pending(settings: Settings) -> list[Erasing]:
    """Erasures that were begun and have not ended, oldest first."""
    found = []
    for path in erasure_log.unended(settings):
        # Whoever does not hold the lock may look while somebody else ends one.
        with suppress(FileNotFoundError):
            found.append(Erasing(**json.loads(path.read_bytes())))
    return found


def unended(settings: Settings) -> list[str]:
    """A sentence for each erasure that has not ended."""
    return [f"The erasure {one.id} was begun and has not ended." for one in pending(settings)]


def drop_never_begun(settings: Settings) -> None:
    """Removes notes of erasures that were killed before anything was kept: they name somebody. Only for the holder of
    the writer lock."""
    begun = {one.id for one in pending(settings)}
    for path in erasure_log.pending_folder(settings).glob("*"):
        if path.stem not in begun:
            path.unlink(missing_ok=True)


def erase_given_back(settings: Settings, begun: list[Erasing]) -> None:
    """Before all else, while the published file still knows the person: what is to be asked of vendors, and nothing
    left in what was written for them."""
    for one in begun:
        _note_found(
            settings,
            one,
            requests_to_vendors=activation_erasure.request(settings, one.customer_ids, one.id),
            records_given_back=activation_erasure.forget(settings, one.customer_ids, one.values),
        )
    pass_point("after_erasing_given_back")


def erase_landing(settings: Settings, con: duckdb.DuckDBPyConnection, begun: list[Erasing]) -> None:
    """Step one: the landing zone and the rules, before anything is loaded."""
    # Whoever was erased before and was delivered again goes out of those files too.
    again = persons.files_of_erased(con)
    erased = _erased(settings)
    # What an attempt that was killed took out of files is in none of them any more: its note counts.
    before = {one.id: dict(one.rewritten) for one in begun}

    def note(found: Found) -> None:
        for one in begun:
            one.rewritten = before[one.id] | found.files
            _write_note(settings, one)

    found = landing_erasure.erase(settings, con, erased, again.union(*(one.look_at for one in begun)), note)
    pass_point("after_erasing_landing")
    found.files_renamed = landing_erasure.rename(settings, con, erased)
    pass_point("after_renaming")
    lines = landing_erasure.rules(settings, erased)
    landing_erasure.erase_elsewhere(settings, erased, found)
    for one in begun:
        _note_found(
            settings,
            one,
            **_of_landing(one),
            landing_files_renamed=found.files_renamed,
            rule_lines=lines,
            to_do_by_hand=found.by_hand,
        )


def _note_found(settings: Settings, one: Erasing, **found: Any) -> None:
    """Notes what was found; what an attempt that was killed had found counts too."""
    one.found |= {key: value for key, value in found.items() if value or key not in one.found}
    _write_note(settings, one)


def _of_landing(one: Erasing) -> dict[str, Any]:
    """Counts of what went out of the landing zone, over all attempts."""
    rewritten = [Rewritten(*file) for file in one.rewritten.values()]
    records: Counter[str] = Counter()
    for file in rewritten:
        records[file.stream] += file.records
    return {
        "landing_records": dict(records),
        "orders_kept": sum(file.orders_kept for file in rewritten),
        "landing_files_rewritten": len(rewritten),
    }


def _write_note(settings: Settings, one: Erasing) -> None:
    erasure_log.write(erasure_log.pending_folder(settings) / f"{one.id}.json", vars(one))


def erase_loaded(settings: Settings, con: duckdb.DuckDBPyConnection, begun: list[Erasing], run_id: str) -> None:
    """Step two: staging, audit tables and ids, after what was written anew is loaded."""
    erased = _erased(settings)
    found = warehouse_erasure.scrub(con, erased, run_id)
    warehouse_erasure.note_ids(con, settings, erased)
    for one in begun:
        _note_found(settings, one, rows_of_archived_deliveries_and_books=dict(found))


def forget_ids(settings: Settings) -> None:
    """Step three, after the marts are made and before they are published: nothing tells what our ids of them were."""
    with build_file.connect(settings) as con:
        warehouse_erasure.forget_ids(con)


def end(settings: Settings, begun: list[Erasing]) -> list[Path]:
    """Step four, after publishing: earlier publications and other copies go, and once more what was written for vendors
    since the first step, though nobody should have; receipts are written; where those stand."""
    for one in begun:
        if written := activation_erasure.forget(settings, one.customer_ids, one.values):
            _note_found(settings, one, records_given_back=one.found.get("records_given_back", 0) + written)
    dropped = _drop_earlier(settings)
    pass_point("after_dropping_publications")
    for path in warehouse_erasure.other_copies(settings):
        path.unlink(missing_ok=True)
    receipts = [_receipt(settings, one, dropped) for one in begun]
    pass_point("after_receipt")
    for one in begun:
        (erasure_log.pending_folder(settings) / f"{one.id}.json").unlink(missing_ok=True)
    drop_never_begun(settings)
    return receipts


def _drop_earlier(settings: Settings) -> list[str]:
    """Every publication but the current one goes, and whatever was written beside it; their names."""
    now = publish.current(settings)
    dropped = []
    for folder in sorted(settings.publications.glob("*/")):
        if now is None or folder != now.folder:
            shutil.rmtree(folder)
            dropped.append(folder.name)
    publish.prune_parquet(settings)
    return dropped


def _receipt(settings: Settings, one: Erasing, dropped: list[str]) -> Path:
    hashes = json.loads((erasure_log.folder(settings) / f"{one.id}.json").read_bytes())["hashes"]
    content = {
        "erasure": one.id,
        "asked_at": one.at,
        "ended_at": _now(),
        "by": one.by,
        "people": one.people,
        "kept_out_until": one.until,
        "rows_before": one.expected,
        **one.found,
        "publications_dropped": dropped,
        "hashes_kept": len(hashes),
        "proof": hashlib.sha256("\n".join(hashes).encode()).hexdigest(),
        "out_of_reach": list(OUT_OF_REACH),
    }
    return _write_receipt(settings, content)


def note_retention(settings: Settings, found: dict[str, int], *, limits: dict[str, int]) -> Path:
    """The receipt of what a nightly run deleted because it was older than the settings allow."""
    content = {
        "erasure": _new_id(),
        "ended_at": _now(),
        "by": RETENTION,
        "people": 0,
        "limits_in_days": limits,
        **found,
        "out_of_reach": list(OUT_OF_REACH[:3]),
    }
    return _write_receipt(settings, content)


def _write_receipt(settings: Settings, content: dict[str, Any]) -> Path:
    path = receipt_path(settings, content["erasure"])
    erasure_log.write(path, content)
    durable_files.replace(path.with_suffix(".html"), _page(content).encode(), mode=0o600)
    return path


def receipt_path(settings: Settings, erasure_id: str) -> Path:
    """Where the receipt of an erasure stands."""
    return settings.privacy / "receipts" / f"{erasure_id}.json"


def receipts(settings: Settings) -> Iterator[dict[str, Any]]:
    """Every receipt, oldest first."""
    for path in sorted((settings.privacy / "receipts").glob("*.json")):
        yield json.loads(path.read_bytes())


def last_taken(settings: Settings) -> str | None:
    """What went last because it was older than the settings allow, as a sentence; null where nothing ever did."""
    taken = [one for one in receipts(settings) if one["by"].startswith(RETENTION)]
    day = max((one["ended_at"][:10] for one in taken), default=None)
    if day is None:
        return None
    counts: Counter[str] = Counter()
    for one in taken:
        if one["ended_at"][:10] == day:
            # An erasure names the publications it dropped, which go with any.
            counts.update({name: count for name in _TAKEN if isinstance(count := one.get(name), int)})
    return f"{day}: " + ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if count)


def _page(content: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><th>{html.escape(key.replace('_', ' '))}</th><td>{_cell(value)}</td></tr>"
        for key, value in content.items()
    )
    style = (
        "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em"
        " auto}th{text-align:left;vertical-align:top;padding-right:2em}"
    )
    head = f"<!doctype html><meta charset=utf-8><title>Erasure {content['erasure']}</title><style>{style}</style>"
    return f"{head}<h1>Receipt of an erasure</h1><table>{rows}</table>\n"


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return (
            "<br>".join(f"{html.escape(str(key))}: {html.escape(str(inner))}" for key, inner in value.items()) or "none"
        )
    if isinstance(value, list):
        return "<br>".join(html.escape(str(inner)) for inner in value) or "none"
    return html.escape("-" if value is None else str(value))


def _erased(settings: Settings) -> Erasures:
    found = erasure_log.erasures(settings)
    assert found is not None
    return found
