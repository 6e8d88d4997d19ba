"""The law of the whole: who is who depends on what has landed and on nothing else, however it came and in whatever pieces.

Five hundred random histories (people who share identifiers; records added, corrected and left out of full deliveries; keys that become
shared; cookies; decisions) land as files of three vendors, late and in any order, all in one installation, since they share nothing
with each other. After every batch its persons must be those of an installation that finds the same files all at once.
"""

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from orchestration.config.settings import Settings
from orchestration.job.transform import write_run_settings
from orchestration.transformation import seeds
from orchestration.warehouse import build_file
from tests.support.arrivals import Arrival, batches, installation, lines, load
from tests.support.compiled import Compiled
from tests.support.paths import DBT_PROJECT

pytestmark = pytest.mark.long

HISTORIES, DAYS, PARTS, SEED = 500, 4, 2, 7
FIRST = date(2026, 1, 1)
NAMES = ("Ana", "Bruno", "Carla", "Davi", "Elisa", "Fabio", "Gustavo", "Helena")
CONTACTS, CUSTOMERS, PROFILES, EVENTS, VISITS = (
    "omnisend/contacts",
    "voucherify/customers",
    "optimizely/profiles",
    "omnisend/events",
    "optimizely/events",
)
OVERRIDES = (DBT_PROJECT / "seeds" / "identity_overrides.csv").read_text(encoding="utf-8").strip()
Key = tuple[str, str]


@dataclass(frozen=True)
class Decision:
    """What somebody decided of two records, in force from one batch on."""

    rule: str
    one: Key
    other: Key
    since: int

    @property
    def line(self) -> str:
        records = (
            f"{stream.split('/')[0]},default,{stream.split('/')[1]},{record}"
            for stream, record in (self.one, self.other)
        )
        return f"{self.rule},{','.join(records)},,,a tester,a test"


