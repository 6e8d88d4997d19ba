"""What every file of the configuration asks: why it cannot be read, and whether a time zone is one."""

import re
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.runtime.errors import OperatorError

# What Python takes as zones and the engine does not.
NO_ZONES = re.compile("(posix|right)/|(localtime|posixrules|Factory)$")


def unreadable(path: Path, error: OSError) -> OperatorError:
    """Why a file of the configuration cannot be used, where the system does not let it be read."""
    return OperatorError(
        f"{path} cannot be read: {error.strerror or type(error).__name__}.",
        remedy="Fix that and run again.",
        exit_code=2,
    )


def is_zone(name: Any) -> bool:
    """Whether Python and the engine both know the time zone."""
    try:
        return not NO_ZONES.match(name) and ZoneInfo(name) is not None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
