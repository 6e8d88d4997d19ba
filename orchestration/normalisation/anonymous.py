"""Orders without their people: what a record reports of an order, in the vendor's own form, and nothing else of it.

Which fields that takes is listed nowhere but found out: a field may go if the rows of the order stay what they are
without it. So this holds for every vendor, dialect and format, and for fields that nobody knew of.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import msgspec
import polars as pl

from orchestration.canonical.tables import TABLES
from orchestration.landing.record import Record

ORDER_TABLES = ("orders", "order_lines", "order_adjustments", "order_payments")
# Of an order these say who ordered, or may: whether there was a customer, what she had bought before, codes made out to
# her, words about her.
LEFT_OUT = ("is_guest", "orders_count_on_merchant", "coupon_codes", "tags")
KEPT = {
    table: tuple(column.name for column in TABLES[table].columns if not column.personal and column.name not in LEFT_OUT)
    for table in ORDER_TABLES
}
EACH = "[]"
# Keys of objects from the record on, or `EACH` for the elements of a list.
Path = tuple[str, ...]
Rows = list[tuple[str, tuple[Any, ...]]]


class Reported(Protocol):
    """Records in canonical frames, and what was rejected of them."""

    @property
    def frames(self) -> dict[str, list[pl.DataFrame]]: ...
    @property
    def rejects(self) -> list[Any]: ...


Read = Callable[[list[Record]], Reported]
_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode


def needed(read: Read, records: Iterable[Record]) -> dict[int, frozenset[Path]]:
    """Those of the records that report orders, by their numbers: the paths of what their orders need, and nothing else
    of them may stay."""
    by_content: dict[tuple[bytes, str | None], list[Record]] = {}
    for record in records:
        if record.document is not None:
            by_content.setdefault((record.document, record.page), []).append(record)
    alike = [same for same in by_content.values() if same]
    rows = _rows(read([same[0] for same in alike]))
    todo = [same for same in alike if rows.get(same[0].number)]
    found: dict[int, frozenset[Path]] = {}
    known: frozenset[Path] = frozenset()
    while todo:
        first = todo[0][0]
        known |= frozenset(_paths(_pruned(read, first, rows[first.number])))
        kept = _rows(read([_written(same[0], only(value(same[0]), known), same[0].number) for same in todo]))
        is_done = [same[0] is first or kept.get(same[0].number) == rows[same[0].number] for same in todo]
        found |= {record.number: known for same, done in zip(todo, is_done, strict=True) if done for record in same}
        todo = [same for same, done in zip(todo, is_done, strict=True) if not done]
    return found


def orders(read: Read, records: Sequence[Record]) -> dict[int, bytes]:
    """Those of the records that report orders, without all else, as JSON by their numbers."""
    paths = needed(read, records)
    return {
        record.number: msgspec.json.encode(only(value(record), paths[record.number]))
        for record in records
        if record.number in paths
    }


def value(record: Record) -> Any:
    """The record's JSON as values, its fractions as they are written."""
    return _decode(record.document or b"null")


def only(reported: Any, paths: frozenset[Path], at: Path = ()) -> Any:
    """A value with nothing but what stands at those paths."""
    if isinstance(reported, dict):
        return {key: only(inner, paths, (*at, key)) for key, inner in reported.items() if (*at, key) in paths}
    if isinstance(reported, list):
        return [only(inner, paths, (*at, EACH)) for inner in reported]
    return reported


def _pruned(read: Read, record: Record, rows: Rows) -> Any:
    """The record without all that its rows stay the same without."""
    reported = value(record)
    pending = list(_below(reported, ()))
    while pending:
        attempts = _rows_of(read, record, [_without(reported, {path}) for path in pending])
        needless = [path for path, found in zip(pending, attempts, strict=True) if found is None or found == rows]
        reported = _without(reported, _together(read, record, rows, reported, needless))
        pending = [below for path in pending for below in _below(reported, path)]
    return reported


def _together(read: Read, record: Record, rows: Rows, reported: Any, needless: list[Path]) -> set[Path]:
    """As many of the paths as may go at once: of two that stand in for each other one stays."""
    if not needless:
        return set()
    [found] = _rows_of(read, record, [_without(reported, set(needless))])
    if found == rows:
        return set(needless)
    if len(needless) == 1:
        return set()
    half = len(needless) // 2
    first = _together(read, record, rows, reported, needless[:half])
    return first | _together(read, record, rows, _without(reported, first), needless[half:])


def _rows_of(read: Read, record: Record, attempts: list[Any]) -> list[Rows | None]:
    """The rows of each attempt; null for one that is read as another was: what was taken off it is not read at all."""
    written = [_written(record, reported, number) for number, reported in enumerate(attempts)]
    reported = read(written)
    rows = _rows(reported)
    rejected = {reject.number for reject in reported.rejects}
    is_alone = len(attempts) == 1
    return [rows.get(one.number, [] if one.number in rejected or is_alone else None) for one in written]


def _written(record: Record, reported: Any, number: int) -> Record:
    document = msgspec.json.encode(reported)
    return msgspec.structs.replace(record, number=number, raw=document, document=document, notes=())


def _without(reported: Any, paths: set[Path], at: Path = ()) -> Any:
    if isinstance(reported, dict):
        return {key: _without(inner, paths, (*at, key)) for key, inner in reported.items() if (*at, key) not in paths}
    if isinstance(reported, list):
        return [_without(inner, paths, (*at, EACH)) for inner in reported]
    return reported


def _paths(reported: Any, at: Path = ()) -> Iterator[Path]:
    """The paths of all keys."""
    if isinstance(reported, dict):
        for key, inner in reported.items():
            yield (*at, key)
            yield from _paths(inner, (*at, key))
    elif isinstance(reported, list):
        for inner in reported:
            yield from _paths(inner, (*at, EACH))


def _below(reported: Any, path: Path) -> Iterator[Path]:
    """The next paths below one: keys of the objects there, or in the lists there, each once."""
    depth = len(path)
    found = (one for one in _paths(reported) if one[:depth] == path)
    return iter(dict.fromkeys(one for one in found if len(one) > depth and all(step == EACH for step in one[depth:-1])))


def _rows(reported: Reported) -> dict[int, Rows]:
    """What the frames report of orders, record by record, in the columns that stay."""
    found: dict[int, Rows] = {}
    for table in ORDER_TABLES:
        for frame in reported.frames.get(table, ()):
            for number, *cells in frame.select("source_row", *KEPT[table]).iter_rows():
                found.setdefault(number, []).append((table, tuple(map(_given, cells))))
    return {number: sorted(rows, key=repr) for number, rows in found.items()}


def _given(cell: Any) -> Any:
    """A cell as compared: an id that was made of a whole record is another without a part of it."""
    return "derived:" if isinstance(cell, str) and cell.startswith("derived:") else cell
