"""Ids that were published, handed on from publication to publication: `marts.customer_id_aliases` resolves them for
ever.

A person's id follows from the records that are there; what was handed out once does not, because records go. So each
build takes over what the published warehouse resolves, and what an earlier one did that was taken back.
"""

import duckdb

from orchestration.config.settings import Settings
from orchestration.warehouse import publications
from orchestration.warehouse.duckdb_session import has_table, transaction


def hand_on(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Brings `internal.issued_ids` up to date with the published warehouse; what is not there any more stays as it
    was."""
    con.execute(
        "create table if not exists internal.issued_ids (alias_id varchar, customer_id varchar, retired_at timestamptz)"
    )
    with publications.attached(con, settings) as is_there:
        if not is_there or not publications.has(con, "marts", "customer_id_aliases", "alias_id", "customer_id"):
            return
        retired_at = (
            "retired_at"
            if publications.has(con, "marts", "customer_id_aliases", "retired_at")
            else "cast(null as timestamptz)"
        )
        with transaction(con):
            con.execute(f"""
                create or replace table internal.issued_ids as
                select alias_id, customer_id, {retired_at} as retired_at from published.marts.customer_id_aliases
                union all
                select * from internal.issued_ids where alias_id not in (select alias_id from published.marts.customer_id_aliases)
                """)
            if has_table(con, "internal", "erasing"):
                con.execute(
                    "delete from internal.issued_ids where alias_id in (from internal.erasing) or customer_id in (from"
                    " internal.erasing)"
                )
