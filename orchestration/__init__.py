"""The nightly job of customer360, from landed files to the published warehouse; docs/architecture.md has the packages
and their order.

What scripts of an installation may import from here, wherever it lies inside: `pipeline`, `settings`, `publish`,
`changes`, `plan` and `locking`. Everything else may move between two versions.
"""

from importlib import import_module
from types import ModuleType

FOR_SCRIPTS = {
    "settings": "orchestration.config.settings",
    "publish": "orchestration.publishing.publish",
    "changes": "orchestration.publishing.change_report",
    "plan": "orchestration.cli.plan",
}


def __getattr__(name: str) -> ModuleType:
    """A module that scripts may import, by its public name; loaded when it is asked for."""
    if name in FOR_SCRIPTS:
        return import_module(FOR_SCRIPTS[name])
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
