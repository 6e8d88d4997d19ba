"""What vendors say of people, written down the way a test reads: rows for a real staging schema, and a build of the models.

Values are taken as already normalised: reading and judging them is the business of other tests.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb

from orchestration.canonical.tables import TABLES
from orchestration.parsing import person_names as names
from orchestration.warehouse.meanings import AUDIT_TABLES

FIRST_EXPORT_DATE = date(2026, 1, 1)
GLOBAL = ("email", "phone", "document")
WEAK = ("vuid", "push_token", "tracking_id")
IDENTIFIER_TYPES = (*GLOBAL, *WEAK, "customer_id", "external_id", "profile_id", "contact_id", "custom")


@dataclass(frozen=True)
class Statement:
    """What one vendor says of one person on one day."""

    name: str
    source: str
    account: str
    stream: str
    day: int
    said: dict[str, Any]
    is_contact: bool = False

    @property
    def record_id(self) -> str:
        if not self.is_contact:
            return self.name
        identity = "|".join(
            f"{key}={self.said[key]}"
            for key in sorted(self.said)
            if key in (*IDENTIFIER_TYPES, "first_name", "birth_date")
        )
        return "derived:" + hashlib.sha256(f"{self.source}|{self.account}|{identity}".encode()).hexdigest()[:32]

    @property
    def alias_id(self) -> str:
        stream = "derived" if self.is_contact else self.stream
        return hashlib.sha256(f"{self.source}|{self.account}|{stream}|{self.record_id}".encode()).hexdigest()[:32]

    @property
    def export_date(self) -> date:
        return FIRST_EXPORT_DATE + timedelta(days=self.day)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.source, self.account, self.record_id


def profile(
    name: str,
    *,
    source: str = "ometria",
    account: str = "default",
    stream: str = "profiles",
    day: int = 0,
    **said: Any,
) -> Statement:
    """A vendor record, known at the vendor by `name`."""
    return Statement(name, source, account, stream, day, said)


def contact(
    name: str, *, source: str = "ometria", account: str = "default", stream: str = "orders", day: int = 0, **said: Any
) -> Statement:
    """Somebody an order or event names by identifiers; `name` is for the test only."""
    return Statement(name, source, account, stream, day, said, is_contact=True)


@dataclass
class World:
    """Everything that has landed."""

    statements: list[Statement] = field(default_factory=list)
    full_deliveries: list[tuple[str, str, str, int]] = field(default_factory=list)

    def rows(self) -> Iterable[tuple[str, dict[str, Any]]]:
        """Staging rows: each statement is the only record of a file of its own."""
        for statement in self.statements:
            common = {
                "source": statement.source,
                "source_account": statement.account,
                "stream": statement.stream,
                "source_entity": "contact" if statement.is_contact else "profile",
                "export_date": statement.export_date,
                "last_export_date": statement.export_date,
                "load_seq": 1,
                "source_record_id": statement.record_id,
                "record_hash": hashlib.sha256(repr(statement).encode()).hexdigest(),
                "source_file": f"landing/{statement.source}/{statement.stream}/{statement.export_date}/{statement.name}.json",
                "source_row": 1,
                "extracted_at": datetime.combine(statement.export_date, datetime.min.time(), UTC),
            }
            table = "contacts" if statement.is_contact else "customers"
            attributes = {key: value for key, value in statement.said.items() if key not in IDENTIFIER_TYPES}
            extra = {} if statement.is_contact else {"is_deleted": False}
            yield table, {**common, "alias_id": statement.alias_id, **extra, **attributes, **name_keys(attributes)}
            for row in self._identifiers(statement):
                yield "customer_identifiers", {**common, "owner_record_id": statement.record_id, **row}

    def _identifiers(self, statement: Statement) -> Iterable[dict[str, Any]]:
        given = {} if statement.is_contact else {"profile_id": statement.record_id}
        given |= {key: value for key, value in statement.said.items() if key in IDENTIFIER_TYPES}
        for id_type, values in given.items():
            for value in values if isinstance(values, list) else [values]:
                yield {
                    "id_type": id_type,
                    "id_namespace": "" if id_type in GLOBAL else f"{statement.source}:{statement.account}",
                    "id_value_raw": value,
                    "id_value": value,
                    "id_link_value": value,
                    "merge_confidence": "low" if id_type in WEAK else "high",
                    "is_valid": True,
                }


def name_keys(attributes: Mapping[str, Any]) -> dict[str, str | None]:
    """The names as the loader leaves them beside the given ones, for comparing."""
    return {
        f"{name}_key": names.key(attributes[name])
        for name in ("first_name", "last_name", "full_name")
        if attributes.get(name)
    }


def write(world: World, path: Path) -> None:
    """A build file with everything dbt reads."""
    with duckdb.connect(path) as con:
        for table in TABLES.values():
            columns = ", ".join(f'"{column.name}" {column.duckdb_type}' for column in table.all_columns)
            con.execute(
                f"create schema if not exists staging; create or replace table staging.{table.name} ({columns})"
            )
        for table in AUDIT_TABLES:
            columns = ", ".join(f'"{name}" {kind}' for name, kind, _ in table.columns)
            con.execute(
                f"create schema if not exists {table.schema}; create or replace table {table.schema}.{table.name} ({columns})"
            )
        con.execute(
            "insert into internal.run_settings (as_of_date, reporting_currency, reporting_time_zone) values ('2026-12-31', 'EUR', 'UTC')"
        )
        con.execute("update internal.run_settings set identity_sharing_limit = 5")
        for source, account, stream, day in world.full_deliveries:
            con.execute(
                "insert into meta.deliveries values ($1, $2, $3, $4, true, 1)",
                [source, account, stream, FIRST_EXPORT_DATE + timedelta(days=day)],
            )
        con.execute("begin")
        for table, row in world.rows():
            names = ", ".join(f'"{name}"' for name in row)
            con.execute(
                f"insert into staging.{table} ({names}) values ({', '.join('?' * len(row))})", list(row.values())
            )
        con.execute("commit")


@dataclass(frozen=True)
class Scenario:
    """Statements of people that no other scenario mentions, and who they should turn out to be: sets of statement names."""

    sentence: str
    statements: list[Statement]
    persons: list[set[str]] = field(default_factory=list)
    overrides: list[dict[str, str]] = field(default_factory=list)
    blocklist: list[tuple[str, str, str]] = field(default_factory=list)
    full_deliveries: list[tuple[str, str, str, int]] = field(default_factory=list)

    def __str__(self) -> str:
        return self.sentence

    @property
    def names(self) -> set[str]:
        return {statement.name for statement in self.statements}


def never(one: Statement, other: Statement) -> dict[str, str]:
    """Override that keeps two records apart."""
    return {"rule": "never", **_named(one, ""), **_named(other, "other_"), "author": "a tester", "reason": "a test"}


def always(one: Statement, other: Statement) -> dict[str, str]:
    """Override that joins two records."""
    return never(one, other) | {"rule": "always"}


def blocked(id_type: str, value: str) -> dict[str, str]:
    """Override that takes an identifier its power to link."""
    return {
        "rule": "blocked",
        "identifier_type": id_type,
        "identifier_value": value,
        "author": "a tester",
        "reason": "a test",
    }


def _named(statement: Statement, prefix: str) -> dict[str, str]:
    stream = "derived" if statement.is_contact else statement.stream
    return {
        f"{prefix}source": statement.source,
        f"{prefix}source_account": statement.account,
        f"{prefix}stream": stream,
        f"{prefix}source_record_id": statement.record_id,
    }


@dataclass
class Warehouse:
    """What dbt made of a world, to be asked by the names that tests use."""

    con: duckdb.DuckDBPyConnection
    statements: dict[str, Statement]

    def customer(self, name: str) -> str | None:
        """Id of the person a statement is about; None if it is nobody."""
        statement = self.statements[name]
        stream = "derived" if statement.is_contact else statement.stream
        row = self.con.execute(
            "select customer_id from identity.int_owner_customers where source = $1 and source_account = $2 and stream_key = $3 and owner_record_id = $4",
            [statement.source, statement.account, stream, statement.record_id],
        ).fetchone()
        return row[0] if row else None

    def persons(self, names: Iterable[str]) -> list[set[str]]:
        """The statements by person; those about nobody are left out."""
        found: dict[str, set[str]] = {}
        for name in names:
            customer = self.customer(name)
            if customer is not None:
                found.setdefault(customer, set()).add(name)
        return sorted(found.values(), key=sorted)

    def person(self, name: str) -> dict[str, Any]:
        """Row of `dim_customers`."""
        return self.rows("select * from marts.dim_customers where customer_id = $1", self.customer(name))[0]

    def reason(self, name: str, value: str) -> str | None:
        """Why an identifier of a person links nobody."""
        return self.rows(
            "select not_linking_reason as reason from marts.bridge_customer_identifiers where customer_id = $1 and identifier_value = $2",
            self.customer(name),
            value,
        )[0]["reason"]

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a query as dictionaries."""
        result = self.con.execute(query, list(values))
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]
