"""Runs that are not the first: again, part of it, with other dates, at the same time, and on what is broken."""

import json
import os
import shutil
import signal
import time
from datetime import date
from pathlib import Path

import pytest

from tests.support.installation import EXPORT_DATES, Installation, ometria_profile, omnisend_event

pytestmark = pytest.mark.long

MARTS = ("marts",)


def small(installation: Installation) -> None:
    """Deliveries of two vendors on several days."""
    installation.land(
        "omnisend/events",
        EXPORT_DATES[0],
        "orders.ndjson",
        omnisend_event(
            "placed order",
            "n-1",
            "n.one@example.com",
            orderID="N-1",
            totalPrice=10.0,
            currency="EUR",
            paymentStatus="paid",
        ),
    )
    installation.land(
        "ometria/profiles",
        EXPORT_DATES[0],
        "people.ndjson",
        ometria_profile("n-1", email="n.one@example.com", firstname="Nora", tags=["early"]),
    )
    installation.land(
        "omnisend/events",
        EXPORT_DATES[1],
        "orders.ndjson",
        omnisend_event(
            "placed order",
            "n-2",
            "n.two@example.com",
            orderID="N-2",
            totalPrice=20.0,
            currency="EUR",
            paymentStatus="paid",
        ),
    )
    installation.land(
        "ometria/profiles",
        EXPORT_DATES[1],
        "people.ndjson",
        ometria_profile("n-1", email="n.one@example.com", firstname="Nora", tags=["late"]),
    )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    installation = Installation(tmp_path_factory.mktemp("commands"))
    small(installation)
    outcome = installation.c360("run")
    assert outcome.exit_code == 0, outcome.said
    return installation


@pytest.fixture
def copy(loaded: Installation, tmp_path: Path) -> Installation:
    shutil.copytree(loaded.data, tmp_path / "copy", symlinks=True)
    return Installation(tmp_path / "copy")


def test_running_again_does_nothing_and_says_so(copy: Installation) -> None:
    before = (copy.data / "warehouse.duckdb").stat().st_mtime_ns
    outcome = copy.c360("run")
    assert outcome.exit_code == 0
    assert outcome.figures["published"] is False
    assert (
        outcome.figures["files"],
        outcome.figures["rows_read"],
        outcome.figures["customers"],
        outcome.figures["orders"],
    ) == (0, 0, 2, 2)
    assert (copy.data / "warehouse.duckdb").stat().st_mtime_ns == before


def test_a_full_refresh_gives_the_same_warehouse(copy: Installation) -> None:
    before = copy.contents(*MARTS)
    staged = {table: copy.value(f"select count(*) from staging.{table}") for table in ("customers", "orders", "events")}
    outcome = copy.c360("run", "--full-refresh")
    assert outcome.exit_code == 0, outcome.said
    assert copy.contents(*MARTS) == before
    assert {table: copy.value(f"select count(*) from staging.{table}") for table in staged} == staged
    shutil.rmtree(copy.data / "build")
    (copy.data / "warehouse.duckdb").unlink()
    assert copy.c360("run").exit_code == 0
    assert copy.contents(*MARTS) == before


def test_an_export_date_run_again_replaces_just_that_date(copy: Installation) -> None:
    before = copy.contents(*MARTS)
    loads = copy.rows(
        "select file_path, load_seq from meta.loads where export_date = ? and status = 'loaded'",
        date.fromisoformat(EXPORT_DATES[0]),
    )
    outcome = copy.c360("run", "--date", EXPORT_DATES[1])
    assert outcome.exit_code == 0, outcome.said
    assert copy.contents(*MARTS) == before
    assert (
        copy.rows(
            "select file_path, load_seq from meta.loads where export_date = ? and status = 'loaded'",
            date.fromisoformat(EXPORT_DATES[0]),
        )
        == loads
    )
    assert copy.value("select count(*) from staging.events") == 2


def test_only_the_dates_asked_for_are_loaded(installation: Installation) -> None:
    small(installation)
    first = installation.c360("run", "--date", EXPORT_DATES[0])
    assert first.exit_code == 0, first.said
    assert (first.figures["files"], first.figures["orders"]) == (2, 1)
    assert installation.value("select max(as_of_date) from marts.customer_insights") == date.fromisoformat(
        EXPORT_DATES[0]
    )
    ids = installation.column("select customer_id from marts.dim_customers")
    second = installation.c360("run", "--from", EXPORT_DATES[1], "--to", EXPORT_DATES[3])
    assert (second.figures["files"], second.figures["orders"], second.figures["customers"]) == (2, 2, 2)
    assert set(ids) <= set(installation.column("select customer_id from marts.dim_customers"))


