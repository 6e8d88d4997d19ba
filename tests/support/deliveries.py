"""Small deliveries for tests of the job: order events of one vendor, as plain as they come."""

import json
import os
from pathlib import Path

import duckdb

from orchestration.config.accounts import feed
from orchestration.config.settings import Settings

EXPORT_DATES = ("2026-06-01", "2026-06-02")


def order(
    number: int, person: str, *, total: float | str = 10.0, time: str = "2026-06-01T10:00:00Z"
) -> dict[str, object]:
    """An order event."""
    return {
        "eventName": "placed order",
        "eventTime": time,
        "eventID": f"event-{number}",
        "contact": {"email": f"{person}@mail.test.example.com", "firstName": person.title()},
        "order": {"orderID": str(1000 + number), "currency": "EUR", "totalPrice": total},
    }


def land(
    settings: Settings, export_date: str, name: str, *records: dict[str, object] | str, account: str = "default"
) -> Path:
    """Puts records into the landing zone as one file of the vendor's account."""
    path = settings.landing / feed("omnisend", account) / "events" / export_date / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join((record if isinstance(record, str) else json.dumps(record)) + "\n" for record in records),
        encoding="utf-8",
    )
    return path


def land_two_deliveries(settings: Settings) -> None:
    """Three orders of two people, the second delivery with a later one."""
    land(settings, EXPORT_DATES[0], "a.ndjson", order(1, "anna"), order(2, "ben", total=20))
    land(settings, EXPORT_DATES[1], "b.ndjson", order(3, "anna", total=30, time="2026-06-02T09:00:00Z"))


def land_a_third_delivery(settings: Settings) -> None:
    """An order that is reported again with another total, a new one, and a line that is no record."""
    land(settings, EXPORT_DATES[1], "b.ndjson", order(3, "anna", total=35, time="2026-06-02T09:00:00Z"))
    land(settings, "2026-06-03", "c.ndjson", order(4, "cleo"), "no json")


def hide(folder: Path) -> Path:
    """Makes it impossible to read the folder in full, even for root: with folders in it that have a longer path than a
    path may be."""
    deepest = os.open(folder, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=deepest)
        above, deepest = deepest, os.open("d" * 250, os.O_RDONLY, dir_fd=deepest)
        os.close(above)
    os.close(deepest)
    return folder / ("d" * 250)


def checksum(path: Path, *schemas: str) -> dict[str, tuple[int, int]]:
    """Rows and a hash of them for every table of the schemas (default: all marts)."""
    with duckdb.connect(str(path), read_only=True) as con:
        tables = con.execute(
            "select schema_name, table_name from duckdb_tables() where schema_name in $1 order by all",
            [list(schemas or ("marts",))],
        ).fetchall()
        return {
            f"{schema}.{table}": con.execute(f"select count(*), sum(hash(t)) from {schema}.{table} as t").fetchone()
            for schema, table in tables
        }


def row_counts_balance(path: Path) -> bool:
    """The law of accounting holds for every file."""
    with duckdb.connect(str(path), read_only=True) as con:
        return not con.execute(
            "from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate"
        ).fetchall()
