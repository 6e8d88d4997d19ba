"""A delivery that is held keeps its records as delivered, but for those about somebody who was erased."""

import json

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone
from orchestration.loading import erasure_log
from orchestration.loading.loader import Warehouse
from orchestration.normalisation import erasures
from orchestration.warehouse import build_file

SECRET = b"a secret of this test"


def test_nothing_is_kept_of_an_erased_person_in_a_delivery_that_is_held(tmp_path) -> None:
    settings = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0, hold_back_rows=1), secret=SECRET)
    hashes = erasures.hashes(SECRET, [erasures.identifier("email", "", "jane@example.org")])
    erasure_log.write(erasure_log.folder(settings) / "one.json", {"until": None, "hashes": hashes})
    path = settings.landing / "omnisend" / "events" / "2026-03-01" / "events.ndjson"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join([order("jane"), order("mary"), *["no json"] * 5]), encoding="utf-8")
    with build_file.connect(settings) as con:
        Warehouse(settings).ingest(con, landing_zone.scan(settings).files, run_id="r")
        kept = con.execute(
            "select row_number, reason_code, raw from meta.rejects where row_number < 3 order by row_number"
        ).fetchall()
        assert kept == [(1, "held_back", ""), (2, "held_back", order("mary"))]
        assert con.execute("select rows_read, rows_rejected, rows_loaded from meta.loads").fetchall() == [(7, 7, 0)]


def test_an_order_of_an_erased_person_is_loaded_without_the_person_and_any_other_record_rejected(tmp_path) -> None:
    settings = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0), secret=SECRET)
    hashes = erasures.hashes(
        SECRET, [erasures.identifier("email", "", "jane@example.org"), erasures.mention("jane@example.org")]
    )
    erasure_log.write(erasure_log.folder(settings) / "one.json", {"until": None, "hashes": hashes})
    path = settings.landing / "omnisend" / "events" / "2026-03-01" / "events.ndjson"
    path.parent.mkdir(parents=True)
    page = json.dumps(
        {"eventName": "viewed page", "eventTime": "2026-02-28T10:00:00Z", "contact": {"email": "jane@example.org"}}
    )
    path.write_text("\n".join([order("jane"), order("mary"), page, "broken of jane@example.org"]), encoding="utf-8")
    with build_file.connect(settings) as con:
        Warehouse(settings).ingest(con, landing_zone.scan(settings).files, run_id="r")
        assert con.execute("select order_number, total, email_value, owner_record_id is null from staging.orders order by 1").fetchall() == [
            ("jane-1", 10, None, True), ("mary-1", 10, "mary@example.org", False),
        ]  # fmt: skip
        assert con.execute("select row_number, reason_code, raw from meta.rejects order by 1").fetchall() == [
            (3, "erased", ""),
            (4, "erased", ""),
        ]
        assert con.execute(
            "select rows_read, rows_loaded, rows_rejected, rows_duplicate from meta.loads"
        ).fetchall() == [(4, 2, 2, 0)]
        assert con.execute(
            "select count(*) from staging.customer_identifiers where id_value like 'jane%'"
        ).fetchall() == [(0,)]


def test_whoever_comes_back_after_the_last_day_of_the_erasure_has_another_id(tmp_path) -> None:
    def ids(name: str, until: str | None) -> list[tuple[object, ...]]:
        settings = Settings(data=tmp_path / name, options=Options(free_disk_bytes=0), secret=SECRET)
        if until:
            hashes = erasures.hashes(SECRET, [erasures.record("omnisend", "default", "contacts", "c-jane"), erasures.identifier("email", "", "jane@example.org")])  # fmt: skip
            erasure_log.write(erasure_log.folder(settings) / "one.json", {"until": until, "hashes": hashes})
        for export_date in ("2026-03-01", "2026-03-05"):
            path = settings.landing / "omnisend" / "contacts" / export_date / "contacts.ndjson"
            path.parent.mkdir(parents=True)
            reported = [{"contactID": f"c-{one}", "email": f"{one}@example.org"} for one in ("jane", "mary")]
            path.write_text("".join(json.dumps(one) + "\n" for one in reported), encoding="utf-8")
        with build_file.connect(settings) as con:
            Warehouse(settings).ingest(con, landing_zone.scan(settings).files, run_id="r")
            return con.execute("select source_record_id, export_date::varchar, alias_id from staging.customers order by all").fetchall()  # fmt: skip

    before, after = ids("before", None), ids("after", "2026-03-02")
    janes, marys = before[:2], before[2:]
    assert janes[0][2] == janes[1][2]
    assert [row[:2] for row in after] == [("c-jane", "2026-03-05"), ("c-mary", "2026-03-01"), ("c-mary", "2026-03-05")]
    assert after[1:] == marys
    assert after[0][2] != janes[0][2]


def order(person: str) -> str:
    return json.dumps({
        "eventName": "placed order", "eventTime": "2026-02-28T10:00:00Z", "eventID": f"e-{person}", "contact": {"email": f"{person}@example.org"},
        "properties": {"orderID": f"{person}-1", "orderNumber": f"{person}-1", "currency": "EUR", "totalPrice": 10.0},
    })  # fmt: skip
