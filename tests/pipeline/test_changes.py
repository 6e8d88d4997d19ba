"""What a new warehouse changes for the persons of the published one."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration import changes
from orchestration.changes import Changes
from orchestration.errors import OperatorError
from orchestration.settings import Options, Settings

NOW = datetime(2026, 6, 2, tzinfo=UTC)


def write(path: Path, persons: Mapping[str, str], settings: Settings) -> None:
    """A warehouse in which each record (a letter) belongs to a person (a word)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with duckdb.connect(str(path), config=settings.duckdb_config) as con:
        con.execute("create schema marts; create schema meta")
        con.execute("create table marts.bridge_customer_records (source text, source_account text, stream text, source_record_id text, customer_id text)")
        con.execute("create table marts.customer_insights as select 10::decimal(18,2) as total_revenue")
        con.execute("create table meta.shared_identifiers as select 1 as identifier")
        for record, person in persons.items():
            con.execute("insert into marts.bridge_customer_records values ('shop', 'default', 'profiles', $1, $2)", [record, person])
        con.execute("create table marts.dim_customers as select customer_id, count(*) as record_count from marts.bridge_customer_records group by customer_id")


def compare(settings: Settings, before: Mapping[str, str] | None, after: Mapping[str, str]) -> tuple[list[tuple[str, str, str | None]], Changes]:
    if before is not None:
        write(settings.published_file, before, settings)
    write(settings.build_file, after, settings)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        found = changes.record(con, settings, run_id="run", started_at=NOW)
        return con.execute("select event_type, customer_id, other_customer_id from meta.identity_events order by all").fetchall(), found


def test_the_first_warehouse_creates_everybody(settings: Settings) -> None:
    events, found = compare(settings, None, {"a": "anna", "b": "anna", "c": "ben"})
    assert events == [("created", "anna", None), ("created", "ben", None)]
    assert (found.published_customers, found.created, found.changed_ids, found.largest_person_records) == (0, 2, 0, 2)


@pytest.mark.parametrize(
    ("before", "after", "events"),
    [
        ({"a": "anna"}, {"a": "anna"}, []),
        ({"a": "anna"}, {"a": "anna", "b": "ben"}, [("created", "ben", None)]),
        ({"a": "anna"}, {"a": "anna", "b": "anna"}, []),
        ({"a": "anna", "b": "ben"}, {"a": "anna"}, [("retired", "ben", None)]),
        ({"a": "anna", "b": "ben"}, {"a": "anna", "b": "anna"}, [("merged", "anna", "ben")]),
        ({"a": "anna", "b": "anna"}, {"a": "anna", "b": "ben"}, [("split", "anna", "ben")]),
        ({"a": "anna"}, {"a": "hanna"}, [("rekeyed", "hanna", "anna")]),
    ],
    ids=["nothing", "created", "grown", "retired", "merged", "split", "rekeyed"],
)
def test_each_kind_of_change_is_told(settings: Settings, before: dict[str, str], after: dict[str, str], events: list[tuple[str, str, str | None]]) -> None:
    found, report = compare(settings, before, after)
    assert found == events
    counted = {kind: value for kind, value in asdict(report).items() if kind in ("created", "merged", "split", "rekeyed", "retired") and value}
    assert counted == {kind: 1 for kind, _, _ in events}


def test_the_history_of_events_travels_with_the_published_file(settings: Settings) -> None:
    compare(settings, None, {"a": "anna"})
    settings.build_file.replace(settings.published_file)
    events, _ = compare_again(settings, {"a": "anna", "b": "ben"})
    assert events == [("created", "anna", None), ("created", "ben", None)]


def compare_again(settings: Settings, after: Mapping[str, str]) -> tuple[list[tuple[str, str, str | None]], Changes]:
    write(settings.build_file, after, settings)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        found = changes.record(con, settings, run_id="next run", started_at=NOW)
        return con.execute("select event_type, customer_id, other_customer_id from meta.identity_events order by all").fetchall(), found


def test_a_published_file_that_somebody_writes_to_does_not_stop_the_comparison(settings: Settings) -> None:
    write(settings.published_file, {"a": "anna"}, settings)
    write(settings.build_file, {"a": "anna"}, settings)
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        assert changes.record(con, settings, run_id="run", started_at=NOW).published_customers == 1


def test_an_upheaval_is_not_published_by_itself(settings: Settings) -> None:
    careful = Settings(data=settings.data, options=Options(changed_ids_share=0.2, changed_ids_minimum=10))
    changes.refuse_upheaval(Changes(published_customers=100, rekeyed=20), careful)
    changes.refuse_upheaval(Changes(published_customers=10, rekeyed=9), careful)
    with pytest.raises(OperatorError, match="30% of 100 customer ids would change"):
        changes.refuse_upheaval(Changes(published_customers=100, merged=15, rekeyed=15), careful)
