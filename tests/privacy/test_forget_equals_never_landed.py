"""Forgetting somebody gives what would be there had their records never landed, and their orders nobody's."""

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration import pipeline
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import formats
from orchestration.landing.rewriting import Rewriting
from orchestration.normalisation import anonymous, erasures
from orchestration.normalisation.classifier import Bounds
from orchestration.normalisation.erasures import Erasures
from orchestration.normalisation.file_context import Origin
from orchestration.normalisation.normaliser import Normaliser
from orchestration.privacy import erasing
from orchestration.vendors import discover
from orchestration.warehouse import build_file
from orchestration.warehouse.writer_lock import writer_lock
from tests.privacy.test_landing_erasure import landed

pytestmark = pytest.mark.long

SECRET = b"a secret of this test"
DAY = "2026-03-02"
X = "xaver"
PEOPLE = (X, "anna", "ben", "cleo")
OMNISEND = discover()["omnisend"]
OPTIONS = Options(free_disk_bytes=0, reject_share=1, hold_back_share=1)
World = dict[str, list[dict[str, Any]]]


def mail(who: str) -> str:
    return f"{who}@mail.test.example.com"


@st.composite
def contacts(draw: st.DrawFn) -> dict[str, Any]:
    who = draw(st.sampled_from(PEOPLE))
    reported = {"contactID": f"contact-of-{who}", "email": mail(who), "updatedAt": f"2026-02-0{draw(st.integers(1, 9))}T10:00:00Z"}  # fmt: skip
    more = st.fixed_dictionaries({}, optional={
        "firstName": st.just(who.title()), "city": st.sampled_from(("Bonn", "Köln")), "tags": st.just(["vip"]),
        "phone": st.just(f"+4930901820{PEOPLE.index(who)}0"),
    })  # fmt: skip
    return reported | draw(more)


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    who, number = draw(st.sampled_from(PEOPLE)), draw(st.integers(1, 6))
    reported: dict[str, Any] = {
        "eventName": draw(st.sampled_from(("placed order", "viewed page"))),
        "eventTime": f"2026-02-1{draw(st.integers(0, 9))}T10:00:00Z",
        "eventID": f"event-{who}-{number}-{draw(st.integers(1, 3))}",
        "contact": {"email": mail(who)} | ({"firstName": who.title()} if draw(st.booleans()) else {}),
    }
    if reported["eventName"] == "placed order":
        # Everybody has order numbers of their own.
        order_id = f"{1000 + 10 * PEOPLE.index(who) + number}"
        reported["order"] = {
            "orderID": order_id,
            "currency": "EUR",
            "totalPrice": draw(st.sampled_from((10, 12.5))),
        } | ({"note": f"for {who}"} if draw(st.booleans()) else {})
    return reported


WORLDS: st.SearchStrategy[World] = st.fixed_dictionaries(
    {"contacts": st.lists(contacts(), max_size=6), "events": st.lists(events(), max_size=8)}
)


def is_of(record: dict[str, Any], who: str) -> bool:
    return mail(who) in (record.get("email"), record.get("contact", {}).get("email"))


def never_landed(world: World) -> World:
    """The world without that person: their orders are placed by nobody."""
    left: World = {}
    for stream, records in world.items():
        left[stream] = []
        for record in copy.deepcopy(records):
            if is_of(record, X):
                if "order" not in record:
                    continue
                del record["contact"], record["eventID"]
                record["order"].pop("note", None)
            left[stream].append(record)
    return left


def lines(records: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(record, ensure_ascii=False).encode() + b"\n" for record in records)


# -- what is loaded, record by record ---------------------------------------------------------------------------------


def known() -> Erasures:
    texts = [
        erasures.record("omnisend", "default", "contacts", f"contact-of-{X}"),
        erasures.identifier("email", "", mail(X)),
        erasures.mention(mail(X)),
    ]
    return Erasures(SECRET, dict.fromkeys(erasures.hashes(SECRET, texts), date.max))


