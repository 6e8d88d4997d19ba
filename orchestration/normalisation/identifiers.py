"""Identifiers of people as records carry them: each with its type, namespace and normalised value, and whether it is
valid.

What an identifier may link is not decided here but by the identity models.
"""

from typing import Any

import polars as pl

from orchestration.config.accounts import Account
from orchestration.mapping.expressions import needs
from orchestration.mapping.selects import Identifier
from orchestration.normalisation.list_elements import exploded
from orchestration.parsing import codes, documents, emails, ids, phone_numbers
from orchestration.parsing.text import by_distinct, clean

GLOBAL_IDENTIFIERS = ("email", "phone", "document")
WEAK_IDENTIFIERS = ("vuid", "push_token", "tracking_id")
FIRST = 1_000  # more than a record has places for identifiers
_BY_KIND: tuple[tuple[str, pl.Expr], ...] = (
    ("email", pl.col("id_type") == "email"),
    ("phone", pl.col("id_type") == "phone"),
    ("document", pl.col("id_type") == "document"),
    ("other", ~pl.col("id_type").is_in(GLOBAL_IDENTIFIERS)),
)


def identifiers(specs: tuple[Identifier, ...], frame: pl.DataFrame, account: Account) -> pl.DataFrame:
    parts = [_identifier(spec, position, frame, account) for position, spec in enumerate(specs)]
    found = pl.concat([part for part in parts if part.height] or [parts[0]]) if parts else no_identifiers()
    if not found.height:
        return no_identifiers()
    kinds = [(kind, found.filter(condition)) for kind, condition in _BY_KIND]
    parsed = pl.concat([_valued(part, kind, account) for kind, part in kinds if part.height]).sort(
        "source_row", "position", maintain_order=True
    )
    return parsed.unique(["source_row", "id_type", "id_namespace", "id_value"], keep="first", maintain_order=True)


def _identifier(spec: Identifier, position: int, frame: pl.DataFrame, account: Account) -> pl.DataFrame:
    below = frame if spec.each is None else exploded(frame, spec.each, needs(spec))
    if spec.where is not None:
        below = below.filter(spec.where)
    given = spec.value.cast(pl.String)
    id_type = pl.lit(spec.type) if isinstance(spec.type, str) else spec.type
    region = _region(spec, below, account)
    # The vendor's first of a type stands before the others, so that it stays the first where one of them repeats it.
    rank = (
        pl.lit(position)
        if spec.is_primary is None
        else pl.when(spec.is_primary).then(position - FIRST).otherwise(position)
    )
    return below.select(
        "source_row",
        "record_hash",
        rank.cast(pl.Int32).alias("position"),
        id_type.alias("id_type"),
        given.alias("given"),
        clean(given).alias("id_value_raw"),
        region.alias("region"),
        _or_null(spec.namespace, pl.String).alias("name"),
        pl.lit(spec.confidence, pl.String).alias("confidence"),
        _or_null(spec.is_primary, pl.Boolean).alias("is_primary"),
        _or_null(spec.is_deliverable, pl.Boolean).alias("is_deliverable"),
        _or_null(spec.deliverability_reason, pl.String).alias("deliverability_reason"),
        pl.lit(spec.path).alias("source_path"),
    ).filter(pl.col("id_value_raw").is_not_null() & pl.col("id_type").is_not_null())


def _region(spec: Identifier, below: pl.DataFrame, account: Account) -> pl.Series | pl.Expr:
    default = pl.lit(account.phone_region, pl.String)
    if spec.region is None or not below.height:
        return default
    named = by_distinct(
        below.with_columns(spec.region.cast(pl.String).alias("region")).get_column("region"), codes.country
    )
    return named if account.phone_region is None else named.fill_null(account.phone_region)


def _valued(found: pl.DataFrame, kind: str, account: Account) -> pl.DataFrame:
    own = f"{account.source}:{account.source_account}"
    if kind == "email":
        parsed = emails.email(pl.col("id_value_raw"))
    elif kind == "phone":
        parsed = phone_numbers.phone(pl.col("id_value_raw"), pl.col("region"))
    elif kind == "document":
        parsed = documents.document(pl.col("id_value_raw"), None)
    else:
        value = ids.identifier(pl.col("id_value_raw"), kind)
        parsed = pl.struct(
            value.alias("value"), value.is_not_null().alias("is_valid"), pl.lit(None, pl.String).alias("invalid_reason")
        )
    namespace = (
        pl.when(pl.col("id_type").is_in(GLOBAL_IDENTIFIERS))
        .then(pl.lit(""))
        .when(pl.col("id_type") == "customer_id")
        .then(pl.lit(account.customer_id_namespace or own))
        .otherwise(pl.concat_str([pl.lit(own), pl.col("name")], separator=":", ignore_nulls=True))
    )
    weak = pl.col("id_type").is_in(WEAK_IDENTIFIERS)
    frame = found.with_columns(parsed.alias("parsed"))
    link = pl.col("parsed").struct.field("link_value") if kind == "email" else pl.col("parsed").struct.field("value")
    return frame.select(
        "source_row",
        "record_hash",
        "position",
        "id_type",
        namespace.alias("id_namespace"),
        "given",
        "id_value_raw",
        pl.coalesce(pl.col("parsed").struct.field("value"), pl.col("id_value_raw")).alias("id_value"),
        pl.when(pl.col("parsed").struct.field("is_valid")).then(link).alias("id_link_value"),
        pl.coalesce(pl.col("confidence"), pl.when(weak).then(pl.lit("low")).otherwise(pl.lit("high"))).alias(
            "merge_confidence"
        ),
        pl.col("parsed").struct.field("is_valid").fill_null(value=False).alias("is_valid"),
        pl.col("parsed").struct.field("invalid_reason").alias("invalid_reason"),
        "is_primary",
        "is_deliverable",
        "deliverability_reason",
        "source_path",
    )


def no_identifiers() -> pl.DataFrame:
    """No identifier of anybody."""
    texts = (
        "record_hash",
        "id_type",
        "id_namespace",
        "given",
        "id_value_raw",
        "id_value",
        "id_link_value",
        "merge_confidence",
        "invalid_reason",
        "deliverability_reason",
        "source_path",
    )
    flags = ("is_valid", "is_primary", "is_deliverable")
    return pl.DataFrame(
        schema={
            "source_row": pl.Int64,
            "position": pl.Int32,
            **dict.fromkeys(texts, pl.String),
            **dict.fromkeys(flags, pl.Boolean),
        }
    )


def _or_null(value: pl.Expr | str | None, dtype: Any) -> pl.Expr:
    if value is None:
        return pl.lit(None, dtype)
    return pl.lit(value) if isinstance(value, str) else value.cast(dtype)
