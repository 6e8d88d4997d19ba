"""`c360 doctor`: looks for everything that can be wrong with an installation and says how to fix it. Changes
nothing."""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

import duckdb

from orchestration.activation import targets
from orchestration.cli import output, rejects
from orchestration.config import accounts
from orchestration.config.settings import CHECKOUT, Settings
from orchestration.job import writing
from orchestration.landing import landing_zone
from orchestration.loading import load_log
from orchestration.monitoring import alerts, attention, freshness, schema_drift
from orchestration.privacy import erasing
from orchestration.publishing import publish
from orchestration.pulling import configuration as pull_configuration
from orchestration.runtime.errors import OperatorError, to_operator_error, unusable
from orchestration.runtime.wording import counted
from orchestration.transformation import parts, seeds
from orchestration.warehouse import build_file, file_soundness, read_only, run_log, writer_lock

PACKAGES = ("dagster", "dagster-dbt", "dbt-core", "dbt-duckdb", "duckdb", "polars")
DRIFT_SHOWN = 3
VANISHED_SHOWN = 10
RUNS_LOOKED_AT = 20
WORDS: dict[str, str] = {
    "damaged": "damaged",
    "foreign": "no warehouse of this program",
    "empty": "no warehouse of this program",
    "newer": "written by a newer version of DuckDB than is installed",
    "in_use": "open for writing in another program",
}
REMEDIES: dict[str, str] = {
    "damaged": "`c360 run` moves it aside and publishes anew.",
    "foreign": "Move it away, then `c360 run` publishes again.",
    "empty": "Move it away, then `c360 run` publishes again.",
    "newer": "Install that version.",
    "in_use": "Close the program that opened it for writing.",
}
OLDEST, NEWEST = (3, 11), (3, 13)


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `remedy` is what to type or do where it is not well."""

    level: Literal["ok", "note", "broken"]
    text: str
    remedy: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--json", action="store_true", help="the same for machines")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Shows every finding; ends with 3 if something is broken: a person must look at it."""
    found = examine(settings)
    broken = sum(finding.level == "broken" for finding in found)
    if given.json:
        output.machine([asdict(finding) for finding in found])
        return 3 if broken else 0
    for finding in found:
        output.say(f"{finding.level:>6}  {finding.text}")
        if finding.remedy:
            output.say(f"        → {finding.remedy}")
    output.say(
        f"\n{broken} {'thing is' if broken == 1 else 'things are'} broken." if broken else "\nNothing is broken."
    )
    return 3 if broken else 0


def examine(settings: Settings) -> list[Finding]:
    """All findings, in the order in which a run would meet them."""
    return [finding for look in LOOKS for finding in _looked(look, settings)]


def _looked(look: Callable[[Settings], Iterator[Finding]], settings: Settings) -> Iterator[Finding]:
    """What a look finds; where it fails itself, that is a finding too, and the others go on."""
    try:
        yield from look(settings)
    except Exception as error:
        plain = to_operator_error(error)
        yield Finding("broken", plain.message, plain.remedy)


def _python(settings: Settings) -> Iterator[Finding]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        yield Finding("ok", f"Python {version}")
    else:
        yield Finding("broken", f"Python {version} is not supported.", "Use Python 3.11, 3.12 or 3.13.")


def _versions(settings: Settings) -> Iterator[Finding]:
    pins = _pins(CHECKOUT / "constraints.txt")
    for name in PACKAGES:
        installed = metadata.version(name)
        if pins.get(name, installed) != installed:
            yield Finding(
                "note",
                f"{name} {installed} is installed, {pins[name]} was tested.",
                "`uv sync`, or `pip install -c constraints.txt -e .`, installs what was tested.",
            )
    yield Finding("ok", ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES))


def _configuration(settings: Settings) -> Iterator[Finding]:
    yield Finding("ok", f"data folder {settings.data}")
    if settings.secret:
        yield Finding("ok", "customer ids are keyed with the installation's secret")
    else:
        yield Finding(
            "note",
            "No secret is set: customer ids are plain hashes.",
            f"Set C360_SECRET, or write one line to {settings.config / 'secret'}, and type `c360 run --accept-changes`:"
            " all ids change once.",
        )
    # Checks that read one file find one mistake.
    mistakes = list(dict.fromkeys(_mistakes(settings)))
    yield from mistakes
    if not mistakes:
        yield Finding(
            "ok",
            f"{counted(len(seeds.find(settings)), 'business rule')},"
            f" {counted(len(list(settings.config.glob('*.csv'))), 'file')} of this installation's own",
        )


def _mistakes(settings: Settings) -> Iterator[Finding]:
    """What a run would refuse to begin with, and what keeps `c360 pull` and `c360 activate` from it."""
    for check in (*writing.CHECKS, pull_configuration.vendors, _targets):
        try:
            check(settings)
        except OperatorError as error:
            yield Finding("broken", error.message, error.remedy)


