"""What loading costs against what bounds it, old code beside new: `uv run --group bench python -m benchmarks.loading --before CHECKOUT`.

CHECKOUT is another checkout of this repository; without one the column stays empty. All in one run, CPU seconds (medians
of three), so that the ratios say something on a busy machine too.
"""

import argparse
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.generator import Size
from benchmarks.run import Measured, Report, bytes_of, events_only, forget, generate, machine, median

NIGHTS = 31
BAD = 10  # one line in so many


def loading(folder: Path, times: int, code: Path | None) -> Measured:
    """What it costs to load all that has landed."""
    found = median("ingest", folder, times, before=lambda: forget(folder), code=code)
    assert found is not None
    return found


def spoilt(folder: Path, spoil: Callable[[str], str]) -> Path:
    """The installation with one line in ten changed."""
    other = folder.parent / "spoilt"
    shutil.rmtree(other, ignore_errors=True)
    shutil.copytree(folder / "landing", other / "landing")
    # So many bad lines would make the night wait.
    (other / "config").mkdir()
    (other / "config" / "settings.toml").write_text("hold_back_share = 1.0\n", encoding="utf-8")
    for path in (other / "landing").rglob("*.ndjson"):
        lines = path.read_text(encoding="utf-8").splitlines()
        lines[::BAD] = map(spoil, lines[::BAD])
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return other


def backfill(folder: Path) -> int:
    """Many nights of small files of five vendors, the first, large one left out; how many files."""
    generate(folder, Size(500, 1_500, nights=NIGHTS, night_share=0.4))
    first = min(path.name for path in (folder / "landing").glob("*/*/*"))
    for path in (folder / "landing").glob(f"*/*/{first}"):
        shutil.rmtree(path)
    return sum(path.is_file() for path in (folder / "landing").rglob("*"))


def rows(work: Path, scale: float, times: int, codes: Iterable[Path | None]) -> Iterable[tuple[str, ...]]:
    folder = events_only(work / "events", Size(int(200_000 * scale) or 1, int(400_000 * scale)))
    size = bytes_of(folder)
    floors = {
        case: median(case, folder, times, before=lambda: forget(folder))
        for case in ("duckdb_tables", "orjson_pipeline", "dlt_pipeline", "least_load")
    }
    cpu = [loading(folder, times, code).seconds()[1] for code in codes]
    yield (f"load of {size / 1e6:,.0f} MB of order events, CPU s", *(f"{one:.2f}" for one in cpu))
    for case, floor in floors.items():
        if floor is None:
            yield f"{case}: not installed", *("" for _ in cpu)
            continue
        same = floor.seconds()[1] * size / floor.figures.get("bytes", size)
        said = {
            "duckdb_tables": "CPU against DuckDB SQL into two plain tables",
            "orjson_pipeline": "speed against an orjson loop into two tables",
            "dlt_pipeline": "speed against dlt (Parquet loader)",
            "least_load": "CPU against validating, hashing, decoding and writing alone",
        }[case]
        ratios = [one / same if case in ("duckdb_tables", "least_load") else same / one for one in cpu]
        yield f"{said} ({same:.2f} s)", *(f"{ratio:.2f}x" for ratio in ratios)
    for said, spoil in (
        ("repairable", lambda line: re.sub(r'"totalPrice":([0-9.]+)', r'"totalPrice":"\1"', line)),
        ("unreadable", lambda line: line[: len(line) // 2]),
    ):
        other = spoilt(folder, spoil)
        spent = [loading(other, times, code).seconds()[1] for code in codes]
        yield (
            f"one line in ten {said}, CPU more",
            *(f"{one / before - 1:+.0%}" for one, before in zip(spent, cpu, strict=True)),
        )
    files = backfill(work / "backfill")
    each = [loading(work / "backfill", 1, code) for code in codes]
    yield (
        f"file in a backfill of {files} of {each[0].figures['rows'] // files} records on average, CPU ms",
        *(f"{one.seconds()[1] / files * 1000:.0f}" for one in each),
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.loading", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--before", type=Path, help="another checkout of this repository")
    parser.add_argument("--scale", type=float, default=0.1, help="1 is 400,000 events")
    parser.add_argument("--times", type=int, default=3, help="runs of each short case")
    given = parser.parse_args()
    codes = [*([given.before.resolve()] if given.before else []), None]
    report = Report()
    report.say(machine())
    with tempfile.TemporaryDirectory() as work:
        header = ("what", *(["before"] if given.before else []), "now")
        report.table("Loading", header, rows(Path(work), given.scale, given.times, codes))


if __name__ == "__main__":
    main()
