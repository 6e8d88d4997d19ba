"""Which files of a bundle have to do with each other, or with what is loaded: those are loaded one after the other.

A file does if it was logged before, if the same content was, or if it delivers an order or event again. As each of
these is settled within an account, all files of that account in the bundle then keep their order.
"""

import duckdb
import polars as pl

from orchestration.canonical.tables import TABLES
from orchestration.loading.file_load import governed
from orchestration.loading.prefetch import Bundle
from orchestration.warehouse.duckdb_session import handed_over

_LOGGED = """
select distinct source, source_account from (select unnest($1::varchar[]) as file_path, unnest($2::varchar[]) as source, unnest($3::varchar[]) as source_account)
semi join (select file_path from meta.loads where status <> 'superseded') using (file_path)
"""
_COPIED = """
with
    known as (
        select source, source_account, stream, export_date, file_sha256, file_path from meta.loads
        union all
        select source, source_account, stream, export_date, file_sha256, file_path from {files}
    )
select distinct files.source, files.source_account
from {files} as files
inner join known using (source, source_account, stream, export_date, file_sha256)
where known.file_path <> files.file_path and files.is_given
"""
_REPEATED = """
with
    incoming as (
        select rows.source, rows.source_account, rows.{key} as record_id, rows.record_hash, rows.load_seq, rows.source_row
        from {rows} as rows
        where (rows.source, rows.stream, rows.source_dialect) in (select unnest($1::varchar[]), unnest($2::varchar[]), unnest($3::varchar[]))
    )
select source, source_account from incoming
group by source, source_account, record_id, record_hash having count(distinct (load_seq, source_row)) > 1
union
select incoming.source, incoming.source_account
from incoming
semi join staging.{entity} as kept
    on incoming.record_id = kept.{key} and incoming.record_hash = kept.record_hash and incoming.source = kept.source
    and incoming.source_account = kept.source_account
"""


def needing_order(con: duckdb.DuckDBPyConnection, bundle: Bundle) -> set[int]:
    """Load numbers of the files with rows in the joint spool that are to be loaded one after the other."""
    feeds = {feed for query in (_logged, _copied, _repeated) for feed in query(con, bundle)}
    return {one.origin.load_seq for one in bundle.readings if one.origin.load_seq in bundle.joint and one.feed in feeds}


def _logged(con: duckdb.DuckDBPyConnection, bundle: Bundle) -> list[tuple[str, str]]:
    paths = [one.file.relative_path for one in bundle.readings]
    sources, accounts = zip(*(one.feed for one in bundle.readings), strict=True)
    return con.execute(_LOGGED, [paths, list(sources), list(accounts)]).fetchall()


def _copied(con: duckdb.DuckDBPyConnection, bundle: Bundle) -> list[tuple[str, str]]:
    schema = {
        **dict.fromkeys(("source", "source_account", "stream"), pl.String),
        "export_date": pl.Date,
        **dict.fromkeys(("file_sha256", "file_path"), pl.String),
        "is_given": pl.Boolean,
    }
    rows = [
        (*one.feed, one.file.stream, one.file.export_date, one.sha256, one.file.relative_path, one.file.size > 0)
        for one in bundle.readings
    ]
    with handed_over(con, pl.DataFrame(rows, schema=schema, orient="row")) as files:
        return con.execute(_COPIED.format(files=files)).fetchall()


def _repeated(con: duckdb.DuckDBPyConnection, bundle: Bundle) -> list[tuple[str, str]]:
    reported = [
        (entity, source, *of)
        for source in {one.file.source for one in bundle.readings}
        for entity, dialects in governed(source).items()
        for of in dialects
    ]
    found: list[tuple[str, str]] = []
    for entity in {entity for entity, *_ in reported} & bundle.spool.tables:
        named = [[one[place] for one in reported if one[0] == entity] for place in (1, 2, 3)]
        with bundle.spool.rows(con, entity) as rows:
            query = _REPEATED.format(rows=rows, entity=entity, key=TABLES[entity].key)
            found.extend(con.execute(query, named).fetchall())
    return found
