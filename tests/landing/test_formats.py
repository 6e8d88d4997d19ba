"""What a delivered file holds: formats recognised by name and checked by content, bad rows apart, broken containers
whole."""

import gzip
import io
import json
import random
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from orchestration.config.options import Options
from orchestration.landing import formats, json_documents, landing_zone
from orchestration.landing.containers import ContainerError
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.record import Record
from orchestration.mapping.model import CsvForm, Stream, stream
from orchestration.mapping.record_schema import TEXT
from orchestration.vendors import discover
from tests.support.archives import Error, Formula, Raw, Styled, locked, sheet, zipped

LINES = b'{"a":1}\n\n{"a":2}\r\n{"b":3}'


def packed(content: bytes) -> bytes:
    """The same bytes at any time of day: they are part of test names."""
    return gzip.compress(content, mtime=0)


def landed(folder: Path, name: str, content: bytes) -> LandedFile:
    path = folder / name
    path.write_bytes(content)
    return LandedFile(date(2026, 3, 1), "omnisend", "contacts", name, path, len(content), 0, is_full=False)


def records(
    folder: Path, name: str, content: bytes, described: Stream | None = None, options: Options | None = None
) -> list[Record]:
    return [
        record
        for block in formats.blocks(landed(folder, name, content), folder, options or Options(), described)
        for record in block
    ]


def documents(folder: Path, name: str, content: bytes, described: Stream | None = None) -> list[Any]:
    return [json.loads(record.document) for record in records(folder, name, content, described) if record.document]


def reason(folder: Path, name: str, content: bytes, options: Options | None = None) -> str:
    with pytest.raises(ContainerError) as caught:
        records(folder, name, content, options=options)
    return caught.value.reason


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.ndjson", LINES),
        ("x.jsonl", LINES),
        ("x.json", LINES),
        ("X.NDJSON", LINES),
        ("x.ndjson", b"\xef\xbb\xbf" + LINES),
        ("x.ndjson.gz", packed(LINES)),
        ("x.ndjson.zst", zstandard.compress(LINES)),
        ("x.ndjson.zst", zstandard.compress(LINES[:8]) + zstandard.compress(LINES[8:])),
        ("x.json", b'[{"a":1}, {"a":2},{"b":3}]'),
        ("x.ndjson", b'[{"a":1}, {"a":2},{"b":3}]'),
        ("x.json.gz", packed(b'[{"a":1}, {"a":2},{"b":3}]')),
        ("x.json", b'{"contacts":[{"a":1}, {"a":2},{"b":3}]}'),
        ("x.ndjson", b'{"a":1}\r\r{"a":2}\r{"b":3}\r'),
        ("x.ndjson", b'{"a":1}\r{"a":2}\r\n{"b":3}\n'),
        ("x.ndjson", LINES.decode().encode("utf-16")),
        ("x.json", '\ufeff[{"a":1}, {"a":2},{"b":3}]'.encode("utf-16-be")),
        ("x.ndjson.gz", packed(LINES.decode().encode("utf-32"))),
        ("x.json", b'{"a":1}{"a":2}\n{"b":\n3}'),
        ("x.json", b'{\n"a":1}\n{"a":2} {"b":3}'),
        ("x.ndjson", b'{\n "contacts": [\n  {"a":1},\n  {"a":2},\n  {"b":3}\n ]\n}'),
        ("x.ndjson", b'{"contacts":[{"a":1}]}\n\n{"contacts":[]}\n{"contacts":[{"a":2},{"b":3}]}'),
        ("x.json", b'[{"contacts":[{"a":1}]},{"a":2},{"b":3}]'),
        ("x.json", b'{"data":{"contacts":[{"a":1},{"a":2},{"b":3}],"next":"x"}}'),
        (
            "x.ndjson.zst",
            b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
            + zstandard.compress(LINES[:8])
            + b"\x5f\x2a\x4d\x18\x00\x00\x00\x00"
            + zstandard.compress(LINES[8:]),
        ),
        (
            "x.zip",
            zipped(
                {
                    "b/c.ndjson": LINES[8:],
                    "a.ndjson": LINES[:8],
                    "__MACOSX/a.ndjson": b"x",
                    "b/.DS_Store": b"x",
                    "b/complete.json": b"{}",
                }
            ),
        ),
        (
            "x.zip",
            zipped(
                {
                    "a.json.gz": packed(b'[{"a":1}]'),
                    "b.ndjson": b"",
                    "c.zst/d.ndjson.zst": zstandard.compress(LINES[8:]),
                }
            ),
        ),
        ("x.zip.gz", packed(zipped({"a.ndjson": LINES}))),
        ("x.json", b'{"contacts":[{"a":1}, {"a":2},{"b":3}],"paging":{"next":null}}'),
        ("x.json", b'{"object":"list","data_ref":"people","people":[{"a":1}, {"a":2},{"b":3}],"total":3}'),
        ("x.json", b'{"items":[{"a":1}, {"a":2},{"b":3}],"page":1,"pageSize":500}'),
    ],
)
def test_the_same_records_come_out_of_every_json_form(tmp_path: Path, name: str, content: bytes) -> None:
    assert documents(tmp_path, name, content) == [{"a": 1}, {"a": 2}, {"b": 3}]


