"""The file of people's decisions on who is who, `identity_overrides.csv`: its lines, with others added, and with some
taken out.

Nothing is written before somebody has seen what it would do: changes are made in the text, and `write` puts the text in
place.
"""

import csv
import io
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name
from orchestration.transformation import seeds
from orchestration.transformation.identity_rules import OVERRIDES, RECORD_PARTS, Record
from orchestration.transformation.seeds import Seed


@dataclass(frozen=True)
class Decision:
    """One line: a rule on two records, or on an identifier."""

    line: int
    cells: Mapping[str, str]

    def record(self, prefix: str = "") -> Record | None:
        """The one record or the other; none where the decision is about an identifier."""
        parts = [self.cells.get(f"{prefix}{part}", "") for part in RECORD_PARTS]
        return Record(*parts) if all(parts) else None


def read(settings: Settings) -> list[Decision]:
    """Every decision that counts, by the line it begins on."""
    return [Decision(line, cells) for line, cells in seeds.rows(_seed(settings))]


def text(settings: Settings) -> str:
    """The file that counts, as it is."""
    return _seed(settings).path.read_bytes().decode("utf-8-sig")


def with_pairs(settings: Settings, pairs: Sequence[tuple[str, Record, Record]], *, author: str, reason: str) -> str:
    """The file with a line more for each pair of records and its rule."""
    seed = _seed(settings)
    names = seeds.header(seed)
    before = text(settings)
    end = "\r\n" if "\r\n" in before else "\n"
    added = io.StringIO()
    writer = csv.DictWriter(added, names, restval="", lineterminator=end)
    for rule, one, other in pairs:
        writer.writerow(
            {"rule": rule, **_named("", one), **_named("other_", other), "author": author, "reason": reason}
        )
    return before + ("" if before.endswith(("\n", "\r")) else end) + added.getvalue()


def without(settings: Settings, lines: Collection[int]) -> str:
    """The file without the decisions that begin on those lines."""
    begins = [decision.line for decision in read(settings)]
    for line in lines:
        if line not in begins:
            raise OperatorError(
                f"No decision begins on line {shown_name(str(line))}.",
                remedy="`c360 overrides` lists them with their lines.",
                exit_code=2,
            )
    kept, is_kept = [], True
    for number, row in enumerate(text(settings).splitlines(keepends=True), start=1):
        is_kept = number not in lines if number in begins else is_kept
        kept += [row] if is_kept else []
    return "".join(kept)


def write(settings: Settings, wanted: str, *, instead_of: str) -> Path:
    """Puts the file in place at once; refused where somebody has changed it since it was read."""
    if text(settings) != instead_of:
        raise OperatorError(
            "Somebody has changed the decisions meanwhile; nothing was written.", remedy="Type the command again."
        )
    path = settings.config / f"{OVERRIDES}.csv"
    settings.config.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_bytes(wanted.encode())
    os.replace(draft, path)
    return path


def _named(prefix: str, record: Record) -> dict[str, str]:
    return {f"{prefix}{part}": getattr(record, part) for part in RECORD_PARTS}


def _seed(settings: Settings) -> Seed:
    return next(seed for seed in seeds.find(settings) if seed.name == OVERRIDES)
