"""The failures an operator can mend: one sentence on what is wrong and one on what to type or do next.

Whatever else goes wrong is put into such sentences here too: by its kind and place, never by its text, which may quote a row.
"""

import errno
import re
import traceback
from pathlib import Path

NO_SPACE = "no space left on device"
OUT_OF_MEMORY = "Out of Memory Error"
IN_USE = "could not set lock on file"


class OperatorError(Exception):
    """Ends a command with `message`, then `remedy`; neither ever holds a value of a customer."""

    def __init__(self, message: str, *, remedy: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}"


def told(error: Exception) -> OperatorError:
    """Any error as an operator may read it."""
    if isinstance(error, OperatorError):
        return error
    if _is_full_disk(error):
        return OperatorError("The disk is full; what analysts see is untouched.", remedy="Make room and run again: it continues where it stopped.")
    if str(error).startswith(OUT_OF_MEMORY):
        return OperatorError("DuckDB may use too little memory for this.", remedy="Raise `memory_limit` in settings.toml and run again.")
    if isinstance(error, OSError):
        place = f" ({error.filename})" if error.filename else ""
        return OperatorError(
            f"The system refused: {error.strerror or type(error).__name__}{place}.", remedy="Mend that and run again; `c360 doctor` looks for more."
        )
    return OperatorError(
        f"Unexpected {type(error).__name__}{_place(error)}.",
        remedy="`C360_DEBUG=1` before the command shows where, with values; `c360 doctor` looks for causes.",
    )


def is_in_use(error: Exception) -> bool:
    """DuckDB refuses a file because another process has it open."""
    return IN_USE in str(error).lower()


def unusable(error: Exception, build_file: Path) -> OperatorError:
    """Why DuckDB does not open the build file: another program has it open, or it is damaged."""
    if is_in_use(error):
        process = re.search(r"\(PID \d+\)", str(error))
        return OperatorError(
            f"The build file {build_file} is open in another program{f' {process[0]}' if process else ''}.",
            remedy="Close it there and run again; what analysts open is never in the way of a run.",
        )
    return OperatorError(
        f"The build file {build_file} cannot be read ({type(error).__name__}).",
        remedy="`c360 run --full-refresh` builds it anew from what has landed; the published warehouse is untouched.",
    )


def _is_full_disk(error: BaseException | None) -> bool:
    """DuckDB has several kinds of error for it, with the system's words inside."""
    if error is None:
        return False
    return getattr(error, "errno", None) == errno.ENOSPC or NO_SPACE in str(error).lower() or _is_full_disk(error.__cause__ or error.__context__)


def _place(error: Exception) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "orchestration" in frame.filename]
    return f" in {Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""
