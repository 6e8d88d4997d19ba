"""A dialect as it is met in the records of a file."""

from typing import Any

import msgspec
from msgspec import UNSET

from orchestration.mapping.model import Dialect, Vendor
from orchestration.mapping.record_kinds import is_mark


class KnownDialect:
    """A dialect made ready to be met in the records of a file of a stream of its vendor."""

    def __init__(self, dialect: Dialect, vendor: Vendor, stream: str) -> None:
        self.dialect = dialect
        self.compiled = dialect.compiled
        self.taken = dialect.taken(vendor.kinds.common)
        self.name = dialect.name if dialect.stream == stream else f"{dialect.stream}:{dialect.name}"
        places = {key: f"f{position}" for position, key in enumerate(dialect.shape)}
        self._marks = [(places.get(name, ""), words) for name, words in self.taken.marks.items()]
        self._words: list[tuple[str, frozenset[Any]]] = []
        for one in vendor.kinds.signs:
            if (
                one.word_in is None
                or not one.keys <= places.keys()
                or {*one.words.values(), *([one.kind] if one.kind else ())} <= self.taken.kinds
            ):
                continue
            words = {word for word, kind in one.words.items() if kind in self.taken.kinds} | (
                self.taken.kinds if one.kind is None else set()
            )
            self._words.append(
                (places[one.word_in], frozenset(form for word in words for form in (word, msgspec.json.encode(word))))
            )

    def takes(self, decoded: Any) -> bool:
        """A record that is just what the dialect says may be taken without looking at what else it could be."""
        is_said = False
        for name, words in self._words:
            word = getattr(decoded, name)
            word = bytes(word) if isinstance(word, msgspec.Raw) else word
            if isinstance(word, str | bytes) and word != b"null":
                if word not in words:
                    return False
                is_said = True
        return is_said or not self._marks or any(is_mark(_value(decoded, name), words) for name, words in self._marks)


def _value(decoded: Any, name: str) -> Any:
    value = getattr(decoded, name, None)
    return None if value is UNSET or (isinstance(value, msgspec.Raw) and bytes(value) == b"null") else value
