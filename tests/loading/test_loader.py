"""Rows and their load log: the law holds for every file, and staging is a function of what has landed."""

import json
import os
import pydoc
import re
import shutil
from collections.abc import Callable, Iterable
from datetime import date
from itertools import permutations
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.canonical.field_meanings import meaning
from orchestration.config import settings
from orchestration.config.settings import DateRange
from orchestration.landing import landing_zone, ndjson
from orchestration.loading import load_log, prefetch
from orchestration.loading.loader import FileOutcome, Warehouse
from orchestration.monitoring import schema_drift
from orchestration.normalisation import record_frames
from orchestration.warehouse import build_file
from tests.support import empty_build_file
from tests.support.archives import zipped
from tests.support.deliveries import hide

SAMPLES = settings.project_folder() / "data" / "samples"
LAW = "select count(*) from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate"


def event(number: int, **more: object) -> dict[str, object]:
    return {
        "eventName": "placed order",
        "eventID": f"e{number}",
        "eventTime": "2026-02-01T10:00:00Z",
        "contact": {"email": f"person{number}@example.com"},
        "order": {"orderID": f"o{number}", "totalPrice": 10.5, "currency": "EUR"},
        "lineItems": [{"productID": "p", "quantity": 1, "price": 10.5}],
    } | more


