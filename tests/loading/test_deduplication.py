"""Records that repeat what staging holds are counted as records, however many rows they make or meet."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import duckdb
import pytest

from orchestration.loading import deduplication
from orchestration.normalisation.file_context import Origin
from orchestration.vendors import discover
from orchestration.warehouse import build_file
from tests.support.arrivals import installation
from tests.support.warehouse_builder import EXPORT_DATE, Row, WarehouseBuilder, insert

LATER, LATEST = date(2024, 1, 2), date(2024, 1, 3)
SEVERAL = [("events", "test")]


@pytest.fixture
def reported(tmp_path: Path) -> Iterator[tuple[WarehouseBuilder, duckdb.DuckDBPyConnection]]:
    builder = WarehouseBuilder(tmp_path, as_of=LATEST)
    builder.settings = installation(tmp_path / "data")
    with build_file.connect(builder.settings) as con:
        yield builder, con


def event(builder: WarehouseBuilder, event_id: str, export_date: date, row: int = 1, load: int = 1) -> Row:
    file = f"landing/omnisend/events/{export_date}/a.ndjson"
    return builder.event(
        "omnisend",
        event_id,
        export_date=export_date,
        source_file=file,
        source_row=row,
        load_seq=load,
        record_hash=f"content of {event_id}",
    )


def settle(
    builder: WarehouseBuilder, con: duckdb.DuckDBPyConnection, kept: list[Row], incoming: list[Row]
) -> tuple[int, list[int]]:
    """How many records are duplicates, and which are left out."""
    insert(con, "staging.events", kept)
    con.execute(
        "create temp table repeated_rows (source_row bigint); create temp table incoming as from staging.events limit 0"
    )
    insert(con, "temp.incoming", incoming)
    first = incoming[0]
    account = builder.settings.account(discover()["omnisend"])
    origin = Origin(account, "events", first["export_date"], first["source_file"], load_seq=first["load_seq"])
    duplicates = deduplication._deduplicate(con, origin, "events", SEVERAL, "temp.incoming")
    return duplicates, [row for (row,) in con.execute("select source_row from repeated_rows order by 1").fetchall()]


def test_a_record_that_repeats_two_rows_is_one_duplicate(
    reported: tuple[WarehouseBuilder, duckdb.DuckDBPyConnection],
) -> None:
    builder, con = reported
    kept = [event(builder, "e1", EXPORT_DATE), event(builder, "e1", LATER, load=2)]
    assert settle(builder, con, kept, [event(builder, "e1", LATEST, load=3)]) == (1, [1])


def test_a_record_that_makes_two_rows_again_is_one_duplicate(
    reported: tuple[WarehouseBuilder, duckdb.DuckDBPyConnection],
) -> None:
    builder, con = reported
    kept = [event(builder, "e1", EXPORT_DATE), event(builder, "e2", EXPORT_DATE)]
    assert settle(builder, con, kept, [event(builder, "e1", LATEST, load=3), event(builder, "e2", LATEST, load=3)]) == (
        1,
        [1],
    )


def test_a_record_that_repeats_one_row_and_makes_another_is_loaded(
    reported: tuple[WarehouseBuilder, duckdb.DuckDBPyConnection],
) -> None:
    builder, con = reported
    assert settle(
        builder,
        con,
        [event(builder, "e1", EXPORT_DATE)],
        [event(builder, "e1", LATEST, load=3), event(builder, "e2", LATEST, load=3)],
    ) == (0, [])
