"""The activation folder of a target: a folder per day of request bodies ready to be posted, and what was written so
far.

`<date>/` holds the bodies, `rejects.ndjson`, `records.parquet` (what was written of whom, in which file) and, last,
`manifest.json`. A folder is written under another name and renamed, so one that has its name is whole. What was written
so far is the sum of the folders' `records.parquet`; `state.parquet` only saves reading them all again, and may be lost.
The second folder of one day is `<date>-2`.
"""

import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import msgspec

from orchestration.activation import receipts
from orchestration.activation.catalogue import SEGMENT
from orchestration.activation.receipts import Receipt
from orchestration.runtime.durable_files import replace, sync
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.duckdb_session import quoted

MANIFEST, RECORDS, REJECTS, STATE = "manifest.json", "records.parquet", "rejects.ndjson", "state.parquet"
BEGUN = ".begun-"
AT_ACCOUNT = "\x1f"
FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?")
# What a record is known by at its vendor, as it is compared with `spellings`: small, and with the letters folded that have
# no other small form.
KNOWN_BY = (
    "flatten([[lower(value), replace(replace(lower(value), 'ß', 'ss'), 'ς', 'σ')] for value in"
    " json_extract_string(identity, '$.*')])"
)
_STATE_DDL = """
create or replace table state (
    kind varchar, key varchar, customer_id varchar, alias_id varchar, status varchar, identity varchar, vals varchar, folder varchar
)
"""
_COLUMNS = "kind, key, customer_id, alias_id, status, identity, vals"
# What was written may have failed: then the record is as it was before, or, where the vendor may hold some of it all the
# same, nobody knows. An opt-out that failed was not said.
_ROWS = """
select
    kind, record.key, customer_id, alias_id, if(is_unsure, 'unsure', status) as status, identity, vals, {name} as folder, {age} as age
from read_parquet({path}) as record
left join failed
    on failed.folder = {name} and failed.file = record.file
    and (failed.key is null or failed.key = record.key or (kind = 'optout' and starts_with(record.key, failed.key || ' ')))
where failed.file is null or (is_unsure and kind = 'profile')
"""
_NEWEST = """
insert into state
select {columns}, folder from ({rows}) qualify row_number() over (partition by kind, key order by age desc) = 1
"""


@dataclass(frozen=True)
class Written:
    """A folder that stands whole."""

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        return json.loads((self.folder / MANIFEST).read_bytes())

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def is_without_bodies(self) -> bool:
        """Its bodies were settled long ago and are gone."""
        return self.manifest.get("is_without_bodies", False)

    @property
    def mapping_version(self) -> str:
        return self.manifest["mapping_version"]


def written(root: Path) -> list[Written]:
    """The folders of a target, oldest first."""
    found = [folder for folder in root.glob("*/") if FOLDER.fullmatch(folder.name) and (folder / MANIFEST).is_file()]
    return [Written(folder) for folder in sorted(found, key=lambda folder: order(folder.name))]


def order(name: str) -> tuple[str, int]:
    """What folders are ordered by."""
    found = FOLDER.fullmatch(name)
    assert found is not None
    return found[1], int(found[2] or 1)


def load_state(con: duckdb.DuckDBPyConnection, root: Path) -> Written | None:
    """Fills the table `state` with what was written last of every record and did not fail; the last folder, if there is
    one."""
    con.execute(_STATE_DDL)
    con.execute("create or replace table failed (folder varchar, file varchar, key varchar, is_unsure boolean)")
    folders = written(root)
    for failure in _failures(folders, last(root)):
        con.execute("insert into failed values ($1, $2, $3, $4)", list(failure))
    through = _through(con, root / STATE)
    last_kept = next((found for found in folders if through == _mark(found)), None)
    is_usable = last_kept is not None
    newer = [found for found in folders if last_kept is None or order(found.name) > order(last_kept.name)]
    rows = [f"select {_COLUMNS}, folder, 0 as age from read_parquet({quoted(str(root / STATE))})"] if is_usable else []
    rows += [
        _ROWS.format(name=quoted(found.name), path=quoted(str(found.folder / RECORDS)), age=age)
        for age, found in enumerate(newer, start=1)
    ]
    if rows:
        con.execute(_NEWEST.format(columns=_COLUMNS, rows=" union all ".join(rows)))
    return folders[-1] if folders else None


def last(root: Path) -> dict[tuple[str, str], Receipt]:
    """The last receipt of every body that stands in a folder, by folder and file; a body that was not taken for reasons
    of ours has none, as if it had never been on its way."""
    bodies = {
        (found.name, facts["file"]): facts["sha256"] for found in written(root) for facts in found.manifest["files"]
    }
    found = {
        place: receipt
        for receipt in receipts.read(root)
        if (place := (receipt.folder, receipt.file)) in bodies and receipt.sha256 in (None, bodies[place])
    }
    return {place: receipt for place, receipt in found.items() if receipt.state != "not_taken"}


