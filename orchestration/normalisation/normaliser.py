"""Decoded records into canonical frames, file by file: what each dialect's records give, with their accounting.

Pure: frames in, frames out. How a value is read and judged stands in `typed_values.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import msgspec
import polars as pl

from orchestration.canonical.reason_codes import ERASED
from orchestration.canonical.tables import TABLES
from orchestration.landing.record import Record
from orchestration.mapping.model import Vendor
from orchestration.mapping.record_schema import handling, leaves
from orchestration.normalisation import anonymous
from orchestration.normalisation.classifier import Bounds, ClassifiedBlock
from orchestration.normalisation.decoder import Decoder, frames_together
from orchestration.normalisation.dialect_normaliser import ACCOUNT_TABLES, DialectNormaliser
from orchestration.normalisation.erasures import Erasures
from orchestration.normalisation.file_context import Origin, Span, place_of
from orchestration.normalisation.outcomes import Batch, Issue, Reject
from orchestration.normalisation.typed_values import POLARS_TYPES


@dataclass
class Normalised:
    """A block in canonical frames, with its accounting: read = loaded + rejected + duplicate."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    reported: list[pl.DataFrame] = field(default_factory=list)
    """Records that a contact was merged from, as contacts: what another part of the file reports may lie between
    them."""
    rejects: list[Reject] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)
    rows_read: int = 0
    rows_duplicate: int = 0

    @property
    def rows_rejected(self) -> int:
        return len(self.rejects)

    @property
    def rows_loaded(self) -> int:
        return self.rows_read - self.rows_rejected - self.rows_duplicate

    def frame(self, table: str) -> pl.DataFrame:
        """All rows of a table, in its columns and types."""
        parts = self.frames.get(table)
        return pl.concat(parts) if parts else _empty(table)


def _empty(table: str) -> pl.DataFrame:
    return pl.DataFrame(schema={column.name: POLARS_TYPES[column.kind] for column in TABLES[table].all_columns})


class Normaliser:
    """Normalises the records of one file, block by block."""

    def __init__(self, vendor: Vendor, origin: Origin, bounds: Bounds, erasures: Erasures | None = None) -> None:
        self.origin = origin
        self._span = Span((origin,))
        self.major_fields: Mapping[int, frozenset[str]] = {}
        """By the part of the file, fields that are in major units there, against what the vendor documents; to be set
        before the first block."""
        self.decoder = Decoder(vendor, origin.stream, bounds)
        self._vendor = vendor
        self._bounds = bounds
        self.erasures = erasures

    def block(self, records: list[Record]) -> Normalised:
        """The block in canonical frames."""
        return self.finish(self.classify(records))

    def classify(self, records: list[Record]) -> ClassifiedBlock:
        """The first step of a block, to be taken block after block."""
        return self.decoder.classify(records)

    def finish(self, found: ClassifiedBlock) -> Normalised:
        """The second step of a block, which may be taken while the next block takes its first."""
        return self._finished(found.records, self.decoder.frames(found))

    def _finished(self, records: Sequence[Record], batch: Batch) -> Normalised:
        major_fields = self._major_fields_of(records)
        result = Normalised(rows_read=len(records), rows_duplicate=batch.duplicates, rejects=batch.rejects)
        raws = {record.number: record.raw for record in records}
        issues = batch.issues
        erased: set[int] = set()
        for decoded in batch.decoded:
            part = DialectNormaliser(decoded, self._span.of_stream(decoded.dialect.stream), major_fields)
            if self.erasures:
                found = self.erasures.numbers(part.people(), raws, self._span.export_date)
                erased |= found
                decoded = decoded.without(found)
                part = DialectNormaliser(decoded, self._span.of_stream(decoded.dialect.stream), major_fields)
            part.run()
            if self.erasures:
                erased |= part.give_up_accounts(self.erasures)
            result.rejects.extend(
                Reject(number, reason, at, raws[number]) for number, (reason, at) in sorted(part.rejected.items())
            )
            issues.extend(part.issues)
            for table, frame in part.accepted():
                result.frames.setdefault(table, []).append(frame)
            result.reported.extend(frame for _, frame in part.accepted(part.reported))
        if self.erasures:
            result.rejects = [self.unless_mentioned(reject) for reject in result.rejects if reject.number not in erased]
        rejected = {reject.number for reject in result.rejects}
        result.issues = [issue for issue in issues if issue.number not in rejected and issue.number not in erased]
        if erased:
            self._without_person(result, [record for record in records if record.number in erased])
        return result

    def _major_fields_of(self, records: Sequence[Record]) -> frozenset[str]:
        return self.major_fields.get(records[0].part, frozenset()) if records else frozenset()

    def about_erased(self, records: Sequence[Record], erasures: Erasures) -> set[int]:
        """Numbers of the records that are about somebody who was erased, those included that cannot be read and name
        them."""
        same: dict[tuple[bytes, bytes | None, str | None], list[int]] = {}
        for record in records:
            same.setdefault((record.raw, record.document, record.page), []).append(record.number)
        firsts = {numbers[0]: numbers for numbers in same.values()}
        todo = [record for record in records if record.number in firsts]
        found: set[int] = set()
        while todo:
            about, seen = self._about_erased(todo, erasures)
            found |= about
            # What a block reports twice, be it written in two ways, is read once.
            todo = [record for record in todo if record.number not in seen] if seen else []
        return {number for first in found for number in firsts[first]}

    def _about_erased(self, records: Sequence[Record], erasures: Erasures) -> tuple[set[int], set[int]]:
        """Numbers of such records, and of all that were looked into."""
        alone = Normaliser(self._vendor, self.origin, self._bounds)
        batch = alone.decoder.decode(records)
        export_date, major_fields = self.origin.export_date, self._major_fields_of(records)
        found = {reject.number for reject in batch.rejects if erasures.is_named(reject.raw, export_date)}
        seen = {reject.number for reject in batch.rejects}
        raws = {record.number: record.raw for record in records}
        for decoded in batch.decoded:
            part = DialectNormaliser(decoded, self._span.of_stream(decoded.dialect.stream), major_fields)
            found |= erasures.numbers(part.people(), raws, self._span.export_date)
            seen |= set(decoded.frame.get_column("source_row"))
            if any(select.table in ACCOUNT_TABLES for select in decoded.dialect.rows):
                part = DialectNormaliser(decoded, self._span.of_stream(decoded.dialect.stream), major_fields)
                part.run()
                found |= part.give_up_accounts(erasures)
        return found, seen

    def unless_mentioned(self, reject: Reject) -> Reject:
        """The rejected record as it may be kept: nothing of one that names somebody who was erased."""
        assert self.erasures is not None
        if self.erasures.is_named(reject.raw, self.origin.export_date):
            return Reject(reject.number, ERASED, None, b"")
        return reject

    def _without_person(self, result: Normalised, records: list[Record]) -> None:
        """Takes what erased people's records report of orders, and rejects those that report none."""
        plain = Normaliser(self._vendor, self.origin, self._bounds)
        plain.major_fields = self.major_fields
        orders = anonymous.orders(plain.of_same, records)
        result.rejects.extend(Reject(one.number, ERASED, None, b"") for one in records if one.number not in orders)
        for one in records:
            if one.number in orders:
                reported = plain.of_same(
                    [msgspec.structs.replace(one, raw=orders[one.number], document=orders[one.number], notes=())]
                )
                for table, frames in reported.frames.items():
                    result.frames.setdefault(table, []).extend(frames)
                result.issues.extend(reported.issues)
                result.rejects.extend(Reject(one.number, ERASED, None, b"") for _ in reported.rejects[:1])

    def of_same(self, records: list[Record]) -> Normalised:
        """The records alone, as if the file held nothing else."""
        alone = Normaliser(self._vendor, self.origin, self._bounds)
        alone.major_fields = self.major_fields
        return alone.block(records)


