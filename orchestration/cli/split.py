"""`c360 split`: somebody decides that records of a person are somebody else's; shows what that changes, asks, and
writes it down."""

import argparse

from orchestration.cli import deciding
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.transformation import decisions
from orchestration.warehouse import read_only


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("id", metavar="ID", help="a customer id, or a record as vendor/stream/id")
    parser.add_argument(
        "--records",
        nargs="+",
        required=True,
        metavar="RECORD",
        help="records of that person that are another one: vendor/stream/id",
    )
    deciding.arguments(parser)


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """The records named become one person of their own: `always` among them, `never` with each record that stays."""
    with read_only.published(settings) as con:
        _, person = deciding.resolved(con, given.id)
        everything = deciding.records(con, person)
        named = list(dict.fromkeys(deciding.resolved(con, name)[0] for name in given.records))
    if not everything.keys() >= set(named):
        raise OperatorError(
            "A record that was named is none of this person's own.",
            remedy=f"`c360 explain {person[:12]} --show` lists them.",
            exit_code=2,
        )
    leaving = [everything.pop(alias_id) for alias_id in named]
    if not everything:
        raise OperatorError(
            "All records of the person were named.", remedy="Name those that are to leave, and leave one.", exit_code=2
        )
    pairs = [("always", leaving[0], other) for other in leaving[1:]] + [
        ("never", leaving[0], staying) for staying in everything.values()
    ]
    return deciding.decide(settings, decisions.with_pairs(settings, pairs, author=given.by, reason=given.reason), given)
