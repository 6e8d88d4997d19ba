"""`c360 overrides`: the decisions of people on who is who, and how to undo them."""

import argparse

from orchestration.cli import deciding, output
from orchestration.config.settings import Settings
from orchestration.insight.explanation import Wording
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import decisions
from orchestration.transformation.decisions import Decision
from orchestration.transformation.identity_rules import Record

HEADER = ("line", "rule", "one", "other", "author", "reason")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "action", nargs="?", choices=("undo",), help="take decisions out again; without it they are listed"
    )
    parser.add_argument("lines", nargs="*", type=int, metavar="N", help="lines of decisions to undo, as listed")
    parser.add_argument("--json", action="store_true", help="the list for machines")
    deciding.asking(parser)


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Lists decisions, or shows what undoing some changes, asks, and takes their lines out."""
    if given.action == "undo":
        if not given.lines:
            raise OperatorError(
                "No line was named.", remedy="`c360 overrides` lists the decisions with their lines.", exit_code=2
            )
        return deciding.decide(settings, decisions.without(settings, set(given.lines)), given)
    rows = [_row(decision, Wording(show=given.show, all=True)) for decision in decisions.read(settings)]
    if given.json:
        output.objects(HEADER, rows)
    elif rows:
        output.table(rows, header=HEADER)
    else:
        output.say("Nobody has decided anything: identity follows from the rules alone.")
    return 0


def _row(decision: Decision, wording: Wording) -> tuple[object, ...]:
    """A decision in the columns of the list."""
    cells = decision.cells
    one, other = (_shown(decision.record(prefix), wording) for prefix in ("", "other_"))
    identifier = f"{cells['identifier_type']} {wording.value(cells['identifier_type'], cells['identifier_value'])}"
    return decision.line, cells["rule"], one or identifier, other, cells["author"], cells["reason"]


def _shown(record: Record | None, wording: Wording) -> str | None:
    return f"{record}/{wording.value('', record.source_record_id)}" if record else None
