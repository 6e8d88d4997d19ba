"""Cost of one erasure: `python -m benchmarks.erasing [--customers 20000 --events 100000]`, else in the shop of `c360
demo`.

Whoever has the most vendor records is erased from a published warehouse. Each command runs in a process of its own, so
that CPU seconds and peak memory are its own.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

MOST_RECORDS = """
select customer_id, count(*) as records
from marts.bridge_customer_records
where customer_id is not null
group by customer_id
order by records desc, customer_id
limit 1
"""
SIZE = """
select (select count(*) from marts.dim_customers), (select sum(rows_read) from meta.loads)
"""
C360 = ("-m", "orchestration.cli")


def main(given: argparse.Namespace) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(dir=given.work) as folder:
        data = Path(folder) / "data"
        print(f"{'step':<36}{'wall s':>8}{'CPU s':>8}{'peak MB':>9}")
        if given.customers:
            size = [f"--customers={given.customers}", f"--events={given.events}", f"--out={data}"]
            _measured("make", data, "-m", "benchmarks.generator", *size)
            _measured("first run", data, *C360, "run")
        else:
            _measured("demo", data, *C360, "demo", "--data", str(data))
        with duckdb.connect(str(data / "warehouse.duckdb"), read_only=True) as con:
            customers, records = con.execute(SIZE).fetchone() or (0, 0)
            customer_id, of_person = con.execute(MOST_RECORDS).fetchone() or ("", 0)
        landed = [path.stat().st_size for path in (data / "landing").rglob("*") if path.is_file()]
        _measured(f"forget one of {customers:,} people", data, *C360, "forget", customer_id, "--yes")
        [path] = (data / "privacy" / "receipts").glob("*.json")
        receipt = json.loads(path.read_bytes())
        _measured("the run after it", data, *C360, "run")
        print(
            f"{records:,} records in {len(landed):,} files of {sum(landed) / 1e6:,.0f} MB;"
            f" {of_person} vendor records of the person, {sum(receipt['landing_records'].values())} landed ones taken"
            f" out of {receipt['landing_files_rewritten']} files, {receipt['orders_kept']} orders kept"
        )


def _measured(step: str, data: Path, *command: str) -> None:
    environment = {**os.environ, "C360_DATA": str(data), "C360_SECRET": "a secret of this measurement"}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *command], stdout=subprocess.DEVNULL, env=environment, cwd=Path(__file__).parents[1]
    )
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    code = process.returncode = os.waitstatus_to_exitcode(status)
    if code not in (0, 3):
        raise SystemExit(f"{step} ended with {code}")
    print(f"{step:<36}{wall:>8.1f}{used.ru_utime + used.ru_stime:>8.1f}{used.ru_maxrss / 1024:>9.0f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, help="people of a made-up world")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--work", help="folder for what is made, and removed at the end")
    main(parser.parse_args())
