"""Every failure of the engine is reported by its cause, and never with its own words, which may quote a row."""

import os
import struct
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import Settings
from orchestration.runtime import errors
from orchestration.warehouse import file_soundness

ANNA = "anna@mail.test.example.com"


@pytest.mark.parametrize(
    ("error", "sentence", "exit_code"),
    [
        (
            duckdb.OutOfMemoryException(f"Out of Memory Error: failed to allocate data of size 16.0 KiB {ANNA}"),
            "too little memory",
            1,
        ),
        (
            duckdb.OutOfMemoryException(
                "Out of Memory Error: This limit was set by the 'max_temp_directory_size' setting."
            ),
            "disk is full",
            1,
        ),
        (duckdb.IOException('IO Error: Could not write file "x": No space left on device'), "disk is full", 1),
        (OSError(28, "No space left on device"), "disk is full", 1),
        (
            duckdb.IOException('IO Error: Could not set lock on file "x": Conflicting lock is held in python (PID 7)'),
            "open in another program",
            1,
        ),
        (
            duckdb.IOException(
                "IO Error: Trying to read a database file with version number 99, but we can only read versions between 64 and 70"
            ),
            "newer",
            1,
        ),
        (duckdb.Error("Corrupt database file: computed checksum 1 does not match stored checksum 2"), "is damaged", 1),
        (
            duckdb.ParserException("Parser Error: Memory value out of range: value is too large"),
            "refuses `memory_limit` or `threads`",
            2,
        ),
        (
            duckdb.IOException('IO Error: Cannot open file "x": Permission denied'),
            "does not let a database file be read",
            1,
        ),
        (
            duckdb.ConversionException(f"Conversion Error: Could not convert string '{ANNA}' to INT32"),
            "Unexpected ConversionException",
            1,
        ),
        (MemoryError(ANNA), "machine has too little memory", 1),
        (ValueError(f"no space left on device of {ANNA}"), "Unexpected ValueError", 1),
    ],
)
def test_a_failure_is_reported_by_its_cause(error: Exception, sentence: str, exit_code: int) -> None:
    plain = errors.to_operator_error(error)
    assert sentence in plain.message
    assert plain.exit_code == exit_code
    assert plain.remedy
    assert ANNA not in str(plain)
    assert "move" not in str(plain).lower() or "damaged" in plain.message


def cut(path: Path) -> None:
    os.truncate(path, 9000)


def written_by_a_newer_engine(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[12:20] = struct.pack("<Q", 99)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        (lambda path: None, "sound"),
        (cut, "damaged"),
        (written_by_a_newer_engine, "damaged"),  # its checksum says so first
        (lambda path: path.write_bytes(b""), "damaged"),
        (lambda path: path.write_bytes(b"\0" * 9000), "damaged"),
        (lambda path: path.write_bytes(b"SQLite format 3\0" + b"\0" * 9000), "foreign"),
        (lambda path: path.write_text("my thesis", encoding="utf-8"), "foreign"),
    ],
)
def test_what_is_to_be_thought_of_a_file(settings: Settings, change: Callable[[Path], object], verdict: str) -> None:
    with duckdb.connect(str(settings.published_file)) as con:
        con.execute(
            "create schema marts; create table marts.dim_customers as select range as i, 'x' || range as name from range(50000)"
        )
    change(settings.published_file)
    assert file_soundness.verdict(settings.published_file, settings) == verdict


def test_a_damaged_block_is_found_by_reading_all_of_the_file(settings: Settings) -> None:
    with duckdb.connect(str(settings.published_file)) as con:
        con.execute(
            "create schema marts; create table marts.dim_customers as select range as i, md5(range::varchar) as name from range(50000)"
        )
    assert file_soundness.can_be_read(settings.published_file, settings)
    with settings.published_file.open("r+b") as file:
        file.seek(settings.published_file.stat().st_size // 2)
        file.write(os.urandom(4096))
    assert not file_soundness.can_be_read(settings.published_file, settings)
