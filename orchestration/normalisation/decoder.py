"""Records into frames: each record is given its dialect by what it is, validated, repaired where it can be, and decoded by Polars.

Knows shapes and dialects, but nothing of canonical tables: `normaliser.py` goes on from the frames.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import chain, combinations
from typing import Any

import msgspec
import polars as pl
from msgspec import UNSET

from orchestration.canonical.canonical_json import canonical
from orchestration.landing.record import Record
from orchestration.mapping.coercion import EXACT_INTEGER, decode_generic, fit
from orchestration.mapping.compile_schema import Compiled, ListLeaves
from orchestration.mapping.model import Dialect, Vendor
from orchestration.mapping.raw_fields import Fields, Keeper, RawLeaf
from orchestration.mapping.record_kinds import is_telling
from orchestration.mapping.record_schema import Open, handling
from orchestration.mapping.record_schema import leaves as leaves_of
from orchestration.normalisation.echo import MARK, without_ours
from orchestration.normalisation.nested_columns import fields_of

# A number of 16 characters or more, or with an exponent, may not survive a float; half a surrogate pair survives nothing.
# Two patterns, for as one of two branches they take twice as long.
_LONG_NUMBER = r"[:,\[]\s*-?[0-9](?:[0-9.]{15}|[0-9.]*[eE])"
_SURROGATE = r"\\u[dD][89a-fA-F]"
_SURROGATES = re.compile(rb"(\\\\)|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_LONE_SURROGATE_LENGTH = 6
_SIGNS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


@dataclass(frozen=True, slots=True)
class Reject:
    """A record that was not loaded, and why."""

    number: int
    reason: str
    field: str | None
    raw: bytes


@dataclass(frozen=True, slots=True)
class Issue:
    """A value that was repaired, set to null or inferred, as given."""

    number: int
    table: str | None
    field: str
    code: str
    given: str
    action: str


@dataclass
class Decoded:
    """Records of one dialect as a frame: number, hash, extra, and a column per field that the dialect reads, raw ones as text."""

    dialect: Dialect
    frame: pl.DataFrame


@dataclass
class Batch:
    """What became of a block of records."""

    decoded: list[Decoded] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    duplicates: int = 0


@dataclass
class _Group:
    numbers: list[int] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)
    objects: list[Any] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    unknown: dict[int, bytes] = field(default_factory=dict)

    def at(self, places: Sequence[int]) -> "_Group":
        """The records at these places alone."""
        return _Group(
            [self.numbers[place] for place in places],
            [self.documents[place] for place in places],
            [self.objects[place] for place in places],
            [self.hashes[place] for place in places],
            {after: self.unknown[place] for after, place in enumerate(places) if place in self.unknown},
        )


class _Digests:
    """Digests of a file's records so far: 16 bytes a record, where a set of Python's takes a hundred and more."""

    # As long as Polars holds a binary value in place; two different records of a billion share one by a chance of 1 in 10^11.
    _BYTES = 12

    def __init__(self) -> None:
        self._earlier = self._column(())

    def _column(self, digests: Sequence[bytes]) -> pl.DataFrame:
        return pl.DataFrame({"digest": pl.Series([digest[: self._BYTES] for digest in digests], dtype=pl.Binary)})

    def repeated(self, digests: Sequence[bytes]) -> set[int]:
        """Places of those that earlier blocks had; from now on all of them are known."""
        new = self._column(digests)
        met = set(self._earlier.join(new, on="digest", how="semi").get_column("digest")) if self._earlier.height else set()
        self._earlier = self._earlier.vstack(new)
        return {place for place, digest in enumerate(digests) if digest[: self._BYTES] in met} if met else set()


@dataclass(frozen=True)
class Sorted:
    """A block between its two steps: records given their dialects, still to be made frames of."""

    records: Sequence[Record]
    groups: list[tuple["_Known", _Group]]
    batch: Batch


@dataclass(frozen=True)
class Bounds:
    """Limits of one record: bytes and levels of nesting."""

    record_bytes: int = 16 * 2**20
    record_levels: int = 64


class _Known:
    """A dialect made ready to be met in the records of a file of a stream of its vendor."""

    def __init__(self, dialect: Dialect, vendor: Vendor, stream: str) -> None:
        self.dialect = dialect
        self.compiled = dialect.compiled
        self.taken = dialect.taken(vendor.kinds.common)
        self.name = dialect.name if dialect.stream == stream else f"{dialect.stream}:{dialect.name}"
        places = {key: f"f{position}" for position, key in enumerate(dialect.shape)}
        self._telling = [(places.get(name, ""), words) for name, words in self.taken.telling.items()]
        self._words: list[tuple[str, frozenset[Any]]] = []
        for one in vendor.kinds.signs:
            if one.word_in is None or not one.keys <= places.keys() or {*one.words.values(), *([one.kind] if one.kind else ())} <= self.taken.kinds:
                continue
            words = {word for word, kind in one.words.items() if kind in self.taken.kinds} | (self.taken.kinds if one.kind is None else set())
            self._words.append((places[one.word_in], frozenset(form for word in words for form in (word, msgspec.json.encode(word)))))

    def takes(self, decoded: Any) -> bool:
        """A record that is just what the dialect says may be taken without looking at what else it could be."""
        is_said = False
        for name, words in self._words:
            word = getattr(decoded, name)
            word = bytes(word) if isinstance(word, msgspec.Raw) else word
            if isinstance(word, str | bytes) and word != b"null":
                if word not in words:
                    return False
                is_said = True
        return is_said or not self._telling or any(is_telling(_value(decoded, name), words) for name, words in self._telling)


def _value(decoded: Any, name: str) -> Any:
    value = getattr(decoded, name, None)
    return None if value is UNSET or (isinstance(value, msgspec.Raw) and bytes(value) == b"null") else value


class Decoder:
    """Decodes the records of one file, block by block; remembers what the file has shown so far."""

    def __init__(self, vendor: Vendor, stream: str, bounds: Bounds) -> None:
        self._kinds = vendor.kinds
        known = [_Known(dialect, vendor, stream) for dialect in vendor.dialects]
        self._own = [one for one in known if one.dialect.stream == stream]
        self._others = [one for one in known if one.dialect.stream != stream]
        # What a record is most likely comes first; where its dialects exclude each other by their keys, that is the one met last.
        self._likely = list(self._own)
        self._may_reorder = not any(_overlap(one.dialect, other.dialect) for one, other in combinations(self._own, 2))
        self._takes_as_delivered = any(one.compiled.takes_as_delivered for one in known)
        self._bounds = bounds
        self._encode = msgspec.json.Encoder().encode
        self._encode_sorted = msgspec.json.Encoder(order="sorted").encode
        self._of_block: set[bytes] = set()
        self._earlier = _Digests()
        self.drift: Counter[tuple[str, str, str, str]] = Counter()
        self.coverage: Counter[tuple[str, str]] = Counter()
        self.dialect_records: Counter[str] = Counter()

    def handlings(self) -> dict[tuple[str, str], str]:
        """For every dialect met and each leaf of its shape: modelled, extra or dropped. Dialects of other streams are named after theirs."""
        met = (one for one in (*self._own, *self._others) if self.dialect_records[one.name])
        return {(one.name, path): handling(leaf) for one in met for path, leaf in leaves_of(one.dialect.shape)}

    def decode(self, records: Sequence[Record]) -> Batch:
        """The block as frames by dialect, with what was rejected and repaired on the way."""
        return self.frames(self.sort(records))

    def sort(self, records: Sequence[Record]) -> Sorted:
        """The block's records by dialect, validated, each once: what depends on the blocks before."""
        batch = Batch()
        self._of_block.clear()
        groups: dict[str, _Group] = defaultdict(_Group)
        for record, is_plain in zip(records, self._plain(records), strict=True):
            batch.issues.extend(Issue(record.number, None, note.field, note.code, note.given, note.action) for note in record.notes)
            document = record.document
            if document is not None and MARK in document and len(document) <= self._bounds.record_bytes:
                document = without_ours(document, self._encode)
                if document is None:
                    batch.duplicates += 1
                    continue
            if document is None:
                batch.rejects.append(Reject(record.number, record.reason or "invalid_json", record.field, record.raw))
            elif len(document) > self._bounds.record_bytes:
                batch.rejects.append(Reject(record.number, "record_too_large", None, record.raw))
            elif record.page is not None or not is_plain or not self._fits(record.number, document, groups, batch):
                self._repair(record, document, groups, batch)
        told_once = ((one, self._without_repeated(groups[one.name], batch)) for one in (*self._own, *self._others) if one.name in groups)
        return Sorted(records, [(one, group) for one, group in told_once if group.numbers], batch)

    def frames(self, found: Sorted) -> Batch:
        """The frames of a sorted block; another may be sorted meanwhile."""
        raws = {record.number: record.raw for record in found.records}
        for known, group in found.groups:
            self.dialect_records[known.name] += len(group.numbers)
            found.batch.decoded.extend(self._frames(known, group, raws, found.batch))
        return found.batch

    def forget(self) -> None:
        """After the last block: what is only known to find records told twice."""
        self._of_block.clear()
        self._earlier = _Digests()

    def _plain(self, records: Sequence[Record]) -> list[bool]:
        """Which records can take the fast way: moderate nesting, no number or character that it would change."""
        texts = _texts("text", [record.document for record in records])
        brackets = texts.str.count_matches("{", literal=True) + texts.str.count_matches("[", literal=True)
        is_delicate = texts.str.contains(_LONG_NUMBER) | texts.str.contains(_SURROGATE)
        return ((brackets <= self._bounds.record_levels) & ~is_delicate).fill_null(value=False).to_list()

    def _fits(self, number: int, document: bytes, groups: dict[str, _Group], batch: Batch) -> bool:
        """Takes the record in if it is just what one of the dialects says."""
        if self._kinds.may_hold_nameless(document):
            return False
        if self._takes_as_delivered:
            # Blanks between its signs say nothing, and are to make no other record or event of it.
            try:
                document = msgspec.json.format(document, indent=-1)
            except msgspec.DecodeError:
                return False
        for position, known in enumerate(self._likely):
            try:
                decoded = known.compiled.strict.decode(document)
                for name, decoder in known.compiled.open:
                    inner = getattr(decoded, name)
                    if inner is not UNSET:
                        decoder.decode(inner)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if not known.takes(decoded):
                continue
            if position and self._may_reorder:
                self._likely.insert(0, self._likely.pop(position))
            self._accept(number, known, groups[known.name], decoded, b"", batch)
            return True
        return False

    def _accept(self, number: int, known: _Known, group: _Group, decoded: Any, unknown: bytes, batch: Batch) -> None:
        # Of a key given twice the last counts, for the validator and hence for all: Polars would take the first.
        encoded = self._encode(decoded)
        told = canonical(encoded) if known.compiled.is_open else encoded
        digest = sha256(told + unknown).digest()
        if digest in self._of_block:
            batch.duplicates += 1
            return
        self._of_block.add(digest)
        if unknown:
            group.unknown[len(group.numbers)] = unknown
        group.numbers.append(number)
        group.documents.append(encoded)
        group.objects.append(decoded)
        group.hashes.append(digest)

    def _without_repeated(self, group: _Group, batch: Batch) -> _Group:
        """The group without what an earlier block of the file told already."""
        repeated = self._earlier.repeated(group.hashes)
        if not repeated:
            return group
        batch.duplicates += len(repeated)
        return group.at([place for place in range(len(group.hashes)) if place not in repeated])

    def _repair(self, record: Record, document: bytes, groups: dict[str, _Group], batch: Batch) -> None:
        def reject(reason: str, at: str | None = None) -> None:
            batch.rejects.append(Reject(record.number, reason, at, record.raw))

        if (
            document.count(b"{") + document.count(b"[") > self._bounds.record_levels
            and _levels(document, self._bounds.record_levels) > self._bounds.record_levels
        ):
            return reject("nested_too_deep")
        repaired = _SURROGATES.sub(_whole_character, document)
        try:
            value = decode_generic(repaired)
        except UnicodeDecodeError:
            return reject("invalid_utf8")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return reject("invalid_json")
        if not isinstance(value, dict):
            return reject("not_an_object")
        value = self._kinds.with_names(value)
        kind, told_by = self._kinds.of(value)
        kind = kind or self._kinds.of_page(record.page)
        knowing = self._knowing(value, kind)
        if not knowing:
            return reject("unknown_shape", told_by)
        fitting = [(fit(value, one.dialect.shape, one.dialect.decisive), one) for one in knowing]
        fitted, known = min(fitting, key=lambda one: one[0].misfits)
        for name, word in self._kinds.contradicting(value, self._alike(known.dialect.kinds)) if kind else ():
            batch.issues.append(Issue(record.number, None, name, "other_kind", word, "kept"))
        if repaired != document:
            batch.issues.append(Issue(record.number, None, "", "lone_surrogate", "", "repaired"))
        for path, code, given, action in fitted.issues:
            batch.issues.append(Issue(record.number, None, path, code, given, action))
            self.drift[known.name, _without_positions(path), "new_type", "text" if code == "number_as_text" else code] += 1
        for path, inner in _suspects(value, ""):
            batch.issues.append(Issue(record.number, None, path, "precision_suspect", str(inner), "kept"))
        for path, inner in fitted.unknown.items():
            self.drift[known.name, _without_positions(path), "new_field", _json_type(inner)] += 1
        clean = self._encode(fitted.record)
        try:
            decoded = known.compiled.loose.decode(clean)
        except msgspec.DecodeError:
            return reject("undecodable")
        unknown = self._encode_sorted(fitted.unknown) if fitted.unknown else b""
        self._accept(record.number, known, groups[known.name], decoded, unknown, batch)
        return None

    def _alike(self, kinds: frozenset[str]) -> frozenset[str]:
        """The kinds, and those that are one with them to a dialect of the vendor."""
        return kinds.union(*(one.dialect.kinds for one in (*self._own, *self._others) if one.dialect.kinds & kinds))

    def _knowing(self, record: dict[str, Any], kind: str) -> list[_Known]:
        """The dialects that know the record: of its stream, or of another one of the vendor where the record says what it is."""

        def among(dialects: list[_Known]) -> list[_Known]:
            return [one for one in dialects if one.taken.takes(record, kind) and one.dialect.fits(record)]

        return among(self._own) or (among(self._others) if kind else [])

    def _frames(self, known: _Known, group: _Group, raws: dict[int, bytes], batch: Batch) -> list[Decoded]:
        dialect, compiled = known.dialect, known.compiled
        series = _texts("record", group.documents)
        try:
            decoded = series.str.json_decode(compiled.dtype)
        except pl.exceptions.PolarsError:
            return self._bisect(known, group, raws, batch)
        fields = list(fields_of(decoded, "at:"))
        given = Fields(group.objects)
        columns: list[pl.Series] = [
            pl.Series("source_row", group.numbers, dtype=pl.Int64),
            pl.Series("record_hash", group.hashes, dtype=pl.Binary).bin.encode("hex"),
            *(field for field in fields if field.name in dialect.reads),
            _extra(compiled, group, given),
            *(_raw_series(leaf, given, self._encode) for leaf in compiled.raw if leaf.kind != "keep"),
            *(series for leaves in compiled.lists for series in _list_series(leaves, given, self._encode)),
        ]
        frame = pl.DataFrame(columns)
        self._cover(known, frame, fields)
        return [Decoded(dialect, frame)]

    def _bisect(self, known: _Known, group: _Group, raws: dict[int, bytes], batch: Batch) -> list[Decoded]:
        if len(group.numbers) == 1:
            batch.rejects.append(Reject(group.numbers[0], "undecodable", None, raws[group.numbers[0]]))
            return []
        middle = len(group.numbers) // 2
        halves = []
        for places in (range(middle), range(middle, len(group.numbers))):
            halves.extend(self._frames(known, group.at(places), raws, batch))
        return halves

    def _cover(self, known: _Known, frame: pl.DataFrame, fields: Iterable[pl.Series]) -> None:
        """Counts in how many records, or list elements, every leaf of the shape was given."""
        compiled = known.compiled
        counts = {path.removeprefix("at:"): count for path, count in _given_leaves(fields)}
        for leaf in compiled.raw:
            if leaf.kind == "keep":
                counts[leaf.path] = _holding(frame.get_column("extra"), leaf.path)
            else:
                column = frame.get_column(f"{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaf.path}")
                is_open = isinstance(compiled.shape.get(leaf.path), Open)
                counts[f"{leaf.path}.*" if is_open else leaf.path] = column.len() - column.null_count()
        for leaves in compiled.lists:
            kept = f"item_extra:{leaves.path}"
            for leaf in leaves.leaves:
                name = kept if leaf.kind == "keep" else f"item_{'pairs' if leaf.kind == 'pairs' else 'raw'}:{leaves.path}:{leaf.path}"
                if name in frame.columns:
                    elements = frame.get_column(name).explode()
                    counts[f"{leaves.path}[].{leaf.path}"] = _holding(elements, leaf.path) if leaf.kind == "keep" else elements.len() - elements.null_count()
        for path, count in counts.items():
            if count:
                self.coverage[known.name, path] += count


