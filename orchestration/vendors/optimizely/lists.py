"""Lists and segments: definitions and members."""

import polars as pl

from orchestration.mapping.expressions import (
    file_value,
    first_given,
    given,
    raw,
)
from orchestration.mapping.record_schema import EXTRA, JSON, SCALAR, TEXT
from orchestration.mapping.record_schema import consent as consented
from orchestration.mapping.selects import RejectRule, rows
from orchestration.mapping.values import Typed
from orchestration.vendors.optimizely.event_fields import moment
from orchestration.vendors.optimizely.event_rows import membership_rows
from orchestration.vendors.optimizely.people import FLAT_IDENTIFIERS, cell, customer_cell
from orchestration.vendors.optimizely.words import IDENTIFIERS, subscription_state

LIST = FLAT_IDENTIFIERS | {
    "list_id": SCALAR,
    "name": TEXT,
    "action": TEXT,
    "subscribed": consented(SCALAR),
    "ts_status_updated": SCALAR,
    "ts": SCALAR,
}
has_identifier = pl.any_horizontal(given(customer_cell(name)) for name in IDENTIFIERS)
list_id = first_given(cell("list_id"), file_value())
list_state = subscription_state(cell("action"), cell("subscribed"))
is_list_definition = ~has_identifier & given(cell("name")) & ~given(cell("action", "subscribed"))
list_rows = (
    *membership_rows(
        list_id=list_id,
        state=list_state,
        since=cell("ts_status_updated", "ts"),
        where=has_identifier,
        name=cell("name"),
    ),
    rows("segments", where=is_list_definition, segment_id=list_id, name=cell("name"), kind=pl.lit("subscription_list")),
)
list_rejects = (
    RejectRule("missing_segment_id", "list_id", ~given(list_id)),
    RejectRule("missing_identity", "email", ~has_identifier & ~is_list_definition),
    RejectRule("missing_action", "action", has_identifier & list_state.is_null()),
)

SEGMENT = FLAT_IDENTIFIERS | {
    "segment_id": SCALAR,
    "segment": SCALAR,
    "name": TEXT,
    "description": EXTRA,
    "valid_time": SCALAR,
    "qualifications": JSON,
}
SEGMENT_PREFIX = r"^(?:rts|classic):"
stated_segment = first_given(cell("segment_id", "segment"), file_value()).str.strip_chars()
segment_kind = (
    pl.when(stated_segment.str.starts_with("classic:"))
    .then(pl.lit("classic_segment"))
    .otherwise(pl.lit("realtime_segment"))
)
is_segment_definition = ~has_identifier & given(cell("name"))
segment_rows = (
    rows(
        "segment_memberships",
        where=has_identifier,
        segment_id=stated_segment.str.replace(SEGMENT_PREFIX, ""),
        segment_name=cell("name"),
        kind=segment_kind,
        state=pl.lit("member"),
        observed_at=moment(cell("valid_time")),
        valid_from=moment(cell("valid_time"), else_export_date=False),
        qualifications=raw("qualifications"),
        is_full_snapshot=Typed(pl.lit(value=False)),
    ),
    rows(
        "segments",
        where=is_segment_definition,
        segment_id=stated_segment.str.replace(SEGMENT_PREFIX, ""),
        name=cell("name"),
        kind=segment_kind,
    ),
)
segment_rejects = (
    RejectRule("missing_segment_id", "segment_id", ~given(stated_segment)),
    RejectRule("missing_identity", "customer.email", ~has_identifier & ~is_segment_definition),
)
