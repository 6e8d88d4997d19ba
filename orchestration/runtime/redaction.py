"""Identifiers as a terminal or a log may show them: enough to recognise one that is known, too little to learn one."""

import re
import unicodedata
from collections.abc import Callable, Collection

# As it is written, and as names of files and addresses of pages have it.
AT = "(?:[@＠﹫]|%(?:25)*40)"
ADDRESS = re.compile(rf"[^\s@＠﹫`'\"/]+{AT}[^\s@＠﹫`'\"/.]+\.[^\s@＠﹫`'\"/]+")
# With what stands before it and is not parted from it: a vendor before the name of an account, another address.
CHAINED_ADDRESS = re.compile(rf"(?:[^\s@＠﹫`'\"/]+{AT}){{0,3}}{ADDRESS.pattern}")
# In any script; `re` takes the digits of all of them as digits. Six together are no count and no year, eight with gaps
# are a phone's.
NUMBER = re.compile(r"\+?\d{6,}|\+?\d(?:[ ().-]{0,2}\d){7,}")
DAY = re.compile(r"((?<!\d)(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?!\d))")
PHONE = re.compile(r"\+?[0-9](?:[ ().-]{0,2}[0-9]){7,}")
# Accents that stand behind their letter, and the vowel signs of many scripts, are parts of a word too.
_MARKS = "".join(sign for sign in map(chr, range(0x300, 0xFE30)) if unicodedata.category(sign).startswith("M"))
WORD = re.compile(rf"(?:[^\W\d_][{_MARKS}]*+){{3,}}")


def no_names(words: Collection[str]) -> Collection[str]:
    """What is known of names where nobody has said where to look."""
    return ()


# Which of some words, as `folded` has them, are names of people; `known_names.ask` sets it for an installation.
names_among: Callable[[Collection[str]], Collection[str]] = no_names


def is_contact(text: str) -> bool:
    """Whether the text is an e-mail address or an international phone number, and nothing else."""
    return bool(ADDRESS.fullmatch(text) or (text.startswith("+") and PHONE.fullmatch(text)))


def without_contacts(text: str) -> str:
    """The text with its e-mail addresses and its runs of six and more digits masked; days such as 2026-01-31 stay."""
    without_addresses = CHAINED_ADDRESS.sub(lambda found: masked("email", found[0]), text)
    return "".join(
        part if DAY.fullmatch(part) else NUMBER.sub(lambda found: masked("phone", found[0]), part)
        for part in DAY.split(without_addresses)
    )


def shown_name(name: str) -> str:
    """The name of a file or a folder, or what somebody typed, as it may be shown: without contacts, and without names
    of people that are known."""
    return without_names(without_contacts(name), name)


def without_names(text: str, given: str) -> str:
    """A text that quotes what was given, without the names of people in that: a word of ours may be somebody's name,
    and stays."""
    words = {folded(word) for word in WORD.findall(given)}
    names = set(names_among(words)) if words else set()
    return WORD.sub(lambda found: f"{found[0][:1]}…" if folded(found[0]) in names else found[0], text)


def folded(word: str) -> str:
    """The same for one word in capitals and small letters, with and without its accents, however these are written."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", word) if not unicodedata.combining(sign)).casefold()


def masked(kind: str, value: str) -> str:
    """First and last signs of a value; of an e-mail address the first of either side and the ending."""
    if kind == "document":
        return f"…{value[-2:]}"
    if at := re.search(f".*({AT})", value, re.DOTALL):
        local, domain = value[: at.start(1)], value[at.end(1) :]
        return f"{_start(local)}…@{domain[:1]}…{domain[domain.rfind('.') :] if '.' in domain else ''}"
    return f"{value[:3]}…{value[-2:]}" if len(value) > 7 else f"{value[:1]}…"


def _start(local: str) -> str:
    """The sign a reader knows an address by; a prefix such as `email:` is none."""
    return local.split(":", 1)[-1][:1]
