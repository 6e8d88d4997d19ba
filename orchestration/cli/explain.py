"""`c360 explain`: why these records are one person, or whether two records are; what that hangs on; and where they may
be written to.

Values are masked unless asked for.
"""

import argparse
from collections.abc import Iterator

import duckdb

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.insight import explanation, people
from orchestration.insight.explanation import HOW_TO_NAME, SHOWN, Wording
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import read_only


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "names", nargs="*", metavar="ID", help="a customer id (or any former one), or two records: vendor/stream/id"
    )
    parser.add_argument("--email", metavar="E", help="the person who carries this e-mail address")
    parser.add_argument("--phone", metavar="P", help="the person who carries this phone number")
    parser.add_argument("--order", metavar="O", help="the person who placed this order: its number, or any id of it")
    parser.add_argument("--show", action="store_true", help="show identifiers as they are, not masked")
    parser.add_argument("--all", action="store_true", help=f"show every record and bridge, not the first {SHOWN}")
    parser.add_argument("--json", action="store_true", help="the same for machines")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Explains one person, or two records."""
    wording = Wording(show=given.show, all=given.all)
    with read_only.published(settings) as con:
        explanation.require_proofs(con)
        found = _asked_for(con, given)
        reported = list(_reported(con, wording, found))
    if given.json:
        output.machine({"customer_ids": [customer_id for _, customer_id in found], "explanation": reported})
    else:
        output.say("\n".join(reported))
    return 0


def _reported(con: duckdb.DuckDBPyConnection, wording: Wording, found: list[tuple[str, str]]) -> Iterator[str]:
    if len(found) == 2:
        return explanation.of_two(con, wording, *found)
    return explanation.of_person(con, wording, asked=found[0][0], customer_id=found[0][1])


def _asked_for(con: duckdb.DuckDBPyConnection, given: argparse.Namespace) -> list[tuple[str, str]]:
    """Each person or record that was named, with the id of its person."""
    finders = {people.by_email: given.email, people.by_phone: given.phone, people.by_order: given.order}
    found = [explanation.resolve(con, name) for name in given.names]
    for find, value in finders.items():
        if value is not None:
            customer_id = find(con, value)
            found.append((customer_id, customer_id))
    if not found:
        raise OperatorError("Nobody was named.", remedy=HOW_TO_NAME, exit_code=2)
    if len(found) > 2:
        raise OperatorError("More than two things were named.", remedy=HOW_TO_NAME, exit_code=2)
    return found