def test_the_day_of_the_figures_can_be_given(copy: Installation) -> None:
    assert copy.value("select distinct as_of_date from marts.customer_insights") == date.fromisoformat(EXPORT_DATES[1])
    outcome = copy.c360("run", "--as-of", "2027-06-30")
    assert outcome.exit_code == 0, outcome.said
    assert copy.rows("select distinct as_of_date, lifecycle_stage from marts.customer_insights") == [
        (date(2027, 6, 30), "lapsed")
    ]


def test_new_content_under_an_old_name_replaces_its_rows(copy: Installation) -> None:
    copy.land(
        "omnisend/events",
        EXPORT_DATES[1],
        "orders.ndjson",
        omnisend_event(
            "placed order",
            "n-3",
            "n.three@example.com",
            orderID="N-3",
            totalPrice=30.0,
            currency="EUR",
            paymentStatus="paid",
        ),
    )
    outcome = copy.c360("run")
    assert outcome.exit_code == 0, outcome.said
    assert copy.column("select order_number from marts.fct_orders order by 1") == ["N-1", "N-3"]
    assert copy.column(
        "select status from meta.loads where file_path like '%events/2026-03-02/orders.ndjson' order by load_seq"
    ) == ["superseded", "loaded"]
    assert copy.rows("select * from meta.loads where rows_read <> rows_loaded + rows_rejected + rows_duplicate") == []


def test_a_copy_of_a_loaded_file_changes_nothing(copy: Installation) -> None:
    before = copy.contents(*MARTS)
    delivery = copy.data / "landing" / "omnisend" / "events" / EXPORT_DATES[1]
    shutil.copyfile(delivery / "orders.ndjson", delivery / "same_again.ndjson")
    outcome = copy.c360("run")
    assert outcome.exit_code == 0, outcome.said
    assert (outcome.figures["rows_read"], outcome.figures["rows_loaded"], outcome.figures["rows_duplicate"]) == (
        1,
        0,
        1,
    )
    assert copy.contents(*MARTS) == before
    assert copy.row("select status, rows_duplicate from meta.loads where file_path like '%same_again.ndjson'") == (
        "duplicate",
        1,
    )


def test_growth_renames_nobody_and_late_files_may_only_lead_back(copy: Installation) -> None:
    before = dict(copy.rows("select source_record_id, customer_id from marts.bridge_customer_records"))
    copy.land(
        "omnisend/contacts",
        EXPORT_DATES[2],
        "later.ndjson",
        {"contactID": "n-9", "email": "n.two@example.com", "phone": "+4915123450999"},
        {"contactID": "n-10", "email": "n.ten@example.com"},
    )
    assert copy.c360("run").exit_code == 0
    after = dict(copy.rows("select source_record_id, customer_id from marts.bridge_customer_records"))
    known = {record: person for record, person in before.items() if record in after}
    assert {record: after[record] for record in known} == known
    copy.land(
        "voucherify/customers",
        "2026-02-01",
        "late.ndjson",
        {"id": "cust_late", "object": "customer", "email": "n.one@example.com"},
    )
    assert copy.c360("run").exit_code == 0
    late = copy.customer_of("voucherify", "cust_late")
    old = before["n-1"]
    assert copy.customer_of("ometria", "n-1") == late != old
    assert copy.value("select customer_id from marts.customer_id_aliases where alias_id = ?", old) == late


def test_broken_files_end_with_three_and_spoil_nothing_else(installation: Installation) -> None:
    small(installation)
    installation.land("voucherify/orders", EXPORT_DATES[0], "cut.json", b'[{"id": "ord_1", "status"')
    installation.land("omnisend/orders", EXPORT_DATES[0], "noise.xyz", b"\x00\xff")
    outcome = installation.c360("run")
    assert outcome.exit_code == 3
    assert (
        "landing/voucherify/orders/2026-03-01/cut.json" in outcome.said
        or "voucherify/orders/2026-03-01" in outcome.said
    )
    assert outcome.figures["orders"] == 2
    assert installation.row(
        "select rows_read, rows_rejected, status from meta.loads where file_path like '%cut.json'"
    ) == (1, 1, "rejected")
    assert json.loads(outcome.out.strip().splitlines()[-1])["published"] is True


def test_no_landing_folder_is_one_sentence_with_a_remedy(tmp_path: Path) -> None:
    outcome = Installation(tmp_path / "nowhere").c360("run")
    assert outcome.exit_code in (1, 2)
    assert "landing" in outcome.err
    assert "Traceback" not in outcome.said


