"""Rows of the first sheet of an Excel file as JSON records of header and cell.

Read as a stream and within the bounds of packed files, by code of our own, because neither library keeps what a reader
here must keep. calamine lays a sheet out as a rectangle: two cells in opposite corners ask for 512 GB and end the
process (no exception can be caught), and a number beyond 2^53 becomes the nearest that a float can hold. openpyxl
leaves out, and says nothing, a row with a number that came before, and counts up to a row number of any size without an
end."""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any
from xml.parsers import expat
from zipfile import ZipFile

import msgspec

from orchestration.landing.containers import Budget, ContainerError, Limits, member, members
from orchestration.landing.record import Note, Record
from orchestration.landing.table_headers import Columns, is_blank
from orchestration.mapping.model import CsvForm

MOST_SHARED_BYTES = 256 * 2**20
MOST_ELEMENTS = 2**20
LAST_COLUMN = 16_384
CHUNK = 2**16
# The formats of dates and times that every file knows without saying so (ECMA-376, part 1, section 18.8.30).
_DATES = frozenset((*range(14, 18), *range(27, 32), 36, *range(50, 59)))
_TIMES = frozenset((*range(18, 22), *range(32, 36), *range(45, 48)))
_DATES_WITH_TIME = frozenset((22,))
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_LAST_SERIAL = 2_958_466  # 9999-12-31 and a day
_FEBRUARY_29TH_OF_1900 = 60  # a day that never was, but has a number


@dataclass(frozen=True)
class Fault:
    """A cell that holds an error, as it is shown."""

    shown: str


def rows(
    content: io.BufferedReader, limits: Limits, form: CsvForm, budget: Budget, fields: Set[str] = frozenset()
) -> Iterator[Record]:
    """A record for every row below the header that is not blank: formulas by their values, dates as ISO 8601, and
    errors left out and noted."""
    with members(content) as archive:
        workbook = Workbook(archive, budget)
        lines = (cells for _, cells in shown_rows(workbook.rows(limits)))
        columns = header_of(lines, form)
        number = 0
        for number, cells in enumerate(lines, start=1):
            yield _record(number, cells, columns)
        if not number:
            columns.require_known(form, fields)


def shown_rows(lines: Iterable[dict[int, Any]]) -> Iterator[tuple[int, dict[int, Any]]]:
    """The rows that are not blank, each with its place among all, from 0."""
    return ((place, cells) for place, cells in enumerate(lines) if any(not is_blank(cell) for cell in cells.values()))


def header_of(lines: Iterable[dict[int, Any]], form: CsvForm) -> Columns:
    """The columns that the first row names which is not blank; raises `ContainerError` where there is none."""
    header = next((cells for _, cells in shown_rows(lines)), None)
    if header is None:
        raise ContainerError("no_records")
    return Columns.of([_shown(header.get(place)) for place in range(max(header) + 1)], form)


def _record(number: int, cells: dict[int, Any], columns: Columns) -> Record:
    """A row as a record; cells beside the header are kept by the number of their column."""
    width = len(columns.names)
    faults = {place: cell.shown for place, cell in cells.items() if isinstance(cell, Fault)}
    reported = [None if place in faults else cells.get(place) for place in range(width)]
    beside = {
        f"column_{place + 1}": cell
        for place, cell in cells.items()
        if place >= width and place not in faults and not is_blank(cell)
    }
    document = columns.document(reported)
    if beside:
        document = msgspec.json.encode(msgspec.json.decode(document, type=dict[str, msgspec.Raw]) | beside)
    names = {place: columns.names[place] if place < width else f"column_{place + 1}" for place in faults}
    notes = (
        *columns.notes(reported),
        *(Note(names[place], "error_cell", shown, "set_null") for place, shown in faults.items()),
    )
    return Record(number, document, document, notes=notes, is_row=True)


def _unescaped(text: str) -> str:
    """A text with the characters that XML cannot hold, which Excel writes as `_x000D_` (ECMA-376, part 1, section
    22.9.2.19)."""
    if "_x" not in text:
        return text
    plain = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    # Beyond the first plane one sign is two escapes.
    return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _shown(cell: Any) -> str:
    if cell is None or isinstance(cell, Fault):
        return ""
    return bytes(cell).decode() if isinstance(cell, msgspec.Raw) else str(cell)


