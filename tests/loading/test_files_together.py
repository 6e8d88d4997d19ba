"""Small files are normalised and logged together, and become what each becomes alone."""

import gzip
import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from orchestration.loading import loader, prefetch
from orchestration.normalisation.classifier import ClassifiedBlock
from orchestration.normalisation.normaliser import Normaliser
from tests.loading.test_loader import SAMPLES, Installation, event
from tests.support.archives import zipped

EXPORT_DATES = [f"2026-02-{day:02}" for day in range(1, 7)]
State = dict[str, list[tuple[object, ...]]]


def delivered(*, is_entangled: bool) -> dict[str, bytes]:
    """Files by path: of each account those of several export dates, and some that have to do with others."""
    files: dict[str, bytes] = {}

    def land(path: str, *records: object) -> None:
        files[path] = b"\n".join(
            record if isinstance(record, bytes) else json.dumps(record).encode() for record in records
        )

    for number, export_date in enumerate(EXPORT_DATES):
        same = {"email": "ana@example.com", "firstName": "Ana", "city": f"City {number}"}
        land(
            f"omnisend/events/{export_date}/events.ndjson",
            event(number, eventTime=f"{export_date}T10:00:00Z", contact=same),
            event(100 + number, eventTime=f"{export_date}T09:00:00Z", contact=same | {"phone": "+351912345678"}),
            event(100 + number, eventTime=f"{export_date}T09:00:00Z", contact=same | {"phone": "+351912345678"}),
            event(200 + number, eventTime="2031-01-01T00:00:00Z", odd={"a": number}),
            {"eventName": "viewed product", "contact": {"email": "eva@example.com"}, "properties": {"n": 1.0}},
            b'{"eventName": "placed or',
        )
        land(
            f"omnisend@second/contacts/{export_date}/contacts.ndjson",
            {"contactID": "c1", "firstName": f"Eva {number}", "birthdate": export_date, "email": "eva@example.com"},
            {"contactID": f"c{number + 2}", "email": " eva@example.com", "tags": ["a", f"b{number}"]},
            {"contactID": None},
        )
        land(
            f"voucherify/customers/{export_date}/customers.ndjson",
            {
                "object": "customer",
                "id": f"cust_{number}",
                "source_id": f"s{number}",
                "name": "Ana",
                "metadata": {"x": 1},
            },
        )
        files[f"omnisend@second/segments/{export_date}/vip.csv"] = (
            f"email,firstName\nana{number}@example.com,Ana\n".encode()
        )
    if is_entangled:
        land(f"omnisend@second/contacts/{EXPORT_DATES[2]}/later.ndjson", {"contactID": "c1", "firstName": "Later"})
        files[f"omnisend/events/{EXPORT_DATES[3]}/copy.ndjson"] = files[
            f"omnisend/events/{EXPORT_DATES[3]}/events.ndjson"
        ]
        land(
            f"omnisend/events/{EXPORT_DATES[5]}/again.ndjson",
            event(0, eventTime=f"{EXPORT_DATES[0]}T10:00:00Z"),
            event(1),
        )
        files[f"voucherify/customers/{EXPORT_DATES[4]}/cut.ndjson.gz"] = gzip.compress(b"{}\n" * 99)[:-9]
        files[f"voucherify/customers/{EXPORT_DATES[4]}/empty.ndjson"] = b""
        files[f"voucherify/customers/{EXPORT_DATES[4]}/two.zip"] = zipped(
            {
                "a.ndjson": b'{"object": "customer", "id": "cust_z"}',
                "b.ndjson": b'{"object": "customer", "id": "cust_y"}',
            }
        )
    return files


def loaded(folder: Path, deliveries: dict[str, bytes]) -> Installation:
    installation = Installation(folder)
    for path, content in deliveries.items():
        installation.land(path, content)
    installation.load()
    return installation


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[bool, State]:
    """What each of the files becomes alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prefetch, "MOST_FILES_TOGETHER", 1)
        return {
            is_entangled: loaded(
                tmp_path_factory.mktemp("alone") / "data", delivered(is_entangled=is_entangled)
            ).state()
            for is_entangled in (False, True)
        }


@pytest.mark.parametrize("is_entangled", [False, True])
def test_files_together_become_what_each_becomes_alone(
    tmp_path: Path, alone: dict[bool, State], monkeypatch: pytest.MonkeyPatch, *, is_entangled: bool
) -> None:
    by_itself: list[object] = []

    def finish(normaliser: Normaliser, found: ClassifiedBlock, before: Any = Normaliser.finish) -> object:
        by_itself.append(found)
        return before(normaliser, found)

    monkeypatch.setattr(Normaliser, "finish", finish)
    files = delivered(is_entangled=is_entangled)
    together = loaded(tmp_path / "data", files)
    assert together.state() == alone[is_entangled]
    assert len(by_itself) < len(files) / 4
    assert bool(together.query("select count(*) from internal.outdone")[0][0]) == is_entangled


@pytest.mark.long
@pytest.mark.parametrize(
    ("module", "step", "fault"),
    [(prefetch, "together", pl.exceptions.PanicException), (loader, "insert_together", duckdb.ConversionException)],
)
def test_whatever_is_raised_about_files_together_costs_none_of_them(
    tmp_path: Path,
    alone: dict[bool, State],
    monkeypatch: pytest.MonkeyPatch,
    module: object,
    step: str,
    fault: type[BaseException],
) -> None:
    def fails(*given: object) -> None:
        raise fault("a value")

    monkeypatch.setattr(module, step, fails)
    assert loaded(tmp_path / "data", delivered(is_entangled=True)).state() == alone[True]


def test_a_file_that_comes_again_in_another_form_replaces_its_rows_among_many(
    tmp_path: Path,
) -> None:
    deliveries = delivered(is_entangled=True)
    path = f"voucherify/customers/{EXPORT_DATES[0]}/customers.ndjson"
    other = b'{"object": "customer", "id": "cust_other", "name": "Other"}'
    installation = loaded(tmp_path / "together", {path: deliveries[path]})
    for name, content in (deliveries | {path: other}).items():
        installation.land(name, content)
    installation.load()
    assert installation.state() == loaded(tmp_path / "at_once", deliveries | {path: other}).state()


@pytest.mark.slow
def test_the_samples_together_become_what_they_become_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    for most in (prefetch.MOST_FILES_TOGETHER, 1):
        monkeypatch.setattr(prefetch, "MOST_FILES_TOGETHER", most)
        installation = Installation(tmp_path / str(most))
        shutil.copytree(SAMPLES, installation.settings.landing, dirs_exist_ok=True)
        installation.load()
        states.append(installation.state())
    assert states[0] == states[1]
