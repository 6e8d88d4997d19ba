"""Rows of a CSV text as JSON records of header and cell."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator, Set

from orchestration.landing.containers import BOM, ContainerError, Limits
from orchestration.landing.ndjson import split
from orchestration.landing.record import Note, Record
from orchestration.landing.table_headers import Columns
from orchestration.mapping.model import CsvForm

DELIMITERS = (",", "\t", "|", ";")
# The line by which spreadsheets name the separator: `sep=;`.
_SEPARATOR = re.compile(rb'\s*"?sep=([^\w\s"]|\t)"?\s*\Z', re.IGNORECASE)
# So many delimiters in lines that would be rows by themselves stand there by no accident.
_NO_ACCIDENT = 4
csv.field_size_limit(2**31 - 1)  # a cell may be as large as its record, which `record_bytes` bounds
Line = tuple[bytes, bool]


def rows(content: io.BufferedReader, limits: Limits, form: CsvForm, fields: Set[str] = frozenset()) -> Iterator[Record]:
    """A record for every row; blank cells are left out, blank lines are no rows. A line alone is a header if it names
    one of the `fields`."""
    lines = split(content, limits.record_bytes + 2)
    encoding = _Encoding(form.encodings)
    delimiter, cells = _header(lines, limits, encoding)
    columns = Columns.of(cells, form)
    sign = delimiter.encode()
    number = 0
    for number, (raw, reason) in enumerate(_Rows(sign, len(cells), limits).of(lines), start=1):
        yield Record(number, raw, reason=reason) if reason else _record(number, raw, columns, delimiter, encoding)
    if not number:
        columns.require_known(form, fields)


def header(content: io.BufferedReader, limits: Limits, form: CsvForm) -> tuple[str, list[str]]:
    """The delimiter and the cells of the header."""
    return _header(split(content, limits.record_bytes + 2), limits, _Encoding(form.encodings))


def _header(lines: Iterator[Line], limits: Limits, encoding: "_Encoding") -> tuple[str, list[str]]:
    """The delimiter and the cells of the first row that is not blank."""
    named = None
    text = b""
    is_first = True
    for line, is_cut in lines:
        line, is_first = line.removeprefix(BOM) if is_first else line, False
        if not text and not line.strip():
            continue
        if named is None and not text and (reported := _SEPARATOR.match(line)):
            named = reported.group(1).decode()
            continue
        text += line
        if is_cut or b"\0" in line or len(text) > limits.record_bytes:
            raise ContainerError("broken_csv")
        if text.count(b'"') % 2 == 0:
            break
    if not text:
        raise ContainerError("no_records")
    reported_text, _ = encoding.decode(text.rstrip(b"\r\n"))
    if reported_text is None:
        raise ContainerError("broken_csv")
    bare = re.sub(r'"[^"]*"', "", reported_text)
    delimiter = named or max(DELIMITERS, key=bare.count)
    cells = _cells(reported_text, delimiter)
    if cells is None or text.count(b'"') % 2:
        raise ContainerError("broken_csv")
    return delimiter, cells


class _Encoding:
    """Decodes rows by the encodings a vendor delivers in; the first that fits a row holds for it alone."""

    def __init__(self, encodings: tuple[str, ...]) -> None:
        self._encodings = encodings

    def decode(self, raw: bytes) -> tuple[str | None, str | None]:
        """The text, or null if no encoding fits; and the encoding if it was not the first that did."""
        for position, encoding in enumerate(self._encodings):
            try:
                return raw.decode(encoding), encoding if position else None
            except UnicodeDecodeError:
                continue
        return None, None


def _record(number: int, raw: bytes, columns: Columns, delimiter: str, encoding: _Encoding) -> Record:
    text, other = encoding.decode(raw)
    if text is None:
        return Record(number, raw, reason="invalid_utf8")
    cells = _cells(text, delimiter)
    if cells is None:
        return Record(number, raw, reason="ragged_row")
    if len(cells) != len(columns.names):
        missing = columns.names[len(cells)] if len(cells) < len(columns.names) else None
        return Record(number, raw, reason="ragged_row", field=missing)
    notes = columns.notes(cells)
    if other:
        strange = ((name, cell) for name, cell in zip(columns.names, cells, strict=True) if not cell.isascii())
        notes += tuple(
            Note(name, "encoding_fallback", cell.encode(other).decode("utf-8", "backslashreplace"), "repaired")
            for name, cell in strange
        )
    return Record(number, raw, columns.document(cells), notes=notes, is_row=True)


def _cells(text: str, delimiter: str) -> list[str] | None:
    """The cells of one row; null if it is none, or more than one."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    try:
        cells = next(reader, None)
        return cells if next(reader, None) is None else None
    except csv.Error:
        return None


