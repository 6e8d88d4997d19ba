"""`c360 export-profiles`: all unified customers as NDJSON, in the shape of Optimizely's customer-profile schema."""

import argparse
from pathlib import Path

from orchestration.activation import profiles
from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.wording import counted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="file to write; one that stands there is replaced"
    )
    parser.add_argument("--json", action="store_true", help="the figures as JSON")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes the file and says what was left out."""
    if given.out.is_dir() or not given.out.parent.is_dir():
        raise OperatorError(
            "--out names no file in a folder that there is.", remedy="Name a file such as profiles.ndjson.", exit_code=2
        )
    made = profiles.export(settings, given.out)
    if given.json:
        output.machine({"profiles": made.profiles, "left_out": dict(sorted(made.left_out.items()))})
        return 0
    output.say(f"{counted(made.profiles, 'profile')}, one a line. The file holds personal data.")
    output.table(
        sorted(made.left_out.items()),
        header=("left out: not as the schema wants it", "values") if made.left_out else (),
    )
    return 0
