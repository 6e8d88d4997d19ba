"""What several records of one file say of one contact, as one: what says nothing takes nothing back."""

import polars as pl

from orchestration.canonical.people import PERSON_ATTRIBUTES
from orchestration.mapping.selects import ADDRESS_COLUMNS, NAME_COLUMNS

COUNTRY = ("country_raw", "country_code")
# Columns that are reported together: all come from the last record that names one of the deciding ones, else from the last
# that names any.
TOGETHER: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    (NAME_COLUMNS, ("full_name", "last_name")),
    (tuple(name for name in (*ADDRESS_COLUMNS, "state_code") if name not in COUNTRY), ("city", "postal_code")),
    (("gender", "gender_raw"), ("gender",)),
)
_GROUPED = {name for columns, _ in TOGETHER for name in columns} | set(COUNTRY)
GROUPS = TOGETHER + tuple(
    ((column.name,), (column.name,)) for column in PERSON_ATTRIBUTES if column.name not in _GROUPED
)
_ADDRESS = 1


def as_last_reported(records: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The last record of each `owner`, the records being in their order, with what earlier ones said where it is
    silent; and the records it took that from.

    Name and address are each of one record. The country is that of the address, or else the last that is named.
    From what records of several parts of a file were taken, `LAST_REPORTED` says the same of the whole file.
    """
    repeated = records.filter(pl.col("owner").is_duplicated())
    if not repeated.height:
        return records, repeated
    places = repeated.with_row_index("place").select(
        *(_place(columns, decisive).alias(str(number)) for number, (columns, decisive) in enumerate(GROUPS)),
        country=_last(COUNTRY),
    )
    reported = [
        repeated.get_column(name).gather(places.get_column(str(number)))
        for number, (columns, _) in enumerate(GROUPS)
        for name in columns
    ]
    beside = repeated.select(COUNTRY).select(pl.all().gather(places.get_column(str(_ADDRESS))))
    alone = repeated.select(COUNTRY).select(pl.all().gather(places.get_column("country")))
    is_beside = ~beside.select(pl.all_horizontal(pl.all().is_null())).to_series()
    country = [
        pl.select(
            pl.when(is_beside).then(beside.get_column(name)).otherwise(alone.get_column(name)).alias(name)
        ).to_series()
        for name in COUNTRY
    ]
    merged = pl.concat(
        [records.filter(~pl.col("owner").is_duplicated()), repeated.with_columns(*reported, *country)]
    ).unique("owner", keep="last", maintain_order=True)
    is_last = repeated.get_column("owner").is_last_distinct()
    last = places.with_row_index("newest").filter(is_last)
    taken = pl.concat([column.alias("place") for column in last.get_columns()]).drop_nulls().unique().sort()
    return merged, repeated.select(pl.all().gather(taken))


def _place(columns: tuple[str, ...], decisive: tuple[str, ...]) -> pl.Expr:
    return pl.coalesce(_last(decisive), _last(columns))


def _last(columns: tuple[str, ...]) -> pl.Expr:
    """Place, among the records of all owners, of the owner's last record so far that names one of the columns."""
    is_named = pl.any_horizontal(pl.col(name).is_not_null() for name in columns)
    return pl.when(is_named).then(pl.col("place")).forward_fill().over("owner")


def _last_reported() -> str:
    """As `as_last_reported` has it, in SQL: for each contact in `reported`, the values of its records in the order of time and
    row."""

    def last(columns: tuple[str, ...], named: tuple[str, ...]) -> str:
        values = ", ".join(f"{name} := {name}" for name in columns)
        return (
            f"max_by(struct_pack({values}), (seen_at, source_row)) filter"
            f" (coalesce({', '.join(f'{name}::varchar' for name in named)}) is not null)"
        )

    found, values = [f"{last(COUNTRY, COUNTRY)} as country"], []
    for number, (columns, decisive) in enumerate(GROUPS):
        taken = (*columns, *COUNTRY) if number == _ADDRESS else columns
        found.append(f"coalesce({last(taken, decisive)}, {last(taken, columns)}) as last_{number}")
        values.extend(f"last_{number}.{name} as {name}" for name in columns)
    beside = " or ".join(f"last_{_ADDRESS}.{name} is not null" for name in COUNTRY)
    values.extend(
        f"case when {beside} then last_{_ADDRESS}.{name} else country.{name} end as {name}" for name in COUNTRY
    )
    return (
        f"select source_record_id, {', '.join(values)} from (select source_record_id, {', '.join(found)} from reported"
        " group by source_record_id)"
    )


LAST_REPORTED = _last_reported()
