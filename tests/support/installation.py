"""An installation as its owner meets it: files land in a folder, `c360` runs in a process of its own, SQL reads what was published."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from tests.support.paths import PROJECT

EXPORT_DATES = ("2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04")


@dataclass(frozen=True)
class Outcome:
    """What a command left on the terminal."""

    exit_code: int
    out: str
    err: str

    @property
    def figures(self) -> dict[str, Any]:
        return json.loads(self.out.strip().splitlines()[-1])

    @property
    def said(self) -> str:
        return self.out + self.err


@dataclass(frozen=True)
class Installation:
    """A data folder."""

    data: Path

    def land(self, place: str, export_date: str, name: str, *records: object) -> Path:
        """One file at `<vendor>/<stream>`: bytes and text as given, records as one JSON document a line."""
        path = self.data / "landing" / place / export_date / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(map(_line, records)))
        return path

    def configure(self, name: str, text: str) -> None:
        (self.data / "config").mkdir(parents=True, exist_ok=True)
        (self.data / "config" / name).write_text(text, encoding="utf-8")

    def start(self, *arguments: str, project: Path = PROJECT, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "orchestration.cli", *arguments],
            cwd=project,
            env={**os.environ, "C360_DATA": str(self.data), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def c360(self, *arguments: str, project: Path = PROJECT, **environment: str) -> Outcome:
        process = self.start(*arguments, project=project, **environment)
        out, err = process.communicate(timeout=1800)
        return Outcome(process.returncode, out, err)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.data / "warehouse.duckdb"), read_only=True) as con:
            con.execute("set timezone = 'UTC'")
            return con.execute(query, list(values)).fetchall()

    def row(self, query: str, *values: object) -> tuple[Any, ...]:
        [found] = self.rows(query, *values)
        return found

    def value(self, query: str, *values: object) -> Any:
        [value] = self.row(query, *values)
        return value

    def column(self, query: str, *values: object) -> list[Any]:
        return [value for (value,) in self.rows(query, *values)]

    def customer_of(self, source: str, record_id: str) -> str:
        return self.value(
            "select customer_id from marts.bridge_customer_records where source = ? and source_record_id = ?",
            source,
            record_id,
        )

    def customer_with(self, email: str) -> str:
        return self.value(
            "select customer_id from marts.bridge_customer_identifiers where identifier_type = 'email' and identifier_value = ?",
            email,
        )

    def order(self, number: str, *columns: str) -> tuple[Any, ...]:
        """An order by its number, however it is written."""
        return self.row(
            f"select {', '.join(columns)} from marts.fct_orders where ltrim(upper(trim(order_number)), '#') = upper(?)",
            number,
        )

    def contents(self, *schemas: str) -> dict[str, tuple[int, int]]:
        """Number of rows and a hash of them for every table."""
        tables = self.rows(
            "select schema_name, table_name from duckdb_tables() where list_contains(?, schema_name) order by all",
            list(schemas),
        )
        return {
            f"{schema}.{table}": self.row(f"select count(*), sum(hash(t)) from {schema}.{table} as t")
            for schema, table in tables
        }


def _line(record: object) -> bytes:
    if isinstance(record, bytes):
        return record
    return (record if isinstance(record, str) else json.dumps(record, ensure_ascii=False) + "\n").encode()


def ometria_profile(record_id: str, **fields: object) -> dict[str, object]:
    return {"@type": "profile", "id": record_id, **fields}


def ometria_order(
    number: str,
    total: object,
    status: str = "complete",
    *,
    email: str | None = None,
    time: str = "2026-02-10T10:00:00+00:00",
    **fields: object,
) -> dict[str, object]:
    customer: Mapping[str, object] = {"email": email} if email else {}
    return {
        "@type": "order",
        "id": number,
        "increment_id": number,
        "status": status,
        "is_valid": status not in ("canceled", "cancelled"),
        "timestamp": time,
        "currency": "EUR",
        "grand_total": total,
        "customer": customer,
        **fields,
    }


def omnisend_event(
    name: str, event_id: str, email: str, time: str = "2026-02-10T10:00:00Z", **properties: object
) -> dict[str, object]:
    return {
        "eventName": name,
        "eventID": event_id,
        "eventTime": time,
        "origin": "api",
        "contact": {"email": email},
        "properties": properties,
    }


def voucherify_customer(record_id: str, **fields: object) -> dict[str, object]:
    return {"object": "customer", "id": record_id, "created_at": "2026-01-01T00:00:00Z", **fields}


def voucherify_order(
    order_id: str, number: str, cents: int, status: str = "PAID", *, customer: str | None = None, **fields: object
) -> dict[str, object]:
    return {
        "object": "order",
        "id": order_id,
        "source_id": number,
        "created_at": "2026-02-10T10:00:00Z",
        "updated_at": "2026-02-10T10:00:00Z",
        "status": status,
        "amount": cents,
        "total_amount": cents,
        "customer": {"id": customer, "object": "customer"} if customer else None,
        **fields,
    }


def optimizely_order_event(
    action: str, number: str, email: str, epoch: int = 1770717600, **order: object
) -> dict[str, object]:
    return {
        "type": "order",
        "action": action,
        "identifiers": {"email": email},
        "data": {"ts": epoch, "order": {"order_id": number, **order}},
    }
