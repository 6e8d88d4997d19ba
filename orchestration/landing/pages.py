"""Pages: objects that hold records in a list, as APIs answer. What a page is follows from what the vendor declares, not
from the keys beside its list."""

import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain

import msgspec

from orchestration.mapping.model import Stream

# Names that lists have in the pages of many vendors, and of objects that hold a page in turn.
USUAL = ("items", "data", "results")
WRAPPERS = (*USUAL, "_embedded", "response", "result", "payload")
PAGE_KEYS = frozenset({
    "object", "data_ref", "page", "pageSize", "page_size", "pagesize", "total", "totalCount", "total_count", "count", "has_more", "hasMore", "next",
    "previous", "prev", "paging", "pagination", "limit", "offset", "cursor", "next_cursor", "more_starting_after", "meta", "links", "_links", "errors",
    "status",
})  # fmt: skip
MOST_PAGES_IN_PAGES = 4
ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
Reported = Iterator[tuple[bytes, str | None]]
# Lists of a page, each with what the page calls its records.
Lists = list[tuple[list[msgspec.Raw], str | None]]


@dataclass(frozen=True)
class Pages:
    """What the pages of a stream look like: the names of their lists, the keys that make a page a record, and what
    records themselves hold."""

    names: tuple[str, ...] = ()
    owners: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    """Fields of the stream's records."""
    items: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Fields of the elements of lists inside the stream's records."""
    others: tuple[Stream, ...] = ()
    """Other streams of the vendor, in which pages with an owner are records."""

    @classmethod
    def of(cls, stream: Stream) -> "Pages":
        """The pages a stream may come in."""
        shapes = [dialect.shape for dialect in stream.dialects]
        items: dict[str, frozenset[str]] = {}
        for shape in shapes:
            for key, inner in shape.items():
                if isinstance(inner, list) and isinstance(inner[0], dict):
                    items[key] = items.get(key, frozenset()) | inner[0].keys()
        return cls(
            stream.list_names,
            frozenset(stream.owners),
            frozenset(key for shape in shapes for key in shape),
            items,
            stream.others,
        )

    def reported_in(self, text: bytes) -> Reported | None:
        """The records of a line or element that is a page, each with what that calls them; null for a record."""
        return self._reported(text) if self._may_be_page(text) else None

    def reported_by_object(self, text: bytes, fields: dict[str, msgspec.Raw]) -> Reported | None:
        """The same of an object that is all its file holds: there a list under a name nobody knows makes a page too."""
        return self._reported_by(fields, is_alone=True)

    def _may_be_page(self, text: bytes) -> bool:
        return text.startswith(b"{") and self.may_be_in(text)

    def may_be_in(self, text: bytes) -> bool:
        """A quick look whether a page may begin anywhere in it."""
        return self._signs.search(text) is not None

    @cached_property
    def _signs(self) -> re.Pattern[bytes]:
        names = dict.fromkeys((*self.names, *WRAPPERS, "data_ref"))
        return re.compile(b'"(?:%b)"' % b"|".join(re.escape(name.encode()) for name in names))

    def _reported(self, text: bytes, depth: int = 0) -> Reported | None:
        try:
            fields = FIELDS.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return self._reported_by(fields, is_alone=False, depth=depth)

    def _reported_by(self, fields: dict[str, msgspec.Raw], *, is_alone: bool, depth: int = 0) -> Reported | None:
        try:
            found = self._lists_of(fields, is_alone=is_alone)
        except (msgspec.DecodeError, RecursionError):
            return None
        return None if found is None else chain.from_iterable(self._elements(*one, depth) for one in found)

    def _elements(self, elements: list[msgspec.Raw], name: str | None, depth: int) -> Reported:
        for element in map(bytes, elements):
            inner = (
                self._reported(element, depth + 1)
                if depth < MOST_PAGES_IN_PAGES and self._may_be_page(element)
                else None
            )
            if inner is None:
                yield element, name
            else:
                yield from inner

    def _lists_of(self, fields: dict[str, msgspec.Raw], *, is_alone: bool, depth: int = 0) -> Lists | None:
        """The list a page holds its records in: where it says so, under a declared or usual name, or where nothing else
        is in it; and those beside it."""
        if self.owners & fields.keys():
            return None
        lists = {key: value for key, value in fields.items() if _opens(value, b"[")}
        if any(_is_owned(other, fields, lists) for other in self.others):
            return None
        reference = bytes(fields.get("data_ref", b"")).strip(b'"').decode("utf-8", "replace")
        if reference in lists:
            return [(ELEMENTS.decode(lists[reference]), self._said_by(reference)), *self._beside(reference, lists)]
        for name in (*self.names, *USUAL):
            if name in lists:
                elements = ELEMENTS.decode(lists[name])
                if self._is_page(name, elements, fields.keys() - PAGE_KEYS - {name}):
                    return [(elements, None), *self._beside(name, lists)]
        beside = fields.keys() - PAGE_KEYS
        if is_alone and len(beside) == 1 and beside <= lists.keys() - self.keys:
            [name] = beside
            return [(ELEMENTS.decode(lists[name]), self._said_by(name))]
        return self._wrapped(fields, depth)

    def _beside(self, found: str, lists: Mapping[str, msgspec.Raw]) -> Lists:
        """The other lists of objects in a page: what is in them was delivered too, and is read or rejected by what
        their names say."""
        others = (
            (name, ELEMENTS.decode(value)) for name, value in lists.items() if name != found and name not in PAGE_KEYS
        )
        return [
            (elements, self._said_by(name))
            for name, elements in others
            if any(_opens(element, b"{") for element in elements)
        ]

    def _said_by(self, name: str) -> str | None:
        """What a page says of its records by the name of their list: nothing where that is one of the stream's own, or
        says nothing."""
        return None if name in (*self.names, *USUAL) else name

    def _is_page(self, name: str, elements: list[msgspec.Raw], beside: Set[str]) -> bool:
        """The list is one of records. A name that records use themselves, or that many use, shows it only together with
        what is in the list; streams with owners of their lists use it beside the owner alone, and none is named
        here."""
        if (name in self.names and (name not in self.keys or self.owners)) or not beside:
            return True
        first = next((FIELDS.decode(element) for element in elements if _opens(element, b"{")), {}).keys()
        likeness = len(first & self.keys)
        return likeness > len(beside & self.keys) and likeness > len(first & self.items.get(name, frozenset()))

    def _wrapped(self, fields: dict[str, msgspec.Raw], depth: int) -> Lists | None:
        """The list of a page inside an object that is no record."""
        for name in WRAPPERS:
            if (
                depth < MOST_PAGES_IN_PAGES
                and _opens(fields.get(name, b""), b"{")
                and not (fields.keys() - PAGE_KEYS - {name}) & self.keys
            ):
                found = self._lists_of(FIELDS.decode(fields[name]), is_alone=False, depth=depth + 1)
                if found is not None:
                    return found
        return None


class _Said(msgspec.Struct):
    object: str | None = None


_SAID = msgspec.json.Decoder(list[_Said])


def _is_owned(other: Stream, fields: Mapping[str, msgspec.Raw], lists: Mapping[str, msgspec.Raw]) -> bool:
    """The page names the owner of a list of the other stream: by the name of the list, or by what is in it."""
    if not fields.keys() & set(other.owners):
        return False
    return any(name in lists for name in other.list_names) or any(
        _holds(lists[name], other.kinds) for name in USUAL if name in lists
    )


def _holds(elements: msgspec.Raw, kinds: Set[str]) -> bool:
    """All that is in the list says that it is of one of the kinds."""
    try:
        said = {one.object for one in _SAID.decode(elements)}
    except msgspec.DecodeError:
        return False
    return bool(said) and said <= kinds


def _opens(value: bytes, sign: bytes) -> bool:
    """The JSON value begins with the sign: raw ones cannot be cut."""
    return memoryview(value)[:1] == sign
