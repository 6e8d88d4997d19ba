"""Who was erased, as keyed hashes: enough to know a record of theirs when it comes again, too little to learn whom it
was about.

An erasure keeps the HMAC, with the installation's secret, of everything its person was known by. Whoever has the hashes
and not the secret cannot try addresses out.
"""

import base64
import hmac
import html
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import chain
from urllib.parse import unquote

import polars as pl

from orchestration.canonical.reason_codes import ERASED
from orchestration.parsing.emails import GMAIL, PLUS_TAG_DOMAINS
from orchestration.runtime.redaction import AT

_DOMAIN = re.compile(AT + r"((?:[\w-]+\.)+[\w-]+)")
# All that may stand before the sign: an apostrophe or a stroke is part of an address as well as around one.
_LOCAL = re.compile(r"[^\s@＠﹫\"<>()\[\],;:\\]+\Z")
LONGEST_LOCAL = 64
# Digits of a phone or a document, whatever stands between them.
_DIGITS = re.compile(r"\d(?:[\s().+/_\-‐‒–—−]{0,3}\d){7,}")
_RUN = re.compile(r"\d+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}")
_ESCAPED = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_WHITE = dict.fromkeys("bfnrt", " ")
_BETWEEN = re.compile(r"[\W_]")
# Ids as vendors write them, alone or as part of an address of theirs.
_WORD = re.compile(r"[^\W_](?:[\w.:-]*[^\W_])?")
_PART = re.compile(r"[^\W_]+")
_COMMON = re.compile(r"[a-z]+\Z")
TAIL, SHORTEST_NUMBER, LONGEST_NUMBER = 9, 8, 15
SHORTEST_ID, MOST_PARTS = 8, 12
MOST_ENDINGS = 8
MOST_ESCAPES = 4
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


def order(source: str, account: str, order_id: str) -> str:
    """How an order of a vendor is known again."""
    return "\x1f".join(("order", source, account, order_id))


def mention(value: str) -> str:
    """How an address or a number is known again in a text that nobody could read as a record."""
    return "\x1f".join(("mention", value.lower() if "@" in value else _tail(_digits(value))))


def word(value: str) -> str:
    """How an id of a vendor is known again in such a text."""
    return "\x1f".join(("word", value))


def is_distinctive(value: str) -> bool:
    """Whether an id is long and odd enough to be looked for in texts: a short one, or a word, stands in many."""
    return len(value) >= SHORTEST_ID and not _COMMON.match(value)


def mentions(text: str) -> Iterator[str]:
    """Every address and number that a text holds, as `mention` writes them; in what base64 packs too."""
    for reading in _readings(text):
        yield from (found for _, _, found in _placed(reading))


def words(text: str) -> Iterator[str]:
    """Everything in a text that may be an id, as `word` writes it; in what base64 packs too."""
    for reading in _readings(text):
        for whole in _WORD.finditer(reading):
            parts = list(_PART.finditer(whole[0]))[:MOST_PARTS]
            for first, start in enumerate(parts):
                spans = (whole[0][start.start() : end.end()] for end in parts[first:])
                yield from (word(one) for one in spans if is_distinctive(one))


def _readings(text: str) -> Iterator[str]:
    """The text as it stands and as it is meant: without the escapes of JSON, HTML and addresses of pages, how often one
    was put into the other, and unpacked from base64, wherever that begins."""
    reading, packed = _visible(text), set[str]()
    for _ in range(MOST_ESCAPES + 1):
        yield reading
        packed.update(_BASE64.findall(reading))
        before, reading = reading, _visible(_unescaped(reading))
        if reading == before:
            break
    for found in packed:
        plain = found.translate(_URL_SAFE)
        for start in range(4):
            whole = plain[start : len(plain) - (len(plain) - start) % 4]
            rest = plain[start + len(whole) :]
            yield base64.b64decode(whole + (rest.ljust(4, "=") if len(rest) > 1 else "")).decode("utf-8", "replace")


def _visible(text: str) -> str:
    """The text with one form for what looks alike, and without signs that nobody sees."""
    if text.isascii():
        return text
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")


def _unescaped(text: str) -> str:
    """The text with one layer of escapes off."""
    if "\\" in text:
        text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else _WHITE.get(found[2], found[2]), text)
    text = html.unescape(text) if "&" in text else text
    return unquote(text) if "%" in text else text


_URL_SAFE = str.maketrans("-_", "+/")


