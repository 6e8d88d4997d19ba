"""Whoever is forgotten is in no byte and no row any more, does not come back, and takes nobody and no cent along."""

import json
import signal

import duckdb
import pytest

from orchestration.config.settings import Settings
from tests.privacy.conftest import c360
from tests.support import canary
from tests.support.deliveries import row_counts_balance

REVENUE = "select strftime(order_date, '%Y-%m') as month, currency, sum(net_amount), sum(net_amount_reporting), count(*) from marts.fct_orders group by all order by all"
BUYERS = "select currency, count(distinct coalesce(customer_id, anonymous_id)), count(*) from marts.fct_orders group by all order by all"
OVERRIDES = (
    "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,identifier_type,identifier_value,author,reason\n"
    f"never,omnisend,default,contacts,{canary.IDS['omnisend']},ometria,default,profiles,other-ometria,,,me,brothers\n"
    f"blocked,,,,,,,,,email,{canary.EMAIL},me,the till\n"
    "blocked,,,,,,,,,email,desk@shop.example,me,the till\n"
)
OTHERS = (
    "dim_customers",
    "dim_customers_history",
    "customer_insights",
    "bridge_customer_records",
    "bridge_customer_identifiers",
    "fct_consents",
    "fct_events",
    "fct_segment_memberships",
)

pytestmark = pytest.mark.slow


def rows(settings: Settings, query: str, *values: object) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return con.execute(query, list(values)).fetchall()


def person(settings: Settings) -> str:
    [(found,)] = rows(
        settings,
        "select distinct customer_id from marts.bridge_customer_identifiers where identifier_value = $1",
        canary.EMAIL,
    )
    return str(found)


def others(settings: Settings, customer_id: str) -> dict[str, object]:
    """A hash of every mart of people, without that person; places in the population move when somebody leaves it."""
    relative = {"customer_insights": "exclude (engagement_percentile, rfm_recency, rfm_frequency, rfm_monetary)"}
    return {
        table: rows(
            settings,
            f"select count(*), sum(hash(t)) from (select * {relative.get(table, '')} from marts.{table}) as t where customer_id is distinct from $1 and customer_id is not null",
            customer_id,
        )
        for table in OTHERS
    }


def all_marts(settings: Settings) -> dict[str, object]:
    tables = [
        name
        for (name,) in rows(settings, "select table_name from duckdb_tables() where schema_name = 'marts' order by all")
    ]
    return {table: rows(settings, f"select count(*), sum(hash(t)) from marts.{table} as t") for table in tables}


def ids(settings: Settings, customer_id: str) -> list[str]:
    """Every id of ours that the person ever had."""
    return [str(one) for (one,) in rows(settings, "select alias_id from marts.customer_id_aliases where customer_id = $1", customer_id)]  # fmt: skip


def nothing_is_left(settings: Settings, *more: str) -> None:
    assert canary.found_in_files(settings.data, *more) == {}
    assert canary.found_in_tables(settings.published_file, *more) == {}
    assert canary.found_in_tables(settings.build_file, *more) == {}
    assert row_counts_balance(settings.published_file)


def test_the_canary_is_found_in_every_place_before(settings: Settings) -> None:
    places = canary.found_in_files(settings.data)
    landed = [path for path in settings.landing.rglob("*qx*") if path.is_file()]
    assert {str(path.relative_to(settings.data)) for path in landed} <= places.keys()
    assert {"warehouse.duckdb", "build/warehouse.duckdb"} <= places.keys()
    assert any(place.startswith("marts/") for place in places)
    assert any(place.startswith("marts/") and "dim_customers/" in place for place in places)
    assert canary.found_in_tables(settings.published_file).keys() >= {
        "staging.customers",
        "staging.orders",
        "marts.dim_customers",
        "meta.rejects",
    }


