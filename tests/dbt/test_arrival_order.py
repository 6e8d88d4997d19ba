"""The warehouse is a function of what has landed, not of the order in which it came."""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from orchestration import pipeline
from orchestration.canonical.tables import TABLES
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.job.transform import write_run_settings
from orchestration.transformation import dbt_project, incremental, seeds
from orchestration.transformation.node_result import NodeResult
from orchestration.warehouse import build_file, fingerprints, run_log
from tests.dbt.identity.test_histories import OVERRIDES, History, arrivals
from tests.support.arrivals import Arrival, batches, installation, lines, load
from tests.support.compiled import Compiled
from tests.support.goldens import goldens
from tests.support.paths import SAMPLES
from tests.support.week import ANNA, WEEK, by_export_date

pytestmark = pytest.mark.long

# When something came and which attempt brought it; the logs of runs and of changes from one publication to the next.
ARRIVAL_COLUMNS = ("load_seq", "loaded_at", "run_id", "file_mtime_ns", "file_ctime_ns", "file_inode")
ARRIVAL_TABLES = (
    "meta.runs",
    "meta.identity_events",
    "internal.made_by",
    "internal.changed_keys",
    "internal.rows_deleted",
)
MADE = ("staging", "identity", "internal", "orders", "marts", "meta")
Rows = dict[str, list[tuple[object, ...]]]

SEGMENTS = "segment_id,name,description,predicate\nbuyers,Buyers,,order_count >= 1\nlively,Lively,,engagement_percentile > 40 and email is not null\n"


def shop(folder: Path) -> Settings:
    settings = replace(
        installation(folder),
        options=Options(free_disk_bytes=0, lock_wait_seconds=5, incremental_from_rows=0, incremental_share=1),
    )
    (settings.config / "computed_segments.csv").write_text(SEGMENTS, encoding="utf-8")
    return settings


def run(settings: Settings, arrivals: Iterable[Arrival]) -> None:
    for arrival in arrivals:
        arrival.land(settings.landing)
    pipeline.run(settings, accept_changes=True)


def contents(settings: Settings, *schemas: str) -> Rows:
    """Every table of the schemas, arrival aside."""
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("set TimeZone = 'UTC'")
        columns = con.execute(
            "select concat(schema_name, '.', table_name), list(column_name order by column_index) "
            "from duckdb_columns() where schema_name in $1 and not internal group by 1",
            [list(schemas)],
        ).fetchall()
        return {
            table: sorted(con.execute(_kept(table, names)).fetchall(), key=repr)
            for table, names in sorted(columns)
            if table not in ARRIVAL_TABLES
        }


def _kept(table: str, names: list[str]) -> str:
    columns = ", ".join(f'"{name}"' for name in names if name not in ARRIVAL_COLUMNS)
    return f"select {columns} from {table}" + (" where status <> 'superseded'" if table == "meta.loads" else "")


def differences(left: Rows, right: Rows) -> dict[str, tuple[list[object], list[object]]]:
    """What only one of them holds, by table."""
    return {
        table: (
            [row for row in left[table] if row not in right[table]],
            [row for row in right[table] if row not in left[table]],
        )
        for table in left
        if left[table] != right[table]
    }


def landed_at_once(folder: Path) -> Settings:
    settings = shop(folder)
    for arrival in WEEK:
        arrival.land(settings.landing)
    return settings


def make(settings: Settings, models: Compiled) -> Rows:
    """Everything that the models make of what is loaded, and what they make it of."""
    with build_file.connect(settings) as con:
        prepare(con, settings)
        models.make(con)
    return contents(settings, *MADE)


def without_own_tables(rows: Rows) -> Rows:
    """Leaves out what the loader keeps for itself, which says something of arrival."""
    return {
        table: reported
        for table, reported in rows.items()
        if not table.startswith("internal.") or "internal.int_" in table
    }


