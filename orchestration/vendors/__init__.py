"""The vendors: a module in this folder that holds a `VENDOR` is one; being here is the registration."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from orchestration.mapping.model import Vendor


@cache
def discover() -> dict[str, Vendor]:
    """Every vendor by its code name, in the order of the names."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    return {module.VENDOR.code: module.VENDOR for module in sorted(modules, key=lambda module: module.__name__) if hasattr(module, "VENDOR")}
