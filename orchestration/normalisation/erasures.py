"""Who was erased, as keyed hashes: enough to know a record of theirs when it comes again, too little to learn whom it
was about.

An erasure keeps the HMAC, with the installation's secret, of everything its person was known by. Whoever has the hashes
and not the secret cannot try addresses out.
"""

import base64
import hmac
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

import polars as pl

from orchestration.runtime.redaction import ADDRESS

_ADDRESS = re.compile(ADDRESS.pattern.replace("[^", "[^<>(),;:"))
# Digits of a phone or a document, whatever stands between them.
_DIGITS = re.compile(r"\d(?:[ ().\-/]{0,2}\d){7,}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}")
_BETWEEN = re.compile(r"[-_.=+]")
TAIL = 9
MOST_ENDINGS = 8
MENTIONED = ("email", "phone", "document")


def identifier(id_type: str, namespace: str, value: str) -> str:
    """How an identifier is known again."""
    return "\x1f".join(("identifier", id_type, namespace, value))


def record(source: str, account: str, stream: str, record_id: str) -> str:
    """How a vendor record, or who a row belongs to, is known again."""
    return "\x1f".join(
        ("record", source, account, "derived" if record_id.startswith("derived:") else stream, record_id)
    )


def loyalty_account(source: str, account: str, account_id: str) -> str:
    """How an account of a loyalty programme is known again."""
    return "\x1f".join(("account", source, account, account_id))


def mention(value: str) -> str:
    """How an address or a number is known again in a text that nobody could read as a record."""
    return "\x1f".join(("mention", value.lower() if "@" in value else _tail(value)))


def mentions(text: str) -> Iterator[str]:
    """Every address and number that a text holds, as `mention` writes them; in what base64 packs too."""
    yield from _plain_mentions(text.replace("%40", "@").replace("\\u0040", "@"))
    for found in _BASE64.finditer(text):
        with suppress(ValueError):
            yield from _plain_mentions(
                base64.b64decode(found[0] + "=" * (-len(found[0]) % 4)).decode("utf-8", "replace")
            )


def _plain_mentions(text: str) -> Iterator[str]:
    for found in _ADDRESS.finditer(text):
        yield from map(mention, _addresses(found[0].strip("\"'[]{}.")))
    for found in _DIGITS.finditer(text):
        yield mention(found[0])


def _addresses(text: str) -> Iterator[str]:
    """An address, and what it is without words before it and endings behind it, as in the name of a file."""
    local, _, domain = text.partition("@")
    starts = [0, *(found.end() for found in _BETWEEN.finditer(local))]
    ends = [len(domain), *(found.start() for found in re.finditer(r"[-_.]", domain))]
    yield from (
        f"{local[start:]}@{domain[:end]}" for start in starts for end in ends[:MOST_ENDINGS] if "." in domain[:end]
    )


def _tail(number: str) -> str:
    """The last digits: with and without the code of a country a number ends in the same."""
    return "".join(sign for sign in number if sign.isdigit())[-TAIL:]


def digest(secret: bytes, text: str) -> str:
    """The keyed hash that is kept of a text."""
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()


@dataclass(frozen=True)
class Erasures:
    """All that was erased, and until which night that holds: later ones tell of somebody new."""

    secret: bytes = field(repr=False)
    until: dict[str, date] = field(default_factory=dict)
    """Hashes, each with the last night that it is kept out of."""

    def __bool__(self) -> bool:
        return bool(self.until)

    def holds(self, text: str, night: date) -> bool:
        """Whether this was erased, for a delivery of that night."""
        until = self._until(text)
        return until is not None and night <= until

    def is_known(self, text: str) -> bool:
        """Whether this was erased, for whichever night."""
        return self._until(text) is not None

    def _until(self, text: str) -> date | None:
        return self.until.get(_digest(self.secret, text))

    def numbers(self, people: "People", raws: Mapping[int, bytes], night: date) -> set[int]:
        """Numbers of the records that are about somebody who was erased, or about nobody and name them."""
        owners = (
            number
            for number, owner in people.owners.select("source_row", "owner").iter_rows()
            if self.holds(record(people.source, people.account, people.stream, owner), night)
        )
        named = people.identifiers.filter(pl.col("id_link_value").is_not_null()).select(
            "source_row", "id_type", "id_namespace", "id_link_value"
        )
        nobodys = people.numbers - set(people.owners.get_column("source_row"))
        naming = (number for number in nobodys if number in raws and self.is_mentioned(raws[number], night))
        return {
            *owners,
            *naming,
            *(number for number, *parts in named.iter_rows() if self.holds(identifier(*parts), night)),
        }

    def is_mentioned(self, raw: bytes, night: date) -> bool:
        """Whether bytes that could not be read as a record name somebody who was erased."""
        return any(self.holds(found, night) for found in mentions(raw.decode("utf-8", "replace")))


@lru_cache(maxsize=2**18)
def _digest(secret: bytes, text: str) -> str:
    return digest(secret, text)


@dataclass(frozen=True)
class People:
    """Whom the records of a block are about: their owners, and every identifier that they carry."""

    source: str
    account: str
    stream: str
    numbers: set[int]
    owners: pl.DataFrame
    identifiers: pl.DataFrame


def hashes(secret: bytes, texts: Iterable[str]) -> list[str]:
    """The keyed hashes of all of them, in their order and each once."""
    return sorted({digest(secret, text) for text in texts})
