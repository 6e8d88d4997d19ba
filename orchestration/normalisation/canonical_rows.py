"""Rows in the columns and types of their canonical table, with what every row says of its file."""

import polars as pl

from orchestration.canonical.table_model import COMMON
from orchestration.canonical.tables import TABLES
from orchestration.mapping.model import Dialect
from orchestration.normalisation.file_context import Span
from orchestration.normalisation.typed_values import POLARS_TYPES


def in_columns_of(table: str, rows: pl.DataFrame, owner: pl.Expr, span: Span, dialect: Dialect) -> pl.DataFrame:
    """The rows with every column of the table; one that nobody states is null."""
    account = span.account
    export_date = span.reported(lambda origin: origin.export_date)
    declared = TABLES[table]
    own = (
        pl.col(declared.key)
        if declared.key in rows.columns
        else pl.col("owner")
        if "owner" in rows.columns
        else pl.lit(None, pl.String)
    )
    constants: dict[str, pl.Expr] = {
        "source": pl.lit(account.source),
        "source_account": pl.lit(account.source_account),
        "stream": pl.lit(span.stream),
        "source_entity": pl.lit(dialect.entity),
        "source_dialect": pl.lit(dialect.name),
        "export_date": export_date,
        "last_export_date": export_date,
        "load_seq": span.reported(lambda origin: origin.load_seq, pl.Int64),
        "source_record_id": own,
        "source_file": span.reported(lambda origin: origin.source_file),
        "extracted_at": span.export_start,
        "extra": pl.col("row_extra") if "row_extra" in rows.columns else pl.lit(None, pl.String),
    }
    if table in ("customer_identifiers",):
        constants["owner_record_id"] = owner
        constants["source_profile_id"] = pl.col("profile") if "profile" in rows.columns else pl.lit(None, pl.String)
    exprs = []
    for column in declared.all_columns:
        dtype = POLARS_TYPES[column.kind]
        expr = constants.get(column.name) if column in COMMON or column.name in constants else None
        if expr is None:
            expr = pl.col(column.name) if column.name in rows.columns else pl.lit(None, dtype)
        exprs.append(expr.cast(dtype).alias(column.name))
    return rows.select(exprs)
