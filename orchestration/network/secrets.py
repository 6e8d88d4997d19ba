"""Secrets of vendors: from an environment variable, or from a file that only its user can read. Never from the
configuration itself."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from orchestration.runtime.errors import OperatorError

VARIABLE = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]*)")
FILE = re.compile(r"file:(.+)")


def read(given: str, *, meaning: str, folder: Path, environment: Mapping[str, str] | None = None) -> str:
    """The secret that `env:NAME` or `file:PATH` leads to; `meaning` says what it is for, and a path begins in
    `folder`."""
    if named := VARIABLE.fullmatch(given):
        return _usable(
            (os.environ if environment is None else environment).get(named[1], ""),
            meaning,
            f"the environment variable {named[1]}",
        )
    if named := FILE.fullmatch(given):
        return _usable(_content(folder / Path(named[1]).expanduser(), meaning), meaning, "its file")
    raise _refused(
        f"{meaning} stands in the configuration itself.",
        "Write `env:NAME` or `file:PATH` there, and let the vendor give you a new one.",
    )


def _content(path: Path, meaning: str) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise _refused(f"{meaning}: {path} is no file.", "Put the secret there, alone, with the rights 0600.")
        if mode & 0o077:
            raise _refused(f"{meaning}: {path} may be read by others.", f"Type `chmod 600 {path}`.")
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise _refused(f"{meaning}: {path} is no text in UTF-8.", "Put the secret there, alone.") from None
    except OSError as error:
        raise _refused(
            f"{meaning}: {path} cannot be read ({error.strerror}).",
            "Put the secret there, alone, with the rights 0600.",
        ) from None


def _usable(text: str, meaning: str, where: str) -> str:
    secret = text.strip()
    if not secret:
        raise _refused(f"{meaning} is missing: {where} is empty.", "Set it and run again.")
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise _refused(
            f"{meaning} cannot be sent: {where} holds more than one word of plain letters, digits and signs.",
            "Fix it and run again.",
        )
    return secret


def _refused(message: str, remedy: str) -> OperatorError:
    return OperatorError(message, remedy=remedy, exit_code=2)
