"""Whatever happens over some days: all files, applied in their order to a vendor that merges by key, leave exactly what is known here."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.activation.catalogue import kind_of
from orchestration.activation.channel import Channel
from orchestration.activation.channels import discover
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.activation.conftest import NAMES, configure, run
from tests.support.activation_world import AS_OF, everywhere, publish
from tests.support.http_server import Request
from tests.support.receivers import RECEIVERS, SECRET, Receiver

pytestmark = pytest.mark.long

SEGMENTS = ("big", "vip")
NO_AT = datetime(2026, 2, 10, 8, 30, tzinfo=UTC)
WHO = ("ana", "bo", "cy", "di")
HEADERS = {
    "x-api-key": SECRET,
    "x-ometria-auth": SECRET,
    "x-app-id": SECRET,
    "x-app-token": SECRET,
    "authorization": f"Omnisend-API-Key {SECRET}",
    "omnisend-version": "2026-03-15",
}


@dataclass(frozen=True)
class State:
    """One person on one day; `is_held` by the vendor, which says yes of them where the shop knows of a no (`says`:
    "elsewhere"); at the `address` of a contact that may move."""

    is_held: bool
    says: str
    orders: int
    revenue: int
    engagement: int
    segments: frozenset[str]
    address: int = 0


states = st.builds(
    State,
    is_held=st.sampled_from([True, True, True, False]),
    says=st.sampled_from(["opt_in", "opt_in", "opt_in", "opt_out", "unknown", "elsewhere"]),
    orders=st.integers(0, 3),
    revenue=st.integers(0, 500),
    engagement=st.integers(0, 100),
    segments=st.frozensets(st.sampled_from(SEGMENTS)),
    address=st.integers(0, 1),
)
days = st.lists(st.fixed_dictionaries(dict.fromkeys(WHO, states)), min_size=1, max_size=4)

BUYER = State(is_held=True, says="opt_in", orders=2, revenue=90, engagement=50, segments=frozenset({"vip"}))
ABSENT, SILENT, LEAD = (
    replace(BUYER, is_held=False),
    replace(BUYER, says="opt_out"),
    replace(BUYER, orders=0, segments=frozenset()),
)


@pytest.mark.parametrize("vendor", sorted(NAMES))
@given(world=days, step=st.sampled_from([0, 5]))
@example(world=[{"ana": BUYER}, {"ana": ABSENT}, {"ana": BUYER}], step=0)
@example(world=[{"ana": BUYER}, {"ana": ABSENT}, {"ana": LEAD}], step=0)
@example(world=[{"ana": BUYER}, {"ana": SILENT}, {"ana": SILENT}, {"ana": BUYER}], step=5)
@example(world=[{"ana": BUYER}, {"ana": LEAD}, {"ana": SILENT}, {"ana": LEAD}], step=0)
@example(world=[{"ana": BUYER}, {"ana": replace(LEAD, address=1)}, {"ana": replace(SILENT, address=0)}], step=0)
@example(world=[{"ana": BUYER}, {"ana": replace(BUYER, says="elsewhere")}, {"ana": BUYER}], step=0)
@hypothesis_settings(max_examples=8, deadline=None)
def test_all_files_in_order_leave_exactly_our_values_and_subscribe_nobody(
    vendor: str, world: list[dict[str, State]], step: int
) -> None:
    with TemporaryDirectory() as folder:
        settings = Settings(data=Path(folder) / "data", options=Options(memory_limit="500MB", threads=1))
        dialect = 'dialect = "rc2"\n' if vendor == "open_delivery" else ""
        keys = f'vendor = "{vendor}"\nsegments = ["*"]\nopt_outs = true\nengagement_step = {step}\n{dialect}'
        configure(settings, f"[targets.one]\n{keys}")
        receiver = RECEIVERS[vendor]()
        ever: set[str] = set()
        refused: set[str] = set()
        addresses: dict[str, str] = {}
        for day, people in enumerate(world):
            held = {name: state for name, state in people.items() if state.is_held}
            for name in set(people) - set(held):
                forget(receiver, name)
            for name, state in held.items():
                move(receiver, addresses.get(name), address(name, state))
                addresses[name] = address(name, state)
            publish(
                settings,
                [person(name, state) for name, state in held.items()],
                segments=SEGMENTS,
                as_of=AS_OF + timedelta(days=day),
            )
            outcome = run(settings, "one")
            if outcome.folder:
                post(receiver, settings.data / outcome.folder)
            ever = (ever & set(held)) | {name for name, state in held.items() if state.says == "opt_in"}
            refused |= {name for name, state in held.items() if state.says == "elsewhere"}
            assert {name for name in WHO for key in receiver.opted_out if key_is_of(key, name)} == refused
            for name, state in held.items():
                known = reported(receiver, discover()[vendor], name)
                due = expected(name, state) if state.says == "opt_in" else {}
                assert abs(known.pop("engagement", 0) - due.pop("engagement", 0)) < (step or 0.001), name
                assert known == due, name
                assert (find(receiver, name) is not None) == (name in ever)
        assert not receiver.subscribed
        assert run(settings, "one").folder is None


def address(name: str, state: State) -> str:
    """As Omnisend has it."""
    return f"{name.capitalize()}{'.new' * state.address}@example.com"


def move(receiver: Receiver, before: str | None, after: str) -> None:
    """The contact gets another address, and keeps what was written to it."""
    if before and before != after:
        for held, prefix in ((receiver.held, "email:"), (receiver.tags, "")):
            if f"{prefix}{before}" in held:
                held[f"{prefix}{after}"] = held.pop(f"{prefix}{before}")


def person(name: str, state: State) -> Any:
    known = everywhere(name)
    return everywhere(
        name,
        records={**known.records, "omnisend": {"email": address(name, state)}},
        says=state.says,
        refusal=("shop", NO_AT, False) if state.says == "elsewhere" else None,
        orders=state.orders,
        revenue=Decimal(state.revenue) if state.orders else None,
        engagement=float(state.engagement),
        segments=tuple(sorted(state.segments)),
    )


def expected(name: str, state: State) -> dict[str, Any]:
    """What is known here of somebody who may be sent, by hand."""
    has_orders = state.orders > 0
    figures: dict[str, Any] = {
        "customer": f"person-{name}",
        "revenue": float(state.revenue) if has_orders else None,
        "aov": float(round(Decimal(state.revenue) / max(1, state.orders), 2)) if has_orders else None,
        "orders": state.orders or None,
        "engagement": float(state.engagement) or None,
        "stage": "active" if has_orders else "lead",
        "currency": "EUR",
        "segments": sorted(state.segments),
    }
    return {key: value for key, value in figures.items() if value}


def reported(receiver: Receiver, channel: Channel, name: str) -> dict[str, Any]:
    """What the vendor knows of somebody now, without what is empty."""
    held = {key.removeprefix("c360_"): value for key, value in (find(receiver, name) or {}).items()}
    flags = {key.removeprefix("seg_") for key, value in held.items() if key.startswith("seg_") and value}
    tags = {tag.removeprefix("c360_") for key, tags in receiver.tags.items() if key_is_of(key, name) for tag in tags}
    segments = sorted({*flags, *tags, *held.get("segments", ())})
    held = {"customer": held.get("customer", held.get("customer_id")), **held, "segments": segments}
    empty = {channel.cleared(f"c360_{key}") for key in ("stage", "aov", "first_order", "as_of")}
    return {
        key: held[key]
        for key in expected_keys()
        if held.get(key) and (isinstance(held[key], list) or held[key] not in empty)
    }


def expected_keys() -> list[str]:
    return ["customer", "revenue", "aov", "orders", "engagement", "stage", "currency", "segments"]


def find(receiver: Receiver, name: str) -> dict[str, Any] | None:
    return next((values for key, values in receiver.held.items() if key_is_of(key, name)), None)


def key_is_of(key: str, name: str) -> bool:
    """The vendor knows that person by the key."""
    return key.lower().removesuffix("@example.com").removesuffix(".new").endswith(name)


def forget(receiver: Receiver, name: str) -> None:
    """The vendor deletes the record, with all that was written to it."""
    receiver.held = {key: values for key, values in receiver.held.items() if not key_is_of(key, name)}
    receiver.tags = {key: tags for key, tags in receiver.tags.items() if not key_is_of(key, name)}


def post(receiver: Receiver, folder: Path) -> None:
    headers = {**HEADERS, "authorization": "Bearer token-1"} if receiver.vendor == "open_delivery" else HEADERS
    for file in json.loads((folder / "manifest.json").read_bytes())["files"]:
        response = receiver(Request(file["method"], file["path"], {}, headers, (folder / file["file"]).read_bytes()))
        assert response.status < 300


def test_every_kind_has_a_value_that_takes_it_back() -> None:
    for channel in discover().values():
        assert all(
            channel.cleared(f"c360_{name}") in ("", 0, False, "1970-01-01", "1970-01-01T00:00:00Z")
            for name in ("stage", "aov", "as_of", "seg_vip")
        )
    assert kind_of("c360_seg_anything") == "flag"
