"""Junk in every field of every sample record, one field at a time: the record loads or is rejected for a reason, and no typed value goes in silence."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, reduce
from itertools import islice, product
from operator import getitem
from pathlib import Path
from typing import Any

import pytest

from orchestration.canonical.tables import TABLES
from orchestration.landing.formats import format_of
from orchestration.vendors import discover
from tests.support.goldens import EXPORT_DATE, Outcome, documents_of, normalise
from tests.support.paths import SAMPLES

EMPTY = ("", " ", [], {})
JUNK = (
    True,
    17,
    -1.5,
    "NaN",
    "Infinity",
    "undefined",
    "0000-00-00",
    "1e400",
    "\x00\x07",
    "x" * 5000,
    {"junk": 1},
    ["junk"],
    [["junk"]],
    *EMPTY,
)
# Which of several identifiers is shown follows from those that there are.
FOLLOWING = {"customer_identifiers.is_primary"}
# Columns of these kinds hold what a text is read as; all others hold the text itself.
TYPED = ("money", "decimal", "number", "integer", "double", "flag", "time", "date", "code")


@dataclass(frozen=True)
class Sample:
    """A record of the sample exports, and what it comes out as."""

    vendor: str
    stream: str
    record: dict[str, Any]
    dialect: str


@cache
def samples() -> tuple[Sample, ...]:
    """Every record of the sample exports that is loaded as it stands."""
    return tuple(
        sample
        for path in sorted(SAMPLES.rglob("*"))
        if path.is_file() and format_of(path.name)[0]
        for sample in _of_file(path)
    )


def _of_file(path: Path) -> Iterator[Sample]:
    vendor, stream = path.relative_to(SAMPLES).parts[:2]
    documents = documents_of(path.read_bytes(), discover()[vendor].streams[stream], path.name)
    outcome = normalise(vendor, stream, documents)
    frames = [
        outcome.normalised.frame(table).select("source_row", "source_dialect") for table in outcome.normalised.frames
    ]
    dialects = dict(row for frame in frames for row in frame.iter_rows())
    yield from (
        Sample(vendor, stream, json.loads(documents[number - 1]), dialect)
        for number, dialect in sorted(dialects.items())
    )


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value stands, objects and lists themselves as well as what is in them; of a list the first element."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*path, key))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def with_junk(value: Any, path: tuple[Any, ...], junk: Any) -> Any:
    """A copy of the value with junk in one place."""
    if not path:
        return junk
    inner = with_junk(value[path[0]], path[1:], junk)
    return {**value, path[0]: inner} if isinstance(value, dict) else [inner, *value[1:]]


def typed(outcome: Outcome, dialect: str) -> dict[int, list[dict[str, Any]]]:
    """The typed values of the rows of each record that is of the dialect; a time that was made up is none."""
    found: dict[int, list[dict[str, Any]]] = {}
    for table in outcome.normalised.frames:
        columns = [column.name for column in TABLES[table].columns if column.kind in TYPED]
        for row in outcome.normalised.frame(table).filter(source_dialect=dialect).iter_rows(named=True):
            held = {f"{table}.{name}": row[name] for name in columns if row[name] is not None}
            made_up = [name for name, value in held.items() if getattr(value, "date", lambda: None)() == EXPORT_DATE]
            found.setdefault(row["source_row"], []).append(
                {name: value for name, value in held.items() if name not in made_up}
            )
    return found


def columns(rows: list[dict[str, Any]]) -> set[str]:
    return {name for row in rows for name in row} - FOLLOWING


def trials(record: dict[str, Any], step: int) -> list[tuple[tuple[Any, ...], Any]]:
    """Every place with every so manyeth junk, another one at each; a number where a number was is none."""
    pairs = product(places(record), JUNK)
    return [
        (path, junk)
        for path, junk in islice(pairs, 0, None, step)
        if not (is_number(junk) and is_number(reduce(getitem, path, record)))
    ]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def lost_in_silence(sample: Sample, step: int) -> list[tuple[str, Any, set[str]]]:
    """Places and junk that cost the record a typed value that no issue names and no text keeps."""
    tried = trials(sample.record, step)
    outcome = normalise(
        sample.vendor, sample.stream, [sample.record, *(with_junk(sample.record, *one) for one in tried)]
    )
    found = typed(outcome, sample.dialect)
    rejected = {reject.number for reject in outcome.normalised.rejects}
    reported: dict[int, str] = {}
    for issue in outcome.normalised.issues:
        assert issue.code == "lone_surrogate" or (issue.field and issue.given is not None), issue
        reported[issue.number] = (
            reported.get(issue.number, "") + f'"{issue.field}":{issue.given}{json.dumps(issue.given)}\n'
        )
    kept = _kept(outcome)
    silent = []
    for number, (path, junk) in enumerate(tried, 2):
        lost = columns(found[1]) - columns(found[number]) if number in found else set()
        if number in rejected or junk in EMPTY or not lost:
            continue
        if as_reported(junk) not in reported.get(number, "") and as_reported(junk) not in kept.get(number, ""):
            silent.append((".".join(map(str, path)), junk, lost))
    return silent


def as_reported(junk: Any) -> str:
    """What must be found of the junk where it is reported: of an object its field, of a list what is in it."""
    if isinstance(junk, dict | list):
        return 'junk":1' if isinstance(junk, dict) else "junk"
    return json.dumps(junk)[1:-1] if isinstance(junk, str) else json.dumps(junk)


def _kept(outcome: Outcome) -> dict[int, str]:
    """What the rows of each record keep as it was delivered, beside their columns."""
    kept: dict[int, str] = {}
    for table in outcome.normalised.frames:
        names = [
            "extra",
            *(column.name for column in TABLES[table].columns if column.kind == "json" or column.name.endswith("_raw")),
        ]
        for number, *texts in outcome.normalised.frame(table).select("source_row", *names).iter_rows():
            kept[number] = kept.get(number, "") + "\n".join(text + json.dumps(text) for text in texts if text)
    return kept


def fullest() -> list[Sample]:
    """Of every dialect the sample record with the most fields."""
    chosen: dict[tuple[str, str, str], Sample] = {}
    for sample in samples():
        key = (sample.vendor, sample.stream, sample.dialect)
        if key not in chosen or len(list(places(sample.record))) > len(list(places(chosen[key].record))):
            chosen[key] = sample
    return list(chosen.values())


@pytest.mark.long
def test_junk_in_a_field_costs_no_typed_value_in_silence() -> None:
    found = {(sample.stream, sample.dialect): lost for sample in fullest() if (lost := lost_in_silence(sample, step=5))}
    assert found == {}


@pytest.mark.slow
def test_junk_in_a_field_of_any_sample_costs_no_typed_value_in_silence() -> None:
    found = {(sample.stream, sample.dialect): lost for sample in samples() if (lost := lost_in_silence(sample, step=1))}
    assert found == {}
