"""`c360 run`: the nightly job from the command line, and how a run's report reads."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from orchestration import pipeline
from orchestration.activation import activate
from orchestration.canonical import reason_codes
from orchestration.cli import output
from orchestration.config.accounts import DEFAULT_ACCOUNT
from orchestration.config.settings import DateRange, Settings, with_options
from orchestration.engines.engine import ENGINES
from orchestration.job.run_report import RunReport
from orchestration.loading.unreported_rejects import above_limit
from orchestration.monitoring import alerts
from orchestration.publishing import change_report, publish
from orchestration.runtime.errors import OperatorError, to_operator_error
from orchestration.runtime.wording import counted
from orchestration.vendors import discover

SHOWN = 10


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--date", type=day, metavar="D", help="load the exports of this date again (YYYY-MM-DD)")
    parser.add_argument("--from", dest="first", type=day, metavar="D", help="load the exports from this date on again")
    parser.add_argument("--to", dest="last", type=day, metavar="D", help="… up to and including this date")
    parser.add_argument("--full-refresh", action="store_true", help="build everything anew from the landing zone")
    parser.add_argument(
        "--as-of",
        type=day,
        metavar="D",
        help="compute figures that depend on today for this day; default: the last export date loaded",
    )
    parser.add_argument(
        "--accept-deletions",
        action="append",
        default=[],
        type=delivery,
        metavar="VENDOR[@ACCOUNT]/STREAM/DATE",
        help="whom this full delivery leaves out is gone indeed (may be given several times)",
    )
    parser.add_argument(
        "--without-archived",
        action="store_true",
        help="publish without archived files whose rows cannot be taken over into a new build file",
    )
    parser.add_argument(
        "--accept-changes", action="store_true", help="publish although unusually many customer ids change"
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="what reads many new files and makes shards; default: `engine` of settings.toml",
    )
    parser.add_argument("--workers", type=count, metavar="N", help="how many tasks are done at once")
    parser.add_argument(
        "--shards",
        type=count,
        metavar="N",
        help="into how many shards a full build is cut; default: as many as a cluster has workers, on one machine none",
    )


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Runs the job and prints what came of it; the last line is JSON."""
    dates = _dates(given)
    settings = with_options(settings, engine=given.engine, workers=given.workers, shards=given.shards)
    try:
        with alerts.on_failure(settings), published_all_the_same(settings):
            report = pipeline.run(
                settings,
                dates=dates,
                full_refresh=given.full_refresh,
                as_of=given.as_of,
                accept_changes=given.accept_changes,
                accept_deletions=[
                    (source, resolved(settings, source, account), *rest)
                    for source, account, *rest in given.accept_deletions
                ],
                without_archived=given.without_archived,
                progress=output.progress(),
            )
    finally:
        output.end_progress()
    # Whether or not this run published: one that was killed after it had may have left this undone.
    given_back, needs_look = activate.after_publishing(settings)
    # What was done stays done, whoever listens: a pipe that was closed or an alert that fails makes no failure of it.
    try:
        for line in given_back:
            output.say(line)
        print_report(report, settings, without_files=_nothing(dates))
        _send_alerts(report, settings)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Exception as error:
        output.complain(f"What came of the run could not be shown in full ({type(error).__name__}).")
    return report.exit_code or (3 if needs_look else 0)


@contextmanager
def published_all_the_same(settings: Settings) -> Iterator[None]:
    """Where the body publishes and then fails, that is no failed run: it ends with 3, and says what is left to fix."""
    before = publish.current(settings)
    try:
        yield
    except Exception as error:
        after = publish.current(settings)
        if after is None or (before and after.number <= before.number):
            raise
        plain = to_operator_error(error)
        message = (
            f"The warehouse was published ({counted(after.customers, 'customer')}, {counted(after.orders, 'order')}); what comes after"
            f" that failed: {plain.message}"
        )
        raise OperatorError(message, remedy=plain.remedy, exit_code=3) from None


def day(text: str) -> date:
    """A date as the command line takes it."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is no date such as 2026-01-31") from None


def count(text: str) -> int:
    """A number from 1 as the command line takes it."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1")
    return int(text)


def feed(text: str) -> tuple[str, str | None]:
    """A vendor, of all its accounts, or `<vendor>@<account>`, as the command line takes it."""
    source, separator, account = text.partition("@")
    if source not in discover():
        raise argparse.ArgumentTypeError(f"'{text}' is no vendor; known are {', '.join(discover())}")
    return source, account if separator else None


