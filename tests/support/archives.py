"""Zip archives and Excel files for tests, written by hand so that they may hold what no library writes."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_WORKBOOK = f'''<x:workbook xmlns:x="m" xmlns:r="{_OFFICE}"><x:sheets><x:sheet name="One" sheetId="7" r:id="rId3"/><x:sheet name="Two" sheetId="1" r:id="rId9"/></x:sheets></x:workbook>'''
_RELATIONS = f'''<Relationships>
<Relationship Id="rId1" Type="{_OFFICE}/styles" Target="styles.xml"/>
<Relationship Id="rId2" Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>
<Relationship Id="rId9" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>
<Relationship Id="rId3" Type="{_OFFICE}/worksheet" Target="worksheets/first.xml"/>
</Relationships>'''
_STYLES = """<styleSheet><numFmts><numFmt numFmtId="164" formatCode="[$-409]d/m/yyyy&quot;h&quot;\\ hh:mm;@"/><numFmt numFmtId="165" formatCode="h:mm"/></numFmts>
<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>"""


@dataclass(frozen=True)
class Raw:
    """A number as it stands in the file."""

    text: str


@dataclass(frozen=True)
class Styled:
    """A number in one of the styles: 1 a date, 2 a date with its time, 3 a time."""

    value: Any
    style: int


@dataclass(frozen=True)
class Error:
    shown: str


@dataclass(frozen=True)
class Formula:
    formula: str
    value: str


def zipped(members: Mapping[str, bytes]) -> bytes:
    """An archive of these members, the same at any time of day."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, inner in members.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 3, 1, 0, 0, 0)), inner, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def locked(archive: bytes) -> bytes:
    """The archive with its members marked as encrypted."""
    for sign, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = archive.index(sign) + place
        archive = archive[:at] + b"\x01" + archive[at + 1 :]
    return archive


def sheet(rows: Sequence[Sequence[Any]], cells: str = "", document: bytes | None = None) -> bytes:
    """An Excel file in which the first sheet, which is not the first of its parts, holds these rows."""
    shared: list[str] = []
    lines = "".join(
        f"<row>{''.join(_cell(cell, place, number, shared) for place, cell in enumerate(row))}</row>"
        for number, row in enumerate(rows, 1)
    )
    reported = document or f"<worksheet><sheetData>{lines}{cells}</sheetData></worksheet>".encode()
    texts = "".join(
        f'<si><t xml:space="preserve">{escape(text[:1])}</t><r><t>{escape(text[1:])}</t></r><rPh><t>yomi</t></rPh></si>'
        for text in shared
    )
    return zipped(
        {
            "xl/workbook.xml": _WORKBOOK.encode(),
            "xl/_rels/workbook.xml.rels": _RELATIONS.encode(),
            "xl/styles.xml": _STYLES.encode(),
            "xl/sharedStrings.xml": f"<sst>{texts}</sst>".encode(),
            "xl/worksheets/sheet1.xml": b"<worksheet><sheetData><row><c><v>1</v></c></row></sheetData></worksheet>",
            "xl/worksheets/first.xml": reported,
        }
    )


def _cell(value: Any, place: int, row: int, shared: list[str]) -> str:
    at = f'r="{chr(65 + place)}{row}"'
    if value is None:
        return f'<c {at} s="1"/>'
    if isinstance(value, bool):
        return f'<c {at} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, str):
        shared.append(value)
        return f'<c {at} t="s"><v>{len(shared) - 1}</v></c>'
    if isinstance(value, Styled):
        return f'<c {at} s="{value.style}"><v>{value.value}</v></c>'
    if isinstance(value, Error):
        return f'<c {at} t="e"><v>{value.shown}</v></c>'
    if isinstance(value, Formula):
        return f'<c {at} t="str"><f>{escape(value.formula)}</f><v>{escape(value.value)}</v></c>'
    return f"<c {at}><v>{value.text if isinstance(value, Raw) else value}</v></c>"
