"""Stretches of a file of lines hold its records, each once and in their order; what cannot be cut is left whole."""

import random
from datetime import date
from itertools import chain
from pathlib import Path

import pytest

from orchestration.config.options import Options
from orchestration.landing import formats, stretches
from orchestration.landing.containers import BOM
from orchestration.landing.landing_zone import LandedFile
from orchestration.landing.stretches import blocks_at, repeated_lines, stretches_of
from orchestration.mapping.model import Stream

STREAM = Stream("events", "", ())
LINES = (b'{"a": 1}', b"", b"  ", b"{bad", b'["x", {"b": 2}]', b'{"items": [{"c": 3}, {"d": 4}]}', b'{"e": "' + b"z" * 3000 + b'"}', "{\"f\": \"é\u2028\"}".encode())  # fmt: skip


def landed(path: Path, content: bytes) -> LandedFile:
    path.write_bytes(content)
    return LandedFile(date(2026, 3, 1), "omnisend", "events", path.name, path, len(content), 0, False)


@pytest.mark.parametrize("seed", range(6))
def test_stretches_hold_the_records_of_the_file(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    lines = chain.from_iterable((chance.choice(LINES), chance.choice((b"\n", b"\r\n", b"\n\n"))) for _ in range(300))
    content = (BOM if seed % 2 else b"") + b'{"first": 1}\n' + b"".join(lines) + b'{"last": 1}' + b"\n" * (seed % 3)
    file = landed(tmp_path / "events.ndjson", content)
    cut = stretches_of(file, 5_000)
    assert len(cut) > 10
    assert [one.end for one in cut[:-1]] == [one.start for one in cut[1:]]
    limits = Options(record_bytes=2_000)
    whole = [record for block in formats.blocks(file, tmp_path, limits, STREAM) for record in block]
    parts = [[record for block in stretches.blocks(file, one, limits, STREAM) for record in block] for one in cut]
    assert all([record.number for record in part] == list(range(1, len(part) + 1)) for part in parts)
    assert [(one.raw, one.document, one.reason, one.page) for one in chain.from_iterable(parts)] == [
        (one.raw, one.document, one.reason, one.page) for one in whole
    ]


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a.ndjson.gz", b'{"a": 1}\n'),
        ("a.csv", b'{"a": 1}\n'),
        ("a.json", b'{"a": 1}\n'),
        ("a.ndjson", b"["),
        ("a.ndjson", b'{"a":\n'),
        ("a.ndjson", b'{"a": "' + b"x" * 5_000 + b'"}\n'),
        ("a.ndjson", b"\xff\xfe{\0"),
    ],
)
def test_what_is_not_plainly_lines_is_left_whole(tmp_path: Path, name: str, start: bytes) -> None:
    assert stretches_of(landed(tmp_path / name, start + b'{"a": 1}\n' * 5_000), 5_000) == []


def test_a_line_without_end_is_one_stretch_with_what_stands_before(tmp_path: Path) -> None:
    file = landed(tmp_path / "a.ndjson", b'{"a": 1}\n{"b": "' + b"x" * 3_000_000 + b'"}')
    [whole] = stretches_of(file, 100_000)
    assert (whole.start, whole.end) == (0, file.size)


def test_lines_that_an_earlier_stretch_has_are_found_where_they_begin(tmp_path: Path) -> None:
    lines = [b'{"number": %d}' % number for number in range(4_000)]
    again = [*lines[:2], b"[" + lines[2] + b"]", *lines[:2]]
    file = landed(tmp_path / "a.ndjson", b"\n".join([*lines, *again, *lines[3_900:3_910]]))
    cut = stretches_of(file, 30_000)
    found = repeated_lines(file, cut)
    assert len(found) == len(cut) > 1
    assert [starts for starts in found if starts] == found[-1:]
    records = [record for block in blocks_at(file, found[-1], Options(), STREAM) for record in block]
    assert [record.raw for record in records][:4] == [*lines[:2], *lines[:2]]


def test_lines_of_a_file_that_repeats_itself_throughout_are_not_looked_for(tmp_path: Path) -> None:
    file = landed(tmp_path / "a.ndjson", b'{"a": 1}\n' * 10_000)
    assert not any(repeated_lines(file, stretches_of(file, 10_000)))
