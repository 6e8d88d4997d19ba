"""Segments and their members."""

from typing import Any

import polars as pl

from orchestration.mapping.expressions import (
    at,
    file_value,
    filled,
    first_given,
    given,
    item,
    lookup,
    raw,
)
from orchestration.mapping.model import dialect
from orchestration.mapping.record_schema import EXTRA, JSON, TEXT
from orchestration.mapping.selects import RejectRule, rows
from orchestration.mapping.values import time
from orchestration.vendors.voucherify.customers import member, nobody
from orchestration.vendors.voucherify.orders import PERSON, person
from orchestration.vendors.voucherify.words import SAME_WORD, SEGMENT_KIND

# -- segments --------------------------------------------------------------------------------------------------------

SEGMENT = {
    "id": TEXT,
    "object": SAME_WORD,
    "name": TEXT,
    "type": TEXT,
    "filter": JSON,
    "initial_sync_status": EXTRA,
    "created_at": TEXT,
    "updated_at": TEXT,
    "metadata": EXTRA,
}
CUSTOMER_SEGMENTS = {
    "customer_id": TEXT,
    "source_id": TEXT,
    "customer": PERSON,
    "object": SAME_WORD,
    "data_ref": EXTRA,
    "total": EXTRA,
    "has_more": EXTRA,
}
segment_customer_id = first_given(at("customer_id"), at("customer.id"))
segments = rows(
    "segments",
    segment_id=at("id"),
    name=at("name"),
    kind=lookup(at("type"), SEGMENT_KIND, at("type")),
    definition=raw("filter"),
    created_at=time(at("created_at")),
    source_updated_at=time(at("updated_at")),
)
segment_in_named_file = rows(
    "segment_memberships",
    where=file_value().is_not_null(),
    segment_id=at("id"),
    segment_name=at("name"),
    kind=lookup(at("type"), SEGMENT_KIND, at("type")),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
)


def customer_segments(key: str, other: str) -> Any:
    """All segments of one customer, in a list under `key`; the other key names the list in the other spelling."""
    source_id = first_given(at("source_id"), at("customer.source_id"))
    return dialect(
        f"voucherify.customer_segments.{key}",
        "segment_membership",
        CUSTOMER_SEGMENTS | {key: [{**SEGMENT, "filter": EXTRA, "created_at": EXTRA, "updated_at": EXTRA}]},
        member(key, lookup(item("type"), SEGMENT_KIND, item("type")), item("id"), item("name")),
        nobody(at(key).is_not_null() & ~filled(at(key)), None),
        about=person(segment_customer_id, "customer", source_id=source_id),
        has=(key,),
        lacks=(other,),
        kinds=("segments_of_a_customer",),
        reject_rules=(
            RejectRule(
                "missing_identity",
                "customer_id",
                ~given(segment_customer_id) & ~given(source_id) & ~given(at("customer.email")),
            ),
        ),
    )
