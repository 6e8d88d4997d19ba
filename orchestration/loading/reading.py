"""One landing file on its way from bytes to rows."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from threading import Event

import polars as pl

from orchestration.canonical.reason_codes import ERASED, RECORD_REASONS
from orchestration.config.settings import Settings
from orchestration.landing import formats, landing_zone, stretches
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.landing.stretches import Stretch
from orchestration.loading.spool import Spool
from orchestration.mapping.model import Vendor
from orchestration.normalisation.classifier import Bounds, ClassifiedBlock
from orchestration.normalisation.decimal_columns import columns_in_major_units
from orchestration.normalisation.erasures import Erasures
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normalised, Normaliser
from orchestration.normalisation.outcomes import Reject
from orchestration.vendors import discover

MOST_RAW_BYTES = 16 * 2**20
# A small file that unpacks to more than this is read alone, block by block.
MOST_UNPACKED_BYTES = 2 * 2**20


@dataclass
class Counts:
    """What became of a file's records."""

    read: int = 0
    rejected: int = 0
    duplicate: int = 0
    erased: int = 0
    """Of the rejected ones, those about somebody who was erased: nothing is wrong with them."""

    @property
    def loaded(self) -> int:
        return self.read - self.rejected - self.duplicate


class StoppedError(Exception):
    """Nobody waits for the file any more."""


class Reading:
    """A file being read; its rows are in the spool when that is done."""

    def __init__(
        self,
        settings: Settings,
        file: LandedFile,
        *,
        load_seq: int,
        erasures: Erasures | None = None,
        spools: Path | None = None,
        stretch: Stretch | None = None,
    ) -> None:
        self.file = file
        self.stretch = stretch
        self.spools = spools or settings.internal / "spool"
        self.spool = Spool(self.spools / str(load_seq))
        self.counts = Counts()
        self.sha256 = ""
        self.reason: str | None = None
        self._erasures = erasures
        self._settings = settings
        self._vendor = discover()[file.source]
        self.origin = Origin(
            account=settings.account(self._vendor, file.source_account),
            stream=file.stream,
            export_date=file.export_date,
            source_file=file.relative_path,
            load_seq=load_seq,
            file_value=_file_value(self._vendor, file),
            secret=settings.secret or b"",
            erased=erasures,
        )
        self.normaliser = Normaliser(
            self._vendor, self.origin, Bounds(settings.options.record_bytes, settings.options.record_levels), erasures
        )

    @property
    def feed(self) -> tuple[str, str]:
        """Where the file is from: vendor and account."""
        return self.origin.account.source, self.origin.account.source_account

    def anew(self) -> "Reading":
        """The same file, nothing of it read yet."""
        return Reading(
            self._settings,
            self.file,
            load_seq=self.origin.load_seq,
            erasures=self._erasures,
            spools=self.spools,
            stretch=self.stretch,
        )

    def only_block(self) -> ClassifiedBlock | None:
        """The records of a small file, to be normalised together with those of others; null where something is special
        about the file, which is then to be read alone."""
        try:
            self.sha256 = landing_zone.sha256_of(self.file)
            stream = self._vendor.streams[self.file.stream]
            if columns_in_major_units(stream, self.file.path.name, blocks_of(self._settings, self.file)):
                return None
            blocks = list(islice(blocks_of(self._settings, self.file), 2))
            if len(blocks) != 1 or sum(len(record.raw) for record in blocks[0]) > MOST_UNPACKED_BYTES:
                return None
            return self.normaliser.classify(blocks[0])
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException:
            # Read alone it is reported as what it is.
            return None

    def note(self, result: Normalised) -> None:
        """Counts what became of records."""
        self.counts.read += result.rows_read
        self.counts.rejected += result.rows_rejected
        self.counts.duplicate += result.rows_duplicate
        self.counts.erased += sum(reject.reason == ERASED for reject in result.rejects)

    def read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """Reads the file into the spool; why it cannot be, stands in `reason`."""
        self.spool.remove()
        try:
            if self.stretch is None or self.stretch.start == 0:
                self.sha256 = landing_zone.sha256_of(self.file)
            self._read(pool, stop)
        except ContainerError as error:
            self.reason = error.reason
        except (KeyboardInterrupt, SystemExit, GeneratorExit, OSError, StoppedError):
            # What the machine or the operator does, and not what the file holds.
            raise
        except BaseException:
            # A fault of ours: it costs this file, never the run. Polars panics with what is no `Exception`. The text
            # may hold values of customers.
            self.reason = "internal_error"
        finally:
            if self.stretch is None:
                self.normaliser.decoder.forget()

    def digests_at(self, starts: Sequence[int]) -> pl.DataFrame:
        """The digests of the records that stand in the lines beginning there."""
        alone = self.anew().normaliser
        for block in stretches.blocks_at(
            self.file, starts, self._settings.options, self._vendor.streams[self.file.stream]
        ):
            alone.classify(block)
        return alone.decoder.digests.known.unique()

    def _blocks(self) -> Iterator[list[Record]]:
        if self.stretch is None:
            return blocks_of(self._settings, self.file)
        return stretches.blocks(self.file, self.stretch, self._settings.options, self._vendor.streams[self.file.stream])

    def _read(self, pool: ThreadPoolExecutor, stop: Event) -> None:
        """One block is made frames of while the next is read and classified."""
        stream = self._vendor.streams[self.file.stream]
        self.normaliser.major_fields = columns_in_major_units(
            stream, self.file.path.name, blocks_of(self._settings, self.file)
        )
        before: Future[None] | None = None
        try:
            for block in self._blocks():
                if stop.is_set():
                    raise StoppedError
                found = self.normaliser.classify(block)
                if before is not None:
                    before.result()
                before = pool.submit(self._finish, found)
        finally:
            if before is not None:
                before.result()

    def _finish(self, found: ClassifiedBlock) -> None:
        result = self.normaliser.finish(found)
        self.note(result)
        for table, frames in result.frames.items():
            self.spool.add(table, frames)
        self.spool.add("$reported", result.reported)
        self.spool.add("$rejects", [rejects_frame(result.rejects)])
        self.spool.add("$issues", [issues_frame(result)])


