"""Bodies that were settled long ago go; what the next run is compared with, and what the log says, stays."""

import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from msgspec import structs

from orchestration.activation import activation_log, erasure, outbox, receipts
from orchestration.activation.receipts import Receipt
from orchestration.config.settings import Settings
from tests.activation.conftest import NAMES, run, target
from tests.support.activation_world import AS_OF, everywhere, publish

PEOPLE = [everywhere(f"p{number}", segments=("vip",)) for number in range(4)]


def write_folder(settings: Settings, number: int, vendor: str = "voucherify") -> Path:
    """The folder of a run: one person changes, and one is held no more from the second run on."""
    changed = replace(PEOPLE[0], revenue=Decimal(number + 1))
    people = [changed, *PEOPLE[1 : 4 if number == 0 else 3]]
    publish(settings, people, segments=("vip",), as_of=AS_OF + timedelta(days=number))
    outcome = run(settings, NAMES[vendor])
    return settings.data / str(outcome.folder)


def age(folder: Path, days: int) -> None:
    path = folder / outbox.MANIFEST
    at = path.stat().st_mtime - days * 86_400
    os.utime(path, (at, at))


def keys(folder: Path) -> list[str]:
    with duckdb.connect() as con:
        found = con.execute("select key from read_parquet($1) order by key", [str(folder / outbox.RECORDS)]).fetchall()
    return [key for (key,) in found]


@pytest.mark.parametrize("vendor", ["voucherify", "omnisend"])
def test_old_bodies_go_and_what_was_written_stays_known(settings: Settings, vendor: str) -> None:
    first = write_folder(settings, 0, vendor)
    second = write_folder(settings, 1, vendor)
    age(first, 91)
    before = list(activation_log.rows(settings))
    assert run(settings, NAMES[vendor], is_confirmed=False).folder is None
    assert not list(first.glob("*-0*.json")) and list(second.glob("*-0*.json"))
    assert len(keys(first)) == 2 and len(keys(second)) == 2
    assert list(activation_log.rows(settings)) == before
    outbox.forget_state(target(settings, NAMES[vendor]).folder(settings))
    assert run(settings, NAMES[vendor], is_confirmed=False).plan.counts["unchanged"] == 3


def test_nothing_goes_that_is_young_or_that_is_to_stay_for_ever(settings: Settings) -> None:
    folder = write_folder(settings, 0)
    age(folder, 89)
    run(settings, "voucherify")
    assert list(folder.glob("upsert-*.json"))
    age(folder, 900)
    for_ever = replace(settings, options=structs.replace(settings.options, keep_activation_days=0))
    run(for_ever, "voucherify")
    assert list(folder.glob("upsert-*.json"))


@pytest.mark.parametrize(("state", "reference", "stays"), [("accepted", "aa_1", True), ("delivered", "aa_1", False)])
def test_where_bodies_are_posted_what_is_not_settled_stays(
    settings: Settings, state: receipts.State, reference: str, stays: bool
) -> None:
    settled, pending = write_folder(settings, 0), write_folder(settings, 1)
    root = target(settings, "voucherify").folder(settings)
    receipts.append(root, Receipt(settled.name, "upsert-00001.json", state, 4, reference))
    age(settled, 91)
    age(pending, 91)
    run(settings, "voucherify")
    assert bool(list(settled.glob("upsert-*.json"))) == stays and list(pending.glob("upsert-*.json"))


def test_a_person_erased_later_is_taken_out_of_what_stayed(settings: Settings) -> None:
    folder = write_folder(settings, 0)
    age(folder, 91)
    run(settings, "voucherify")
    assert erasure.forget(settings, ["person-p1"], ["shop-p1"]) == 1
    assert keys(folder) == ["shop-p0", "shop-p2", "shop-p3"]
    assert len(list(activation_log.rows(settings))) == 1