def _overlap(one: Dialect, other: Dialect) -> bool:
    """A record may fit both dialects: their order decides."""
    return one.has <= other.shape.keys() and other.has <= one.shape.keys()


def _given_leaves(fields: Iterable[pl.Series]) -> Iterator[tuple[str, int]]:
    """Every decoded leaf with the number of values that are not null; `[]` marks a list."""
    for below in fields:
        if isinstance(below.dtype, pl.List):
            elements = below.explode().drop_nulls()
            if isinstance(elements.dtype, pl.Struct):
                yield from _given_leaves(fields_of(elements, f"{below.name}[]."))
            else:
                yield f"{below.name}[]", elements.len()
        elif not isinstance(below.dtype, pl.Struct):
            yield below.name, below.len() - below.null_count()


def _holding(objects: pl.Series, field: str) -> int:
    """How many of the JSON objects hold the field."""
    return int(objects.str.contains(f'"{field}":', literal=True).sum() or 0)


def _whole_character(match: re.Match[bytes]) -> bytes:
    """A pair of surrogates, or an escaped backslash, as it is; half a pair as the replacement character."""
    found = match.group()
    return b"\\ufffd" if len(found) == _LONE_SURROGATE_LENGTH else found


def _levels(document: bytes, limit: int) -> int:
    """Depth of nesting, counted no further than one beyond the limit; brackets inside texts do not count."""
    deepest = level = 0
    for match in _SIGNS.finditer(document):
        sign = match.group()[:1]
        if sign in b"[{":
            level += 1
            deepest = max(deepest, level)
            if deepest > limit:
                break
        elif sign in b"]}":
            level -= 1
    return deepest


