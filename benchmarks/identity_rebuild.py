"""Where recomputing only what a night touched would pay: `python -m benchmarks.identity_rebuild [people]`.

Resolves a world of five vendors in full, by the SQL of the models, without what dbt costs. Then, for growing shares of records that change
in a night, does the least that an incremental build would have to do: find everybody whom the changed records could touch (the persons of
all holders of their identifiers) and whoever shares an identifier with them, resolve these alone, and put them in the place of the old
rows. It is a lower bound: a build that may be trusted has to follow what this changes, and to notice what overrides, rules and limits do.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.identity_quality import World
from tests.compiled import Compiled
from tests.identity.bulk import run, staged

# What the layer is built for, and by what the rows of a person are found in it.
RESULTS = {"int_identifier_standing": "record_no", "int_customer_versions": "customer_id", "int_record_customers": "record_no"}
SHARES = (0.0001, 0.001, 0.01, 0.05, 0.1, 0.2, 0.4)
RECORD_TABLES = {"customers": "source_record_id", "contacts": "source_record_id", "customer_identifiers": "owner_record_id"}
SMALL_TABLES = (
    "meta.deliveries",
    "internal.run_settings",
    "seeds.identifier_blocklist",
    "seeds.identity_rules",
    "seeds.identity_overrides",
    "seeds.attribute_source_priority",
)

TOUCHED = """
create or replace temp table touched as
with
    changed as (select record_no from identity.int_records where hash(alias_id, 7) % 1000000 < {share} * 1000000),
    keys as (select distinct identifier_key from identity.int_record_identifiers where record_no in (select record_no from changed)),
    persons as (
        select distinct customer_id from identity.int_record_customers
        where record_no in (select record_no from changed union select record_no from identity.int_record_identifiers where identifier_key in (from keys))
    ),
    members as (select record_no from identity.int_record_customers where customer_id in (from persons)),
    their_keys as (select distinct identifier_key from identity.int_record_identifiers where unusable_reason is null and record_no in (from members)),
    context as (select record_no from identity.int_record_identifiers where identifier_key in (from their_keys))
select record_no, alias_id, source, source_record_id
from identity.int_record_customers
where record_no in (from members union from context)
"""


@dataclass
class Watch:
    """CPU seconds by step."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        before = _cpu()
        yield
        self.spent[name] = _cpu() - before


def main(people: int) -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        world = World(people=people, seed=7)
        path = staged(world.said, work=work, region="BR")
        run(path, work=work, models=list(RESULTS))
        models = Compiled(work / "target", *RESULTS)
        watch, started = Watch(), time.monotonic()
        with _opened(path) as con, watch.step("full"):
            models.make(con)
        full = watch.spent["full"]
        print(f"{len(world.truth):,} records in full: {full:.1f} CPU s, {time.monotonic() - started:.1f} s", flush=True)
        print(f"{'changed':>8}{'records':>10}{'touched':>10}{'find':>8}{'resolve':>9}{'replace':>9}{'sum CPU s':>11}{'of full':>9}")
        for share in SHARES:
            _partly(path, work, models, share, full)


def _partly(path: Path, work: Path, models: Compiled, share: float, full: float) -> None:
    watch = Watch()
    part = work / "part" / "warehouse.duckdb"
    part.parent.mkdir(exist_ok=True)
    part.unlink(missing_ok=True)
    with _opened(path) as con:
        con.execute(f"attach '{part}' as part")
        with watch.step("find"):
            con.execute(TOUCHED.format(share=share))
            for schema in ("staging", "meta", "internal", "seeds"):
                con.execute(f"create schema part.{schema}")
            for table, record in RECORD_TABLES.items():
                con.execute(
                    f"create table part.staging.{table} as from staging.{table} where (source, {record}) in (select source, source_record_id from touched)"
                )
        for table in SMALL_TABLES:
            con.execute(f"create table part.{table} as from {table}")
        changed = con.execute("select count(*) filter (hash(alias_id, 7) % 1000000 < $1 * 1000000), count(*) from touched", [share]).fetchone() or (0, 0)
        con.execute("detach part")
    with _opened(part) as con, watch.step("resolve"):
        models.make(con)
    with _opened(path) as con:
        con.execute(f"attach '{part}' as part (read_only)")
        con.execute("begin")
        with watch.step("replace"):
            con.execute(
                "create temp table old as select record_no, customer_id from identity.int_record_customers "
                "where alias_id in (select alias_id from part.identity.int_record_customers)"
            )
            for table, key in RESULTS.items():
                con.execute(f"delete from identity.{table} where {key} in (select {key} from old)")
                con.execute(f"insert into identity.{table} by name from part.identity.{table}")
        con.execute("rollback")
    total = sum(watch.spent.values())
    steps = "".join(f"{watch.spent[step]:>{width}.1f}" for step, width in (("find", 8), ("resolve", 9), ("replace", 9)))
    print(f"{share:>8.2%}{changed[0]:>10,}{changed[1]:>10,}{steps}{total:>11.1f}{total / full:>9.0%}", flush=True)


@contextmanager
def _opened(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(path), config={"threads": 2, "memory_limit": "4GB", "preserve_insertion_order": False}) as con:
        con.execute("set TimeZone = 'UTC'")
        yield con


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 400_000)
