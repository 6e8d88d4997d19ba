"""`c360 withdraw`: takes a delivery out of the warehouse, until it is landed again."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from orchestration import pipeline
from orchestration.cli import nightly_run, output
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.loading import load_log
from orchestration.loading.load_log import Delivered
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse import read_only


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "path",
        nargs="?",
        metavar="PATH",
        help="a file or folder of the landing zone, whether or not it still lies there",
    )
    parser.add_argument(
        "--source",
        type=nightly_run.feed,
        metavar="VENDOR[@ACCOUNT]",
        help="with --date: all that a vendor, or one account of it, delivered for that date",
    )
    parser.add_argument("--date", type=nightly_run.day, metavar="D", help="the export date")
    parser.add_argument(
        "--accept-changes", action="store_true", help="publish although unusually many customer ids change"
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Takes the files out and publishes what is left; files that still lie there are passed over until they are landed
    again."""
    pipeline.require_landing(settings)
    is_meant = _choice(settings, given)
    paths = [found.relative_path for found in _delivered(settings) if is_meant(found)]
    if not paths:
        raise OperatorError(
            "Nothing such is loaded or has landed.",
            remedy="Name a file or folder as `landing/<vendor>/<stream>/<date>/…`.",
            exit_code=2,
        )
    try:
        with nightly_run.published_all_the_same(settings):
            report = pipeline.run(
                settings,
                choose=lambda _: False,
                withdraw=is_meant,
                accept_changes=given.accept_changes,
                command="c360 withdraw",
                progress=output.progress(),
            )
    finally:
        output.end_progress()
    for path in paths[: nightly_run.SHOWN]:
        output.say(f"Withdrawn: {landing_zone.shown(path)}")
    if len(paths) > nightly_run.SHOWN:
        output.say(f"… and {len(paths) - nightly_run.SHOWN:,} more.")
    output.say("A withdrawn file is loaded again once it is landed again: put there anew, or changed in any way.")
    nightly_run.print_report(report, settings)
    return report.exit_code


def _choice(settings: Settings, given: argparse.Namespace) -> Callable[[Delivered], bool]:
    if bool(given.path) == bool(given.source and given.date) or (given.path and (given.source or given.date)):
        raise OperatorError(
            "Give either a path, or --source and --date.",
            remedy="`c360 withdraw --help` shows how it is used.",
            exit_code=2,
        )
    if given.path:
        path = _relative(settings, given.path)
        return lambda found: found.relative_path == path or found.relative_path.startswith(f"{path}/")
    source, account = given.source
    return lambda found: (
        found.source == source and account in (None, found.source_account) and found.export_date == given.date
    )


def _relative(settings: Settings, given: str) -> str:
    """A path below the data folder, however it was given: absolute, from here, or from the data folder or its landing
    zone."""
    path = Path(given).expanduser()
    for base in (Path.cwd(), settings.data, settings.landing, settings.data.parent):
        candidate = Path(os.path.normpath(base / path))
        if candidate.is_relative_to(settings.landing) and (candidate.exists() or base != Path.cwd()):
            return candidate.relative_to(settings.data).as_posix().rstrip("/")
    raise OperatorError(
        f"{landing_zone.shown(given)} is not in the landing zone.",
        remedy=f"Name something below {settings.landing}.",
        exit_code=2,
    )


def _delivered(settings: Settings) -> list[Delivered]:
    scan = landing_zone.scan(settings)
    with read_only.newest(settings) as con:
        return load_log.delivered(settings, con, scan)
