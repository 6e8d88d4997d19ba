"""What a record says it is: by a word in it, by fields that nothing else has, or by the page around it. No vendor is
named here.

That decides in every stream. A record is read as what it says, by the stream of its vendor that knows it, or rejected;
one that says nothing is what its stream delivers, if it has more than the fields that records of any kind may have.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec

SAYS_NOTHING = ""


@dataclass(frozen=True)
class Sign:
    """One way in which the records of a vendor say what they are.

    A record that has all of `keys` is of the `kind`. Where there is a `word_in`, the word in that field says it:
    translated by `words`, in which one that ends in `*` stands for all that begin so; other words say the `kind`, else
    themselves.
    """

    keys: frozenset[str]
    kind: str | None = None
    word_in: str | None = None
    words: Mapping[str, str] = field(default_factory=dict)

    def of(self, record: Mapping[str, Any]) -> str:
        """The kind it shows the record to be, or nothing."""
        if not self.keys <= record.keys():
            return SAYS_NOTHING
        if self.word_in is None:
            return self.kind or SAYS_NOTHING
        stated = record[self.word_in]
        word = stated.strip().lower() if isinstance(stated, str) else ""
        return self.kind_of(word) if word else SAYS_NOTHING

    def kind_of(self, word: str) -> str:
        """The kind that the word stands for."""
        if word in self.words:
            return self.words[word]
        begun = (kind for start, kind in self.words.items() if start.endswith("*") and word.startswith(start[:-1]))
        return next(begun, self.kind or word)


def sign(
    *keys: str, kind: str | None = None, word_in: str | None = None, words: Mapping[str, str] | None = None
) -> Sign:
    """See `Sign`; the field of the word is one of the keys."""
    return Sign(frozenset(keys) | ({word_in} if word_in else set()), kind, word_in, words or {})


@dataclass(frozen=True)
class Kinds:
    """How the records of a vendor say what they are.

    Of the `signs` the first that says something counts. `pages` are names of lists, in a page or in its `data_ref`,
    with the kind of what they hold. Fields in `common` may be in records of any kind: having them alone makes a record
    nothing. `holders` are the fields of a message in which everything it reports stands under its name, with those
    names that stand beside the others, never inside them."""

    signs: tuple[Sign, ...] = ()
    pages: Mapping[str, str] = field(default_factory=dict)
    common: frozenset[str] = frozenset()
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, record: Mapping[str, Any]) -> tuple[str, str | None]:
        """The kind a record says it is, or nothing, and the field that says it."""
        for one in self.signs:
            if kind := one.of(record):
                return kind, one.word_in or min(one.keys)
        return SAYS_NOTHING, None

    def contradicting(self, record: Mapping[str, Any], kinds: Iterable[str]) -> list[tuple[str, str]]:
        """Words of the record, each with its field, that say that it is none of the kinds: they were not followed."""
        said = [(one.word_in, one.of(record)) for one in self.signs if one.word_in is not None]
        return [(name, str(record[name])) for name, kind in said if kind and kind not in kinds]

    def may_hold_nameless(self, document: bytes) -> bool:
        """A quick look whether `with_names` would change the record."""
        if not any(name in document for name in self._holder_names):
            return False
        try:
            held = self._holders.decode(document)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return any(isinstance(getattr(value, "object", None), str | dict) for value in msgspec.structs.astuple(held))

    @cached_property
    def _holder_names(self) -> tuple[bytes, ...]:
        return tuple(f'"{name}"'.encode() for name in self.holders)

    @cached_property
    def _holders(self) -> msgspec.json.Decoder[Any]:
        """Of a record the fields that hold things, and of those only the word that says what they are."""
        held = msgspec.defstruct("Held", [("object", Any, None)])
        return msgspec.json.Decoder(msgspec.defstruct("Holders", [(name, held | None, None) for name in self.holders]))

    def with_names(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record with what it reports under its name, where it came as the one thing in a holder and said itself
        what it is."""
        named = {
            name: _named(record[name], beside)
            for name, beside in self.holders.items()
            if isinstance(record.get(name), dict)
        }
        return {**record, **named} if named else record

    def of_page(self, name: str | None) -> str:
        """The kind of what is in a page's list of that name; a name that is not declared is that of a kind nobody
        knows."""
        return SAYS_NOTHING if name is None or not self.pages else self.pages.get(name, name)


def _named(held: dict[str, Any], beside: tuple[str, ...]) -> dict[str, Any]:
    """What a holder holds, by name. A thing that says itself what it is may fill the holder, or stand in it under
    `object`."""
    word = held.get("object")
    if isinstance(word, dict) and isinstance(word.get("object"), str):
        rest = {name: inner for name, inner in held.items() if name != "object"}
        return rest | _named(word, beside)
    name = word.strip().lower() if isinstance(word, str) else ""
    if not name or isinstance(held.get(name), dict):
        return held
    moved = {other: held[other] for other in beside if other != name and isinstance(held.get(other), dict)}
    return {name: {field: inner for field, inner in held.items() if field not in moved}, **moved}


@dataclass(frozen=True)
class Taken:
    """What a dialect takes: records that say one of its `kinds`, and those that say nothing but have one of the
    fields in `marks`.

    With each stand the words that must be there where others have the field too. Without any, every record that says
    nothing is taken.
    """

    kinds: frozenset[str]
    marks: Mapping[str, frozenset[str] | None]

    def takes(self, record: Mapping[str, Any], kind: str) -> bool:
        """A record that says the kind, or nothing, is one of the dialect's."""
        if kind:
            return kind in self.kinds
        return not self.marks or any(is_mark(_value(record, name), words) for name, words in self.marks.items())


def _value(record: Mapping[str, Any], name: str) -> Any:
    """The value of a field; `name.*` stands for every field that begins so."""
    return (
        next((value for key, value in record.items() if key.startswith(name[:-1])), None)
        if name.endswith(".*")
        else record.get(name)
    )


def is_mark(value: Any, words: frozenset[str] | None) -> bool:
    """The value is given, and is one of the words where only those count."""
    return value is not None and (words is None or (isinstance(value, str) and value.strip().lower() in words))
