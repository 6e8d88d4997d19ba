"""Who is meant by an id, an address or a number, and everything the warehouse knows them by."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import duckdb
import polars as pl

from orchestration.activation import outbox
from orchestration.canonical.reason_codes import ERASED
from orchestration.canonical.tables import TABLES
from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures
from orchestration.parsing import phone_numbers
from orchestration.parsing.emails import email as parsed_email
from orchestration.parsing.phone_numbers import phone as parsed_phone
from orchestration.runtime.errors import OperatorError

# What stands for nobody in particular is nobody's to be erased by.
NOBODYS = ("placeholder", "role_address", "blocked", "shared", "ambiguous", "invalid")
# What names the same person wherever it is written.
UNIVERSAL = ("email", "phone")
# What belongs to a record and names nobody itself.
PARTS = ("order_lines", "order_adjustments", "order_payments", "review_ratings")
_OWNED = "case when {0} like 'derived:%' then 'derived' else {1}stream end"
_OWNERS = f"""
create or replace temp table person_owners as
select distinct source, source_account, stream_key, source_record_id as owner, alias_id
from internal.int_record_customers
where customer_id in (select unnest($1::varchar[]))
union
select distinct source, source_account, {_OWNED.format("owner_record_id", "")}, owner_record_id, null
from staging.customer_identifiers as reported
where
    (id_type, id_link_value) in (select (kind, value) from (select unnest($2::varchar[]) as kind, unnest($3::varchar[]) as value))
    and not exists (
        select 1 from internal.int_record_customers as known
        where known.source = reported.source and known.source_account = reported.source_account and known.source_record_id = reported.owner_record_id
            and known.customer_id is not null
    )
"""
_HELD = f"""
with reported as (
    select distinct
        source, source_account, id_type, id_namespace, id_link_value, id_value, id_value_raw,
        (source, source_account, {_OWNED.format("owner_record_id", "")}, owner_record_id) in (
            select (source, source_account, stream_key, owner) from person_owners
        ) as is_theirs
    from staging.customer_identifiers
    where is_valid and id_link_value is not null
)
select distinct id_type, id_namespace, id_link_value, id_value, id_value_raw, source, source_account
from reported
where is_theirs
    and (id_type, id_namespace, id_link_value) not in (select (id_type, id_namespace, id_link_value) from reported where not is_theirs)
    and (id_type, id_namespace, id_value) not in (
        select (id_type, id_namespace, id_value) from internal.int_identifier_standing where not_linking_reason in {NOBODYS}
    )
"""
_ACCOUNTS = f"""
select distinct source, source_account, account_id from staging.loyalty_accounts
where account_id is not null
    and (source, source_account, {_OWNED.format("owner_record_id", "")}, owner_record_id) in (
        select (source, source_account, stream_key, owner) from person_owners
    )
