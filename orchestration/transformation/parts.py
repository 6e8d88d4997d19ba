"""The closed parts that the data fall into, and which shard each of them goes to.

Rows of two parts never decide about each other. Parts are weighed by their rows of staging and laid one after the other
on a line as long as all rows; a shard is a stretch of it, so that every shard has its even share but for one part.
"""

from dataclasses import dataclass

import duckdb

from orchestration.transformation import key_pairs
from orchestration.warehouse.change_keys import CHANGE_KEYS, first_of
from orchestration.warehouse.duckdb_session import has_table

# A part that is larger than a shard's even share holds up the others, but for data that are small anyway.
TOO_LARGE_FROM_ROWS = 100_000


@dataclass(frozen=True)
class Sharing:
    """How rows of staging were shared out: into how many shards, and how many rows the largest part has."""

    shards: int
    parts: int
    rows: int
    largest_part: int

    @property
    def is_uneven(self) -> bool:
        """One part is more than the even share of a shard, so that its worker has too much to do."""
        return self.shards > 1 and self.largest_part > max(TOO_LARGE_FROM_ROWS, self.rows / self.shards)


def share_out(con: duckdb.DuckDBPyConnection, components: str, shards: int, *, shuffled: int = 0) -> Sharing:
    """Notes the shard of every first change key of a row of staging in `internal.shard_of`; `components` is the query
    of the analysis `parts`. Another number for `shuffled` deals them out in another order."""
    key_pairs.make(con, "table internal.key_pairs")
    con.execute(f"create or replace temp table parts as {components}")
    con.execute("drop table internal.key_pairs")
    counted = " union all ".join(
        f"select {first_of(table)} as change_key, count(*) as row_count from staging.{table} group by all"
        for table in CHANGE_KEYS
    )
    con.execute(
        f"create or replace temp table weighed as select change_key, sum(row_count) as row_count from ({counted}) where change_key is"
        " not null group by change_key"
    )
    con.execute(
        """
        create or replace temp table placed as
        with heavy as (
            select coalesce(part, change_key) as part, sum(row_count) as row_count from weighed left join parts using (change_key) group by all
        )
        select
            part,
            row_count,
            cast(least(
                $1 - 1,
                floor((sum(row_count) over (order by hash(part, $2), part rows unbounded preceding) - row_count / 2)
                    * $1 / sum(row_count) over ())
            ) as integer) as shard
        from heavy
        """,
        [shards, shuffled],
    )
    con.execute(
        """
        create or replace table internal.shard_of as
        select change_key, shard from weighed left join parts using (change_key) inner join placed on placed.part = coalesce(parts.part, change_key)
        order by shard
        """
    )
    con.execute(
        """
        create or replace table internal.sharing as
        select $1::bigint as shards, count(*) as parts, coalesce(sum(row_count), 0)::bigint as row_count,
            coalesce(max(row_count), 0)::bigint as largest_part
        from placed
        """,
        [shards],
    )
    for table in ("parts", "weighed", "placed", "unusable"):
        con.execute(f"drop table temp.{table}")
    found = last(con)
    assert found is not None
    return found


def last(con: duckdb.DuckDBPyConnection) -> Sharing | None:
    """How rows were last shared out; None if they never were."""
    row = (
        con.execute("select shards, parts, row_count, largest_part from internal.sharing").fetchone()
        if has_table(con, "internal", "sharing")
        else None
    )
    return Sharing(*row) if row else None


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Forgets which shard everything went to; how rows were shared out stays."""
    con.execute("drop table if exists internal.shard_of")
