"""The business rules: loads every seed of the dbt project, or the installation's own file of that name, into the build
file.

A file is checked against the declared columns and types, and one of the installation's own against all that its rows
promise, so that a mistake names its line before anything is built on it. `dbt seed` loads the same files by hand; the
nightly run does not need it.
"""

import csv
import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb

from orchestration import vendors
from orchestration.config.settings import Settings
from orchestration.runtime import yaml_files
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name, without_contacts
from orchestration.transformation.row_checks import Promises, first_broken
from orchestration.warehouse.duckdb_session import transaction

OTHER_FILES = ("accounts",)
VENDOR_COLUMNS = ("source", "other_source")


@dataclass(frozen=True)
class Seed:
    """One seed: its file, the declared type of each of its columns, what is promised of its rows, and columns a file
    may leave out."""

    name: str
    path: Path
    types: Mapping[str, str]
    promises: Promises
    may_be_left_out: Collection[str] = ()


def find(settings: Settings) -> list[Seed]:
    """Every seed of the project, each with the file that counts in this installation."""
    folder = settings.dbt_project / "seeds"
    declared = _declared(folder)
    names = sorted(path.stem for path in folder.glob("*.csv"))
    _refuse_strangers(settings, names)
    return [Seed(name, _file(settings, folder, name), *declared.get(name, ({}, {}, ()))) for name in names]


def load(con: duckdb.DuckDBPyConnection, settings: Settings) -> list[str]:
    """Replaces schema `seeds` by the files as they are now; returns the names."""
    seeds = find(settings)
    with transaction(con):
        con.execute("create schema if not exists seeds")
        for seed in seeds:
            _load(con, seed)
    for seed in seeds:
        if seed.path.parent == settings.config:
            _check(con, seed)
    return [seed.name for seed in seeds]


def check_files(settings: Settings) -> None:
    """Refuses a file of the installation's own that `load` would refuse, before anything is loaded for it."""
    if any(seed.path.parent == settings.config for seed in find(settings)):
        with duckdb.connect(config=settings.duckdb_config) as con:
            load(con, settings)


def header(seed: Seed) -> list[str]:
    """The columns of a seed's file, each known and there once."""
    return _checked(seed, next(_lines(seed), (1, []))[1])


def rows(seed: Seed) -> Iterator[tuple[int, dict[str, str]]]:
    """Every row of a seed's file by the line it begins on, its cells trimmed; a row of another width than the header is
    refused."""
    lines = _lines(seed)
    names = _checked(seed, next(lines, (1, []))[1])
    for line, cells in lines:
        if cells and len(cells) != len(names):
            raise problem(seed, line, f"{len(cells)} cells where the header has {len(names)}")
        if cells:
            yield line, dict(zip(names, (cell.strip() for cell in cells), strict=True))


def _checked(seed: Seed, names: list[str]) -> list[str]:
    if len(set(names)) != len(names):
        raise problem(seed, 1, "a column stands twice in the header")
    for name in names:
        if seed.types and name not in seed.types:
            raise problem(seed, 1, f"`{name}` is no column of this rule; its columns are {', '.join(seed.types)}")
    for name in seed.types:
        if name not in names and name not in seed.may_be_left_out:
            raise problem(seed, 1, f"the column `{name}` is missing")
    return names


def _lines(seed: Seed) -> Iterator[tuple[int, list[str]]]:
    with seed.path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        line = 1
        try:
            for cells in reader:
                yield line, cells
                line = reader.line_num + 1
        except (csv.Error, UnicodeDecodeError) as error:
            raise problem(seed, line, f"no readable CSV ({error})") from None


def _declared(folder: Path) -> dict[str, tuple[dict[str, str], dict[str, Any], list[str]]]:
    """Types and promises of every seed by its name, and columns that its file may leave out."""
    declared = {}
    for path in sorted(folder.glob("*.yml")):
        for seed in (yaml_files.read(path) or {}).get("seeds", []):
            promises = [test["checks"]["arguments"] for test in seed.get("data_tests", []) if "checks" in test]
            config = seed.get("config", {})
            left_out = config.get("meta", {}).get("may_be_left_out", [])
            declared[seed["name"]] = (config.get("column_types", {}), promises[0] if promises else {}, left_out)
    return declared


