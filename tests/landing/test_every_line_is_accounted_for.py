"""The law of reading: as many records come out of a file as whoever made it put in, whatever its format and whatever is wrong with some of them."""

import csv
import gzip
import io
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.config.options import Options
from orchestration.landing.containers import ContainerError
from tests.landing.test_formats import records
from tests.support.archives import sheet, zipped

SMALL = Options(record_bytes=2_000)
TEXTS = st.one_of(
    st.sampled_from(['5" pipe', "a,b;c|d", "'", "é", "x" * 3_000, 'say "so"', "[{", "=1"]),
    st.text("ab \"',;|é", min_size=1, max_size=8),
)
ROWS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=12)
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
PACK = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}
FORMS = ("ndjson", "array", "page", "pages", "csv", "parquet", "xlsx")


def written(form: str, rows: list[tuple[str, str]], ends: str, delimiter: str, encoding: str) -> tuple[str, bytes]:
    """The rows as a file of the form, with the end of its name."""
    reported = [{"id": f"r{number}", "a": a, "b": b} for number, (a, b) in enumerate(rows)]
    page = {"contacts": reported, "generated_at": "2026-03-01"}
    if form == "parquet":
        buffer = io.BytesIO()
        pl.DataFrame(reported).write_parquet(buffer)
        return ".parquet", buffer.getvalue()
    if form == "xlsx":
        return ".xlsx", sheet([["id", "a", "b"], *(list(one.values()) for one in reported)])
    if form == "csv":
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=delimiter, lineterminator=ends).writerows(
            [["id", "a", "b"], *(list(one.values()) for one in reported)]
        )
        return ".csv", text.getvalue().encode(encoding)
    texts = {
        "ndjson": map(json.dumps, reported),
        "pages": [json.dumps(page | {"contacts": [one]}) for one in reported],
        "array": [json.dumps(reported, indent=1)],
    }
    return ".ndjson" if form in ("ndjson", "pages") else ".json", ends.join(texts.get(form, [json.dumps(page)])).encode(
        encoding
    )


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    rows=ROWS,
    form=st.sampled_from(FORMS),
    ends=ENDS,
    delimiter=st.sampled_from(",;|\t"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    packing=st.sampled_from(["", ".gz", ".zst"]),
    is_zipped=st.booleans(),
)
def test_as_many_records_come_out_as_were_put_in(
    tmp_path: Path,
    rows: list[tuple[str, str]],
    form: str,
    ends: str,
    delimiter: str,
    encoding: str,
    packing: str,
    is_zipped: bool,
) -> None:
    end, content = written(form, rows, ends, delimiter, encoding)
    name, content = f"x{end}{packing}", PACK[packing](content)
    if is_zipped:
        name, content = "x.zip", zipped({name: content})
    found = records(tmp_path, name, content, options=SMALL)
    assert [record.number for record in found] == list(range(1, len(rows) + 1))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(
        st.sampled_from(
            [
                "1,a,b",
                '2,5" pipe,b',
                '3,a,7"',
                '4,"a ""b""",c',
                "5,a",
                "6,a,b,c",
                "7," + "x" * 3_000 + ",b",
                '8,"a, b",c',
            ]
        ),
        min_size=1,
        max_size=15,
    ),
    ends=st.lists(ENDS, min_size=15, max_size=15),
)
def test_every_line_of_a_csv_is_a_row_whatever_is_wrong_with_others(
    tmp_path: Path, lines: list[str], ends: list[str]
) -> None:
    content = "id,a,b\n" + "".join(line + end for line, end in zip(lines, ends, strict=False))
    found = records(tmp_path, "x.csv", content.encode(), options=SMALL)
    assert [record.raw[:1].decode() for record in found] == [line[:1] for line in lines]


PEOPLE = [("a, b", "Zoë"), ('5" pipe', "x\ny"), ("c", "last")]


@pytest.mark.parametrize("form", ["ndjson", "array", "page", "pages", "csv", "xlsx", "parquet"])
def test_of_a_file_cut_anywhere_no_value_is_another_and_no_record_is_missing_unsaid(tmp_path: Path, form: str) -> None:
    end, content = written(form, PEOPLE, "\n", ",", "utf-8")
    whole = [json.loads(record.document or b"") for record in records(tmp_path, f"x{end}", content)]
    for length in range(1, len(content)):
        try:
            found = records(tmp_path, f"x{end}", content[:length])
        except ContainerError:
            continue
        read = [
            json.loads(record.document)
            for record in found
            if record.document and not record.reason and is_json(record.document)
        ]
        assert [record.number for record in found] == list(range(1, len(found) + 1))
        if form == "csv" and read and not content[:length].endswith(b"\n"):
            # Where its last cell ends, only the line that is cut could say: it ends early, and never differently.
            last = read.pop()
            assert all(whole[len(read)][name].startswith(value) for name, value in last.items())
        assert read == whole[: len(read)]
        assert len(found) - len(read) <= 3


def is_json(document: bytes) -> bool:
    try:
        return isinstance(json.loads(document), dict)
    except ValueError:
        return False
