"""Large files of lines, cut where a line ends, so that several workers can read one.

What is packed, a table, an array or an archive cannot be cut: where its records begin is known only to who has read all
before.
"""

import io
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import cast

import polars as pl

from orchestration.landing import ndjson
from orchestration.landing.containers import BOM, Limits, opened_between
from orchestration.landing.formats import format_of
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.pages import Pages
from orchestration.landing.record import Record
from orchestration.mapping.model import Stream

# A file with a first record that ends so soon is seen to be lines, as the reader of the whole sees it.
_HEAD_BYTES = 4096
# Of a longer line it is enough to know its pieces.
_LINE_BYTES = 2**20
# Where more lines repeat earlier ones it costs as much to look into them as to read the stretch once more.
_MOST_REPEATED = 0.25


@dataclass(frozen=True)
class Stretch:
    """The bytes of a file from one place to before another."""

    start: int
    end: int


def stretches_of(file: LandedFile, size: int) -> list[Stretch]:
    """The whole file in stretches of about that many bytes, each of whole lines; none of a file that is not to be
    cut."""
    if file.size < 2 * size or format_of(file.path.name) != ("ndjson", None) or file.path.is_symlink():
        return []
    try:
        return _cut(file, size)
    except OSError:
        # Read whole it is reported as what it is.
        return []


def _cut(file: LandedFile, size: int) -> list[Stretch]:
    with file.path.open("rb") as content:
        first, end, _ = content.read(_HEAD_BYTES).removeprefix(BOM).lstrip().partition(b"\n")
        if not (end and first.startswith(b"{") and first.rstrip().endswith(b"}")):
            return []
        places = [0]
        for about in range(size, file.size - size // 2, size):
            content.seek(about)
            while (line := content.readline(_LINE_BYTES)) and not line.endswith(b"\n"):
                pass
            if content.tell() > places[-1]:
                places.append(content.tell())
    ends = [*places[1:], file.size]
    return [Stretch(start, end) for start, end in zip(places, ends, strict=True) if start < end]


def repeated_lines(file: LandedFile, cut: Sequence[Stretch]) -> list[list[int]]:
    """Of each stretch, where lines begin that stand in an earlier one, byte for byte; none if they are many. Two lines
    are one by a hash."""
    hashes, starts, stretches = array("q"), array("q"), array("i")
    try:
        with file.path.open("rb") as content:
            for number, stretch in enumerate(cut):
                content.seek(stretch.start)
                place = stretch.start
                while place < stretch.end and (line := content.readline(_LINE_BYTES)):
                    hashes.append(hash(line))
                    starts.append(place)
                    stretches.append(number)
                    place += len(line)
    except OSError:
        return [[] for _ in cut]
    lines = pl.DataFrame({"hash": pl.Series(hashes), "start": pl.Series(starts), "stretch": pl.Series(stretches)})
    again = lines.filter(pl.col("stretch") > pl.col("stretch").min().over("hash"))
    if again.height > _MOST_REPEATED * lines.height:
        return [[] for _ in cut]
    return [again.filter(pl.col("stretch") == number).get_column("start").to_list() for number in range(len(cut))]


def blocks_at(file: LandedFile, starts: Sequence[int], limits: Limits, stream: Stream) -> Iterator[list[Record]]:
    """The records of the lines that begin there, in blocks."""
    with file.path.open("rb") as content:
        lines = []
        for start in starts:
            content.seek(start)
            lines.append(content.readline(_LINE_BYTES).rstrip(b"\n"))
    together = cast("io.BufferedReader", io.BytesIO(b"\n".join(lines)))
    yield from ndjson.in_blocks(ndjson.lines(together, limits, Pages.of(stream), is_start=False, may_be_empty=True))


def blocks(file: LandedFile, stretch: Stretch, limits: Limits, stream: Stream) -> Iterator[list[Record]]:
    """The records of a stretch in blocks, numbered from 1; raises `ContainerError` when it cannot be read."""
    with opened_between(file.path, stretch.start, stretch.end) as content:
        is_start = stretch.start == 0
        yield from ndjson.in_blocks(
            ndjson.lines(content, limits, Pages.of(stream), is_start=is_start, may_be_empty=True)
        )
