"""The marts once more as Parquet: the manifest names one publication whole, whatever is published, gone back to or killed meanwhile."""

import json
import os
import signal
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest

from orchestration.config.settings import Settings
from orchestration.publishing import publish
from tests.publishing.test_publish import publish_content

ACT = (
    "import sys; from pathlib import Path; from orchestration.config.settings import Options, Settings; "
    "from tests.publishing.test_publish import publish_content; "
    "publish_content(Settings(data=Path(sys.argv[1]), options=Options(publish_parquet=True)), 2)"
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return with_parquet(Settings(data=tmp_path / "data"), True)


def with_parquet(settings: Settings, wanted: bool) -> Settings:
    return replace(settings, options=msgspec.structs.replace(settings.options, publish_parquet=wanted))


def manifest(settings: Settings) -> dict[str, Any]:
    return json.loads((settings.parquet_marts / "manifest.json").read_bytes())


def content(settings: Settings) -> set[int]:
    """What all tables hold that the manifest names."""
    named = manifest(settings)
    files = [
        str(settings.parquet_marts / named["run_id"] / file)
        for table in named["tables"].values()
        for file in table["files"]
    ]
    return {row[0] for row in duckdb.execute("select distinct content from read_parquet($1)", [files]).fetchall()}


def folders(settings: Settings) -> set[str]:
    return {path.name for path in settings.parquet_marts.glob("*/")}


def test_the_manifest_names_what_is_published_and_what_was_is_kept_as_long(settings: Settings) -> None:
    for number in (1, 2):
        publish_content(settings, number)
        assert content(settings) == {number}
    assert folders(settings) == {"run1", "run2"}
    for number in range(3, 7):
        publish_content(settings, number)
    assert folders(settings) == {found.run_id for found in publish.publications(settings)}


def test_rows_and_files_stand_in_the_manifest(settings: Settings) -> None:
    publish_content(settings, 1)
    assert manifest(settings)["tables"]["dim_customers"] == {
        "rows": 5000,
        "partitioned_by": [],
        "files": ["dim_customers/rows.parquet"],
    }


def test_going_back_leads_the_manifest_back(settings: Settings) -> None:
    publish_content(settings, 1)
    publish_content(settings, 2)
    publish.rollback(settings)
    assert content(settings) == {1}


@pytest.mark.parametrize(
    ("point", "stands"), [("before_note", 1), ("before_swap", 1), ("after_swap", 2), ("before_prune", 2)]
)
def test_killed_anywhere_the_next_run_names_what_analysts_see(settings: Settings, point: str, stands: int) -> None:
    publish_content(settings, 1)
    died = subprocess.run(
        [sys.executable, "-c", ACT, str(settings.data)],
        env={**os.environ, "C360_KILL_AT": point, "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    publish.secure(settings)
    assert content(settings) == {stands}
    assert folders(settings) == {found.run_id for found in publish.publications(settings)}


def test_without_the_setting_there_is_none_and_what_there_was_goes(settings: Settings) -> None:
    publish_content(settings, 1)
    (settings.parquet_marts / "somebody's own").mkdir()
    without = with_parquet(settings, False)
    publish_content(without, 2)
    assert not (settings.parquet_marts / "manifest.json").exists()
    assert folders(settings) == {"somebody's own"}


def test_files_may_be_read_by_whom_the_published_file_may(settings: Settings) -> None:
    for_the_group = replace(settings, options=msgspec.structs.replace(settings.options, published_file_mode="0440"))
    publish_content(for_the_group, 1)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (settings.parquet_marts, *settings.parquet_marts.rglob("*"))
    }
    assert {modes["marts"], modes["run1"], modes["dim_customers"]} == {0o750}
    assert {modes["manifest.json"], modes["rows.parquet"]} == {0o440}
