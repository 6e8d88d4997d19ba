"""Records made to fit their shape: what has no place is kept apart, what has the wrong kind is repaired or null, and
each is logged."""

import re
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw

from orchestration.mapping.consent_words import heard, said
from orchestration.mapping.record_schema import Leaf, Open, Pairs, Shape


def _fraction(text: str) -> Raw:
    """A JSON number kept as the text it was delivered as, so that no digit is lost on the way."""
    return Raw(text)


_GENERIC = msgspec.json.Decoder(float_hook=_fraction)
EXACT_INTEGER = 2**53
MOST_EXACT_SIGNS = 15
_NUMBER = re.compile(r"\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*\Z")


@dataclass
class Fitted:
    """A record made to fit its shape: unknown fields and repairs apart."""

    record: Any
    unknown: dict[str, Any] = field(default_factory=dict)
    issues: list[tuple[str, str, str, str]] = field(default_factory=list)
    """(field, issue code, value as given, action)"""
    decisive: frozenset[str] = frozenset()
    """Fields with values that are kept as text where they are of the wrong kind: without them the record would be
    another."""

    @property
    def misfits(self) -> int:
        """How many values have no place in the shape, or are of another kind than it says."""
        return len(self.unknown) + sum(code == "wrong_shape" for _, code, _, _ in self.issues)


def decode_generic(document: bytes) -> Any:
    """The record as plain Python values; fractions stay as written, so that they are exact."""
    return _GENERIC.decode(document)


def fit(record: dict[str, Any], shape: dict[str, Any], decisive: frozenset[str] = frozenset()) -> Fitted:
    """The record cut to its shape: what has no place goes to `unknown`, what has the wrong kind is repaired or null, or
    text where it is decisive."""
    fitted = Fitted(record=None, decisive=decisive)
    fitted.record = _fit_object(record, shape, "", fitted)
    return fitted


