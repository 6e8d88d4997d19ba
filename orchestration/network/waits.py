"""How long an answer asks to wait. Vendors say it in three ways: seconds or a date in a header, a point in time in a
header, a number in the body."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec


def seconds_asked(headers: Mapping[str, str], content: bytes, now: datetime) -> float | None:
    """Seconds until the request may be made again; None if the answer does not say."""
    found = (
        _of_header(headers.get("retry-after"), now),
        _of_moment(headers.get("x-rate-limit-retry"), now),
        _of_body(content),
    )
    return next((max(seconds, 0.0) for seconds in found if seconds is not None and math.isfinite(seconds)), None)


def is_quota(headers: Mapping[str, str]) -> bool:
    """What is used up is the quota of a whole billing cycle, so that waiting is no use tonight."""
    return headers.get("x-rate-limit-type", "").lower().endswith("_cycle")


def moment(text: str) -> datetime | None:
    """A date as HTTP writes it; None if it is none."""
    try:
        found = parsedate_to_datetime(text)
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC)


def _of_header(text: str | None, now: datetime) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        pass
    until = moment(text)
    return (until - now).total_seconds() if until else None


def _of_moment(text: str | None, now: datetime) -> float | None:
    try:
        return float(text) - now.timestamp() if text else None
    except ValueError:
        return None


def _of_body(content: bytes) -> float | None:
    try:
        body: Any = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    asked = body.get("retryAfter") if isinstance(body, dict) else None
    return float(asked) if isinstance(asked, int | float) and not isinstance(asked, bool) else None
