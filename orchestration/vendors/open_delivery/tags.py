"""Tags of a person, which stand in lists of the record's metadata."""

import polars as pl

from orchestration.mapping.expressions import (
    at,
    filled,
    given,
    item,
)
from orchestration.mapping.record_schema import TEXT, Open
from orchestration.mapping.selects import (
    Rows,
    rows,
)
from orchestration.mapping.values import Typed, time
from orchestration.vendors.open_delivery.identifiers import nothing

# -- tags and consents -------------------------------------------------------------------------------------------------

METADATA = Open({"customTags": [TEXT], "restrictions": [TEXT], "tags": [TEXT]})
TAG_LISTS = ("metadata.customTags", "metadata.restrictions", "metadata.tags")


def _tag(text: pl.Expr | None, state: str, *, each: str | None, where: pl.Expr) -> Rows:
    return rows(
        "segment_memberships",
        each=each,
        where=where,
        segment_id=nothing if text is None else text.str.strip_chars().str.to_lowercase(),
        segment_name=nothing if text is None else text,
        kind=pl.lit("tag"),
        state=pl.lit(state),
        observed_at=time(else_export_date=True),
        is_full_snapshot=Typed(pl.lit(value=True)),
    )


is_tagged = pl.any_horizontal(filled(at(path)) for path in TAG_LISTS)
names_tags = pl.any_horizontal(at(path).is_not_null() for path in TAG_LISTS)
tags = (
    *(_tag(item(), "member", each=path, where=given(item())) for path in TAG_LISTS),
    _tag(None, "none", each=None, where=names_tags & ~is_tagged),
)
