"""What of a target's folders is thrown away: bodies that were posted, or handed over, longer ago than the setting says.

That they were written stays in the manifest, and of what was written of whom only what the next run is compared with.
"""

import os
import time
from pathlib import Path

import duckdb

from orchestration.activation import outbox, receipts
from orchestration.activation.outbox import Written
from orchestration.config.settings import Settings
from orchestration.runtime.durable_files import replace
from orchestration.runtime.failpoints import pass_point
from orchestration.warehouse.duckdb_session import quoted

DAY = 86_400
# Of every record only what was written last, and nothing of those that the vendor holds no more.
_STILL_COUNTING = """
copy (
    select record.*
    from read_parquet({path}) as record
    semi join state on record.kind = state.kind and record.key = state.key and state.folder = {folder}
    where record.status <> 'gone'
    order by kind, key
) to {draft} (format parquet, compression zstd)
"""


def prune(con: duckdb.DuckDBPyConnection, settings: Settings, root: Path) -> int:
    """Removes old bodies of a target, and what of its records counts no more; of how many folders."""
    keep_days = settings.options.keep_activation_days
    if not keep_days:
        return 0
    folders = outbox.written(root)
    for found in folders:
        if found.is_without_bodies:
            _remove_bodies(found)
    limit = time.time() - keep_days * DAY
    answers = outbox.last(root)
    old = [found for found in folders if _may_go(found, limit, answers)]
    if old:
        outbox.forget_state(root)
        outbox.load_state(con, root)
    for found in old:
        _forget_records(con, found)
        outbox.save_manifest(found, {**found.manifest, "is_without_bodies": True})
        pass_point("before_old_bodies_go")
        _remove_bodies(found)
    return len(old)


def _may_go(found: Written, limit: float, answers: dict[tuple[str, str], receipts.Receipt]) -> bool:
    """It is old, and every body is settled; where nothing was ever posted, the files are the hand-over."""
    if found.is_without_bodies or (found.folder / outbox.MANIFEST).stat().st_mtime >= limit:
        return False
    reported = [answers.get((found.name, facts["file"])) for facts in found.manifest["files"]]
    return not answers or all(receipt is not None and receipt.is_answer and not receipt.is_open for receipt in reported)


def _forget_records(con: duckdb.DuckDBPyConnection, found: Written) -> None:
    path = found.folder / outbox.RECORDS
    draft = path.with_name(f"{path.name}.tmp")
    con.execute(_STILL_COUNTING.format(path=quoted(str(path)), folder=quoted(found.name), draft=quoted(str(draft))))
    os.replace(draft, path)


def _remove_bodies(found: Written) -> None:
    for facts in found.manifest["files"]:
        (found.folder / facts["file"]).unlink(missing_ok=True)
    replace(found.folder / outbox.REJECTS, b"")