def _failures(
    folders: list[Written], answers: Mapping[tuple[str, str], Receipt]
) -> Iterator[tuple[str, str, str | None, bool]]:
    """Folder, file and key of every record that failed, without a key all of that file; and whether the vendor may hold
    some of it: where it does not say which records failed, or has taken tags of theirs."""
    tagged = {folder for (folder, file), receipt in answers.items() if file.startswith("tags") and receipt.is_answer}
    for receipt in answers.values():
        if receipt.state == "refused":
            yield receipt.folder, receipt.file, None, receipt.folder in tagged
        elif receipt.is_all_failed:
            yield receipt.folder, receipt.file, None, True
        else:
            yield from ((receipt.folder, receipt.file, key, receipt.folder in tagged) for key in receipt.failed)


def save_state(con: duckdb.DuckDBPyConnection, root: Path) -> None:
    """Keeps the sum of all folders."""
    newest = load_state(con, root)
    if newest is None:
        return
    draft = root / f".{STATE}"
    con.execute(
        f"copy (select * from state order by kind, key) to {quoted(str(draft))} (format parquet, compression zstd,"
        f" kv_metadata {{through: {quoted(_mark(newest))}}})"
    )
    sync(draft)
    pass_point("before_state")
    os.replace(draft, root / STATE)
    sync(root)
    pass_point("state_is_saved")


def withdraw(con: duckdb.DuckDBPyConnection, root: Path, basis: Mapping[str, str]) -> bool:
    """Takes back all bodies that were not posted, if one of them is of another `basis` (publication, purpose, mapping)
    or is not what was written: people who have said no since would be sent. Returns whether there were any.

    The last folder goes first, so that a process that is killed leaves folders that follow upon each other.
    """
    receipts_of_bodies = last(root)
    unsent = [
        (found, bodies)
        for found in written(root)
        if not found.is_without_bodies
        and (
            bodies := [facts for facts in found.manifest["files"] if not _is_answered(found, facts, receipts_of_bodies)]
        )
    ]
    if all(
        basis.items() <= found.manifest.items() and all(is_as_written(found.folder, facts) for facts in bodies)
        for found, bodies in unsent
    ):
        return False
    forget_state(root)
    for found, bodies in reversed(unsent):
        begun = [facts["file"] for facts in bodies if (found.name, facts["file"]) in receipts_of_bodies]
        if begun or len(bodies) < len(found.manifest["files"]):
            _withdraw_bodies(con, found, bodies, begun)
        else:
            _withdraw_folder(root, found)
    return True


def is_as_written(folder: Path, facts: Mapping[str, Any]) -> bool:
    """The body is there, byte for byte."""
    path = folder / facts["file"]
    return path.exists() and sha256(path.read_bytes()).hexdigest() == facts["sha256"]


def _is_answered(
    found: Written, facts: Mapping[str, Any], receipts_of_bodies: Mapping[tuple[str, str], Receipt]
) -> bool:
    receipt = receipts_of_bodies.get((found.name, facts["file"]))
    return receipt is not None and receipt.is_answer


def _withdraw_folder(root: Path, found: Written) -> None:
    begun = root / f"{BEGUN}{found.name}"
    os.replace(found.folder, begun)
    sync(root)
    pass_point("folder_is_withdrawn")
    shutil.rmtree(begun)


def _withdraw_bodies(
    con: duckdb.DuckDBPyConnection, found: Written, bodies: Sequence[Mapping[str, Any]], begun: Sequence[str]
) -> None:
    """Takes bodies of a folder back of which others were posted. What was on its way without an answer the vendor
    perhaps holds, and so it does with tags that were to be removed: those records are written again, or cleared."""
    files = [facts["file"] for facts in bodies]
    con.execute("create or replace table records as from read_parquet($1)", [str(found.folder / RECORDS)])
    # Who is gone is found to be gone once more.
    con.execute(
        "delete from records where file is null or (list_contains($1, file) and (kind = 'optout' or not"
        " list_contains($2, file)))",
        [files, list(begun)],
    )
    con.execute("update records set status = 'unsure' where list_contains($1, file)", [list(begun)])
    for facts in bodies:
        if facts["file"].startswith("tags"):
            _untag(con, found.folder / facts["file"], facts["segment"])
    path = found.folder / RECORDS
    con.execute(f"copy (from records order by kind, key) to {quoted(f'{path}.tmp')} (format parquet, compression zstd)")
    os.replace(f"{path}.tmp", path)
    pass_point("records_are_withdrawn")
    save_manifest(
        found, {**found.manifest, "files": [facts for facts in found.manifest["files"] if facts["file"] not in files]}
    )
    for file in files:
        (found.folder / file).unlink(missing_ok=True)


