"""How a decision on who is who is made from the command line: it is shown what it would change, somebody is asked, and
its lines are written."""

import argparse
import sys

import duckdb

from orchestration.cli import output, plan
from orchestration.config.settings import Settings
from orchestration.insight import explanation
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import decisions
from orchestration.transformation.identity_rules import Record

_RECORDS = """
select alias_id, source, source_account, stream_key, source_record_id
from internal.int_record_customers
where customer_id = $1 and not is_lead_only and not is_belonging
order by not is_anchor, is_contact, first_export_date, source, source_account, stream_key, source_record_id
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Who decides, and why; both stand in the file."""
    parser.add_argument("--by", required=True, type=_line, metavar="WHO", help="who decides this")
    parser.add_argument("--reason", required=True, type=_line, metavar="TEXT", help="why")
    asking(parser)


def asking(parser: argparse.ArgumentParser) -> None:
    """How much is shown, and whether anybody is asked."""
    parser.add_argument("--yes", action="store_true", help="write it without asking")
    parser.add_argument("--show", action="store_true", help="show identifiers as they are, not masked")


def records(con: duckdb.DuckDBPyConnection, customer_id: str) -> dict[str, Record]:
    """The records of a person by their ids, the one it is named after first."""
    return {row[0]: Record(*row[1:]) for row in con.execute(_RECORDS, [customer_id]).fetchall()}


def resolved(con: duckdb.DuckDBPyConnection, name: str) -> tuple[str, str]:
    """A record, or the one that an id is the hash of, and its person."""
    explanation.require_proofs(con)
    return explanation.resolve(con, name)


def decide(settings: Settings, wanted: str, given: argparse.Namespace) -> int:
    """Shows what the decisions as they would be then change, asks, and writes them; the next run applies them."""
    before = decisions.text(settings)
    with plan.trial(settings, None, overrides=wanted) as tried:
        try:
            found = plan.compare(tried, progress=output.progress())
        finally:
            output.end_progress()
        plan.print_changes(tried, found, plan.set_aside(tried), show=given.show)
    if not (given.yes or _agreed()):
        output.say("Nothing was written.")
        return 0
    path = decisions.write(settings, wanted, instead_of=before)
    output.say(f"Written to {path}. `c360 run` applies it; `c360 overrides` lists decisions and undoes them.")
    return 0


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise OperatorError(
            "Nothing was written: there is nobody to ask.",
            remedy="Add --yes to write it without being asked.",
            exit_code=2,
        )
    return input("Write this decision? [y/N] ").strip().lower() in ("y", "yes")


def _line(text: str) -> str:
    if not text.strip() or not text.isprintable():
        raise argparse.ArgumentTypeError("must be a line of text")
    return text.strip()
