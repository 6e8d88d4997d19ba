"""Files on their way into a landing zone, in any order and cut into any runs, and an installation that loads them."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.landing import landing_zone as landing
from orchestration.loading import load_log
from orchestration.loading.loader import Warehouse
from orchestration.warehouse import build_file


@dataclass(frozen=True)
class Arrival:
    """Content that comes to stand under a path of the landing zone."""

    path: str
    content: bytes

    def land(self, landing: Path) -> None:
        target = landing / self.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(self.content)


def lines(path: str, *records: object) -> Arrival:
    """A file of one JSON record a line."""
    return Arrival(path, "".join(json.dumps(record) + "\n" for record in records).encode())


def shuffled(every: Sequence[Arrival], seed: int) -> list[Arrival]:
    """All of them in an order of its own; of two contents under one path the later stays the later."""
    chosen = random.Random(seed).sample(every, len(every))
    versions = {
        path: iter([arrival for arrival in every if arrival.path == path])
        for path in {arrival.path for arrival in every}
    }
    return [next(versions[arrival.path]) for arrival in chosen]


def batches(every: Sequence[Arrival], seed: int, *, ends: float = 0.25) -> Iterator[list[Arrival]]:
    """That order, cut into as many runs as chance will have, at most one version of a path in each."""
    chance = random.Random(-seed)
    batch: list[Arrival] = []
    for arrival in shuffled(every, seed):
        if batch and (chance.random() < ends or arrival.path in {earlier.path for earlier in batch}):
            yield batch
            batch = []
        batch.append(arrival)
    yield batch


def installation(folder: Path) -> Settings:
    """An empty one."""
    (folder / "landing").mkdir(parents=True)
    (folder / "config").mkdir()
    return Settings(data=folder, options=Options(free_disk_bytes=0, lock_wait_seconds=5))


def load(settings: Settings, arrivals: Iterable[Arrival]) -> None:
    """What a run does until staging and its audit tables are right."""
    for arrival in arrivals:
        arrival.land(settings.landing)
    warehouse = Warehouse(settings)
    with build_file.connect(settings) as con:
        warehouse.ingest(
            con, load_log.pending(con, landing.scan(settings), dates=None, full_refresh=False), run_id="test"
        )