def _given(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode("utf-8", "replace")


def _wrong(value: Any, path: str, fitted: Fitted) -> None:
    fitted.issues.append((path, "wrong_shape", _given(value), "set_null"))


def _fit(value: Any, shape: Shape, path: str, fitted: Fitted) -> Any:
    if value is None:
        return None
    if isinstance(shape, Leaf):
        return _fit_leaf(value, shape, path, fitted)
    if isinstance(shape, Open):
        if isinstance(value, dict):
            named = {key: inner for key, inner in value.items() if key in shape.known}
            known = _fit_object(named, shape.known, path, Fitted(None, {}, fitted.issues, fitted.decisive))
            return _with_rest(known, value)
        if value != "" and value != []:
            _wrong(value, path, fitted)
        return None
    if isinstance(shape, Pairs):
        if isinstance(value, dict):
            return {
                key: _fit(inner, _pair_shape(shape, inner), f"{path}.{key}", fitted) for key, inner in value.items()
            }
        return _fit_pairs_of(value, shape, path, fitted)
    if isinstance(shape, list):
        if not isinstance(value, list):
            may_stand_alone = isinstance(shape[0], dict) and _alone_in(shape[0]) is not None
            if (isinstance(shape[0], dict) != isinstance(value, dict) and not may_stand_alone) or value == "":
                if value != "":
                    _wrong(value, path, fitted)
                return None
            fitted.issues.append((path, "object_for_list", _given(value), "repaired"))
            value = [value]
        return [_fit(inner, shape[0], f"{path}[{position}]", fitted) for position, inner in enumerate(value)]
    if isinstance(value, dict):
        return _with_consent(value, shape, _fit_object(value, shape, path, fitted), path, fitted)
    return _fit_alone(value, shape, path, fitted)


def _alone_in(shape: dict[str, Any]) -> str | None:
    """The field of the object that a plain value in its place is."""
    return next((key for key, leaf in shape.items() if isinstance(leaf, Leaf) and leaf.stands_alone), None)


def _fit_alone(value: Any, shape: dict[str, Any], path: str, fitted: Fitted) -> Any:
    """An object made of a value that came in its place."""
    key = _alone_in(shape)
    if value == "" or value == []:
        return None
    if key is None or (isinstance(value, list) and not (shape[key].is_consent and heard(value) is not None)):
        return _wrong(value, path, fitted)
    fitted.issues.append(
        (path, "number_for_amount" if shape[key].kind == "number" else "value_for_object", _given(value), "repaired")
    )
    reported = heard(value) if isinstance(value, list) else value
    return _fit_object({key: reported}, shape, path, fitted)


def _with_consent(
    value: dict[str, Any], shape: dict[str, Any], fit_object: dict[str, Any], path: str, fitted: Fitted
) -> dict[str, Any]:
    """The object with the yes or no that it states under names that the shape does not know, where it states none under
    those it does."""
    key = _alone_in(shape)
    if key is None or not shape[key].is_consent or fit_object.get(key) is not None:
        return fit_object
    reported = heard({name: inner for name, inner in value.items() if name not in shape})
    if reported is None:
        return fit_object
    fitted.issues.append((path, "value_for_object", _given(value), "repaired"))
    return {**fit_object, key: reported}


def _fit_pairs_of(value: Any, shape: Pairs, path: str, fitted: Fitted) -> Any:
    """A no in place of an object of many consents is a no to all of them; nothing else may stand there."""
    if value == []:
        return None
    inner = shape.value if isinstance(shape.value, dict) else {}
    key, reported = _alone_in(inner) if inner else None, heard(value)
    if key is None or not inner[key].is_consent or said(reported) != "opt_out":
        return _wrong(value, path, fitted)
    fitted.issues.append((path, "value_for_object", _given(value), "repaired"))
    return {"all": {key: reported}}


def _with_rest(known: Any, value: Any) -> Any:
    """What was made to fit, together with all that an open object holds beside it, at any depth."""
    if isinstance(known, dict) and isinstance(value, dict):
        delivered = {
            key: _with_rest(known[key], inner) if key in known else exact(inner) for key, inner in value.items()
        }
        return delivered | {key: inner for key, inner in known.items() if key not in value}
    if isinstance(known, list) and isinstance(value, list) and len(known) == len(value):
        return [_with_rest(*pair) for pair in zip(known, value, strict=True)]
    # A fraction that a float holds stays the number it was delivered as.
    return (
        value
        if isinstance(value, Raw) and len(value) <= MOST_EXACT_SIGNS and b"e" not in bytes(value).lower()
        else known
    )


def _pair_shape(shape: Pairs, value: Any) -> Shape:
    return [shape.value] if shape.many and isinstance(value, list) else shape.value


def exact(value: Any) -> Any:
    """The value such that encoding it as JSON again changes no number."""
    if isinstance(value, dict):
        return {key: exact(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [exact(inner) for inner in value]
    return (
        Raw(str(value))
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) > EXACT_INTEGER
        else value
    )


def _fit_leaf(value: Any, leaf: Leaf, path: str, fitted: Fitted) -> Any:
    if leaf.kind in ("json", "extra", "drop"):
        return exact(value)
    if isinstance(value, dict | list):
        if leaf.is_consent and (reported := heard(value)) is not None:
            fitted.issues.append((path, "object_for_value", _given(value), "repaired"))
            return reported
        _wrong(value, path, fitted)
        return _given(value) if path in fitted.decisive else None
    if isinstance(value, Raw):
        return bytes(value).decode()
    if leaf.kind == "number" and isinstance(value, str) and _NUMBER.match(value):
        fitted.issues.append((path, "number_as_text", value, "repaired"))
    elif leaf.kind == "flag" and not isinstance(value, bool) and value != "":
        fitted.issues.append((path, "flag_as_text", _given(value), "repaired"))
    return str(value) if isinstance(value, int) and abs(value) > EXACT_INTEGER else value


def _fit_object(value: dict[str, Any], shape: dict[str, Any], path: str, fitted: Fitted) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, inner in value.items():
        here = f"{path}.{key}" if path else key
        group = (
            None
            if key in shape
            else next((name for name in shape if name.endswith(".*") and key.startswith(name[:-1])), None)
        )
        if key in shape:
            kept[key] = _fit(inner, shape[key], here, fitted)
        elif group:
            kept.setdefault(group, {})[key[len(group) - 1 :]] = exact(inner)
        else:
            fitted.unknown[here] = exact(inner)
    return kept
