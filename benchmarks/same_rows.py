"""Whether another version of the code loads the same: `python -m benchmarks.same_rows OTHER FOLDER…`.

OTHER is a checkout of this repository, each FOLDER has a landing zone. Both versions load it into build files of their
own, in processes of their own; a table is the same if count and hash of its rows are, over all its columns but the
run, its moment and the place on the disk. Prints what differs, and ends with 1 if anything does.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
OF_THE_RUN = {"loaded_at", "run_id", "file_ctime_ns", "file_inode"}
AUDIT_TABLES = ("meta.loads", "meta.rejects", "meta.field_coverage", "meta.schema_drift", "internal.load_issues")
BESIDE = ("internal.duplicates", "internal.outdone")
Found = dict[str, tuple[int, str]]


def load(folder: Path) -> Found:
    """Loads what has landed, and returns for each table how many rows it has and their hash."""
    from orchestration.canonical.tables import TABLES
    from orchestration.config import settings
    from orchestration.landing import landing_zone
    from orchestration.loading import load_log
    from orchestration.loading.loader import Warehouse
    from orchestration.warehouse import build_file

    found: Found = {}
    installation = settings.load(folder)
    warehouse = Warehouse(installation)
    with build_file.connect(installation) as con:
        files = load_log.pending(con, landing_zone.scan(installation), dates=None, full_refresh=False)
        warehouse.ingest(con, files, run_id="")
        for table in (*(f"staging.{name}" for name in TABLES), *AUDIT_TABLES, *BESIDE):
            columns = [name for name, *_ in con.execute(f"describe {table}").fetchall() if name not in OF_THE_RUN]
            # In one row text and lists are hashed by what they hold; rows count as often as they are there.
            row = con.execute(
                f"select count(*), coalesce(sum(hash({', '.join(columns)})::hugeint), 0)::varchar from {table}"
            ).fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
    return found


def loaded_by(code: Path, landing: Path) -> Found:
    """What a checkout makes of a landing zone."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        shutil.copytree(landing / "landing", folder / "landing")
        if (landing / "config").is_dir():
            shutil.copytree(landing / "config", folder / "config")
        reported = subprocess.run(
            [sys.executable, str(Path(__file__).resolve()), "--load", str(folder)],
            env={**os.environ, "PYTHONPATH": str(code), "PYTHONSAFEPATH": "1"},
            check=True,
            capture_output=True,
            text=True,
        )
    return {table: tuple(of) for table, of in json.loads(reported.stdout.splitlines()[-1]).items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.same_rows", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--load", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("other", nargs="?", type=Path)
    parser.add_argument("folders", nargs="*", type=Path)
    given = parser.parse_args()
    if given.load:
        print(json.dumps(load(given.load)))
        return
    is_same = True
    for folder in given.folders:
        before, after = loaded_by(given.other.resolve(), folder), loaded_by(HERE, folder)
        other = [table for table in before | after if before.get(table) != after.get(table)]
        for table in other:
            print(f"{folder}: {table} was {before.get(table)} and is {after.get(table)}")
        rows = sum(count for count, _ in after.values())
        print(f"{folder}: {len(after) - len(other)} of {len(after)} tables are the same, {rows:,} rows")
        is_same = is_same and not other
    sys.exit(not is_same)


if __name__ == "__main__":
    main()
