"""`c360 activate`: what is known here, as request bodies that each vendor takes."""

import argparse
import json
from collections.abc import Sequence
from typing import Any

from orchestration.activation import activate, targets
from orchestration.activation.activate import Outcome
from orchestration.cli import output
from orchestration.config.settings import Settings


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--target", metavar="T", help="one target of activation.toml; default: all")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    parser.add_argument("--full", action="store_true", help="write every record once more, changed or not")
    parser.add_argument("--yes", action="store_true", help="write although it is the first time, or unusually much would change")
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes what changed, target by target."""
    outcomes = [
        activate.activate(settings, target, is_dry=given.dry_run, is_full=given.full, is_confirmed=given.yes) for target in targets.load(settings, given.target)
    ]
    if given.json:
        output.say(json.dumps([activate.report(outcome) for outcome in outcomes], default=str))
    else:
        for outcome in outcomes:
            _tell(outcome, is_dry=given.dry_run)
    return 3 if any(outcome.waits and not outcome.plan.is_first for outcome in outcomes) and not given.dry_run else 0


def _tell(outcome: Outcome, *, is_dry: bool) -> None:
    made = outcome.plan
    output.say(f"\n{made.target.name}: {made.target.receiver.title}, account {made.target.account}, as of {made.as_of}")
    output.table([(what.replace("_", " "), count) for what, count in activate.counts(made).items() if count] or [("records", 0)])
    output.table([(f"  {reason}", count) for reason, count in sorted(made.rejected.items())])
    output.table(sorted(made.fields.items()), header=("field", "changes") if made.fields else ())
    output.table(_examples(outcome), header=("customer", "field", "before", "after") if made.examples else ())
    output.say(f"  {_ending(outcome, is_dry=is_dry)}")


def _examples(outcome: Outcome) -> Sequence[tuple[Any, ...]]:
    return [(shown.customer_id[:12], shown.field, _shown(shown.before), _shown(shown.after)) for shown in outcome.plan.examples]


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)


def _ending(outcome: Outcome, *, is_dry: bool) -> str:
    name = outcome.plan.target.name
    if outcome.folder:
        return f"Written to {outcome.folder}."
    if outcome.plan.is_empty:
        return "Nothing changed; nothing was written."
    if outcome.waits:
        return f"Nothing was written: {outcome.waits}. `c360 activate --target {name} --yes` writes it."
    return "A dry run: nothing was written." if is_dry else "Nothing was written."