def _file(settings: Settings, folder: Path, name: str) -> Path:
    own = settings.config / f"{name}.csv"
    return own if own.exists() else folder / f"{name}.csv"


def _refuse_strangers(settings: Settings, names: list[str]) -> None:
    for path in sorted(settings.config.glob("*.csv")):
        if path.stem not in names and path.stem not in OTHER_FILES:
            near = difflib.get_close_matches(path.stem, names, n=1)
            remedy = f"Did you mean {near[0]}.csv?" if near else f"Rules are: {', '.join(names)}."
            raise OperatorError(
                f"{path.parent}/{shown_name(path.name)} overrides no rule: there is no seed of that name.",
                remedy=remedy,
                exit_code=2,
            )


def _load(con: duckdb.DuckDBPyConnection, seed: Seed) -> None:
    columns = header(seed)
    types = {name: seed.types.get(name, "VARCHAR") for name in columns}
    text = ", ".join(f"'{name}': 'VARCHAR'" for name in columns)
    given = (
        f"read_csv($1, header = true, columns = {{{text}}}, delim = ',', quote = '\"', escape = '\"', nullstr = '',"
        " auto_detect = false)"
    )
    casts = ", ".join(f'try_cast(trim("{name}") as {kind}) as "{name}"' for name, kind in types.items())
    try:
        con.execute(f'create or replace table seeds."{seed.name}" as select {casts} from {given}', [str(seed.path)])
        unread = ", ".join(_unreadable(name, kind) for name, kind in types.items())
        counts = con.execute(f"select {unread} from {given}", [str(seed.path)]).fetchone() or ()
    except duckdb.Error:
        raise _unreadable_file(seed) from None
    for name, count in zip(columns, counts, strict=True):
        if count:
            raise _bad_cell(con, seed, name, types[name])


def _unreadable(name: str, kind: str) -> str:
    return f"""count(*) filter ("{name}" is not null and {_is_bad(f'trim("{name}")', kind)})"""


def _is_bad(value: str, kind: str) -> str:
    whole = (
        f" or not regexp_full_match({value}, '[+-]?[0-9]+')"
        if kind.upper() in ("INTEGER", "BIGINT", "SMALLINT")
        else ""
    )
    return f"(try_cast({value} as {kind}) is null{whole})"


def _check(con: duckdb.DuckDBPyConnection, seed: Seed) -> None:
    """Refuses a file with rows that do not keep what is promised of them; a vendor is one that there is a module
    for."""
    named = {name: vendors.names() for name in seed.types if name in VENDOR_COLUMNS}
    promises = {**seed.promises, "accepted": {**seed.promises.get("accepted", {}), **named}}
    if broken := first_broken(con, f'seeds."{seed.name}"', promises):
        row_no, what = broken
        line = next(islice(rows(seed), row_no - 1, None))[0] if row_no else 1
        raise problem(seed, line, what)


def _unreadable_file(seed: Seed) -> OperatorError:
    try:
        for _ in rows(seed):
            pass
    except OperatorError as error:
        return error
    return problem(seed, 1, "the file is no readable CSV in UTF-8")


def _bad_cell(con: duckdb.DuckDBPyConnection, seed: Seed, name: str, kind: str) -> OperatorError:
    for line, row in rows(seed):
        if row[name] and con.execute(f"select {_is_bad('$1', kind)}", [row[name]]).fetchone() == (True,):
            return problem(seed, line, f"`{name}` does not hold a {kind}: '{row[name]}'")
    return problem(seed, 1, f"`{name}` does not hold a {kind} everywhere")


def problem(seed: Seed, line: int, what: str) -> OperatorError:
    """Why a line of a seed's file cannot be used."""
    return OperatorError(
        f"{seed.path}, line {line}: {without_contacts(what)}.", remedy="Mend the line and run again.", exit_code=2
    )
