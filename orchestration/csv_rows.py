"""Rows of a CSV text as JSON records of header and cell."""

import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from orchestration.containers import BOM, ContainerError, Limits
from orchestration.mapping import CsvForm
from orchestration.masking import is_contact
from orchestration.ndjson import split
from orchestration.records import Record

DELIMITERS = (",", "\t", "|", ";")
csv.field_size_limit(2**31 - 1)  # a cell may be as large as its record, which `record_bytes` bounds


def rows(content: io.BufferedReader, limits: Limits, form: CsvForm) -> Iterator[Record]:
    """A record for every row; blank cells are left out, blank lines are no rows."""
    texts = _texts(content, limits)
    first = next(texts, None)
    if first is None:
        raise ContainerError("empty_file")
    encoding = _Encoding(form.encodings)
    header_text = first[0].removeprefix(BOM)
    if b"\0" in header_text or first[1]:
        raise ContainerError("broken_csv")
    text, _ = encoding.decode(header_text)
    if text is None:
        raise ContainerError("broken_csv")
    delimiter = max(DELIMITERS, key=text.count)
    header = [name.strip() for name in _cells(text, delimiter) or []]
    # A column named after somebody is no column: the first row is a record, and its values would become names of fields.
    if not any(header) or len(set(header)) != len(header) or any(map(is_contact, header)):
        raise ContainerError("broken_csv")
    names = tuple(_known_names(header, form.names))
    columns = _Columns(names, {form.default[0][0]: form.default[1]} if form.default and not set(form.default[0]) & set(names) else {})
    for number, (raw, reason) in enumerate(texts, start=1):
        yield Record(number, raw, reason=reason) if reason else _record(number, raw, columns, delimiter, encoding)


class _Encoding:
    """Decodes rows by the encodings a vendor delivers in; the first that fits a row holds for it alone."""

    def __init__(self, encodings: tuple[str, ...]) -> None:
        self._encodings = encodings

    def decode(self, raw: bytes) -> tuple[str | None, str | None]:
        """The text, or null if no encoding fits; and a note if it was not the first that did."""
        for position, encoding in enumerate(self._encodings):
            try:
                return raw.decode(encoding), "encoding_fallback" if position else None
            except UnicodeDecodeError:
                continue
        return None, None


@dataclass(frozen=True)
class _Columns:
    """The columns of a CSV text by name, and what every row holds beside them."""

    names: tuple[str, ...]
    constant: dict[str, str]

    def document(self, cells: list[str]) -> bytes:
        """A row as a JSON object."""
        return msgspec.json.encode({name: cell for name, cell in zip(self.names, cells, strict=True) if name and cell.strip()} | self.constant)


def _known_names(header: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """The header in the spelling of the names it is meant to hold; a name is given to one column only."""
    folded = {_folded(name): name for name in names}
    taken = set(header)
    for name in header:
        start, dot, end = name.partition(".")
        group = folded.get(f"{_folded(start)}.*")
        meant = f"{group[:-1]}{end}" if dot and group else folded.get(_folded(name), name)
        if meant in taken:
            meant = name
        taken.add(meant)
        yield meant


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()


def _record(number: int, raw: bytes, columns: _Columns, delimiter: str, encoding: _Encoding) -> Record:
    text, note = encoding.decode(raw)
    if text is None:
        return Record(number, raw, reason="invalid_utf8")
    cells = _cells(text, delimiter)
    if cells is None:
        return Record(number, raw, reason="ragged_row")
    if len(cells) != len(columns.names):
        missing = columns.names[len(cells)] if len(cells) < len(columns.names) else None
        return Record(number, raw, reason="ragged_row", field=missing)
    return Record(number, raw, columns.document(cells), note=note)


def _cells(text: str, delimiter: str) -> list[str] | None:
    try:
        return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), None)
    except csv.Error:
        return None


def _texts(content: io.BufferedReader, limits: Limits) -> Iterator[tuple[bytes, str | None]]:
    """Rows with newlines inside quotes kept together, and why one cannot be read: a row whose quote never closes is given up after its first line."""
    pending: list[tuple[bytes, bool]] = []
    lines = split(content, limits.record_bytes + 2)
    again: deque[tuple[bytes, bool]] = deque()
    quotes = size = 0
    while True:
        read = again.popleft() if again else next(lines, None)
        if pending and (read is None or size > limits.record_bytes):
            yield pending[0][0].rstrip(b"\r\n"), "unclosed_quote"
            again.extendleft(reversed(pending[1:] if read is None else [*pending[1:], read]))
            pending, quotes, size = [], 0, 0
            continue
        if read is None:
            return
        line, is_cut = read
        if is_cut and not pending:
            yield line, "record_too_large"
            continue
        pending.append(read)
        quotes += line.count(b'"')
        size += len(line)
        if quotes % 2 == 0 and not is_cut:
            row = b"".join(part for part, _ in pending).rstrip(b"\r\n")
            pending, quotes, size = [], 0, 0
            if row.strip():
                yield row, None
