"""`c360 activate`: what is known here, as request bodies that each vendor takes."""

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from orchestration.activation import activate, targets
from orchestration.activation import activation_log as log
from orchestration.activation.activate import Outcome
from orchestration.activation.targets import Target
from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted

if TYPE_CHECKING:
    from orchestration.activation.send import Sent


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--target", metavar="T", help="one target of activation.toml; default: all")
    parser.add_argument("--dry-run", action="store_true", help="show what would be written, and write nothing")
    parser.add_argument("--full", action="store_true", help="write every record once more, changed or not")
    parser.add_argument(
        "--yes", action="store_true", help="write although it is the first time, or unusually much would change"
    )
    parser.add_argument(
        "--send", action="store_true", help="post what is pending, and ask the vendors what became of it"
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes what changed, target by target, and sends it if asked to."""
    if given.send and given.dry_run:
        raise OperatorError("--send and --dry-run exclude each other.", remedy="Leave one out.", exit_code=2)
    wanted = targets.load(settings, given.target)
    if given.send:
        _require_ready(settings, wanted)
    activate.require_sound(settings, wanted)
    outcomes = [
        activate.activate(
            settings,
            target,
            is_dry=given.dry_run,
            is_full=given.full,
            is_confirmed=given.yes,
            is_sent_next=given.send,
        )
        for target in wanted
    ]
    sent = _send(settings, wanted) if given.send else []
    log.publish_log(settings)
    if given.json:
        output.machine([{**activate.report(outcome), **_sent_report(sent, outcome)} for outcome in outcomes])
    else:
        for outcome in outcomes:
            _print_outcome(outcome)
        for one in sent:
            _print_sent(one)
    waits = any(outcome.waits and not outcome.plan.is_first for outcome in outcomes) and not given.dry_run
    return 3 if waits or any(one.problem or one.failed for one in sent) else 0


def _require_ready(settings: Settings, wanted: Sequence[Target]) -> None:
    """Packages and secrets are there, before anything is written."""
    import orchestration.activation.send  # noqa: F401

    for target in wanted:
        target.login(settings)


def _send(settings: Settings, wanted: Sequence[Target]) -> "list[Sent]":
    from orchestration.activation import send

    with activate.alone(settings):
        return [send.send(settings, target) for target in wanted]


def _sent_report(sent: "Sequence[Sent]", outcome: Outcome) -> dict[str, Any]:
    found = [one for one in sent if one.target == outcome.plan.target]
    return (
        {
            "sent": [
                {"bodies": one.bodies, "records": one.records, "failed": one.failed, "pending": one.pending}
                for one in found
            ]
        }
        if found
        else {}
    )


def _print_sent(one: "Sent") -> None:
    output.say(
        f"\n{one.target.name}: {counted(one.bodies, 'body', 'bodies')} sent, {counted(one.records, 'record')}, {one.failed:,} failed,"
        f" {counted(one.pending, 'body', 'bodies')} pending."
    )
    for reason in sorted(one.reasons):
        output.say(f"  {reason}")
    if one.problem:
        output.complain(f"{one.target.name}: {one.problem}")


def _print_outcome(outcome: Outcome) -> None:
    made = outcome.plan
    output.say(f"\n{made.target.name}: {made.target.receiver.title}, account {made.target.account}, as of {made.as_of}")
    output.table(
        [(what.replace("_", " "), count) for what, count in activate.counts(made).items() if count] or [("records", 0)]
    )
    output.table([(f"  {reason}", count) for reason, count in sorted(made.rejected.items())])
    output.table(sorted(made.fields.items()), header=("field", "changes") if made.fields else ())
    output.table(_examples(outcome), header=("customer", "field", "before", "after") if made.examples else ())
    output.say(f"  {activate.ending(outcome)}")


def _examples(outcome: Outcome) -> Sequence[tuple[Any, ...]]:
    return [
        (shown.customer_id[:12], shown.field, _shown(shown.before), _shown(shown.after))
        for shown in outcome.plan.examples
    ]


def _shown(value: Any) -> str:
    return "-" if value is None else str(value)
