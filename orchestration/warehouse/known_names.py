"""Names of people that an installation knows: those of its customers, and given names with their variants from the
rules.

Files and folders are named after people now and then. Asked only when such a name is about to be shown, and only for
its words.
"""

import csv
from collections.abc import Collection
from functools import cached_property, lru_cache
from pathlib import Path

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime import redaction
from orchestration.vendors import discover

GIVEN_NAMES = "given_name_variants"
NAME_COLUMNS = ("variant_of", "name")
# Words of paths that are also somebody's name.
ORDINARY = frozenset(
    [
        "landing",
        "data",
        "config",
        "export",
        "exports",
        "full",
        "part",
        "page",
        "file",
        "files",
        "batch",
        "delta",
        "daily",
        "new",
        "old",
        "test",
        "json",
        "csv",
    ]
)
NAMES = r"""
with words as (select unnest(string_split_regex(lower(full_name), '[^\p{L}\p{M}]+')) as word from marts.dim_customers where full_name is not null)
select distinct word from words where length(word) >= 3
"""


def ask(settings: Settings) -> None:
    """From here on this installation's names are masked in names of files and folders."""
    redaction.names_among = _Names(settings).among


class _Names:
    """The names of an installation; its customers are read once, when the first word is asked about that is no folder
    of ours."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def among(self, words: Collection[str]) -> frozenset[str]:
        """Which of the words, folded, are names of people."""
        asked = frozenset(words) - ORDINARY - _own_words()
        return asked & self._all if asked else frozenset()

    @cached_property
    def _all(self) -> frozenset[str]:
        return _given_names(self._settings.dbt_project / "seeds" / f"{GIVEN_NAMES}.csv") | _customers(self._settings)


def _customers(settings: Settings) -> frozenset[str]:
    if not settings.published_file.exists():
        return frozenset()
    try:
        with duckdb.connect(str(settings.published_file), read_only=True, config=settings.duckdb_config) as con:
            return frozenset(redaction.folded(word) for (word,) in con.execute(NAMES).fetchall())
    except duckdb.Error:
        return frozenset()


@lru_cache(maxsize=1)
def _own_words() -> frozenset[str]:
    """Vendors and their streams: the folders that are ours to name."""
    vendors = discover().values()
    parts = [
        word for vendor in vendors for name in (vendor.code, *vendor.streams) for word in redaction.WORD.findall(name)
    ]
    return frozenset(map(redaction.folded, parts))


@lru_cache(maxsize=4)
def _given_names(path: Path) -> frozenset[str]:
    if not path.exists():
        return frozenset()
    with path.open(encoding="utf-8-sig", newline="") as file:
        return frozenset(
            redaction.folded(word)
            for row in csv.DictReader(file)
            for column in NAME_COLUMNS
            for word in redaction.WORD.findall(row[column])
        )