"""


@dataclass(frozen=True)
class Person:
    """Somebody, and what they are known by. Nothing of it is ever shown."""

    customer_ids: tuple[str, ...]
    owners: tuple[tuple[str, str, str, str], ...] = field(repr=False)
    aliases: tuple[str, ...] = field(repr=False)
    identifiers: tuple[tuple[str, ...], ...] = field(repr=False)
    accounts: tuple[tuple[str, str, str], ...] = field(repr=False)
    given: tuple[str, ...] = field(default=(), repr=False)
    """Their identifiers in every spelling, as `activation.outbox` takes them: an address and a number mean them at
    every vendor, any other id where it was reported."""

    def known_by(self) -> Iterator[str]:
        """All of it, as `erasures.py` knows it again."""
        yield from (erasures.record(*owner) for owner in self.owners)
        yield from (erasures.loyalty_account(*account) for account in self.accounts)
        yield from (alias(one) for one in self.aliases)
        for id_type, namespace, link, *shown in self.identifiers:
            yield erasures.identifier(id_type, namespace, link)
            if id_type in erasures.MENTIONED:
                dialled = phone_numbers.dialled_at_home(link) if id_type == "phone" else ()
                yield from (erasures.mention(value) for value in (link, *shown, *dialled) if value)
            else:
                yield from (
                    erasures.word(value) for value in (link, *shown) if value and erasures.is_distinctive(value)
                )
        for *_, owner in self.owners:
            if not owner.startswith("derived:") and erasures.is_distinctive(owner):
                yield erasures.word(owner)


def alias(alias_id: str) -> str:
    """How an id of ours is known again."""
    return f"alias\x1f{alias_id}"


def resolve(
    con: duckdb.DuckDBPyConnection,
    erased: Erasures | None,
    *,
    customer_id: str | None = None,
    email: str | None = None,
    phone: str | None = None,
) -> Person:
    """The one person that is meant; wrong use where there is none, or more than one. Whoever is among the `erased` is a
    person without records."""
    kind, values = _asked(email, phone)
    ids = _by_id(con, customer_id) if customer_id else _holders(con, kind, values)
    if len(ids) > 1:
        raise OperatorError(
            f"{len(ids)} people carry that: {', '.join(ids)}.",
            remedy="Name the customer id of the one who is meant.",
            exit_code=2,
        )
    con.execute(_OWNERS, [ids, [kind] * len(values), values])
    owners = con.execute(
        "select distinct source, source_account, stream_key, owner from person_owners order by all"
    ).fetchall()
    if not owners:
        if erased is not None and (before := _erased_before(erased, customer_id, kind, values)):
            return before
        raise OperatorError(
            "Nobody is known by that.", remedy="`c360 sql` or `c360 explain` help to find who is meant.", exit_code=2
        )
    aliases = con.execute(
        "select alias_id from person_owners where alias_id is not null union select alias_id from"
        " marts.customer_id_aliases where customer_id in (select unnest($1::varchar[])) order by all",
        [ids],
    ).fetchall()
    held = con.execute(_HELD + " order by all").fetchall()
    return Person(
        tuple(ids),
        tuple(owners),
        tuple(one for (one,) in aliases),
        tuple(dict.fromkeys(row[:-2] for row in held)),
        tuple(con.execute(_ACCOUNTS + " order by all").fetchall()),
        tuple(sorted(set(_given(held)))),
    )


def _given(held: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for kind, _, *values, source, account in held:
        for value in filter(None, values):
            yield value if kind in UNIVERSAL else outbox.of_account(source, account, value)


def _asked(email: str | None, phone: str | None) -> tuple[str, list[str]]:
    """The kind of what was typed, and the forms it is linked by."""
    if email is None and phone is None:
        return "", []
    kind, typed = ("email", email) if email is not None else ("phone", phone)
    given = pl.DataFrame({"given": [typed]}, schema={"given": pl.String})
    parsed = (
        parsed_email(pl.col("given")) if kind == "email" else parsed_phone(pl.col("given"), pl.lit(None, pl.String))
    )
    found = given.select(parsed.alias("parsed")).unnest("parsed").row(0, named=True)
    return kind, sorted({value for value in (found.get("link_value"), found.get("value")) if value})


def _erased_before(erased: Erasures, customer_id: str | None, kind: str, values: list[str]) -> Person | None:
    """Somebody of whom hashes are kept, with no more than what they were named by."""
    aliases = (customer_id,) if customer_id and erased.is_known(alias(customer_id)) else ()
    identifiers = tuple(
        (kind, "", value, value, value) for value in values if erased.is_known(erasures.identifier(kind, "", value))
    )
    given = tuple(value for *_, value in identifiers)
    return Person((), (), aliases, identifiers, (), given) if aliases or identifiers else None


def _holders(con: duckdb.DuckDBPyConnection, kind: str, values: list[str]) -> list[str]:
    found = con.execute(
        """
        select distinct persons.customer_id
        from staging.customer_identifiers as reported
        inner join internal.int_record_customers as persons
            on reported.source = persons.source and reported.source_account = persons.source_account and reported.owner_record_id = persons.source_record_id
            and case when reported.owner_record_id like 'derived:%' then 'derived' else reported.stream end = persons.stream_key
        where persons.customer_id is not null and reported.id_type = $1 and reported.id_link_value in (select unnest($2::varchar[]))
        order by all
        """,
        [kind, values],
    )
    return [one for (one,) in found.fetchall()]


def _by_id(con: duckdb.DuckDBPyConnection, customer_id: str) -> list[str]:
    found = con.execute(
        "select distinct customer_id from marts.customer_id_aliases where alias_id = $1 and customer_id is not null",
        [customer_id],
    )
    return [one for (one,) in found.fetchall()]


def tables_with_owner() -> list[str]:
    """Tables of staging with rows that name the record they belong to."""
    return [
        table.name for table in TABLES.values() if any(column.name == "owner_record_id" for column in table.columns)
    ]


def places(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Tables of staging and marts, earlier versions and values that could not be read, each with the condition for rows
    of the person, after `resolve`; `$1` are the ids of ours."""
    of_person = "select (source, source_account, stream_key, owner) from person_owners"
    records = []
    for table in TABLES:
        owner = (
            "source_record_id"
            if table in ("customers", "contacts")
            else "owner_record_id"
            if table in tables_with_owner()
            else None
        )
        if owner:
            stream = "'derived'" if table == "contacts" else _OWNED.format(owner, "")
            condition = f"(source, source_account, {stream}, {owner}) in ({of_person})"
            records.append(f"select load_seq, source_row from staging.{table} where {condition}")
            yield f"staging.{table}", condition
    con.execute(f"create or replace temp table person_records as {' union '.join(records)}")
    of_records = "in (select (load_seq, source_row) from person_records)"
    for table in PARTS:
        yield f"staging.{table}", f"(load_seq, source_row) {of_records}"
    yield "internal.outdone", f"(source, source_account, stream, source_record_id) in ({of_person})"
    yield "internal.load_issues", f"(load_seq, row_number) {of_records}"
    marts = con.execute(
        "select table_schema || '.' || table_name, bool_or(column_name = 'customer_id') from information_schema.columns"
        " where table_schema = 'marts' and column_name in ('customer_id', 'order_id') group by all order by all"
    )
    is_theirs = "customer_id in (select unnest($1::varchar[]))"
    for table, names_person in marts.fetchall():
        yield (
            table,
            is_theirs if names_person else f"order_id in (select order_id from marts.fct_orders where {is_theirs})",
        )


