"""What is in a landing file: its records, one block at a time. Formats are told by name and checked by content.

Nothing here knows what a record means.
"""

import io
import os
from collections.abc import Iterator
from pathlib import Path

from orchestration import csv_rows, json_texts, ndjson, parquet_rows
from orchestration.containers import BOM, ContainerError, Limits, opened
from orchestration.json_texts import Pages
from orchestration.landing import LandedFile
from orchestration.mapping import CsvForm
from orchestration.records import Record

FORMATS = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv", ".tsv": "csv", ".parquet": "parquet"}
PACKINGS = {".gz": "gz", ".zst": "zst"}
USUAL_ENVELOPES = ("items", "data", "results")
PLAIN_CSV = CsvForm()


def blocks(
    file: LandedFile, data_folder: Path, limits: Limits, *, envelopes: tuple[str, ...] = (), owners: tuple[str, ...] = (), csv_form: CsvForm = PLAIN_CSV
) -> Iterator[list[Record]]:
    """The file's records in blocks of some megabytes; raises `ContainerError` when the file as a whole is broken."""
    # `realpath` and not `Path.resolve`, which raises on a link to itself.
    if file.path.is_symlink() and not Path(os.path.realpath(file.path)).is_relative_to(os.path.realpath(data_folder)):
        raise ContainerError("outside_landing")
    form, packing = format_of(file.path.name)
    if form is None:
        raise ContainerError("unknown_format")
    if not file.path.is_file():
        raise ContainerError("unreadable_file")
    if file.size == 0:
        raise ContainerError("empty_file")
    with opened(file.path, packing, limits) as content:
        head = content.peek(4)
        if not head:
            raise ContainerError("empty_file")
        _check_content(form, head)
        if form == "parquet":
            records = parquet_rows.rows(content)
        elif form == "csv":
            records = csv_rows.rows(content, limits, csv_form)
        elif _is_array_or_page(form, content):
            records = json_texts.texts(content, Pages((file.stream, *envelopes, *USUAL_ENVELOPES), frozenset(owners)), limits)
        else:
            records = ndjson.lines(content, limits)
        yield from ndjson.in_blocks(records)


def format_of(name: str) -> tuple[str | None, str | None]:
    """Format and packing a name stands for; null if unknown or none."""
    lowered = name.lower()
    packing = next((kind for suffix, kind in PACKINGS.items() if lowered.endswith(suffix)), None)
    stem = lowered.rsplit(".", 1)[0] if packing else lowered
    return next((form for suffix, form in FORMATS.items() if stem.endswith(suffix)), None), packing


def _check_content(form: str, head: bytes) -> None:
    is_parquet = head.startswith(b"PAR1")
    is_binary = head.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"%PDF", b"\xd0\xcf\x11\xe0", b"\x89PNG", b"\xff\xfe", b"\xfe\xff"))
    if is_parquet != (form == "parquet") or is_binary or (form == "csv" and head.removeprefix(BOM).lstrip()[:1] in (b"{", b"[")):
        raise ContainerError("format_mismatch")


def _is_array_or_page(form: str, content: io.BufferedReader) -> bool:
    return form == "json" or content.peek(2**16).removeprefix(BOM).lstrip().startswith(b"[")
