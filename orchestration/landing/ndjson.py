"""Lines as records, and records as blocks: newline-delimited JSON, and what the other formats share with it."""

import io
from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from orchestration.landing.containers import BOM, ContainerError, Limits
from orchestration.landing.pages import ELEMENTS, Pages, Reported
from orchestration.landing.record import Record

BLOCK_BYTES = 24 * 2**20


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


def lines(
    content: io.BufferedReader, limits: Limits, pages: Pages, *, is_start: bool = True, may_be_empty: bool = False
) -> Iterator[Record]:
    """Records of newline-delimited JSON, those of a line that is a page or an array one by one; blank lines are
    none."""
    number = 0
    is_first, is_empty = is_start, not may_be_empty
    for whole, found in _split(content, limits.record_bytes + 2):
        # What a megabyte does not hold none of its lines does.
        may_be_page, is_text = pages.may_be_in(whole), _is_utf8(whole)
        for line, is_cut in found:
            if is_first:
                line, is_first = line.removeprefix(BOM), False
            raw = line.rstrip(b"\r\n")
            text = raw.strip(b" \t\r\n")
            if not text:
                continue
            is_empty = False
            if is_cut:
                number += 1
                yield Record(number, raw, reason="record_too_large")
            elif (not may_be_page and not text.startswith(b"[")) or (reported := _reported_by(text, pages)) is None:
                number += 1
                yield Record(number, raw, text) if is_text else record_of(number, raw, text)
            else:
                for element, page in reported:
                    number += 1
                    yield record_of(number, element, element, page)
    if is_empty:
        raise ContainerError("no_records")


def _reported_by(text: bytes, pages: Pages) -> Reported | None:
    """The records of a line that holds several: a page, or an array with objects; null for one that is a record, or
    broken, or an array without any object."""
    if not text.startswith(b"["):
        return pages.reported_in(text)
    try:
        elements = [bytes(element) for element in ELEMENTS.decode(text)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if elements and not any(element.startswith(b"{") for element in elements):
        return None
    return chain.from_iterable(pages.reported_in(element) or ((element, None),) for element in elements)


def record_of(number: int, raw: bytes, text: bytes, page: str | None = None) -> Record:
    """The record, if its text is UTF-8."""
    return Record(number, raw, text, page=page) if _is_utf8(text) else Record(number, raw, reason="invalid_utf8")


def _is_utf8(text: bytes) -> bool:
    if not text.isascii():
        try:
            text.decode("utf-8")
        except UnicodeDecodeError:
            return False
    return True


def split(content: io.BufferedReader, limit: int) -> Iterator[tuple[bytes, bool]]:
    """Lines with their ends, be they LF, CRLF or CR; of a line beyond the limit its start, marked as cut."""
    return chain.from_iterable(lines for _, lines in _split(content, limit))


def _split(content: io.BufferedReader, limit: int) -> Iterator[tuple[bytes, list[tuple[bytes, bool]]]]:
    """As many lines as were read at once, after the bytes they stand in."""
    rest = b""
    is_skipping = False
    while chunk := content.read(2**20):
        whole = rest + chunk
        pieces = whole.splitlines(keepends=True)
        # A CR at the end may be half of a CRLF.
        rest = b"" if pieces[-1].endswith(b"\n") else pieces.pop()
        if is_skipping and pieces:
            del pieces[0]
            is_skipping = False
        lines = [(line, False) if len(line) <= limit else (line[:limit], True) for line in pieces]
        if is_skipping or len(rest) > limit:
            if not is_skipping:
                lines.append((rest[:limit], True))
            is_skipping = True
            rest = rest[-1:] if rest.endswith(b"\r") else b""
        yield whole[: len(whole) - len(rest)], lines
    if rest and not is_skipping:
        yield rest, [(rest, False) if len(rest) <= limit else (rest[:limit], True)]