def prepare(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    seeds.load(con, settings)
    day = run_log.greatest_export_date(con)
    assert day is not None
    write_run_settings(con, settings, day)


def renew(settings: Settings, models: Compiled, division: incremental.Division) -> bool:
    """Brings the models up to date in part where that can be, else in full; whether in part."""

    def make_part(file: Path) -> tuple[NodeResult, ...]:
        with duckdb.connect(str(file)) as part:
            part.execute("set TimeZone = 'UTC'")
            models.make(part, division.in_part)
        return ()

    with build_file.connect(settings) as con:
        prepare(con, settings)
        before = fingerprints.transformed_by(con, "rules")
        in_part = before is not None and incremental.find_affected(con, settings, before.load_seq)
        in_part = in_part and incremental.renew(con, settings, division, make_part) is not None
        models.make(con, division.in_whole if in_part else ())
        fingerprints.remember_transformed(con, "data", "rules")
    return in_part


@dataclass(frozen=True)
class Week:
    """The week as it is made when all of it is there from the beginning: by the nightly job, and by its models alone."""

    models: Compiled
    division: incremental.Division
    run: Rows
    made: Rows


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Week:
    settings = landed_at_once(tmp_path_factory.mktemp("run") / "data")
    run(settings, [])
    models = Compiled(settings)
    alone = landed_at_once(tmp_path_factory.mktemp("alone") / "data")
    load(alone, [])
    division = incremental.Division.of(dbt_project.parsed(settings).nodes)
    return Week(models, division, without_own_tables(contents(settings, *MADE)), make(alone, models))


@pytest.mark.parametrize(
    "seed",
    [
        0,
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 30)),
    ],
)
def test_the_warehouse_does_not_know_in_which_order_the_week_came(tmp_path: Path, at_once: Week, seed: int) -> None:
    settings = shop(tmp_path / "data")
    for batch in batches(WEEK, seed):
        load(settings, batch)
    assert differences(make(settings, at_once.models), at_once.made) == {}


def two_files_of_a_day(first: str, second: str, *, timed_only: bool) -> list[Arrival]:
    """Two people, each reported twice on one day with other facts inside: in a file `first` in the morning, in a file
    `second` at noon."""
    return [
        lines(f"{stream}/2026-03-02/{name}.ndjson", *(record(number, at_noon=at_noon) for number in (1, 2)))
        for name, at_noon in ((first, False), (second, True))
        for stream, record in {**_TIMED, **({} if timed_only else _UNTIMED)}.items()
    ]


def _moment(*, at_noon: bool) -> str:
    return f"2026-03-01T{12 if at_noon else 6:02}:00:00Z"


def _mail(number: int) -> str:
    return f"twice-{number}@week.example.com"


def _holder_of_points(number: int, *, at_noon: bool) -> dict[str, object]:
    gold = {"points": 70 if at_noon else 90, "loyalty_tier": "gold" if at_noon else "iron"}
    return {
        "object": "customer",
        "id": f"cust_twice_{number}",
        "email": _mail(number),
        "updated_at": _moment(at_noon=at_noon),
        "summary": {"orders": {"total_amount": 5000 if at_noon else 9000, "total_count": 1 if at_noon else 2}},
        "loyalty": {"points": gold["points"], "campaigns": {"stars": gold}},
        "referrals": {
            "campaigns": [
                {
                    "campaign_id": "bring",
                    "referrer_id": "cust_twice_1",
                    "related_object_id": "noon" if at_noon else "morning",
                }
            ]
        },
        "system_metadata": {"consents": {"news": {"value": at_noon, "date": "2026-02-01T00:00:00Z"}}},
    }


def _contact(number: int, *, at_noon: bool) -> dict[str, object]:
    return {
        "contactID": f"twice-{number}",
        "email": _mail(number),
        "updatedAt": _moment(at_noon=at_noon),
        "tags": ["noon" if at_noon else "morning", "both"],
        "statuses": [
            {
                "channel": "email",
                "status": "subscribed" if at_noon else "unsubscribed",
                "date": _moment(at_noon=at_noon),
            }
        ],
    }


def _subscriber(number: int, *, at_noon: bool) -> dict[str, object]:
    word = "EXPLICITLY_OPTEDIN" if at_noon else "NOT_SPECIFIED"
    return {
        "@type": "contact",
        "id": f"twice-{number}",
        "email": _mail(number),
        "firstname": "Nora",
        "dt_object_updated": _moment(at_noon=at_noon),
        "marketing_optin": word,
    }


def _listed(number: int, *, at_noon: bool) -> dict[str, object]:
    lists = [{"id": "noon" if at_noon else "morning", "title": "A list", "type": "STATIC"}]
    stats = {"orders": 3 if at_noon else 4, "revenue": 30.0 if at_noon else 40.0}
    return {
        "@type": "profile",
        "id": f"twice-{number}",
        "email": _mail(number),
        "lists": lists,
        "stats": stats,
        "tags": [],
    }


def _browser(number: int, *, at_noon: bool) -> dict[str, object]:
    seen = {"type": "product", "action": "detail", "timestamp": "2026-02-27T18:04:00Z", "data": {"product_id": "fern"}}
    return {
        "identifiers": {"email": _mail(number), "customer_id": f"twice-{number}"},
        "attributes": {"city": "Ulm" if at_noon else "Bonn"},
        "insights": {"total_revenue": 20.0 if at_noon else 25.0, "order_count": 1},
        "segments": ["noon" if at_noon else "morning"],
        "events": [seen, seen | {"timestamp": _moment(at_noon=at_noon)}],
    }


