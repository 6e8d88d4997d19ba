"""Records leave a landing file of any form, and every other byte of its content stays."""

import gzip
import io
import json
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import zstandard

from orchestration.config.settings import Options
from orchestration.landing import formats
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.rewriting import Rewriting
from orchestration.mapping.model import Stream
from orchestration.normalisation import anonymous
from orchestration.vendors import discover

CONTACTS = discover()["omnisend"].streams["contacts"]


def landed(path: Path, content: bytes) -> LandedFile:
    path.write_bytes(content)
    stat = path.stat()
    return LandedFile(
        date(2026, 3, 1),
        "omnisend",
        "contacts",
        f"landing/{path.name}",
        path,
        stat.st_size,
        stat.st_mtime_ns,
        is_full=False,
    )


def rewritten(
    path: Path, content: bytes, fates: dict[int, frozenset[tuple[str, ...]] | None], stream: Stream = CONTACTS
) -> bytes:
    file = landed(path, content)
    records = [record for block in formats.blocks(file, path.parent, Options(), stream) for record in block]
    Rewriting(file, stream, Options(), anonymous.only).apply(records, fates)
    return path.read_bytes()


def row(number: int) -> str:
    return json.dumps({"contactID": f"c-{number}", "email": f"p{number}@example.org", "note": "é, ]} \\ "})


LINES = "\n".join([row(1), "", row(2), "no json", row(3)]).encode() + b"\n"
ARRAY = f"[\n{row(1)},\n{row(2)},\n{row(3)}\n]\n".encode()


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        (1, f"[\n{row(2)},\n{row(3)}\n]\n"),
        (2, f"[\n{row(1)},\n{row(3)}\n]\n"),
        (3, f"[\n{row(1)},\n{row(2)}\n]\n"),
    ],
)
def test_an_element_leaves_an_array_with_one_comma(tmp_path: Path, gone: int, left: str) -> None:
    assert rewritten(tmp_path / "a.json", ARRAY, {gone: None}).decode() == left


def test_lines_leave_with_their_ends_and_blank_and_broken_ones_stay(tmp_path: Path) -> None:
    assert (
        rewritten(tmp_path / "a.ndjson", LINES, {2: None}).decode() == "\n".join([row(1), "", "no json", row(3)]) + "\n"
    )
    assert rewritten(tmp_path / "b.ndjson", LINES, {1: None, 2: None, 3: None, 4: None}) == b""


def test_a_file_of_one_object_becomes_an_empty_delivery(tmp_path: Path) -> None:
    assert rewritten(tmp_path / "a.json", row(1).encode(), {1: None}) == b""


def test_records_leave_a_page_on_one_line_and_one_over_many(tmp_path: Path) -> None:
    def page(*rows: str) -> str:
        return '{"contacts": [' + ", ".join(rows) + '], "paging": {"next": null}}'

    assert rewritten(tmp_path / "a.json", page(row(1), row(2)).encode(), {2: None}).decode() == page(row(1))
    lines = f"{page(row(1), row(2))}\n{page(row(3), row(4))}\n"
    assert (
        rewritten(tmp_path / "b.ndjson", lines.encode(), {3: None}).decode()
        == f"{page(row(1), row(2))}\n{page(row(4))}\n"
    )


def test_what_was_packed_or_in_another_encoding_is_so_again(tmp_path: Path) -> None:
    left = f"[\n{row(1)},\n{row(3)}\n]\n"
    assert gzip.decompress(rewritten(tmp_path / "a.json.gz", gzip.compress(ARRAY), {2: None})).decode() == left
    assert (
        zstandard.decompress(rewritten(tmp_path / "a.json.zst", zstandard.compress(ARRAY), {2: None})).decode() == left
    )
    assert rewritten(tmp_path / "a.json", ARRAY.decode().encode("utf-16"), {2: None}).decode("utf-16") == left


def test_a_row_leaves_a_csv_text_and_of_another_only_some_cells_stay(tmp_path: Path) -> None:
    text = (
        'email,contactID,note\r\na@example.org,1,"x, ""y"""\r\nb@example.org,2,\r\nc@example.org,3,"two\r\nlines"\r\n'
    )
    done = rewritten(tmp_path / "a.csv", text.encode(), {1: None, 3: frozenset({("contactID",)})})
    assert done.decode() == "email,contactID,note\r\nb@example.org,2,\r\n,3,\r\n"


def test_a_row_leaves_a_parquet_file_and_the_types_stay(tmp_path: Path) -> None:
    frame = pl.DataFrame({"email": ["a", "b", "c"], "n": [1, 2, 3], "in": [{"x": 1, "y": "p"}] * 3})
    out = io.BytesIO()
    frame.write_parquet(out)
    done = pl.read_parquet(
        io.BytesIO(
            rewritten(tmp_path / "a.parquet", out.getvalue(), {1: None, 3: frozenset({("n",), ("in",), ("in", "x")})})
        )
    )
    assert done.schema == frame.schema
    assert done.rows() == [("b", 2, {"x": 1, "y": "p"}), (None, 3, {"x": 1, "y": None})]


def test_of_a_json_record_the_fractions_that_stay_are_written_as_they_were(tmp_path: Path) -> None:
    text = b'{"contactID": "1", "email": "a@example.org", "total": 1.10}\n{"contactID": "2"}\n'
    assert (
        rewritten(tmp_path / "a.ndjson", text, {1: frozenset({("contactID",), ("total",)})})
        == b'{"contactID":"1","total":1.10}\n{"contactID": "2"}\n'
    )