def loaded(path: Path, stream: str, content: bytes, erased: Erasures | None) -> dict[str, list[str]]:
    """Rows of staging by table, of orders in the columns that stay."""
    file = landed(path, content)
    account = Settings(data=path.parent).account(OMNISEND)
    origin = Origin(account, stream, date.fromisoformat(DAY), file.relative_path, 1, secret=SECRET)
    normaliser = Normaliser(OMNISEND, origin, Bounds(OPTIONS.record_bytes, OPTIONS.record_levels), erased)
    found: dict[str, list[str]] = {}
    for block in formats.blocks(file, path.parent, OPTIONS, OMNISEND.streams[stream]):
        for table, frames in normaliser.block(block).frames.items():
            for frame in frames:
                columns = anonymous.KEPT.get(table) or [name for name in frame.columns if name != "source_row"]
                found.setdefault(table, []).extend(map(repr, frame.select(columns).iter_rows()))
    return {table: sorted(rows) for table, rows in found.items()}


def rewritten(path: Path, stream: str, content: bytes, erased: Erasures) -> bytes:
    file = landed(path, content)
    origin = Origin(Settings(data=path.parent).account(OMNISEND), stream, date.fromisoformat(DAY), file.relative_path, 1, secret=SECRET)  # fmt: skip
    normaliser = Normaliser(OMNISEND, origin, Bounds(OPTIONS.record_bytes, OPTIONS.record_levels))
    records = [one for block in formats.blocks(file, path.parent, OPTIONS, OMNISEND.streams[stream]) for one in block]
    about = normaliser.about_erased(records, erased)
    needed = anonymous.needed(normaliser.of_same, [one for one in records if one.number in about])
    Rewriting(file, OMNISEND.streams[stream], OPTIONS, anonymous.only).apply(records, {one: needed.get(one) for one in about})  # fmt: skip
    return path.read_bytes()


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=WORLDS)
def test_what_is_loaded_of_a_landing_zone_is_what_is_loaded_of_one_without_the_person(
    world: World, tmp_path: Path
) -> None:
    erased, reference = known(), never_landed(world)
    for stream, records in world.items():
        path = tmp_path / f"{stream}.ndjson"
        expected = loaded(path, stream, lines(reference[stream]), None)
        assert loaded(path, stream, lines(records), erased) == expected
        left = rewritten(path, stream, lines(records), erased)
        assert X.encode() not in left.lower()
        assert loaded(path, stream, left, erased) == expected
        kept = [json.dumps(record, ensure_ascii=False).encode() for record in records if not is_of(record, X)]
        assert [line for line in left.splitlines() if line in kept] == kept


# -- the whole job ----------------------------------------------------------------------------------------------------

MARTS = {
    "dim_customers": "*",
    "customer_insights": "*",
    "bridge_customer_records": "*",
    "bridge_customer_identifiers": "*",
    "fct_consents": "*",
    "fct_segment_memberships": "*",
    "fct_orders": "* exclude (anonymous_id)",
    "fct_order_lines": "*",
    "fct_events": "* exclude (event_id)",
    "daily_metrics": "*",
}


def install(data: Path, world: World) -> Settings:
    installed = Settings(data=data, options=OPTIONS, secret=SECRET)
    # Somebody who is in every world: a warehouse of nobody is another question.
    for stream, records in (world | {"contacts": [*world["contacts"], {"contactID": "always", "email": mail("always")}]}).items():  # fmt: skip
        path = installed.landing / "omnisend" / stream / DAY / "a.ndjson"
        path.parent.mkdir(parents=True)
        path.write_bytes(lines(records))
    pipeline.run(installed)
    return installed


def forget(installed: Settings) -> None:
    with writer_lock(installed, command="the test"), build_file.connect(installed) as con:
        held = erasing.Held.of(con, email=mail(X))
        erasing.begin(installed, [held], by="the test", until=None)
    assert pipeline.finish_erasures(installed)


def marts(installed: Settings) -> dict[str, list[tuple[object, ...]]]:
    with duckdb.connect(str(installed.published_file), read_only=True) as con:
        return {table: con.execute(f"select {what} from marts.{table} order by all").fetchall() for table, what in MARTS.items()}  # fmt: skip


@pytest.mark.slow
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(world=WORLDS.filter(lambda world: any(is_of(record, X) for records in world.values() for record in records)))
def test_the_marts_after_an_erasure_are_those_of_a_landing_zone_without_the_person(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    forgotten = install(tmp_path_factory.mktemp("with") / "data", world)
    forget(forgotten)
    assert marts(forgotten) == marts(install(tmp_path_factory.mktemp("without") / "data", never_landed(world)))
