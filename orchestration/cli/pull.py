"""`c360 pull`: fetches what the vendors have into the landing zone; `c360 run` loads it."""

import argparse
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from orchestration.cli import nightly_run, output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError

if TYPE_CHECKING:
    from orchestration.pulling.pull import Outcome


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--vendor", type=nightly_run.feed, metavar="VENDOR[@ACCOUNT]", help="only this vendor, or one account of it"
    )
    parser.add_argument("--stream", metavar="S", help="only this stream")
    parser.add_argument(
        "--since",
        type=nightly_run.day,
        metavar="D",
        help="what changed since this day (YYYY-MM-DD), instead of since the last pull",
    )
    parser.add_argument("--full", action="store_true", help="everything, whether or not it changed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Pulls what `pull.toml` names and is meant; prints what came of every stream."""
    from orchestration.pulling import configuration, pull, walk_log

    if given.since and given.full:
        raise OperatorError("--since goes without --full.", remedy="Give one of them.", exit_code=2)
    vendor, account = given.vendor or (None, None)
    sources = configuration.sources(settings, vendor=vendor, account=account, stream=given.stream)
    try:
        outcomes = pull.pull(settings, sources, since=given.since, full=given.full, progress=output.progress())
    finally:
        output.end_progress()
    if not (given.vendor or given.stream):
        walk_log.forget_others(settings, [unit for source in sources for unit in source.units])
    _print_outcomes(outcomes, as_json=given.json)
    return _exit_code(outcomes)


def _print_outcomes(outcomes: "list[Outcome]", *, as_json: bool) -> None:
    if as_json:
        output.say(json.dumps([asdict(outcome) for outcome in outcomes]))
        return
    rows = [
        (outcome.name, outcome.pages, outcome.rows, "done" if outcome.is_done else "failed") for outcome in outcomes
    ]
    output.table(rows, header=("stream", "pages", "records", ""))
    for outcome in outcomes:
        if outcome.problem:
            output.say(outcome.problem)


def _exit_code(outcomes: "list[Outcome]") -> int:
    """3 if a person must look at something; 1 if nothing could be pulled at all."""
    if not any(outcome.is_done for outcome in outcomes):
        return 1
    return 3 if any(outcome.problem for outcome in outcomes) else 0
