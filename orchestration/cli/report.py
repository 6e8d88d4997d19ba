"""`c360 report`: the report on the published warehouse as one file."""

import argparse
from pathlib import Path

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.insight import report
from orchestration.runtime.redaction import shown_name


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.html", help="file to write")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes the page; it needs no network and no server to be read."""
    target = given.out.expanduser().absolute()
    report.write(settings, target)
    output.say(f"Written: {shown_name(str(target))}")
    return 0
