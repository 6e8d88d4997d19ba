"""`c360 share`: a copy of the published warehouse for analysts who must not see people."""

import argparse
from pathlib import Path

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.privacy import sharing
from orchestration.runtime.redaction import shown_name
from orchestration.runtime.wording import counted


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--out", required=True, type=Path, metavar="FILE.duckdb", help="where to write it, outside the data folder"
    )
    parser.add_argument(
        "--key", metavar="TEXT", help="a word beside the secret: copies with other words have other tokens"
    )
    parser.add_argument(
        "--postal-digits",
        type=int,
        choices=range(9),
        default=2,
        metavar="N",
        help="how much of a postal code stays (default: 2)",
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes the copy, readable for its owner alone, and says what became of the columns."""
    made = sharing.share(settings, given.out, key=given.key, postal_digits=given.postal_digits)
    output.say(
        f"Written: {shown_name(str(given.out))}. "
        + ", ".join(f"{counted(count, 'column')} {what}" for what, count in made.items())
        + "."
    )
    return 0