class _Rows:
    """Puts lines together to rows where a quote spans them, and says why a row cannot be read.

    A quote opens a cell only at its start (RFC 4180): anywhere else it is a character, such as the mark of an inch. A
    row that only stray quotes have put together is taken apart again: of its lines the first is given up, and the
    others are read for themselves.
    """

    def __init__(self, delimiter: bytes, width: int, limits: Limits) -> None:
        self._width = width
        self._delimiter = delimiter
        self._most = limits.record_bytes
        sign = re.escape(delimiter)
        cell = rb'(?: *+"(?:[^"]++|"")*+"[^%b]*+| *+(?!")[^%b]*+)' % (sign, sign)
        self._is_closed = re.compile(rb"%b(?:%b%b)*+\Z" % (cell, sign, cell)).match
        # What follows in a cell that an earlier line has opened.
        self._closes = re.compile(rb'(?:[^"]++|"")*+"[^%b]*+(?:%b%b)*+\Z' % (sign, sign, cell)).match
        self._closes_well = re.compile(rb'(?:[^"]++|"")*+" *+(?:%b|[\r\n]|\Z)' % sign).match

    def of(self, lines: Iterator[Line]) -> Iterator[tuple[bytes, str | None]]:
        """The rows, each with the reason why it cannot be read, if there is one; blank lines are left out."""
        pending: list[Line] = []
        again: deque[Line] = deque()
        size = 0
        while True:
            read = again.popleft() if again else next(lines, None)
            is_over = read is None or read[1] or size > self._most
            if pending and (is_over or self._are_strays(pending, read)):
                # The quote that the first of them opens is never closed, or not where it was meant to be.
                yield pending[0][0].rstrip(b"\r\n"), "unclosed_quote"
                again.extendleft(reversed([*pending[1:], *([read] if read else [])]))
                pending, size = [], 0
                continue
            if read is None:
                return
            line, is_cut = read
            if is_cut:
                yield line, "record_too_large"
            elif not (self._closes if pending else self._is_closed)(line):
                pending.append(read)
                size += len(line)
            else:
                row = b"".join([*(part for part, _ in pending), line]).rstrip(b"\r\n")
                pending, size = [], 0
                if row.strip():
                    yield row, None

    def _are_strays(self, pending: list[Line], last: Line | None) -> bool:
        """The last line ends a row of several lines that is none: lines within it are rows, and together they are
        either none or look like many."""
        if last is None or not self._closes(last[0]):
            return False
        lines = [*(line for line, _ in pending), last[0]]
        # Few rows span lines, and hardly any line of those has as many delimiters as the header.
        alone = [line.count(self._delimiter) + 1 == self._width or self._count(line) == self._width for line in lines]
        if self._closes_well(last[0]) and self._count(b"".join(lines)) == self._width:
            return all(alone) and len(lines) * (self._width - 1) >= _NO_ACCIDENT
        return any(alone[1:])

    def _count(self, row: bytes) -> int:
        return len(_cells(row.rstrip(b"\r\n").decode("latin-1"), self._delimiter.decode()) or ())
