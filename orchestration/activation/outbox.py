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
from collections.abc import Iterator
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
from orchestration.runtime.durable_files import replace, sync
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.duckdb_session import quoted

MANIFEST, RECORDS, REJECTS, STATE = "manifest.json", "records.parquet", "rejects.ndjson", "state.parquet"
BEGUN = ".begun-"
FOLDER = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?")
# What a record is known by at its vendor, as identifiers are compared: `lower` leaves signs that `casefold` does not.
KNOWN_BY = "[casefolded(value) for value in json_extract_string(identity, '$.*')]"
_STATE_DDL = """
create or replace table state (
    kind varchar, key varchar, customer_id varchar, alias_id varchar, status varchar, identity varchar, vals varchar, folder varchar
)
"""
_COLUMNS = "kind, key, customer_id, alias_id, status, identity, vals"
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
    con.execute("create or replace table failed (folder varchar, file varchar, key varchar)")
    for failure in receipts.failures(root):
        con.execute("insert into failed values ($1, $2, $3)", list(failure))
    folders = written(root)
    through = _through(con, root / STATE)
    known = {found.name for found in folders}
    is_usable = through in known
    newer = [found for found in folders if not is_usable or order(found.name) > order(through or "")]
    rows = [f"select {_COLUMNS}, folder, 0 as age from read_parquet({quoted(str(root / STATE))})"] if is_usable else []
    rows += [
        f"select {_COLUMNS}, {quoted(found.name)} as folder, {age} as age from"
        f" read_parquet({quoted(str(found.folder / RECORDS))}) as record where not exists (from failed where folder ="
        f" {quoted(found.name)} and failed.file = record.file and (coalesce(failed.key, record.key) = record.key"
        " or (record.kind = 'optout' and starts_with(record.key, failed.key || ' '))))"
        for age, found in enumerate(newer, start=1)
    ]
    if rows:
        con.execute(_NEWEST.format(columns=_COLUMNS, rows=" union all ".join(rows)))
    return folders[-1] if folders else None


def save_state(con: duckdb.DuckDBPyConnection, root: Path, through: str) -> None:
    """Keeps the sum of all folders up to that one."""
    load_state(con, root)
    draft = root / f".{STATE}"
    con.execute(
        f"copy (select * from state order by kind, key) to {quoted(str(draft))} (format parquet, compression zstd,"
        f" kv_metadata {{through: {quoted(through)}}})"
    )
    sync(draft)
    pass_point("before_state")
    os.replace(draft, root / STATE)
    sync(root)
    pass_point("state_is_saved")


def withdraw(root: Path, run_id: str) -> bool:
    """Takes back the folders of which nothing was posted, if one of them is of an earlier publication than `run_id`:
    people who have said no since would be sent. Returns whether there were any.

    The last one goes first, so that a process that is killed leaves folders that follow upon each other.
    """
    answered = {folder for folder, _ in receipts.last(root)}
    unsent = [
        found
        for found in written(root)
        if found.manifest["files"] and found.name not in answered and not found.is_without_bodies
    ]
    if all(found.manifest["run_id"] == run_id for found in unsent):
        return False
    forget_state(root)
    for found in reversed(unsent):
        begun = root / f"{BEGUN}{found.name}"
        os.replace(found.folder, begun)
        sync(root)
        pass_point("folder_is_withdrawn")
        shutil.rmtree(begun)
    return True


def compare_folded(con: duckdb.DuckDBPyConnection) -> None:
    """Lets `KNOWN_BY` be asked on that connection."""
    con.create_function("casefolded", str.casefold, ["VARCHAR"], "VARCHAR")


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


def _through(con: duckdb.DuckDBPyConnection, path: Path) -> str | None:
    """The last folder that a kept state knows; None where there is none or it cannot be read."""
    with suppress(duckdb.Error):
        if path.exists():
            found = con.execute(
                "select value from parquet_kv_metadata($1) where key = 'through'", [str(path)]
            ).fetchone()
            return bytes(found[0]).decode() if found else None
    return None
