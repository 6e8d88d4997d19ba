"""`c360 erasures`: the receipts of what was erased."""

import argparse
import json

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.privacy import erasing


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="the receipts in full")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """One line for each erasure; one that was begun and not ended is ended by the next run."""
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
            sum(one.get("landing_records", {}).values()),
            one.get("orders_kept", 0),
            one["proof"][:16],
        )
        for one in found
    ]
    if rows:
        output.table(rows, header=("erasure", "by", "records", "orders kept", "proof"))
    for one in erasing.pending(settings):
        output.say(f"{one.id} was begun and has not ended: `c360 run` ends it.")
    return 0
