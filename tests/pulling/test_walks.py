"""Walks over listings: everything lands as it was sent, whatever happens on the way, and nothing is concluded that was not seen."""

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest

from orchestration.config.options import Options
from orchestration.landing import landing_zone
from orchestration.pulling import walk_log
from tests.pulling.conftest import Installation
from tests.support.http_server import Response, answer
from tests.support.vendor_servers import LISTING, START, Ometria, Omnisend, OpenDelivery, Vendor, Voucherify, at

every_listing = pytest.mark.parametrize("code", LISTING)


def connected(installation: Installation, code: str, count: int = 620) -> Vendor:
    vendor = LISTING[code]()
    vendor.hold(vendor.path, count)
    installation.connect(code, vendor, vendor.stream)
    return vendor


def held(vendor: Vendor) -> set[str]:
    return {row["id"] for row in vendor.rows[vendor.path]}


@every_listing
def test_every_page_lands_byte_for_byte(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    (outcome,) = installation.pull()
    pages = installation.pages(code, vendor.stream)
    assert outcome.is_done and not outcome.problem
    assert sorted(pages) == sorted(set(vendor.sent)) and len(pages) == outcome.pages
    assert set(installation.ids(code, vendor.stream)) == held(vendor)


@every_listing
def test_what_lands_is_seen_as_deliveries_of_the_day_it_was_pulled(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    installation.pull()
    scan = landing_zone.scan(installation.settings)
    assert not scan.problems
    assert {file.export_date for file in scan.files} == {datetime.now(UTC).date()}
    assert {(file.source, file.stream) for file in scan.files} == {(code, vendor.stream)}


@every_listing
@pytest.mark.parametrize(
    "failure",
    [
        answer({}, 429, Retry_After="0"),
        answer({"retryAfter": 0}, 429),
        answer({}, 429, X_Rate_Limit_Retry="1"),
        Response(429),
        Response(502, b"<html>"),
        Response(200, b'[{"id":', {"Content-Type": "application/json"}, cut=9),
    ],
    ids=["header", "body", "moment", "bare", "502", "cut"],
)
def test_a_failure_in_mid_walk_loses_nothing(installation: Installation, code: str, failure: Response) -> None:
    vendor = connected(installation, code)
    installation.servers[code].failures = [None, None, failure, failure]
    (outcome,) = installation.pull()
    assert outcome.is_done and set(installation.ids(code, vendor.stream)) == held(vendor)


@every_listing
def test_an_empty_answer_lands_too(installation: Installation, code: str) -> None:
    vendor = connected(installation, code, count=0)
    (outcome,) = installation.pull()
    assert outcome.is_done and installation.pages(code, vendor.stream) == vendor.sent
    assert len(vendor.sent) == 1 and not installation.is_full(code, vendor.stream)


@every_listing
def test_the_next_pull_asks_for_what_changed_only(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    installation.pull()
    before = len(installation.files(code, vendor.stream))
    vendor.touch(vendor.path, 3, 5000)
    (outcome,) = installation.pull()
    new = {
        row
        for page in installation.pages(code, vendor.stream)[before:]
        for row in re.findall(rf"{vendor.path}-\d+", page.decode())
    }
    assert outcome.is_done and f"{vendor.path}-00003" in new
    assert len(new) < 100


@every_listing
def test_a_walk_that_failed_goes_on_where_it_stopped(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    server = installation.servers[code]
    server.failures = [None, None, *[Response(500)] * 4] if code == "open_delivery" else [None, *[Response(500)] * 4]
    (failed,) = installation.pull()
    assert not failed.is_done and f"{code} answered with 500" in failed.problem and failed.pages == 1
    (outcome,) = installation.pull()
    assert outcome.is_done and outcome.pages == len(set(vendor.sent))
    assert (
        len(installation.pages(code, vendor.stream)) == len({*installation.pages(code, vendor.stream)}) == outcome.pages
    )
    assert set(installation.ids(code, vendor.stream)) == held(vendor) and set(vendor.sent) == set(
        installation.pages(code, vendor.stream)
    )


@every_listing
def test_records_that_change_while_one_reads_are_not_lost(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    installation.pull(full=True)

    def stir(pages: int) -> None:
        vendor.touch(vendor.path, pages * 7 % 600, 6000 + pages)
        vendor.touch(vendor.path, pages * 211 % 600, 6000.5 + pages)

    vendor.after_page = stir
    installation.pull()
    vendor.after_page = lambda _: None
    installation.pull()
    final = {}
    for page in installation.pages(code, vendor.stream):
        for row in (
            msgspec.json.decode(page)
            if page.startswith(b"[")
            else next(value for value in msgspec.json.decode(page).values() if isinstance(value, list))
        ):
            final.setdefault(row["id"], set()).add(row["name"])
    assert all(row["name"] in final[row["id"]] for row in vendor.rows[vendor.path])


@pytest.mark.parametrize("code", ["omnisend", "open_delivery", "voucherify"])
def test_the_mark_is_the_newest_change_the_vendor_reported(installation: Installation, code: str) -> None:
    connected(installation, code)
    installation.pull()
    assert mark(installation, code) == datetime.fromisoformat(at(619))


def test_the_mark_of_records_without_a_time_is_the_vendors_clock(installation: Installation) -> None:
    connected(installation, "ometria")
    installation.pull()
    assert mark(installation, "ometria") == datetime(2026, 2, 4, 12, tzinfo=UTC)


def test_a_change_that_is_reported_for_a_far_day_does_not_move_the_mark_there(installation: Installation) -> None:
    vendor = connected(installation, "omnisend")
    vendor.rows["contacts"][5]["updatedAt"] = "2199-01-01T00:00:00.000Z"
    installation.pull()
    assert mark(installation, "omnisend") == datetime.fromisoformat(at(619))


def test_a_walk_that_did_not_end_does_not_move_the_mark(installation: Installation) -> None:
    vendor = connected(installation, "omnisend")
    installation.pull()
    vendor.hold("contacts", 900, first=1000)
    installation.servers["omnisend"].failures = [None, None, *[Response(500)] * 4]
    installation.pull()
    assert mark(installation, "omnisend") == datetime.fromisoformat(at(619))


def test_a_day_given_by_hand_is_asked_for_and_leaves_no_gap_behind(installation: Installation) -> None:
    connected(installation, "omnisend")
    installation.pull()
    installation.pull(since=date(2026, 3, 1))
    assert installation.servers["omnisend"].requests[-1].query["updatedAtFrom"] == "2026-03-01T00:00:00.000Z"
    assert mark(installation, "omnisend") == datetime.fromisoformat(at(619))


def test_a_day_given_by_hand_begins_where_the_shop_is(installation: Installation) -> None:
    installation.settings = replace(installation.settings, options=Options(reporting_time_zone="Asia/Tokyo"))
    connected(installation, "omnisend")
    installation.pull(since=date(2026, 3, 1))
    assert installation.servers["omnisend"].requests[0].query["updatedAtFrom"] == "2026-02-28T15:00:00.000Z"


def test_a_cursor_gone_bad_begins_the_walk_again(installation: Installation) -> None:
    vendor = Omnisend()
    vendor.hold("contacts", 620)
    installation.connect("omnisend", vendor, "contacts")
    vendor.after_page = lambda pages: vendor.spoil_cursors() if pages == 2 else None
    (outcome,) = installation.pull()
    assert outcome.is_done and set(installation.ids("omnisend", "contacts")) == held(vendor)
    assert len(vendor.violations) == 1
    vendor.violations.clear()


def test_a_cursor_that_is_always_bad_is_reported(installation: Installation) -> None:
    vendor = Omnisend()
    vendor.hold("contacts", 620)
    installation.connect("omnisend", vendor, "contacts")
    vendor.after_page = lambda _: vendor.spoil_cursors()
    (outcome,) = installation.pull()
    assert not outcome.is_done and "(400)" in outcome.problem and "anna" not in outcome.problem
    vendor.violations.clear()


def test_a_token_that_ends_in_mid_walk_is_renewed(installation: Installation) -> None:
    vendor = OpenDelivery()
    vendor.hold("customers", 1700)
    installation.connect("open_delivery", vendor, "customers")

    def expire(pages: int) -> None:
        vendor.tokens += pages == 2

    vendor.after_page = expire
    (outcome,) = installation.pull()
    assert outcome.is_done and set(installation.ids("open_delivery", "customers")) == held(vendor)


@pytest.mark.parametrize("envelope", ["rc2", "pagination", "bare"])
def test_every_envelope_of_open_delivery_is_read_to_its_end(installation: Installation, envelope: str) -> None:
    vendor = OpenDelivery(envelope)
    vendor.hold("customers", 1000)
    installation.connect("open_delivery", vendor, "customers")
    assert installation.pull()[0].is_done and set(installation.ids("open_delivery", "customers")) == held(vendor)


def test_a_long_absence_is_asked_for_in_the_periods_that_the_vendor_allows(installation: Installation) -> None:
    vendor = OpenDelivery(longest=timedelta(days=30))
    vendor.hold("customers", 700)
    installation.connect("open_delivery", vendor, "customers", period_days=30)
    installation.pull(since=date(2026, 1, 1))
    assert set(installation.ids("open_delivery", "customers")) == held(vendor)
    windows = [
        request.query.get("updatedFrom")
        for request in installation.servers["open_delivery"].requests
        if "updatedFrom" in request.query
    ]
    assert len(set(windows)) >= 3


def test_records_that_go_while_one_reads_make_the_walk_begin_again(installation: Installation) -> None:
    vendor = OpenDelivery()
    vendor.hold("customers", 1600)
    installation.connect("open_delivery", vendor, "customers")
    vendor.after_page = lambda pages: vendor.remove("customers", 100) if pages == 2 else None
    (outcome,) = installation.pull()
    assert outcome.is_done and not outcome.problem
    assert held(vendor) <= set(installation.ids("open_delivery", "customers"))


def test_a_record_that_came_for_one_that_went_does_not_hide_who_slipped(installation: Installation) -> None:
    vendor = OpenDelivery()
    vendor.hold("customers", 1600)
    installation.connect("open_delivery", vendor, "customers")

    def exchange(pages: int) -> None:
        if pages == 2:
            vendor.remove("customers", 100)
            vendor.hold("customers", 1, first=5000)

    vendor.after_page = exchange
    installation.pull()
    assert held(vendor) <= set(installation.ids("open_delivery", "customers"))


def test_a_single_page_is_read_once(installation: Installation) -> None:
    vendor = connected(installation, "open_delivery", count=400)
    installation.pull()
    assert len(vendor.sent) == 1


def test_a_listing_that_never_keeps_still_is_reported_and_proves_nothing(installation: Installation) -> None:
    vendor = OpenDelivery()
    vendor.hold("customers", 1600)
    installation.connect("open_delivery", vendor, "customers")
    vendor.after_page = lambda pages: vendor.hold("customers", 1, first=2000 + pages)
    (outcome,) = installation.pull()
    assert "may be incomplete" in outcome.problem
    assert mark(installation, "open_delivery") is None and not installation.is_full("open_delivery", "customers")


@pytest.mark.parametrize("border_counts", [True, False])
def test_customers_of_one_millisecond_at_a_border_all_land(installation: Installation, border_counts: bool) -> None:
    vendor = Voucherify(border_counts=border_counts)
    vendor.hold("customers", 250)
    for row in vendor.rows["customers"][80:120]:
        row["updated_at"] = at(100)
    installation.connect("voucherify", vendor, "customers")
    (outcome,) = installation.pull()
    assert not outcome.problem and set(installation.ids("voucherify", "customers")) == held(vendor)


def test_more_customers_of_one_millisecond_than_a_page_holds_are_reported(installation: Installation) -> None:
    vendor = Voucherify()
    vendor.hold("customers", 400)
    for row in vendor.rows["customers"][100:350]:
        row["updated_at"] = at(100)
    installation.connect("voucherify", vendor, "customers")
    (outcome,) = installation.pull()
    assert "one millisecond" in outcome.problem and not installation.is_full("voucherify", "customers")


def test_orders_are_read_from_the_newest_down_to_the_last_pull(installation: Installation) -> None:
    vendor = Voucherify()
    vendor.hold("orders", 950)
    installation.connect("voucherify", vendor, "orders")
    installation.pull()
    first = len(vendor.sent)
    vendor.touch("orders", 4, 2000)
    installation.pull()
    assert first == 10 and len(vendor.sent) == 11
    assert set(installation.ids("voucherify", "orders")) == {row["id"] for row in vendor.rows["orders"]}


def test_orders_that_never_changed_do_not_end_the_way_down_to_the_last_pull(installation: Installation) -> None:
    vendor = Voucherify()
    vendor.hold("orders", 350)
    for row in vendor.rows["orders"][:120]:
        row["created_at"], row["updated_at"] = row["updated_at"], None
    installation.connect("voucherify", vendor, "orders")
    installation.pull()
    vendor.touch("orders", 300, 2000)
    installation.pull()
    assert at(2000).encode() in b"".join(installation.pages("voucherify", "orders"))


def test_more_orders_than_the_vendor_lists_are_reported(installation: Installation) -> None:
    vendor = Voucherify()
    vendor.hold("orders", 10_050)
    installation.connect("voucherify", vendor, "orders")
    (outcome,) = installation.pull()
    assert "the newest 10,000 only" in outcome.problem and len(set(installation.ids("voucherify", "orders"))) == 10_000


def test_more_redemptions_than_the_vendor_pages_are_read_in_stretches(installation: Installation) -> None:
    vendor = Voucherify()
    vendor.updated = "created_at"
    vendor.hold("redemptions", 10_450)
    installation.connect("voucherify", vendor, "redemptions")
    (outcome,) = installation.pull()
    assert not outcome.problem and set(installation.ids("voucherify", "redemptions")) == {
        row["id"] for row in vendor.rows["redemptions"]
    }


def test_a_page_size_that_the_vendor_lowers_ends_no_walk(installation: Installation) -> None:
    vendor = Ometria()
    vendor.hold("profiles", 240)
    vendor.within = lambda *_: 100
    installation.connect("ometria", vendor, "profiles")
    assert installation.pull()[0].is_done and set(installation.ids("ometria", "profiles")) == held(vendor)


def test_an_envelope_that_nobody_documented_lands_nothing_and_is_reported(installation: Installation) -> None:
    vendor = connected(installation, "omnisend")
    installation.servers["omnisend"].failures = [answer({"people": [], "paging": {}})]
    (outcome,) = installation.pull()
    assert "another shape" in outcome.problem and not installation.files("omnisend", vendor.stream)


def test_a_vendor_with_pages_that_go_round_in_circles_is_left(installation: Installation) -> None:
    page = answer({"contacts": [], "paging": {"hasMore": True, "cursors": {"after": "again"}}})
    connected(installation, "omnisend")
    installation.servers["omnisend"].failures = [page, page]
    (outcome,) = installation.pull()
    assert "round in circles" in outcome.problem


@pytest.mark.parametrize("code", ["open_delivery", "voucherify"])
def test_a_walk_over_all_that_the_vendor_counts_is_a_full_delivery(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    installation.pull()
    assert installation.is_full(code, vendor.stream)


@pytest.mark.parametrize("code", ["ometria", "omnisend"])
def test_where_the_vendor_counts_nothing_two_walks_must_agree(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    installation.pull(full=True)
    assert not installation.is_full(code, vendor.stream)
    installation.pull(full=True)
    assert installation.is_full(code, vendor.stream)


def test_fewer_records_than_the_vendor_counts_are_no_full_delivery(installation: Installation) -> None:
    vendor = connected(installation, "voucherify", count=50)
    body = msgspec.json.decode(
        vendor._enveloped
        if False
        else b'{"object":"list","data_ref":"customers","customers":[{"id":"a","updated_at":"2026-02-01T00:00:00Z"}],"total":2,"has_more":false}'
    )
    installation.servers["voucherify"].failures = [answer(body)]
    assert installation.pull()[0].is_done and not installation.is_full("voucherify", "customers")


def test_a_walk_that_finds_far_fewer_than_the_last_is_no_full_delivery(installation: Installation) -> None:
    vendor = connected(installation, "voucherify")
    installation.pull(full=True)
    for marker in installation.settings.landing.rglob("_FULL"):
        marker.unlink()
    vendor.rows["customers"] = vendor.rows["customers"][:400]
    installation.pull(full=True)
    assert not installation.is_full("voucherify", "customers")


def test_a_walk_with_a_filter_is_no_full_delivery(installation: Installation) -> None:
    connected(installation, "voucherify")
    installation.pull(since=START.date())
    assert not installation.is_full("voucherify", "customers")


def test_a_walk_over_everything_is_due_again_after_a_week(installation: Installation) -> None:
    vendor = connected(installation, "voucherify")
    installation.pull()
    asked = len(vendor.sent)
    shift_log(installation, "voucherify", days=8)
    installation.pull()
    assert len(vendor.sent) == 2 * asked


def test_a_walk_of_the_day_before_yesterday_begins_anew_under_today(installation: Installation) -> None:
    vendor = connected(installation, "omnisend")
    installation.servers["omnisend"].failures = [None, *[Response(500)] * 4]
    installation.pull()
    path = next((installation.settings.internal / "pull").rglob("contacts.json"))
    log = msgspec.json.decode(path.read_bytes())
    log["walk"]["began_at"] = "2026-01-05T00:00:00Z"
    path.write_bytes(msgspec.json.encode(log))
    (outcome,) = installation.pull()
    assert outcome.is_done and "after" not in installation.servers["omnisend"].requests[5].query
    assert set(installation.ids("omnisend", "contacts")) == held(vendor)


@every_listing
@pytest.mark.parametrize("damage", [b"", b'{"mark": "20', b"\xff\xfe"])
def test_a_log_that_was_damaged_means_a_walk_over_everything(
    installation: Installation, code: str, damage: bytes
) -> None:
    vendor = connected(installation, code)
    installation.pull()
    asked = len(vendor.sent)
    for path in (installation.settings.internal / "pull").rglob("*.json"):
        path.write_bytes(damage)
    assert installation.pull()[0].is_done and len(vendor.sent) == 2 * asked


def mark(installation: Installation, code: str) -> datetime | None:
    path = next(path for path in (installation.settings.internal / "pull" / code).glob("*.json"))
    return msgspec.json.decode(path.read_bytes(), type=walk_log.WalkLog).mark


def shift_log(installation: Installation, code: str, days: int) -> None:
    path = next(path for path in (installation.settings.internal / "pull" / code).glob("*.json"))
    log = msgspec.json.decode(path.read_bytes(), type=walk_log.WalkLog)
    assert log.whole_at is not None
    log.whole_at -= timedelta(days=days)
    path.write_bytes(msgspec.json.encode(log))
    os.utime(path)


def test_a_vendor_that_does_not_know_offsets_is_left_after_the_second_page(installation: Installation) -> None:
    vendor = connected(installation, "ometria")
    page = answer([{"id": f"{number}"} for number in range(250)])
    installation.servers["ometria"].failures = [page, page, page]
    (outcome,) = installation.pull()
    assert "round in circles" in outcome.problem and len(installation.files("ometria", vendor.stream)) == 1


def test_more_that_cannot_be_asked_for_is_a_gap(installation: Installation) -> None:
    vendor = connected(installation, "omnisend")
    installation.servers["omnisend"].failures = [
        answer({"contacts": vendor.rows["contacts"][:3], "paging": {"hasMore": True, "cursors": {"after": None}}})
    ]
    (outcome,) = installation.pull()
    assert (
        outcome.is_done and "may be incomplete" in outcome.problem and not installation.is_full("omnisend", "contacts")
    )


def test_what_an_abandoned_walk_left_half_written_is_removed(installation: Installation) -> None:
    connected(installation, "omnisend")
    installation.servers["omnisend"].failures = [None, *[Response(503)] * 4]
    assert not installation.pull()[0].is_done
    [folder] = (installation.settings.landing / "omnisend" / "contacts").glob("*/*/")
    (folder / "page-00002.json.part").write_bytes(b"{")
    installation.pull(full=True)
    assert not list(installation.settings.landing.rglob("*.part"))
