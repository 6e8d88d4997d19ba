"""What is wrong with a mapping, found where it is written: a table, a column or a field that there is not, a dialect
that no record can reach.

Raised while a vendor's module is imported, so that the line of the mistake is known. What a mapping makes of values is
not judged here.
"""

import difflib
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from orchestration.canonical.tables import TABLES
from orchestration.canonical.vocabulary import IDENTIFIER_TYPES
from orchestration.mapping.record_schema import leaves


class MappingError(ValueError):
    """A mistake in a vendor's module; the sentence says what and, where something is near, what was meant."""


def check_columns(table: str, columns: Collection[str]) -> None:
    """Refuses rows of a table, or a column of it, that there is not."""
    if table not in TABLES:
        raise MappingError(f"`{table}` is no canonical table{_meant(table, TABLES)}")
    known = [column.name for column in TABLES[table].all_columns]
    for name in columns:
        if name not in known:
            raise MappingError(f"`{name}` is no column of `{table}`{_meant(name, known)}")


def check_identifier_type(name: str) -> None:
    """Refuses an identifier of a type that there is not: it would link nobody, and be shown nowhere."""
    if name not in IDENTIFIER_TYPES:
        raise MappingError(f"`{name}` is no type of identifier{_meant(name, IDENTIFIER_TYPES)}")


def check_fields(dialect: str, shape: Mapping[str, Any], read: Iterable[str]) -> None:
    """Refuses a dialect that reads a field which its shape does not hold."""
    known = set(_paths(shape))
    for column in sorted(read):
        kind, _, path = column.partition(":")
        if kind in ("at", "raw") and not path.startswith("pairs:") and path not in known:
            raise MappingError(f"`{dialect}` reads `{path}`, which its shape does not hold{_meant(path, known)}")


def check_keys(dialect: str, has: frozenset[str], lacks: frozenset[str]) -> None:
    """Refuses a dialect with records that would have to hold a key and lack it."""
    if both := sorted(has & lacks):
        raise MappingError(f"no record can be `{dialect}`: it must have and must lack `{both[0]}`")


def check_reachable(stream: str, dialects: Iterable[tuple[str, object]]) -> None:
    """Refuses a stream with two dialects of one name, or with one that nothing distinguishes from an earlier one."""
    seen: list[tuple[str, object]] = []
    for name, marks in dialects:
        for other, other_marks in seen:
            if name == other:
                raise MappingError(f"stream `{stream}` has two dialects named `{name}`")
            if marks == other_marks:
                raise MappingError(f"no record of stream `{stream}` can be `{name}`: every one is `{other}` before")
        seen.append((name, marks))


def _paths(shape: Mapping[str, Any]) -> Iterator[str]:
    """Every path that a mapping may read: leaves, and the objects and lists they stand in."""
    for path, _ in leaves(dict(shape)):
        parts = path.split(".")
        for end in range(1, len(parts) + 1):
            found = ".".join(parts[:end]).removesuffix("[]")
            yield found
            yield found.rpartition("[].")[2]  # a list inside the elements of a list is named from there


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean `{near[0]}`?" if near else ""
