"""Work that makes many objects and hardly a cycle: to look for cycles in them again and again costs a tenth of its
time.

Loading records is such work, and dbt.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Python's own 700 have dbt, which frees few of its hundred thousands, searched 1,400 times in a first run.
OBJECTS_BETWEEN_SEARCHES = 20_000


@contextmanager
def collecting_seldom(objects_between_searches: int = OBJECTS_BETWEEN_SEARCHES) -> Iterator[None]:
    """Has Python look for garbage seldom inside: for work that leaves too much of it to keep it all."""
    before = gc.get_threshold()
    gc.set_threshold(objects_between_searches, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
