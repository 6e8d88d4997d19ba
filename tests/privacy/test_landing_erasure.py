"""Records leave a landing file of any form, and every other byte of its content stays."""

import gzip
import io
import json
import zipfile
from datetime import date
from pathlib import Path

import polars as pl
import pytest
import zstandard

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import formats
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.rewriting import Rewriting
from orchestration.mapping.model import Stream
from orchestration.normalisation import anonymous, erasures
from orchestration.normalisation.erasures import Erasures
from orchestration.privacy import landing_erasure
from orchestration.vendors import discover
from tests.support.archives import sheet, zipped

PLAIN = Options()
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
    path: Path,
    content: bytes,
    fates: dict[int, frozenset[tuple[str, ...]] | None],
    stream: Stream = CONTACTS,
    limits: Options = PLAIN,
) -> bytes:
    file = landed(path, content)
    records = [record for block in formats.blocks(file, path.parent, limits, stream) for record in block]
    Rewriting(file, stream, limits, anonymous.only).apply(records, fates)
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


def test_a_line_leaves_after_broken_ones_and_those_stay_as_they_are(tmp_path: Path) -> None:
    text = f'{{"cut": [1,\n{row(1)}\n{row(2)}\n'
    assert rewritten(tmp_path / "a.ndjson", text.encode(), {2: None}).decode() == f'{{"cut": [1,\n{row(2)}\n'


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


def test_a_record_that_stands_in_another_one_too_leaves_that_one_whole(tmp_path: Path) -> None:
    inner = '{"email": "a@example.org"}'
    other = f'{{"contactID": "c-2", "referrer": {inner}, "list": [{inner}, 1]}}'
    done = rewritten(tmp_path / "a.json", f"[{other}, {inner}, {row(3)}]".encode(), {2: None})
    assert done.decode() == f"[{other}, {row(3)}]"


def test_a_row_that_stands_in_the_cell_of_another_one_leaves_that_one_whole(tmp_path: Path) -> None:
    text = 'email,contactID,note\na@example.org,1,x\nb@example.org,2,"told:\na@example.org,1,x\nand more"\n'
    assert (
        rewritten(tmp_path / "a.csv", text.encode(), {1: None}).decode()
        == 'email,contactID,note\nb@example.org,2,"told:\na@example.org,1,x\nand more"\n'
    )


@pytest.mark.parametrize("name", ["a.ndjson", "a.csv"])
def test_a_line_that_is_too_long_to_be_read_leaves_whole(tmp_path: Path, name: str) -> None:
    long = row(2)[:-1] + f', "more": "{"x" * 300}"}}' if name == "a.ndjson" else f"{'y' * 300},2"
    head = "" if name == "a.ndjson" else "email,contactID\n"
    rest = row(3) if name == "a.ndjson" else "c@example.org,3"
    content = f"{head}{long}\n{rest}\n".encode()
    done = rewritten(tmp_path / name, content, {1: None}, limits=Options(record_bytes=200))
    assert done.decode() == f"{head}{rest}\n"


def test_values_of_others_in_a_parquet_file_are_not_touched(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"email": ["a", "b"], "big": [1, 2**64 - 1], "bytes": [b"", b"\xff"], "word": ["x", "y"], "money": ["1.10", "2.20"]},
        schema={"email": pl.String, "big": pl.UInt64, "bytes": pl.Binary, "word": pl.Categorical, "money": pl.String},
    ).with_columns(pl.col("money").cast(pl.Decimal(38, 2)))  # fmt: skip
    out = io.BytesIO()
    frame.write_parquet(out)
    done = pl.read_parquet(io.BytesIO(rewritten(tmp_path / "a.parquet", out.getvalue(), {1: None})))
    assert done.schema == frame.schema
    assert done.rows() == frame.rows()[1:]