class Workbook:
    """What an Excel file says beside its sheets: the texts that cells share, which numbers are dates, and where the
    first sheet is."""

    def __init__(self, archive: ZipFile, budget: Budget) -> None:
        self._archive = archive
        self._budget = budget
        self._names = set(archive.namelist())
        workbook = self._elements("xl/workbook.xml")
        relations = {
            one.get("Id"): one for tag, one in self._elements("xl/_rels/workbook.xml.rels") if tag == "Relationship"
        }
        sheets = (relations.get(one.get("r:id", ""), {}) for tag, one in workbook if tag == "sheet")
        sheet = next((one for one in sheets if one.get("Type", "").endswith("/worksheet")), None)
        if sheet is None:
            raise ContainerError("broken_xlsx")
        self.sheet = _within("xl", sheet.get("Target", ""))
        parts = {
            one.get("Type", "").rsplit("/", 1)[-1]: _within("xl", one.get("Target", "")) for one in relations.values()
        }
        counts_from_1904 = any(_is_true(one.get("date1904")) for tag, one in workbook if tag == "workbookPr")
        self._epoch = datetime(1904, 1, 1) if counts_from_1904 else datetime(1899, 12, 30)  # noqa: DTZ001
        self._shapes = self._read_shapes(parts.get("styles", ""))
        self.shared = parts.get("sharedStrings", "")
        self._texts = self._read_texts(self.shared)

    def rows(self, limits: Limits) -> Iterator[dict[int, Any]]:
        """The rows of the first sheet, by the position of their cells."""
        sheet = _Sheet(self._value, limits.record_bytes)
        for _ in self._parsed(self.sheet, sheet):
            yield from sheet.take()

    def _value(self, kind: str, style: int, text: str) -> Any:
        """The value of a cell."""
        if kind == "s":
            place = int(text)
            if not 0 <= place < len(self._texts):
                raise ContainerError("broken_xlsx")
            return self._texts[place]
        if kind in ("inlineStr", "str"):
            return _unescaped(text)
        if kind == "d":
            return text
        if kind == "e":
            return Fault(text)
        if kind == "b":
            return _is_true(text)
        shape = self._shapes[style] if 0 <= style < len(self._shapes) else ""
        return (_moment(text, shape, self._epoch) if shape else None) or _number(text.strip())

    def _read_shapes(self, name: str) -> list[str]:
        """By style, what its numbers are: `date`, `time`, `date time`, or blank for numbers."""
        codes: dict[int, str] = {}
        shapes: list[str] = []
        is_cell = False
        for tag, one in self._elements(name) if name in self._names else ():
            if tag == "numFmt":
                codes[int(one.get("numFmtId", "0"))] = one.get("formatCode", "")
            elif tag in ("cellXfs", "cellStyleXfs", "dxfs"):
                is_cell = tag == "cellXfs"
            elif tag == "xf" and is_cell:
                number = int(one.get("numFmtId", "0"))
                shapes.append(_shape_of(codes[number]) if number in codes else _known_shape(number))
        return shapes

    def _read_texts(self, name: str) -> list[str]:
        shared = _SharedTexts()
        for _ in self._parsed(name, shared) if name in self._names else ():
            if shared.size > MOST_SHARED_BYTES:
                raise ContainerError("archive_too_large")
        return shared.texts

    def _elements(self, name: str) -> list[tuple[str, dict[str, str]]]:
        """The elements of a small document, in order."""
        seen = _Elements()
        for _ in self._parsed(name, seen):
            if len(seen.found) > MOST_ELEMENTS:
                raise ContainerError("archive_too_large")
        return seen.found

    def _parsed(self, name: str, handler: "_Handler") -> Iterator[None]:
        """Hands a document to the handler, in pieces."""
        if name not in self._names:
            raise ContainerError("broken_xlsx")
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = lambda tag, attributes: handler.start(tag.rsplit(":", 1)[-1], attributes)
        parser.EndElementHandler = lambda tag: handler.end(tag.rsplit(":", 1)[-1])
        parser.CharacterDataHandler = handler.text
        with member(self._archive, self._archive.getinfo(name), self._budget) as content:
            try:
                while chunk := content.read(CHUNK):
                    parser.Parse(chunk, False)
                    yield
                parser.Parse(b"", True)
            except (expat.ExpatError, ValueError, OverflowError):
                raise ContainerError("broken_xlsx") from None
        yield


def _refuse(*_: object) -> None:
    """No Excel file declares a document type; it could only mean harm."""
    raise ContainerError("broken_xlsx")


class _Handler:
    """Receives the elements and texts of an XML document."""

    def start(self, tag: str, attributes: dict[str, str]) -> None: ...
    def end(self, tag: str) -> None: ...
    def text(self, text: str) -> None: ...


class _Elements(_Handler):
    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, str]]] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.found.append((tag, attributes))


