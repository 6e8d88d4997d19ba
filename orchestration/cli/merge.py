"""`c360 merge`: somebody decides that people are one; shows what that changes, asks, and writes it down."""

import argparse

from orchestration.cli import deciding
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import decisions
from orchestration.warehouse import read_only


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "ids",
        nargs="+",
        metavar="ID",
        help="customer ids, or records as vendor/stream/id: whoever they are, they are one person",
    )
    deciding.arguments(parser)


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """A line `always` between the record the first person is named after and that of each other."""
    with read_only.published(settings) as con:
        persons = list(dict.fromkeys(deciding.resolved(con, name)[1] for name in given.ids))
        anchors = [next(iter(deciding.records(con, person).values())) for person in persons]
    if len(anchors) < 2:
        raise OperatorError("These are one person already.", remedy="Name two people or more.", exit_code=2)
    pairs = [("always", anchors[0], other) for other in anchors[1:]]
    return deciding.decide(settings, decisions.with_pairs(settings, pairs, author=given.by, reason=given.reason), given)
