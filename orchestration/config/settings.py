"""What an installation is told from outside: where its data stand, its accounts, its secret, its limits.

Read from `C360_DATA`, `C360_SECRET` and the files of `$C360_DATA/config`; everything has a default. Nothing here opens
a warehouse, and business rules are no settings: they are the seeds of the dbt project.
"""

import csv
import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, cast, get_args, get_type_hints
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from orchestration.canonical.geography import currency_codes
from orchestration.config.accounts import DEFAULT_ACCOUNT, account_problem, feed
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts

PACKAGE = Path(__file__).parents[1]
CHECKOUT = PACKAGE.parent
STORAGE_VERSION = "v1.5.0"


# What fits the 32 bits in which engines and operating systems count, and more days than an installation will live.
MOST, MOST_SECONDS, MOST_DAYS = 2**31 - 1, 86_400, 36_500
MOST_BYTES = 2**50
LEAST_MEMORY = 1_000_000
FIRST_DAY = date(1990, 1, 1)
# What Python takes as zones and the engine does not.
NO_ZONES = re.compile("(posix|right)/|(localtime|posixrules|Factory)$")


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
        float, _means("If a larger share of a stream's night is bad, that night of the vendor waits unused.", 0, 1)
    ] = 0.5
    hold_back_rows: Annotated[int, _means("Only streams with so many rows in a night can make it wait.", 0, MOST)] = (
        1000
    )
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
        int, _means("With fewer rows in staging every night is built in full.", 0, MOST_BYTES)
    ] = 250_000
    incremental_share: Annotated[
        float, _means("If a larger share of all records is touched, the night is built in full.", 0, 1)
    ] = 0.25
    full_build_days: Annotated[
        int,
        _means(
            "After so many days of nights in part, one is built in full too; a difference is a warning.", 0, MOST_DAYS
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
        _means("What a full build is done by: this process, several processes of this machine, or Spark."),
    ] = "local"
    workers: Annotated[
        int,
        _means("How many shards are built at once by `processes` and `spark`; 0: as many as `threads`.", 0, 100_000),
    ] = 0
    shards: Annotated[
        int,
        _means(
            "Into how many shards a full build is cut; 0: as many as there are workers, with `local` none.", 0, 100_000
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
        int, _means("A night that is not done so long after `schedule_time` is late, and an alert.", 0, 10_080)
    ] = 180
    first_export_date: Annotated[
        date | None, _means("First night that can be backfilled; else the year of the oldest export begins it.")
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


@dataclass(frozen=True)
class DateRange:
    """Export dates from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


class VendorDefaults(Protocol):
    """What a vendor brings along for accounts that say nothing."""

    @property
    def code(self) -> str: ...
    @property
    def default_currency(self) -> str: ...
    @property
    def default_order_namespace(self) -> str: ...
    @property
    def phone_region(self) -> str | None: ...


AMOUNT_UNITS = ("minor", "major")
ACCOUNTS = "accounts.csv"


@dataclass(frozen=True)
class Account:
    """The tenant at one vendor whose exports land here; `amount_unit` settles in what amounts are told where the format
    leaves it open."""

    source: str
    source_account: str
    default_currency: str
    time_zone: str
    phone_region: str | None
    order_namespace: str
    customer_id_namespace: str
    amount_unit: Literal["minor", "major"] | None = None
    date_placeholders: frozenset[date] = frozenset()


ACCOUNT_COLUMNS = tuple(column.name for column in fields(Account) if column.name != "date_placeholders")


@dataclass(frozen=True)
class Settings:
    """One installation."""

    data: Path
    options: Options = field(default_factory=Options)
    accounts: Mapping[tuple[str, str], Mapping[str, str]] = field(default_factory=dict)
    secret: bytes | None = field(default=None, repr=False)

    @property
    def landing(self) -> Path:
        return self.data / "landing"

    @property
    def config(self) -> Path:
        return self.data / "config"

    @property
    def published_file(self) -> Path:
        return self.data / "warehouse.duckdb"

    @property
    def build_file(self) -> Path:
        """The private file a run writes; its stem is that of the published file, because the stem is the catalog's
        name."""
        return self.data / "build" / "warehouse.duckdb"

    @property
    def part_file(self) -> Path:
        """The small warehouse in which an incremental night is made; its stem is that of the build file for the same
        reason."""
        return self.data / "build" / "part" / "warehouse.duckdb"

    @property
    def shards_folder(self) -> Path:
        """Where shards are built, each a warehouse of its own, while a build is shared out."""
        return self.data / "build" / "shards"

    @property
    def spill(self) -> Path:
        return self.data / "build" / "spill"

    @property
    def publications(self) -> Path:
        return self.data / "published"

    @property
    def parquet_marts(self) -> Path:
        """The published marts as Parquet, where the setting asks for them."""
        return self.data / "marts"

    @property
    def internal(self) -> Path:
        return self.data / "internal"

    @property
    def privacy(self) -> Path:
        """Who was erased, as hashes, and the receipts."""
        return self.data / "privacy"

    @property
    def lock_file(self) -> Path:
        return self.internal / "writer.lock"

    @property
    def dagster_home(self) -> Path:
        return self.internal / "dagster"

    @property
    def logs(self) -> Path:
        """What Dagster and its runs print; its own home has a folder of that name, which it empties."""
        return self.internal / "logs"

    @property
    def alert_book(self) -> Path:
        """A file per alert that was told."""
        return self.internal / "alerts"

    @property
    def dbt_project(self) -> Path:
        return project_folder() / "dbt_project"

    @property
    def samples(self) -> Path:
        return project_folder() / "data" / "samples"

    @property
    def reporting_zone(self) -> tzinfo:
        return ZoneInfo(self.options.reporting_time_zone)

    @property
    def memory_limit(self) -> str:
        """DuckDB's memory: as configured, else a third of what the machine or its container allows, at most 4 GB."""
        return self.options.memory_limit or f"{min(available_memory() // 3, 4_000_000_000) // 1_000_000}MB"

    @property
    def memory_bytes(self) -> int:
        """`memory_limit` as a number."""
        return bytes_of(self.memory_limit) or 0

    @property
    def threads(self) -> int:
        return self.options.threads or len(os.sched_getaffinity(0))

    @property
    def duckdb_config(self) -> dict[str, str | float | list[str]]:
        """Configuration of every connection: one process cannot open one file in two ways."""
        return {
            "storage_compatibility_version": STORAGE_VERSION,
            "autoinstall_known_extensions": False,
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "temp_directory": str(self.spill),
            "preserve_insertion_order": False,
        }

    def account(self, vendor: VendorDefaults, name: str = DEFAULT_ACCOUNT) -> Account:
        """An account at a vendor: what `accounts.csv` says of it, else the vendor's own defaults.

        The order numbers of an account with a name are its own unless its line says whose they share.
        """
        is_plain = name == DEFAULT_ACCOUNT
        name = (self._only_account(vendor.code) or name) if is_plain else name
        given = self.accounts.get((vendor.code, name), {})
        own = f"{vendor.code}:{name}"
        return Account(
            source=vendor.code,
            source_account=name,
            default_currency=given.get("default_currency", vendor.default_currency),
            time_zone=given.get("time_zone", "UTC"),
            phone_region=given.get("phone_region", vendor.phone_region),
            order_namespace=given.get("order_namespace", vendor.default_order_namespace if is_plain else own),
            customer_id_namespace=given.get("customer_id_namespace", own),
            amount_unit=cast("Literal['minor', 'major'] | None", given.get("amount_unit")),
            date_placeholders=self.date_placeholders,
        )

    @cached_property
    def date_placeholders(self) -> frozenset[date]:
        """Birth dates that stand for nobody's, of the seed of that name; a line that is no date is refused where seeds
        are loaded."""
        own = self.config / "date_placeholders.csv"
        path = own if own.exists() else self.dbt_project / "seeds" / "date_placeholders.csv"
        with path.open(encoding="utf-8-sig", newline="") as file, suppress(csv.Error, UnicodeDecodeError):
            return frozenset(day for row in csv.DictReader(file) if (day := _day(row.get("placeholder_date"))))
        return frozenset()

    def _only_account(self, source: str) -> str | None:
        """The account of `landing/<vendor>/` where a vendor's only line gives it a name; one that has a folder of its
        own is another."""
        names = [name for vendor, name in self.accounts if vendor == source]
        return names[0] if len(names) == 1 and not (self.landing / feed(source, names[0])).is_dir() else None

    @property
    def staging_fingerprint(self) -> str:
        """Changes with every setting that decides what a landing file becomes in staging."""
        options = self.options
        accounts = sorted(
            (*account, self._only_account(account[0]) or "", sorted(given.items()))
            for account, given in self.accounts.items()
        )
        parts = (
            options.record_bytes,
            options.record_levels,
            options.unpack_ratio,
            options.unpack_free_bytes,
            accounts,
            sorted(self.date_placeholders),
        )
        return hashlib.sha256(repr(parts).encode() + b"\0" + (self.secret or b"")).hexdigest()

    def today(self) -> date:
        """The day in the reporting time zone."""
        return datetime.now(self.reporting_zone).date()


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat((text or "").strip())
    except ValueError:
        return None


def project_folder() -> Path:
    """Where `dbt_project` and `data/samples` stand: the checkout, or the copy inside an installed package."""
    return CHECKOUT if (CHECKOUT / "dbt_project" / "dbt_project.yml").exists() else PACKAGE / "project"


def default_data_folder() -> Path:
    """`data` in the checkout; beside the working directory when the package is installed elsewhere."""
    return project_folder() / "data" if project_folder() == CHECKOUT else Path.cwd() / "data"


def load(data: Path | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """The installation that `data`, else `C360_DATA`, else the default folder holds."""
    given = environment.get("C360_DATA")
    folder = (data or (Path(given) if given else default_data_folder())).expanduser().absolute()
    if folder.exists() and not folder.is_dir():
        raise OperatorError(f"{folder} is a file.", remedy="C360_DATA must name the data folder.", exit_code=2)
    settings = Settings(data=folder)
    return replace(
        settings,
        options=_read_options(settings.config / "settings.toml"),
        accounts=_read_accounts(settings.config / ACCOUNTS),
        secret=_read_secret(settings.config / "secret", environment),
    )


def with_options(settings: Settings, **given: Any) -> Settings:
    """The installation with options that were given for one run; None keeps what the file says."""
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        options = msgspec.convert(msgspec.structs.asdict(settings.options) | chosen, Options)
    except msgspec.ValidationError as error:
        raise OperatorError(f"{error}.", remedy="docs/settings.md names what each may be.", exit_code=2) from None
    for key, problem in _option_problems(options):
        raise OperatorError(f"`{key}` {problem}.", remedy="docs/settings.md names its bounds.", exit_code=2)
    return replace(settings, options=options)


def available_memory() -> int:
    """Bytes this process may use: the machine's memory, or less if its control group says so."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if path.exists():
            text = path.read_text(encoding="ascii").strip()
            limits += [int(text)] if text.isdigit() else []
    return min(limits)


def _read_options(path: Path) -> Options:
    if not path.exists():
        return Options()
    remedy = f"Mend {path} and run again."
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
    for key, problem in _option_problems(options):
        raise OperatorError(f"{path}: `{key}` {problem}.", remedy=remedy, exit_code=2)
    return options


def unreadable(path: Path, error: OSError) -> OperatorError:
    """Why a file of the configuration cannot be used, where the system does not let it be read."""
    return OperatorError(
        f"{path} cannot be read: {error.strerror or type(error).__name__}.",
        remedy="Mend that and run again.",
        exit_code=2,
    )


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


def _option_problems(options: Options) -> Iterator[tuple[str, str]]:
    for key, (least, most) in bounds().items():
        # Written so that what is no number at all (`nan`) is refused too.
        if not least <= getattr(options, key) <= most:
            yield key, f"must be between {least} and {most}"
    if options.reporting_currency not in currency_codes():
        yield "reporting_currency", "is no ISO 4217 code such as EUR"
    for key in ("reporting_time_zone", "schedule_time_zone"):
        if not _is_zone(getattr(options, key)):
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
    """An address that a request can be sent to: what is none is found out now, not while a failure waits to be told."""
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


def check_accounts(settings: Settings, vendors: Collection[str]) -> None:
    """Refuses a line about a vendor that is none: what it says would hold for nobody."""
    path = settings.config / ACCOUNTS
    for line, row in _account_rows(path):
        if row["source"] not in vendors:
            raise _account_error(path, line, f"`source` is none of {', '.join(vendors)}")


def _read_accounts(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    accounts: dict[tuple[str, str], dict[str, str]] = {}
    for line, row in _account_rows(path):
        source, name = row.pop("source"), row.pop("source_account", DEFAULT_ACCOUNT)
        if (source, name) in accounts:
            raise _account_error(path, line, f"`{feed(source, name)}` is listed twice")
        if name != DEFAULT_ACCOUNT and (wrong := account_problem(source, name)):
            raise _account_error(path, line, f"`source_account` names no account: {wrong}")
        accounts[source, name] = row
    return accounts


def _account_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if not path.exists():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            header = [name.strip() for name in next(reader, [])]
            _check_header(path, header)
            for cells in reader:
                if cells:
                    yield reader.line_num, _account_row(path, reader.line_num, header, cells)
        except (csv.Error, UnicodeDecodeError) as error:
            raise _account_error(path, reader.line_num, f"no readable CSV ({error})") from None


def _check_header(path: Path, header: list[str]) -> None:
    for name in header:
        if name not in ACCOUNT_COLUMNS:
            raise _account_error(path, 1, f"`{name}` is no column; known are {', '.join(ACCOUNT_COLUMNS)}")
    if len(set(header)) != len(header):
        raise _account_error(path, 1, "a column stands twice in the header")
    if "source" not in header:
        raise _account_error(path, 1, "the column `source` is missing")


def _account_row(path: Path, line: int, header: list[str], cells: list[str]) -> dict[str, str]:
    if len(cells) != len(header):
        raise _account_error(path, line, f"{len(cells)} cells where the header has {len(header)}")
    row = {name: cell.strip() for name, cell in zip(header, cells, strict=True) if cell.strip()}
    if "source" not in row:
        raise _account_error(path, line, "the column `source` is empty")
    if not _is_zone(row.get("time_zone", "UTC")):
        raise _account_error(path, line, "`time_zone` is no IANA time zone such as Europe/Berlin")
    if row.get("default_currency", "EUR") not in currency_codes():
        raise _account_error(path, line, "`default_currency` is no ISO 4217 code such as EUR")
    if not re.fullmatch(r"[A-Z]{2}", row.get("phone_region", "BR")):
        raise _account_error(path, line, "`phone_region` is no ISO 3166 code of two capital letters such as BR")
    if row.get("amount_unit", "minor") not in AMOUNT_UNITS:
        raise _account_error(path, line, "`amount_unit` is neither minor nor major")
    return row


def _account_error(path: Path, line: int, problem: str) -> OperatorError:
    return OperatorError(f"{path}, line {line}: {problem}.", remedy="Mend the line and run again.", exit_code=2)


def _is_zone(name: Any) -> bool:
    try:
        return not NO_ZONES.match(name) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False


def _read_secret(path: Path, environment: Mapping[str, str]) -> bytes | None:
    given = environment.get("C360_SECRET", "").strip().encode()
    try:
        return given or (path.read_bytes().strip() if path.exists() else b"") or None
    except OSError as error:
        raise unreadable(path, error) from None
