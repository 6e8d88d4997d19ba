"""The failures an operator can fix: one sentence on what is wrong and one on what to type or do next.

Whatever else goes wrong is put into such sentences here too: by its kind and place, never by its text, which may quote
a row.
"""

import errno
import re
import traceback
from pathlib import Path
from typing import Literal

from orchestration.runtime.redaction import shown_name

OUT_OF_MEMORY = "Out of Memory Error"
SAFE_ERRORS = ("Binder Error", "Catalog Error", "Parser Error", "Compilation Error", "Not implemented Error")
DAMAGED, NO_ROOM = "a block of the file is damaged", "the disk is full"
# What the macro `types_hold` says, with names of columns.
OF_CONTRACT = re.compile(r"not of the type in the contract: \w+(?:, \w+)*")
Cause = Literal["disk", "memory", "in_use", "newer", "damaged", "configuration", "system"]
# What DuckDB says of each, in small letters; the first that fits counts. A full disk has several kinds of error, one of
# them of memory.
SAYS: tuple[tuple[Cause, tuple[str, ...]], ...] = (
    ("disk", ("no space left on device", "max_temp_directory_size")),
    ("memory", ("out of memory error", "failed to allocate")),
    ("in_use", ("could not set lock on file", "conflicting lock")),
    ("newer", ("but we can only read versions", "newer version of duckdb", "newer duckdb version", "storage version")),
    (
        "damaged",
        (
            "corrupt database file",
            "not a valid duckdb database",
            "could not read enough bytes",
            "does not match stored checksum",
            "serialization error",
            "failure while replaying wal",
        ),
    ),
    (
        "configuration",
        (
            "memory value",
            "must have at least 1 thread",
            "unknown unit for memory",
            "unrecognized configuration",
            "options were not recognized",
        ),
    ),
    (
        "system",
        (
            "permission denied",
            "is a directory",
            "cannot open file",
            "read-only file system",
            "too many open files",
            "input/output error",
        ),
    ),
)


class OperatorError(Exception):
    """Ends a command with `message`, then `remedy`; neither ever holds a value of a customer."""

    def __init__(self, message: str, *, remedy: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


def to_operator_error(error: Exception) -> OperatorError:
    """Any error as an operator may read it."""
    if isinstance(error, OperatorError):
        return error
    if _is_full_disk(error):
        return OperatorError(
            "The disk is full; what analysts see is untouched.",
            remedy="Make room and run again: it continues where it stopped.",
        )
    if isinstance(error, MemoryError):
        return OperatorError(
            "The machine has too little memory for this.",
            remedy="Make room, or lower `memory_limit` in settings.toml, and run again.",
        )
    if cause := cause_of(error):
        return of_cause(cause)
    if isinstance(error, OSError):
        place = f" ({shown_name(str(error.filename))})" if error.filename else ""
        return OperatorError(
            f"The system refused: {error.strerror or type(error).__name__}{place}.",
            remedy="Fix that and run again; `c360 doctor` looks for more.",
        )
    return OperatorError(
        f"Unexpected {type(error).__name__}{_place(error)}.",
        remedy="`C360_DEBUG=1` before the command shows where, with values; `c360 doctor` looks for causes.",
    )


def cause_of(error: BaseException) -> Cause | None:
    """Why DuckDB failed, where that is known; None for any other error. Its words are searched and never shown: they
    may quote a row."""
    if not any(kind.__module__.lstrip("_").startswith("duckdb") for kind in type(error).__mro__):
        return None
    return cause_in(str(error))


def cause_in(text: str) -> Cause | None:
    """The same from DuckDB's words alone, as dbt hands them on."""
    said = text.lower()
    return next((cause for cause, words in SAYS if any(word in said for word in words)), None)


def without_values(message: str) -> str:
    """The kind of one of DuckDB's errors, from its words; the text only where DuckDB quotes no row in it."""
    cause = cause_in(message)
    if cause in ("damaged", "disk"):
        return DAMAGED if cause == "damaged" else NO_ROOM
    if columns := OF_CONTRACT.search(message):
        return columns[0]
    found = re.search(r"(\w+(?: \w+){0,2} Error): ?([^\n]*)", message)
    if not found:
        return "the reason may quote a row and is not shown"
    return f"{found[1]}: {found[2]}" if found[1] in SAFE_ERRORS else found[1]


def of_cause(cause: Cause) -> OperatorError:
    """What an operator reads of it, where nothing more is known."""
    return _CAUSES[cause]()


_CAUSES = {
    "disk": lambda: OperatorError(
        "The disk is full; what analysts see is untouched.",
        remedy="Make room and run again: it continues where it stopped.",
    ),
    "memory": lambda: OperatorError(
        "DuckDB may use too little memory for this.", remedy="Raise `memory_limit` in settings.toml and run again."
    ),
    "in_use": lambda: OperatorError(
        "A database file is open in another program.",
        remedy="Close it there and run again; `c360 doctor` names the file.",
    ),
    "newer": lambda: OperatorError(
        "A database file was written by a newer version of DuckDB than is installed.",
        remedy="Install that version; `c360 doctor` names the file.",
    ),
    "damaged": lambda: OperatorError(
        "A database file is damaged.",
        remedy="`c360 run` moves it aside and builds it anew; `c360 doctor` names the file.",
    ),
    "configuration": lambda: OperatorError(
        "DuckDB refuses `memory_limit` or `threads` of settings.toml.",
        remedy="Fix the setting and run again.",
        exit_code=2,
    ),
    "system": lambda: OperatorError(
        "The system does not let a database file be read or written.",
        remedy="Look at its rights and its disk; `c360 doctor` names the file.",
    ),
}


def unusable(error: Exception, path: Path, *, rebuilt: str) -> OperatorError:
    """Why DuckDB does not open one of our files; `rebuilt` says what to type where it is damaged."""
    cause = cause_of(error)
    if cause == "in_use":
        process = re.search(r"\(PID \d+\)", str(error))
        return OperatorError(
            f"{path} is open in another program{f' {process[0]}' if process else ''}.",
            remedy="Close it there and run again; read-only it is in nobody's way.",
        )
    if cause == "newer":
        return OperatorError(
            f"{path} was written by a newer version of DuckDB than is installed.",
            remedy="Install that version, or " + rebuilt,
        )
    if cause == "damaged":
        return OperatorError(f"{path} is damaged.", remedy=rebuilt[0].upper() + rebuilt[1:])
    return to_operator_error(error)


def _is_full_disk(error: BaseException | None) -> bool:
    """DuckDB has several kinds of error for it, with the system's words inside."""
    if error is None:
        return False
    return (
        getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
        or cause_of(error) == "disk"
        or _is_full_disk(error.__cause__ or error.__context__)
    )


def _place(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "orchestration" in frame.filename]
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
