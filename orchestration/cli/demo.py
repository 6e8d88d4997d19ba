"""`c360 demo`: the nightly job on the shipped samples and a made-up shop of two years, in a data folder of its own."""

import argparse
import os
import shutil
from pathlib import Path

import duckdb

from orchestration import pipeline
from orchestration.cli import demo_shop, output
from orchestration.config import settings
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name
from orchestration.runtime.wording import counted

MARK = ".made-by-c360-demo"
UNFINISHED = "*"

FIGURES = """
select
    (select count(*) from marts.dim_customers) as persons,
    (select count(*) from marts.bridge_customer_records) as "vendor records behind them",
    (select count(*) from marts.fct_orders) as orders,
    (select count(*) from marts.fct_orders where is_valid) as "orders that count",
    (select sum(total_revenue) || ' ' || any_value(reporting_currency) from marts.customer_insights) as revenue,
    (select count(*) from marts.fct_segment_memberships where is_current) as "segment memberships now",
    (select count(*) from meta.rejects) as "rejected records"
"""
REASONS = "select reason_code, count(*) from meta.rejects group by all order by all"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument(
        "--small", action="store_true", help="the samples alone, 14 people: quick to build and to read through"
    )
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="data folder to build in; default: `demo` in the data folder"
    )
    parser.add_argument("--json", action="store_true", help="the figures for machines, and nothing else")


def execute(given_settings: Settings, given: argparse.Namespace) -> int:
    """Builds the demo anew and shows what came of it."""
    folder = (given.data or given_settings.data / "demo").absolute()
    begin(folder)
    shutil.copytree(given_settings.samples, folder / "landing", dirs_exist_ok=True)
    if not given.small:
        demo_shop.write(folder / "landing")
    finish(folder)
    demo = settings.load(folder)
    try:
        report = pipeline.run(demo, command="c360 demo", progress=output.progress())
    finally:
        output.end_progress()
    with duckdb.connect(str(demo.published_file), read_only=True, config=demo.duckdb_config) as con:
        built = con.execute(FIGURES)
        figures = dict(zip([column[0] for column in built.description], built.fetchone() or (), strict=True))
        reasons = con.execute(REASONS).fetchall()
    if given.json:
        output.machine({"data": str(folder), **report.figures, **figures, "rejected because": dict(reasons)})
        return 0
    output.say(f"Loaded and published: {counted(report.files, 'export')} in {report.duration_s:.0f} s.\n")
    output.table(figures.items())
    output.say()
    output.table(reasons, header=("rejected because", "rows"))
    _next_things(folder, given_settings)
    return 0


def begin(folder: Path) -> None:
    """Leaves nothing in the folder, which is made where it is not there; refuses one that holds what others put there."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / MARK).exists():
            raise OperatorError(
                f"{folder} is not empty and was not made by `c360 demo`.",
                remedy="Name another folder with `c360 demo --data DIR`.",
                exit_code=2,
            )
        strange = _strange(folder)
        if strange:
            raise OperatorError(
                f"{folder} holds what `c360 demo` has not put there, such as {shown_name(strange[0])}.",
                remedy="Move that away or delete the folder, or name another one with `c360 demo --data DIR`.",
                exit_code=2,
            )
        for entry in folder.iterdir():
            if entry.is_dir() and entry.name != "internal":
                shutil.rmtree(entry)
            elif entry.is_file():
                entry.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARK).write_text(UNFINISHED, encoding="utf-8")


def finish(folder: Path) -> None:
    """Notes which exports in the folder are the demo's own."""
    (folder / MARK).write_text("".join(f"{name}\n" for name in sorted(_landed(folder))), encoding="utf-8")


def _strange(folder: Path) -> list[str]:
    """What somebody has put beside the demo's own exports; while those are being written all are its own."""
    own = (folder / MARK).read_text(encoding="utf-8").splitlines()
    landed = set() if own == [UNFINISHED] else _landed(folder) - {*own}
    configured = {str(path.relative_to(folder)) for path in (folder / "config").glob("*")}
    return sorted(landed | configured)


def _landed(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in (folder / "landing").rglob("*") if not path.is_dir()}


def _next_things(folder: Path, own: Settings) -> None:
    """In words that work as they stand: whoever came by `uv run` has no `c360` of their own."""
    run = "uv run -q " if os.environ.get("UV") else ""
    output.say("\nThings to try next:")
    output.say(f"  1. Look at it:          C360_DATA={folder} {run}c360 look")
    output.say(f'     Ask it:              C360_DATA={folder} {run}c360 sql "from marts.customer_insights"')
    output.say(f"  2. See the whole flow:  C360_DATA={folder} {run}c360 up")
    output.say(
        f"  3. Load your own:       put exports under {own.landing}/<vendor>/<stream>/<date>/, then"
        f" C360_DATA={own.data} {run}c360 run"
    )
