"""What scripts of an installation import stays where it is, wherever the modules lie inside."""

import re
import subprocess
import sys
from pathlib import Path

from tests.support.paths import PROJECT


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    [example] = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    (tmp_path / "landing").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", example],
        cwd=PROJECT,
        env={"C360_DATA": str(tmp_path), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_name_for_scripts_can_be_imported_and_no_other() -> None:
    code = "from orchestration import changes, locking, pipeline, plan, publish, settings; from orchestration.locking import writer_lock"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT, check=False).returncode == 0
    assert (
        subprocess.run(
            [sys.executable, "-c", "from orchestration import drift"], cwd=PROJECT, capture_output=True, check=False
        ).returncode
        == 1
    )
