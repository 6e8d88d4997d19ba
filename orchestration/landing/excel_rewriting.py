"""An Excel file without the cells of some rows, and without the texts that only those had.

Rows keep their numbers and stay as blank ones, which no reader takes for records. What else names the cells goes too:
links, comments, the order of formulas. All other cells and parts keep every byte.
"""

import io
import re
from collections.abc import Iterator, Sequence
from xml.parsers import expat
from zipfile import ZipFile

from orchestration.landing.containers import Budget, Limits
from orchestration.landing.excel_rows import Workbook, header_of, position_of, shown_rows
from orchestration.mapping.model import CsvForm

# Of a row the span of bytes that each of its cells takes, by the position of its column, and the name of the cell.
Cells = dict[int, tuple[int, int, str]]
_TEXT = re.compile(rb"<((?:\w+:)?)si\b[^>]*?(?:/>|>.*?</\1si>)", re.DOTALL)


def without(whole: bytes, limits: Limits, form: CsvForm, fates: Sequence[object]) -> bytes:
    """The file without the rows with a null fate, and with nothing but those columns of the rows that have some."""
    out = io.BytesIO()
    with ZipFile(io.BytesIO(whole)) as archive, ZipFile(out, "w") as new:
        workbook = Workbook(archive, Budget.of(len(whole), limits))
        sheet = archive.read(workbook.sheet)
        gone, cleared = _spans(workbook, sheet, limits, form, fates)
        parts = {workbook.sheet: _cut(sheet, [*gone, *_elements_about(sheet, cleared)])}
        names = archive.namelist()
        for name in names:
            if re.search("(?:comments|threadedComment)[^/]*\\.xml$", name, re.IGNORECASE) or name.endswith(
                "calcChain.xml"
            ):
                content = archive.read(name)
                parts[name] = _cut(content, list(_elements_about(content, cleared)))
        relations = re.sub(r"([^/]+)$", r"_rels/\1.rels", workbook.sheet)
        if relations in names:
            parts[relations] = _without_targets(archive.read(relations), sheet, parts[workbook.sheet])
        if workbook.shared in names:
            sheets = [parts.get(name) or archive.read(name) for name in names if name.startswith("xl/worksheets/")]
            parts[workbook.shared] = _without_texts(archive.read(workbook.shared), sheets)
        for info in archive.infolist():
            new.writestr(info, parts[info.filename] if info.filename in parts else archive.read(info))
    return out.getvalue()


def _spans(
    workbook: Workbook, sheet: bytes, limits: Limits, form: CsvForm, fates: Sequence[object]
) -> tuple[list[tuple[int, int]], set[str]]:
    """The bytes of the sheet that go, and the names of the cells that they are."""
    places = list(_cells_of(sheet))
    shown = [number for number, _ in shown_rows(workbook.rows(limits))]
    columns = header_of(workbook.rows(limits), form)
    spans, names = [], set()
    for number, fate in zip(shown[1:], fates, strict=True):
        if fate is not None and not isinstance(fate, frozenset):
            continue
        for place, (start, end, name) in places[number].items():
            if fate is None or place >= len(columns.names) or (columns.names[place],) not in fate:
                spans.append((start, end))
                names.add(name)
    return spans, names


def _cells_of(sheet: bytes) -> Iterator[Cells]:
    """The cells of each row, in the order of the rows."""
    rows: list[Cells] = []
    begun: list[tuple[int, str, int]] = []
    parser = expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        kind = tag.rsplit(":", 1)[-1]
        if kind == "row":
            rows.append({})
        elif kind == "c" and rows:
            name = attributes.get("r", "")
            place = position_of(name) if name else max(rows[-1], default=-1) + 1
            begun.append((parser.CurrentByteIndex, name or f"{_letters(place)}{len(rows)}", place))

    def end(tag: str) -> None:
        if tag.rsplit(":", 1)[-1] == "c" and begun:
            first, name, place = begun.pop()
            # Of an element without an end of its own the parser stands at its start.
            close = sheet.index(b">", parser.CurrentByteIndex) + 1
            rows[-1][place] = (first, close, name.upper())

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.Parse(sheet, True)
    yield from rows


def _letters(place: int) -> str:
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _elements_about(content: bytes, cells: set[str]) -> Iterator[tuple[int, int]]:
    """Elements beside the cells that are about one of them."""
    pattern = rb"<((?:\w+:)?)(hyperlink|comment|threadedComment)\b([^>]*?)(?:/>|>.*?</\1\2>)|<((?:\w+:)?)c\b([^>]*?)/>"
    is_chain = b"calcChain" in content[:1000]
    for found in re.finditer(pattern, content, re.DOTALL):
        if found[2] is None and not is_chain:
            continue
        name = re.search(rb"\b(?:ref|r)=[\"']([A-Za-z]+\d+)", found[3] or found[5] or b"")
        if name and name[1].decode().upper() in cells:
            yield found.span()


def _without_targets(relations: bytes, before: bytes, after: bytes) -> bytes:
    """The relations of a sheet without those that only its links that are gone had."""
    ids = re.compile(rb"\b\w+:id=[\"']([^\"']+)")
    gone = set(ids.findall(before)) - set(ids.findall(after))
    spans = [
        found.span()
        for found in re.finditer(rb"<Relationship\b[^>]*?/>", relations)
        if (own := re.search(rb"\bId=[\"']([^\"']+)", found[0])) and own[1] in gone
    ]
    return _cut(relations, spans)


def _without_texts(shared: bytes, sheets: Sequence[bytes]) -> bytes:
    """The shared texts with nothing in the place of those that no cell refers to."""
    cell = re.compile(rb"<(?:\w+:)?c\b[^>]*?\bt=[\"']s[\"'][^>]*>\s*<(?:\w+:)?v[^>]*>\s*(\d+)")
    used = {int(found) for sheet in sheets for found in cell.findall(sheet)}
    number = iter(range(2**31))

    def kept(found: re.Match[bytes]) -> bytes:
        return found[0] if next(number) in used else b"<" + found[1] + b"si><" + found[1] + b"t/></" + found[1] + b"si>"

    return _TEXT.sub(kept, shared)


def _cut(content: bytes, spans: Sequence[tuple[int, int]]) -> bytes:
    at, pieces = 0, []
    for start, end in sorted(spans):
        if start >= at:
            pieces.append(content[at:start])
            at = end
    return b"".join([*pieces, content[at:]])