def test_nothing_of_the_person_is_left_and_nobody_else_and_no_cent_goes(settings: Settings) -> None:
    who, revenue = person(settings), rows(settings, REVENUE)
    before, known_as, buyers = others(settings, who), ids(settings, who), rows(settings, BUYERS)
    orders = rows(settings, "select order_id from marts.fct_orders where customer_id = $1 order by 1", who)
    (settings.config / "identity_overrides.csv").write_text(OVERRIDES, encoding="utf-8")
    canary.leave_half_a_page(settings)
    done = c360(settings, "forget", "--email", canary.EMAIL, "--by", "the test", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(settings, *known_as)
    assert others(settings, who) == before
    assert rows(settings, REVENUE) == revenue
    assert rows(settings, BUYERS) == buyers
    assert (settings.config / "identity_overrides.csv").read_text(encoding="utf-8").splitlines() == [
        OVERRIDES.splitlines()[0],
        OVERRIDES.splitlines()[-1],
    ]
    # All their orders are one nobody's, who is in no table of people.
    anonymous = rows(settings, "select anonymous_id from marts.fct_orders where anonymous_id is not null group by all")
    assert len(anonymous) == 1
    assert rows(settings, "select order_id from marts.fct_orders where anonymous_id is not null order by 1") == orders
    assert rows(settings, "select count(*) from marts.dim_customers where customer_id = $1", anonymous[0][0]) == [(0,)]

    marts = all_marts(settings)
    refreshed = c360(settings, "run", "--full-refresh")
    assert refreshed.returncode in (0, 3), refreshed.stderr
    assert all_marts(settings) == marts


def test_what_is_delivered_again_changes_nothing_and_is_logged_as_erased(settings: Settings) -> None:
    assert c360(settings, "forget", "--email", canary.EMAIL, "--yes").returncode == 0
    marts = all_marts(settings)
    canary.land(settings)
    again = c360(settings, "run")
    assert again.returncode in (0, 3), again.stderr
    assert canary.found_in_tables(settings.published_file) == {}
    assert all_marts(settings) == marts
    assert row_counts_balance(settings.published_file)
    assert rows(settings, "select count(*) > 5, bool_and(raw = '') from meta.rejects where reason_code = 'erased'") == [
        (True, True)
    ]


def test_nothing_is_left_of_deliveries_that_were_archived(settings: Settings) -> None:
    who, revenue = person(settings), rows(settings, REVENUE)
    before, known_as = others(settings, who), ids(settings, who)
    for path in settings.landing.rglob("*qx*"):
        path.unlink()
    done = c360(settings, "forget", who, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(settings, *known_as)
    assert others(settings, who) == before
    assert rows(settings, REVENUE) == revenue
    marts = all_marts(settings)
    refreshed = c360(settings, "run", "--full-refresh")
    assert refreshed.returncode in (0, 3), refreshed.stderr
    assert all_marts(settings) == marts


def test_without_a_secret_nobody_is_erased_and_it_is_said_how_to_make_one(settings: Settings) -> None:
    (settings.config / "secret").unlink()
    done = c360(settings, "forget", "--email", canary.EMAIL, "--yes")
    assert done.returncode == 2
    assert "secrets.token_hex" in done.stderr


def test_an_id_that_never_was_is_wrong_use(settings: Settings) -> None:
    done = c360(settings, "forget", "0" * 32, "--yes")
    assert done.returncode == 2
    assert "Nobody is known by that." in done.stderr


# In the order in which an erasure passes them; the first two keep nothing of it yet.
NEVER_BEGUN = ("erasure_noted", "orders_noted")
KILLS = (
    *NEVER_BEGUN, "erasure_begun", "after_erasing_given_back", "erasing_file_5", "after_erasing_landing", "after_renaming", "after_staging",
    "after_erasing_rows", "before_dbt", "after_dbt", "before_new_build_file", "after_new_build_file", "before_copy", "before_note", "before_swap",
    "after_swap", "before_prune", "before_run_book", "after_dropping_publications", "after_receipt",
)  # fmt: skip


@pytest.mark.faults
def test_an_erasure_that_is_killed_at_one_point_after_the_other_ends_all_the_same(settings: Settings) -> None:
    revenue, who = rows(settings, REVENUE), person(settings)
    known_as, before = ids(settings, who), others(settings, who)
    canary.leave_half_a_page(settings)
    reached = []
    for point in KILLS:
        command = ("forget", who, "--yes") if point in (*NEVER_BEGUN, "erasure_begun") else ("run",)
        done = c360(settings, *command, C360_KILL_AT=point)
        reached += [point] if done.returncode == -signal.SIGKILL else []
    assert [point for point in KILLS if point not in reached] == []
    assert c360(settings, "run").returncode in (0, 3)
    nothing_is_left(settings, *known_as)
    assert others(settings, who) == before
    assert rows(settings, REVENUE) == revenue
    assert not list((settings.data / "privacy" / "pending").iterdir())
    [receipt] = (settings.data / "privacy" / "receipts").glob("*.json")
    assert json.loads(receipt.read_bytes())["landing_records"]


@pytest.mark.faults
def test_who_is_being_erased_is_not_written_for_vendors_again_before_the_erasure_has_ended(settings: Settings) -> None:
    (settings.config / "activation.toml").write_text(
        "".join(
            f'[targets.{vendor}]\nvendor = "{vendor}"\npurpose = "service"\n' for vendor in ("ometria", "omnisend")
        ),
        encoding="utf-8",
    )
    assert c360(settings, "activate", "--yes").returncode == 0
    written = settings.data / "activation"
    assert canary.found_in_files(written)
    forget = ("forget", "--email", canary.EMAIL, "--yes")
    assert c360(settings, *forget, C360_KILL_AT="after_erasing_given_back").returncode == -signal.SIGKILL
    given = c360(settings, "activate", "--yes")
    assert given.returncode == 1 and "an erasure has not ended" in given.stderr
    assert all("erasures/" in place for place in canary.found_in_files(written))
    assert c360(settings, "run").returncode in (0, 3)
    assert all("erasures/" in place for place in canary.found_in_files(written))
    assert c360(settings, "activate", "--yes").returncode == 0
    assert all("erasures/" in place for place in canary.found_in_files(written))


@pytest.mark.faults
@pytest.mark.parametrize("point", KILLS)
def test_an_erasure_that_was_killed_is_ended_by_the_next_run(settings: Settings, point: str) -> None:
    revenue = rows(settings, REVENUE)
    killed = c360(settings, "forget", "--email", canary.EMAIL, "--yes", C360_KILL_AT=point)
    assert killed.returncode == -signal.SIGKILL
    if point in NEVER_BEGUN:
        assert c360(settings, "forget", "--email", canary.EMAIL, "--yes").returncode == 0
    else:
        assert c360(settings, "run").returncode in (0, 3)
    nothing_is_left(settings)
    assert rows(settings, REVENUE) == revenue
    assert not list((settings.data / "privacy" / "pending").iterdir())