def delivery(text: str) -> tuple[str, str, str, date]:
    """A delivery as its folder is named, as the command line takes it."""
    parts = text.removeprefix("landing/").strip("/").split("/")
    if len(parts) != 3:
        raise argparse.ArgumentTypeError(f"'{text}' is no delivery such as omnisend/contacts/2026-01-31")
    source, account = feed(parts[0])
    if parts[1] not in discover()[source].streams:
        raise argparse.ArgumentTypeError(
            f"'{parts[1]}' is no stream of {source}; its streams are {', '.join(discover()[source].streams)}"
        )
    return source, account or DEFAULT_ACCOUNT, parts[1], day(parts[2])


def resolved(settings: Settings, source: str, account: str) -> str:
    """The account as the warehouse knows it: that of a vendor's plain folder may have a name."""
    return settings.account(discover()[source], account).source_account


def print_report(report: RunReport, settings: Settings, *, without_files: str = "No file was loaded.") -> None:
    """Prints the report in words, then as one line of JSON; `without_files` is said where the run loaded none."""
    for line in _lines(report, settings, without_files):
        output.say(line)
    output.say(json.dumps(report.figures))


def _send_alerts(report: RunReport, settings: Settings) -> None:
    """Alerts on what a person must look at, and on what is late."""
    alerts.report_problems(settings, len(report.ingestion.problems))
    alerts.report_attention(settings, [*report.attention, *_rejected_whole(report), *_above_limit(report, settings)])
    alerts.report_lateness(settings)


def _dates(given: argparse.Namespace) -> DateRange | None:
    if given.date and (given.first or given.last):
        raise OperatorError("--date goes without --from and --to.", remedy="Give one date or a range.", exit_code=2)
    if bool(given.first) != bool(given.last):
        raise OperatorError(
            "--from and --to go together.", remedy="Give both ends of the range, or --date for one day.", exit_code=2
        )
    if given.first and given.first > given.last:
        raise OperatorError("--from is later than --to.", remedy="Give the earlier date first.", exit_code=2)
    first, last = (given.date, given.date) if given.date else (given.first, given.last)
    return DateRange(first, last) if first else None


def _nothing(dates: DateRange | None) -> str:
    """What it means that no file was loaded."""
    if dates is None:
        return "Nothing new has landed."
    return f"There is no file of {dates.first}{f' to {dates.last}' if dates.last != dates.first else ''} to load."


def _lines(report: RunReport, settings: Settings, without_files: str) -> list[str]:
    if report.files:
        lines = [
            f"{counted(report.files, 'file')}, {counted(report.rows_read, 'row')}: "
            f"{report.rows_loaded:,} loaded, {report.rows_duplicate:,} duplicate, {report.rows_rejected:,} rejected."
        ]
    else:
        lines = [without_files]
    lines += _shortened(_rejected_whole(report))
    lines += _shortened(_above_limit(report, settings))
    lines += _shortened([problem.message for problem in report.ingestion.problems])
    lines += _shortened(list(report.attention))
    lines += _shortened([f"Warning: {warning}" for warning in report.warnings])
    if report.changed:
        lines += change_report.lines(report.changed)
    if report.published:
        return [
            *lines,
            f"Published {settings.published_file}: {counted(report.customers, 'customer')}, {counted(report.orders, 'order')}.",
        ]
    if back := publish.taken_back(settings):
        return [
            *lines,
            (
                f"Nothing was published: that of {back.shown_at} was rolled back, and nothing has changed since;"
                " `c360 run --full-refresh` publishes anew."
            ),
        ]
    return [
        *lines,
        (
            "Nothing was published: the published warehouse is up to date."
            if report.customers or report.orders
            else "Nothing was published."
        ),
    ]


def _rejected_whole(report: RunReport) -> list[str]:
    broken = (file for file in report.ingestion.rejected_files if file.reason_code != reason_codes.HELD_BACK)
    return [f"{file.file.shown_path} was rejected whole ({file.reason_code}): {file.message}" for file in broken]


def _above_limit(report: RunReport, settings: Settings) -> list[str]:
    return [above_limit(name, settings.options.reject_share) for name in report.deliveries_above_limit]


def _shortened(lines: list[str]) -> list[str]:
    more = len(lines) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"… and {more} more like it."]
