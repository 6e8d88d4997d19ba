"""`c360 sql`: asks the published warehouse, read-only: one query, or a shell."""

import argparse
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import duckdb

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError, cause_of, to_operator_error
from orchestration.runtime.redaction import without_contacts, without_names
from orchestration.warehouse import read_only

SHOWN = 1_000
# Programs of their own, each with the DuckDB it brings; in the order of how comfortable they are.
SHELLS = {"harlequin": "--read-only", "duckdb": "-readonly"}
PROMPT, MORE = "c360> ", "  ... "
WELCOME = (
    "The published warehouse, read-only. A query ends with `;`. `show all tables;` lists what there is, Ctrl-D ends"
    " this."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "query",
        nargs="?",
        metavar="QUERY",
        help="what to ask; without it a shell: Harlequin or DuckDB's where installed, else a plain one",
    )
    parser.add_argument("--json", action="store_true", help="all rows for machines: a list of objects")
    parser.add_argument("--all", action="store_true", help=f"all rows, not the first {SHOWN:,}")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Answers one query, what comes by a pipe, or a person at a terminal."""
    show = output.objects if given.json else lambda names, rows: _table(names, rows, limit=None if given.all else SHOWN)
    query = given.query if given.query is not None or sys.stdin.isatty() else sys.stdin.read()
    if query is not None:
        with read_only.published(settings) as con:
            _answer(con, query, show)
        return 0
    with read_only.published(settings):
        shell = _installed_shell(settings)
    return subprocess.run(shell, check=False).returncode if shell else _converse(settings, show)


def _answer(
    con: duckdb.DuckDBPyConnection, query: str, show: Callable[[list[str], Iterator[tuple[Any, ...]]], None]
) -> None:
    try:
        if not con.extract_statements(query):
            raise OperatorError(
                "That asks nothing.", remedy='`c360 sql "show all tables"` lists what there is.', exit_code=2
            )
        found = con.execute(query)
        # Nothing to fetch is what a query gave that only sets something.
        names = [column[0] for column in found.description or []]
        show(names, _rows(found))
    except duckdb.Error as error:
        raise _refused(error, query) from None


def _rows(found: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    while batch := found.fetchmany(SHOWN):
        yield from batch


def _refused(error: duckdb.Error, query: str) -> OperatorError:
    """What DuckDB says of the query, which whoever asked must see; or of the file, as everywhere."""
    if cause_of(error):
        return to_operator_error(error)
    return OperatorError(
        without_names(without_contacts(str(error).strip()), query),
        remedy='`c360 sql "show all tables"` lists what there is.',
        exit_code=2,
    )


def _table(names: list[str], rows: Iterator[tuple[Any, ...]], *, limit: int | None) -> None:
    shown = [row for _, row in zip(range(limit), rows, strict=False)] if limit else list(rows)
    output.table(shown, header=names)
    if next(rows, None) is not None:
        output.say("  … and more; --all shows them, or ask for less.")


def _installed_shell(settings: Settings) -> list[str]:
    """The command of a shell that is installed and opens a file read-only."""
    for name, is_read_only in SHELLS.items():
        if found := shutil.which(name):
            return [found, is_read_only, str(settings.published_file)]
    return []


def _converse(settings: Settings, show: Callable[[list[str], Iterator[tuple[Any, ...]]], None]) -> int:
    """A plain shell: a mistake is shown, and the shell goes on."""
    with suppress(ImportError):
        import readline  # noqa: F401 (lines can be edited and called back)
    output.say(WELCOME)
    for query in _queries():
        try:
            with read_only.published(settings) as con:
                _answer(con, query, show)
        except OperatorError as error:
            output.complain(error.message)
    output.say()
    return 0


def _queries() -> Iterator[str]:
    """What is typed, up to each semicolon at the end of a line."""
    lines: list[str] = []
    with suppress(EOFError):
        while True:
            lines.append(input(MORE if lines else PROMPT))
            if lines[-1].rstrip().endswith(";"):
                yield "\n".join(lines)
                lines = []
            elif not any(line.strip() for line in lines):
                lines = []