def _untag(con: duckdb.DuckDBPyConnection, path: Path, segment: str) -> None:
    """Tags that were never added or removed: whoever the body names perhaps has the tag."""
    addresses: list[str] = []
    with suppress(OSError, ValueError):
        addresses = json.loads(path.read_bytes())["emails"]
    con.execute(
        "update records set status = 'unsure', vals = json_merge_patch(vals, $1) where kind = 'profile' and (len($2) ="
        " 0 or list_has_any(json_extract_string(identity, '$.*'), $2))",
        [json.dumps({SEGMENT + segment: True}), addresses],
    )


def of_account(vendor: str, account: str, value: str) -> str:
    """A value that means somebody at that account of the vendor alone: elsewhere the same id is somebody else's."""
    return f"{vendor}{AT_ACCOUNT}{account}{AT_ACCOUNT}{value}"


def spellings(values: Collection[str], vendor: str, account: str) -> set[str]:
    """Those of the values that mean somebody at this account, as a record may be known by them, however their letters
    are written."""
    own = of_account(vendor, account, "")
    known = (value.removeprefix(own) for value in values)
    return {spelling for value in known if AT_ACCOUNT not in value for spelling in (value.lower(), value.casefold())}


def forget_state(root: Path) -> None:
    """Lets the next plan read all folders again: something that was written has failed."""
    (root / STATE).unlink(missing_ok=True)


def free_name(root: Path, day: date) -> str:
    """Name of the next folder: the day, with a number where one stands already. Figures of an earlier day than the last
    folder's (`--as-of`) get a folder of that last day, for what is written later counts and is sent later."""
    day = max([day, *(date.fromisoformat(order(found.name)[0]) for found in written(root))])
    taken = [order(folder.name)[1] for folder in root.glob(f"{day}*/") if FOLDER.fullmatch(folder.name)]
    return f"{day}-{max(taken) + 1}" if taken else str(day)


def manifest_bytes(manifest: dict[str, Any]) -> bytes:
    """A manifest as it stands in its file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n"


def save_manifest(found: Written, manifest: dict[str, Any]) -> None:
    """Puts another manifest in the place of a folder's."""
    replace(found.folder / MANIFEST, manifest_bytes(manifest))


def sweep(root: Path) -> None:
    """Removes what a killed process left half written."""
    for begun in root.glob(f"{BEGUN}*"):
        shutil.rmtree(begun, ignore_errors=True)
    for draft in (root / f".{STATE}", *root.rglob("*.tmp")):
        draft.unlink(missing_ok=True)


class Draft:
    """A folder being written; it gets its name when it is whole."""

    def __init__(self, root: Path, name: str) -> None:
        self._root, self.name = root, name
        root.mkdir(parents=True, exist_ok=True)
        sweep(root)
        self.folder = root / f"{BEGUN}{name}"
        self.folder.mkdir()
        self._files: list[dict[str, Any]] = []

    def body(self, name: str, content: bytes, **facts: Any) -> None:
        """One request body, with what the manifest says of it."""
        self._write(name, content)
        self._files.append({"file": name, **facts, "bytes": len(content), "sha256": sha256(content).hexdigest()})
        pass_point("after_activation_body")

    def beside(self, name: str, lines: Iterator[bytes]) -> None:
        """A file that is nobody's request."""
        with (self.folder / name).open("wb") as file:
            file.writelines(line + b"\n" for line in lines)
        sync(self.folder / name)

    def finish(self, **facts: Any) -> None:
        """Writes the manifest and gives the folder its name."""
        pass_point("before_manifest")
        manifest = {**facts, "files": self._files}
        self._write(MANIFEST, manifest_bytes(manifest))
        sync(self.folder)
        pass_point("before_activation_rename")
        os.replace(self.folder, self._root / self.name)
        sync(self._root)

    def drop(self) -> None:
        """Forgets the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, content: bytes) -> None:
        path = self.folder / name
        path.write_bytes(content)
        sync(path)


def _mark(found: Written) -> str:
    """What a folder is told by from another one of its name."""
    return f"{found.name} {sha256((found.folder / MANIFEST).read_bytes()).hexdigest()}"


def _through(con: duckdb.DuckDBPyConnection, path: Path) -> str | None:
    """The mark of the last folder that a kept state knows; None where there is none or it cannot be read."""
    with suppress(duckdb.Error):
        if path.exists():
            found = con.execute(
                "select value from parquet_kv_metadata($1) where key = 'through'", [str(path)]
            ).fetchone()
            return bytes(found[0]).decode() if found else None
    return None
