"""`pull.toml` in the installation's configuration folder: which accounts are pulled, and which of their streams.
Without the file nothing is."""

import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import msgspec

from orchestration.config.accounts import DEFAULT_ACCOUNT, account_problem, feed
from orchestration.config.config_files import unreadable
from orchestration.config.settings import Settings
from orchestration.network import secrets
from orchestration.network.access import ACCESS, Login, address_problem
from orchestration.pulling.streams import EXPORTS, LISTINGS, NOT_LISTED, Export, Listing, of_vendor
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name, without_contacts

FILE = "pull.toml"
PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9:._-]{0,99}")


class AccountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`[[account]]`: one account at one vendor. Secrets are given as `env:NAME` or `file:PATH`."""

    vendor: str
    streams: list[str]
    account: str = DEFAULT_ACCOUNT
    address: str = ""
    key: str = ""
    app_id: str = ""
    app_token: str = ""
    client_id: str = ""
    client_secret: str = ""
    requests_per_second: float | None = None
    period_days: int | None = None
    collections: list[str] = []
    segments: list[str] = []


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    account: list[AccountEntry] = []
    full_every_days: int = 7
    least_share: float = 0.8


@dataclass(frozen=True)
class Unit:
    """One walk of a pull: a stream of an account, or the part of it that is asked for by itself."""

    vendor: str
    account: str
    stream: str
    part: str | None
    facts: Listing | Export
    period: timedelta | None
    full_every: timedelta
    least_share: float

    @property
    def feed(self) -> str:
        return feed(self.vendor, self.account)

    @property
    def name(self) -> str:
        """As messages name it."""
        return f"{self.feed}/{self.stream}" + (f" ({self.part})" if self.part else "")


@dataclass(frozen=True)
class Source:
    """An account and what is pulled from it."""

    login: Login
    units: tuple[Unit, ...]


def is_configured(settings: Settings) -> bool:
    """Somebody wants something pulled."""
    return (settings.config / FILE).exists()


def vendors(settings: Settings) -> list[str]:
    """Vendors that are pulled, without a look at their secrets."""
    return sorted({entry.vendor for entry in _checked(settings).account}) if is_configured(settings) else []


def units(settings: Settings, vendor: str) -> list[Unit]:
    """What is pulled from a vendor, without a look at its secrets."""
    file = _checked(settings)
    return [unit for entry in file.account if entry.vendor == vendor for unit in _units(file, entry)]


def sources(
    settings: Settings,
    *,
    vendor: str | None = None,
    account: str | None = None,
    stream: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> list[Source]:
    """The accounts that are meant, with their secrets; refuses what cannot be meant before anything is asked."""
    if not is_configured(settings):
        raise OperatorError(
            f"{settings.config / FILE} does not exist: nothing is to be pulled.",
            remedy="docs/pull.md shows how it is written.",
            exit_code=2,
        )
    file = _checked(settings)
    entries = [entry for entry in file.account if vendor in (None, entry.vendor) and account in (None, entry.account)]
    found = [(entry, [unit for unit in _units(file, entry) if stream in (None, unit.stream)]) for entry in entries]
    chosen = [
        Source(_login(settings, entry, os.environ if environment is None else environment), tuple(units))
        for entry, units in found
        if units
    ]
    if not chosen:
        raise OperatorError(
            f"Nothing such stands in {settings.config / FILE}.",
            remedy="Name a vendor, account and stream that it lists.",
            exit_code=2,
        )
    return chosen


def _checked(settings: Settings) -> File:
    path = settings.config / FILE
    file = _parsed(path)
    for problem in _problems(file):
        raise _refused(path, problem)
    return file


def _parsed(path: Path) -> File:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8-sig")), File)
    except OSError as error:
        raise unreadable(path, error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        place = re.search(r"\(at .*\)$", str(error))  # what stands before it may quote the file, and so a secret
        problem = f"it is no TOML file in UTF-8{f' {place[0]}' if place else ''}"
    except msgspec.ValidationError as error:
        problem = re.sub(r"^(.*) - at `\$\.?(.+?)`$", r"`\2`: \1", without_contacts(str(error)))
    raise _refused(path, problem)


def _problems(file: File) -> Iterator[str]:
    if not 0 <= file.full_every_days <= 366:
        yield "`full_every_days` must be between 0 and 366"
    if not 0 <= file.least_share <= 1:
        yield "`least_share` must be between 0 and 1"
    seen: set[str] = set()
    for entry in file.account:
        yield from _entry_problems(entry)
        # Some file systems do not distinguish capitals from small letters.
        name = feed(entry.vendor, entry.account).lower()
        if name in seen:
            yield f"`{name}` is listed twice"
        seen.add(name)


def _entry_problems(entry: AccountEntry) -> Iterator[str]:
    if entry.vendor not in ACCESS:
        yield f"`{shown_name(entry.vendor)}` is no vendor that can be pulled; known are {', '.join(ACCESS)}"
        return
    access, who = ACCESS[entry.vendor], feed(entry.vendor, entry.account)
    if entry.account != DEFAULT_ACCOUNT and (wrong := account_problem(entry.vendor, entry.account)):
        yield f"`account` of {entry.vendor} names no account: {wrong}"
    if not entry.streams:
        yield f"`streams` of {who} is empty; it can be {', '.join(of_vendor(entry.vendor))}"
    yield from _stream_problems(entry, who)
    if not entry.address and not access.address:
        yield f"`address` of {who} is missing: {access.address_hint}"
    if entry.address and (wrong := address_problem(entry.address)):
        yield f"`address` of {who} {wrong}"
    given = [name for name in ("key", "app_id", "app_token", "client_id", "client_secret") if getattr(entry, name)]
    for name in access.secrets:
        if name not in given:
            yield f"`{name}` of {who} is missing: write `env:NAME` or `file:PATH`"
    for name in given:
        if name not in access.secrets:
            yield f"`{name}` is nothing that {entry.vendor} asks for; it asks for {', '.join(access.secrets)}"
    if entry.requests_per_second is not None and not 0.01 <= entry.requests_per_second <= 1000:
        yield f"`requests_per_second` of {who} must be between 0.01 and 1000"
    if entry.period_days is not None and not 1 <= entry.period_days <= 3660:
        yield f"`period_days` of {who} must be between 1 and 3660"


def _stream_problems(entry: AccountEntry, who: str) -> Iterator[str]:
    for stream in entry.streams:
        key = (entry.vendor, stream)
        facts = LISTINGS.get(key) or EXPORTS.get(key)
        if facts is None:
            reason = NOT_LISTED.get(key, f"it can be {', '.join(of_vendor(entry.vendor))}")
            yield f"`{shown_name(stream)}` cannot be pulled from {entry.vendor}: {reason}"
        elif facts.parts and not getattr(entry, facts.parts):
            yield f"`{facts.parts}` of {who} is missing: {stream} are asked for by it"
    if len(set(entry.streams)) != len(entry.streams):
        yield f"a stream of {who} is listed twice"
    for name in ("collections", "segments"):
        parts = getattr(entry, name)
        if any(not PART.fullmatch(part) for part in parts) or len({file_name(part) for part in parts}) != len(parts):
            yield f"`{name}` of {who} must be different names of letters, digits, '.', ':', '_' and '-'"
        if any("full" in part.lower() for part in parts):
            yield (
                f"`{name}` of {who}: a file with `full` in its name counts as a full delivery, so that one by such a"
                " name cannot be pulled"
            )


def file_name(part: str) -> str:
    """The part as a file of ours is named, also on file systems that do not distinguish capitals from small letters."""
    return part.replace(":", "-").lower()


def _units(file: File, entry: AccountEntry) -> Iterator[Unit]:
    for stream in entry.streams:
        key = (entry.vendor, stream)
        facts = LISTINGS.get(key) or EXPORTS[key]
        for part in getattr(entry, facts.parts) if facts.parts else [None]:
            yield Unit(
                entry.vendor,
                entry.account,
                stream,
                part,
                facts,
                timedelta(days=entry.period_days) if entry.period_days else None,
                timedelta(days=file.full_every_days),
                file.least_share,
            )


def _login(settings: Settings, entry: AccountEntry, environment: Mapping[str, str]) -> Login:
    access, who = ACCESS[entry.vendor], feed(entry.vendor, entry.account)
    found = {
        name: secrets.read(
            getattr(entry, name), meaning=f"`{name}` of {who}", folder=settings.config, environment=environment
        )
        for name in access.secrets
    }
    return Login(
        entry.vendor,
        entry.account,
        entry.address or access.address,
        found,
        min(entry.requests_per_second or access.per_second, 1000),
    )


def _refused(path: Path, problem: str) -> OperatorError:
    return OperatorError(f"{path}: {problem}.", remedy="Fix it and run again.", exit_code=2)