def blocks_of(settings: Settings, file: LandedFile) -> Iterator[list[Record]]:
    """The file's records, in the form its stream comes in."""
    return formats.blocks(file, settings.data, settings.options, discover()[file.source].streams[file.stream])


def rejects_frame(rejects: Iterable[Reject]) -> pl.DataFrame:
    """Rejected records as rows of the audit tables, each with its bytes."""
    rows = []
    for reject in rejects:
        raw = reject.raw[:MOST_RAW_BYTES]
        try:
            text, exact = raw.decode("utf-8"), None
        except UnicodeDecodeError:
            text, exact = raw.decode("utf-8", "backslashreplace"), raw
        rows.append((reject.number, reject.reason, reject.field, text, exact, RECORD_REASONS[reject.reason]))
    schema = {
        "row_number": pl.Int64,
        "reason_code": pl.String,
        "field": pl.String,
        "raw": pl.String,
        "raw_bytes": pl.Binary,
        "message": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def issues_frame(result: Normalised) -> pl.DataFrame:
    rows = [(issue.number, issue.table, issue.field, issue.code, issue.given, issue.action) for issue in result.issues]
    schema = {
        "row_number": pl.Int64,
        "table_name": pl.String,
        "field": pl.String,
        "issue_code": pl.String,
        "value_given": pl.String,
        "action": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row")


def _file_value(vendor: Vendor, file: LandedFile) -> str | None:
    pattern = vendor.streams[file.stream].file_value
    return landing_zone.value_in_name(pattern, file.path.name) if pattern else None
