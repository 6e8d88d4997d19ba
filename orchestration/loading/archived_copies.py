"""Copies of a file that were archived, and stand for its content once the file itself holds something else.

Of several files of one export date with one content the first path is loaded and the others are logged as duplicates.
An archived delivery keeps its rows, and so does an archived copy: it takes over the log entry of the file, and all that
was loaded by it."""

import duckdb

from orchestration.loading import circuit_breaker
from orchestration.loading.record_versions import settle_versions
from orchestration.warehouse.change_keys import mark_changed

# A copy that still lies in the landing zone is simply loaded.
_COPIES = f"""
select original.load_seq, copy.load_seq, copy.file_path, sight.file_path is not null as is_present
from meta.loads as original
inner join meta.loads as copy
    on original.source = copy.source and original.source_account = copy.source_account and original.stream = copy.stream
    and original.export_date = copy.export_date and original.file_sha256 = copy.file_sha256 and original.file_path <> copy.file_path
left join internal.sightings as sight on copy.file_path = sight.file_path and sight.missed_in is null
where original.file_path = $1 and original.file_bytes > 0 and copy.status = 'duplicate'
    and original.load_seq in (select load_seq from meta.loads where {circuit_breaker.STANDS})
order by is_present desc, copy.file_path
"""
_PLACES = """
select columns.schema_name || '.' || columns.table_name, columns.column_name
from duckdb_columns() as columns
semi join duckdb_tables() as tables using (database_name, schema_name, table_name)
semi join (select * from duckdb_columns() where column_name = 'load_seq') as with_load using (database_name, schema_name, table_name)
where columns.database_name = current_database() and columns.schema_name in ('staging', 'meta', 'internal')
    and columns.column_name in ('file_path', 'source_file') and columns.table_name <> 'loads'
"""
IDENTITY = ("file_path", "file_bytes", "file_mtime_ns", "file_ctime_ns", "file_inode", "is_full")


def hand_over(con: duckdb.DuckDBPyConnection, path: str) -> None:
    """Before what the file loaded is taken out: an archived copy of it takes that over, if none lies in the landing
    zone."""
    copies = con.execute(_COPIES, [path]).fetchall()
    if not copies or copies[0][3]:
        return
    load_seq, other, successor, _ = copies[0]
    put_under(con, load_seq, successor)
    mark_changed(con, "load_seq = $1", [load_seq])
    # Of versions without a time the last path is the newest, so that another may be now.
    settle_versions(con, [load_seq])
    _exchange(con, load_seq, other)


def put_under(con: duckdb.DuckDBPyConnection, load_seq: int, path: str) -> None:
    """All that a load left is of that file from now on, but for its log entry."""
    for table, column in con.execute(_PLACES).fetchall():
        con.execute(f"update {table} set {column} = $2 where load_seq = $1", [load_seq, path])


def _exchange(con: duckdb.DuckDBPyConnection, load_seq: int, other: int) -> None:
    """The two log entries change places: each is of the other's file from now on."""
    con.execute(
        f"update meta.loads set {', '.join(f'{name} = partner.{name}' for name in IDENTITY)} from (select * replace"
        " (case when load_seq = $1 then $2 else $1 end as load_seq) from meta.loads where load_seq in ($1, $2)) as"
        " partner where meta.loads.load_seq = partner.load_seq",
        [load_seq, other],
    )
