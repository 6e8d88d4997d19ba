"""`c360 plan`: what a change of the rules, overrides or limits would do to the published warehouse, which stays as it
is.

Works on a copy of the published file, so that the only difference is the rules; the nightly job may run meanwhile. What
the loader would do differently (accounts, limits on files) cannot be seen without loading anew and is refused.
"""

import argparse
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.cli import output
from orchestration.config import settings as configuration
from orchestration.config.settings import Settings
from orchestration.insight.explanation import Wording
from orchestration.insight.identity_graph import RecordLink
from orchestration.job.transform import write_run_settings
from orchestration.publishing import change_report
from orchestration.runtime import file_lock
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.progress import Progress, silent
from orchestration.runtime.redaction import shown_name
from orchestration.transformation import dbt_runner, identity_rules, seeds, segment_rules
from orchestration.warehouse.duckdb_session import attach

RUN_ID = "plan"
SHOWN = 20
COPIED = 3

_EVENTS = """
select events.event_type, events.customer_id, events.other_customer_id, links.rule, links.rule_detail, links.identifier_type, links.identifier_value
from meta.identity_events as events
left join (
    select link_id, any_value(rule) as rule, any_value(rule_detail) as rule_detail, any_value(identifier_type) as identifier_type,
        min(identifier_value) as identifier_value
    from {links} group by link_id
) as links on events.cause = links.link_id
where events.run_id = $1 and events.event_type = $2
order by events.customer_id, events.other_customer_id limit $3
"""
_WORDS = {
    "merged": "{other} would go into {one}",
    "split": "{other} would split off {one}",
    "rekeyed": "{other} would be called {one}",
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--config",
        type=Path,
        metavar="DIR",
        help="rules to try (<seed>.csv, settings.toml); default: those of the installation, as they are now",
    )
    parser.add_argument("--show", action="store_true", help="show identifiers as they are, not masked")
    parser.add_argument("--json", action="store_true", help="what would change, for machines")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Builds with those rules beside the published warehouse, and shows the difference."""
    try:
        with trial(settings, given.config) as tried:
            found = compare(tried, progress=output.progress())
            output.end_progress()
            aside = set_aside(tried)
            if given.json:
                more = {"is_upheaval": change_report.is_upheaval(found, tried), "set_aside": aside}
                output.machine(asdict(found) | more)
            else:
                print_changes(tried, found, aside, show=given.show)
    finally:
        output.end_progress()
    return 3 if aside else 0


@contextmanager
def trial(settings: Settings, config: Path | None, *, overrides: str | None = None) -> Iterator[Settings]:
    """An installation of its own with those rules, or with those decisions on who is who: the published warehouse is its
    past, and what it builds is thrown away."""
    if not settings.published_file.exists():
        raise OperatorError(
            "Nothing is published that rules could change.", remedy="`c360 run` builds it from what has landed."
        )
    chosen = config.expanduser().absolute() if config else settings.config
    if config and not chosen.is_dir():
        raise OperatorError(
            f"{shown_name(str(chosen))} is no folder.",
            remedy="Name a folder with the rules to try, each as <seed>.csv.",
            exit_code=2,
        )
    _require_disk(settings)
    folder = settings.trial_folder
    with _alone(settings):
        shutil.rmtree(folder, ignore_errors=True)
        try:
            yield _lay_out(settings, folder, chosen, overrides)
        except OperatorError as error:
            # A mistake in the rules is fixed where they were given.
            ours, given = str(folder / "config"), shown_name(str(chosen))
            raise OperatorError(
                error.message.replace(ours, given), remedy=error.remedy.replace(ours, given), exit_code=error.exit_code
            ) from None
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def compare(tried: Settings, *, progress: Progress = silent) -> change_report.Changes:
    """Builds the trial and compares it with what is published."""
    identity_rules.check_files(tried)
    segment_rules.check_files(tried)
    with duckdb.connect(str(tried.build_file), config=tried.duckdb_config) as con:
        seeds.load(con, tried)
        [(as_of,)] = con.execute("select as_of_date from internal.run_settings").fetchall()
        write_run_settings(con, tried, as_of)
    dbt_runner.build(tried, progress=progress)
    with duckdb.connect(str(tried.build_file), config=tried.duckdb_config) as con:
        return change_report.record(con, tried, run_id=RUN_ID, started_at=datetime.now(UTC))


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Plans share one folder, so that one that was killed leaves nothing for long: the next one, a run or an erasure
    clears it."""
    settings.internal.mkdir(parents=True, exist_ok=True)
    with settings.trial_lock.open("a") as file:
        if not file_lock.lock_within(file):
            raise OperatorError(
                "Another `c360 plan` is at work.", remedy="Wait for it to end and type the command again."
            )
        yield


