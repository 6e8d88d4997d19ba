"""Orders and events delivered again with the same content: staging keeps each once, by its earliest delivery.

Earliest is by data (export date, path, row), never by arrival: when an earlier delivery comes late, the row that is
there takes over its place, and the later one is logged as the duplicate. So staging and the load log are a function of
what has landed. The pointers in `internal.duplicates` let a duplicate stand in when the file it repeated is replaced.
"""

from collections.abc import Mapping

import duckdb

from orchestration.canonical.table_model import Column
from orchestration.canonical.tables import TABLES, known_by_content
from orchestration.loading.spool import Spool
from orchestration.normalisation.file_context import Origin
from orchestration.warehouse.change_keys import mark_changed

# People are known by file, not by record: every file keeps the contacts it carries.
MOVED = tuple(table for table in TABLES if table not in ("contacts", "customer_identifiers"))
_START = "{}::timestamp::timestamptz"  # of an export date


def deduplicate(
    con: duckdb.DuckDBPyConnection, origin: Origin, dialects: dict[str, list[tuple[str, str]]], spool: Spool
) -> int:
    """Finds which records of a file repeat others; leaves those not to be inserted in `repeated_rows`. Returns how many
    are duplicates."""
    con.execute("create or replace temp table repeated_rows (source_row bigint)")
    duplicates = 0
    for entity, governed in dialects.items():
        if entity in spool.tables:
            with spool.rows(con, entity) as rows:
                duplicates += _deduplicate(con, origin, entity, governed, rows)
    return duplicates


def _deduplicate(
    con: duckdb.DuckDBPyConnection, origin: Origin, entity: str, dialects: list[tuple[str, str]], rows: str
) -> int:
    key = TABLES[entity].key
    account = origin.account
    governed = {"streams": [stream for stream, _ in dialects], "dialects": [name for _, name in dialects]}
    repeated = _repeat_in_file(con, key, governed, rows)
    named = {"source": account.source, "account": account.source_account}
    new: dict[str, object] = {"day": origin.export_date, "path": origin.source_file}
    con.execute(_MET.format(entity=entity, key=key, rows=rows), governed | named | new)
    [(met, duplicates)] = con.execute(
        "select count(*), count(distinct new_row) filter (is_duplicate) from met"
    ).fetchall()
    if not met:
        return repeated
    con.execute("insert into repeated_rows select distinct new_row from met")
    point = f"insert into internal.duplicates select '{entity}', $source, $account, record_id, record_hash,"
    new |= {"seq": origin.load_seq}
    con.execute(f"{point} $day::date, $path, new_row, $seq from met where is_duplicate", named | new)
    con.execute(f"{point} export_date, source_file, source_row, load_seq from met where not is_duplicate", named)
    _move(
        con,
        "select load_seq, source_row, $day::date as new_date, $path as new_file, new_row, $seq as new_seq from met"
        " where not is_duplicate",
        new,
    )
    correct_row_counts(
        con, "select load_seq, -count(distinct source_row) as gained from met where not is_duplicate group by load_seq"
    )
    remember_latest(con, entity, "select record_id, record_hash from met", named)
    return duplicates + repeated


def _repeat_in_file(con: duckdb.DuckDBPyConnection, key: str | None, governed: dict[str, list[str]], rows: str) -> int:
    """Of records that have one content and yet were written in two ways, all but the first: to whoever compares records
    as written they are no repeated ones."""
    con.execute(
        f"""
        create or replace temp table again as
        select source_row from (
            select source_row, source_row > min(source_row) over (partition by {key}, record_hash) as is_again
            from {rows}
            where (stream, source_dialect) in (select unnest($streams), unnest($dialects))
        )
        group by source_row
        having bool_and(is_again)
        """,
        governed,
    )
    con.execute("insert into repeated_rows from again")
    [(repeated,)] = con.execute("select count(*) from again").fetchall()
    return repeated


def release_duplicates(con: duckdb.DuckDBPyConnection, load_seq: int) -> None:
    """Before a load is taken out: what it delivered first and others again goes on under the earliest of those."""
    for entity, key in known_by_content():
        reported = (
            f"select 1 from staging.{entity} where load_seq = $1 union all select 1 from internal.duplicates where entity"
            f" = '{entity}' and load_seq = $1"
        )
        if con.execute(f"{reported} limit 1", [load_seq]).fetchone() is None:
            continue
        con.execute(
            f"""
            create or replace temp table successors as
            select
                kept.load_seq, kept.source_row, kept.source, kept.source_account, duplicates.record_id, duplicates.record_hash,
                duplicates.export_date as new_date, duplicates.source_file as new_file, duplicates.source_row as new_row, duplicates.load_seq as new_seq
            from internal.duplicates
            inner join staging.{entity} as kept
                on kept.source = duplicates.source and kept.source_account = duplicates.source_account
                and kept.{key} = duplicates.record_id and kept.record_hash = duplicates.record_hash
            where duplicates.entity = '{entity}' and kept.load_seq = $1 and duplicates.load_seq <> $1
            qualify row_number() over (partition by kept.load_seq, kept.source_row order by duplicates.export_date, duplicates.source_file, duplicates.source_row) = 1
            """,
            [load_seq],
        )
        con.execute(
            "create or replace temp table left_by as select record_id, record_hash, source, source_account from"
            " internal.duplicates where entity = $1 and load_seq = $2",
            [entity, load_seq],
        )
        con.execute("delete from internal.duplicates where entity = $1 and load_seq = $2", [entity, load_seq])
        con.execute(
            """
            delete from internal.duplicates using successors
            where internal.duplicates.entity = $1 and internal.duplicates.load_seq = successors.new_seq and internal.duplicates.source_row = successors.new_row
            """,
            [entity],
        )
        _move(con, "select * from successors", {})
        correct_row_counts(con, "select new_seq as load_seq, count(*) as gained from successors group by new_seq")
        for row in con.execute(
            "select distinct source, source_account from (select source, source_account from successors union all select"
            " source, source_account from left_by)"
        ).fetchall():
            named = {"source": row[0], "account": row[1]}
            remember_latest(
                con,
                entity,
                "select record_id, record_hash from successors union select record_id, record_hash from left_by",
                named,
            )


