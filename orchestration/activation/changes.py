"""What changed for one record: its values now against what was written before. Pure: rows in, changes out.

Nothing is wiped by silence: a value that holds no more is written as the empty value of its kind, once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

import msgspec

from orchestration.activation.catalogue import SEGMENT, VALUES, Value, slug
from orchestration.activation.channel import Channel
from orchestration.activation.targets import Target

_decoder = msgspec.json.Decoder(float_hook=Decimal)
encode = msgspec.json.Encoder(decimal_format="number").encode
VOLATILE = frozenset(value.sent_name for value in VALUES.values() if value.is_volatile)


@dataclass(frozen=True, slots=True)
class Change:
    """One record to write: values as the vendor wants them, those before, and by field what differs."""

    values: dict[str, Any]
    before: dict[str, Any]
    differing: tuple[str, ...]


@dataclass(frozen=True)
class Renderer:
    """Makes the values of a target's records."""

    channel: Channel
    target: Target
    segments: tuple[str, ...]
    is_full: bool = False

    @cached_property
    def _columns(self) -> tuple[tuple[str, Value], ...]:
        return tuple((VALUES[name].sent_name, VALUES[name]) for name in self.target.values)

    @cached_property
    def _flags(self) -> tuple[tuple[str, str], ...]:
        return tuple((SEGMENT + slug(segment), segment) for segment in self.segments)

    def values(
        self, given: Sequence[Any], segments: Sequence[str] | None, before: Mapping[str, Any], *, is_held: bool = True
    ) -> dict[str, Any]:
        """Values of one record by the names they are sent under; null is left out unless it takes something back.
        `is_held`: `before` is what the vendor holds of it now."""
        current: dict[str, Any] = {}
        for (sent_name, value), raw in zip(self._columns, given, strict=True):
            if raw is not None:
                written = self.channel.written(value.kind, raw)
                stays = is_held and value.moves_by_step and self._stays(written, before.get(sent_name))
                current[sent_name] = before[sent_name] if stays else written
        inside = segments or ()
        current.update({sent_name: segment in inside for sent_name, segment in self._flags})
        return {**self.cleared({name: value for name, value in before.items() if name not in current}), **current}

    def cleared(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The same values, all taken back."""
        return {name: self.channel.cleared(name) for name in values}

    def change(self, values: dict[str, Any], before: dict[str, Any]) -> Change | None:
        """What is to be written; None where nothing differs but what changes every night."""
        differing = tuple(
            sorted(
                name
                for name in values.keys() | before.keys()
                if name not in VOLATILE and values.get(name) != before.get(name)
            )
        )
        return Change(values, before, differing) if differing else None

    def _stays(self, now: Decimal, earlier: Any) -> bool:
        return (
            not self.is_full and earlier is not None and abs(now - earlier) < Decimal(str(self.target.engagement_step))
        )


def decoded(text: str | None) -> dict[str, Any]:
    """Values or identity as they were kept."""
    return _decoder.decode(text) if text else {}
