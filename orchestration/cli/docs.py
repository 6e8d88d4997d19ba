"""`c360 docs`: what every table and column means and where it comes from, as one file."""

import argparse
import shutil
from pathlib import Path

from orchestration.cli import output
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name
from orchestration.transformation import dbt_project


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--out", type=Path, metavar="FILE.html", help="file to write; default: `docs.html` in the data folder"
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes the pages; they need neither a network nor a warehouse, and hold no data."""
    target = (given.out.expanduser() if given.out else settings.data / "docs.html").absolute()
    built = dbt_project.documentation(settings)
    try:
        if given.out is None:
            settings.data.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built, target)
    except OSError as error:
        raise OperatorError(
            f"The pages cannot be written to {shown_name(str(target))}: {error.strerror or type(error).__name__}.",
            remedy="Name a file in a folder that can be written to.",
        ) from None
    output.say(f"Written: {shown_name(str(target))}")
    return 0
