"""What a person must look at although the run went well: sentences in the run log, and exit code 3.

Two ways to add one. Where it follows from what stands in the build file (a delivery held, a decision set aside, a
conflict), write a look where the matter is known and name it in `LOOKS`: it is asked at the end of every run, so that
it is reported again each night until it is settled. What only the run itself knows is reported once, by `add`.
`c360 run`, `status`, `doctor`, alerts and Dagster all show them from `meta.runs.attention`; a sentence says what is the
matter and what to type, and never a value of a customer.
"""

import json
from collections.abc import Callable, Iterable, Iterator

import duckdb

from orchestration.config.settings import Settings
from orchestration.loading import circuit_breaker, held_deletions, unreadable_files, unreported_rejects
from orchestration.runtime.redaction import without_contacts
from orchestration.transformation import identity_rules, segment_rules

# What a look is given: the build file with its marts made, the installation, and the run that ends
# (`meta.loads.run_id`).
Look = Callable[[duckdb.DuckDBPyConnection, Settings, str], Iterator[str]]

# What DuckDB says of values and of queries, and not of a disk, of memory or of the file.
OF_DATA = (duckdb.DataError, duckdb.IntegrityError, duckdb.ProgrammingError, duckdb.NotSupportedError)

LOOKS: tuple[Look, ...] = (
    segment_rules.failing,
    identity_rules.look,
    held_deletions.look,
    unreadable_files.look,
    unreported_rejects.look,
    circuit_breaker.look,
)


def add(con: duckdb.DuckDBPyConnection, run_id: str, *sentences: str) -> None:
    """Adds sentences to what this run has to say; the same one counts once."""
    said = list(dict.fromkeys((*of_run(con, run_id), *map(without_contacts, sentences))))
    if said:
        con.execute("update meta.runs set attention = $1 where run_id = $2", [json.dumps(said), run_id])


def gather(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> None:
    """Asks every look and notes what it says; one without its tables built yet says nothing, and one that fails on
    data ends no run."""
    for look in LOOKS:
        try:
            add(con, run_id, *look(con, settings, run_id))
        except duckdb.CatalogException:
            continue
        except OF_DATA as error:
            name = look.__module__.rpartition(".")[2].replace("_", " ")
            add(
                con,
                run_id,
                f"What is to be reported of {name} could not be found out ({type(error).__name__}). Please report it.",
            )


def of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> tuple[str, ...]:
    """What this run had to say."""
    return parsed(
        value for (value,) in con.execute("select attention from meta.runs where run_id = $1", [run_id]).fetchall()
    )


def parsed(values: Iterable[str | None]) -> tuple[str, ...]:
    """The sentences of entries of the run log, as its column holds them."""
    return tuple(sentence for value in values if value for sentence in json.loads(value))
