"""Files and deliveries of which too much was rejected: in a run, for whoever is alerted, and in runs that were cut off or
failed before they could report it, which the next one that ends well does, for it loads those files no more."""

from collections.abc import Iterator

import duckdb

from orchestration.canonical.reason_codes import ERASED, HELD_BACK
from orchestration.config.accounts import feed
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.warehouse.run_log import FINISHED

_OF_RUN = "create or replace temp table told as from meta.loads where status <> 'superseded' and run_id = $1"
_UNREPORTED = """
create or replace temp table told as
select loads.*
from meta.loads as loads
inner join meta.runs as runs using (run_id)
where loads.status <> 'superseded' and run_id <> $1 and not list_contains($2::varchar[], runs.status)
    and runs.started_at > (
        select coalesce(max(started_at), '-infinity'::timestamptz) from meta.runs
        where run_id <> $1 and list_contains($2::varchar[], status)
    )
"""
_FILES = (
    "select file_path, reason_code from told where status = 'rejected' and reason_code is distinct from $1 order by"
    " file_path"
)
_DELIVERIES = """
select source, source_account, stream, export_date
from told
left join (select load_seq, count(*) as erased from meta.rejects where reason_code = $1 group by load_seq) using (load_seq)
group by all
having sum(rows_rejected - coalesce(erased, 0)) > $2 * sum(rows_read)
order by all
"""


def look(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    """What somebody must look at: files and deliveries of which too much was rejected, as no run has said yet."""
    con.execute(_UNREPORTED, [run_id, list(FINISHED)])
    yield from _told(con, settings)


def of_run(con: duckdb.DuckDBPyConnection, settings: Settings, run_id: str) -> Iterator[str]:
    """The same of the files that this run loaded."""
    con.execute(_OF_RUN, [run_id])
    yield from _told(con, settings)


def _told(con: duckdb.DuckDBPyConnection, settings: Settings) -> Iterator[str]:
    for path, reason in con.execute(_FILES, [HELD_BACK]).fetchall():
        yield f"{landing_zone.shown(path)} was rejected whole ({reason}); `c360 rejects` shows why."
    limit = settings.options.reject_share
    for source, account, stream, export_date in con.execute(_DELIVERIES, [ERASED, limit]).fetchall():
        yield above_limit(landing_zone.shown(f"{feed(source, account)}/{stream}/{export_date}"), limit)


def above_limit(delivery: str, limit: float) -> str:
    """What a person should know of a delivery of which a larger share was rejected."""
    return f"{delivery}: more than {limit:.0%} of the rows were rejected; `c360 rejects` shows why."
