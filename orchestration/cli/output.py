"""What commands print: progress that a terminal shows and a log does not, and plain aligned tables."""

import json
import math
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

WIDTH = 100
EVERY_SECONDS = 60
COUNTED = re.compile(r"(\d+)/(\d+) ")


def progress() -> Callable[[str], None]:
    """In a terminal one line that rewrites itself, with rate and time left where things are counted; elsewhere a line a
    minute."""
    begun = reported = time.monotonic()
    is_terminal = sys.stderr.isatty()

    def show(text: str) -> None:
        nonlocal reported
        now = time.monotonic()
        if is_terminal:
            sys.stderr.write(f"\r\033[K{text[:WIDTH]}{pace(text, now - begun)}")
            sys.stderr.flush()
        elif now - reported >= EVERY_SECONDS:
            reported = now
            complain(f"{text}{pace(text, now - begun)}")

    return show


def pace(text: str, seconds: float) -> str:
    """How many a second and how long still, where the text begins with `done/all`; empty where that says nothing
    yet."""
    found = COUNTED.match(text)
    if not found or seconds < 1:
        return ""
    done, everything = int(found[1]), int(found[2])
    rate = done / seconds
    left = int((everything - done) / rate) if rate else 0
    return f" ({rate:,.1f}/s, {left // 60}:{left % 60:02} left)"


def end_progress() -> None:
    """Clears the line of the progress."""
    if sys.stderr.isatty():
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def say(text: str = "") -> None:
    """A line of output."""
    sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """A line beside the output."""
    sys.stderr.write(f"c360: {text}\n")


def table(rows: Iterable[Sequence[object]], *, header: Sequence[str] = ()) -> None:
    """Rows in columns; numbers to the right."""
    lines = [tuple(header)] if header else []
    cells = [tuple(_text(value) for value in row) for row in rows]
    lines += cells
    if not lines:
        return
    widths = [max(len(line[index]) for line in lines) for index in range(len(lines[0]))]
    for line in lines:
        say("  " + "  ".join(_aligned(text, width) for text, width in zip(line, widths, strict=True)).rstrip())


def machine(value: object) -> None:
    """The same for machines, as one line of JSON; a number that JSON has none for is its name."""
    try:
        said = json.dumps(value, default=str, ensure_ascii=False, allow_nan=False)
    except ValueError:
        said = json.dumps(_named(value), default=str, ensure_ascii=False, allow_nan=False)
    say(said)


def _named(value: object) -> object:
    if isinstance(value, dict):
        return {name: _named(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_named(inner) for inner in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def objects(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows for machines: a list of objects. Of columns of one name the second is `name_2`, as DuckDB's tables have it."""
    met = Counter[str]()
    keys = []
    for name in names:
        met[name] += 1
        keys.append(name if met[name] == 1 else f"{name}_{met[name]}")
    machine([dict(zip(keys, row, strict=True)) for row in rows])


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _aligned(text: str, width: int) -> str:
    is_number = text.replace(",", "").replace(".", "").replace("-", "").isdigit() and text.count("-") < 2
    return text.rjust(width) if is_number else text.ljust(width)
