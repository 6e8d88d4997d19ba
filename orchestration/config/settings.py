"""What an installation gets from outside: where its data stand, its accounts, its secret, its limits.

Read from `C360_DATA`, `C360_SECRET` and the files of `$C360_DATA/config`; everything has a default. Nothing here opens
a warehouse, and business rules are no settings: they are the seeds of the dbt project.
"""

import csv
import hashlib
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast
from zoneinfo import ZoneInfo

import msgspec

from orchestration.config.accounts import ACCOUNTS, DEFAULT_ACCOUNT, Account, VendorDefaults, feed, read_accounts
from orchestration.config.config_files import unreadable
from orchestration.config.options import Options, bytes_of, option_problems, read_options
from orchestration.runtime.errors import OperatorError

PACKAGE = Path(__file__).parents[1]
CHECKOUT = PACKAGE.parent
STORAGE_VERSION = "v1.5.0"


@dataclass(frozen=True)
class DateRange:
    """Export dates from `first` to `last`, both included."""

    first: date
    last: date

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


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
        """The small warehouse in which an incremental run is made; its stem is that of the build file for the same
        reason."""
        return self.data / "build" / "part" / "warehouse.duckdb"

    @property
    def shards_folder(self) -> Path:
        """Where shards are built, each a warehouse of its own, while a build is shared out."""
        return self.data / "build" / "shards"

    @property
    def anew_file(self) -> Path:
        """The build file while it is written anew, without what was deleted of it."""
        return self.data / "build" / "anew" / "warehouse.duckdb"

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
    def trial_folder(self) -> Path:
        """The installation of its own in which other rules are tried, with all people in it."""
        return self.internal / "plan"

    @property
    def trial_lock(self) -> Path:
        return self.internal / "plan.lock"

    @property
    def dagster_home(self) -> Path:
        return self.internal / "dagster"

    @property
    def logs(self) -> Path:
        """What Dagster and its runs print; its own home has a folder of that name, which it empties."""
        return self.internal / "logs"

    @property
    def sent_alerts(self) -> Path:
        """A file for each alert that was sent."""
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
        return connection_config(self.memory_limit, self.threads, self.spill)

    def account(self, vendor: VendorDefaults, name: str = DEFAULT_ACCOUNT) -> Account:
        """An account at a vendor: what `accounts.csv` says of it, else the vendor's own defaults.

        The order numbers of an account with a name are its own unless its line names the account that shares them.
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
        options=read_options(settings.config / "settings.toml"),
        accounts=read_accounts(settings.config / ACCOUNTS),
        secret=_read_secret(settings.config / "secret", environment),
    )


def with_options(settings: Settings, **given: Any) -> Settings:
    """The installation with options that were given for one run; None keeps what the file says."""
    chosen = {key: value for key, value in given.items() if value is not None}
    try:
        options = msgspec.convert(msgspec.structs.asdict(settings.options) | chosen, Options)
    except msgspec.ValidationError as error:
        raise OperatorError(f"{error}.", remedy="docs/settings.md names what each may be.", exit_code=2) from None
    for key, problem in option_problems(options):
        raise OperatorError(f"`{key}` {problem}.", remedy="docs/settings.md names its bounds.", exit_code=2)
    return replace(settings, options=options)


def connection_config(memory_limit: str, threads: int, spill: Path) -> dict[str, str | float | list[str]]:
    """Configuration of a DuckDB connection that may take so much memory and so many threads and spills there."""
    return {
        "storage_compatibility_version": STORAGE_VERSION,
        "autoinstall_known_extensions": False,
        "memory_limit": memory_limit,
        "threads": threads,
        "temp_directory": str(spill),
        "preserve_insertion_order": False,
    }


def available_memory() -> int:
    """Bytes this process may use: the machine's memory, or less if its control group says so."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        if path.exists():
            text = path.read_text(encoding="ascii").strip()
            limits += [int(text)] if text.isdigit() else []
    return min(limits)


def _read_secret(path: Path, environment: Mapping[str, str]) -> bytes | None:
    given = environment.get("C360_SECRET", "").strip().encode()
    try:
        return given or (path.read_bytes().strip() if path.exists() else b"") or None
    except OSError as error:
        raise unreadable(path, error) from None