def counts(con: duckdb.DuckDBPyConnection, person: Person) -> dict[str, int]:
    """Rows of the person by place: staging and marts, after `resolve`."""
    ids = list(person.customer_ids)
    found = {
        place: _count(con, f"{place} where {condition}", [ids] if "$1" in condition else [])
        for place, condition in places(con)
    }
    return {place: count for place, count in found.items() if count}


def orders(con: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    """Orders of the person as vendors number them, after `resolve`: source, account and order id."""
    return con.execute(
        "select distinct source, source_account, source_order_id from staging.orders where (source, source_account,"
        f" {_OWNED.format('owner_record_id', '')}, owner_record_id) in (select (source, source_account, stream_key,"
        " owner) from person_owners) order by all"
    ).fetchall()


def _count(con: duckdb.DuckDBPyConnection, what: str, parameters: list[object] | None = None) -> int:
    row = con.execute(f"select count(*) from {what}", parameters or []).fetchone()
    assert row is not None
    return row[0]


def files_loaded_since(con: duckdb.DuckDBPyConnection, moment: str) -> set[str]:
    """Paths of files that were loaded after a moment."""
    found = con.execute(
        "select file_path from meta.loads where status <> 'superseded' and loaded_at > $1::timestamptz", [moment]
    )
    return {path for (path,) in found.fetchall()}


def files_of_erased(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Paths of loaded files in which somebody was delivered again who was erased before."""
    found = con.execute("select distinct file_path from meta.rejects where reason_code = $1", [ERASED])
    return {path for (path,) in found.fetchall()}


def files_to_look_at(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Paths of loaded files that may hold records of the person, after `resolve`: their rows came from, were
    delivered again in, or were rejected in."""
    of_person = "select (source, source_account, stream_key, owner) from person_owners"
    parts = [
        "select file_path from meta.rejects where reason_code <> 'erased'",
        (
            "select source_file from internal.outdone where (source, source_account, stream, source_record_id) in"
            f" ({of_person})"
        ),
        (
            "select source_file from internal.duplicates where (source, source_account, record_id) in (select (source,"
            " source_account, source_order_id) from staging.orders where is_theirs(source, source_account, stream,"
            " owner_record_id) union select (source, source_account, event_id) from staging.events where"
            " is_theirs(source, source_account, stream, owner_record_id))"
        ),
        "select source_file from staging.loyalty_transactions where owner_record_id is null",
    ]
    con.execute(
        "create or replace temp macro is_theirs(a, b, c, d) as ((a, b,"
        f" {_OWNED.format('d', '').replace('stream', 'c')}, d) in ({of_person}))"
    )
    parts += [
        f"select source_file from staging.{table} where is_theirs(source, source_account, stream, owner_record_id)"
        for table in tables_with_owner()
    ]
    parts += [
        "select source_file from staging.customers where is_theirs(source, source_account, stream, source_record_id)",
        (
            "select source_file from staging.contacts where (source, source_account, 'derived', source_record_id) in"
            f" ({of_person})"
        ),
    ]
    found = (
        "select distinct file_path from"
        f" ({' union all '.join(f'select * from ({part}) as t(file_path)' for part in parts)})"
    )
    copies = (
        "select distinct copy.file_path from meta.loads as copy inner join meta.loads as original using (file_sha256) "
        f"where copy.status <> 'superseded' and original.file_path in ({found})"
    )
    return {path for (path,) in con.execute(f"{found} union {copies}").fetchall()}