def test_a_single_object_is_one_record_even_if_it_holds_a_list(tmp_path: Path) -> None:
    assert documents(tmp_path, "x.json", b'{"id": 1, "items": [{"sku": "a"}]}') == [{"id": 1, "items": [{"sku": "a"}]}]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", b'{"contacts": []}'),
        ("x.json", b'{"contacts": [], "nextPageToken": null}'),
        ("x.json", b"[]"),
        ("x.ndjson", b'{"contacts": []}\n'),
        ("x.csv", b"email,name\n"),
        ("x.csv", b"sep=;\remail;name\r\r"),
        ("x.xlsx", sheet([["email", "name"]])),
        ("x.zip", zipped({"a.csv": b"email,name\n", "b.json": b""})),
        ("x.ndjson", b""),
        ("x.csv", b""),
        ("x.parquet.gz", b""),
        ("x.zip", b""),
        ("x.csv.gz", packed(b"")),
    ],
)
def test_an_empty_delivery_has_no_records(tmp_path: Path, name: str, content: bytes) -> None:
    assert records(tmp_path, name, content) == []


@pytest.mark.parametrize("name", ["x.ndjson", "x.json"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_every_element_of_an_array_in_a_line_is_a_record(tmp_path: Path, name: str, ends: bytes) -> None:
    content = ends.join([b'[{"a":1},{"a":2}]', b"[]", b'{"a":3}', b'[{"a":4}, [5]]', b"[1,2]", b'[{"a":6}, {"a'])
    found = records(tmp_path, name, content)
    assert [record.raw for record in found] == [
        b'{"a":1}',
        b'{"a":2}',
        b'{"a":3}',
        b'{"a":4}',
        b"[5]",
        b"[1,2]",
        b'[{"a":6}, {"a',
    ]
    assert [record.number for record in found] == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("line", ["Internal Server Error", "Error;the export failed, ask support", "<html>"])
def test_a_line_alone_that_names_no_field_of_the_stream_is_a_message_and_no_header(tmp_path: Path, line: str) -> None:
    customers = discover()["voucherify"].streams["customers"]
    for name, content in (
        ("x.csv", f"{line}\n".encode()),
        ("x.xlsx", sheet([[line]])),
        ("x.zip", zipped({"a.csv": line.encode()})),
    ):
        with pytest.raises(ContainerError) as caught:
            records(tmp_path, name, content, customers)
        assert caught.value.reason == "no_records"
    assert records(tmp_path, "x.csv", b"Source Id,Email\n", customers) == []


def test_characters_that_excel_writes_as_escapes_are_what_they_stand_for(tmp_path: Path) -> None:
    reported = ["one_x000D_\ntwo", "_x005F_x000D_", "_xD83D__xDE00_", "_x00e9_", "a_x12_", "_xD800_"]
    content = sheet([["shared", "formula"], *([text, Formula("a", text)] for text in reported)])
    expected = ["one\r\ntwo", "_x000D_", "😀", "é", "a_x12_", "�"]
    assert documents(tmp_path, "x.xlsx", content) == [{"shared": text, "formula": text} for text in expected]


def test_rows_are_numbered_by_record_and_kept_byte_for_byte(tmp_path: Path) -> None:
    found = records(tmp_path, "x.ndjson", b' {"a": 1} \r\n\n{"b":2}\n')
    assert [(record.number, record.raw) for record in found] == [(1, b' {"a": 1} '), (2, b'{"b":2}')]


def test_only_the_line_that_is_no_utf8_is_lost(tmp_path: Path) -> None:
    found = records(tmp_path, "x.ndjson", b'{"a":1}\n{"a":"\xff"}\n{"a":3}')
    assert [(record.number, record.reason) for record in found] == [(1, None), (2, "invalid_utf8"), (3, None)]


def test_a_line_beyond_the_limit_is_cut_and_the_next_one_is_whole(tmp_path: Path) -> None:
    content = b'{"a":"' + b"x" * 3_000_000 + b'"}\n{"b":2}\n'
    blocks = formats.blocks(landed(tmp_path, "x.ndjson", content), tmp_path, Options(record_bytes=1_000_000))
    found = [record for block in blocks for record in block]
    assert [(record.number, record.reason, len(record.raw) <= 1_000_002) for record in found] == [
        (1, "record_too_large", True),
        (2, None, True),
    ]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.ndjson", b" \n\r\n\t\r", "no_records"),
        ("x.ndjson", b"\xef\xbb\xbf", "no_records"),
        ("x.json", b"\n", "no_records"),
        ("x.json", b"null", "no_records"),
        ("x.json", b' "nothing new"\n', "no_records"),
        ("x.csv", b"\n \n", "no_records"),
        ("x.csv", b"sep=;\n", "no_records"),
        ("x.zip", zipped({}), "no_records"),
        ("x.zip", zipped({"a/": b"", "__MACOSX/a.ndjson": LINES, ".b.ndjson": LINES}), "no_records"),
        ("x.xlsx", b"PK\x03\x04", "broken_archive"),
        ("x.xlsx", zipped({"a.txt": b"a"}), "broken_xlsx"),
        ("x.xlsx", sheet([]), "no_records"),
        ("x.zip", b"PK\x03\x04", "broken_archive"),
        ("x.zip", zipped({"a.ndjson": LINES * 99})[:-30], "broken_archive"),
        ("x.zip", zipped({"a.ndjson": LINES, "b.json": b"[1"}), "truncated_json"),
        ("x.zip", zipped({"a.ndjson": LINES, "b.txt": b"a"}), "unknown_format"),
        ("x.zip", zipped({"a.zip": zipped({"a.ndjson": LINES})}), "unknown_format"),
        ("x.zip", locked(zipped({"a.ndjson": LINES})), "encrypted_archive"),
        ("x.zip", LINES, "format_mismatch"),
        ("x.xlsx", LINES, "format_mismatch"),
        ("x.csv", sheet([["a"], [1]]), "format_mismatch"),
        ("x.ndjson", LINES.decode().encode("utf-16")[:-1], "broken_encoding"),
        ("x.ndjson", b"\xff\xfe\x00\x00" + b"\xff" * 8, "broken_encoding"),
        ("noname", LINES, "unknown_format"),
        ("x.ndjson", b"PK\x03\x04zip", "format_mismatch"),
        ("x.csv", b'{"a":1}', "format_mismatch"),
        ("x.json", b"PAR1....", "format_mismatch"),
        ("x.ndjson.gz", LINES, "format_mismatch"),
        ("x.ndjson", packed(LINES), "format_mismatch"),
        ("x.ndjson.gz", packed(LINES * 1000)[:-12], "truncated_archive"),
        ("x.ndjson.zst", zstandard.compress(LINES * 1000)[:-5], "truncated_archive"),
        ("x.ndjson.gz", packed(LINES)[:10] + b"garbage" * 9, "broken_archive"),
        ("x.json", b'[{"a":1},{"a":2}', "truncated_json"),
        ("x.json", b'[{"a":1},}', "broken_json"),
        ("x.json", b"\x00\x01\x02", "broken_json"),
        ("x.json", b'{"contacts":[\n{"a":1},\n{"a":2}\n', "truncated_json"),
        ("x.ndjson", b'{"contacts":[\n{"a":1},\n{"a":2}\n', "truncated_json"),
        ("x.json", b'{\n"a":1}\n{"a":\n2}\n{"a":', "truncated_json"),
        ("x.csv", b'"a,b\n1,2', "broken_csv"),
        ("x.csv", b"zoe@private.example,Zoe\nyan@private.example,Yan\n", "broken_csv"),
        ("x.csv", b"Zoe;+49 1512 7778899\nYan;+49 1512 7778898\n", "broken_csv"),
        ("x.parquet", b"PAR1 and no more", "broken_parquet"),
    ],
)
def test_a_broken_file_has_a_reason(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert reason(tmp_path, name, content) == expected


def test_a_link_out_of_the_data_folder_is_not_followed(tmp_path: Path) -> None:
    inside = tmp_path / "data"
    inside.mkdir()
    (tmp_path / "secret.ndjson").write_bytes(LINES)
    link = inside / "x.ndjson"
    link.symlink_to(tmp_path / "secret.ndjson")
    file = LandedFile(date(2026, 3, 1), "omnisend", "contacts", "x.ndjson", link, 10, 0, is_full=False)
    with pytest.raises(ContainerError, match="outside_landing"):
        list(formats.blocks(file, inside, Options()))


def test_a_csv_row_with_other_cells_than_the_header_is_lost_alone(tmp_path: Path) -> None:
    found = records(tmp_path, "x.csv", b"email, action\na@b.com, subscribe\ne@f.com\nc@d.com, unsubscribe\n")
    assert [(record.document, record.reason, record.field) for record in found] == [
        (b'{"email":"a@b.com","action":"subscribe"}', None, None),
        (None, "ragged_row", "action"),
        (b'{"email":"c@d.com","action":"unsubscribe"}', None, None),
    ]


@pytest.mark.parametrize("delimiter", [b",", b"\t", b"|", b";"])
def test_csv_cells_may_hold_newlines_quotes_and_the_delimiter(tmp_path: Path, delimiter: bytes) -> None:
    content = (
        delimiter.join([b"\xef\xbb\xbfid", b"text"])
        + b"\r\n"
        + delimiter.join([b"0015", b'"a ""b""\n' + delimiter + b'c"'])
        + b"\r\n"
    )
    assert documents(tmp_path, "x.csv", content) == [{"id": "0015", "text": f'a "b"\n{delimiter.decode()}c'}]


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    found = records(tmp_path, "x.csv", b'a;b\n1;2\n3;"open\n4;5\n6;7\n')
    assert [(record.number, record.reason) for record in found] == [
        (1, None),
        (2, "unclosed_quote"),
        (3, None),
        (4, None),
    ]


def test_a_cell_may_be_as_large_as_a_record_may(tmp_path: Path) -> None:
    assert documents(tmp_path, "x.csv", b"id,notes\n1," + b"x" * 1_000_000 + b"\n") == [
        {"id": "1", "notes": "x" * 1_000_000}
    ]


@pytest.mark.parametrize(
    "large", [b"2," + b"x" * 2_000_000, b'2,"' + b"x" * 2_000_000 + b'"', b"2," + b"x" * 2_000_000 + b'",y\r']
)
def test_a_row_beyond_the_limit_costs_itself_alone(tmp_path: Path, large: bytes) -> None:
    file = landed(tmp_path, "x.csv", b"id,notes\n1,a\n" + large + b"\n3,c\n4,d\n")
    found = [record for block in formats.blocks(file, tmp_path, Options(record_bytes=1_000_000)) for record in block]
    assert [record.document and json.loads(record.document)["id"] for record in found] == ["1", None, "3", "4"]
    assert found[1].reason == "record_too_large"


def test_of_a_row_beyond_the_limit_that_spans_lines_nothing_is_taken_for_a_row(tmp_path: Path) -> None:
    file = landed(tmp_path, "x.csv", b'id,notes\n1,a\n2,"a\n' + b"x" * 2_000_000 + b'"\n3,c\n')
    found = [record for block in formats.blocks(file, tmp_path, Options(record_bytes=1_000_000)) for record in block]
    assert [json.loads(record.document) for record in found if record.document] == [
        {"id": "1", "notes": "a"},
        {"id": "3", "notes": "c"},
    ]
    assert "record_too_large" in {record.reason for record in found}


@pytest.mark.parametrize("ends", [b"\n", b"\r\n", b"\r"])
def test_a_quote_inside_a_csv_cell_is_a_character(tmp_path: Path, ends: bytes) -> None:
    content = ends.join(
        [
            b"id,name,mail",
            b'1,Pipe 5" Works,a@x.com',
            b"2,Bo,b@x.com",
            b'3,Tube 7",c@x.com',
            b'4,"Ann ""A"" Lee",d@x.com',
        ]
    )
    assert [record["name"] for record in documents(tmp_path, "x.csv", content)] == [
        'Pipe 5" Works',
        "Bo",
        'Tube 7"',
        'Ann "A" Lee',
    ]


@pytest.mark.parametrize(
    ("lines", "lost"),
    [
        # a quote that opens a cell, and one that another row happens to have
        ([b'1,"Pipe,a', b"2,Bo,b", b'3,Tube 7",c', b"4,Di,d"], [1]),
        ([b'1,"Pipe,a', b"2,Bo,b", b'3,"Tube" 7,c', b"4,Di,d"], [1]),
        ([b'1,"Pipe,a', b"2,Bo,b", b'3,Cy,"c"', b"4,Di,d"], [1]),
        ([b'1,a,"Pipe', b"2,b,Bo", b'3,c,Tube"', b"4,d,Di"], [1]),
        ([b'1,"Pipe,a', b"2,Bo,b", b"3,Cy,c"], [1]),
        ([b'1,"Pipe,a', b'2,"Pipe,b', b'3,"Pipe,c', b"4,Di,d"], [1, 2, 3]),
    ],
)
def test_rows_between_two_stray_quotes_are_rows(tmp_path: Path, lines: list[bytes], lost: list[int]) -> None:
    found = records(tmp_path, "x.csv", b"\n".join([b"id,name,mail", *lines]))
    assert [record.raw for record in found] == lines
    assert [record.number for record in found if record.reason == "unclosed_quote"] == lost
    assert all(record.document for record in found if record.number not in lost)


def test_a_cell_over_several_lines_is_one_row_even_if_the_row_is_ragged(tmp_path: Path) -> None:
    found = records(tmp_path, "x.csv", b'id,note,mail\n1,"Hello, you\n\nBye",a@x.com\n2,"Hello\nBye"\n3,c,c@x.com\n')
    assert [(record.number, record.reason) for record in found] == [(1, None), (2, "ragged_row"), (3, None)]
    assert json.loads(found[0].document or b"")["note"] == "Hello, you\n\nBye"


@pytest.mark.parametrize("first", [b"sep=;", b'"sep=;"', b"SEP=;", b"\xef\xbb\xbfsep=;", b"\nsep=;"])
def test_the_first_line_of_a_csv_may_name_its_separator(tmp_path: Path, first: bytes) -> None:
    assert documents(tmp_path, "x.csv", first + b"\r\nid;a,b,c\r\n1;2,3\r\n") == [{"id": "1", "a,b,c": "2,3"}]


def test_columns_without_a_name_or_with_the_name_of_another_cost_no_row(tmp_path: Path) -> None:
    content = b"Email,Name,,,Name,Email\na@x.com,Ann,,,,a@x.com\nb@x.com,Bo,x,,Bob,\n"
    found = records(tmp_path, "x.csv", content)
    assert [json.loads(record.document or b"") for record in found] == [
        {"Email": "a@x.com", "Name": "Ann", "Email_2": "a@x.com"},
        {"Email": "b@x.com", "Name": "Bo", "column_3": "x", "Name_2": "Bob"},
    ]
    assert [(note.field, note.code, note.given) for record in found for note in record.notes] == [
        ("Name_2", "column_twice", "Bob")
    ]


def test_what_databases_write_for_nothing_is_a_blank_cell(tmp_path: Path) -> None:
    content = b'id,name,note\n1,\\N,"\\N"\n2,Ann,\\Nobody\n'
    assert documents(tmp_path, "x.csv", content) == [{"id": "1"}, {"id": "2", "name": "Ann", "note": "\\Nobody"}]


def test_csv_in_the_vendors_other_encoding_is_read_and_noted(tmp_path: Path) -> None:
    content = "email,firstname\njosé@x.com,José\n".encode("iso-8859-1")
    found = records(tmp_path, "x.csv", content, stream("contacts", "", csv=CsvForm(encodings=("utf-8", "iso-8859-1"))))
    assert [json.loads(record.document or b"") for record in found] == [{"email": "josé@x.com", "firstname": "José"}]
    assert [(note.field, note.code, note.given) for note in found[0].notes] == [
        ("email", "encoding_fallback", "jos\\xe9@x.com"),
        ("firstname", "encoding_fallback", "Jos\\xe9"),
    ]


def test_parquet_keeps_leading_zeros_exact_amounts_and_times(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    row = {
        "id": "00055",
        "amount": Decimal("19.9000"),
        "at": datetime(2026, 3, 1, 12, 30),  # noqa: DTZ001
        "on": date(2026, 3, 1),
        "lines": [{"sku": "a"}],
    }
    pl.DataFrame([row]).write_parquet(buffer)
    [found] = documents(tmp_path, "x.parquet", buffer.getvalue())
    assert found["id"] == "00055"
    assert Decimal(found["amount"]) == Decimal("19.9")
    assert found["at"].startswith("2026-03-01T12:30:00")
    assert (found["on"], found["lines"]) == ("2026-03-01", [{"sku": "a"}])


@pytest.mark.parametrize("kind", [pl.Float64, pl.Float32, pl.Int64])
def test_a_whole_number_in_parquet_is_the_same_in_a_column_of_fractions(tmp_path: Path, kind: pl.DataType) -> None:
    buffer = io.BytesIO()
    pl.DataFrame({"order_id": pl.Series([7001, 0, None, -30], dtype=kind)}).write_parquet(buffer)
    found = [record["order_id"] for record in documents(tmp_path, "x.parquet", buffer.getvalue())]
    assert [value if value is None else str(value) for value in found] == ["7001", "0", None, "-30"]


def test_an_array_too_large_to_hold_gives_the_same_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_documents, "ARRAY_BYTES", 1000)
    values = random.Random(7)
    rows = [{"text": 'x"[{\\,' * values.randint(0, 9), "n": number, "deep": [{"z": ",]}"}]} for number in range(2000)]
    assert documents(tmp_path, "x.json", json.dumps(rows).encode()) == rows


@pytest.mark.parametrize(
    "name",
    [
        "x.ndjson.tmp",
        "x.ndjson.part",
        ".hidden.json",
        "complete.json",
        "_FULL",
        "_SUCCESS",
        "x.csv.md5",
        "x.done",
        "x.ndjson~",
    ],
)
def test_what_is_still_written_or_only_a_marker_is_no_data(name: str) -> None:
    assert not landing_zone.is_data(name)


@pytest.mark.parametrize("name", ["x.ndjson", "full.json", "a b [1]*?.csv", "line\nbreak.json", "завершено.csv"])
def test_odd_names_are_data(name: str) -> None:
    assert landing_zone.is_data(name)


# -- pages ---------------------------------------------------------------------------------------------------------------


def of(vendor: str, name: str) -> Stream:
    return discover()[vendor].streams[name]


@pytest.mark.parametrize(
    ("vendor", "name", "page"),
    [
        ("voucherify", "customers", {"customers": "*", "generated_at": "2026-03-05T01:00:00Z"}),
        (
            "voucherify",
            "customers",
            {"object": "list", "created_at": "2026-03-05T01:00:00Z", "data_ref": "customers", "customers": "*"},
        ),
        ("voucherify", "customers", {"customers": "*", "id": "export_1", "name": "nightly"}),
        ("omnisend", "contacts", {"contacts": "*", "nextPageToken": "q8"}),
        ("omnisend", "contacts", {"results": "*", "requestId": "r"}),
        ("ometria", "orders", {"orders": "*", "exported_at": "2026-03-05T01:00:00Z"}),
        ("optimizely", "profiles", {"profiles": "*", "requestId": "r-1"}),
        ("optimizely", "profiles", {"data": {"profiles": "*", "cursor": None}}),
        ("open_delivery", "orders", {"items": "*", "page": 1, "createdAt": "2026-03-05T01:00:00Z"}),
        ("open_delivery", "customers", {"_embedded": {"customers": "*"}, "_links": {}}),
    ],
)
def test_a_page_is_reported_by_its_declared_list_whatever_stands_beside(
    tmp_path: Path, vendor: str, name: str, page: dict[str, Any]
) -> None:
    element = {
        key: "x" for shape in (of(vendor, name).dialects[0].shape,) for key, leaf in shape.items() if leaf == TEXT
    }
    records_of_page = [element | {"n": 1}, element | {"n": 2}]
    written = json.dumps(page).replace('"*"', json.dumps(records_of_page)).encode()
    assert documents(tmp_path, "x.json", written, of(vendor, name)) == records_of_page
    assert documents(tmp_path, "x.ndjson", written + b"\n" + written, of(vendor, name)) == records_of_page * 2


@pytest.mark.parametrize(
    ("vendor", "name", "record"),
    [
        (
            "open_delivery",
            "orders",
            {"id": "o1", "displayId": "1", "items": [{"id": "p", "name": "Pizza", "quantity": 1}]},
        ),
        ("open_delivery", "orders", {"id": "o1", "items": []}),
        ("ometria", "orders", {"id": "1", "@type": "order", "lineitems": [{"sku": "a"}]}),
        ("voucherify", "segments", {"customer_id": "c1", "segments": [{"id": "s1"}]}),
        ("omnisend", "contacts", {"contactID": "c1", "tags": ["a"], "results": [{"x": 1}]}),
    ],
)
def test_a_record_with_a_list_is_no_page(tmp_path: Path, vendor: str, name: str, record: dict[str, Any]) -> None:
    assert documents(tmp_path, "x.json", json.dumps(record).encode(), of(vendor, name)) == [record]
    assert documents(tmp_path, "x.ndjson", json.dumps(record).encode(), of(vendor, name)) == [record]


@pytest.mark.parametrize("more", [{}, {"total": 1}, {"generated_at": "2026-03-05T01:00:00Z"}, {"name": "nightly"}])
def test_a_list_that_belongs_to_somebody_is_a_page_where_nobody_is_named(tmp_path: Path, more: dict[str, Any]) -> None:
    segments = [{"id": "seg_1", "name": "VIP", "type": "static"}]
    page = json.dumps({"segments": segments} | more).encode()
    assert documents(tmp_path, "x.json", page, of("voucherify", "segments")) == segments
    assert documents(tmp_path, "x.ndjson", page + b"\n" + page, of("voucherify", "segments")) == segments * 2


def test_all_lists_of_objects_in_a_page_are_records(tmp_path: Path) -> None:
    page = b'{"contacts":[{"contactID":"1"}],"orders":[{"orderID":"2"}],"links":[{"rel":"next"}],"notes":["a"]}'
    for name in ("x.json", "x.ndjson"):
        found = records(tmp_path, name, page, of("omnisend", "contacts"))
        assert [(record.number, record.page, record.raw) for record in found] == [
            (1, None, b'{"contactID":"1"}'),
            (2, "orders", b'{"orderID":"2"}'),
        ]


def test_a_page_says_what_its_records_are(tmp_path: Path) -> None:
    page = b'{"object":"list","data_ref":"vouchers","vouchers":[{"id":"v_1"}],"total":1}'
    assert [record.page for record in records(tmp_path, "x.json", page, of("voucherify", "customers"))] == ["vouchers"]


# -- Excel ---------------------------------------------------------------------------------------------------------------


def test_the_first_sheet_of_an_excel_file_is_read_as_it_stands(tmp_path: Path) -> None:
    content = sheet(
        [
            ["id", "big", "amount", "on", "at", "is new", "", "fault", "formula", "zip"],
            [
                "00123",
                Raw("12345678901234567890"),
                Raw("1.1000000000000001"),
                Styled(46082, 1),
                Styled("46082.5", 2),
                True,
                None,
                Error("#N/A"),
                Formula("a&b", "x"),
                10115.0,
            ],
            [],
            [None] * 9 + ["  "],
            [Raw("7001.0"), None, Raw("-3E-2"), Styled(59, 1), Styled(0.75, 3), False, "x", "", None, None, "beyond"],
        ]
    )
    found = records(tmp_path, "x.xlsx", content)
    assert [json.loads(record.raw) for record in found] == [
        {
            "id": "00123",
            "big": 12345678901234567890,
            "amount": 1.1,
            "on": "2026-03-01",
            "at": "2026-03-01T12:00:00",
            "is new": True,
            "formula": "x",
            "zip": 10115,
        },
        {
            "id": 7001,
            "amount": -0.03,
            "on": "1900-02-28",
            "at": "18:00:00",
            "is new": False,
            "column_7": "x",
            "column_11": "beyond",
        },
    ]
    assert [(record.number, note.field, note.code, note.given) for record in found for note in record.notes] == [
        (1, "fault", "error_cell", "#N/A")
    ]
    assert b"12345678901234567890" in found[0].raw


def test_an_excel_file_is_bounded(tmp_path: Path) -> None:
    corners = sheet(
        [["id"], *[[]] * 3], cells='<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row>'
    )
    assert documents(tmp_path, "x.xlsx", corners) == [{"column_16384": "far"}]
    entities = b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><worksheet/>'
    assert reason(tmp_path, "x.xlsx", sheet([["id"]], document=entities)) == "broken_xlsx"


def test_what_is_packed_twice_or_in_parts_unpacks_to_no_more_than_what_is_packed_once(tmp_path: Path) -> None:
    few = Options(unpack_free_bytes=1_000_000)
    assert reason(tmp_path, "x.xlsx", sheet([["id"], ["x" * 2_000_000]]), few) == "archive_too_large"
    assert (
        reason(tmp_path, "x.zip", zipped({f"{n}.ndjson": b"0" * 400_000 for n in range(4)}), few) == "archive_too_large"
    )
    assert reason(tmp_path, "x.zip", zipped({"a.ndjson.gz": packed(b" " * 2_000_000)}), few) == "archive_too_large"
    assert reason(tmp_path, "x.ndjson.gz", packed(b"0" * 2_000_000), few) == "archive_too_large"


# -- every type of Parquet -----------------------------------------------------------------------------------------------


def test_every_type_of_a_parquet_column_is_read(tmp_path: Path) -> None:
    day = datetime(2026, 7, 1)  # noqa: DTZ001
    columns = {
        "text": pl.Series([b"7001", b"\xff\x00", None], dtype=pl.Binary),
        "texts": pl.Series([[b"a"], [], None], dtype=pl.List(pl.Binary)),
        "inner": [
            {"at": day, "amount": Decimal("1.10"), "part": 7001.0, "lines": [{"n": 1.5}]},
            None,
            {"at": None, "amount": None, "part": None, "lines": None},
        ],
        "lasted": [timedelta(days=1, seconds=5), None, None],
        "time": [time(1, 2, 3), None, None],
        "huge": pl.Series([2**100, None, None], dtype=pl.Int128),
        "unsigned": pl.Series([2**64 - 1, None, None], dtype=pl.UInt64),
        "none": [None, None, None],
        "zoned": pl.Series([day, None, None]).dt.replace_time_zone("Europe/Berlin"),
        "pair": pl.Series([[1.0, 2.5], None, None], dtype=pl.Array(pl.Float64, 2)),
        "nan": [float("nan"), float("inf"), None],
        "word": pl.Series(["a", None, None], dtype=pl.Categorical),
    }
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    first, second, third = documents(tmp_path, "x.parquet", buffer.getvalue())
    assert first == {
        "text": "7001",
        "texts": ["a"],
        "inner": {"at": "2026-07-01T00:00:00.000000", "amount": "1.10", "part": "7001", "lines": [{"n": "1.5"}]},
        "lasted": "P1DT5S",
        "time": "01:02:03",
        "huge": str(2**100),
        "unsigned": str(2**64 - 1),
        "none": None,
        "zoned": "2026-07-01T00:00:00.000000+02:00",
        "pair": ["1", "2.5"],
        "nan": "NaN",
        "word": "a",
    }
    assert (second["text"], second["texts"], second["inner"], second["nan"]) == ("ff00", [], None, "inf")
    assert third["inner"] == {"at": None, "amount": None, "part": None, "lines": None}
