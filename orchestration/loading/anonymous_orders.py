"""Orders of people who were erased, each under a random id that stands for whoever ordered.

What is kept is the keyed hash of the order and the id: nothing leads from there to a person, and the same orders have
the same id after whatever is loaded or built anew.
"""

import json
import secrets
from collections.abc import Collection
from pathlib import Path

import duckdb
import polars as pl

from orchestration.config.settings import Settings
from orchestration.loading import erasure_log
from orchestration.normalisation import erasures
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse.duckdb_session import handed_over

# Of a vendor: source, account and order id.
Order = tuple[str, str, str]


def path_of(settings: Settings) -> Path:
    """Where the hashes stand, with their ids."""
    return settings.privacy / "orders.json"


def remember(settings: Settings, secret: bytes, people: Collection[Collection[Order]]) -> None:
    """Gives the orders of each person one random id, unless some have one from an attempt that was killed."""
    known = _known(settings)
    entries = dict(known)
    for orders in people:
        keys = erasures.hashes(secret, (erasures.order(*one) for one in orders))
        made = next((known[key] for key in keys if key in known), None) or secrets.token_hex(16)
        entries = {**dict.fromkeys(keys, made), **entries}
    if entries != known:
        # In the order of the hashes, which says nothing: not even which orders were erased together last.
        erasure_log.write(path_of(settings), dict(sorted(entries.items())))


def bring_up_to_date(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Writes `internal.anonymous_orders` of the build file anew: the orders of staging that have such an id."""
    known = _known(settings)
    rows: list[tuple[str, ...]] = []
    if known and settings.secret is not None:
        reported = con.execute(
            "select distinct source, source_account, source_order_id from staging.orders where owner_record_id is null"
        ).fetchall()
        secret = settings.secret
        rows = [
            (*one, known[key]) for one in reported if (key := erasures.digest(secret, erasures.order(*one))) in known
        ]
    schema = dict.fromkeys(("source", "source_account", "source_order_id", "anonymous_id"), pl.String)
    with handed_over(con, pl.DataFrame(rows, schema=schema, orient="row")) as found:
        con.execute(f"create or replace table internal.anonymous_orders as from {found} order by all")


def _known(settings: Settings) -> dict[str, str]:
    path = path_of(settings)
    try:
        return json.loads(path.read_bytes()) if path.exists() else {}
    except ValueError:
        raise OperatorError(
            f"{path} is damaged: it holds the ids of orders of people who were erased.",
            remedy="Bring it back from a backup, or delete it: those orders are then orders of nobody.",
        ) from None