class _SharedTexts(_Handler):
    """Texts that cells refer to by number; readings of Asian names (`rPh`) are no part of them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.size = 0
        self._parts: list[str] = []
        self._is_text = self._is_reading = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "si":
            self._parts = []
        elif tag == "rPh":
            self._is_reading = True
        elif tag == "t":
            self._is_text = not self._is_reading

    def end(self, tag: str) -> None:
        if tag == "si":
            self.texts.append(_unescaped("".join(self._parts)))
            self.size += 64
        elif tag == "rPh":
            self._is_reading = False
        elif tag == "t":
            self._is_text = False

    def text(self, text: str) -> None:
        if self._is_text:
            self._parts.append(text)
            self.size += len(text)


@dataclass
class _Sheet(_Handler):
    """Gathers the rows of a sheet as they are read."""

    value: Callable[[str, int, str], Any]
    most: int
    _rows: list[dict[int, Any]] = field(default_factory=list)
    _row: dict[int, Any] = field(default_factory=dict)
    _place: int = -1
    _kind: str = "n"
    _style: int = 0
    _parts: list[str] = field(default_factory=list)
    _size: int = 0
    _is_value: bool = False
    _is_reading: bool = False

    def take(self) -> list[dict[int, Any]]:
        """The rows that are complete, each once."""
        rows, self._rows = self._rows, []
        return rows

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "row":
            self._row, self._place, self._size = {}, -1, 0
        elif tag == "c":
            self._place = position_of(attributes["r"]) if "r" in attributes else self._place + 1
            self._kind, self._style, self._parts = attributes.get("t", "n"), int(attributes.get("s", "0")), []
        elif tag == "rPh":
            self._is_reading = True
        elif tag in ("v", "t"):
            self._is_value = not self._is_reading

    def end(self, tag: str) -> None:
        if tag in ("v", "t"):
            self._is_value = False
        elif tag == "rPh":
            self._is_reading = False
        elif tag == "c" and self._parts:
            self._row[self._place] = self.value(self._kind, self._style, "".join(self._parts))
        elif tag == "row":
            self._rows.append(self._row)

    def text(self, text: str) -> None:
        if self._is_value:
            self._parts.append(text)
            self._size += len(text)
            if self._size > self.most:
                raise ContainerError("archive_too_large")


def position_of(reference: str) -> int:
    """Position of a column from 0: of `B7` it is 1."""
    place = 0
    for sign in reference[:4].upper():
        if not "A" <= sign <= "Z":
            break
        place = place * 26 + ord(sign) - 64
    if not 0 < place <= LAST_COLUMN:
        raise ContainerError("broken_xlsx")
    return place - 1


def _within(folder: str, target: str) -> str:
    """The name of a part that another one in the folder refers to."""
    return target.lstrip("/") if target.startswith("/") else str(PurePosixPath(folder) / target)


def _is_true(text: str | None) -> bool:
    return text is not None and text.strip().lower() in ("1", "true")


def _number(text: str) -> Any:
    """A whole number as it is written, whatever its size; a fraction as the shortest that is the same number."""
    if re.fullmatch(r"-?(0|[1-9]\d*)", text, re.ASCII):
        return msgspec.Raw(text.encode())
    try:
        value = float(text)
    except ValueError:
        return text
    if value - value != 0:
        return text
    return msgspec.Raw(str(int(value) if value.is_integer() and abs(value) < 2**53 else value).encode())


def _known_shape(number: int) -> str:
    if number in _DATES_WITH_TIME:
        return "date time"
    return "date" if number in _DATES else "time" if number in _TIMES else ""


def _shape_of(code: str) -> str:
    """What a format shows: a date, a time, both, or a number."""
    signs = _LITERALS.sub("", code.split(";")[0]).lower()
    if "general" in signs or not re.search("[dmyhs]", signs):
        return ""
    has_time = bool(re.search("[hs]", signs))
    has_date = bool(re.search("[dy]", signs)) or not has_time
    return " ".join(word for word, is_there in (("date", has_date), ("time", has_time)) if is_there)


def _moment(text: str, shape: str, epoch: datetime) -> str | None:
    """A number as the date or the time that it is shown as; null if it is none."""
    try:
        serial = float(text)
    except ValueError:
        return None
    if not 0 <= serial < (1 if shape == "time" else _LAST_SERIAL):
        return None
    if serial < _FEBRUARY_29TH_OF_1900 and epoch.year < 1900:
        epoch += timedelta(days=1)
    moment = epoch + timedelta(milliseconds=round(serial * 86_400_000))
    if shape == "time":
        return moment.time().isoformat()
    return moment.date().isoformat() if shape == "date" and serial.is_integer() else moment.isoformat()
