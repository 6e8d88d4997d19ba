"""The published marts once more as Parquet, for engines that read no DuckDB: folders that never change, and one manifest
that says which of them counts, swapped at once.

`marts/<run>/<table>/…` is written before the warehouse is swapped in and named by the manifest after it; whoever reads by
the manifest sees one publication whole. Folders go with the publications they are of, and all of it with the setting.
"""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import duckdb

from orchestration.config import file_rights
from orchestration.config.settings import Settings
from orchestration.runtime import durable_files
from orchestration.warehouse.duckdb_session import quoted
from orchestration.warehouse.publications import BEGUN

MANIFEST = "manifest.json"
SCHEMA = "marts"
# Tables of which there is much, cut by the month of a column.
BY_MONTH = {"fct_orders": "order_date", "fct_events": "occurred_at"}
MONTH = "month"


def write(settings: Settings, warehouse: Path, run_id: str) -> None:
    """Writes the marts of a warehouse into a folder of that run's, if the setting asks for it; nobody reads it yet."""
    folder = settings.parquet_marts / run_id
    if not settings.options.publish_parquet or folder.is_dir():
        return
    begun = folder.with_name(f"{BEGUN}{run_id}")
    shutil.rmtree(begun, ignore_errors=True)
    begun.mkdir(parents=True)
    with duckdb.connect(str(warehouse), read_only=True, config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = {table: _copy(con, table, begun / table) for table in _tables(con)}
    durable_files.replace(begun / MANIFEST, json.dumps(tables).encode())
    _let_read(settings, begun)
    for path in begun.rglob("*"):
        durable_files.sync(path)
    os.replace(begun, folder)
    durable_files.sync(settings.parquet_marts)


def point_to(settings: Settings, run_id: str | None) -> None:
    """From here on the manifest names the marts of that run, or there is none."""
    manifest = settings.parquet_marts / MANIFEST
    tables = settings.parquet_marts / (run_id or "") / MANIFEST
    if run_id is None or not settings.options.publish_parquet or not tables.is_file():
        manifest.unlink(missing_ok=True)
        return
    wanted = json.dumps({"run_id": run_id, "tables": json.loads(tables.read_bytes())}, indent=1).encode()
    if not manifest.exists() or manifest.read_bytes() != wanted:
        durable_files.replace(manifest, wanted, mode=file_rights.of_published(settings) | 0o200)
        os.chmod(manifest, file_rights.of_published(settings))
        durable_files.sync(settings.parquet_marts)


def prune(settings: Settings, kept: set[str]) -> None:
    """Throws away the marts of other runs than those; all of them where the setting does not ask for any."""
    for folder in settings.parquet_marts.glob("*/"):
        is_ours = folder.name.startswith(BEGUN) or (folder / MANIFEST).is_file()
        if is_ours and not (settings.options.publish_parquet and folder.name in kept):
            shutil.rmtree(folder)


def _tables(con: duckdb.DuckDBPyConnection) -> list[str]:
    found = con.execute(
        "select table_name from information_schema.tables where table_schema = $1 order by 1", [SCHEMA]
    ).fetchall()
    return [name for (name,) in found]


def _copy(con: duckdb.DuckDBPyConnection, table: str, folder: Path) -> dict[str, Any]:
    """Writes one table; returns its rows and files as the manifest lists them."""
    folder.mkdir()
    described = con.execute(f"describe {SCHEMA}.{table}").fetchall()
    # Some readers take a column that says it is JSON for bytes.
    texts = ", ".join(f"cast({name} as varchar) as {name}" for name, kind, *_ in described if kind == "JSON")
    date = next((name for name, *_ in described if name == BY_MONTH.get(table)), None)
    replaced = f" replace ({texts})" if texts else ""
    month = f", strftime({date}, '%Y-%m') as {MONTH}" if date else ""
    target = folder if date else folder / "rows.parquet"
    options = f"format parquet, compression zstd{f', partition_by ({MONTH}), overwrite_or_ignore' if date else ''}"
    con.execute(f"copy (select *{replaced}{month} from {SCHEMA}.{table}) to {quoted(str(target))} ({options})")
    (rows,) = con.execute(f"select count(*) from {SCHEMA}.{table}").fetchone() or (0,)
    if not rows:
        # So that the columns can be read all the same.
        con.execute(
            f"copy (select *{replaced} from {SCHEMA}.{table}) to {quoted(str(folder / 'rows.parquet'))} (format parquet)"
        )
    files = sorted(str(path.relative_to(folder.parent)) for path in folder.rglob("*.parquet"))
    return {"rows": rows, "partitioned_by": [MONTH] if date and rows else [], "files": files}


def _let_read(settings: Settings, folder: Path) -> None:
    """Files may be read by whom the published file may, folders passed by them."""
    mode = file_rights.of_published(settings)
    passed = mode | (mode & 0o444) >> 2 | 0o700
    for path in (settings.parquet_marts, folder, *folder.rglob("*")):
        os.chmod(path, passed if path.is_dir() else mode)
