"""Builds a warehouse from staging rows written down in a test: real DuckDB, real seeds, the real dbt project.

A test names only the columns it is about; everything else gets a plain default. Vendors, files and landing do not
belong here: what a vendor's record becomes in staging is tested where vendors are.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import duckdb

from orchestration.canonical.tables import TABLES
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.parsing import person_names as names
from orchestration.transformation import dbt_runner, seeds
from orchestration.warehouse.meanings import AUDIT_TABLES

Row = dict[str, Any]

STREAMS = dict.fromkeys(
    ("customers", "customer_identifiers", "customer_consents", "segment_memberships", "vendor_stats"), "profiles"
)
EXPORT_DATE = date(2024, 1, 1)


class WarehouseBuilder:
    """Staging rows, and the warehouse that dbt makes of them."""

    def __init__(
        self, data: Path, *, as_of: date, options: Options | None = None, rules: Mapping[str, str] | None = None
    ) -> None:
        """`rules` are seeds overridden by name, as CSV text."""
        self.settings = Settings(data=data, options=options or Options())
        self.as_of = as_of
        self.rules = dict(rules or {})
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self.audit_rows: dict[str, list[Row]] = defaultdict(list)
        self._next_row = 0

    def add(self, table: str, *, source: str, **values: Any) -> Row:
        """One staging row; values not named are null, or what the common columns need."""
        known = {column.name for column in TABLES[table].all_columns}
        if unknown := values.keys() - known:
            raise KeyError(f"{table} has no column {', '.join(sorted(unknown))}")
        self._next_row += 1
        export_date = values.get("export_date", EXPORT_DATE)
        stream = values.get("stream", STREAMS.get(table, table))
        row: Row = {
            "source": source,
            "source_account": "default",
            "stream": stream,
            "source_entity": table,
            "source_dialect": "test",
            "export_date": export_date,
            "last_export_date": export_date,
            "load_seq": 1,
            "source_record_id": values.get("source_order_id") or values.get("owner_record_id") or str(self._next_row),
            "record_hash": hashlib.sha256(f"{table}|{self._next_row}".encode()).hexdigest(),
            "source_file": f"landing/{source}/{stream}/{export_date}/{self._next_row:06}.ndjson",
            "source_row": 1,
            "extracted_at": datetime.combine(export_date, time(), UTC),
            "extra": "{}",
        }
        row.update(values)
        row.update(
            {
                f"{name}_key": names.key(row[name])
                for name in ("first_name", "last_name", "full_name")
                if row.get(name) and f"{name}_key" in known
            }
        )
        self.rows[table].append(row)
        return row

    def profile(self, source: str, record_id: str, *, email: str | None = None, **values: Any) -> Row:
        """A vendor's profile with its own id and, if given, an e-mail address as identifiers."""
        row = self.add(
            "customers",
            source=source,
            source_record_id=record_id,
            **{
                "alias_id": alias(source, values.get("stream", "profiles"), record_id),
                "source_profile_id": record_id,
                **values,
            },
        )
        self.identifier(row, "profile_id", record_id)
        if email:
            self.identifier(row, "email", email)
        return row

    def identifier(self, owner: Row, id_type: str, value: str, **values: Any) -> Row:
        """An identifier that a profile or a contact carries."""
        shared = id_type in ("email", "phone", "document")
        defaults: Row = {
            "source_account": owner["source_account"],
            "stream": owner["stream"],
            "export_date": owner["export_date"],
            "source_file": owner["source_file"],
            "source_row": owner["source_row"],
            "source_record_id": owner["source_record_id"],
            "owner_record_id": owner["source_record_id"],
            "id_type": id_type,
            "id_namespace": "" if shared else f"{owner['source']}:{owner['source_account']}",
            "id_value_raw": value,
            "id_value": value,
            "id_link_value": value,
            "merge_confidence": "high",
            "is_valid": True,
            "source_path": id_type,
        }
        return self.add("customer_identifiers", source=owner["source"], **{**defaults, **values})

    def order(self, source: str, number: str, **values: Any) -> Row:
        """An order record, or with `is_from_event` what an event reports of an order."""
        defaults: Row = {
            "source_order_id": number,
            "order_number": number,
            "order_namespace": "shop",
            "order_match_key": number.strip().lstrip("#").upper(),
            "currency": "EUR",
            "status": "completed",
            "ordered_at": datetime(2024, 1, 1, 12, tzinfo=UTC),
            "is_ordered_at_inferred": False,
            "is_guest": False,
            "is_from_event": False,
        }
        return self.add("orders", source=source, **{**defaults, **values})

    def line(self, order: Row, product_id: str, **values: Any) -> Row:
        """A line of an order row."""
        return self.add(
            "order_lines",
            source=order["source"],
            **{**_place(order), "line_no": 1, "product_id": product_id, "quantity": 1, **values},
        )

    def adjustment(self, source: str, number: str | None, amount: object, **values: Any) -> Row:
        """A refund reported for an order."""
        defaults: Row = {
            "source_order_id": number,
            "order_namespace": "shop",
            "order_match_key": number,
            "adjustment_id": f"adjustment-{self._next_row}",
            "action": "refund",
            "amount_kind": "delta",
            "currency": "EUR",
            "amount": amount,
            "occurred_at": datetime(2024, 1, 5, 12, tzinfo=UTC),
        }
        return self.add("order_adjustments", source=source, **{**defaults, **values})

    def event(self, source: str, event_id: str, **values: Any) -> Row:
        """An event."""
        defaults: Row = {
            "event_id": event_id,
            "event_type": "pageview",
            "event_action": "view",
            "engagement_class": "browse",
            "occurred_at": datetime(2024, 1, 1, 12, tzinfo=UTC),
            "is_active": True,
        }
        return self.add("events", source=source, **{**defaults, **values})

    def delivery(self, source: str, stream: str, export_date: date, *, is_full: bool) -> None:
        """A delivery as the loader logs it; those with rows and no entry here are partial."""
        row = {
            "source": source,
            "source_account": "default",
            "stream": stream,
            "export_date": export_date,
            "is_full": is_full,
            "file_count": 1,
        }
        self.audit_rows["meta.deliveries"].append(row)

    def build(self) -> None:
        """Write the build file and run every model and test."""
        self.write()
        dbt_runner.build(self.settings)

    def write(self) -> None:
        """Write staging, the loader's audit tables, the rules and the settings of the run."""
        self.settings.build_file.parent.mkdir(parents=True, exist_ok=True)
        self.settings.config.mkdir(parents=True, exist_ok=True)
        for name, text in self.rules.items():
            (self.settings.config / f"{name}.csv").write_text(text, encoding="utf-8")
        with self.connect() as connection:
            for schema in ("staging", "meta", "internal", "seeds"):
                connection.execute(f"create schema if not exists {schema}")
            for name, columns in _declarations():
                connection.execute(
                    f"create or replace table {name} ({', '.join(f'{column} {kind}' for column, kind in columns)})"
                )
            for table, rows in self.rows.items():
                insert(connection, f"staging.{table}", rows)
            for table, rows in {**self.audit_rows, "meta.deliveries": self.deliveries()}.items():
                insert(connection, table, rows)
            seeds.load(connection, self.settings)
            insert(connection, "internal.run_settings", [self._run_settings()])

    @contextmanager
    def connect(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The build file, opened as everything else opens it."""
        connection = duckdb.connect(str(self.settings.build_file), config=self.settings.duckdb_config)
        try:
            connection.execute("set TimeZone = 'UTC'")
            yield connection
        finally:
            connection.close()

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Rows of the built warehouse."""
        with self.connect() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def _run_settings(self) -> Row:
        options = self.settings.options
        return {
            "as_of_date": self.as_of,
            "reporting_currency": options.reporting_currency,
            "reporting_time_zone": options.reporting_time_zone,
            "identity_sharing_limit": options.identity_sharing_limit,
        }

    def deliveries(self) -> list[Row]:
        """The deliveries as the loader logs them: those reported, and a partial one for whatever else came."""
        deliveries = {_delivery(row): row for row in self.audit_rows["meta.deliveries"]}
        for rows in self.rows.values():
            for row in rows:
                key = _delivery(row)
                place = {name: row[name] for name in ("source", "source_account", "stream", "export_date")}
                deliveries.setdefault(key, {**place, "is_full": False, "file_count": 1})
        return list(deliveries.values())


def alias(source: str, stream: str, record_id: str) -> str:
    """The id a record of the default account gives its person if it is the anchor."""
    return hashlib.sha256(f"{source}|default|{stream}|{record_id}".encode()).hexdigest()


def _delivery(row: Row) -> tuple[str, str, str, date]:
    return row["source"], row["source_account"], row["stream"], row["export_date"]


def _place(row: Row) -> Row:
    names = (
        "source_account",
        "stream",
        "export_date",
        "source_file",
        "source_row",
        "source_record_id",
        "source_order_id",
        "currency",
    )
    return {name: row[name] for name in names}


def _declarations() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for table in TABLES.values():
        yield f"staging.{table.name}", [(column.name, column.duckdb_type) for column in table.all_columns]
    for table in AUDIT_TABLES:
        yield f"{table.schema}.{table.name}", [(name, kind) for name, kind, _ in table.columns]


def insert(connection: duckdb.DuckDBPyConnection, name: str, rows: list[Row]) -> None:
    """Adds rows to a table; columns that a row leaves out are null."""
    if not rows:
        return
    columns = sorted({column for row in rows for column in row})
    marks = ", ".join("?" for _ in columns)
    connection.executemany(
        f"insert into {name} ({', '.join(columns)}) values ({marks})",
        [[row.get(column) for column in columns] for row in rows],
    )