@dataclass
class History:
    """What is said of a handful of people over some days, by stream, day and version of the file."""

    number: int
    said: dict[tuple[str, int, int], list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    decisions: list[Decision] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = chance = random.Random(self.number)
        self.tag = f"h{self.number:05}"
        self.mails = [f"m{index}@{self.tag}.example" for index in range(chance.randint(1, 5))]
        self.phones = [f"+49151{self.number % 10000:04}{index:04}" for index in range(chance.randint(1, 4))]
        keys = [
            self._record(chance.choice((CONTACTS, CUSTOMERS, CUSTOMERS, PROFILES)), index)
            for index in range(chance.randint(2, 9))
        ]
        for index in range(chance.randint(0, 4)):
            self._event(chance.choice((EVENTS, VISITS)), index)
        if chance.random() < 0.3:
            self._hub()
        if len(keys) > 1 and chance.random() < 0.5:
            self.decisions.append(
                Decision(chance.choice(["never", "always"]), *chance.sample(keys, 2), since=chance.randrange(6))
            )

    def _record(self, stream: str, index: int) -> Key:
        """A record that is reported again on some days; its customers' list is full every day, so that who is left out
        of it is gone."""
        chance, key = self.chance, f"{self.tag}-{index}"
        first = chance.randrange(DAYS)
        current = self._person()
        for day in range(first, DAYS):
            if day > first and chance.random() < (0.2 if stream == CUSTOMERS else 0.6):
                continue
            if chance.random() < 0.4:
                current = self._person()
            self._say(stream, day, 1, key, current)
            self._say(stream, day, 0, key, self._person() if chance.random() < 0.3 else current)
        return stream, key

    def _event(self, stream: str, index: int) -> None:
        chance = self.chance
        self._say(stream, chance.randrange(DAYS), 1, f"{self.tag}-e{index}", self._person())

    def _hub(self) -> None:
        """A phone of so many that it crosses the limit in one batch or the other."""
        for index, name in enumerate(NAMES[: self.chance.randint(4, 8)]):
            person = {"phone": self.phones[0], "email": f"hub{index}@{self.tag}.example", "name": name}
            self._say(CONTACTS, self.chance.randrange(DAYS), 1, f"{self.tag}-hub{index}", person)

    def _person(self) -> dict[str, str]:
        chance = self.chance
        given = {
            "email": chance.choice(self.mails),
            "phone": chance.choice(self.phones),
            "vuid": f"{chance.randrange(3):032x}{self.tag}",
        }
        kept = chance.sample(sorted(given), chance.randint(1, 3))
        return {kind: given[kind] for kind in kept} | (
            {"name": chance.choice(NAMES[:3])} if chance.random() < 0.6 else {}
        )

    def _say(self, stream: str, day: int, version: int, key: str, person: dict[str, str]) -> None:
        self.said[stream, day, version].append(REPORTERS[stream](key, day, person))


def reported_contact(key: str, _: int, person: dict[str, str]) -> dict[str, Any]:
    return {
        "contactID": key,
        "createdAt": "2025-12-01T00:00:00Z",
        **_named(person, name="firstName", email="email", phone="phone"),
    }


def reported_customer(key: str, _: int, person: dict[str, str]) -> dict[str, Any]:
    return {"object": "customer", "id": key, **_named(person, name="name", email="email", phone="phone")}


def reported_profile(key: str, _: int, person: dict[str, str]) -> dict[str, Any]:
    identifiers = {"customer_id": key, **_named(person, email="email", phone="phone", vuid="vuid")}
    return {"identifiers": identifiers, "attributes": _named(person, name="first_name")}


def reported_order(key: str, day: int, person: dict[str, str]) -> dict[str, Any]:
    return {
        "eventName": "placed order",
        "eventID": key,
        "eventTime": f"{FIRST + timedelta(days=day)}T09:00:00Z",
        "contact": _named(person, name="firstName", email="email", phone="phone") or {"email": f"{key}@alone.example"},
        "properties": {"orderID": key, "currency": "EUR", "totalPrice": 10.0},
    }


def reported_visit(key: str, day: int, person: dict[str, str]) -> dict[str, Any]:
    identifiers = _named(person, email="email", vuid="vuid") or {"vuid": f"{key:0>32}"}
    return {
        "type": "pageview",
        "action": "view",
        "identifiers": identifiers,
        "data": {"ts": 1767258000 + 86400 * day, "page": key},
    }


def _named(person: dict[str, str], **names: str) -> dict[str, str]:
    return {name: person[kind] for kind, name in names.items() if kind in person}


REPORTERS: dict[str, Callable[[str, int, dict[str, str]], dict[str, Any]]] = {
    CONTACTS: reported_contact,
    CUSTOMERS: reported_customer,
    PROFILES: reported_profile,
    EVENTS: reported_order,
    VISITS: reported_visit,
}


def arrivals(histories: Sequence[History], *, full: bool = True) -> Iterator[Arrival]:
    """The files of all days in two parts each; those that are corrected come twice under one path. Customers' lists are
    `full`, or none is."""
    streams = sorted({stream for history in histories for stream, _, _ in history.said})
    for stream in streams:
        for day in range(DAYS):
            for version in (0, 1):
                for part in range(PARTS):
                    chosen = [history for history in histories if (history.number + day) % PARTS == part]
                    said = [record for history in chosen for record in history.said[stream, day, version]]
                    name = f"part{part}_full" if full and stream == CUSTOMERS else f"part{part}"
                    if said:
                        yield lines(f"{stream}/{FIRST + timedelta(days=day)}/{name}.ndjson", *said)


@dataclass(frozen=True)
class Persons:
    """Who is who, and how each identifier stands."""

    records: dict[str, tuple[Any, ...]]
    standings: list[tuple[Any, ...]]

    @cached_property
    def customers(self) -> dict[str, str]:
        return {alias: row[0] for alias, row in self.records.items()}


def resolve(settings: Settings, models: Compiled, decisions: Iterable[Decision]) -> Persons:
    (settings.config / "identity_overrides.csv").write_text(
        "\n".join([OVERRIDES, *(decision.line for decision in decisions)]) + "\n", encoding="utf-8"
    )
    with build_file.connect(settings) as con:
        seeds.load(con, settings)
        write_run_settings(con, settings, FIRST)
        models.make(con)
        records = con.execute(
            "select alias_id, customer_id, joined_by, is_belonging, is_deleted, is_anchor, source_record_id from internal.int_record_customers"
        ).fetchall()
        standings = con.execute(
            "select records.alias_id, id_type, id_namespace, id_value, not_linking_reason from internal.int_identifier_standing "
            "inner join internal.int_record_customers as records using (record_no) order by all"
        ).fetchall()
    return Persons({row[0]: row[1:] for row in records}, standings)


@dataclass(frozen=True)
class Story:
    """What was found after every batch, loaded batch by batch and all at once, and what was decided."""

    by_batch: list[Persons]
    at_once: list[Persons]
    decisions: list[Decision]
    models: Compiled
    landed: list[Arrival]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    histories = [History(number) for number in range(HISTORIES)]
    work = tmp_path_factory.mktemp("histories")
    grown, landed, by_batch, at_once = installation(work / "grown"), [], [], []
    models = Compiled(grown, "int_record_customers", "int_identifier_standing")
    decisions = [decision for history in histories for decision in history.decisions]
    for number, batch in enumerate(batches(list(arrivals(histories)), SEED, ends=0.05)):
        in_force = [decision for decision in decisions if decision.since <= number]
        load(grown, batch)
        landed += batch
        by_batch.append(resolve(grown, models, in_force))
        fresh = installation(work / f"fresh{number}")
        load(fresh, landed)
        at_once.append(resolve(fresh, models, in_force[::-1]))
    return Story(by_batch, at_once, decisions, models, landed)


def test_after_every_batch_everybody_is_who_a_full_rebuild_finds(story: Story) -> None:
    for grown, fresh in zip(story.by_batch, story.at_once, strict=True):
        assert grown == fresh


def test_an_id_that_was_handed_out_resolves_ever_after(story: Story) -> None:
    handed_out: set[str] = set()
    for persons in story.by_batch:
        handed_out |= set(persons.customers.values())
        assert handed_out <= persons.customers.keys()


def test_every_decision_holds_once_all_has_landed(story: Story) -> None:
    found = {row[-1]: row[0] for row in story.by_batch[-1].records.values()}
    together = {decision: found[decision.one[1]] == found[decision.other[1]] for decision in story.decisions}
    assert {decision.rule for decision in story.decisions} == {"always", "never"}
    assert [decision for decision, is_one in together.items() if is_one != (decision.rule == "always")] == []


def test_histories_have_nothing_to_do_with_each_other(story: Story, tmp_path: Path) -> None:
    half = [History(number) for number in range(0, HISTORIES, 2)]
    alone = installation(tmp_path / "half")
    load(alone, arrivals(half))
    found = resolve(alone, story.models, [decision for history in half for decision in history.decisions])
    whole = story.by_batch[-1].records
    assert found.records == {alias: whole[alias] for alias in found.records}


def test_the_histories_hold_each_kind_of_trouble(story: Story) -> None:
    assert len(story.by_batch) >= 6
    last = story.by_batch[-1]
    sizes = defaultdict(int)
    for customer in last.customers.values():
        sizes[customer] += 1
    assert sum(size > 2 for size in sizes.values()) > 100
    assert sum(row[3] for row in last.records.values()) > 50
    assert {standing[4] for standing in last.standings} >= {
        None,
        "superseded",
        "shared",
        "ambiguous",
        "deleted",
        "weak",
    }
    assert {row[1] for row in last.records.values()} >= {"link", "following", "only_record"}
    days = [persons.customers for persons in story.by_batch]
    moved = [
        alias for earlier, later in itertools.pairwise(days) for alias in earlier if earlier[alias] != later.get(alias)
    ]
    assert len(moved) > 500
