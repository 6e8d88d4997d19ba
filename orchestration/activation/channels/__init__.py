"""The vendors as receivers: a module in this folder that holds a `CHANNEL` is one; being here is the registration."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from orchestration.activation.channel import Channel


@cache
def discover() -> dict[str, Channel]:
    """Every channel by the code name of its vendor."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {module.CHANNEL.vendor: module.CHANNEL for module in sorted(modules, key=lambda module: module.__name__)}
