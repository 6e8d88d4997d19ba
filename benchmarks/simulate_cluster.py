"""How long a full build of a billion records would take on a cluster, on paper: `python -m benchmarks.simulate_cluster`.

Tasks of the sizes that shards would have are dealt to workers as Spark deals them, the next one to whoever is free;
every task takes a while more or less, and some die and are done again. What is done before, between and after them
stays on one machine and is shown beside it. Rates are CPU seconds per million records, as `benchmarks.engines` measured
them.
"""

import argparse
import heapq
import random
from dataclasses import dataclass

# DuckDB kept about one and a half of two cores busy in a full build (docs/scale.md).
BUSY = 0.75
# A task of the same size takes so much more or less (standard deviation), and one of a hundred dies half way.
UNEVEN, DYING = 0.15, 0.01
START = 5.0


@dataclass(frozen=True)
class Rates:
    """CPU seconds per million records: models that change keys are found by and the keys; the models of a shard; union,
    everybody's models and tests; to scan a million records for the rows of a shard; and of one build by one process."""

    before: float
    shard: float
    after: float
    scan: float
    alone: float


def tasks_take(count: int, seconds: float, workers: int, chance: random.Random) -> float:
    """Wall seconds until the last of that many tasks is done."""
    free = [0.0] * workers
    heapq.heapify(free)
    for _ in range(count):
        lasts = START + seconds * max(0.3, chance.gauss(1, UNEVEN))
        if chance.random() < DYING:
            lasts *= 1.5
        heapq.heappush(free, heapq.heappop(free) + lasts)
    return max(free)


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.simulate_cluster", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--millions", type=float, default=1000, help="records")
    parser.add_argument("--workers", type=int, default=50)
    parser.add_argument("--cores", type=int, default=4, help="of each worker")
    parser.add_argument("--driver-cores", type=int, default=32)
    parser.add_argument("--shards", type=int, default=200)
    for name, default in (("before", 24.0), ("shard", 80.0), ("after", 42.0), ("scan", 1.5), ("alone", 115.0)):
        parser.add_argument(f"--{name}", type=float, default=default)
    given = parser.parse_args()
    rates = Rates(given.before, given.shard, given.after, given.scan, given.alone)
    chance = random.Random(1)
    a_shard = given.millions / given.shards
    seconds = (a_shard * rates.shard + given.millions * rates.scan) / (given.cores * BUSY)
    rows = {
        "before the shards, on one machine": given.millions * rates.before / (given.driver_cores * BUSY),
        "shards": tasks_take(given.shards, seconds, given.workers, chance),
        "after the shards, on one machine": given.millions * rates.after / (given.driver_cores * BUSY),
    }
    total = sum(rows.values())
    alone = given.millions * rates.alone / (given.driver_cores * BUSY)
    print(
        f"{given.millions:,.0f} million records, {given.shards} shards, {given.workers} workers of {given.cores} cores"
    )
    for name, lasts in rows.items():
        print(f"{name:36} {lasts / 3600:6.2f} h  {lasts / total:4.0%}")
    print(f"{'all':36} {total / 3600:6.2f} h; serial share {1 - rows['shards'] / total:.0%}")
    print(f"{'the one machine alone':36} {alone / 3600:6.2f} h, if its memory and disk would do")


if __name__ == "__main__":
    main()