_TIMED = {"voucherify/customers": _holder_of_points, "omnisend/contacts": _contact, "ometria/contacts": _subscriber}
_UNTIMED = {"ometria/profiles": _listed, "optimizely/profiles": _browser}


def made_of(folder: Path, models: Compiled, *days: list[Arrival]) -> Rows:
    settings = shop(folder)
    for delivered in days:
        load(settings, delivered)
    return make(settings, models)


def test_facts_inside_profiles_do_not_know_which_of_two_files_of_a_day_came_first(
    tmp_path: Path, at_once: Week
) -> None:
    arrivals = two_files_of_a_day("a", "b", timed_only=False)
    half = len(arrivals) // 2
    made = made_of(tmp_path / "one", at_once.models, arrivals[:half], arrivals[half:])
    assert {len(made[f"marts.{mart}"]) for mart in ("dim_customers", "fct_loyalty_balances", "fct_referrals")} == {2}
    assert differences(made, made_of(tmp_path / "other", at_once.models, arrivals[half:], arrivals[:half])) == {}


def test_of_two_reports_of_a_profile_on_one_day_the_later_update_decides_its_facts_whatever_its_file_is_called(
    tmp_path: Path, at_once: Week
) -> None:
    named, named_otherwise = (
        made_of(tmp_path / first, at_once.models, two_files_of_a_day(first, second, timed_only=True))
        for first, second in (("a", "b"), ("b", "a"))
    )
    marts = {table for table in named if table.startswith("marts.")}
    assert (
        differences({table: named[table] for table in marts}, {table: named_otherwise[table] for table in marts}) == {}
    )
    assert {balance[11] for balance in named["marts.fct_loyalty_balances"]} == {70}


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, at_once: Week) -> tuple[Settings, Rows]:
    """The samples, the week, and every golden case of every vendor in two files of one day: much of it reports one
    thing at one time."""
    settings = landed_at_once(tmp_path_factory.mktemp("everything") / "data")
    shutil.copytree(SAMPLES, settings.landing, dirs_exist_ok=True)
    for golden in goldens():
        case = json.loads(golden.path.read_bytes())
        for name in ("a", "b"):
            path = f"{golden.vendor}/{golden.stream}/2026-03-02/{golden.path.stem}-{name}.ndjson"
            lines(path, *(case.get("records", []) if name == "a" else reversed(case.get("records", [])))).land(
                settings.landing
            )
    load(settings, [])
    return settings, make(settings, at_once.models)


@pytest.mark.parametrize(
    "seed",
    [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))],
)
def test_the_order_in_which_the_rows_of_staging_lie_decides_nothing(
    at_once: Week, everything: tuple[Settings, Rows], seed: int
) -> None:
    settings, expected = everything
    with build_file.connect(settings) as con:
        for table in TABLES:
            con.execute(
                f"create or replace table staging.{table} as select * from staging.{table} order by md5(concat(rowid, '{seed}'))"
            )
    made = make(settings, at_once.models)
    assert len(made["marts.dim_customers"]) > 50
    assert differences(made, expected) == {}


@pytest.mark.parametrize(
    "seed",
    [
        0,
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 30)),
    ],
)
def test_partial_runs_make_the_warehouse_that_a_full_build_makes(tmp_path: Path, at_once: Week, seed: int) -> None:
    settings = shop(tmp_path / "data")
    in_part = []
    for batch in batches(WEEK, seed):
        load(settings, batch)
        in_part.append(renew(settings, at_once.models, at_once.division))
    assert (
        differences(
            without_own_tables(contents(settings, *MADE)),
            without_own_tables(at_once.made),
        )
        == {}
    )
    assert any(in_part)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 9))
def test_after_every_partial_run_everything_is_as_a_full_build_makes_it(
    tmp_path: Path, at_once: Week, seed: int
) -> None:
    """Of a hundred random histories, whose people meet and part, with the decisions of all of them in force; no delivery is full."""
    histories = [History(number) for number in range(100 * seed, 100 * seed + 100)]
    settings, in_full = shop(tmp_path / "data"), shop(tmp_path / "in_full")
    decisions = [decision.line for history in histories for decision in history.decisions]
    (settings.config / "identity_overrides.csv").write_text("\n".join([OVERRIDES, *decisions]) + "\n", encoding="utf-8")
    shutil.copyfile(settings.config / "identity_overrides.csv", in_full.config / "identity_overrides.csv")
    in_full.build_file.parent.mkdir()
    partial_runs = 0
    for batch in batches(list(arrivals(histories, full=False)), seed, ends=0.05):
        load(settings, batch)
        partial_runs += renew(settings, at_once.models, at_once.division)
        shutil.copyfile(settings.build_file, in_full.build_file)
        make(in_full, at_once.models)
        made, expected = (without_own_tables(contents(made, *MADE[1:])) for made in (settings, in_full))
        assert differences(made, expected) == {}
    assert partial_runs >= 3


