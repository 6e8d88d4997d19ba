"""The benchmark: `uv run --group bench python -m benchmarks.run`, or with `--scale 0.01` a small one in a minute.

Everything is made, measured and compared in one run: medians of three where a case is short, wall and CPU seconds, peak
memory of the process. The tables go to standard output and to benchmarks/results.md. No figure is asserted anywhere.
"""

import argparse
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.generator import LAST_NIGHT, Size

RESULTS = Path(__file__).parent / "results.md"
FLOORS = ("orjson_parse", "polars_decode", "duckdb_parse", "duckdb_tables", "orjson_pipeline", "dlt_pipeline")


@dataclass(frozen=True)
class Measured:
    """One case: what it says of itself, and what it cost from outside."""

    figures: dict[str, Any]
    wall: float
    cpu: float
    memory: int

    def seconds(self, part: str = "all") -> tuple[float, float]:
        return tuple(self.figures["seconds"].get(part, (0.0, 0.0)))


class Report:
    """Markdown that grows on the screen."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, *lines: str) -> None:
        self.lines.extend(lines)
        print("\n".join(lines), flush=True)

    def table(self, title: str, header: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> None:
        body = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
        self.say("", f"## {title}", "", "| " + " | ".join(header) + " |", "|" + "---|" * len(header), *body)


def generate(folder: Path, size: Size) -> int:
    """Makes exports in a process of its own, for the memory a process has had counts its children too."""
    options = {
        "customers": size.customers,
        "events": size.events,
        "nights": size.nights,
        "night-share": size.night_share,
        "bad": size.bad_share,
        "seed": size.seed,
        "out": folder,
    }
    subprocess.run(
        [sys.executable, "-m", "benchmarks.generator", *(f"--{name}={value}" for name, value in options.items())],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd=RESULTS.parent.parent,
    )
    return bytes_of(folder)


def measure(case: str, folder: Path, code: Path | None = None) -> Measured | None:
    """Runs a case in a process of its own, of another checkout if one is named; nothing if what it needs is not
    installed."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.cases", case, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=code or RESULTS.parent.parent,
    )
    assert process.stdout is not None and process.stderr is not None
    reported, complaints = process.communicate() if os.name == "nt" else (process.stdout.read(), process.stderr.read())
    _, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        if "No module named" in complaints:
            return None
        raise RuntimeError(f"{case} failed: {complaints.strip().splitlines()[-1:]}")
    figures = json.loads(next(line for line in reversed(reported.splitlines()) if line.startswith("{")))
    return Measured(figures, time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def median(
    case: str, folder: Path, times: int, before: Callable[[], None] = lambda: None, code: Path | None = None
) -> Measured | None:
    """The run with the median CPU seconds."""
    found = []
    for _ in range(times):
        before()
        one = measure(case, folder, code)
        if one is None:
            return None
        found.append(one)
    return sorted(found, key=lambda one: one.seconds()[1])[(len(found) - 1) // 2]


def forget(folder: Path) -> None:
    """Back to landing zone and truth alone."""
    for path in folder.iterdir():
        if path.name not in ("landing", "truth", "config"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def bytes_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in (folder / "landing").rglob("*") if path.is_file())


def events_only(folder: Path, size: Size) -> Path:
    """An installation that holds Omnisend's nested order events alone."""
    generate(folder / "all", size)
    target = folder / "events" / "landing" / "omnisend"
    target.mkdir(parents=True)
    shutil.move(folder / "all" / "landing" / "omnisend" / "events", target / "events")
    shutil.rmtree(folder / "all")
    return folder / "events"


# -- sections ----------------------------------------------------------------------------------------------------------


def generator_section(work: Path, scale: float, report: Report) -> None:
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    size = Size(int(1_000_000 * scale), int(5_000_000 * scale))
    made = generate(work / "generated", size)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    shutil.rmtree(work / "generated")
    report.table(
        "Generator",
        ("persons", "events", "MB", "wall s", "CPU s"),
        [(f"{size.customers:,}", f"{size.events:,}", f"{made / 1e6:,.0f}", f"{wall:.1f}", f"{used:.1f}")],
    )


def ingest_section(work: Path, scale: float, report: Report) -> None:
    folder = events_only(work / "ingest", Size(int(200_000 * scale) or 1, int(400_000 * scale)))
    size = bytes_of(folder)
    limit = None
    rows = []
    for case in (*FLOORS, "ingest"):
        found = median(case, folder, 3, before=lambda: forget(folder))
        if found is None:
            rows.append((case, "not installed", "", "", "", "", "", ""))
            continue
        wall, cpu = found.seconds()
        read = found.figures.get("bytes", size)
        speed = read / cpu / 1e6
        limit = speed if case == "duckdb_parse" else limit
        share = f"{speed / limit:.0%}" if limit else ""
        rows.append(
            (
                case,
                f"{read / 1e6:,.0f}",
                f"{wall:.2f}",
                f"{cpu:.2f}",
                f"{speed:,.0f}",
                f"{found.figures['rows'] / cpu:,.0f}",
                share,
                f"{found.memory / 1e6:,.0f}",
            )
        )
    report.table(
        "Ingest of nested order events",
        ("case", "MB", "wall s", "CPU s", "MB per CPU s", "rows per CPU s", "of DuckDB's bare parse", "peak MB"),
        rows,
    )
    shutil.rmtree(folder)


def bad_lines_section(work: Path, scale: float, report: Report) -> None:
    rows = []
    for share in (0.0, 0.1):
        folder = events_only(work / "bad", Size(int(100_000 * scale) or 1, int(200_000 * scale), bad_share=share))
        (folder / "config").mkdir()
        found = median("ingest", folder, 3, before=lambda folder=folder: forget(folder))
        assert found is not None
        figures, (wall, cpu) = found.figures, found.seconds()
        rows.append(
            (
                f"{share:.0%}",
                f"{figures['rows']:,}",
                f"{figures['loaded']:,}",
                f"{figures['rejected']:,}",
                f"{wall:.2f}",
                f"{cpu:.2f}",
                f"{cpu / figures['loaded'] * 1e6:.1f}",
            )
        )
        shutil.rmtree(work / "bad")
    report.table("Bad lines", ("bad", "read", "loaded", "rejected", "wall s", "CPU s", "CPU µs per good row"), rows)


def night_section(work: Path, scale: float, report: Report) -> None:
    folder = work / "night"
    generate(folder, Size(int(1_000_000 * scale), int(5_000_000 * scale), nights=2))
    size = bytes_of(folder)
    first = measure("night", folder)
    assert first is not None
    steps = [
        (step, *(f"{seconds:.1f}" for seconds in first.seconds(step)))
        for step in ("imports", "ingest", "transform", "publish_if_new", "all")
    ]
    figures = first.figures
    report.table(
        f"Whole night: {figures['rows']:,} records, {size / 1e6:,.0f} MB, peak {first.memory / 1e9:.1f} GB",
        ("step", "wall s", "CPU s"),
        steps,
    )
    report.table(
        "Slowest models and tests", ("node", "s"), [(name, f"{seconds:.1f}") for name, seconds in figures["slowest"]]
    )
    correct = measure("truth", folder)
    assert correct is not None
    names = (
        "made",
        "missing",
        "other_total",
        "other_currency",
        "other_cancellation",
        "other_refund",
        "persons_made",
        "persons_found",
        "persons_split",
    )
    report.table(
        "Orders and persons against the truth",
        ("published", *names),
        [(correct.figures["rows"], *(correct.figures[name] for name in names))],
    )
    rows = []
    for title, case in (("no-op night", "night"), ("one vendor-day replaced (each)", "replace_day")):
        found = measure(case, folder)
        assert found is not None
        part = "each" if case == "replace_day" else "all"
        rows.append(
            (title, *(f"{seconds * 1000:,.0f}" for seconds in found.seconds(part)), f"{found.wall * 1000:,.0f}")
        )
    report.table("Little to do", ("case", "wall ms", "CPU ms", "whole process ms"), rows)
    asked = measure("queries", folder)
    assert asked is not None
    report.table(
        f"Analyst's questions to {asked.figures['rows']:,} orders, warm", ("question", "wall ms", "CPU ms"),
        [(name, f"{wall * 1000:,.0f}", f"{cpu * 1000:,.0f}") for name, (wall, cpu) in asked.figures["seconds"].items()],
    )  # fmt: skip
    shutil.rmtree(folder)


def small_section(work: Path, scale: float, report: Report) -> None:
    folder = work / "small"
    generate(folder, Size(1_500, 5_000))
    runs = []
    for _ in range(3):
        forget(folder)
        found = measure("night", folder)
        assert found is not None
        runs.append(found)
    found = sorted(runs, key=lambda one: one.wall)[1]
    steps = [
        (step, *(f"{seconds:.2f}" for seconds in found.seconds(step)))
        for step in ("imports", "ingest", "transform", "publish_if_new")
    ]
    rest = (
        found.wall - found.seconds("imports")[0] - found.seconds("all")[0],
        found.cpu - found.seconds("imports")[1] - found.seconds("all")[1],
    )
    title = f"Small night: {found.figures['rows']:,} records, {found.figures['nodes']} models and tests"
    report.table(
        title,
        ("step", "wall s", "CPU s"),
        [
            *steps,
            ("start and end of Python", *(f"{seconds:.2f}" for seconds in rest)),
            ("whole process", f"{found.wall:.2f}", f"{found.cpu:.2f}"),
        ],
    )


def growth_section(work: Path, scale: float, report: Report) -> None:
    rows = []
    for times in (1, 3, 10):
        folder = work / f"growth{times}"
        first = _with_history(
            folder, Size(int(20_000 * scale) * times, int(100_000 * scale) * times, nights=2, night_share=0.001 / times)
        )
        second = measure("night", folder)
        assert second is not None
        parts = [second.seconds(step)[1] for step in ("ingest", "transform", "publish_if_new")]
        rows.append(
            (
                f"{times}x",
                f"{first.figures['rows']:,}",
                f"{first.seconds()[1]:.1f}",
                f"{second.figures['rows']:,}",
                f"{second.seconds()[0]:.1f}",
                *(f"{part:.1f}" for part in parts),
                f"{second.memory / 1e6:,.0f}",
            )
        )
        shutil.rmtree(folder)
    report.table(
        "One night of new data on a longer history",
        (
            "history",
            "records before",
            "CPU s of the first run",
            "new records",
            "wall s",
            "CPU s ingest",
            "CPU s transform",
            "CPU s publish",
            "peak MB",
        ),
        rows,
    )


def part_section(work: Path, scale: float, report: Report) -> None:
    rows = []
    for share in (0.0001, 0.001, 0.01, 0.1):
        folder = work / "part"
        first = _with_history(folder, Size(int(200_000 * scale), int(1_000_000 * scale), nights=2, night_share=share))
        shutil.copytree(folder, work / "full")
        _configure(folder, "incremental_from_rows = 0", "incremental_share = 1.0")
        _configure(work / "full", "incremental_share = 0.0")
        in_part, in_full = measure("night", folder), measure("night", work / "full")
        assert in_part is not None and in_full is not None
        rows.append(
            (
                f"{first.figures['rows']:,}",
                f"{in_part.figures['rows']:,}",
                in_part.figures["affected"],
                *(f"{found.seconds('transform')[1]:.1f}" for found in (in_part, in_full)),
                *(f"{found.memory / 1e6:,.0f}" for found in (in_part, in_full)),
            )
        )
        for used in (folder, work / "full"):
            shutil.rmtree(used)
    report.table(
        "A night in part and in full",
        (
            "records before",
            "new records",
            "affected",
            "CPU s transform in part",
            "in full",
            "peak MB in part",
            "in full",
        ),
        rows,
    )


def _configure(folder: Path, *lines: str) -> None:
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "settings.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _with_history(folder: Path, size: Size) -> Measured:
    """An installation that has seen all nights but the last, which has landed; what the nights before cost."""
    generate(folder, size)
    last, aside = sorted((folder / "landing").glob(f"*/*/{LAST_NIGHT.isoformat()}")), folder / "aside"
    aside.mkdir()
    for position, path in enumerate(last):
        shutil.move(path, aside / str(position))
    before = measure("night", folder)
    assert before is not None
    for position, path in enumerate(last):
        shutil.move(aside / str(position), path)
    aside.rmdir()
    return before


def memory_section(work: Path, scale: float, report: Report) -> None:
    rows = []
    for share in (0.1, 1.0):
        folder = events_only(work / "memory", Size(int(1_000_000 * scale) or 1, int(7_000_000 * scale * share)))
        found = measure("ingest", folder)
        assert found is not None
        wall, cpu = found.seconds()
        rows.append(
            (
                f"{bytes_of(folder) / 1e6:,.0f}",
                f"{found.figures['rows']:,}",
                f"{wall:.1f}",
                f"{cpu:.1f}",
                f"{found.memory / 1e6:,.0f}",
            )
        )
        shutil.rmtree(work / "memory")
    report.table("Memory by size of one file", ("MB", "records", "wall s", "CPU s", "peak MB"), rows)


SECTIONS: dict[str, Callable[[Path, float, Report], None]] = {
    "generator": generator_section,
    "ingest": ingest_section,
    "bad-lines": bad_lines_section,
    "small": small_section,
    "night": night_section,
    "growth": growth_section,
    "part": part_section,
    "memory": memory_section,
}


def machine() -> str:
    """What this ran on."""
    from importlib.metadata import version

    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    parts = [f"{name} {version(name)}" for name in ("duckdb", "polars", "msgspec", "dbt-core")]
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, {', '.join(parts)}; load before {load:.1f}; {datetime.now(UTC):%Y-%m-%d}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__.split("\n", 1)[0])
    parser.add_argument(
        "sections", nargs="*", metavar="SECTION", help=f"of {', '.join(SECTIONS)}; all if none is named"
    )
    parser.add_argument("--scale", type=float, default=1.0, help="1 is one million persons and five million events")
    parser.add_argument("--work", type=Path, help="folder for the data, about 30 GB at scale 1")
    given = parser.parse_args()
    unknown = set(given.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}; there are {', '.join(SECTIONS)}")
    report = Report()
    report.say(
        "# Benchmark",
        "",
        f"{machine()}; scale {given.scale:g}. CPU seconds count both cores; the machine may have been shared, so ratios within a table say most.",
    )
    with tempfile.TemporaryDirectory(dir=given.work) as work:
        for name in given.sections or SECTIONS:
            SECTIONS[name](Path(work), given.scale, report)
    RESULTS.write_text("\n".join(report.lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