def _targets(settings: Settings) -> None:
    if targets.is_configured(settings):
        targets.load(settings)


def _landing(settings: Settings) -> Iterator[Finding]:
    if not settings.landing.is_dir():
        yield Finding(
            "broken",
            f"There is no landing folder at {settings.landing}.",
            "Create it, set C360_DATA, or try `c360 demo`.",
        )
        return
    scan = landing_zone.scan(settings)
    yield Finding("ok", f"{counted(len(scan.files), 'file')} in the landing zone")
    for problem in scan.problems:
        yield Finding("broken", problem.message, "Everything else is loaded meanwhile.")


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = next(path for path in (settings.data, *settings.data.parents) if path.exists())
    if not os.access(folder, os.W_OK):
        yield Finding(
            "broken", f"Nothing can be written to {folder}.", "Mount it to be written to, or give us the right."
        )
    free = shutil.disk_usage(folder).free
    built = settings.build_file.stat().st_size if settings.build_file.exists() else 0
    wanted = settings.options.free_disk_bytes + 2 * built
    if free < wanted:
        yield Finding(
            "broken",
            f"{free // 1_000_000:,} MB are free on the disk of {folder}; a run wants {wanted // 1_000_000:,} MB.",
            "Make room, or lower `keep_publications` or `free_disk_bytes` in settings.toml.",
        )
    else:
        yield Finding(
            "ok", f"{free // 1_000_000:,} MB free on disk, {settings.memory_limit} of memory for the warehouse"
        )


def _writer(settings: Settings) -> Iterator[Finding]:
    writer = writer_lock.holder(settings)
    if writer:
        yield Finding(
            "note", f"{writer} is writing.", "Wait for it; if it hangs, end that process: the next run continues."
        )
    else:
        yield Finding("ok", "nobody holds the writer lock")


def _build(settings: Settings) -> Iterator[Finding]:
    path = settings.build_file
    if (aside := path.with_name(path.name + file_soundness.ASIDE)).exists():
        yield Finding("note", f"{aside} is a build file that was damaged.", "Delete it when it is of no use any more.")
    with writer_lock.reader_lock(settings) as is_free:
        if not is_free or not path.exists():
            return
        found = file_soundness.verdict(path, settings)
        if found in ("damaged", "foreign", "newer"):
            yield Finding(
                "broken",
                f"{path} is {WORDS[found]}.",
                "The next `c360 run` moves it aside and builds it anew from what has landed.",
            )
            return
        try:
            with build_file.connect(settings, read_only=True) as con:
                if not build_file.is_of_this_version(con, settings):
                    yield Finding(
                        "note",
                        "The build file was made by another version or with other settings.",
                        "The next `c360 run` builds it anew from what has landed.",
                    )
                for run in run_log.unsolved(run_log.recent(con, RUNS_LOOKED_AT), is_writing=False):
                    yield Finding("broken" if run.is_failure else "note", run.sentence, run.remedy)
                yield from _sharing(con)
                yield Finding("ok", "the build file can be read")
        except duckdb.Error as error:
            plain = unusable(error, path, rebuilt="`c360 run --full-refresh` builds it anew from what has landed.")
            yield Finding("broken", plain.message, plain.remedy)


def _sharing(con: duckdb.DuckDBPyConnection) -> Iterator[Finding]:
    """A part of the data that is too large for a worker, where the last full build was shared out."""
    last = parts.last(con)
    if last and last.is_uneven:
        yield Finding(
            "note",
            f"One part of the data has {last.largest_part:,} of {last.rows:,} rows, more than the even share of one of"
            f" {last.shards} shards: its worker needs as much more memory and time, and the others wait for it.",
            'Something links very many records: `c360 sql "from meta.shared_identifiers order by'
            ' would_have_merged_records desc"` shows what may. What should link nobody can be `blocked` in'
            " identity_overrides.csv; or take fewer shards.",
        )


def _published(settings: Settings) -> Iterator[Finding]:
    path = settings.published_file
    if (aside := path.with_name(path.name + file_soundness.ASIDE)).exists():
        yield Finding(
            "note", f"{aside} is a published file that was damaged.", "Delete it when it is of no use any more."
        )
    for note in publish.damaged_notes(settings):
        yield Finding("note", f"{note} is lost or cut.", "The next `c360 run` writes it anew.")
    if not path.exists():
        yield Finding("note", "Nothing is published yet.", "`c360 run` publishes.")
        return
    if path.with_name("warehouse.duckdb.wal").exists():
        yield Finding(
            "broken",
            f"Somebody opened {path} for writing and left a log beside it.",
            "Open it read-only; the next publication removes the log.",
        )
    found = file_soundness.verdict(path, settings)
    if found != "sound":
        yield Finding("broken", f"{path} is {WORDS[found]}.", REMEDIES[found])
        return
    seen = publish.current(settings)
    if seen:
        yield Finding(
            "ok",
            f"published {seen.shown_at}; publications that are kept: {len(publish.publications(settings))}",
        )
    else:
        yield Finding("note", f"{path} is not the file that a run published.", "The next `c360 run` publishes again.")
    if back := publish.taken_back(settings):
        yield Finding(
            "note",
            f"What was published {back.shown_at} was rolled back: analysts see an earlier warehouse.",
            "It stays so until an export, a rule or a setting changes; `c360 run --full-refresh` publishes anew.",
        )


