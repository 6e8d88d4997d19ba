"""Cost of the partition: `python -m benchmarks.components [millions …]` runs the SQL of `int_components` on realistic links and on a chain.

Realistic: three links a record, of which one in three is shared by about four records. Each case runs in a process of its own, with the
memory limit and threads of the nightly run, so that CPU seconds and peak memory are its own.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

from orchestration.config.settings import Settings
from orchestration.transformation import dbt_project

GOALS = {("realistic", 1): "≤ 1 CPU s", ("realistic", 20): "≤ 18 CPU s, ≤ 2 GB"}
CASES = (("realistic", 1), ("realistic", 5), ("realistic", 20), ("chain", 1), ("chain", 5))
LINKS = {
    "realistic": """
        create table identity.int_links as
        select
            (hash(i // 3, 1) % 1000000000000)::bigint as node,
            hash(case when i % 3 = 0 then hash(i, 7) % ({links} // 12) else i end, i % 3) as link_key
        from range({links}) as numbers(i)
    """,
    "chain": """
        create table identity.int_links as
        select (hash(i + d, 1) % 1000000000000)::bigint as node, hash(i) as link_key
        from range({links} // 2) as numbers(i), (values (0), (1)) as ends(d)
    """,
}


def main(wanted: list[int]) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        query = compiled(Path(folder))
        print(f"{'links':<12}{'millions':>9}{'CPU s':>8}{'wall s':>8}{'peak MB':>9}{'persons':>13}  goal")
        for kind, millions in CASES:
            if not wanted or millions in wanted:
                run = subprocess.run(
                    [sys.executable, __file__, "--one", kind, str(millions), str(query)],
                    check=True,
                    capture_output=True,
                    text=True,
                )
                print(f"{kind:<12}{millions:>9}{run.stdout.rstrip()}  {GOALS.get((kind, millions), '')}", flush=True)


def compiled(work: Path) -> Path:
    """The model's SQL as a run asks it, in a file."""
    query = work / "int_components.sql"
    project = dbt_project.rendered(Settings(data=work))
    query.write_text(dbt_project.queries([query.stem], project)[query.stem], encoding="utf-8")
    return query


def one(kind: str, millions: int, query: Path) -> None:
    """One case in this process."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect(f"{folder}/warehouse.duckdb") as con:
        con.execute(
            f"set memory_limit = '2GB'; set threads = 2; set preserve_insertion_order = false; set temp_directory = '{folder}/spill'"
        )
        con.execute("create schema identity")
        con.execute(LINKS[kind].format(links=millions * 1_000_000))
        before, started = _cpu(), time.monotonic()
        con.execute(f"create table identity.int_components as {query.read_text(encoding='utf-8')}")
        spent, waited = _cpu() - before, time.monotonic() - started
        found = con.execute("select count(distinct component) from identity.int_components").fetchone() or (0,)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{spent:>8.1f}{waited:>8.1f}{peak:>9,}{found[0]:>13,}")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        one(sys.argv[2], int(sys.argv[3]), Path(sys.argv[4]))
    else:
        main([int(number) for number in sys.argv[1:]])