def test_an_unknown_vendor_folder_is_named(installation: Installation) -> None:
    small(installation)
    installation.land("salesfarce/profiles", EXPORT_DATES[0], "x.ndjson", {"a": 1})
    outcome = installation.c360("run")
    assert "salesfarce" in outcome.said
    assert outcome.exit_code in (1, 2, 3)
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--date", "yesterday"),
        ("run", "--from", "2026-03-05", "--to", "2026-03-01"),
        ("run", "--date", "2026-03-01", "--from", "2026-03-01"),
        ("fly",),
    ],
)
def test_wrong_use_ends_with_two(installation: Installation, arguments: tuple[str, ...]) -> None:
    outcome = installation.c360(*arguments)
    assert outcome.exit_code == 2
    assert "Traceback" not in outcome.said


@pytest.mark.parametrize("command", ["run", "status", "doctor", "explain", "replay", "rollback"])
def test_every_command_has_help(installation: Installation, command: str) -> None:
    outcome = installation.c360(command, "--help")
    assert outcome.exit_code == 0
    assert "usage" in outcome.out


def test_a_second_run_waits_and_then_names_the_holder(copy: Installation) -> None:
    copy.configure("settings.toml", "lock_wait_seconds = 1\n")
    copy.land(
        "omnisend/events",
        EXPORT_DATES[2],
        "more.ndjson",
        *(omnisend_event("viewed product", f"n-v-{number}", "n.one@example.com") for number in range(2000)),
    )
    first = copy.start("run")
    lock = copy.data / "internal" / "writer.lock"
    while first.poll() is None and not (lock.exists() and str(first.pid) in lock.read_text()):
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGSTOP)
    try:
        second = copy.c360("run")
    finally:
        os.kill(first.pid, signal.SIGCONT)
    first_out, first_err = first.communicate(timeout=1800)
    assert first.returncode == 0, first_out + first_err
    assert second.exit_code == 1, second.said
    assert f"process {first.pid}" in second.err


def test_analysts_read_while_a_run_writes(copy: Installation) -> None:
    copy.land(
        "omnisend/events",
        EXPORT_DATES[2],
        "more.ndjson",
        omnisend_event(
            "placed order",
            "n-5",
            "n.five@example.com",
            orderID="N-5",
            totalPrice=1.0,
            currency="EUR",
            paymentStatus="paid",
        ),
    )
    process = copy.start("run")
    seen = set()
    while process.poll() is None:
        seen.add(copy.value("select count(*) from marts.fct_orders"))
    process.communicate(timeout=1800)
    assert process.returncode == 0
    assert seen <= {2, 3}
    assert copy.value("select count(*) from marts.fct_orders") == 3


def test_the_previous_publication_comes_back(copy: Installation) -> None:
    copy.land(
        "omnisend/events",
        EXPORT_DATES[2],
        "more.ndjson",
        omnisend_event(
            "placed order",
            "n-5",
            "n.five@example.com",
            orderID="N-5",
            totalPrice=1.0,
            currency="EUR",
            paymentStatus="paid",
        ),
    )
    assert copy.c360("run").exit_code == 0
    assert copy.c360("rollback").exit_code == 0
    assert copy.value("select count(*) from marts.fct_orders") == 2


def test_a_person_can_be_explained(copy: Installation) -> None:
    person = copy.customer_of("ometria", "n-1")
    outcome = copy.c360("explain", person)
    assert outcome.exit_code == 0, outcome.said
    assert "ometria" in outcome.out
    assert copy.c360("explain", "0" * 32).exit_code in (1, 2)


def test_a_corrected_record_is_replayed(installation: Installation) -> None:
    small(installation)
    path = installation.land(
        "omnisend/events", EXPORT_DATES[2], "bad.ndjson", b'{"eventName": "placed order" BROKEN}\n'
    )
    assert installation.c360("run").exit_code == 3
    path.write_text(
        json.dumps(
            omnisend_event(
                "placed order",
                "n-7",
                "n.seven@example.com",
                orderID="N-7",
                totalPrice=7.0,
                currency="EUR",
                paymentStatus="paid",
            )
        )
        + "\n",
        encoding="utf-8",
    )
    outcome = installation.c360("replay")
    assert outcome.exit_code == 0, outcome.said
    assert installation.value("select count(*) from marts.fct_orders") == 3
    assert installation.value("select count(*) from meta.rejects") == 0
