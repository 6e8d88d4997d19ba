"""`settings.toml`: what can be set for an installation, with the default, the meaning and the bounds of each."""

import difflib
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal, get_args, get_type_hints
from urllib.parse import urlsplit

import msgspec

from orchestration.canonical.geography import currency_codes
from orchestration.config.config_files import is_zone, unreadable
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts

# What fits the 32 bits in which engines and operating systems count, and more days than an installation will live.
MOST, MOST_SECONDS, MOST_DAYS = 2**31 - 1, 86_400, 36_500
MOST_BYTES = 2**50
LEAST_MEMORY = 1_000_000
FIRST_DAY = date(1990, 1, 1)


def _means(text: str, least: float | None = None, most: float | None = None) -> msgspec.Meta:
    return msgspec.Meta(description=text, extra={"bounds": (least, most)} if most is not None else None)


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`settings.toml`: every key, its type, meaning and default, and the bounds of every number; `docs/settings.md` is
    written from them."""

    reporting_currency: Annotated[str, _means("Currency that amounts are converted into, by ISO 4217.")] = "EUR"
    reporting_time_zone: Annotated[str, _means("Where days end: order dates, `--date`, `as_of`.")] = "UTC"

    reject_share: Annotated[
        float, _means("A delivery with a larger share of rejected rows makes a run end with exit code 3.", 0, 1)
    ] = 0.01
    hold_back_share: Annotated[
        float,
        _means(
            "If a larger share of a stream is bad, all that its vendor delivered for the date waits.",
            0,
            1,
        ),
    ] = 0.5
    hold_back_rows: Annotated[
        int, _means("Only streams with so many rows in a delivery can make it wait.", 0, MOST)
    ] = 1000
    record_bytes: Annotated[int, _means("A larger record is rejected.", 1, MOST)] = 16 * 2**20
    record_levels: Annotated[int, _means("A record nested deeper is rejected.", 1, 500)] = 64
    unpack_ratio: Annotated[
        float, _means("A compressed file that unpacks to more times its size is rejected.", 1, MOST)
    ] = 200.0
    unpack_free_bytes: Annotated[
        int, _means("Up to so many unpacked bytes `unpack_ratio` does not count.", 0, MOST_BYTES)
    ] = 100_000_000
    identity_sharing_limit: Annotated[
        int, _means("An identifier that more different people than this carry links nobody.", 1, MOST)
    ] = 5
    deletion_share: Annotated[
        float,
        _means(
            "A full delivery that would delete a larger share of its stream's records, from 20 on, is taken as partial"
            " until it is settled.",
            0,
            1,
        ),
    ] = 0.2
    changed_ids_share: Annotated[
        float,
        _means(
            "If a larger share of the published customer ids would change, nothing is published without"
            " `--accept-changes`.",
            0,
            1,
        ),
    ] = 0.2
    changed_ids_minimum: Annotated[int, _means("Fewer changed ids never stop a publication.", 0, MOST)] = 1_000
    incremental_from_rows: Annotated[
        int, _means("With fewer rows in staging every run builds in full.", 0, MOST_BYTES)
    ] = 250_000
    incremental_share: Annotated[
        float, _means("If a larger share of all records is affected, the run builds in full.", 0, 1)
    ] = 0.25
    full_build_days: Annotated[
        int,
        _means(
            "After so many days of builds in part, one is done in full too; a difference is a warning.", 0, MOST_DAYS
        ),
    ] = 7

    memory_limit: Annotated[
        str, _means("Memory for DuckDB, such as `4GB`; empty: a third of the machine's, 4 GB at most.")
    ] = ""
    threads: Annotated[
        int, _means("Threads for DuckDB and models at once; 0: as many as there are cores.", 0, 1024)
    ] = 0
    engine: Annotated[
        Literal["local", "processes", "spark"],
        _means(
            "What much work is done by, be it reading new files or a full build: this process, several processes of"
            " this machine, or Spark."
        ),
    ] = "local"
    workers: Annotated[
        int,
        _means("How many tasks `processes` and `spark` do at once; 0: as many as `threads`.", 0, 100_000),
    ] = 0
    share_out_from_bytes: Annotated[
        int, _means("With fewer bytes of new files this process reads them, whatever the engine.", 0, MOST_BYTES)
    ] = 100_000_000
    shards: Annotated[
        int,
        _means(
            "Into how many shards a full build is cut; 0: as many as a Spark cluster has workers, on one machine none.",
            0,
            100_000,
        ),
    ] = 0
    spark_master: Annotated[
        str, _means("Address of the Spark cluster; empty: this machine. All of it sees the data folder under one path.")
    ] = ""
    lock_wait_seconds: Annotated[float, _means("How long a second run waits for the first.", 0, MOST_SECONDS)] = 60.0
    free_disk_bytes: Annotated[int, _means("A run that would leave less free disk does not begin.", 0, MOST_BYTES)] = (
        256_000_000
    )

    schedule_time: Annotated[str, _means("When the nightly run starts.")] = "02:30"
    schedule_time_zone: Annotated[str, _means("Time zone of `schedule_time`.")] = "UTC"
    arrival_quiet_seconds: Annotated[
        int,
        _means("A file that changed within so many seconds is still being written; the sensor waits.", 0, MOST_SECONDS),
    ] = 60
    late_after_days: Annotated[int, _means("A stream that delivered nothing for more days is late.", 0, MOST_DAYS)] = 2
    late_after_minutes: Annotated[
        int, _means("A nightly run that is not done so long after `schedule_time` is late, and an alert.", 0, 10_080)
    ] = 180
    first_export_date: Annotated[
        date | None, _means("First export date that can be backfilled; else the oldest export date that has landed.")
    ] = None

    keep_publications: Annotated[
        int, _means("How many published warehouses are kept, for `c360 rollback`.", 1, 1000)
    ] = 3
    published_file_mode: Annotated[
        str,
        _means(
            "Rights of the published file and its copies, such as `0440`; whom it lets read may pass the data folder."
            " Empty: 0444 less the umask."
        ),
    ] = ""
    publish_parquet: Annotated[
        bool, _means("Whether the marts are published as Parquet too, in the folder `marts`, for other engines.")
    ] = False
    keep_activation_days: Annotated[
        int,
        _means(
            "How long request bodies for vendors stay that were posted or handed over; what was written stays known."
            " 0: for ever.",
            0,
            MOST_DAYS,
        ),
    ] = 90
    keep_run_days: Annotated[int, _means("How long `meta.runs` and Dagster remember a run.", 0, MOST_DAYS)] = 400
    keep_log_days: Annotated[int, _means("How long logs are kept.", 0, MOST_DAYS)] = 30

    keep_landing_days: Annotated[
        int, _means("How long loaded deliveries stay in the landing zone; their rows stay. 0: for ever.", 0, MOST_DAYS)
    ] = 0
    keep_reject_days: Annotated[
        int,
        _means(
            "How long rejected records and values keep what was delivered; that they were stays. 0: for ever.",
            0,
            MOST_DAYS,
        ),
    ] = 0
    keep_publication_days: Annotated[
        int,
        _means(
            "How long an earlier publication is kept, of those that `keep_publications` allows. 0: for ever.",
            0,
            MOST_DAYS,
        ),
    ] = 0
    keep_inactive_days: Annotated[
        int,
        _means("Whoever did nothing for so many days is erased, as `c360 forget` does. 0: nobody is.", 0, MOST_DAYS),
    ] = 0

    alert_command: Annotated[str, _means("Command that is given an alert as JSON; empty: none.")] = ""
    alert_webhook: Annotated[str, _means("Address that an alert is posted to as JSON; empty: none.")] = ""

    report_file: Annotated[
        str,
        _means(
            "File, from the data folder if not absolute, that every run writes the report to as one HTML page; empty:"
            " none."
        ),
    ] = ""


def read_options(path: Path) -> Options:
    """What the file says, every other key by its default. Raises OperatorError for what no setting may be."""
    if not path.exists():
        return Options()
    remedy = f"Fix {path} and run again."
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise unreadable(path, error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise OperatorError(f"{path} is no TOML file in UTF-8: {error}.", remedy=remedy, exit_code=2) from None
    for key in given:
        if key not in Options.__struct_fields__:
            raise OperatorError(f"{path}: `{without_contacts(key)}` is no setting.", remedy=_nearest(key), exit_code=2)
    try:
        options = msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        problem = re.sub(r"^(.*) - at `\$\.(.+?)`$", r"`\2`: \1", str(error))
        raise OperatorError(f"{path}: {problem}.", remedy=remedy, exit_code=2) from None
    for key, problem in option_problems(options):
        raise OperatorError(f"{path}: `{key}` {problem}.", remedy=remedy, exit_code=2)
    return options


def _nearest(key: str) -> str:
    near = difflib.get_close_matches(key, Options.__struct_fields__, n=1)
    return f"Did you mean `{near[0]}`?" if near else f"Settings are: {', '.join(Options.__struct_fields__)}."


def bounds() -> dict[str, tuple[float, float]]:
    """The least and the greatest value of every setting that is a number."""
    declared = get_type_hints(Options, include_extras=True)
    return {
        key: meaning.extra["bounds"]
        for key, meaning in ((key, get_args(kind)[1]) for key, kind in declared.items())
        if meaning.extra
    }


def option_problems(options: Options) -> Iterator[tuple[str, str]]:
    """Each key with a value out of its bounds, and what it must be."""
    for key, (least, most) in bounds().items():
        # Written so that what is no number at all (`nan`) is refused too.
        if not least <= getattr(options, key) <= most:
            yield key, f"must be between {least} and {most}"
    if options.reporting_currency not in currency_codes():
        yield "reporting_currency", "is no ISO 4217 code such as EUR"
    for key in ("reporting_time_zone", "schedule_time_zone"):
        if not is_zone(getattr(options, key)):
            yield key, "is no IANA time zone such as Europe/Berlin"
    if options.first_export_date and not FIRST_DAY <= options.first_export_date <= datetime.now(UTC).date() + timedelta(
        days=1
    ):
        yield "first_export_date", f"must be a day from {FIRST_DAY} to today"
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", options.schedule_time, re.ASCII):
        yield "schedule_time", "must be a time of day such as 02:30"
    if options.memory_limit and not LEAST_MEMORY <= (bytes_of(options.memory_limit) or 0) <= MOST_BYTES:
        yield "memory_limit", "must be a size of 1MB or more, such as 4GB"
    if options.alert_webhook and not _is_address(options.alert_webhook):
        yield "alert_webhook", "must be an address such as https://example.com/hook"
    if options.published_file_mode and not re.fullmatch("0?[4-7][04][04]", options.published_file_mode, re.ASCII):
        yield "published_file_mode", "must be rights that let its owner read and nobody else write, such as 0440"
    if "\0" in options.alert_command:
        yield "alert_command", "must be a command without a zero byte"
    if options.report_file and not re.fullmatch(r"[^\0]*[^\0/.]\.html?", options.report_file):
        yield "report_file", "must be the name of a file that ends with .html"


def bytes_of(size: str) -> int | None:
    """A size such as `4GB` or `1.5 GiB` as a number; None if it is no size."""
    found = re.fullmatch(r"(\d{1,15}(?:\.\d{1,15})?)\s*([KMGT])(i?)B", size, re.ASCII)
    return int(float(found[1]) * (1024 if found[3] else 1000) ** (1 + "KMGT".index(found[2]))) if found else None


def _is_address(text: str) -> bool:
    """An address that a request can be sent to: what is none is found out now, not when a failure must be reported."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and not re.search(r"[\s\x00-\x20\x7f]|[^\x00-\x7f]", text)
        )
    except ValueError:
        return False
