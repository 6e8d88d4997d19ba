"""What was given back to a vendor comes back in its next export, and says nothing that was not known: it is taken out
before anything is read.

Else a segment would feed itself, and a figure of ours would be an attribute that the vendor knows.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from orchestration.canonical.given_back import OURS, PREFIX
from orchestration.mapping.coercion import decode_generic

MARK = OURS.encode()
COLLECTION = "@collection"
JOINED = ("tags", "tag")


def without_ours(document: bytes, encode: Callable[[Any], bytes]) -> bytes | None:
    """The record without values and tags of ours; None if all of it is ours. One that cannot be read is left to whoever
    rejects it."""
    try:
        record = decode_generic(document)
        if isinstance(record, dict) and record.get(COLLECTION) == OURS:
            return None
        return encode(_cleaned(record))
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError):
        return document


def _cleaned(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _of_key(key, inner) for key, inner in value.items() if not _is_ours(key)}
    if isinstance(value, list):
        return [_cleaned(inner) for inner in value if not (isinstance(inner, str) and inner.startswith(PREFIX))]
    return value


def _of_key(key: str, value: Any) -> Any:
    if isinstance(value, str) and key.lower() in JOINED and PREFIX in value:
        return ",".join(tag for tag in value.split(",") if not tag.strip().startswith(PREFIX))
    return _cleaned(value)


def _is_ours(key: str) -> bool:
    """Tables write the path in front of a name, such as `properties.c360_rfm`."""
    name = key.rpartition(".")[2]
    return name.startswith(PREFIX) or name == OURS or f".{OURS}." in f".{key}"