def _without_positions(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


def _json_type(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "array", str: "text", bool: "flag", type(None): "null"}
    return names.get(type(value), "number")


def _suspects(value: Any, path: str) -> list[tuple[str, int]]:
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in _suspects(inner, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [found for position, inner in enumerate(value) for found in _suspects(inner, f"{path}[{position}]")]
    is_suspect = isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER
    return [(path, value)] if is_suspect else []


def _texts(name: str, values: Sequence[bytes | None]) -> pl.Series:
    return pl.Series(name, values, dtype=pl.Binary).cast(pl.String)


def _plain(value: Any) -> bytes | None:
    if value is None or value is UNSET:
        return None
    text = bytes(value)
    return None if text == b"null" else text


def _pairs(value: Any, encode: Callable[[Any], bytes]) -> bytes | None:
    if not isinstance(value, dict):
        return None
    return encode([{"key": key, "value": one} for key, inner in value.items() for one in (inner if isinstance(inner, list) else (inner,))])


def _raw_series(leaf: RawLeaf, fields: Fields, encode: Callable[[Any], bytes]) -> pl.Series:
    values = fields.at(leaf.steps)
    if leaf.kind == "pairs":
        return _texts(f"pairs:{leaf.path}", [_pairs(value, encode) for value in values]).str.json_decode(leaf.value_type)
    return _texts(f"raw:{leaf.path}", [_plain(value) for value in values])


_LIST_COLUMNS = {"json": "item_raw", "pairs": "item_pairs"}


def _list_series(leaves: ListLeaves, fields: Fields, encode: Callable[[Any], bytes]) -> list[pl.Series]:
    """Raw leaves of a list's elements: read as one column of all elements, then cut into a list for each record."""
    lists = [elements or () for elements in fields.at(leaves.steps)]
    elements = Fields(chain.from_iterable(lists))
    flat = [
        _raw_series(leaf, elements, encode).alias(f"{_LIST_COLUMNS[leaf.kind]}:{leaves.path}:{leaf.path}")
        for leaf in leaves.leaves
        if leaf.kind in _LIST_COLUMNS
    ]
    if leaves.keeper is not None:
        flat.append(_kept(f"item_extra:{leaves.path}", leaves.keeper, elements))
    lengths = pl.DataFrame({"length": [len(row) for row in lists]}, schema={"length": pl.UInt32}).with_row_index("row")
    owners = lengths.select(pl.col("row").repeat_by("length").explode(empty_as_null=False))
    by_record = owners.hstack(flat).group_by("row", maintain_order=True).agg(pl.all())
    return lengths.join(by_record, on="row", how="left", maintain_order="left").drop("row", "length").get_columns()


def _kept(name: str, keeper: Keeper, fields: Fields) -> pl.Series:
    return _texts(name, keeper.of(fields)).replace("{}", None)


def _extra(compiled: Compiled, group: _Group, fields: Fields) -> pl.Series:
    """Fields that have no column, and those that have no place in the shape, as one JSON object."""
    none = pl.repeat(None, len(group.objects), dtype=pl.String, eager=True).alias("extra")
    known = none if compiled.keeper is None else _kept("extra", compiled.keeper, fields)
    if not group.unknown:
        return known
    places = list(group.unknown)
    texts = [_with_unknown(known[place], group.unknown[place].decode("utf-8", "replace")) for place in places]
    return known.scatter(places, texts)


def _with_unknown(known: str | None, unknown: str) -> str:
    return unknown if known is None else f"{known[:-1]},{unknown[1:]}"
