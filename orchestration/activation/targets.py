"""`activation.toml`: to whom what is given back; every key checked before anything is read or written.

A target is a vendor's account with a purpose. What its channel can take stands in `channels`.
"""

import difflib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from orchestration.activation.catalogue import VALUES, slug
from orchestration.activation.channel import Channel
from orchestration.activation.channels import discover
from orchestration.config.accounts import DEFAULT_ACCOUNT, account_problem
from orchestration.config.config_files import unreadable
from orchestration.config.settings import Settings
from orchestration.network import secrets
from orchestration.network.access import ACCESS, Login, address_problem
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import without_contacts

FILE = "activation.toml"
EVERY_SEGMENT = "*"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
MessageChannel = Literal["email", "sms", "phone", "push", "whatsapp", "post", "all"]
REMEDY = "`docs/activation.md` shows a whole file."


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One target of `activation.toml`: every key, its type and default; `docs/activation.md` lists them."""

    vendor: str
    name: str = ""
    account: str = DEFAULT_ACCOUNT
    purpose: Literal["marketing", "service"] = "marketing"
    channel: MessageChannel = "email"
    values: tuple[str, ...] = tuple(VALUES)
    segments: tuple[str, ...] = ()
    opt_outs: bool = False
    dialect: str = ""
    engagement_step: Annotated[float, msgspec.Meta(ge=0, le=100)] = 5.0
    most_changed_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    most_leaving_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.1
    guard_from_records: Annotated[int, msgspec.Meta(ge=1)] = 20
    most_records: Annotated[int, msgspec.Meta(ge=1)] | None = None
    most_kilobytes: Annotated[int, msgspec.Meta(ge=1)] | None = None
    address: str = ""
    requests_per_second: Annotated[float, msgspec.Meta(ge=0.01, le=1000)] | None = None
    key: str = ""
    app_id: str = ""
    app_token: str = ""
    client_id: str = ""
    client_secret: str = ""

    @property
    def receiver(self) -> Channel:
        return discover()[self.vendor]

    def folder(self, settings: Settings) -> Path:
        return settings.data / "activation" / self.vendor / self.account

    def login(self, settings: Settings) -> Login:
        """Who we are at the vendor, with the secrets that the configuration leads to."""
        access, who = ACCESS[self.vendor], f"target `{self.name}`"
        if not (self.address or access.address):
            raise OperatorError(
                f"`address` of {who} is missing: {access.address_hint}.", remedy=f"Write it into {FILE}.", exit_code=2
            )
        given = {name: getattr(self, name) for name in access.secrets}
        for name, text in given.items():
            if not text:
                raise OperatorError(
                    f"`{name}` of {who} is missing.",
                    remedy=f"Write `env:NAME` or `file:PATH` into {FILE}.",
                    exit_code=2,
                )
        found = {
            name: secrets.read(text, meaning=f"`{name}` of {who}", folder=settings.config)
            for name, text in given.items()
        }
        return Login(
            self.vendor,
            self.account,
            self.address or access.address,
            found,
            self.requests_per_second or access.per_second,
        )


def is_configured(settings: Settings) -> bool:
    """Somebody wants something given back."""
    return (settings.config / FILE).exists()


def load(settings: Settings, chosen: str | None = None) -> list[Target]:
    """The targets that are configured, or the one that was asked for."""
    targets = _read(settings.config / FILE)
    if chosen is None:
        return targets
    found = [target for target in targets if target.name == chosen]
    if not found:
        raise OperatorError(
            f"`{without_contacts(chosen)}` is no target.",
            remedy=_nearest(chosen, [target.name for target in targets], "Targets"),
            exit_code=2,
        )
    return found


def _read(path: Path) -> list[Target]:
    if not path.exists():
        raise OperatorError(
            f"There is no {path}: nothing is given back.", remedy=f"Name a target there; {REMEDY}", exit_code=2
        )
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise unreadable(path, error) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong(path, f"is no TOML file in UTF-8: {error}") from None
    if set(given) != {"targets"} or not isinstance(given["targets"], dict) or not given["targets"]:
        raise _wrong(path, "holds tables `[targets.<name>]` and nothing else")
    targets = [_target(path, name, keys) for name, keys in given["targets"].items()]
    for place, target in enumerate(targets):
        if any((other.vendor, other.account) == (target.vendor, target.account) for other in targets[:place]):
            raise _wrong(path, f"two targets are {target.vendor}, account {target.account}: their files would mix")
        if any(other.name.replace("-", "_") == target.name.replace("-", "_") for other in targets[:place]):
            raise _wrong(path, f"`{target.name}` is named like another target but for - and _")
    return targets


def _target(path: Path, name: str, keys: Any) -> Target:
    if not NAME.fullmatch(name):
        raise _wrong(path, f"`{without_contacts(name)}` is no name: small letters, digits, - and _, at most 64")
    if not isinstance(keys, dict):
        raise _wrong(path, f"`targets.{name}` is no table")
    for key in keys:
        if key not in Target.__struct_fields__ or key == "name":
            known = [field for field in Target.__struct_fields__ if field != "name"]
            raise OperatorError(
                f"{path}: `{without_contacts(key)}` of `{name}` is no key.",
                remedy=_nearest(key, known, "Keys"),
                exit_code=2,
            )
    try:
        target = msgspec.convert({**keys, "name": name}, Target)
    except msgspec.ValidationError as error:
        problem = re.sub(r"^(.*) - at `[$][.](.+?)`$", r"`\2`: \1", str(error))
        raise _wrong(path, f"`{name}`: {problem}") from None
    for key, problem in _problems(target):
        raise _wrong(path, f"`{key}` of `{name}` {problem}")
    return target


def _problems(target: Target) -> Iterator[tuple[str, str]]:
    if target.vendor not in discover():
        yield "vendor", f"is none of {', '.join(discover())}"
        return
    receiver = target.receiver
    if target.account != DEFAULT_ACCOUNT and (wrong := account_problem(target.vendor, target.account)):
        yield "account", f"names no account: {wrong}"
    for value in target.values:
        if value not in VALUES:
            yield "values", f"names `{without_contacts(value)}`. {_nearest(value, list(VALUES), 'Values')}".rstrip(".")
    if not target.values and not target.segments:
        yield "values", "is empty, and so is `segments`: there is nothing to send"
    if target.dialect not in (receiver.dialects or ("",)):
        yield (
            "dialect",
            (
                f"must be one of {', '.join(receiver.dialects)}"
                if receiver.dialects
                else "is not for this vendor: it has one dialect"
            ),
        )
    if target.opt_outs and target.dialect == "draft":
        yield "opt_outs", "cannot be true: the draft dialect has no consents"
    limit = receiver.profiles.most_records
    if target.most_records and target.most_records > limit:
        yield "most_records", f"is above what {receiver.title} takes in one request, {limit:,}"
    if target.most_kilobytes and target.most_kilobytes * 1024 > receiver.profiles.most_bytes:
        yield (
            "most_kilobytes",
            f"is above what {receiver.title} takes in one request, {receiver.profiles.most_bytes // 1024:,}",
        )
    if clash := colliding(target.segments):
        yield (
            "segments",
            f"has {' and '.join(f'`{name}`' for name in clash)}, which the vendor would see under one name",
        )
    if target.address and (wrong := address_problem(target.address)):
        yield "address", wrong
    for name in ("key", "app_id", "app_token", "client_id", "client_secret"):
        if getattr(target, name) and name not in ACCESS[target.vendor].secrets:
            yield name, f"is nothing that this vendor asks for; it asks for {', '.join(ACCESS[target.vendor].secrets)}"


def colliding(segments: tuple[str, ...]) -> tuple[str, str] | None:
    """Two segments with names that would be one at the vendor."""
    seen: dict[str, str] = {}
    for segment in segments:
        if slug(segment) in seen:
            return seen[slug(segment)], segment
        seen[slug(segment)] = segment
    return None


def _wrong(path: Path, problem: str) -> OperatorError:
    return OperatorError(f"{path}: {problem}.", remedy=f"Fix it and run again; {REMEDY}", exit_code=2)


def _nearest(given: str, known: list[str], what: str) -> str:
    near = difflib.get_close_matches(given, known, n=1)
    return f"Did you mean `{near[0]}`?" if near else f"{what} are: {', '.join(known)}."
