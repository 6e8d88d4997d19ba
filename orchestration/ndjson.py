"""Lines as records, and records as blocks: newline-delimited JSON, and what the other formats share with it."""

import io
from collections.abc import Iterable, Iterator

from orchestration.containers import BOM, Limits
from orchestration.records import Record

BLOCK_BYTES = 16 * 2**20


def in_blocks(records: Iterable[Record]) -> Iterator[list[Record]]:
    """The records in lists of about `BLOCK_BYTES`, none of them empty."""
    block: list[Record] = []
    size = 0
    for record in records:
        block.append(record)
        size += len(record.raw)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block


def lines(content: io.BufferedReader, limits: Limits) -> Iterator[Record]:
    """Records of newline-delimited JSON; blank lines are none."""
    number = 0
    is_first = True
    for line, is_cut in split(content, limits.record_bytes + 2):
        if is_first:
            line, is_first = line.removeprefix(BOM), False
        text = line.strip(b" \t\r\n")
        if not text:
            continue
        number += 1
        raw = line.rstrip(b"\r\n")
        yield Record(number, raw, reason="record_too_large") if is_cut else record_of(number, raw, text)


def record_of(number: int, raw: bytes, text: bytes, page: str | None = None) -> Record:
    """The record, if its text is UTF-8."""
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return Record(number, raw, reason="invalid_utf8")
    return Record(number, raw, text, page=page)


def split(content: io.BufferedReader, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Lines with their ends; of a line beyond the limit its start, marked as cut."""
    rest = b""
    while chunk := content.read(2**20):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield (line + b"\n", False) if len(line) < limit else (line[:limit], True)
        if len(rest) > limit:
            kept, rest = rest[:limit], _skip_line(content)
            yield kept, True
    if rest:
        yield (rest, False) if len(rest) <= limit else (rest[:limit], True)


def _skip_line(content: io.BufferedReader) -> bytes:
    """What follows after the end of the present line."""
    while chunk := content.read(2**20):
        position = chunk.find(b"\n")
        if position >= 0:
            return chunk[position + 1 :]
    return b""
