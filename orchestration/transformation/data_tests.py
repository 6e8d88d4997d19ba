"""What models promise of their rows, asked by the queries that dbt rendered for its tests, and judged as dbt does.

All are asked over one connection after the models are made: as a node of dbt a test costs several times what its query
does. Nobody reads a model before its tests have passed, whenever they are asked.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb

from orchestration.config.settings import Settings
from orchestration.runtime.errors import without_values
from orchestration.runtime.failpoints import pass_point
from orchestration.runtime.progress import Progress
from orchestration.runtime.wording import counted
from orchestration.transformation.dbt_process import models_at_once, target
from orchestration.transformation.node_result import NodeResult


def run(
    settings: Settings, tests: Sequence[Any], file: Path, progress: Progress, *, unmade: Collection[str] = ()
) -> tuple[NodeResult, ...]:
    """Asks the tests of a project that was rendered; one of a model that could not be made is skipped."""
    if not tests:
        return ()
    with duckdb.connect(str(file), config=settings.duckdb_config) as con:

        def ask(test: Any) -> NodeResult:
            if any(parent in unmade for parent in test.depends_on.nodes):
                return NodeResult(test.unique_id, "test", test.name, "skipped", 0.0)
            with con.cursor() as cursor:
                cursor.execute("set TimeZone = 'UTC'")
                return _asked(settings, cursor, test)

        found = []
        with ThreadPoolExecutor(models_at_once(settings, file)) as pool:
            for position, result in enumerate(pool.map(ask, tests), start=1):
                pass_point("inside_dbt")
                progress(f"{position}/{len(tests)} {result.name}")
                found.append(result)
    return tuple(found)


def _asked(settings: Settings, con: duckdb.DuckDBPyConnection, test: Any) -> NodeResult:
    started, config = perf_counter(), test.config
    limited = f"limit {config.limit}" if config.limit is not None else ""
    status, failures, reason = "pass", 0, ""
    try:
        row = con.execute(
            f"select {config.fail_calc} as failures, {config.fail_calc} {config.warn_if}, {config.fail_calc}"
            f" {config.error_if} from ({test.compiled_code}\n{limited}) as asked"
        ).fetchone()
        assert row is not None
        failures, is_odd, is_wrong = int(row[0] or 0), bool(row[1]), bool(row[2])
        if is_wrong and config.severity.upper() == "ERROR":
            status = "fail"
        elif is_odd:
            status = "warn"
        if failures and _asks_several(test):
            reason = _broken(con, test)
    except duckdb.Error as error:
        status, reason = "error", without_values(str(error))
    seconds, is_kept = round(perf_counter() - started, 3), status == "pass"
    query = None if is_kept else _written(settings, test)
    return NodeResult(test.unique_id, "test", test.name, status, seconds, failures, reason, query)


def _asks_several(test: Any) -> bool:
    return getattr(getattr(test, "test_metadata", None), "name", "") == "checks"


def _broken(con: duckdb.DuckDBPyConnection, test: Any) -> str:
    """Which of the things that a test asks for do not hold, and in how many rows; the test names columns and limits,
    and no value."""
    found = con.execute(f"select failing, failing_rows from ({test.compiled_code}) order by failing").fetchall()
    return ", ".join(f"{failing} ({counted(rows, 'row')})" for failing, rows in found)


def _written(settings: Settings, test: Any) -> Path:
    """The file of the query that shows what was found, where dbt would have left it."""
    path = Path(test.get_target_write_path(str(target(settings)), "compiled"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(test.compiled_code, encoding="utf-8")
    return path
