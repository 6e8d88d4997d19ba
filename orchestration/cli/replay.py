"""`c360 replay`: loads the files with rejected records again, after the code, the settings or the files were fixed."""

import argparse
from datetime import date

import duckdb

from orchestration import pipeline
from orchestration.cli import nightly_run, output
from orchestration.config.settings import DateRange, Settings
from orchestration.warehouse import read_only

FILES = """
select distinct file_path, export_date
from meta.loads
where
    load_seq in (select load_seq from meta.rejects where reason_code <> 'erased') and status in ('loaded', 'rejected')
    and ($source is null or source = $source) and ($account is null or source_account = $account) and ($day is null or export_date = $day)
"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--source",
        type=nightly_run.feed,
        default=(None, None),
        metavar="VENDOR[@ACCOUNT]",
        help="of one vendor, or of one account of it, only",
    )
    parser.add_argument("--date", type=nightly_run.day, metavar="D", help="of one export date only")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Runs the job over just those files."""
    with read_only.newest(settings) as con:
        files = _files(con, given)
    if not files:
        output.say("No loaded file holds rejected records.")
        return 0
    dates = [export_date for _, export_date in files]
    paths = {path for path, _ in files}
    try:
        with nightly_run.published_all_the_same(settings):
            report = pipeline.run(
                settings,
                dates=DateRange(min(dates), max(dates)),
                choose=lambda file: file.relative_path in paths,
                is_replay=True,
                command="c360 replay",
                progress=output.progress(),
            )
    finally:
        output.end_progress()
    nightly_run.print_report(report, settings)
    return report.exit_code


def _files(con: duckdb.DuckDBPyConnection, given: argparse.Namespace) -> list[tuple[str, date]]:
    source, account = given.source
    return con.execute(FILES, {"source": source, "account": account, "day": given.date}).fetchall()
