"""Definitions of segments."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    first_given,
)
from orchestration.mapping.record_schema import EXTRA, NUMBER, TEXT
from orchestration.mapping.selects import (
    rows,
)
from orchestration.mapping.values import time

# -- segments --------------------------------------------------------------------------------------------------------

SEGMENT = {
    "segmentID": TEXT,
    "id": TEXT,
    "name": TEXT,
    "description": EXTRA,
    "memberCount": NUMBER,
    "creationDate": TEXT,
    "createdAt": TEXT,
    "updatedAt": TEXT,
}
segment_id = first_given(at("segmentID"), at("id"))
segments = rows(
    "segments",
    segment_id=segment_id,
    name=at("name"),
    kind=pl.lit("dynamic_segment"),
    reported_members=at("memberCount"),
    created_at=time(at("creationDate"), at("createdAt")),
    source_updated_at=time(at("updatedAt")),
)
