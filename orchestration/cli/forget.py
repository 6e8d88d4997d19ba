"""`c360 forget`: erases people from every place that holds them, and keeps them out."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb

from orchestration import pipeline
from orchestration.cli import nightly_run, output
from orchestration.config.settings import Settings
from orchestration.privacy import erasing
from orchestration.privacy.erasing import Held
from orchestration.publishing import publish
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted
from orchestration.warehouse import build_file, read_only
from orchestration.warehouse.writer_lock import writer_lock


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    add_whom(parser)
    parser.add_argument(
        "--until",
        type=nightly_run.day,
        metavar="D",
        help="keep out what is delivered up to this date; later it is somebody new (default: for ever)",
    )
    parser.add_argument(
        "--by", metavar="WHO", default=None, help="who decided it, for the receipt; default: who is logged in"
    )
    parser.add_argument("--dry-run", action="store_true", help="only show what would go")
    parser.add_argument("--yes", action="store_true", help="do not ask")


def add_whom(parser: argparse.ArgumentParser) -> None:
    """The ways to name somebody."""
    parser.add_argument("customer_id", nargs="?", metavar="CUSTOMER_ID", help="the person's id, or one they ever had")
    parser.add_argument("--email", metavar="E", help="an address of theirs")
    parser.add_argument("--phone", metavar="P", help="a phone number of theirs, with + and the code of its country")
    parser.add_argument(
        "--file", metavar="LIST", type=Path, help="a file with an id, an address or a number on each line"
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Shows what is held of each person, asks, erases, and says where the receipts are."""
    named = list(asked(given))
    erasing.require_secret(settings)
    pipeline.finish_erasures(settings, progress=output.progress())
    if given.dry_run:
        _look(settings, named)
        return 0
    if not given.yes:
        _look(settings, named)
        if not sys.stdin.isatty() or input("Erase this for good? Type yes: ").strip().lower() != "yes":
            raise OperatorError("Nothing was erased.", remedy="Type yes when asked, or give --yes.", exit_code=2)
    by = given.by or _who()
    with writer_lock(settings, command="c360 forget", on_wait=output.progress()):
        found = list(_find(settings, named))
        begun = {erasing.begin(settings, [one], by=by, until=given.until or one.until).id for one in found}
    try:
        pipeline.finish_erasures(settings, progress=output.progress())
    finally:
        output.end_progress()
    # Another process may have ended them, which waited for the lock.
    receipts = [receipt for receipt in erasing.receipts(settings) if receipt["erasure"] in begun]
    for receipt in receipts:
        path = erasing.receipt_path(settings, receipt["erasure"])
        output.say(f"Erased. The receipt: {path} and {path.with_suffix('.html').name} beside it.")
    by_hand = sorted({file for receipt in receipts for file in receipt.get("to_do_by_hand", ())})
    for file in by_hand:
        output.say(
            f"{file} still names them and cannot be written anew in part: have it delivered again without them, or"
            " delete it."
        )
    return 3 if by_hand else 0


def asked(given: argparse.Namespace) -> Iterator[dict[str, str]]:
    """Who is named, each as `persons.resolve` takes it."""
    ways = [given.customer_id, given.email, given.phone, given.file]
    if sum(one is not None for one in ways) != 1:
        raise OperatorError("Name one person, or a list.", remedy="`--help` shows how it is done.", exit_code=2)
    if given.file is not None:
        try:
            lines = given.file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError):
            raise OperatorError("The list cannot be read.", remedy="Give a text file in UTF-8.", exit_code=2) from None
        named = [line.strip() for line in lines if line.strip()]
        if not named:
            raise OperatorError("The list names nobody.", remedy="Write one person on each line.", exit_code=2)
        yield from map(_kind, named)
    else:
        yield {
            key: value
            for key, value in (("customer_id", given.customer_id), ("email", given.email), ("phone", given.phone))
            if value is not None
        }


def _kind(line: str) -> dict[str, str]:
    return {"email" if "@" in line else "phone" if line.startswith("+") else "customer_id": line}


def _find(settings: Settings, named: list[dict[str, str]]) -> Iterator[Held]:
    """Everybody who is named, once each."""
    known = set()
    with read_only.of_this_version(settings), build_file.connect(settings) as con:
        require_warehouse(con)
        for number, one in enumerate(named, start=1):
            try:
                held = Held.of(con, settings, **one)
            except OperatorError as error:
                if len(named) > 1:
                    error.message = f"Entry {number:,} of the list: {error.message} Nothing was erased."
                raise
            if held.person not in known:
                known.add(held.person)
                yield held


def require_warehouse(con: duckdb.DuckDBPyConnection) -> None:
    """Refuses to look for somebody where nothing was built yet."""
    if not con.execute(
        "select 1 from duckdb_tables() where schema_name = 'internal' and table_name = 'int_record_customers'"
    ).fetchall():
        raise OperatorError("There is no warehouse to look into.", remedy="`c360 run` builds it from what has landed.")


def _look(settings: Settings, named: list[dict[str, str]]) -> None:
    with writer_lock(settings, command="c360 forget --dry-run", on_wait=output.progress()):
        found = list(_find(settings, named))
        taken_back = publish.taken_back(settings)
    if taken_back is not None:
        output.say(f"What was taken back by `c360 rollback` ({taken_back.shown_at}) is published without them.")
    for one in found:
        unnamed = "nobody with an id" if one.person.owners else "erased before"
        who = ", ".join(one.person.customer_ids) or unnamed
        output.say(
            f"{who}: {counted(len(one.person.owners), 'vendor record')}, {counted(len(one.person.identifiers), 'identifier')} of their"
            " own."
        )
        output.table(one.counts.items())
        output.say(
            f"{counted(len(one.files), 'landing file')} may hold records of theirs; every kept publication but the new one is"
            " dropped."
        )


def _who() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return f"user {os.getuid()}"
