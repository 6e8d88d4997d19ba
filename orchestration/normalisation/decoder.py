"""Records into frames: each record is given its dialect by what it is, validated, repaired where it can be, and decoded
by Polars.

Knows shapes and dialects, but nothing of canonical tables: `normaliser.py` goes on from the frames.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate

import msgspec
import polars as pl

from orchestration.landing.record import Record
from orchestration.mapping.model import Vendor
from orchestration.mapping.record_schema import handling, leaves
from orchestration.normalisation.classifier import Bounds, ClassifiedBlock, Classifier
from orchestration.normalisation.dialect_records import DialectRecords
from orchestration.normalisation.field_coverage import coverage_of
from orchestration.normalisation.file_context import numbered
from orchestration.normalisation.known_dialect import KnownDialect
from orchestration.normalisation.outcomes import Batch, Decoded, Reject
from orchestration.normalisation.record_digests import Digests
from orchestration.normalisation.record_frames import decoded_fields, frame_of


def frames_together(files: Sequence[tuple["Decoder", ClassifiedBlock]]) -> list[Decoded]:
    """The frames of classified blocks of several files of one stream, their records numbered by `numbered`.

    Raises PolarsError where a record cannot be decoded: which one it is shows in each file alone.
    """
    merged: dict[str, tuple[KnownDialect, DialectRecords]] = {}
    reported: dict[str, list[tuple[Decoder, int]]] = defaultdict(list)
    for place, (decoder, found) in enumerate(files):
        for known, group in found.groups:
            decoder.dialect_records[known.name] += len(group.numbers)
            merged.setdefault(known.name, (known, DialectRecords()))[1].add(group, numbered(place, group.numbers))
            reported[known.name].append((decoder, len(group.numbers)))
    decoded = []
    for name, (known, group) in merged.items():
        fields = decoded_fields(known.dialect, group)
        frame = frame_of(known.dialect, group, fields, msgspec.json.Encoder().encode)
        coverage = coverage_of(known.compiled, frame, fields, list(accumulate(length for _, length in reported[name])))
        for (decoder, _), given in zip(reported[name], coverage, strict=True):
            decoder.count(known, given)
        decoded.append(Decoded(known.dialect, frame))
    return decoded


class Decoder:
    """Decodes the records of one file, block by block."""

    def __init__(self, vendor: Vendor, stream: str, bounds: Bounds) -> None:
        self._classifier = Classifier(vendor, stream, bounds)
        self._encode = msgspec.json.Encoder().encode
        self.drift = self._classifier.drift
        self.coverage: Counter[tuple[str, str]] = Counter()
        self.dialect_records: Counter[str] = Counter()

    @property
    def digests(self) -> Digests:
        """What the file has shown so far."""
        return self._classifier.digests

    def handlings(self) -> dict[tuple[str, str], str]:
        """For every dialect met and each leaf of its shape: modelled, extra or dropped. Dialects of other streams are
        named after theirs."""
        met = (one for one in (*self._classifier.own, *self._classifier.others) if self.dialect_records[one.name])
        return {(one.name, path): handling(leaf) for one in met for path, leaf in leaves(one.dialect.shape)}

    def decode(self, records: Sequence[Record]) -> Batch:
        """The block as frames by dialect, with what was rejected and repaired on the way."""
        return self.frames(self.classify(records))

    def classify(self, records: Sequence[Record]) -> ClassifiedBlock:
        """The block's records by dialect, validated, each once: what depends on the blocks before."""
        return self._classifier.classify(records)

    def frames(self, found: ClassifiedBlock) -> Batch:
        """The frames of a classified block; another may be classified meanwhile."""
        raws = {record.number: record.raw for record in found.records}
        for known, group in found.groups:
            self.dialect_records[known.name] += len(group.numbers)
            found.batch.decoded.extend(self._frames(known, group, raws, found.batch))
        return found.batch

    def forget(self) -> None:
        """After the last block: what is only known to find records reported twice."""
        self._classifier.forget()

    def count(self, known: KnownDialect, given: Mapping[str, int]) -> None:
        """Counts in how many records of the file every leaf was given."""
        for path, count in given.items():
            self.coverage[known.name, path] += count

    def _frames(
        self, known: KnownDialect, group: DialectRecords, raws: dict[int, bytes], batch: Batch
    ) -> list[Decoded]:
        try:
            fields = decoded_fields(known.dialect, group)
        except pl.exceptions.PolarsError:
            return self._bisect(known, group, raws, batch)
        frame = frame_of(known.dialect, group, fields, self._encode)
        self.count(known, *coverage_of(known.compiled, frame, fields, [frame.height]))
        return [Decoded(known.dialect, frame)]

    def _bisect(
        self, known: KnownDialect, group: DialectRecords, raws: dict[int, bytes], batch: Batch
    ) -> list[Decoded]:
        if len(group.numbers) == 1:
            batch.rejects.append(Reject(group.numbers[0], "undecodable", None, raws[group.numbers[0]]))
            return []
        middle = len(group.numbers) // 2
        halves = []
        for places in (range(middle), range(middle, len(group.numbers))):
            halves.extend(self._frames(known, group.at(places), raws, batch))
        return halves
