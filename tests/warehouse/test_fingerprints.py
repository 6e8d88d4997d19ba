"""What a build file is known by: a change of anything that decides what a landing file becomes has it built anew."""

import ast
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.config.settings import PACKAGE, Settings
from orchestration.warehouse import build_file
from orchestration.warehouse.fingerprints import staging_code, wanted_fingerprint

# They decide where, when and by whom something is written, not what; settings count by their values.
BESIDE_THE_POINT = {"config", "engines", "runtime", "warehouse"}


def imported_by(module: Path) -> set[Path]:
    """Modules of the package that a module imports, those they import included."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = waiting.pop()
        found.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("orchestration"):
                place = PACKAGE.parent / (node.module or "").replace(".", "/")
                named = [place.with_suffix(".py"), *(place / f"{alias.name}.py" for alias in node.names)]
                waiting.extend(path for path in named if path not in found and path.is_file())
    return found


def test_every_module_that_writing_staging_rests_on_counts() -> None:
    counted = set(staging_code())
    missing = {path.relative_to(PACKAGE) for path in imported_by(PACKAGE / "loading" / "loader.py") - counted}
    assert {path for path in missing if path.parts[0] not in BESIDE_THE_POINT} == set()
    assert {
        PACKAGE / "warehouse" / "ddl.py",
        PACKAGE / "warehouse" / "change_keys.py",
        PACKAGE / "runtime" / "redaction.py",
    } <= counted


DAY = date(2026, 6, 2)


def loaded(con: duckdb.DuckDBPyConnection, files: int) -> None:
    con.execute(
        "insert into meta.loads by name select i as load_seq, 'run' as run_id, 'loaded' as status, 'omnisend' as source,"
        " 'default' as source_account, 'events' as stream, $1::date + i::int as export_date, 'landing/' || i as file_path from range(1, $2 + 1) as t(i)",
        [DAY, files],
    )


@pytest.mark.parametrize("changed", [1, 2, 4])
def test_files_that_go_change_what_the_warehouse_is_made_of_however_many_they_are(
    settings: Settings, changed: int
) -> None:
    with build_file.connect(settings) as con:
        loaded(con, 5)
        before = wanted_fingerprint(con, "rules", DAY)
        con.execute("update meta.loads set status = 'superseded' where load_seq <= $1", [changed])
        assert wanted_fingerprint(con, "rules", DAY) != before
