"""Many records at once through the real normalising expressions and the real identity models: for benchmarks.

Scenarios that a person reads are written in `worlds.py`; here records come by the thousand from a generator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from orchestration.canonical.tables import TABLES
from orchestration.config.settings import Settings
from orchestration.parsing import documents, emails, ids, phone_numbers
from orchestration.transformation import dbt_runner, seeds
from orchestration.warehouse.meanings import AUDIT_TABLES
from tests.support.compiled import Compiled
from tests.support.worlds import FIRST_EXPORT_DATE, GLOBAL, WEAK, name_keys

STREAM = "profiles"
NAMES = ("first_name", "last_name", "full_name")
Key = tuple[str, str]


@dataclass(frozen=True)
class Said:
    """What one vendor says of one record on one day; identifiers as (type, value as given)."""

    source: str
    record_id: str
    identifiers: tuple[tuple[str, str], ...] = ()
    day: int = 0
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> Key:
        return self.source, self.record_id


def persons(said: Sequence[Said], *, work: Path, **reported: Any) -> dict[Key, str | None]:
    """The person of every record; `reported` is what `staged` takes."""
    path = staged(said, work=work, **reported)
    run(path, work=work)
    with duckdb.connect(str(path), read_only=True) as con:
        found = con.execute(
            "select source, source_record_id, customer_id from internal.int_record_customers"
        ).fetchall()
    return {(source, record): customer for source, record, customer in found}


def staged(
    said: Sequence[Said],
    *,
    work: Path,
    rules: Mapping[str, str] | None = None,
    region: str = "DE",
    namespaces: Mapping[str, str] | None = None,
) -> Path:
    """A build file with these records; `rules` are seeds as CSV text, `namespaces` those that vendors share, by identifier type."""
    settings = Settings(data=work)
    settings.config.mkdir(parents=True, exist_ok=True)
    settings.build_file.parent.mkdir(parents=True, exist_ok=True)
    settings.build_file.unlink(missing_ok=True)
    for name, text in (rules or {}).items():
        (settings.config / f"{name}.csv").write_text(text, encoding="utf-8")
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        _declare(con)
        _insert(con, "staging.customers", _people(said), work)
        _insert(
            con, "staging.customer_identifiers", _identifiers(said, region=region, namespaces=namespaces or {}), work
        )
        _insert(con, "meta.deliveries", _deliveries(said), work)
        con.execute("insert into internal.run_settings select '2026-12-31', 'EUR', 'UTC', 5")
        seeds.load(con, settings)
    return settings.build_file


def run(path: Path, *, work: Path, models: Sequence[str] = ("int_record_customers",)) -> None:
    """Runs models and what they are made of on a build file."""
    settings = Settings(data=work)
    dbt_runner.build(settings, file=path, only=[name for _, name in Compiled(settings, *models).order])


def _declare(con: duckdb.DuckDBPyConnection) -> None:
    for schema in ("staging", "meta", "internal", "seeds"):
        con.execute(f"create schema if not exists {schema}")
    for table in TABLES.values():
        columns = ", ".join(f'"{column.name}" {column.duckdb_type}' for column in table.all_columns)
        con.execute(f"create table staging.{table.name} ({columns})")
    for table in AUDIT_TABLES:
        columns = ", ".join(f'"{name}" {kind}' for name, kind, _ in table.columns)
        con.execute(f"create table {table.schema}.{table.name} ({columns})")


def _insert(con: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, work: Path) -> None:
    if frame.height:
        path = work / "rows.parquet"
        frame.write_parquet(path)
        con.execute(f"insert into {table} by name select * from read_parquet('{path}')")


def _common(said: Sequence[Said]) -> list[dict[str, Any]]:
    rows = []
    for each in said:
        export_date = FIRST_EXPORT_DATE + timedelta(days=each.day)
        rows.append(
            {
                "source": each.source,
                "source_account": "default",
                "stream": STREAM,
                "export_date": export_date,
                "last_export_date": export_date,
                "load_seq": 1,
                "source_record_id": each.record_id,
                "record_hash": repr(each),
                "source_file": f"landing/{each.source}/{STREAM}/{export_date}/{each.record_id}.json",
                "source_row": 1,
                "extracted_at": datetime.combine(export_date, datetime.min.time(), UTC),
            }
        )
    return rows


def _people(said: Sequence[Said]) -> pl.DataFrame:
    names = sorted({name for each in said for name in each.about})
    types = {name: pl.Date if name == "birth_date" else pl.String for name in names}
    columns = pl.DataFrame({name: [each.about.get(name) for each in said] for name in names}, schema=types)
    keys = [name_keys(each.about) for each in said]
    columns = columns.with_columns(
        pl.Series(f"{name}_key", [key.get(f"{name}_key") for key in keys], dtype=pl.String)
        for name in names
        if name in NAMES
    )
    alias = [
        sha256("|".join((each.source, "default", STREAM, each.record_id)).encode()).hexdigest()[:32] for each in said
    ]
    return pl.concat(
        [pl.DataFrame(_common(said)), columns, pl.DataFrame({"alias_id": alias}).with_columns(is_deleted=False)],
        how="horizontal",
    )


def _identifiers(said: Sequence[Said], *, region: str, namespaces: Mapping[str, str]) -> pl.DataFrame:
    rows = []
    for each, common in zip(said, _common(said), strict=True):
        for id_type, value in (("profile_id", each.record_id), *each.identifiers):
            namespace = "" if id_type in GLOBAL else namespaces.get(id_type, f"{each.source}:default")
            rows.append(
                {
                    **common,
                    "owner_record_id": each.record_id,
                    "id_type": id_type,
                    "id_namespace": namespace,
                    "id_value_raw": value,
                }
            )
    frames = [
        _parsed(frame, str(kind[0]), region)
        for kind, frame in pl.DataFrame(rows).group_by("id_type", maintain_order=True)
    ]
    return pl.concat(frames)


def _parsed(frame: pl.DataFrame, kind: str, region: str) -> pl.DataFrame:
    raw = pl.col("id_value_raw")
    if kind == "email":
        frame = frame.with_columns(emails.email(raw).alias("parsed"))
    elif kind == "phone":
        frame = frame.with_columns(phone_numbers.phone(raw, pl.lit(region)).alias("parsed"))
    elif kind == "document":
        frame = frame.with_columns(documents.document(raw, None).alias("parsed"))
    else:
        value = ids.identifier(raw, kind)
        frame = frame.with_columns(
            pl.struct(value.alias("value"), value.is_not_null().alias("is_valid")).alias("parsed")
        )
    parsed = pl.col("parsed").struct
    is_valid = parsed.field("is_valid").fill_null(value=False)
    return frame.with_columns(
        pl.coalesce(parsed.field("value"), raw).alias("id_value"),
        pl.when(is_valid).then(parsed.field("link_value" if kind == "email" else "value")).alias("id_link_value"),
        is_valid.alias("is_valid"),
        pl.lit("low" if kind in WEAK else "high").alias("merge_confidence"),
    ).drop("parsed")


def _deliveries(said: Sequence[Said]) -> pl.DataFrame:
    delivered = sorted({(each.source, FIRST_EXPORT_DATE + timedelta(days=each.day)) for each in said})
    rows = pl.DataFrame(delivered, schema=["source", "export_date"], orient="row")
    return rows.with_columns(source_account=pl.lit("default"), stream=pl.lit(STREAM), is_full=False, file_count=1)


def day(text: str | None) -> date | None:
    """A date such as 19800131; None if there is no such day."""
    try:
        return datetime.strptime(text or "", "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
