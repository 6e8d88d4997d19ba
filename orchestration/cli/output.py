"""What commands print: progress that a terminal shows and a log does not, and plain aligned tables."""

import sys
from collections.abc import Callable, Iterable, Sequence


def progress() -> Callable[[str], None]:
    """One line that rewrites itself in a terminal; nothing anywhere else."""
    if not sys.stderr.isatty():
        return lambda _: None

    def show(text: str) -> None:
        sys.stderr.write(f"\r\033[K{text[:100]}")
        sys.stderr.flush()

    return show


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


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _aligned(text: str, width: int) -> str:
    is_number = text.replace(",", "").replace(".", "").replace("-", "").isdigit() and text.count("-") < 2
    return text.rjust(width) if is_number else text.ljust(width)