def test_the_nightly_job_works_in_part_and_compares_that_with_a_full_build_now_and_then(
    tmp_path: Path, at_once: Week
) -> None:
    settings = shop(tmp_path / "data")
    first, second = (
        arrival
        for arrival in WEEK
        if arrival.path.startswith(("omnisend/events/2026-03-06", "omnisend/events/2026-03-07"))
    )
    run(settings, [arrival for arrival in WEEK if arrival not in (first, second)])
    reported, warnings = run_with(settings, first)
    assert [line for line in reported if "affected" in line or "compare" in line] == [
        "4 of 12 records are affected: building their part"
    ]
    assert warnings == ()
    assert not settings.part_file.exists()
    with build_file.connect(settings) as con:
        con.execute(
            "update internal.transformed set in_full_at = now() - $1::interval",
            [timedelta(days=settings.options.full_build_days)],
        )
        con.execute("update marts.dim_customers set city = 'Elsewhere' where email = $1", [ANNA])
    reported, warnings = run_with(settings, second)
    assert [line for line in reported if "affected" in line or "compare" in line][1:] == [
        "building in full, to compare"
    ]
    assert warnings == (
        "test parts_equal_a_full_build: builds in part had left other rows in marts.dim_customers than the full build that stands now",
    )
    assert differences(without_own_tables(contents(settings, *MADE)), at_once.run) == {}


def run_with(settings: Settings, arrival: Arrival) -> tuple[list[str], tuple[str, ...]]:
    """What the nightly job says of the run in which this came, and what it warns of."""
    reported: list[str] = []
    arrival.land(settings.landing)
    return reported, pipeline.run(settings, accept_changes=True, progress=reported.append).warnings


def test_a_full_delivery_and_other_rules_have_everything_built_in_full(tmp_path: Path, at_once: Week) -> None:
    settings = shop(tmp_path / "data")
    full = next(arrival for arrival in WEEK if "_full" in arrival.path)
    before = WEEK[: WEEK.index(full)]
    in_part = []
    for batch in (before[:3], before[3:], [full]):
        load(settings, batch)
        in_part.append(renew(settings, at_once.models, at_once.division))
    assert in_part == [False, True, False]
    with build_file.connect(settings) as con:
        assert fingerprints.transformed_by(con, "rules") is not None
        assert fingerprints.transformed_by(con, "other rules") is None


def test_what_touches_too_many_is_built_in_full(tmp_path: Path, at_once: Week) -> None:
    settings = shop(tmp_path / "data")
    cautious = replace(settings, options=msgspec.structs.replace(settings.options, incremental_share=0.2))
    load(settings, WEEK[:5])
    renew(cautious, at_once.models, at_once.division)
    load(settings, WEEK[5:6])
    assert not renew(cautious, at_once.models, at_once.division)
    load(settings, WEEK[6:7])
    assert renew(settings, at_once.models, at_once.division)


@pytest.mark.slow
def test_marts_made_day_by_day_equal_those_made_at_once(tmp_path: Path, at_once: Week) -> None:
    settings = shop(tmp_path / "data")
    for day in by_export_date():
        run(settings, day)
    assert differences(without_own_tables(contents(settings, *MADE)), at_once.run) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 17])
def test_marts_made_after_every_arrival_in_any_order_equal_those_made_at_once(
    tmp_path: Path, at_once: Week, seed: int
) -> None:
    settings = shop(tmp_path / "data")
    for batch in batches(WEEK, seed):
        run(settings, batch)
    assert differences(without_own_tables(contents(settings, *MADE)), at_once.run) == {}


def test_the_models_alone_make_what_the_nightly_job_makes(at_once: Week) -> None:
    assert {table: len(rows) for table, rows in at_once.run.items()} == {
        table: len(at_once.made[table]) for table in at_once.run
    }


def test_the_week_holds_each_kind_of_trouble(at_once: Week) -> None:
    week = at_once.run
    assert len(week["marts.fct_orders"]) == 5
    assert len(week["marts.dim_customers"]) == 4
    assert len(week["meta.rejects"]) == 1
    assert {conflict[0] for conflict in week["meta.order_conflicts"]} >= {"orphan_refund", "amount"}
    assert {stay[6] for stay in week["marts.fct_segment_memberships"]} == {"ometria", "optimizely", "warehouse"}
    assert sum(loads[9] for loads in week["meta.loads"]) >= 4
