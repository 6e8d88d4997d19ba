"""Columns of tables that come with a header, as CSV and Excel have them: their names, and rows of cells as JSON
records."""

import re
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import msgspec

from orchestration.canonical.field_meanings import meaning
from orchestration.landing.containers import ContainerError
from orchestration.landing.record import Note
from orchestration.mapping.model import CsvForm
from orchestration.runtime.redaction import is_contact


@dataclass(frozen=True)
class Columns:
    """The columns by name, every name once, and what every row holds beside them."""

    names: tuple[str, ...]
    constant: dict[str, str] = field(default_factory=dict)
    twins: dict[int, int] = field(default_factory=dict)
    """Columns with a name that an earlier one has, with the position of that."""

    @classmethod
    def of(cls, header: Sequence[str], form: CsvForm) -> "Columns":
        """The columns of a header; raises `ContainerError` if it is none.

        A column without a name gets one by its position, and of two with one name the first has it: neither is a reason
        to lose the others.
        """
        given = [name.strip() for name in header]
        # A column named after somebody is no column: the first row is a record, and its values would become names of
        # fields.
        if not any(given) or any(map(is_contact, given)):
            raise ContainerError("broken_csv")
        twins = {
            position: given.index(name) for position, name in enumerate(given) if name and given.index(name) < position
        }
        names = tuple(_known_names(list(_named_apart(given)), form.names))
        return cls(names, _constant(names, form), twins)

    def require_known(self, form: CsvForm, fields: Set[str]) -> None:
        """Raises `ContainerError` where the only line of a file names no field that its stream has: it is a message,
        and no header."""
        known = {_folded(name.removesuffix(".*")) for name in (*fields, *form.names)}
        reported = {_folded(start) for name in self.names for start in (name, name.partition(".")[0])}
        if known and not known & reported:
            raise ContainerError("no_records")

    def document(self, cells: Sequence[Any]) -> bytes:
        """A row as a JSON object, without its blank cells."""
        return msgspec.json.encode(
            {name: cell for name, cell in zip(self.names, cells, strict=True) if not is_blank(cell)} | self.constant
        )

    def notes(self, cells: Sequence[Any]) -> tuple[Note, ...]:
        """What two columns of one name say differently: the first counts, the other is kept under its own name."""
        reported = (
            (place, cells[place])
            for place, first in self.twins.items()
            if not is_blank(cells[place]) and cells[place] != cells[first]
        )
        return tuple(Note(self.names[place], "column_twice", str(cell), "kept") for place, cell in reported)


def is_blank(cell: Any) -> bool:
    """The cell holds nothing, or what MySQL and Hive write for it."""
    return cell is None or (isinstance(cell, str) and cell.strip() in ("", r"\N"))


def _constant(names: tuple[str, ...], form: CsvForm) -> dict[str, str]:
    """What every row says where no column does; a column that may say it in other words keeps it from being assumed."""
    if form.default is None or set(form.default[0]) & set(names):
        return {}
    may_say = (
        name for name in names if meaning(name) in ("consent", "status") and name.rpartition(".")[2].lower() != "state"
    )
    return {} if any(may_say) else {form.default[0][0]: form.default[1]}


def _named_apart(names: list[str]) -> Iterator[str]:
    taken = set(names)
    seen: set[str] = set()
    for position, name in enumerate(names, start=1):
        if name and name not in seen:
            seen.add(name)
            yield name
            continue
        number = 2 if name else position
        while (other := f"{name or 'column'}_{number}") in taken:
            number += 1
        taken.add(other)
        yield other


def _known_names(header: list[str], names: tuple[str, ...]) -> Iterator[str]:
    """The header in the spelling of the names it is meant to hold; a name is given to one column only."""
    folded = {_folded(name): name for name in names}
    taken = set(header)
    for name in header:
        start, dot, end = name.partition(".")
        group = folded.get(f"{_folded(start)}.*")
        meant = f"{group[:-1]}{end}" if dot and group else folded.get(_folded(name), name)
        if meant in taken:
            meant = name
        taken.add(meant)
        yield meant


def _folded(name: str) -> str:
    return re.sub(r"[\s_-]+", "", name).lower()