def _deliveries(settings: Settings) -> Iterator[Finding]:
    """What arrived late, badly or otherwise than before."""
    try:
        scan = landing_zone.scan(settings) if settings.landing.is_dir() else landing_zone.Scan([], [])
        with read_only.newest(settings) as con:
            vanished = load_log.vanished(con, scan)
            streams = freshness.of_streams(con, settings)
            rejected = rejects.counts(con)
            dates = schema_drift.last_export_date(con)
            changed = schema_drift.changes(con, dates) if dates else []
            unread = schema_drift.warnings(con)
            asked = attention.parsed(
                run.get("attention") for run in run_log.last_ended(run_log.recent(con, RUNS_LOOKED_AT))
            )
    except OperatorError:
        return
    if vanished:
        more = f" and {len(vanished) - VANISHED_SHOWN:,} more" if len(vanished) > VANISHED_SHOWN else ""
        yield Finding(
            "note",
            f"{counted(len(vanished), 'file')} no longer in the landing zone:"
            f" {', '.join(map(landing_zone.shown, vanished[-VANISHED_SHOWN:]))}{more}.",
            "The rows stay, also where a build file is begun anew, as the version that loaded them wrote them. `c360"
            " withdraw` takes out what was a mistake.",
        )
    for sentence in asked:
        yield Finding("note", sentence, "Reported again by every run until it is settled.")
    for sentence in freshness.late_by_vendor(streams):
        yield Finding(
            "note",
            sentence,
            "Ask the vendor, or look at the transfer into the landing zone; the limit is `late_after_days`.",
        )
    if any(rejected):
        yield Finding(
            "note",
            f"Rejected: {rejected}.",
            "`c360 rejects` shows why; once the cause is fixed, `c360 replay` loads them again.",
        )
    for warning in unread:
        yield Finding(
            "note",
            warning,
            "`meta.schema_drift` says in which files it stands. If it is a field of ours under another name,"
            " report it.",
        )
    if changed and dates:
        new = [change for change in changed if change.change != schema_drift.VANISHED]
        shown = [
            f"{accounts.feed(change.source, change.source_account)}/{change.stream} {change}"
            for change in new[:DRIFT_SHOWN]
        ]
        shown += [f"{len(new) - DRIFT_SHOWN} more like it"] if len(new) > DRIFT_SHOWN else []
        shown += [f"{counted(len(changed) - len(new), 'field')} no longer filled"] if len(changed) > len(new) else []
        yield Finding(
            "note",
            f"The exports of {dates.last} changed their shape: {'; '.join(shown)}.",
            "Nothing is lost; all of it stands in meta.schema_drift.",
        )


def _erasures(settings: Settings) -> Iterator[Finding]:
    for sentence in erasing.unended(settings):
        yield Finding("note", sentence, "`c360 run` ends it before it does anything else.")
    if taken := erasing.last_taken(settings):
        yield Finding("ok", f"what went last by the limits on how long things are kept: {taken}")


def _dangling(settings: Settings) -> Iterator[Finding]:
    """Runs that Dagster believes to be alive."""
    if not (settings.dagster_home / "history").is_dir():
        return
    from orchestration.monitoring import dagster_runs  # Dagster takes a second to load

    if dead := dagster_runs.dead_runs_in(settings.dagster_home):
        ids = ", ".join(run_id[:8] for run_id in dead[:3])
        yield Finding(
            "note",
            f"Dagster counts {counted(len(dead), 'run')} as started whose process is gone ({ids}).",
            "`c360 up` ends them within a minute of its start.",
        )
    else:
        yield Finding("ok", "no run of Dagster's hangs")


def _alerts(settings: Settings) -> Iterator[Finding]:
    if not alerts.is_on(settings):
        yield Finding(
            "note",
            "Nobody is alerted to a failed or late run.",
            f"Set alert_command or alert_webhook in {settings.config / 'settings.toml'}.",
        )
        return
    problems = alerts.undelivered(settings)
    if problems:
        yield Finding(
            "broken",
            f"The last alert reached nobody: {'; '.join(problems)}.",
            "Fix the setting; the next failed or late run is reported again.",
        )
    else:
        yield Finding("ok", "failed and late runs are reported")


def _pins(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = [
        line.split(";")[0].strip()
        for line in path.read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith("#")
    ]
    return {name: version for name, _, version in (line.partition("==") for line in lines)}


LOOKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _python,
    _versions,
    _configuration,
    _disk,
    _landing,
    _writer,
    _build,
    _published,
    _deliveries,
    _erasures,
    _dangling,
    _alerts,
)
