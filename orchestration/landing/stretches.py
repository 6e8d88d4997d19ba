"""Large files of lines, cut where a line ends, so that several workers can read one.

What is packed, a table, an array or an archive cannot be cut: where its records begin is known only to who has read all
before.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from orchestration.landing import ndjson
from orchestration.landing.containers import BOM, Limits, opened_between
from orchestration.landing.formats import format_of
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.pages import Pages
from orchestration.landing.record import Record
from orchestration.mapping.model import Stream

# A file with a first record that ends so soon is seen to be lines, as the reader of the whole sees it.
_HEAD_BYTES = 4096


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
            while (line := content.readline(2**20)) and not line.endswith(b"\n"):
                pass
            if content.tell() > places[-1]:
                places.append(content.tell())
    ends = [*places[1:], file.size]
    return [Stretch(start, end) for start, end in zip(places, ends, strict=True) if start < end]


def blocks(file: LandedFile, stretch: Stretch, limits: Limits, stream: Stream) -> Iterator[list[Record]]:
    """The records of a stretch in blocks, numbered from 1; raises `ContainerError` when it cannot be read."""
    with opened_between(file.path, stretch.start, stretch.end) as content:
        is_start = stretch.start == 0
        yield from ndjson.in_blocks(
            ndjson.lines(content, limits, Pages.of(stream), is_start=is_start, may_be_empty=True)
        )