class Installation:
    """A data folder whose landing zone a test fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "landing").mkdir(parents=True)
        self.settings = settings.load(folder, {})
        empty_build_file.lay(self.settings)
        self.warehouse = Warehouse(self.settings)

    def land(self, path: str, rows: Iterable[object] | bytes) -> None:
        target = self.folder / "landing" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(rows if isinstance(rows, bytes) else "\n".join(json.dumps(row) for row in rows).encode())

    def load(
        self, *, dates: DateRange | None = None, progress: Callable[[str], None] = lambda text: None
    ) -> list[FileOutcome]:
        with build_file.connect(self.settings) as con:
            files = load_log.pending(con, landing_zone.scan(self.settings), dates=dates, full_refresh=False)
            return self.warehouse.ingest(con, files, run_id="test", progress=progress)

    def query(self, sql: str) -> list[tuple[object, ...]]:
        with build_file.connect(self.settings) as con:
            return con.execute(sql).fetchall()

    def state(self) -> dict[str, list[tuple[object, ...]]]:
        """Staging and current bookings, arrival aside."""
        with build_file.connect(self.settings) as con:
            tables = [
                name
                for (name,) in con.execute(
                    "select table_name from duckdb_tables() where schema_name = 'staging'"
                ).fetchall()
            ]
            found = {table: _rows(con, f"select * exclude (load_seq) from staging.{table}") for table in tables}
            found["loads"] = _rows(
                con,
                "select file_path, rows_read, rows_loaded, rows_rejected, rows_duplicate, status from meta.loads where status <> 'superseded'",
            )
            for table in ("meta.rejects", "meta.field_coverage", "internal.load_issues", "internal.drift"):
                found[table] = _rows(con, f"select * exclude (load_seq) from {table}")
            return found


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[object, ...]]:
    return sorted(con.execute(sql).fetchall(), key=repr)


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "data")


def counts(outcomes: list[FileOutcome]) -> list[tuple[str, int, int, int, int]]:
    return [
        (found.status, found.rows_read, found.rows_loaded, found.rows_rejected, found.rows_duplicate)
        for found in outcomes
    ]


def test_a_bad_line_and_a_repeated_one_are_logged_apart(installation: Installation) -> None:
    line = json.dumps(event(1)).encode()
    installation.land(
        "omnisend/events/2026-03-01/a.ndjson", line + b"\n{bad\n" + line + b"\n" + json.dumps(event(2)).encode()
    )
    assert counts(installation.load()) == [("loaded", 4, 2, 1, 1)]
    assert installation.query("select row_number, reason_code, raw from meta.rejects") == [(2, "invalid_json", "{bad")]


def test_a_broken_file_is_one_rejected_row_and_harms_no_other(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/a.json", b'[{"eventName": "x"')
    installation.land("omnisend/events/2026-03-01/b.ndjson", [event(1)])
    assert counts(installation.load()) == [("rejected", 1, 0, 1, 0), ("loaded", 1, 1, 0, 0)]
    assert installation.query("select reason_code from meta.rejects") == [("truncated_json",)]


def test_files_without_a_byte_are_loaded_and_never_full(installation: Installation) -> None:
    for name in ("a_full.ndjson", "b.csv", "c.zip"):
        installation.land(f"omnisend/contacts/2026-03-01/{name}", b"")
    installation.land("omnisend/contacts/2026-03-01/d.ndjson", b"\n")
    assert counts(installation.load()) == [("loaded", 0, 0, 0, 0)] * 3 + [("rejected", 1, 0, 1, 0)]
    assert installation.query("select bool_or(is_full) from meta.loads") == [(False,)]
    assert installation.load() == []


DELIVERY = {
    "eventType": "ORDER_COMPLETED",
    "occurredAt": "2024-05-01T10:30:00+00:00",
    "customerId": "c",
    "data": {"orderId": "o1", "totalAmount": 7990.0, "currency": "BRL"},
}
WRITTEN_OTHERWISE = {
    "data": {"currency": "BRL", "totalAmount": 7990, "orderId": "o1"},
    "occurredAt": "2024-05-01T07:30:00-03:00",
    "customerId": "c",
    "eventType": "ORDER_COMPLETED",
}


def test_an_event_without_an_id_is_one_however_its_time_and_its_keys_are_written(installation: Installation) -> None:
    installation.land(
        "open_delivery/events/2026-03-01/a.ndjson", [DELIVERY, WRITTEN_OTHERWISE, DELIVERY | {"note": "more"}]
    )
    installation.land("open_delivery/events/2026-03-02/b.ndjson", [WRITTEN_OTHERWISE])
    assert counts(installation.load()) == [("loaded", 3, 2, 0, 1), ("loaded", 1, 0, 0, 1)]
    assert installation.query(
        "select count(distinct event_id), count(*) filter (extra is null) from staging.events"
    ) == [(1, 1)]


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_of_several_files_of_a_date_the_newest_decides_on_a_record(
    installation: Installation, order: tuple[str, ...]
) -> None:
    reported = {
        "a": [
            {"contactID": "c", "firstName": "Ann", "updatedAt": "2026-02-28T12:00:00Z"},
            {"contactID": "d", "firstName": "Di"},
        ],
        "b": [
            {"contactID": "c", "firstName": "Anna", "updatedAt": "2026-02-28T11:00:00Z"},
            {"contactID": "d", "firstName": "Dinah"},
        ],
        "c": [{"contactID": "c", "firstName": "Anne"}, {"contactID": "e"}, {"contactID": "e", "firstName": "Eve"}],
    }
    for name in order:
        installation.land(f"omnisend/contacts/2026-03-01/{name}.ndjson", reported[name])
        installation.load()
    people = "select source_record_id, first_name from staging.customers order by 1"
    in_load_log = (
        "select rows_read, rows_loaded, rows_duplicate from meta.loads where status <> 'superseded' order by file_path"
    )
    assert installation.query(people) == [("c", "Ann"), ("d", "Dinah"), ("e", "Eve")]
    assert installation.query(in_load_log) == [(2, 1, 1), (2, 1, 1), (3, 1, 2)]
    # Once the newest goes, the next one is back.
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "d"}])
    installation.land("omnisend/contacts/2026-03-01/b.ndjson", b"")
    assert sum(found.rows_loaded for found in installation.load()) == 1
    assert installation.query(people) == [("c", "Anne"), ("d", None), ("e", "Eve")]
    assert installation.query(in_load_log) == [(1, 1, 0), (0, 0, 0), (3, 2, 1)]
    assert installation.query(LAW) == [(0,)]


def test_what_a_run_says_of_its_files_is_what_the_load_log_says(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c", "firstName": "Ann"}])
    installation.land("omnisend/contacts/2026-03-01/b.ndjson", [{"contactID": "c", "firstName": "Anna"}])
    assert counts(installation.load()) == [("loaded", 1, 0, 0, 1), ("loaded", 1, 1, 0, 0)]


@pytest.mark.long
@pytest.mark.parametrize(
    "fault", [MemoryError, RecursionError, OverflowError, pl.exceptions.PanicException, duckdb.ConversionException]
)
@pytest.mark.parametrize(
    "where",
    [
        "orchestration.landing.formats.format_of",
        "orchestration.normalisation.normaliser.Normaliser.finish",
        "orchestration.loading.file_load.FileLoad.insert",
    ],
)
def test_whatever_is_raised_about_a_file_costs_that_file_alone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, fault: type[BaseException], where: str
) -> None:
    module, name = where.rsplit(".", 1)
    target = pydoc.locate(module)
    before = getattr(target, name)

    def fails(first: Any, *given: object) -> object:
        if "a.ndjson" in str(getattr(first, "origin", first)):
            raise fault("a value")
        return before(first, *given)

    def fails_together(*given: object) -> None:
        raise fault("a value")

    monkeypatch.setattr(target, name, fails)
    monkeypatch.setattr(prefetch, "together", fails_together)
    for file in "abc":
        installation.land(f"omnisend/events/2026-03-01/{file}.ndjson", [event(ord(file))])
    assert counts(installation.load()) == [("rejected", 1, 0, 1, 0), ("loaded", 1, 1, 0, 0), ("loaded", 1, 1, 0, 0)]
    assert installation.query("select file_path, reason_code, raw from meta.rejects") == [
        ("landing/omnisend/events/2026-03-01/a.ndjson", "internal_error", None)
    ]
    assert installation.query("select count(*) from staging.events") == [(2,)]


def test_nothing_new_is_nothing_to_do(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1)])
    installation.load()
    assert installation.load() == []


def test_a_new_time_alone_is_no_new_content(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1)])
    installation.load()
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1)])
    assert installation.load() == []


def test_content_that_was_corrected_under_the_old_size_and_time_is_loaded_again(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}])
    installation.load()
    path = installation.folder / "landing/omnisend/contacts/2026-03-01/a.ndjson"
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"c1", b"c9"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert counts(installation.load()) == [("loaded", 1, 1, 0, 0)]
    assert installation.query("select source_record_id from staging.customers") == [("c9",)]
    assert installation.query("select status from meta.loads order by load_seq") == [("superseded",), ("loaded",)]


def test_a_file_that_was_only_touched_is_read_once_more_and_then_known_as_it_is(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}])
    installation.load()
    (installation.folder / "landing/omnisend/contacts/2026-03-01/a.ndjson").chmod(0o640)
    hashed: list[str] = []
    monkeypatch.setattr(
        landing_zone,
        "sha256_of",
        lambda file, hash_of=landing_zone.sha256_of: hashed.append(file.relative_path) or hash_of(file),
    )
    scan = landing_zone.scan(installation.settings)
    with build_file.connect(installation.settings) as con:
        load_log.note_scan(con, scan)
        assert load_log.pending(con, scan, dates=None, full_refresh=False) == []
    assert hashed == ["landing/omnisend/contacts/2026-03-01/a.ndjson"]


def test_two_accounts_of_a_vendor_that_deliver_the_same_are_no_copies_and_wait_each_for_itself(
    strict: Installation,
) -> None:
    for account in ("omnisend", "omnisend@uk"):
        strict.land(f"{account}/events/2026-03-01/a.ndjson", [event(1)])
        strict.land(f"{account}/contacts/2026-03-01/contacts_full.ndjson", [{"contactID": "c1"}])
    strict.land("omnisend@uk/events/2026-03-02/a.ndjson", MOSTLY_BAD)
    for account in ("omnisend", "omnisend@uk"):
        strict.land(f"{account}/contacts/2026-03-02/c.ndjson", [{"contactID": "c2"}])
    strict.load()
    assert strict.query("select source_account, status, count(*) from meta.loads group by all order by all") == [
        ("default", "loaded", 3),
        ("uk", "loaded", 2),
        ("uk", "rejected", 2),
    ]
    assert strict.query(
        "select source_account, stream, export_date::varchar, is_full from meta.deliveries order by all"
    ) == [
        ("default", "contacts", "2026-03-01", True),
        ("default", "contacts", "2026-03-02", False),
        ("default", "events", "2026-03-01", False),
        ("uk", "contacts", "2026-03-01", True),
        ("uk", "events", "2026-03-01", False),
    ]
    assert strict.query("select distinct source_account from meta.rejects") == [("uk",)]
    assert strict.query(LAW) == [(0,)]
    assert strict.load() == []


def test_a_field_that_one_account_never_fills_has_not_vanished_from_another(installation: Installation) -> None:
    installation.land(
        "omnisend/contacts/2026-03-01/a.ndjson",
        [{"contactID": f"c{number}", "firstName": "Ana"} for number in range(20)],
    )
    installation.land("omnisend@uk/contacts/2026-03-02/a.ndjson", [{"contactID": f"c{number}"} for number in range(20)])
    installation.load()
    assert installation.query("select field from meta.schema_drift") == []


def test_the_same_content_under_another_name_is_a_duplicate(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}, {"contactID": "c2"}])
    installation.land("omnisend/contacts/2026-03-01/b.ndjson", [{"contactID": "c1"}, {"contactID": "c2"}])
    assert counts(installation.load()) == [("loaded", 2, 2, 0, 0), ("duplicate", 2, 0, 0, 2)]


def test_the_same_content_on_another_date_is_a_new_observation(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}])
    installation.land("omnisend/contacts/2026-03-02/a.ndjson", [{"contactID": "c1"}])
    assert counts(installation.load()) == [("loaded", 1, 1, 0, 0), ("loaded", 1, 1, 0, 0)]
    assert installation.query("select count(*) from staging.customers") == [(2,)]


def test_new_content_under_the_same_path_replaces_its_rows(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1), event(2)])
    installation.load()
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(3)])
    installation.load()
    assert installation.query("select event_id from staging.events") == [("e3",)]
    assert installation.query("select status, rows_read from meta.loads order by load_seq") == [
        ("superseded", 2),
        ("loaded", 1),
    ]


def test_a_copy_stands_for_itself_once_its_original_is_replaced(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}])
    installation.land("omnisend/contacts/2026-03-01/b.ndjson", [{"contactID": "c1"}])
    installation.load()
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c2"}])
    installation.load()
    assert installation.query("select source_record_id from staging.customers order by all") == [("c1",), ("c2",)]


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_the_first_path_is_the_original_of_copies_whatever_came_first(
    installation: Installation, order: tuple[str, ...]
) -> None:
    content = {"a": "c1", "b": "c2", "c": "c1"}
    for name in order:
        installation.land(
            f"omnisend/contacts/2026-03-01/{name}.ndjson", [{"contactID": content[name], "email": "x@example.com"}]
        )
        installation.load()
    assert installation.query(
        "select file_path[-8:], status, rows_read, rows_loaded, rows_duplicate from meta.loads order by file_path"
    ) == [
        ("a.ndjson", "loaded", 1, 1, 0),
        ("b.ndjson", "loaded", 1, 1, 0),
        ("c.ndjson", "duplicate", 1, 0, 1),
    ]
    assert installation.query("select source_record_id, source_file[-8:] from staging.customers order by all") == [
        ("c1", "a.ndjson"),
        ("c2", "b.ndjson"),
    ]


def test_a_delivery_marked_full_after_its_files_came_is_full(installation: Installation) -> None:
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [{"contactID": "c1"}])
    installation.load()
    (installation.folder / "landing/omnisend/contacts/2026-03-01/_FULL").touch()
    installation.load()
    assert installation.query("select is_full from meta.deliveries") == [(True,)]
    assert installation.load() == []


def test_a_date_again_replaces_exactly_that_slice(installation: Installation) -> None:
    for export_date in ("2026-03-01", "2026-03-02"):
        installation.land(f"omnisend/contacts/{export_date}/a.ndjson", [{"contactID": "c1"}, {"contactID": "c2"}])
    installation.load()
    before = installation.state()
    export_date = date(2026, 3, 1)
    assert counts(installation.load(dates=DateRange(export_date, export_date))) == [("loaded", 2, 2, 0, 0)]
    assert installation.state() == before


def test_a_folder_in_the_wrong_place_is_reported_without_the_address_in_its_name(installation: Installation) -> None:
    installation.land("zoe@private.example/events/2026-03-01/a.ndjson", [event(1)])
    [problem] = landing_zone.scan(installation.settings).problems
    assert problem.message.startswith("landing/z…@p….example is the folder of no known vendor.")


def test_a_folder_that_cannot_be_read_waits_and_what_was_loaded_from_it_stays(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/part/a.ndjson", [event(1)])
    installation.load()
    hidden = hide(installation.folder / "landing/omnisend/events/2026-03-01/part")
    installation.land("omnisend/events/2026-03-01/b.ndjson", [event(2)])
    installation.land("omnisend/events/2026-03-02/c.ndjson", [event(3)])
    scan = landing_zone.scan(installation.settings)
    [problem] = scan.problems
    assert problem.message.startswith("landing/omnisend/events/2026-03-01 cannot be read (File name too long).")
    with build_file.connect(installation.settings) as con:
        assert load_log.vanished(con, scan) == []
    assert [outcome.file.path.name for outcome in installation.load()] == ["c.ndjson"]
    shutil.rmtree(hidden)
    assert [outcome.file.path.name for outcome in installation.load()] == ["b.ndjson"]
    assert installation.query("select event_id from staging.events order by 1") == [("e1",), ("e2",), ("e3",)]


def test_a_file_that_could_not_be_read_is_loaded_once_it_can_be(installation: Installation) -> None:
    path = installation.folder / "landing/omnisend/events/2026-03-01/a.ndjson"
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    before = path.stat()
    assert [outcome.reason_code for outcome in installation.load()] == ["unreadable_file"]
    # New permissions are neither a new size nor a new time.
    path.unlink()
    path.touch()
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [(outcome.status, outcome.reason_code) for outcome in installation.load()] == [("loaded", None)]


EVENTS_BY_DATE = {
    "2026-03-01": [event(1), event(3)],
    "2026-03-02": [event(1), event(2)],
    "2026-03-03": [event(2), event(3), event(4)],
}


@pytest.mark.long
@pytest.mark.parametrize("order", list(permutations(EVENTS_BY_DATE)))
def test_an_event_reported_again_is_loaded_once_whatever_the_order_of_arrival(
    installation: Installation, tmp_path: Path, order: tuple[str, ...]
) -> None:
    for export_date in order:
        installation.land(f"omnisend/events/{export_date}/a.ndjson", EVENTS_BY_DATE[export_date])
        installation.load()
    together = Installation(tmp_path / "together")
    for export_date, rows in EVENTS_BY_DATE.items():
        together.land(f"omnisend/events/{export_date}/a.ndjson", rows)
    together.load()
    assert installation.state() == together.state()
    assert installation.query(LAW) == [(0,)]
    assert installation.query(
        "select event_id, export_date, last_export_date from staging.events order by event_id"
    ) == [
        ("e1", date(2026, 3, 1), date(2026, 3, 2)),
        ("e2", date(2026, 3, 2), date(2026, 3, 3)),
        ("e3", date(2026, 3, 1), date(2026, 3, 3)),
        ("e4", date(2026, 3, 3), date(2026, 3, 3)),
    ]


def canceled(number: int) -> dict[str, object]:
    """An order that says neither when it was placed nor when it was canceled."""
    return {"@type": "order", "id": f"W-{number}", "status": "canceled", "currency": "EUR", "grand_total": "10.00"}


@pytest.mark.parametrize("order", [("2026-03-01", "2026-03-02"), ("2026-03-02", "2026-03-01")])
def test_the_first_export_date_stands_in_for_a_time_that_is_missing_whatever_the_order_of_arrival(
    installation: Installation, order: tuple[str, ...]
) -> None:
    for export_date in order:
        installation.land(f"ometria/orders/{export_date}/a.ndjson", [canceled(1)])
        installation.load()
    times = "select (occurred_at at time zone 'UTC')::date, is_occurred_at_inferred from staging.order_adjustments union all select (ordered_at at time zone 'UTC')::date, is_ordered_at_inferred from staging.orders"
    assert installation.query(times) == [(date(2026, 3, 1), True)] * 2
    installation.land("ometria/orders/2026-03-01/a.ndjson", [canceled(2)])
    installation.load()
    assert sorted(installation.query(times)) == [(date(2026, 3, 1), True)] * 2 + [(date(2026, 3, 2), True)] * 2


DELIVERIES = st.lists(
    st.tuples(
        st.sampled_from(["2026-03-01", "2026-03-02", "2026-03-03"]),
        st.sampled_from("ab"),
        st.lists(st.integers(1, 4), max_size=4),
    ),
    min_size=1,
    max_size=6,
)


@pytest.mark.slow
@hypothesis_settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(deliveries=DELIVERIES)
def test_any_history_of_deliveries_and_corrections_equals_loading_what_stands_at_the_end(
    tmp_path_factory: pytest.TempPathFactory, deliveries: list[tuple[str, str, list[int]]]
) -> None:
    step_by_step = Installation(tmp_path_factory.mktemp("steps") / "data")
    at_once = Installation(tmp_path_factory.mktemp("once") / "data")
    for export_date, name, numbers in deliveries:
        path = f"omnisend/events/{export_date}/{name}.ndjson"
        step_by_step.land(path, [event(number) for number in numbers])
        step_by_step.load()
        at_once.land(path, [event(number) for number in numbers])
    at_once.load()
    assert step_by_step.query(LAW) == [(0,)]
    assert step_by_step.state() == at_once.state()


def test_what_only_looks_like_a_file_is_logged_and_harms_no_other(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/sound.ndjson", [event(1)])
    export_date = installation.folder / "landing/omnisend/events/2026-03-01"
    os.mkfifo(export_date / "pipe.ndjson")
    (export_date / "itself.ndjson").symlink_to("itself.ndjson")
    (export_date / "nowhere.ndjson").symlink_to("gone.ndjson")
    (export_date / "device.ndjson").symlink_to("/dev/zero")
    found = {outcome.file.path.name: outcome.reason_code for outcome in installation.load()}
    assert found == {
        "device.ndjson": "outside_landing",
        "itself.ndjson": "unreadable_file",
        "nowhere.ndjson": "unreadable_file",
        "pipe.ndjson": "unreadable_file",
        "sound.ndjson": None,
    }
    assert installation.load() == []


MOSTLY_BAD = b"\n".join(
    [
        json.dumps({"eventName": "placed order", "eventID": "e1", "eventTime": "2026-02-01T10:00:00Z"}).encode(),
        b"{bad",
        b"{bad too",
        b"{and bad",
    ]
)


@pytest.fixture
def strict(tmp_path: Path) -> Installation:
    """An installation that holds back a delivery as soon as more than half of four rows are bad."""
    (tmp_path / "strict" / "config").mkdir(parents=True)
    (tmp_path / "strict" / "config" / "settings.toml").write_text("hold_back_rows = 4\n", encoding="utf-8")
    return Installation(tmp_path / "strict")


def test_a_delivery_that_is_mostly_bad_waits_with_all_its_streams_and_harms_no_other(strict: Installation) -> None:
    strict.land("omnisend/events/2026-03-01/a.ndjson", [event(7)])
    strict.land("omnisend/events/2026-03-02/a.ndjson", MOSTLY_BAD)
    strict.land("omnisend/events/2026-03-02/b.ndjson", [event(2)])
    strict.land("omnisend/contacts/2026-03-02/c.ndjson", [{"contactID": "c"}])
    strict.land("voucherify/customers/2026-03-02/d.ndjson", [{"id": "d", "object": "customer"}])
    found = {
        outcome.file.path.name: (outcome.status, outcome.reason_code)
        for outcome in strict.load()
        if str(outcome.file.export_date) == "2026-03-02"
    }
    waits = ("rejected", "held_back")
    assert found == {"a.ndjson": waits, "b.ndjson": waits, "c.ndjson": waits, "d.ndjson": ("loaded", None)}
    assert strict.query("select event_id from staging.events") == [("e7",)]
    assert strict.query("select source_record_id from staging.customers") == [("d",)]
    assert strict.query(LAW) == [(0,)]
    assert strict.load() == []


def test_what_was_archived_before_its_delivery_turned_out_bad_keeps_its_rows(strict: Installation) -> None:
    path = "omnisend/events/2026-03-02/archived.ndjson"
    strict.land(path, [event(2)])
    strict.load()
    (strict.folder / "landing" / path).unlink()
    strict.land("omnisend/events/2026-03-02/late.ndjson", MOSTLY_BAD)
    strict.load()
    assert strict.query("select event_id from staging.events") == [("e2",)]
    assert strict.query("select parse_filename(file_path), status from meta.loads order by 1") == [
        ("archived.ndjson", "loaded"),
        ("late.ndjson", "rejected"),
    ]
    assert strict.query(LAW) == [(0,)]


def test_what_waits_is_logged_record_by_record_with_its_bytes(strict: Installation) -> None:
    strict.land("omnisend/events/2026-03-02/a.ndjson", MOSTLY_BAD)
    strict.load()
    assert strict.query("select row_number, reason_code, raw from meta.rejects order by row_number") == [
        (1, "held_back", MOSTLY_BAD.split(b"\n")[0].decode()),
        (2, "invalid_json", "{bad"),
        (3, "invalid_json", "{bad too"),
        (4, "invalid_json", "{and bad"),
    ]
    assert strict.query("select status, reason_code, rows_read, rows_rejected from meta.loads") == [
        ("rejected", "held_back", 4, 4)
    ]


def test_a_few_bad_rows_cost_themselves_only_however_large_their_share(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-02/a.ndjson", MOSTLY_BAD)
    assert counts(installation.load()) == [("loaded", 4, 1, 3, 0)]


FILES = {
    "omnisend/events/2026-03-02/bad.ndjson": MOSTLY_BAD,
    "omnisend/events/2026-03-02/copy.ndjson": MOSTLY_BAD,
    "omnisend/events/2026-03-02/good.ndjson": [event(2)],
    "omnisend/contacts/2026-03-02/c.ndjson": [{"contactID": "c"}],
    "omnisend/events/2026-03-03/next.ndjson": [event(2), event(3)],
}


@pytest.mark.parametrize("last", [path for path in FILES if "2026-03-02" in path and "events" in path])
def test_what_waits_does_not_depend_on_what_came_first(tmp_path: Path, strict: Installation, last: str) -> None:
    for path, content in FILES.items():
        strict.land(path, content)
    strict.load()
    (tmp_path / "again" / "config").mkdir(parents=True)
    (tmp_path / "again" / "config" / "settings.toml").write_text("hold_back_rows = 4\n", encoding="utf-8")
    again = Installation(tmp_path / "again")
    for path, content in sorted(FILES.items(), key=lambda entry: entry[0] == last):
        again.land(path, content)
        again.load()
    assert again.state() == strict.state()
    assert again.query(LAW) == [(0,)]


@pytest.mark.parametrize(
    "later",
    [
        {"omnisend/events/2026-03-02/bad.ndjson": [event(1)]},
        {"omnisend/events/2026-03-02/more.ndjson": [event(4), event(5), event(6)]},
    ],
)
def test_after_a_fix_or_with_more_good_rows_the_delivery_is_as_if_it_had_never_waited(
    tmp_path: Path, strict: Installation, later: dict[str, list[object]]
) -> None:
    for path, content in FILES.items():
        strict.land(path, content)
    strict.load()
    at_once = Installation(tmp_path / "once")
    for path, content in (FILES | later).items():
        at_once.land(path, content)
    at_once.load()
    for path, content in later.items():
        strict.land(path, content)
    strict.load()
    assert strict.state() == at_once.state()
    assert strict.query("select count(*) from meta.loads where status = 'rejected'") == [(0,)]


@pytest.mark.slow
def test_how_much_of_a_file_is_read_at_once_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = []
    for block_bytes in (ndjson.BLOCK_BYTES, 3000):
        monkeypatch.setattr(ndjson, "BLOCK_BYTES", block_bytes)
        installation = Installation(tmp_path / str(block_bytes))
        shutil.copytree(SAMPLES, installation.settings.landing, dirs_exist_ok=True)
        installation.load()
        states.append(installation.state())
    assert states[0]["contacts"]
    assert states[0] == states[1]


def test_how_many_records_are_decoded_at_once_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"productID": "p", "quantity": 1, "price": 10.5}
    orders = [event(number, lineItems=[line] * (number % 3)) for number in range(9)] + [event(9, lineItems=None)]
    states = []
    for decoded_bytes in (record_frames._DECODED_BYTES, 700, 1):
        monkeypatch.setattr(record_frames, "_DECODED_BYTES", decoded_bytes)
        installation = Installation(tmp_path / str(decoded_bytes))
        installation.land("omnisend/events/2026-02-04/events.ndjson", orders)
        installation.load()
        states.append(installation.state())
    assert len(states[0]["order_lines"]) == 9
    assert states[0] == states[1] == states[2]


def test_a_person_that_many_records_of_a_file_report_is_one_contact_as_the_newest_of_them_says(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ndjson, "BLOCK_BYTES", 1)
    contact = {"email": "ana@example.com", "firstName": "Ana"}
    reported = [("2026-02-01", "Porto", "11"), ("2026-02-03", "Lisboa", "12"), ("2026-02-02", "Faro", "34")]
    orders = [
        event(number, eventTime=f"{day}T10:00:00Z", contact=contact | {"city": city, "phone": phone})
        for number, (day, city, phone) in enumerate(reported)
    ]
    installation.land("omnisend/events/2026-02-04/events.ndjson", orders)
    installation.load()
    assert installation.query(
        "select source_row, city, first_seen_at::date::varchar, seen_at::date::varchar from staging.contacts"
    ) == [(2, "Lisboa", "2026-02-01", "2026-02-03")]
    assert installation.query(
        "select distinct source_row, id_value_raw from staging.customer_identifiers order by all"
    ) == [
        (2, "12"),
        (2, "ana@example.com"),
    ]


def test_every_member_of_an_archive_is_in_units_of_its_own(installation: Installation) -> None:
    members = {
        "a.ndjson": b'{"id":"o1","status":"PAID","amount":1590}\n',
        "b.csv": b"id,source_id,status,amount\no2,N-2,PAID,15.90\no3,N-3,PAID,20\n",
        "c.csv": b"id,source_id,status,amount\no4,N-4,PAID,1590\n",
        "d.ndjson": b'{"id":"o5","status":"PAID","amount":1590,"metadata":{"rate":1.5}}\n',
    }
    installation.land("voucherify/orders/2026-03-01/all.zip", zipped(members))
    assert counts(installation.load()) == [("loaded", 5, 5, 0, 0)]
    amounts = installation.query("select source_order_id, subtotal::float from staging.orders order by all")
    assert [(order, round(amount, 2)) for order, amount in amounts] == [
        ("o1", 15.9),
        ("o2", 15.9),
        ("o3", 20),
        ("o4", 15.9),
        ("o5", 15.9),
    ]


def test_a_file_that_takes_long_says_how_far_it_is_and_nothing_of_its_records(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prefetch, "SECONDS_OF_SILENCE", 0.001)
    installation.land(
        "omnisend/events/2026-02-01/zoe@private.example.ndjson", [event(number) for number in range(2000)]
    )
    reported: list[str] = []
    installation.load(progress=reported.append)
    assert reported
    assert all(
        re.fullmatch(r"landing/omnisend/events/2026-02-01/z…@p…\.ndjson: [\d,]+ records read so far", text)
        for text in reported
    )


def test_coverage_counts_every_place_a_value_was_given(installation: Installation) -> None:
    installation.land("omnisend/events/2026-03-01/a.ndjson", [event(1, eventVersion="v2"), event(2)])
    installation.load()
    seen = dict(installation.query("select field, records_seen from meta.field_coverage"))
    assert (seen["eventID"], seen["lineItems[].productID"], seen["eventVersion"], seen["properties.*"]) == (2, 2, 1, 0)


def test_a_field_that_was_always_there_and_is_gone_has_vanished(installation: Installation) -> None:
    contacts = [{"contactID": f"c{number}", "firstName": "Ana"} for number in range(20)]
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", contacts)
    installation.land(
        "omnisend/contacts/2026-03-02/a.ndjson", [{"contactID": contact["contactID"], "x": 1} for contact in contacts]
    )
    installation.load()
    assert installation.query(
        "select field, change, seen_type, record_count from meta.schema_drift order by field"
    ) == [
        ("firstName", "vanished_field", None, 0),
        ("x", "new_field", "number", 20),
    ]


def test_a_field_that_by_its_name_may_hold_a_fact_is_reported_by_name(installation: Installation) -> None:
    def contacts(**more: object) -> list[object]:
        return [{"contactID": f"c{number}", "createdAt": "2026-01-01T00:00:00Z", **more} for number in range(20)]

    installation.land("omnisend/contacts/2026-03-01/a.ndjson", contacts(shoeSize=41, optInState="yes"))
    installation.load()
    unread = "`optInState` (consent). It is kept in `extra` and decides nothing."
    with build_file.connect(installation.settings) as con:
        assert schema_drift.warnings(con) == [
            f"omnisend/contacts: not read, though by its name it may matter: {unread}"
        ]
    later = [{"contactID": f"c{number}", "madeOn": "2026-01-01", "state": {"is": "x"}} for number in range(20)]
    installation.land("omnisend/contacts/2026-03-02/a.ndjson", later)
    installation.load()
    with build_file.connect(installation.settings) as con:
        unread, gone = schema_drift.warnings(con)
    assert "`madeOn` (time), `state` (status)" in unread
    assert "optInState" not in unread
    assert "no longer filled" in gone
    assert "`createdAt` (time)" in gone
    assert installation.query("select distinct meaning from meta.schema_drift where field = 'shoeSize'") == [(None,)]


@pytest.mark.parametrize(
    ("field", "about"),
    [
        ("optin_status", "consent"),
        ("marketingOptIn", "consent"),
        ("Opt-In Date", "consent"),
        ("happened_at", "time"),
        ("dtObjectCreated", "time"),
        ("data.order.grand_total2", "money"),
        ("currencyCode", "money"),
        ("order.state", "status"),
        ("billing_address.state", None),
        ("identity_account_id", "identity"),
        ("emails[]", "identity"),
        ("items[].colour", None),
        ("stationery", None),
        ("", None),
    ],
)
def test_what_a_field_may_be_about_follows_from_its_name(field: str, about: str | None) -> None:
    assert meaning(field) == about


@pytest.mark.parametrize(
    ("name", "unread"),
    [("cut.json", b'{"contactID": "c2", "em'), ("line.ndjson", b'{"contactID": "c2"}\n{"email": "unfinished')],
)
def test_a_full_delivery_of_which_a_file_or_much_was_rejected_proves_nobody_s_absence(
    installation: Installation, name: str, unread: bytes
) -> None:
    second = f"omnisend/contacts/2026-03-02/{name}"
    installation.land("omnisend/contacts/2026-03-02/contacts_full.ndjson", [{"contactID": "c1"}])
    installation.land(second, unread)
    installation.load()
    assert installation.query("select is_full from meta.deliveries") == [(False,)]
    installation.land(second, [{"contactID": "c2"}])
    installation.load()
    assert installation.query("select is_full from meta.deliveries") == [(True,)]


def test_a_full_delivery_with_one_bad_line_in_a_hundred_is_full(installation: Installation) -> None:
    lines = [json.dumps({"contactID": f"c{number}"}).encode() for number in range(99)]
    installation.land("omnisend/contacts/2026-03-02/contacts_full.ndjson", b"\n".join([*lines, b"{bad"]))
    installation.load()
    assert installation.query("select is_full from meta.deliveries") == [(True,)]


def test_a_field_that_is_named_after_somebody_is_reported_of_without_the_address_or_number(
    installation: Installation,
) -> None:
    named = {"contactID": "c1", "zoe@private.example": 1, "+4915127778899": {"city": "Trier"}}
    installation.land("omnisend/contacts/2026-03-01/a.ndjson", [named])
    installation.load()
    export_date = DateRange(date(2026, 3, 1), date(2026, 3, 1))
    with build_file.connect(installation.settings) as con:
        reported = (
            [change.field for change in schema_drift.changes(con, export_date)],
            [str(change) for change in schema_drift.changes(con, export_date)],
        )
        unknown = schema_drift.coverage(con, export_date, source="omnisend", stream="contacts").unknown
    assert reported == (
        ["+4915127778899", "zoe@private.example"],
        ["`+49…99`: a new field (object, 1 record)", "`z…@p….example`: a new field (number, 1 record)"],
    )
    assert unknown == ("+49…99", "z…@p….example")
