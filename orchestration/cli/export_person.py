"""`c360 export-person`: everything held about a person, to be handed to them."""

import argparse
from pathlib import Path

from orchestration.cli import forget, output
from orchestration.config.settings import Settings
from orchestration.privacy import access, persons
from orchestration.runtime.redaction import shown_name
from orchestration.warehouse import build_file, read_only
from orchestration.warehouse.writer_lock import writer_lock


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    forget.add_whom(parser)
    parser.add_argument(
        "--out", required=True, type=Path, metavar="DIR", help="the folder to write to, outside the landing zone"
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Writes JSON, its schema and a page; of a list of people into a folder for each."""
    asked = list(forget.asked(given))
    with (
        writer_lock(settings, command="c360 export-person", on_wait=output.progress()),
        read_only.of_this_version(settings),
        build_file.connect(settings) as con,
    ):
        forget.require_warehouse(con)
        for number, one in enumerate(asked, start=1):
            person = persons.resolve(con, None, **one)
            folder = given.out if len(asked) == 1 else given.out / str(number)
            for path in access.export(settings, con, person, folder):
                output.say(f"Written: {shown_name(str(path.parent))}/{path.name}")
    return 0
