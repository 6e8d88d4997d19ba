"""What is said of a person's channels: whether marketing may be sent there, which vendor's word holds, and why.

Only words what `marts.customer_contactability` says; which word holds was decided by dbt.
"""

from collections.abc import Iterator
from datetime import datetime

import duckdb

from orchestration.warehouse.duckdb_session import has_table

WHY = {
    "yes": "{source} recorded a yes for it",
    "no": "{source} recorded a no for it",
    "yes_to_all_channels": "{source} recorded a yes for all channels",
    "no_to_all_channels": "{source} recorded a no for all channels",
    "no_to_a_channel": "one channel was refused",
    "unknown": "{source} asked and has no answer",
    "no_word_on_marketing": "what was said is about lists or other purposes",
    "no_at_address": "somebody else who has the same address, number or device said no",
    "deleted": "the vendors have deleted the person, or the records that said yes",
}

_CHANNELS = """
select channel, is_allowed, reason, source, effective_at from marts.customer_contactability
where customer_id = $1 order by channel = 'all', channel
"""


def lines(con: duckdb.DuckDBPyConnection, customer_id: str) -> Iterator[str]:
    """Channel by channel, whether marketing may be sent and why; nothing where the warehouse has no such table."""
    if not has_table(con, "marts", "customer_contactability"):
        return
    reported = con.execute(_CHANNELS, [customer_id]).fetchall()
    if not reported:
        yield "Nowhere: no vendor has recorded a yes."
    for channel, is_allowed, reason, source, effective_at in reported:
        name = "all channels together" if channel == "all" else channel
        yield f"{name}: {'yes' if is_allowed else 'no'}, {_why(reason, source, effective_at)}"


def _why(reason: str, source: str | None, effective_at: datetime | None) -> str:
    words = WHY[reason].format(source=source)
    return f"{words}, of {effective_at:%Y-%m-%d}" if source and effective_at and "{source}" in WHY[reason] else words
