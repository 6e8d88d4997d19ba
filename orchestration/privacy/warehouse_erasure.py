"""Takes erased people out of the build file: out of what is left of archived deliveries, the audit tables and the ids;
it is written into a new file before it is published.

What still lies in the landing zone is loaded again from there.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from orchestration.canonical.reason_codes import ERASED, RECORD_REASONS
from orchestration.canonical.table_model import Table
from orchestration.canonical.tables import TABLES
from orchestration.config.settings import Settings
from orchestration.normalisation import anonymous, erasures
from orchestration.normalisation.dialect_normaliser import ACCOUNT_TABLES
from orchestration.normalisation.erasures import Erasures
from orchestration.privacy.persons import alias, tables_with_owner
from orchestration.warehouse import deleted_rows, fingerprints, publications
from orchestration.warehouse.change_keys import mark_changed
from orchestration.warehouse.duckdb_session import handed_over, has_table, transaction

_KEY = "source, source_account, stream, export_date"
GONE = "internal.erasing"


def _owner(table: str) -> str | None:
    return (
        "source_record_id"
        if table in ("customers", "contacts")
        else "owner_record_id"
        if table in tables_with_owner()
        else None
    )


def scrub(con: duckdb.DuckDBPyConnection, erased: Erasures, run_id: str) -> Counter[str]:
    """Takes rows of erased people out of staging, and what names them out of the audit tables; how many by place."""
    found: Counter[str] = Counter()
    with transaction(con):
        for kind in ("erased_rows", "anonymous_rows"):
            con.execute(f"create or replace temp table {kind} (load_seq bigint, source_row bigint)")
        for name, table in TABLES.items():
            found[f"staging.{name}"] += _scrub_table(con, table, erased)
        for name, table in TABLES.items():
            if _owner(name) is None:
                found[f"staging.{name}"] += _scrub_parts(con, table)
        found["internal.outdone"] += _scrub_rows(con, "internal.outdone", "source_record_id", erased)
        _log_as_rejected(con, run_id)
        found["meta.rejects"] += _scrub_rejects(con, erased)
        found["internal.load_issues"] += _scrub_issues(con, erased)
        deleted_rows.note(con)
        if +found:
            # Orders lose their people without any change of the load log.
            fingerprints.forget_transformed(con)
    return +found


def _scrub_table(con: duckdb.DuckDBPyConnection, table: Table, erased: Erasures) -> int:
    owner = _owner(table.name)
    if owner is None:
        return 0
    place = f"staging.{table.name}"
    with _erased_owners(con, place, owner, erased) as of_theirs, _nobodys(con, table, owner, erased) as naming:
        conditions = [one for one in (of_theirs, naming) if one is not None]
        if not conditions:
            return 0
        condition = f"({' or '.join(conditions)})"
        mark_changed(con, condition, tables=(table.name,))
        if table.name in anonymous.ORDER_TABLES:
            con.execute(f"insert into anonymous_rows select load_seq, source_row from {place} where {condition}")
            return _make_anonymous(con, table, condition)
        con.execute(f"insert into erased_rows select load_seq, source_row from {place} where {condition}")
        if table.is_known_by_content:
            con.execute(
                "delete from internal.duplicates where entity = $1 and (source, source_account, record_id) in (select"
                f" (source, source_account, {table.key}) from {place} where {condition})",
                [table.name],
            )
        return _changed(con, f"delete from {place} where {condition}")


def _make_anonymous(con: duckdb.DuckDBPyConnection, table: Table, condition: str) -> int:
    """Leaves of rows of orders what an order needs; how many. The record that they came by may be named after
    somebody."""
    blank = {column.name: "null" for column in table.all_columns if column.personal}
    blank |= {name: "null" for name in anonymous.LEFT_OUT if any(column.name == name for column in table.columns)}
    own = "source_order_id" if any(column.name == "source_order_id" for column in table.columns) else "record_hash"
    blank["source_record_id"] = own
    return _changed(
        con,
        f"update staging.{table.name} set {', '.join(f'{name} = {value}' for name, value in blank.items())} where"
        f" {condition}",
    )


def _scrub_parts(con: duckdb.DuckDBPyConnection, table: Table) -> int:
    """The same for rows that name no person themselves, such as lines of orders and ratings of reviews: they go with
    the record they came in."""
    theirs = "(load_seq, source_row) in (select (load_seq, source_row) from {})"
    rows = theirs.format("erased_rows")
    mark_changed(con, f"{rows} or {theirs.format('anonymous_rows')}", tables=(table.name,))
    if table.name in anonymous.ORDER_TABLES:
        return _make_anonymous(con, table, f"{rows} or {theirs.format('anonymous_rows')}")
    return _changed(con, f"delete from staging.{table.name} where {rows}")


def _scrub_rows(con: duckdb.DuckDBPyConnection, place: str, owner: str, erased: Erasures) -> int:
    with _erased_owners(con, place, owner, erased) as condition:
        return 0 if condition is None else _changed(con, f"delete from {place} where {condition}")


@contextmanager
def _erased_owners(con: duckdb.DuckDBPyConnection, place: str, owner: str, erased: Erasures) -> Iterator[str | None]:
    """A condition for rows of a table that belong to somebody who was erased; null where none does."""
    stream = "'derived'" if place == "staging.contacts" else "stream"
    query = (
        f"select distinct source, source_account, {stream}, export_date, {owner} from {place} where {owner} is not null"
    )
    theirs = [row for row in con.execute(query).fetchall() if erased.holds(erasures.record(*row[:3], row[4]), row[3])]
    if not theirs:
        yield None
        return
    schema = {
        "source": pl.String,
        "source_account": pl.String,
        "stream": pl.String,
        "export_date": pl.Date,
        "owner": pl.String,
    }
    with handed_over(con, pl.DataFrame(theirs, schema=schema, orient="row")) as rows:
        con.execute(f"create or replace temp table erased_owners as from {rows}")
    yield (
        f"(source, source_account, {stream}, export_date, {owner}) in (select (source, source_account, stream,"
        " export_date, owner) from erased_owners)"
    )


@contextmanager
def _nobodys(con: duckdb.DuckDBPyConnection, table: Table, owner: str, erased: Erasures) -> Iterator[str | None]:
    """A condition for rows about nobody that name somebody who was erased, or an account of theirs; null where none
    does."""
    texts = [column.name for column in table.all_columns if column.personal and column.kind in ("text", "json")]
    account = "account_id" if table.name in ACCOUNT_TABLES else "null"
    query = f"""
        select distinct source, source_account, export_date, concat_ws(' ', {", ".join(texts)}) as said, {account} as account
        from staging.{table.name} where {owner} is null
    """
    theirs = [
        row
        for row in con.execute(query).fetchall()
        if (row[3] and erased.is_mentioned(row[3].encode("utf-8", "replace"), row[2]))
        or (row[4] and erased.holds(erasures.loyalty_account(row[0], row[1], row[4]), row[2]))
    ]
    if not theirs:
        yield None
        return
    names = ("source", "source_account", "export_date", "said", "account")
    schema = {name: pl.Date if name == "export_date" else pl.String for name in names}
    with handed_over(con, pl.DataFrame(theirs, schema=schema, orient="row")) as rows:
        con.execute(f"""
            create or replace temp table naming_rows as
            select distinct row.load_seq, row.source_row
            from staging.{table.name} as row
            inner join {rows} as theirs
                on row.source = theirs.source and row.source_account = theirs.source_account and row.export_date = theirs.export_date
                and concat_ws(' ', {", ".join(f"row.{name}" for name in texts)}) = theirs.said
                and {f"row.{account}" if account != "null" else account} is not distinct from theirs.account
            where row.{owner} is null
            """)
    yield f"({owner} is null and (load_seq, source_row) in (select (load_seq, source_row) from naming_rows))"


def _log_as_rejected(con: duckdb.DuckDBPyConnection, run_id: str) -> None:
    """Records of which nothing is left in staging are rejected from now on."""
    left = " union all ".join(f"select load_seq, source_row from staging.{table}" for table in TABLES)
    con.execute(f"""
        create or replace temp table erased_records as
        select distinct erased_rows.load_seq, erased_rows.source_row as row_number
        from erased_rows
        anti join ({left}) as still on erased_rows.load_seq = still.load_seq and erased_rows.source_row = still.source_row
        """)
    con.execute(
        f"""
        insert into meta.rejects by name
        select {_KEY}, file_path, row_number, $1 as reason_code, '' as raw, $2 as message, load_seq
        from erased_records inner join meta.loads using (load_seq)
        """,
        [ERASED, RECORD_REASONS[ERASED]],
    )
    con.execute(
        """
        update meta.loads
        set rows_loaded = rows_loaded - gone.records, rows_rejected = rows_rejected + gone.records, run_id = $1
        from (select load_seq, count(*) as records from erased_records group by load_seq) as gone
        where loads.load_seq = gone.load_seq
        """,
        [run_id],
    )
    con.execute(
        "delete from internal.load_issues where (load_seq, row_number) in (select (load_seq, source_row) from"
        " erased_rows)"
    )


def _scrub_rejects(con: duckdb.DuckDBPyConnection, erased: Erasures) -> int:
    rows = con.execute("select load_seq, row_number, raw, export_date from meta.rejects where raw <> ''").fetchall()
    theirs = [
        (seq, number)
        for seq, number, raw, export_date in rows
        if erased.is_named(raw.encode("utf-8", "replace"), export_date)
    ]
    for seq, number in theirs:
        con.execute(
            "update meta.rejects set raw = '', raw_bytes = null, field = null, reason_code = $1, message = $2 where"
            " load_seq = $3 and row_number = $4",
            [ERASED, RECORD_REASONS[ERASED], seq, number],
        )
    return len(theirs)


def _scrub_issues(con: duckdb.DuckDBPyConnection, erased: Erasures) -> int:
    rows = con.execute(
        "select distinct value_given, export_date from internal.load_issues where value_given <> ''"
    ).fetchall()
    theirs = [value for value, export_date in rows if erased.is_named(value.encode("utf-8", "replace"), export_date)]
    return (
        _changed(
            con,
            "update internal.load_issues set value_given = '' where value_given in (select unnest($1::varchar[]))",
            [theirs],
        )
        if theirs
        else 0
    )


def note_ids(con: duckdb.DuckDBPyConnection, settings: Settings, erased: Erasures) -> None:
    """Writes down which ids of ours were those of erased people, as long as an erasure is under way: they are not
    handed on. What analysts see may know more of them than the build file of an attempt that was killed."""
    con.execute(f"create table if not exists {GONE} (alias_id varchar)")
    own = {one for (one,) in con.execute(_IDS).fetchall() if one} if _has_ids(con) else set()
    ids = set(own)
    with publications.attached(con, settings) as is_there:
        if is_there and publications.has(con, "marts", "customer_id_aliases", "alias_id", "customer_id"):
            ids |= {one for (one,) in con.execute(_PUBLISHED_IDS).fetchall() if one}
    gone = [one for one in ids if erased.is_known(alias(one))]
    if gone:
        con.execute(f"insert into {GONE} select unnest($1::varchar[]) except from {GONE}", [gone])
        con.execute(f"delete from internal.issued_ids where alias_id in (from {GONE})")
    if own.intersection(gone):
        # Its marts still know them, and are made anew as a whole.
        fingerprints.forget_transformed(con)


_IDS = """
select alias_id from internal.issued_ids union select customer_id from internal.issued_ids
union select alias_id from marts.customer_id_aliases union select customer_id from marts.customer_id_aliases
"""
_PUBLISHED_IDS = """
select alias_id from published.marts.customer_id_aliases union select customer_id from published.marts.customer_id_aliases
"""


def _has_ids(con: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        con.execute(
            "select 1 from duckdb_tables() where schema_name = 'marts' and table_name = 'customer_id_aliases'"
        ).fetchall()
    )


def forget_ids(con: duckdb.DuckDBPyConnection) -> None:
    """Removes those ids from the log of identity events, and the list of them; after the marts are made and the changes
    in them reported."""
    if has_table(con, *GONE.split(".")) and has_table(con, "meta", "identity_events"):
        con.execute(
            f"delete from meta.identity_events where customer_id in (from {GONE}) or other_customer_id in (from {GONE})"
        )
    con.execute(f"drop table if exists {GONE}")
    deleted_rows.note(con)


def other_copies(settings: Settings) -> Iterator[Path]:
    """Warehouses that were set aside, damaged or superseded."""
    yield from (path for path in settings.data.glob("*.duckdb.*") if not path.name.startswith("."))
    yield from (
        path for path in settings.build_file.parent.glob("warehouse.duckdb.*") if not path.name.endswith(".wal")
    )
    yield from (settings.build_file.parent / "previous").glob("*")


def _changed(con: duckdb.DuckDBPyConnection, statement: str, parameters: list[object] | None = None) -> int:
    row = con.execute(statement, parameters or []).fetchone()
    return row[0] if row else 0
