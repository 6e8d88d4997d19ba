"""Who a record is about that is no profile of anybody: the people that its identifiers and its evidence distinguish."""

import polars as pl

from orchestration.config.accounts import Account
from orchestration.normalisation.record_ids import derived_record_id
from orchestration.parsing import given_names


def owners_of(frame: pl.DataFrame, people: pl.DataFrame, identifiers: pl.DataFrame, account: Account) -> pl.Series:
    """Of every record of `frame` the id of the person it is about; null where no valid identifier names one.

    Two records are about one person where they carry the same identifiers, and the same given name and birth date.
    """
    evidence = pl.concat_str(
        [
            given_names.name_evidence(pl.col("first_name"), pl.col("full_name")).fill_null(""),
            pl.col("birth_date").cast(pl.String).fill_null(""),
        ],
        separator="|",
    )
    keys = (
        identifiers.filter(pl.col("is_valid"))
        .select("source_row", pl.concat_str(["id_type", "id_namespace", "id_value"], separator="\x1f").alias("key"))
        .unique()
        .sort("source_row", "key")
        .group_by("source_row", maintain_order=True)
        .agg(pl.col("key").str.join("\x1e"))
    )
    owners = frame.select("source_row").join(
        people.select("source_row", evidence.alias("evidence")), on="source_row", how="left"
    )
    owners = owners.join(keys, on="source_row", how="left").with_columns(
        pl.when(pl.col("key").is_not_null()).then(pl.concat_str(["evidence", "key"], separator="\x1d")).alias("contact")
    )
    texts = owners.get_column("contact").drop_nulls().unique().to_list()
    derived = {text: derived_record_id(account, text) for text in texts}
    return (
        owners.get_column("contact").replace_strict(derived, return_dtype=pl.String)
        if derived
        else pl.Series([None] * owners.height, dtype=pl.String)
    )
