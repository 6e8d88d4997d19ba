"""The law of the whole: who is who depends on what has landed and on nothing else, however it came and in whatever pieces.

Random histories (new records, corrections, deletions, keys that become shared, orders, overrides) of people who have nothing to do with each
other are resolved all in one build. The same records, delivered in another order and as another history's neighbours, must give the same
persons; and the persons after every night must be those of a warehouse that only ever saw what had landed until then.
"""

import itertools
import os
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.identity.bulk import Key, Said, persons

NIGHTS = 3
FEW, MANY = 25, int(os.environ.get("C360_HISTORIES", "500"))
NAMES = ("Ana", "Bruno", "Carla", "Davi", "Elisa", "Fabio", "Gustavo", "Helena")
SOURCES = ("ometria", "omnisend", "voucherify")
HEADER = (
    "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,"
    "identifier_type,identifier_value,author,reason"
)


class History:
    """What is said of a handful of people who share identifiers, over some nights."""

    def __init__(self, number: int, tag: str) -> None:
        self.chance = random.Random(number)
        self.tag = tag
        self.said: list[Said] = []
        self.decisions: list[str] = []
        mails = [f"m{index}@{tag}.example" for index in range(self.chance.randint(1, 5))]
        phones = [f"+49151{number % 10000:04}{index:04}" for index in range(self.chance.randint(1, 4))]
        self.identifiers = [*(("email", mail) for mail in mails), *(("phone", phone) for phone in phones), ("vuid", f"cookie-{tag}")]
        for index in range(self.chance.randint(3, 14)):
            self._record(index)
        self._hub()
        self._decide()

    def _record(self, index: int) -> None:
        chance = self.chance
        source, is_contact = chance.choice(SOURCES), chance.random() < 0.25
        record_id = f"derived:{self.tag}{index:03}" if is_contact else f"{self.tag}-{index}"
        first = chance.randrange(NIGHTS)
        for night in range(first, NIGHTS):
            if night > first and (is_contact or chance.random() < 0.6):
                continue
            about = {"first_name": chance.choice(NAMES[:3])} if chance.random() < 0.6 else {}
            carried = tuple(sorted(set(chance.sample(self.identifiers, chance.randint(1, min(3, len(self.identifiers)))))))
            gone = not is_contact and night > first and chance.random() < 0.2
            self.said.append(Said(source, record_id, carried, night, is_contact=is_contact, is_deleted=gone, about=about))

    def _hub(self) -> None:
        """Sometimes a phone is carried by so many that it crosses the limit on one night."""
        if self.chance.random() < 0.3:
            for index, name in enumerate(NAMES[: self.chance.randint(4, 8)]):
                carried = (self.identifiers[-2], ("email", f"h{index}@{self.tag}.example"))
                self.said.append(Said("optimizely", f"{self.tag}-hub{index}", carried, self.chance.randrange(NIGHTS), about={"first_name": name}))

    def _decide(self) -> None:
        first_night = sorted({each.key for each in self.said if each.night == 0 and not each.is_contact})
        if len(first_night) > 1 and self.chance.random() < 0.4:
            one, other = self.chance.sample(first_night, 2)
            rule = self.chance.choice(["never", "always"])
            self.decisions.append(f"{rule},{one[0]},default,profiles,{one[1]},{other[0]},default,profiles,{other[1]},,,a tester,a test")


def histories(count: int) -> list[History]:
    return [History(number, f"h{number:05}") for number in range(count)]


def resolved(said: Iterable[Said], decisions: Sequence[str], work: Path) -> dict[Key, str | None]:
    work.mkdir()
    return persons(list(said), work=work, rules={"identity_overrides": "\n".join([HEADER, *decisions]) + "\n"})


def of(history: History, found: dict[Key, str | None]) -> dict[Key, str | None]:
    return {key: person for key, person in found.items() if history.tag in key[1]}


@pytest.mark.parametrize("count", [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)])
def test_any_order_and_batching_of_deliveries_gives_the_persons_of_a_full_rebuild(tmp_path: Path, count: int) -> None:
    every = histories(count)
    decisions = [decision for history in every for decision in history.decisions]
    said = [each for history in every for each in history.said]
    shuffled = random.Random(1).sample(said, len(said))
    expected = resolved(said, decisions, tmp_path / "whole")
    assert resolved(shuffled, decisions[::-1], tmp_path / "shuffled") == expected
    half = every[: count // 2]
    alone = resolved([each for history in half for each in history.said], [each for history in half for each in history.decisions], tmp_path / "half")
    for history in half:
        assert of(history, alone) == of(history, expected), history.tag


@pytest.mark.slow
def test_an_id_of_any_night_resolves_for_ever_and_growth_renames_only_into_older_ids(tmp_path: Path) -> None:
    every = histories(FEW)
    decisions = [decision for history in every for decision in history.decisions]
    said = [each for history in every for each in history.said]
    nights = [resolved([each for each in said if each.night <= night], decisions, tmp_path / f"night{night}") for night in range(NIGHTS)]
    for earlier, later in itertools.pairwise(nights):
        known = {key: "|".join((key[0], "default", "derived" if key[1].startswith("derived:") else "profiles", key[1])) for key in later}
        assert earlier.keys() <= later.keys()
        assert {person for person in later.values() if person} <= set(known.values())
        assert {person for person in earlier.values() if person} <= set(known.values())
