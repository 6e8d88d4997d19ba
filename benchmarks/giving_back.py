"""Cost of giving back: `python -m benchmarks.giving_back [--customers 1000000] [--changed 100000] [--vendor voucherify]`.

The published warehouse is made by SQL, of people who all may be sent; then all of them are written for the first
time, and then those who changed. Each step runs in a process of its own, so that CPU seconds and peak memory are its
own. `--world 20000` (with `uv run --group bench`) does the same behind a real night: as many made-up people are loaded,
published and given back to all five vendors in one run, whose CPU seconds stand beside each other.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.activation import activate, targets
from orchestration.config import settings as configuration
from tests.support.activation_world import TABLES

ID = "'shop-' || i"
EMAIL = "'person' || i || '@example.com'"
# Per table the columns that giving back reads; what is not named is null.
ROWS = {
    "marts.dim_customers": f"md5(i::varchar) as customer_id, {EMAIL} as email, false as is_deleted",
    "marts.customer_insights": """
        md5(i::varchar) as customer_id, case when i % 3 = 0 then 'lead' else 'active' end as lifecycle_stage, 'EUR' as reporting_currency,
        i % 7 as order_count, (i % 50000) / 100 + {more} as total_revenue, (i % 9000) / 100 as average_order_value,
        i % 101 as engagement_score, i % 100 as engagement_percentile, i % 5 + 1 as rfm_recency, i % 4 + 1 as rfm_frequency,
        i % 3 + 1 as rfm_monetary, date '2026-03-04' as as_of_date, timestamptz '2025-01-01 00:00:00+00' as first_order_at,
        timestamptz '2026-02-01 00:00:00+00' as last_order_at
    """,
    "marts.bridge_customer_records": """
        '{vendor}' as source, 'default' as source_account, 'customers' as stream, 'r' || i as source_record_id,
        md5(i::varchar) as customer_id, md5('r' || i) as alias_id, false as is_derived, false as is_deleted
    """,
    "marts.customer_contactability": "md5(i::varchar) as customer_id, 'email' as channel, true as is_allowed, 'opt_in' as status",
    "marts.fct_segment_memberships": """
        md5(i::varchar) as customer_id, case when i % 2 = 0 then 'vip' else 'big' end as segment_id, 'warehouse' as claimed_by,
        true as is_current
    """,
}
HELD = (("customer_id", ID, "source_id"), ("email", EMAIL, "email"), ("phone", "'+55' || i", "identifier.value"))


def main(given: argparse.Namespace) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        print(f"{'step':<28}{'records':>10}{'files':>8}{'MB':>7}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}")
        if given.world:
            night(Path(folder), given.world)
            return
        data = Path(folder) / "data"
        _configure(data, [given.vendor])
        for step, changed in (("all for the first time", 0), ("nothing changed", 0), ("changed", given.changed)):
            publish(data, given.vendor, given.customers, changed)
            _measured(step, data, given.vendor)


def night(folder: Path, customers: int) -> None:
    """Loads, publishes and gives back a made-up world."""
    data = folder / "data"
    made = ("--customers", str(customers), "--events", str(5 * customers), "--out", str(data))
    subprocess.run([sys.executable, "-m", "benchmarks.generator", *made], check=True, stdout=subprocess.DEVNULL)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    environment = {**os.environ, "C360_DATA": str(data)}
    run = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "run"], check=False, env=environment, stdout=subprocess.DEVNULL
    )
    if run.returncode not in (0, 3):
        sys.exit(f"The run ended with {run.returncode}.")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(
        f"{'load and publish':<28}{'':>25}{cpu:>8.1f}{time.perf_counter() - began:>8.1f}{after.ru_maxrss / 1024:>9.0f}"
    )
    _configure(data, list(targets.discover()))
    for vendor in targets.discover():
        _measured(f"give back to {vendor}", data, vendor)


def publish(data: Path, vendor: str, customers: int, changed: int) -> None:
    """A published warehouse of so many people, of whom so many have other figures than at first."""
    draft = data / "draft.duckdb"
    with duckdb.connect(str(draft)) as con:
        con.execute("set TimeZone = 'UTC'")
        for schema in sorted({table.split(".")[0] for table in TABLES}):
            con.execute(f"create schema {schema}")
        for table, columns in TABLES.items():
            con.execute(f"create table {table} ({columns})")
        people = f"from range({customers}) as people(i)"
        for table, columns in ROWS.items():
            more = f"case when i < {changed} then 1 else 0 end"
            con.execute(f"insert into {table} by name select {columns.format(vendor=vendor, more=more)} {people}")
        for id_type, value, path in HELD:
            con.execute(f"""
                insert into staging.customer_identifiers by name
                select '{vendor}' as source, 'default' as source_account, 'customers' as stream, 'r' || i as source_record_id,
                    'r' || i as owner_record_id, date '2026-03-04' as export_date, '{id_type}' as id_type, '' as id_namespace,
                    {value} as id_value, {value} as id_link_value, {value} as id_value_raw, true as is_valid, true as is_primary,
                    '{path}' as source_path
                {people}
            """)
        con.execute("insert into marts.dim_segments values ('warehouse', 'vip'), ('warehouse', 'big')")
        con.execute("insert into meta.runs values ('run', now(), date '2026-03-04', true)")
    os.replace(draft, data / "warehouse.duckdb")


def _configure(data: Path, vendors: list[str]) -> None:
    (data / "config").mkdir(parents=True, exist_ok=True)
    text = [
        f'[targets.{vendor}]\nvendor = "{vendor}"\n' + ('dialect = "rc2"\n' if vendor == "open_delivery" else "")
        for vendor in vendors
    ]
    (data / "config" / targets.FILE).write_text("".join(text), encoding="utf-8")


def _measured(step: str, data: Path, vendor: str) -> None:
    environment = {**os.environ, "C360_DATA": str(data)}
    command = [sys.executable, "-m", "benchmarks.giving_back", "--one", vendor]
    run = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found = json.loads(run.stdout.splitlines()[-1])
    print(
        f"{step:<28}{found['records']:>10,}{found['files']:>8,}{found['mb']:>7.0f}{found['cpu']:>8.1f}"
        f"{found['wall']:>8.1f}{found['peak']:>9.0f}",
        flush=True,
    )


def one(vendor: str) -> None:
    """Gives back once in this process; prints what it took."""
    settings = configuration.load()
    [target] = targets.load(settings, vendor)
    began, cpu = time.perf_counter(), time.process_time()
    outcome = activate.activate(settings, target, is_confirmed=True)
    files = list((settings.data / outcome.folder).glob("*-*.json")) if outcome.folder else []
    reported = {
        "records": sum(outcome.plan.counts[action] for action in ("new", "changed")),
        "files": len(files),
        "mb": sum(path.stat().st_size for path in files) / 2**20,
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - began,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(reported))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--changed", type=int, default=100_000)
    parser.add_argument("--vendor", default="voucherify")
    parser.add_argument("--world", type=int, help="people of a made-up world, loaded and published first")
    parser.add_argument("--work", help="folder for what is made, and removed at the end")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    one(chosen.one) if chosen.one else main(chosen)
