"""Parsed rows with what follows from their record, the account and the file: currencies, owners, keys of orders,
ids."""

import polars as pl

from orchestration.canonical.tables import TABLES
from orchestration.mapping.selects import Rows
from orchestration.mapping.values import Time
from orchestration.normalisation.file_context import Span
from orchestration.normalisation.list_elements import CARRIED
from orchestration.normalisation.record_ids import alias_ids, identified
from orchestration.parsing import ids
from orchestration.parsing.text import clean


def completed(select: Rows, frame: pl.DataFrame, parsed: pl.DataFrame, span: Span) -> pl.DataFrame:
    """The parsed rows with what follows from the record, the account and the file."""
    table = select.table
    rows = parsed.drop("source_row").hstack(frame.select(_carried(frame, select)))
    has = set(rows.columns)
    account, export_start = span.account, span.export_start
    filled: list[pl.Expr] = []
    declared = {column.name for column in TABLES[table].columns}
    if "is_currency_inferred" in declared:
        filled.append(
            (pl.col("currency").is_null() if "currency" in has else pl.lit(value=True)).alias("is_currency_inferred")
        )
    if "currency" in declared and table != "vendor_stats":
        filled.append(
            (pl.col("currency") if "currency" in has else pl.lit(None, pl.String))
            .fill_null(account.default_currency)
            .alias("currency")
        )
    if "amount_unit" in declared:
        filled.extend(
            (
                pl.lit(select.amounts).alias("amount_unit"),
                pl.lit(select.is_amount_unit_inferred).alias("is_amount_unit_inferred"),
            )
        )
    if "is_money_unit_inferred" in declared and select.is_amount_unit_inferred:
        filled.append(
            pl.when(pl.col("money_amount").is_not_null()).then(pl.lit(value=True)).alias("is_money_unit_inferred")
        )
    for name, value in select.columns.items():
        if isinstance(value, Time) and value.else_export_date:
            filled.append(pl.col(name).fill_null(export_start).alias(name))
    if "source_updated_at" in declared and "source_updated_at" not in has:
        filled.append(pl.col("updated").alias("source_updated_at"))
    if "owner_record_id" in declared and "owner_record_id" not in has:
        filled.append(pl.col("owner").alias("owner_record_id"))
    if "source_profile_id" in declared and "source_profile_id" not in has:
        filled.append(pl.col("profile").alias("source_profile_id"))
    for column, id_type in (
        ("email_value", "email"),
        ("phone_value", "phone"),
        ("vuid_value", "vuid"),
        ("customer_id_value", "customer_id"),
    ):
        if column in declared and column not in has and f"first:{id_type}" in has:
            filled.append(pl.col(f"first:{id_type}").alias(column))
    if "is_guest" in declared and "is_guest" not in has:
        filled.append(pl.col("profile").is_null().alias("is_guest"))
    if table == "customers":
        filled.append(alias_ids(span, rows, span.stream))  # ty: ignore[invalid-argument-type]
    rows = rows.with_columns(filled)
    return identified(select, _with_order_key(table, rows, declared, account.order_namespace), has, span)


def _with_order_key(table: str, rows: pl.DataFrame, declared: set[str], namespace: str) -> pl.DataFrame:
    if "order_match_key" not in declared:
        return rows
    named = [pl.col(name) for name in ("order_match_key", "order_number", "source_order_id") if name in rows.columns]
    if not named:
        return rows
    # A number of which nothing is left, such as `#`, is none; an id of which nothing is left is all there is.
    keys = [*(ids.order_key(name) for name in named), clean(named[-1])]
    keyed = rows.with_columns(pl.coalesce(keys).alias("order_match_key"), pl.lit(namespace).alias("order_namespace"))
    return (
        keyed.with_columns(pl.col("order_match_key").is_null().alias("is_orphan")) if "is_orphan" in declared else keyed
    )


def _carried(frame: pl.DataFrame, select: Rows) -> list[pl.Expr]:
    """Columns of the working frame that rows still need."""
    carried = [pl.col(name) for name in CARRIED] + [pl.col(name) for name in frame.columns if name.startswith("first:")]
    return [
        *carried,
        (
            pl.col("item_extra")
            if "item_extra" in frame.columns
            else pl.col("extra")
            if select.each is None
            else pl.lit(None, pl.String)
        ).alias("row_extra"),
    ]
