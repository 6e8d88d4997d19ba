"""The canonical form of JSON, of which hashes of content are made: keys sorted at every depth, no blanks, each number
one way.

So neither layout nor the order of keys makes another record or event of one, and 10, 10.0 and 1e1 are one number.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec

_EXACT = 15  # signs of a number that a float holds as it stands
_LONGEST = 40  # digits of a whole number that is written out
_encode = msgspec.json.Encoder(order="sorted").encode


def _number(text: str) -> Any:
    """A fraction as the shortest text of the same number."""
    if len(text) <= _EXACT and "e" not in text.lower():
        value = float(text)
        return int(value) if value.is_integer() else value
    exact = Decimal(text)
    if exact.adjusted() < _LONGEST and exact == exact.to_integral_value():
        return msgspec.Raw(str(int(exact)).encode())
    return msgspec.Raw(str(exact.normalize()).encode())


class _Numbers(dict[str, Any]):
    """Fractions that were met, each found once: prices repeat."""

    _MOST = 100_000

    def __missing__(self, text: str) -> Any:
        if len(self) >= self._MOST:
            self.clear()
        self[text] = found = _number(text)
        return found


def _leave_out(value: Any, path: tuple[str, ...]) -> None:
    for name in path[:-1]:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict):
        value.pop(path[-1], None)


_decode = msgspec.json.Decoder(float_hook=_Numbers().__getitem__).decode


def canonical(document: bytes | str, without: Iterable[tuple[str, ...]] = ()) -> bytes:
    """The canonical form of a JSON text, but for the fields at some paths; a text that is none, or holds a number beyond
    all bounds, as it is."""
    try:
        value = _decode(document)
        for path in without:
            _leave_out(value, path)
        return _encode(value)
    except (msgspec.MsgspecError, ArithmeticError, ValueError, RecursionError):
        return document.encode("utf-8", "surrogatepass") if isinstance(document, str) else document
