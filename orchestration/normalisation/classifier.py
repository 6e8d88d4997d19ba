"""Records by dialect: each is validated by what it says it is, repaired where it can be, and counted once."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from itertools import combinations
from typing import Any

import msgspec
import polars as pl
from msgspec import UNSET

from orchestration.canonical.canonical_json import canonical
from orchestration.landing.record import Record
from orchestration.mapping.coercion import decode_generic, exact, fit
from orchestration.mapping.consent_words import may_refuse
from orchestration.mapping.model import Dialect, Vendor
from orchestration.normalisation.damaged_documents import is_nested_deeper, suspects, with_whole_characters
from orchestration.normalisation.dialect_records import DialectRecords
from orchestration.normalisation.echo import MARK, without_ours
from orchestration.normalisation.known_dialect import KnownDialect
from orchestration.normalisation.outcomes import Batch, Issue, Reject
from orchestration.normalisation.record_digests import Digests
from orchestration.normalisation.record_frames import texts

# A number of 16 characters or more, or with an exponent, may not survive a float; half a surrogate pair survives
# nothing. Two patterns, for as one of two branches they take twice as long.
_LONG_NUMBER = r"[:,\[]\s*-?[0-9](?:[0-9.]{15}|[0-9.]*[eE])"
_SURROGATE = r"\\u[dD][89a-fA-F]"


@lru_cache
def _is_plain(levels: int) -> pl.Expr:
    text = pl.col("text")
    brackets = text.str.count_matches("{", literal=True) + text.str.count_matches("[", literal=True)
    is_delicate = text.str.contains(_LONG_NUMBER) | text.str.contains(_SURROGATE)
    return ((brackets <= levels) & ~is_delicate).fill_null(value=False)


@dataclass(frozen=True)
class ClassifiedBlock:
    """A block between its two steps: records given their dialects, still to be made frames of."""

    records: Sequence[Record]
    groups: list[tuple[KnownDialect, DialectRecords]]
    batch: Batch


@dataclass(frozen=True)
class Bounds:
    """Limits of one record: bytes and levels of nesting."""

    record_bytes: int = 16 * 2**20
    record_levels: int = 64


class Classifier:
    """Classifies the records of one file, block by block; remembers what the file has shown so far."""

    def __init__(self, vendor: Vendor, stream: str, bounds: Bounds) -> None:
        self._kinds = vendor.kinds
        known = [KnownDialect(dialect, vendor, stream) for dialect in vendor.dialects]
        self.own = [one for one in known if one.dialect.stream == stream]
        self.others = [one for one in known if one.dialect.stream != stream]
        # What a record is most likely comes first; where its dialects exclude each other by their keys, that is the one
        # met last.
        self._likely = list(self.own)
        self._may_reorder = not any(_overlap(one.dialect, other.dialect) for one, other in combinations(self.own, 2))
        self._bounds = bounds
        self._encode = msgspec.json.Encoder().encode
        self._encode_sorted = msgspec.json.Encoder(order="sorted").encode
        self._of_block: set[bytes] = set()
        self.digests = Digests()
        self.drift: Counter[tuple[str, str, str, str]] = Counter()

    def classify(self, records: Sequence[Record]) -> ClassifiedBlock:
        """The block's records by dialect, validated, each once: what depends on the blocks before."""
        batch = Batch()
        self._of_block.clear()
        groups: dict[str, DialectRecords] = defaultdict(DialectRecords)
        for record, is_plain in zip(records, self._plain(records), strict=True):
            if record.notes:
                batch.issues.extend(
                    Issue(record.number, None, note.field, note.code, note.given, note.action) for note in record.notes
                )
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
        reported_once = (
            (one, self._without_repeated(groups[one.name], batch))
            for one in (*self.own, *self.others)
            if one.name in groups
        )
        return ClassifiedBlock(records, [(one, group) for one, group in reported_once if group.numbers], batch)

    def forget(self) -> None:
        """After the last block: what is only known to find records reported twice."""
        self._of_block.clear()
        self.digests = Digests()

    def _plain(self, records: Sequence[Record]) -> list[bool]:
        """Which records can take the fast way: moderate nesting, no number or character that it would change."""
        documents = texts("text", [record.document for record in records]).to_frame()
        return documents.select(_is_plain(self._bounds.record_levels)).to_series().to_list()

    def _fits(self, number: int, document: bytes, groups: dict[str, DialectRecords], batch: Batch) -> bool:
        """Takes the record in if it is just what one of the dialects says."""
        if self._kinds.may_hold_nameless(document):
            return False
        # Layout and the order of keys are to make no other record, event or text of it. Of a key given twice the last
        # counts, for the validator and hence for all: Polars would take the first.
        content = canonical(document)
        for position, known in enumerate(self._likely):
            try:
                decoded = known.compiled.strict.decode(content)
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
            self._accept(number, known, groups[known.name], content, content, decoded, b"", batch)
            return True
        return False

    def _accept(
        self,
        number: int,
        known: KnownDialect,
        group: DialectRecords,
        content: bytes,
        document: bytes,
        decoded: Any,
        unknown: bytes,
        batch: Batch,
    ) -> None:
        digest = sha256(content).digest()
        if digest in self._of_block:
            batch.duplicates += 1
            return
        self._of_block.add(digest)
        if unknown:
            group.unknown[len(group.numbers)] = unknown
        group.numbers.append(number)
        group.documents.append(document)
        group.objects.append(decoded)
        group.hashes.append(digest)

    def _without_repeated(self, group: DialectRecords, batch: Batch) -> DialectRecords:
        """The group without what an earlier block of the file reported already."""
        repeated = self.digests.repeated(group.hashes)
        if not repeated:
            return group
        batch.duplicates += len(repeated)
        return group.at([place for place in range(len(group.hashes)) if place not in repeated])

    def _repair(self, record: Record, document: bytes, groups: dict[str, DialectRecords], batch: Batch) -> None:
        def reject(reason: str, at: str | None = None) -> None:
            batch.rejects.append(Reject(record.number, reason, at, record.raw))

        if is_nested_deeper(document, self._bounds.record_levels):
            return reject("nested_too_deep")
        repaired = with_whole_characters(document)
        try:
            value = decode_generic(canonical(repaired))
        except UnicodeDecodeError:
            return reject("invalid_utf8")
        except (msgspec.DecodeError, ValueError, RecursionError):
            return reject("invalid_json")
        if not isinstance(value, dict):
            return reject("not_an_object")
        value = self._kinds.with_names(value)
        kind, field = self._kinds.of(value)
        kind = kind or self._kinds.of_page(record.page)
        knowing = self._knowing(value, kind)
        if not knowing:
            return reject("unknown_shape", field)
        fitting = [(fit(value, one.dialect.shape, one.dialect.decisive), one) for one in knowing]
        fitted, known = min(fitting, key=lambda one: (one[0].misfits, one[1].dialect.entity != kind))
        for name, word in self._kinds.contradicting(value, self._alike(known.dialect.kinds)) if kind else ():
            batch.issues.append(Issue(record.number, None, name, "other_kind", word, "kept"))
        if repaired != document:
            batch.issues.append(Issue(record.number, None, "", "lone_surrogate", "", "repaired"))
        for path, code, given, action in fitted.issues:
            batch.issues.append(Issue(record.number, None, path, code, given, action))
            self.drift[
                known.name, _without_positions(path), "new_type", "text" if code == "number_as_text" else code
            ] += 1
        for path, inner in suspects(value, ""):
            batch.issues.append(Issue(record.number, None, path, "precision_suspect", str(inner), "kept"))
        for path, inner in fitted.unknown.items():
            self.drift[known.name, _without_positions(path), "new_field", _json_type(inner)] += 1
            if may_refuse(path, inner):
                given = inner if isinstance(inner, str) else self._encode(inner).decode("utf-8", "replace")
                batch.issues.append(Issue(record.number, None, path, "unheard_consent", given, "kept"))
        try:
            decoded = known.compiled.loose.decode(canonical(self._encode(fitted.record)))
        except msgspec.DecodeError:
            return reject("undecodable")
        unknown = self._encode_sorted(fitted.unknown) if fitted.unknown else b""
        content, clean = canonical(self._encode(exact(value))), self._encode(decoded)
        self._accept(record.number, known, groups[known.name], content, clean, decoded, unknown, batch)
        return None

    def _alike(self, kinds: frozenset[str]) -> frozenset[str]:
        """The kinds, and those that are one with them to a dialect of the vendor."""
        return kinds.union(*(one.dialect.kinds for one in (*self.own, *self.others) if one.dialect.kinds & kinds))

    def _knowing(self, record: dict[str, Any], kind: str) -> list[KnownDialect]:
        """The dialects that know the record: of its stream, or of another one of the vendor where the record says what
        it is."""

        def among(dialects: list[KnownDialect]) -> list[KnownDialect]:
            return [one for one in dialects if one.taken.takes(record, kind) and one.dialect.fits(record)]

        return among(self.own) or (among(self.others) if kind else [])


def _overlap(one: Dialect, other: Dialect) -> bool:
    """A record may fit both dialects: their order decides."""
    return one.has <= other.shape.keys() and other.has <= one.shape.keys()


def _without_positions(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


def _json_type(value: Any) -> str:
    names: dict[type, str] = {dict: "object", list: "array", str: "text", bool: "flag", type(None): "null"}
    return names.get(type(value), "number")
