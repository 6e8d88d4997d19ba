"""A disk that fills up, for real: a small tmpfs that is stuffed while a run is at work, and emptied again."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.config.settings import Settings
from tests.support.deliveries import checksum, land_a_third_delivery, row_counts_balance
from tests.support.small_installation import OPTIONS, PROJECT, c360

MEGABYTES = 96
BALLAST = "ballast"
RUN = """
import os, sys
from pathlib import Path
from orchestration import pipeline
from orchestration.config import settings

checkout, moment, ballast = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
settings.CHECKOUT = checkout


def stuff(progress):
    if moment in progress and not ballast.exists():
        with ballast.open("wb", buffering=0) as file:
            for size in (2**20, 2**12, 1):
                try:
                    while file.write(bytes(size)):
                        pass
                except OSError:
                    continue


pipeline.run(settings.load(), progress=stuff)
"""


def why_not() -> str | None:
    if os.geteuid() != 0:
        return "only root can mount the small disk"
    if shutil.which("mount") is None:
        return "there is no `mount` here"
    return None


pytestmark = [pytest.mark.long, pytest.mark.faults, pytest.mark.skipif(why_not() is not None, reason=why_not() or "")]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("this machine does not let tests mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def small(published: Settings, disk: Path) -> Settings:
    """The published installation on the small disk."""
    data = disk / "data"
    shutil.copytree(published.data, data)
    newest = sorted((data / "published").iterdir())[-1] / "warehouse.duckdb"
    (data / "warehouse.duckdb").unlink()
    (data / "warehouse.duckdb").hardlink_to(newest)
    return Settings(data=data, options=OPTIONS)


def run_until_full(settings: Settings, checkout: Path, moment: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-c", RUN, checkout, moment, settings.data.parent / BALLAST],
        cwd=PROJECT,
        env={**os.environ, "C360_DATA": str(settings.data)},
        capture_output=True,
        check=False,
    )


@pytest.mark.parametrize(
    "moment", ["b.ndjson: ", "dim_customers", "publishing"], ids=["while loading", "inside dbt", "while publishing"]
)
def test_a_disk_that_fills_up_leaves_everything_sound_and_the_next_run_makes_it_good(
    small: Settings, checkout: Path, undisturbed: dict[str, tuple[int, int]], moment: str
) -> None:
    before = checksum(small.published_file)
    land_a_third_delivery(small)
    failed = run_until_full(small, checkout, moment)
    ballast = small.data.parent / BALLAST
    assert ballast.exists(), failed.stderr
    assert failed.returncode != 0
    assert checksum(small.published_file) == before
    assert [folder.name for folder in small.publications.iterdir() if not (folder / "publication.json").exists()] == []
    ballast.unlink()
    process = c360(small, checkout, "run")
    out, error = process.communicate()
    assert process.returncode in (0, 3), error
    assert json.loads(out.splitlines()[-1])["published"]
    assert checksum(small.published_file) == undisturbed
    assert row_counts_balance(small.published_file)


def test_a_disk_that_is_too_small_is_refused_before_anything_is_written(small: Settings, checkout: Path) -> None:
    land_a_third_delivery(small)
    ballast = small.data.parent / BALLAST
    free = shutil.disk_usage(small.data).free
    ballast.write_bytes(bytes(free - 100_000))
    before = [(path.stat().st_ino, path.stat().st_mtime_ns) for path in (small.build_file, small.published_file)]
    process = c360(small, checkout, "run")
    _, error = process.communicate()
    assert process.returncode == 1
    assert b"Make room" in error
    assert b"Nothing was written" in error
    assert [
        (path.stat().st_ino, path.stat().st_mtime_ns) for path in (small.build_file, small.published_file)
    ] == before