@dataclass
class Together:
    """Blocks of several files in canonical frames that hold the rows of all of them, and the accounting file by
    file."""

    frames: dict[str, list[pl.DataFrame]]
    files: list[Normalised]
    """In the order of the files, without frames."""


class NotTogetherError(Exception):
    """One of the files needs to be normalised alone."""


def together(files: Sequence[tuple[Normaliser, ClassifiedBlock]]) -> Together:
    """The second step of the only blocks of several files of one stream of an account, as `Normaliser.finish` takes it
    of one.

    Polars plans the selects of a dialect anew each time, which costs more than the records of a small file. Raises
    whatever is wrong with any of them; files that hold nothing wrong are then normalised alone.
    """
    span = Span(tuple(normaliser.origin for normaliser, _ in files))
    result = Together({}, [])
    rejected: dict[int, list[Reject]] = {place: [] for place in range(len(files))}
    issues: dict[int, list[Issue]] = {place: [] for place in range(len(files))}
    raws = [{record.number: record.raw for record in found.records} for _, found in files]
    erasures = files[0][0].erasures
    for decoded in frames_together([(normaliser.decoder, found) for normaliser, found in files]):
        about = span.of_stream(decoded.dialect.stream)
        if erasures:
            people = DialectNormaliser(decoded, about, frozenset()).people()
            given = {one: raws[place][number] for one in people.numbers for place, number in [place_of(one)]}
            if erasures.numbers(people, given, span.export_date):
                raise NotTogetherError
        part = DialectNormaliser(decoded, about, frozenset())
        part.run()
        if erasures and part.give_up_accounts(erasures):
            raise NotTogetherError
        for one, (reason, at) in sorted(part.rejected.items()):
            place, number = place_of(one)
            rejected[place].append(Reject(number, reason, at, raws[place][number]))
        for issue in part.issues:
            place, number = place_of(issue.number)
            issues[place].append(replace(issue, number=number))
        for table, frame in part.accepted():
            result.frames.setdefault(table, []).append(frame)
    for place, (normaliser, found) in enumerate(files):
        rejects = [*found.batch.rejects, *rejected[place]]
        if erasures:
            rejects = [normaliser.unless_mentioned(reject) for reject in rejects]
        numbers = {reject.number for reject in rejects}
        reported = [issue for issue in (*found.batch.issues, *issues[place]) if issue.number not in numbers]
        result.files.append(
            Normalised(
                rows_read=len(found.records), rows_duplicate=found.batch.duplicates, rejects=rejects, issues=reported
            )
        )
    return result


def shape_paths(vendor: Vendor, stream: str) -> dict[tuple[str, str], str]:
    """For every dialect and leaf path of a stream: modelled, extra or dropped."""
    return {
        (dialect.name, path): handling(leaf)
        for dialect in vendor.streams[stream].dialects
        for path, leaf in leaves(dialect.shape)
    }