def _lay_out(settings: Settings, folder: Path, config: Path, overrides: str | None = None) -> Settings:
    if config.is_dir():
        shutil.copytree(config, folder / "config")
    if overrides is not None:
        (folder / "config").mkdir(parents=True, exist_ok=True)
        (folder / "config" / f"{identity_rules.OVERRIDES}.csv").write_bytes(overrides.encode())
    if not (folder / "config" / "secret").exists() and (settings.config / "secret").exists():
        (folder / "config").mkdir(parents=True, exist_ok=True)
        shutil.copy2(settings.config / "secret", folder / "config" / "secret")
    # Which accounts have folders of their own decides whom a line of accounts.csv is about.
    for feed in settings.landing.glob("*@*"):
        (folder / "landing" / feed.name).mkdir(parents=True, exist_ok=True)
    tried = configuration.load(folder)
    if tried.staging_fingerprint != settings.staging_fingerprint:
        raise OperatorError(
            "These settings change how files are read, which shows only when everything is loaded anew.",
            remedy="Leave accounts.csv and the limits on files as they are to plan a change of rules.",
            exit_code=2,
        )
    tried.build_file.parent.mkdir(parents=True)
    _hold(settings.published_file, tried.published_file)
    shutil.copyfile(tried.published_file, tried.build_file)
    tried.build_file.chmod(0o600)
    if (settings.internal / "dbt" / "target").is_dir():
        shutil.copytree(
            settings.internal / "dbt" / "target",
            tried.internal / "dbt" / "target",
            ignore=shutil.ignore_patterns("compiled", "run"),
        )
    return tried


def _hold(source: Path, target: Path) -> None:
    """The published file as it is now, whatever a run puts in its place meanwhile: all that is compared comes from this
    one."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _require_disk(settings: Settings) -> None:
    needed = COPIED * settings.published_file.stat().st_size + settings.options.free_disk_bytes
    free = shutil.disk_usage(settings.data).free
    if free < needed:
        raise OperatorError(
            f"The disk of {settings.data} has {free // 1_000_000} MB free, and a plan may need"
            f" {needed // 1_000_000} MB.",
            remedy="Make room.",
        )


def set_aside(tried: Settings) -> list[str]:
    """What a trial found of decisions that would do nothing, in sentences."""
    with duckdb.connect(str(tried.build_file), config=tried.duckdb_config) as con:
        return [found.sentence for found in identity_rules.set_aside(con, tried)]


def print_changes(tried: Settings, found: change_report.Changes, aside: list[str], *, show: bool) -> None:
    """Prints what a trial would change, and which decisions it would set aside, in words."""
    reported = list(change_report.lines(found))
    for line in reported or ["These rules would change no person, no order and no revenue."]:
        output.say(line)
    with duckdb.connect(str(tried.build_file), config=tried.duckdb_config) as con:
        attach(con, tried.published_file, "published")
        for kind, links in (
            ("merged", "meta.identity_links"),
            ("split", "published.meta.identity_links"),
            ("rekeyed", "meta.identity_links"),
        ):
            _print_events(con, kind, links, count=getattr(found, kind), show=show)
    if change_report.is_upheaval(found, tried):
        output.say(
            f"\n{found.changed_share:.0%} of the ids would change: `c360 run` would refuse to publish that without"
            " --accept-changes."
        )
    for sentence in aside:
        output.say(sentence)
    output.say("\nNothing was published.")


def _print_events(con: duckdb.DuckDBPyConnection, kind: str, links: str, *, count: int, show: bool) -> None:
    if not count:
        return
    output.say()
    for event_type, one, other, *cause in con.execute(_EVENTS.format(links=links), [RUN_ID, kind, SHOWN]).fetchall():
        output.say(
            f"  {_WORDS[event_type].format(one=one[:12], other=other[:12])}{_because(event_type, *cause, show=show)}"
        )
    if count > SHOWN:
        output.say(f"  … and {count - SHOWN:,} more.")


def _because(
    event_type: str, rule: str | None, detail: str | None, kind: str | None, value: str | None, *, show: bool
) -> str:
    if rule is None:
        return ""
    link = RecordLink(
        alias_id="",
        link_id="",
        rule=rule,
        rule_detail=detail,
        identifier_type=kind,
        identifier_namespace=None,
        identifier_value=value,
    )
    return f": {Wording(show=show, all=True).link(link)} {'linked' if event_type == 'split' else 'links'} them"
