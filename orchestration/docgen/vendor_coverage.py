"""The page on how well each vendor is known: its dialects and their fields, and what the golden cases make of them.

Written from the shapes and from the cases beside the tests, with results that a test holds the code to; `generate.py`
puts it in its place."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestration.mapping.model import Dialect, Vendor
from orchestration.mapping.record_schema import Leaf, handling, leaves
from orchestration.vendors import discover

INTRODUCTION = """# How well each vendor is known

A field of a dialect is *modelled* (it has a column), *in extra* (documented, without a column: kept as delivered in `extra`) or *dropped* (never stored, for
the reason below). A field that no dialect knows is kept in `extra` too, and counted in `meta.schema_drift`; if by its name it is about consent, money, status,
time or identity, `c360 run` and `c360 doctor` name it. `meta.field_coverage` shows the same for every export date."""
CASES = """Every case is a file beside its result in `tests/vendors/<vendor>/`, and a test holds the code to it. Traps are numbered as they were handed to us:
records of the vendors' own documentation, or of recordings, that are easily read wrongly. What concerns several records or vendors is tested in
`tests/e2e/test_traps.py`."""


def page(cases: Path) -> str:
    """The page, with the golden cases of that folder."""
    vendors = discover()
    dropped = [row for vendor in vendors.values() for row in _dropped(vendor)]
    return "\n\n".join(
        [
            INTRODUCTION,
            "## Vendors",
            _table(
                ("vendor", "streams", "dialects", "modelled", "in extra", "dropped"),
                [_summary(vendor) for vendor in vendors.values()],
            ),
            "## Dialects and their fields",
            _table(
                ("vendor", "stream", "dialect", "modelled", "in extra", "dropped", "feeds"),
                [row for vendor in vendors.values() for row in _dialects(vendor)],
            ),
            "## Dropped on purpose",
            _table(("dialect", "field", "reason"), list(dict.fromkeys(dropped))),
            "## Cases and what comes of them",
            CASES,
            _table(
                (
                    "dialect",
                    "case",
                    "trap",
                    "read",
                    "loaded",
                    "rejected",
                    "duplicate",
                    "repaired, set to null or doubted",
                ),
                [
                    row
                    for vendor in vendors
                    for path in sorted((cases / vendor).glob("*.expected.json"))
                    for row in _results(path)
                ],
            ),
        ]
    )


def _summary(vendor: Vendor) -> tuple[object, ...]:
    """Fields of a stream count once, in however many of its dialects they stand."""
    dialects = [(stream.name, dialect) for stream in vendor.streams.values() for dialect in stream.dialects]
    counts = Counter(
        {
            (stream, path): handling(leaf) for stream, dialect in dialects for path, leaf in leaves(dialect.shape)
        }.values()
    )
    names = {dialect.name for _, dialect in dialects}
    return vendor.title, len(vendor.streams), len(names), counts["modelled"], counts["extra"], counts["dropped"]


def _dialects(vendor: Vendor) -> Iterator[tuple[object, ...]]:
    for stream in vendor.streams.values():
        for dialect in stream.dialects:
            counts = Counter(handling(leaf) for _, leaf in leaves(dialect.shape))
            yield (
                vendor.code,
                stream.name,
                f"`{dialect.name}`",
                counts["modelled"],
                counts["extra"],
                counts["dropped"],
                ", ".join(_tables(dialect)),
            )


def _dropped(vendor: Vendor) -> Iterator[tuple[object, ...]]:
    for stream in vendor.streams.values():
        for dialect in stream.dialects:
            for path, leaf in leaves(dialect.shape):
                if isinstance(leaf, Leaf) and leaf.kind == "drop":
                    yield f"`{dialect.name}`", f"`{path}`", leaf.reason


def _tables(dialect: Dialect) -> list[str]:
    return sorted({select.table for select in dialect.rows} | ({"customer_identifiers"} if dialect.about else set()))


def _results(path: Path) -> Iterator[tuple[object, ...]]:
    """One row per dialect that the case shows; its figures stand with the first."""
    name = path.name.removesuffix(".expected.json")
    case, result = json.loads(path.with_name(f"{name}.json").read_bytes()), json.loads(path.read_bytes())
    rows = result["rows"]
    rejected = _counted(reason for _, reason, _ in result.get("rejects", ()))
    figures = (
        rows["read"],
        rows["loaded"],
        rejected,
        rows["duplicate"],
        _counted(code for _, code, _ in result.get("issues", ())),
    )
    for position, dialect in enumerate(sorted(result.get("dialects", {"none": 0}))):
        reported: tuple[object, ...] = figures if position == 0 else ("〃",) * len(figures)
        yield f"`{dialect}`", name.replace("_", " "), ", ".join(case.get("traps", ())), *reported


def _counted(words: Iterator[Any]) -> str:
    counts = Counter(words)
    return ", ".join(f"{count} `{word}`" for word, count in sorted(counts.items())) or "0"


def _table(head: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)
