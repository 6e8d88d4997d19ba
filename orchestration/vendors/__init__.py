"""The vendors: a module in this folder is one, and holds it as `VENDOR`; being here is the registration. What several
of them share would have a name that begins with `_`.

A module with a mistake costs its own vendor alone: the others are found, and `broken` says what is wrong and in which
line.
"""

import traceback
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from orchestration.mapping.checks import MappingError
from orchestration.mapping.model import Vendor

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Found:
    """The vendors by their code names, and what is wrong with the modules of others."""

    sound: dict[str, Vendor] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)


def discover() -> dict[str, Vendor]:
    """Every vendor by its code name, in the order of the names; without those with a mistake in their module."""
    return _once().sound


def broken() -> dict[str, str]:
    """What is wrong with the modules that have a mistake, in a sentence with module and line, by the code name of their
    vendor."""
    return _once().broken


def names() -> list[str]:
    """Code names of all vendors, broken ones too."""
    return sorted([*discover(), *broken()])


def find() -> Found:
    """What the folder holds."""
    found = Found()
    for name in sorted(module.name for module in iter_modules(__path__) if not module.name.startswith("_")):
        try:
            found.sound[name] = _vendor(name, getattr(import_module(f"{__name__}.{name}"), "VENDOR", None))
        except Exception as error:
            found.broken[name] = _sentence(name, error)
    return found


_once = cache(find)


def _vendor(module: str, declared: object) -> Vendor:
    if not isinstance(declared, Vendor):
        raise MappingError("holds no `VENDOR`")
    if declared.code != module:
        raise MappingError(f"its `VENDOR` is called `{declared.code}`, and the module `{module}`")
    return declared


def _sentence(module: str, error: Exception) -> str:
    """The mistake with the place in the vendor's own code where it was made."""
    place = f"orchestration/vendors/{module}"
    if isinstance(error, SyntaxError) and error.filename:
        place, line, what = _place(error.filename), error.lineno, f"no Python ({error.msg})"
    else:
        frames = [
            frame
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).is_relative_to(HERE) and frame.filename != __file__
        ]
        place, line = (_place(frames[-1].filename), frames[-1].lineno) if frames else (place, None)
        what = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
    return f"{place}{f', line {line}' if line else ''}: {what}"


def _place(filename: str) -> str:
    return (
        str(Path(filename).relative_to(HERE.parents[1])) if Path(filename).is_relative_to(HERE.parents[1]) else filename
    )