def _placed(text: str) -> Iterator[tuple[int, int, str]]:
    """Addresses and numbers with where they stand, the longest of those that begin at one place first."""
    for found in _DOMAIN.finditer(text):
        local = _LOCAL.search(text, max(0, found.start() - LONGEST_LOCAL), found.start())
        if local is None:
            continue
        for start, end in _ends_of_address(local[0], found[1]):
            address = f"{local[0][start:]}@{found[1][:end]}"
            for spelling in dict.fromkeys((address, _linking(address))):
                yield local.start() + start, found.start(1) + end, mention(spelling)
    for found in _DIGITS.finditer(text):
        runs = list(_RUN.finditer(found[0]))
        for end in range(len(runs), 0, -1):
            start = end - 1
            while start and sum(len(run[0]) for run in runs[start - 1 : end]) <= LONGEST_NUMBER:
                start -= 1
            number = _digits("".join(run[0] for run in runs[start:end]))
            if len(number) >= SHORTEST_NUMBER:
                yield found.start() + runs[start].start(), found.start() + runs[end - 1].end(), mention(number)


def _ends_of_address(local: str, domain: str) -> Iterator[tuple[int, int]]:
    """Where an address begins in what stands before its sign and ends in what stands behind, with and without words
    before it and endings behind it, as in the name of a file."""
    starts = [0, *(found.end() for found in _BETWEEN.finditer(local) if found.end() < len(local))]
    dots = [found.start() for found in re.finditer(r"[-_.]", domain)]
    ends = [len(domain), *reversed(dots[:MOST_ENDINGS])]
    yield from ((start, end) for start in starts for end in ends if "." in domain[:end])


def _linking(address: str) -> str:
    """The address as it joins people: what providers say reaches the same mailbox is the same."""
    local, _, domain = address.lower().partition("@")
    if domain not in PLUS_TAG_DOMAINS:
        return address
    local = local.partition("+")[0] or local
    return f"{local.replace('.', '')}@gmail.com" if domain in GMAIL else f"{local}@{domain}"


def _digits(number: str) -> str:
    """The digits of a number, of whichever script they are."""
    return "".join(str(unicodedata.digit(sign)) for sign in number if sign.isdigit())


def _tail(number: str) -> str:
    """The last digits: with and without the code of a country a number ends in the same."""
    return number[-TAIL:]


def digest(secret: bytes, text: str) -> str:
    """The keyed hash that is kept of a text."""
    return hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()


@dataclass(frozen=True)
class Erasures:
    """All that was erased, and until which export date that holds: later ones are about somebody new."""

    secret: bytes = field(repr=False)
    until: dict[str, date] = field(default_factory=dict)
    """Hashes, each with the last export date that it is kept out of."""

    def __bool__(self) -> bool:
        return bool(self.until)

    def holds(self, text: str, export_date: date) -> bool:
        """Whether this was erased, for a delivery of that export date."""
        until = self.last_export_date(text)
        return until is not None and export_date <= until

    def is_known(self, text: str) -> bool:
        """Whether this was erased, for whichever export date."""
        return self.last_export_date(text) is not None

    def last_export_date(self, text: str) -> date | None:
        """The last export date that this is kept out of; null where it was never erased."""
        return self.until.get(_digest(self.secret, text))

    def numbers(self, people: "People", raws: Mapping[int, bytes], export_date: Callable[[int], date]) -> set[int]:
        """Numbers of the records that are about somebody who was erased, or about nobody and name them; `export_date`
        gives that of the record of a number."""
        owners = (
            number
            for number, owner in people.owners.select("source_row", "owner").iter_rows()
            if self.holds(record(people.source, people.account, people.stream, owner), export_date(number))
        )
        named = people.identifiers.filter(pl.col("id_link_value").is_not_null()).select(
            "source_row", "id_type", "id_namespace", "id_link_value"
        )
        nobodys = people.numbers - set(people.owners.get_column("source_row"))
        naming = (
            number for number in nobodys if number in raws and self.is_mentioned(raws[number], export_date(number))
        )
        return {
            *owners,
            *naming,
            *(number for number, *parts in named.iter_rows() if self.holds(identifier(*parts), export_date(number))),
        }

    def is_mentioned(self, raw: bytes, export_date: date) -> bool:
        """Whether bytes name somebody who was erased, by an address or a number."""
        return any(self.holds(found, export_date) for found in mentions(raw.decode("utf-8", "replace")))

    def is_named(self, raw: bytes, export_date: date) -> bool:
        """Whether bytes that could not be read as a record name somebody who was erased, a vendor's ids included."""
        text = raw.decode("utf-8", "replace")
        return any(self.holds(found, export_date) for found in chain(mentions(text), words(text)))

    def without_mentions(self, text: str, export_date: date) -> str:
        """A short text such as a name, with `erased` in the place of every address and number of theirs."""
        found = next(((start, end) for start, end, one in _placed(text) if self.holds(one, export_date)), None)
        if found is None:
            return text
        start, end = found
        return f"{text[:start]}{ERASED}{self.without_mentions(text[end:], export_date)}"


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
