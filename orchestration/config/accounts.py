"""Accounts at vendors: how a folder of the landing zone names one, and what `accounts.csv` says of it."""

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Literal, Protocol

from orchestration.canonical.geography import countries, currency_codes
from orchestration.config.config_files import is_zone
from orchestration.runtime.errors import OperatorError

DEFAULT_ACCOUNT = "default"
ACCOUNTS = "accounts.csv"
AMOUNT_UNITS = ("minor", "major")
ACCOUNT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def feed(source: str, source_account: str) -> str:
    """A vendor's account, as its folder in the landing zone is named."""
    return source if source_account == DEFAULT_ACCOUNT else f"{source}@{source_account}"


def account_of(name: str) -> tuple[str, str]:
    """Vendor and account that the name of a folder means."""
    source, separator, account = name.partition("@")
    return source, account if separator else DEFAULT_ACCOUNT


def account_problem(source: str, account: str) -> str | None:
    """Why this is no name for an account, as the end of a sentence; None if it is one."""
    if not ACCOUNT.fullmatch(account):
        return "an account is named with letters, digits, '.', '_' and '-', and begins with a letter or digit"
    return f"the folder of that account is {source}" if account == DEFAULT_ACCOUNT else None


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


@dataclass(frozen=True)
class Account:
    """A tenant at one vendor with exports that land here; `amount_unit` settles the unit of amounts where the format
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


def check_accounts(config: Path, vendors: Collection[str]) -> None:
    """Refuses a line about a vendor that is none: what it says would hold for nobody."""
    path = config / ACCOUNTS
    for line, row in _account_rows(path):
        if row["source"] not in vendors:
            raise _account_error(path, line, f"`source` is none of {', '.join(vendors)}")


def read_accounts(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    """By vendor and account, what their line says. Raises OperatorError that names the line that nobody can use."""
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
    if not is_zone(row.get("time_zone", "UTC")):
        raise _account_error(path, line, "`time_zone` is no IANA time zone such as Europe/Berlin")
    if row.get("default_currency", "EUR") not in currency_codes():
        raise _account_error(path, line, "`default_currency` is no ISO 4217 code such as EUR")
    if "phone_region" in row and row["phone_region"] not in countries():
        raise _account_error(path, line, "`phone_region` is no ISO 3166 code of two capital letters such as BR")
    if row.get("amount_unit", "minor") not in AMOUNT_UNITS:
        raise _account_error(path, line, "`amount_unit` is neither minor nor major")
    return row


def _account_error(path: Path, line: int, problem: str) -> OperatorError:
    return OperatorError(f"{path}, line {line}: {problem}.", remedy="Mend the line and run again.", exit_code=2)
