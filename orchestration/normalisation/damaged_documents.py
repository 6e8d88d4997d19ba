"""What may be wrong with a document that is JSON nevertheless: half characters, nesting without end, numbers that a
float changes."""

import re
from typing import Any

from orchestration.mapping.coercion import EXACT_INTEGER

_SURROGATES = re.compile(
    rb"(\\\\)|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)
_LONE_SURROGATE_LENGTH = 6
_SIGNS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]')


def with_whole_characters(document: bytes) -> bytes:
    """The document with the replacement character in place of every half of a surrogate pair."""
    return _SURROGATES.sub(_whole_character, document)


def _whole_character(match: re.Match[bytes]) -> bytes:
    """A pair of surrogates, or an escaped backslash, as it is; half a pair as the replacement character."""
    found = match.group()
    return b"\\ufffd" if len(found) == _LONE_SURROGATE_LENGTH else found


def is_nested_deeper(document: bytes, limit: int) -> bool:
    """Its arrays and objects are nested deeper than the limit."""
    return document.count(b"{") + document.count(b"[") > limit and _levels(document, limit) > limit


def _levels(document: bytes, limit: int) -> int:
    """Depth of nesting, counted no further than one beyond the limit; brackets inside texts do not count."""
    deepest = level = 0
    for match in _SIGNS.finditer(document):
        sign = match.group()[:1]
        if sign in b"[{":
            level += 1
            deepest = max(deepest, level)
            if deepest > limit:
                break
        elif sign in b"]}":
            level -= 1
    return deepest


def suspects(value: Any, path: str) -> list[tuple[str, int]]:
    """Integers with their paths that whoever wrote them as a float may have changed."""
    if isinstance(value, dict):
        return [found for key, inner in value.items() for found in suspects(inner, f"{path}.{key}" if path else key)]
    if isinstance(value, list):
        return [found for position, inner in enumerate(value) for found in suspects(inner, f"{path}[{position}]")]
    is_suspect = isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER
    return [(path, value)] if is_suspect else []
