"""A first night by one process and by several, in turn: `uv run --group bench python -m benchmarks.engines --persons 12000`.

The same landing zone is loaded and built in full by each engine in a process of its own; wall and CPU seconds of both,
those of workers included, and what the steps before, in and after the shards took. The last line is what
`simulate_cluster.py` takes.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import msgspec

from benchmarks.generator import Size
from benchmarks.run import forget, generate
from orchestration import pipeline
from orchestration.config import settings as configuration
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.job.transform import write_run_settings
from orchestration.transformation import dbt_project, parts, seeds, sharded
from orchestration.transformation.dbt_runner import NodeResult
from orchestration.warehouse import build_file, run_log

EVENTS_A_PERSON = 5


def load(settings: Settings) -> dict[str, float]:
    """What it takes to load all that has landed, in this process and its workers."""
    started, before, alone = time.perf_counter(), _cpu_seconds(), time.process_time()
    with pipeline.writing(settings, "bench", command="benchmark") as warehouse:
        pipeline.ingest(settings, warehouse, "bench")
    spent = {
        "load_wall": time.perf_counter() - started,
        "load_cpu": _cpu_seconds() - before,
        "load_cpu_of_the_run": time.process_time() - alone,
    }
    with build_file.connect(settings) as con:
        seeds.load(con, settings)
        day = run_log.greatest_export_date(con)
        assert day is not None
        write_run_settings(con, settings, day)
    return spent


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def records_of(folder: Path) -> int:
    """How many records were read."""
    with build_file.connect(_settings(folder)) as con:
        (records,) = con.execute("select sum(rows_read) from meta.loads").fetchone() or (0,)
    return int(records)


def build(folder: Path, engine: str, workers: int, shards: int) -> dict[str, float]:
    """What loading and one build take, in this process and its workers."""
    forget(folder)
    settings = _settings(folder)
    options = msgspec.structs.replace(settings.options, engine=engine, workers=workers, shards=shards)
    settings = replace(settings, options=options)
    loading = load(settings)
    moments, before = [time.perf_counter()], _cpu_seconds()

    def watch(line: str) -> None:
        if "shards (" in line or len(moments) == 2:
            moments.append(time.perf_counter())

    nodes = sharded.build_in_full(settings, progress=watch)
    ended, cpu = time.perf_counter(), _cpu_seconds() - before
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    is_shared_out = len(moments) == 3
    steps = (
        {"before": moments[1] - moments[0], "in_shards": moments[2] - moments[1], "after": ended - moments[2]}
        if is_shared_out
        else {}
    )
    with build_file.connect(settings) as con:
        last = parts.last(con)
    return {
        **loading,
        "wall": ended - moments[0],
        "cpu": cpu,
        "peak_mb": max(one.ru_maxrss for one in used) / 1000,
        **steps,
        **({} if is_shared_out else {f"{part}_models": took for part, took in by_part(settings, nodes).items()}),
        **({"parts": last.parts, "largest_share": last.largest_part / last.rows} if is_shared_out and last else {}),
    }


def by_part(settings: Settings, nodes: tuple[NodeResult, ...]) -> dict[str, float]:
    """Seconds of models that are made before, of and after shards, and of tests."""
    plan = sharded.Plan(dbt_project.rendered(settings).nodes)
    seconds = dict.fromkeys(("first", "of_parts", "everybody", "forecasts", "tests"), 0.0)
    for node in nodes:
        name = node.short_name
        part = (
            "tests"
            if node.kind == "test"
            else "first"
            if name in plan.first
            else "of_parts"
            if name in plan.of_parts
            else "forecasts"
            if "forecast" in name
            else "everybody"
        )
        seconds[part] += node.seconds
    return seconds


def _settings(folder: Path) -> Settings:
    return replace(configuration.load(folder), options=Options(free_disk_bytes=0))


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.engines", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--persons", type=int, default=12_000)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--shards", type=int, default=0, help="0: as an engine does by itself")
    parser.add_argument("--engines", nargs="+", default=["local", "processes"])
    parser.add_argument("--folder", type=Path, help="where the installation is made, unless it stands there already")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(build(given.folder, given.one, given.workers, given.shards)))
        return
    with tempfile.TemporaryDirectory() as work:
        folder = given.folder or Path(work) / "data"
        if not (folder / "landing").exists():
            generate(folder, Size(given.persons, EVENTS_A_PERSON * given.persons))
        for engine in given.engines:
            shards = given.shards if engine != "local" else 0
            arguments = [f"--folder={folder}", f"--one={engine}", f"--workers={given.workers}", f"--shards={shards}"]
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.engines", *arguments], check=True, stdout=subprocess.PIPE, text=True
            )
            reported = json.loads(done.stdout.splitlines()[-1])
            records = records_of(folder)
            print(
                json.dumps(
                    {
                        "engine": engine,
                        "shards": shards,
                        "records": records,
                        **{k: round(v, 4) for k, v in reported.items()},
                    }
                ),
                flush=True,
            )


if __name__ == "__main__":
    main()