def test_records_leave_the_members_of_an_archive_and_all_else_of_it_stays(tmp_path: Path) -> None:
    content = zipped({"b.json": ARRAY, "a.ndjson": LINES, "__MACOSX/a": b"hello", "c.csv.gz": gzip.compress(b"email,contactID\na@example.org,9\n")})  # fmt: skip
    # By the names of the members: four lines of a, of which one is broken, three elements of b, one row of c.
    done = rewritten(tmp_path / "a.zip", content, {2: None, 6: None})
    with zipfile.ZipFile(io.BytesIO(done)) as archive, zipfile.ZipFile(io.BytesIO(content)) as before:
        assert archive.namelist() == before.namelist()
        assert archive.read("a.ndjson").decode() == "\n".join([row(1), "", "no json", row(3)]) + "\n"
        assert archive.read("b.json").decode() == f"[\n{row(1)},\n{row(3)}\n]\n"
        assert archive.read("c.csv.gz") == before.read("c.csv.gz")
        assert archive.read("__MACOSX/a") == b"hello"
        assert [info.date_time for info in archive.infolist()] == [info.date_time for info in before.infolist()]


def test_rows_of_an_excel_file_are_emptied_and_texts_that_only_they_had_go(tmp_path: Path) -> None:
    shown = [["email", "contactID", "note"], ["a@example.org", "1", "theirs"], ["b@example.org", "2", "shared"], ["c@example.org", "3", "shared"]]  # fmt: skip
    path = tmp_path / "a.xlsx"
    done = rewritten(path, sheet(shown), {1: None, 3: frozenset({("contactID",)})})
    left = [json.loads(record.raw) for block in formats.blocks(landed(path, done), tmp_path, Options(), CONTACTS) for record in block]  # fmt: skip
    assert left == [{"Email": "b@example.org", "contactID": "2", "note": "shared"}, {"contactID": "3"}]
    with zipfile.ZipFile(io.BytesIO(done)) as archive:
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert not {text for text in (b"a@example.org", b"theirs", b"c@example.org") if text in whole}


def test_a_decision_over_several_lines_leaves_the_rules_whole(tmp_path: Path) -> None:
    text = (
        "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,"
        "identifier_type,identifier_value,author,reason\r\n"
        'never,omnisend,default,contacts,{},omnisend,default,contacts,c-9,,,mia,"father and son,\nboth called Leo"\r\n'
    )
    settings = Settings(data=tmp_path)
    settings.config.mkdir()
    path = settings.config / "identity_overrides.csv"
    path.write_bytes((text.format("c-1") + text.format("c-2").partition("\n")[2]).encode())
    gone = erasures.hashes(b"a secret", [erasures.record("omnisend", "default", "contacts", "c-1")])
    assert landing_erasure.rules(settings, Erasures(b"a secret", dict.fromkeys(gone, date.max))) == 1
    assert path.read_bytes() == text.format("c-2").encode()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("exports/jane@example.org/page.html", b"<p>"),
        ("of jane%40example.org.txt", b""),
        ("notes.txt", b"ask jane@example.org"),
        ("notes.txt.gz", gzip.compress(b"ask jane@example.org", mtime=0)),
        ("notes.csv", "ask jane@example.org".encode("utf-16")),
    ],
)
def test_a_file_beside_the_deliveries_is_named_by_what_it_holds_and_by_its_name(
    tmp_path: Path, name: str, content: bytes
) -> None:
    settings, found = Settings(data=tmp_path), landing_erasure.Found()
    for path in (tmp_path / name, tmp_path / "others" / "mary@example.org.txt"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if path.name in name else b"mary@example.org")
    gone = erasures.hashes(b"a secret", [erasures.mention("jane@example.org")])
    landing_erasure.erase_elsewhere(settings, Erasures(b"a secret", dict.fromkeys(gone, date.max)), found)
    assert len(found.by_hand) == 1 and "mary" not in found.by_hand[0] and "jane" not in found.by_hand[0]
