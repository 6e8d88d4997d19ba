"""What a delivered file holds: formats told by name and checked by content, bad rows apart, broken containers whole."""

import gzip
import io
import json
import random
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import zstandard

from orchestration import formats, json_texts, landing
from orchestration.containers import ContainerError
from orchestration.landing import LandedFile
from orchestration.mapping import CsvForm
from orchestration.records import Record
from orchestration.settings import Options

LINES = b'{"a":1}\n\n{"a":2}\r\n{"b":3}'


def packed(content: bytes) -> bytes:
    """The same bytes at any time of day: they are part of test names."""
    return gzip.compress(content, mtime=0)


def landed(folder: Path, name: str, content: bytes) -> LandedFile:
    path = folder / name
    path.write_bytes(content)
    return LandedFile(date(2026, 3, 1), "omnisend", "contacts", name, path, len(content), 0, is_full=False)


def records(folder: Path, name: str, content: bytes, **more: Any) -> list[Record]:
    return [record for block in formats.blocks(landed(folder, name, content), folder, Options(), **more) for record in block]


def documents(folder: Path, name: str, content: bytes, **more: Any) -> list[object]:
    return [json.loads(record.document) for record in records(folder, name, content, **more) if record.document]


def reason(folder: Path, name: str, content: bytes) -> str:
    with pytest.raises(ContainerError) as caught:
        records(folder, name, content)
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
        ("x.json", b'{"contacts":[{"a":1}, {"a":2},{"b":3}],"paging":{"next":null}}'),
        ("x.json", b'{"object":"list","data_ref":"people","people":[{"a":1}, {"a":2},{"b":3}],"total":3}'),
        ("x.json", b'{"items":[{"a":1}, {"a":2},{"b":3}],"page":1,"pageSize":500}'),
    ],
)
def test_the_same_records_come_out_of_every_json_form(tmp_path: Path, name: str, content: bytes) -> None:
    assert documents(tmp_path, name, content) == [{"a": 1}, {"a": 2}, {"b": 3}]


def test_a_single_object_is_one_record_even_if_it_holds_a_list(tmp_path: Path) -> None:
    assert documents(tmp_path, "x.json", b'{"id": 1, "items": [{"sku": "a"}]}') == [{"id": 1, "items": [{"sku": "a"}]}]


def test_an_empty_page_has_no_records(tmp_path: Path) -> None:
    assert records(tmp_path, "x.json", b'{"contacts": []}') == []


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
    assert [(record.number, record.reason, len(record.raw) <= 1_000_002) for record in found] == [(1, "record_too_large", True), (2, None, True)]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("x.ndjson", b"", "empty_file"),
        ("x.csv", b"", "empty_file"),
        ("x.ndjson.gz", packed(b""), "empty_file"),
        ("x.xlsx", b"PK\x03\x04", "unknown_format"),
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
        ("x.csv", b"a,a\n1,2", "broken_csv"),
        ("x.csv", b'"a,b\n1,2', "broken_csv"),
        ("x.csv", b"zoe@private.example,Zoe\nyan@private.example,Yan\n", "broken_csv"),
        ("x.csv", b"Zoe;+49 1512 7778899\nYan;+49 1512 7778898\n", "broken_csv"),
        ("x.parquet", b"PAR1 and no more", "broken_parquet"),
    ],
)
def test_a_broken_file_has_a_reason(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    assert reason(tmp_path, name, content) == expected


def test_a_file_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    assert reason(tmp_path, "x.ndjson.gz", packed(b"0" * 110_000_000)) == "archive_too_large"


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
    content = delimiter.join([b"\xef\xbb\xbfid", b"text"]) + b"\r\n" + delimiter.join([b"0015", b'"a ""b""\n' + delimiter + b'c"']) + b"\r\n"
    assert documents(tmp_path, "x.csv", content) == [{"id": "0015", "text": f'a "b"\n{delimiter.decode()}c'}]


def test_a_quote_that_never_closes_costs_one_row(tmp_path: Path) -> None:
    found = records(tmp_path, "x.csv", b'a;b\n1;2\n3;"open\n4;5\n6;7\n')
    assert [(record.number, record.reason) for record in found] == [(1, None), (2, "unclosed_quote"), (3, None), (4, None)]


def test_a_cell_may_be_as_large_as_a_record_may(tmp_path: Path) -> None:
    assert documents(tmp_path, "x.csv", b"id,notes\n1," + b"x" * 1_000_000 + b"\n") == [{"id": "1", "notes": "x" * 1_000_000}]


@pytest.mark.parametrize("large", [b"2," + b"x" * 2_000_000, b'2,"' + b"x" * 2_000_000 + b'"', b'2,"a\n' + b"x" * 2_000_000 + b'"'])
def test_a_row_beyond_the_limit_is_never_taken_for_what_is_left_of_it(tmp_path: Path, large: bytes) -> None:
    file = landed(tmp_path, "x.csv", b"id,notes\n1,a\n" + large + b"\n3,c\n")
    found = [record for block in formats.blocks(file, tmp_path, Options(record_bytes=1_000_000)) for record in block]
    assert [json.loads(record.document) for record in found if record.document] == [{"id": "1", "notes": "a"}, {"id": "3", "notes": "c"}]
    assert "record_too_large" in {record.reason for record in found}


def test_csv_in_the_vendors_other_encoding_is_read_and_noted(tmp_path: Path) -> None:
    content = "email,firstname\njosé@x.com,José\n".encode("iso-8859-1")
    found = records(tmp_path, "x.csv", content, csv_form=CsvForm(encodings=("utf-8", "iso-8859-1")))
    assert [(json.loads(record.document or b""), record.note) for record in found] == [({"email": "josé@x.com", "firstname": "José"}, "encoding_fallback")]


def test_parquet_keeps_leading_zeros_exact_amounts_and_times(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    row = {"id": "00055", "amount": Decimal("19.9000"), "at": datetime(2026, 3, 1, 12, 30), "on": date(2026, 3, 1), "lines": [{"sku": "a"}]}  # noqa: DTZ001
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
    monkeypatch.setattr(json_texts, "ARRAY_BYTES", 1000)
    values = random.Random(7)
    rows = [{"text": 'x"[{\\,' * values.randint(0, 9), "n": number, "deep": [{"z": ",]}"}]} for number in range(2000)]
    assert documents(tmp_path, "x.json", json.dumps(rows).encode()) == rows


@pytest.mark.parametrize(
    "name",
    ["x.ndjson.tmp", "x.ndjson.part", ".hidden.json", "complete.json", "_FULL", "_SUCCESS", "x.csv.md5", "x.done", "x.ndjson~"],
)
def test_what_is_still_written_or_only_a_marker_is_no_data(name: str) -> None:
    assert not landing.is_data(name)


@pytest.mark.parametrize("name", ["x.ndjson", "full.json", "a b [1]*?.csv", "line\nbreak.json", "завершено.csv"])
def test_odd_names_are_data(name: str) -> None:
    assert landing.is_data(name)
