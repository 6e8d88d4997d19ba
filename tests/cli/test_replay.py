"""Rejected records, fixed and loaded again, give what a right delivery would have given."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from orchestration import pipeline
from orchestration.cli import main
from orchestration.config.settings import Settings
from tests.support.deliveries import checksum, land, land_two_deliveries, order, row_counts_balance

pytestmark = pytest.mark.slow
DAY = "2026-06-03"


def rejected(settings: Settings) -> int:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        row = con.execute("select count(*) from meta.rejects").fetchone()
    assert row is not None
    return row[0]


def orders(settings: Settings) -> set[str]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return {order_id for (order_id,) in con.execute("select order_id from marts.fct_orders").fetchall()}


def test_a_delivery_that_is_mostly_bad_keeps_its_vendor_as_it_was_until_it_is_fixed(
    published: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (published.config / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("hold_back_rows = 4\n")
    before = orders(published)
    land(published, DAY, "c.ndjson", order(4, "cleo"), "no json", "nor this", "nor that")
    other = published.landing / "voucherify" / "orders" / DAY / "v.json"
    other.parent.mkdir(parents=True)
    reported = {
        "id": "ord_9",
        "status": "PAID",
        "total_amount": 500,
        "created_at": f"{DAY}T10:00:00Z",
        "customer": {"email": "vera@mail.test.example.com"},
    }
    other.write_text(json.dumps(reported), encoding="utf-8")
    assert main.main(["run"]) == 3
    assert f"omnisend/{DAY} waits" in capsys.readouterr().out
    assert main.main(["run"]) == 3
    capsys.readouterr()
    for command in ("status", "doctor"):
        main.main([command])
        assert f"omnisend/{DAY} waits" in capsys.readouterr().out
    assert orders(published) == before | {"ord_9"}
    assert row_counts_balance(published.published_file)
    assert rejected(published) == 4

    right = replace(published, data=tmp_path / "right")
    land_two_deliveries(right)
    shutil.copytree(published.landing / "voucherify", right.landing / "voucherify")
    for settings in (published, right):
        land(settings, DAY, "c.ndjson", order(4, "cleo"), order(5, "dora"))
    pipeline.run(right)
    assert main.main(["replay"]) == 0
    assert rejected(published) == 0
    assert checksum(published.published_file) == checksum(right.published_file)


def test_a_stricter_limit_holds_back_a_delivery_that_was_published_before(published: Settings) -> None:
    before = orders(published)
    land(published, DAY, "c.ndjson", order(4, "cleo"), "no json", "nor this", "nor that")
    main.main(["run"])
    land(published, "2026-06-04", "d.ndjson", order(5, "dora", time="2026-06-04T09:00:00Z"))
    main.main(["run"])
    after = orders(published)
    assert len(after) == len(before) + 2
    with (published.config / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("hold_back_rows = 4\n")
    assert main.main(["run"]) == 3
    assert before < orders(published) < after
    assert row_counts_balance(published.published_file)


def test_a_replay_after_a_fix_equals_a_run_that_was_right_the_first_time(published: Settings, tmp_path: Path) -> None:
    right = replace(published, data=tmp_path / "right")
    land_two_deliveries(right)
    for settings in (right, published):
        land(
            settings,
            DAY,
            "c.ndjson",
            order(4, "cleo"),
            order(5, "dora") if settings is right else '{"eventName": "placed order", "eventTime"',
        )
        pipeline.run(settings)
    assert (rejected(right), rejected(published)) == (0, 1)
    land(published, DAY, "c.ndjson", order(4, "cleo"), order(5, "dora"))
    assert main.main(["replay"]) == 0
    assert rejected(published) == 0
    assert checksum(published.published_file) == checksum(right.published_file)
    assert row_counts_balance(published.published_file)


def test_a_replay_after_a_fix_of_the_settings_leaves_out_no_other_file(published: Settings) -> None:
    before = orders(published)
    deep: object = "far down"
    for _ in range(70):
        deep = {"below": deep}
    land(published, DAY, "c.ndjson", order(4, "cleo"), order(5, "dora") | {"properties": {"notes": deep}})
    assert main.main(["run"]) == 3
    with (published.config / "settings.toml").open("a", encoding="utf-8") as file:
        file.write("record_levels = 100\n")
    assert main.main(["replay"]) == 0
    assert rejected(published) == 0
    assert len(orders(published)) == len(before) + 2
    assert before < orders(published)
