"""The values that are given back: one list of names, kinds and columns for all vendors.

How a vendor wants a time or a name written is said in its channel, not here.
"""

import re
from dataclasses import dataclass
from typing import Literal

from orchestration.canonical.given_back import PREFIX

Kind = Literal["text", "number", "count", "flag", "time", "date"]
SEGMENT = f"{PREFIX}seg_"
# Part of every mapping version: another catalogue means that every record is written once more.
VERSION = 1
LONGEST_SLUG = 64


@dataclass(frozen=True)
class Value:
    """One value of a person: its name in the configuration, its kind, and what it is in SQL over `customer` and
    `insight`.

    `is_volatile` values change every night for everybody and are no reason to write a record. One that `moves_by_step`
    fades a little every day, and keeps what was written last until it has moved by the step of the target.
    """

    name: str
    kind: Kind
    sql: str
    is_volatile: bool = False
    moves_by_step: bool = False

    @property
    def sent_name(self) -> str:
        return PREFIX + self.name


VALUES = {
    value.name: value
    for value in (
        Value("customer_id", "text", "customer.customer_id"),
        Value("revenue", "number", "insight.total_revenue::decimal(18,2)"),
        Value("aov", "number", "insight.average_order_value::decimal(18,2)"),
        Value("orders", "count", "insight.order_count"),
        Value("first_order", "time", "insight.first_order_at"),
        Value("last_order", "time", "insight.last_order_at"),
        Value("engagement", "number", "insight.engagement_score::decimal(4,1)", moves_by_step=True),
        Value("engagement_pct", "number", "insight.engagement_percentile::decimal(4,1)", moves_by_step=True),
        Value("stage", "text", "insight.lifecycle_stage"),
        Value("rfm", "text", "insight.rfm_recency::varchar || insight.rfm_frequency || insight.rfm_monetary"),
        Value("rfm_recency", "count", "insight.rfm_recency"),
        Value("rfm_frequency", "count", "insight.rfm_frequency"),
        Value("rfm_monetary", "count", "insight.rfm_monetary"),
        Value("currency", "text", "insight.reporting_currency"),
        Value("as_of", "date", "insight.as_of_date", is_volatile=True),
    )
}
KINDS: dict[str, Kind] = {value.sent_name: value.kind for value in VALUES.values()}


def kind_of(sent_name: str) -> Kind:
    """Kind of a value by the name it is sent under; segments are flags."""
    return KINDS.get(sent_name, "flag")


def slug(segment_id: str) -> str:
    """A segment's id as every vendor takes it in a name: `[a-z][a-z0-9_]*`, at most 64 characters."""
    words = re.sub(r"[^a-z0-9]+", "_", segment_id.lower()).strip("_")[:LONGEST_SLUG].rstrip("_")
    return words if words[:1].isalpha() else f"s_{words}"[:LONGEST_SLUG]
