"""`c360 erasures`: the receipts of what was erased."""

import argparse
import json

from orchestration.activation import erasure as activation_erasure
from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.privacy import erasing
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="the receipts in full")
    parser.add_argument(
        "--asked", metavar="ERASURE", help="the vendors were asked: deletes the requests to them, which name the person"
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """One line for each erasure; one that was begun and not ended is ended by the next run."""
    if given.asked is not None:
        deleted = activation_erasure.delete_requests(settings, given.asked)
        if not deleted:
            raise OperatorError(
                "There is no request of that erasure.", remedy="`c360 erasures` lists them.", exit_code=2
            )
        output.say(f"{counted(deleted, 'request')} to vendors deleted.")
        return 0
    found = list(erasing.receipts(settings))
    if given.json:
        output.say(json.dumps(found, indent=1, ensure_ascii=False))
        return 0
    if not found:
        output.say("Nobody was erased.")
    rows = [
        (
            one["erasure"],
            one["by"],
            one.get("people", 1),
            sum(one.get("landing_records", {}).values()),
            one.get("orders_kept", 0),
            one.get("proof", "")[:16],
        )
        for one in found
    ]
    if rows:
        output.table(rows, header=("erasure", "by", "people", "records", "orders kept", "proof"))
    for path in activation_erasure.requests(settings):
        output.say(f"{path}: what to ask the vendor; `c360 erasures --asked {path.stem}` deletes it afterwards.")
    for sentence in erasing.unended(settings):
        output.say(f"{sentence} `c360 run` ends it.")
    return 0