def _move(con: duckdb.DuckDBPyConnection, moves: str, parameters: Mapping[str, object]) -> None:
    con.execute(f"create or replace temp table moves as {moves}", parameters)
    if con.execute("select 1 from moves limit 1").fetchone() is None:
        return
    mark_changed(con, "(load_seq, source_row) in (select load_seq, source_row from moves)")
    for table in MOVED:
        con.execute(f"""
            update staging.{table} as kept
            set export_date = moves.new_date, extracted_at = {_START.format("moves.new_date")}, source_file = moves.new_file,
                source_row = moves.new_row, load_seq = moves.new_seq{"".join(map(_stood_in, TABLES[table].columns))}
            from moves
            where kept.load_seq = moves.load_seq and kept.source_row = moves.source_row
            """)


def _stood_in(column: Column) -> str:
    """An assignment that has the new export date stand in for a time for which the old one did."""
    if column.inferred_flag is None:
        return ""
    name, old, new = f"kept.{column.name}", _START.format("kept.export_date"), _START.format("moves.new_date")
    return f", {column.name} = case when kept.{column.inferred_flag} and {name} = {old} then {new} else {name} end"


def correct_row_counts(con: duckdb.DuckDBPyConnection, gains: str) -> None:
    """Logs records of loads as loaded that were duplicates before, or the other way round: a query of `load_seq` and
    `gained`."""
    con.execute(f"""
        update meta.loads set rows_loaded = rows_loaded + gains.gained, rows_duplicate = rows_duplicate - gains.gained
        from ({gains}) as gains
        where meta.loads.load_seq = gains.load_seq
        """)


def remember_latest(con: duckdb.DuckDBPyConnection, entity: str, keys: str, named: Mapping[str, object]) -> None:
    """`last_export_date` of the rows of these records: the latest export date that delivered them."""
    key = TABLES[entity].key
    con.execute(
        f"""
        create or replace temp table latest as
        with
            reported as ({keys}),
            kept as (
                select distinct kept.load_seq, kept.source_row, kept.export_date, reported.record_id, reported.record_hash
                from staging.{entity} as kept
                inner join reported on kept.{key} = reported.record_id and kept.record_hash = reported.record_hash
                where kept.source = $source and kept.source_account = $account
            ),
            repeated as (
                select record_id, record_hash, max(export_date) as latest
                from internal.duplicates
                where entity = '{entity}' and source = $source and source_account = $account
                group by record_id, record_hash
            )
        select kept.load_seq, kept.source_row, greatest(kept.export_date, coalesce(repeated.latest, kept.export_date)) as latest
        from kept
        left join repeated on kept.record_id = repeated.record_id and kept.record_hash = repeated.record_hash
        """,
        named,
    )
    mark_changed(con, "(load_seq, source_row) in (select load_seq, source_row from latest)")
    for table in MOVED:
        con.execute(f"""
            update staging.{table} as kept set last_export_date = latest.latest
            from latest
            where kept.load_seq = latest.load_seq and kept.source_row = latest.source_row and kept.last_export_date <> latest.latest
            """)


# Which records of the file another delivery reported, with that delivery.
_MET = """
create or replace temp table met as
with
incoming as (
    select distinct source_row, {key} as record_id, record_hash
    from {rows}
    where (stream, source_dialect) in (select unnest($streams), unnest($dialects)) and source_row not in (select source_row from repeated_rows)
),
-- Of several rows that say the same, reported by records that may repeat, the earliest is the one that is repeated.
known as (
    select
        incoming.source_row as new_row, incoming.record_id, incoming.record_hash,
        kept.export_date, kept.source_file, kept.source_row, kept.load_seq,
        (kept.export_date, kept.source_file, kept.source_row) < ($day::date, $path, incoming.source_row) as is_earlier
    from staging.{entity} as kept
    inner join incoming on kept.{key} = incoming.record_id and kept.record_hash = incoming.record_hash
    where kept.source = $source and kept.source_account = $account
    qualify row_number() over (
        partition by incoming.source_row, incoming.record_id, incoming.record_hash order by kept.export_date, kept.source_file, kept.source_row
    ) = 1
),
-- A record that makes several rows is repeated if all of them are.
whole as (
    select incoming.source_row
    from incoming
    left join known on incoming.source_row = known.new_row and incoming.record_id = known.record_id and incoming.record_hash = known.record_hash
    group by incoming.source_row
    having bool_and(known.new_row is not null)
)
select * exclude (is_earlier), bool_or(is_earlier) over (partition by new_row) as is_duplicate
from known
where new_row in (select source_row from whole)
"""
