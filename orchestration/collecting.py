"""Work that makes many objects and hardly a cycle: to look for cycles in them again and again costs a tenth of its time.

Blocks of records are such work, and dbt. What the work is stands where it is done.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collecting() -> Iterator[None]:
    """Keeps Python from collecting garbage inside; afterwards it does as it did before."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
