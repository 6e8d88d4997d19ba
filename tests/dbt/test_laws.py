"""Laws of the whole project: no check that stops a publication fails, whatever the vendors say and people decide.

Random worlds of few people, ids and moments, so that everything meets: records that share, contradict, come, go and come back;
contacts of orders and events; consents, segments, balances, reviews, leads and figures of whoever; decisions of people that the
data turns against each other.
"""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.canonical.vocabulary import CHANNELS, METRICS, ORDER_STATUSES, SEGMENT_KINDS
from orchestration.config.settings import Settings
from orchestration.docgen import check_kinds
from orchestration.docgen.check_kinds import KINDS, Check
from tests.dbt.conftest import AS_OF
from tests.support.paths import PROJECT
from tests.support.project import Project
from tests.support.warehouse_builder import Row, WarehouseBuilder, alias, insert

pytestmark = pytest.mark.long

STREAMS = {
    "ometria": "profiles",
    "voucherify": "customers",
    "omnisend": "contacts",
    "optimizely": "profiles",
    "open_delivery": "customers",
}
CHECKS = check_kinds.checks(Settings(data=Path()).dbt_project)
ACCOUNTS = ("default", "default", "second")
FACTS = (
    "consents",
    "memberships",
    "segments",
    "orders",
    "adjustments",
    "events",
    "reviews",
    "leads",
    "balances",
    "redemptions",
    "referrals",
    "stats",
)
QUICK = (4, 5, 14)
MONEY = ("0", "0.01", "10.00", "-10.00", "55.0001", "99999999999999.9999", None)
STATES = ("member", "entered", "left", "subscribed", "unsubscribed", "none")


class World:
    """What is reported of a handful of people on a few days, all of it a function of the seed."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.retelling = random.Random(f"told again {seed}")
        self.reported = WarehouseBuilder(Path(), as_of=AS_OF)
        self.owners: dict[tuple[str, str, str], None] = {}
        self.observed: set[tuple[str, str, str, int]] = set()
        self.days = self.chance.randint(2, 5)
        for _ in range(self.chance.randint(2, 14)):
            self.record()
        for _ in range(self.chance.randint(0, 8)):
            self.contact()
        self.crowd()
        for _ in range(self.chance.randint(60, 240)):
            getattr(self, self.chance.choice(FACTS))()
        for source, stream in STREAMS.items():
            for day in range(self.days):
                if self.chance.random() < 0.15:
                    self.reported.delivery(source, stream, self.date(day), is_full=True)
        self.decisions = list(self.decide())

    def any(self, *values: Any) -> Any:
        return self.chance.choice(values)

    def date(self, day: int | None = None) -> date:
        return date(2024, 1, 1) + timedelta(days=self.chance.randrange(self.days) if day is None else day)

    def moment(self) -> datetime:
        return datetime.combine(self.date(), time(self.any(0, 12)), UTC) + timedelta(
            days=self.any(-400, -40, 0, 0, 0, 40, 90)
        )

    def maybe_moment(self) -> datetime | None:
        return self.any(None, self.moment())

    def person(self) -> Row:
        return {
            "first_name": self.any(None, "Ana", "Anna", "Ben", "Kunde", "Λίνα"),
            "last_name": self.any(None, "Lobo", "Lopo", "Roth", "-"),
            "birth_date": self.any(None, None, date(1980, 5, 6), date(1980, 6, 5), date(1950, 5, 6)),
            "city": self.any(None, "Porto", "Braga"),
            "state_raw": self.any(None, "Porto"),
            "postal_code": self.any(None, "4000"),
            "country_code": self.any(None, "PT", "DE"),
            "gender": self.any(None, "f", "m"),
        }

    def identify(self, row: Row) -> None:
        for kind, value in (
            ("email", f"{self.any('a', 'b', 'c', 'info')}@law.example"),
            ("phone", self.any("+351910000001", "+351910000002")),
            ("document", self.any("52998224725", "11144477735")),
            ("vuid", self.any("v1", "v2")),
            ("customer_id", self.any("1", "2", "r1")),
        ):
            if self.chance.random() < 0.4 and not any(
                one["id_type"] == kind and one["source_file"] == row["source_file"] for one in self.identifiers
            ):
                confidence = "low" if kind == "vuid" else self.any("high", "high", "high", "low", "none")
                self.reported.identifier(
                    row, kind, value, merge_confidence=confidence, is_valid=self.any(True, True, True, False)
                )

    @property
    def identifiers(self) -> list[Row]:
        return self.reported.rows["customer_identifiers"]

    def record(self) -> None:
        source, account, record = self.any(*STREAMS), self.any(*ACCOUNTS), self.any("r1", "r2", "r3")
        stream = STREAMS[source]
        self.owners[source, account, record] = None
        for day in range(self.days):
            if self.chance.random() < 0.5 or (source, account, record, day) in self.observed:
                continue
            self.observed.add((source, account, record, day))
            row = self.reported.profile(
                source,
                record,
                **self.person(),
                source_account=account,
                stream=stream,
                export_date=self.date(day),
                alias_id=alias(f"{source}|{account}", stream, record),
                is_deleted=self.any(None, False, False, True),
                attributes=self.any(None, '{"size": "M"}', '{"size": ["S", "M"], "loyal": true}'),
                source_updated_at=self.maybe_moment(),
                created_at=self.maybe_moment(),
            )
            self.identify(row)

    def crowd(self) -> None:
        """What chance seldom makes: more people than one address can be of, one with two profiles, a buyer of much, an order whose
        buyer was mistaken, and a chain from one document to another."""
        names = ("Ana", "Ben", "Carla", "Dora", "Emil", "Fritz", "Hugo", "Ines", "Gerda")
        for name in names:
            self.owners["omnisend", "default", name] = None
            self.reported.profile(
                "omnisend",
                name,
                first_name=name,
                stream="contacts",
                email="crowd@law.example",
                is_deleted=name == names[-1],
            )
        first, second = ({"owner_record_id": name, "stream": "contacts"} for name in names[:2])
        self.reported.order("omnisend", "N-4", total="2000000.00", **first)
        self.reported.adjustment(
            "omnisend", "N-4", "1.00", stream="contacts", occurred_at=datetime(2024, 3, 20, tzinfo=UTC)
        )
        self.reported.event(
            "omnisend",
            "e4",
            event_type="email",
            event_action="click",
            occurred_at=datetime(2023, 12, 30, tzinfo=UTC),
            **first,
        )
        self.reported.add(
            "segment_memberships",
            source="omnisend",
            segment_id="w",
            segment_name="Whales",
            kind="dynamic_segment",
            state="member",
            **second,
        )
        for record in ("one", "other"):
            row = self.reported.profile(
                "voucherify", record, stream="customers", first_name="Hans", email="hans@law.example"
            )
            self.reported.order("voucherify", f"H-{record}", owner_record_id=record, stream="customers", total="10.00")
            self.reported.add(
                "vendor_stats",
                source="voucherify",
                owner_record_id=row["source_record_id"],
                stream="customers",
                metric="order_count",
                value_num="1",
            )
        self.reported.profile("omnisend", "right", stream="contacts", email="right@law.example")
        papers = ("52998224725", None, "39053344705")
        for number, document in enumerate(papers):
            row = self.reported.profile("ometria", f"paper {number}", email="first@law.example" if number < 2 else None)
            for kind, value in (("document", document), ("phone", "+351910000003" if number > 0 else None)):
                if value:
                    self.reported.identifier(row, kind, value)
        for day, name in enumerate(("wrong", "right")):
            place = {"source_account": "default", "stream": "orders", "export_date": self.date(day)}
            record = f"derived:{name}"
            contact = self.reported.add(
                "contacts",
                source="omnisend",
                source_record_id=record,
                alias_id=alias("omnisend", "derived", record),
                **place,
            )
            self.reported.identifier(contact, "email", f"{name}@law.example")
            self.reported.order("omnisend", "C-1", owner_record_id=record, total="5.00", **place)

    def contact(self) -> None:
        source, account, number = self.any(*STREAMS), self.any(*ACCOUNTS), self.any(1, 2, 3)
        record = f"derived:{number}"
        self.owners[source, account, record] = None
        stream = self.any("orders", "events")
        row = self.reported.add(
            "contacts",
            source=source,
            source_account=account,
            stream=stream,
            source_record_id=record,
            export_date=self.date(),
            alias_id=alias(f"{source}|{account}", "derived", record),
            seen_at=self.maybe_moment(),
            is_lead_only=self.any(False, False, True),
            **self.person(),
        )
        # What a contact is called by is what it carries.
        for kind, value in (
            ("email", f"{'abc'[number - 1]}@law.example"),
            ("phone", "+351910000001"),
            ("vuid", f"v{number}"),
        )[: self.any(1, 2, 3)]:
            self.reported.identifier(row, kind, value, merge_confidence="low" if kind == "vuid" else "high")

    def owner(self) -> Row:
        """Columns that say who a fact is of: of somebody who landed, of somebody who did not, or of nobody."""
        chosen = self.any(*self.owners, ("ometria", "default", "stranger"), None)
        if chosen is None:
            source = self.any(*STREAMS)
            return {
                "source": source,
                "stream": STREAMS[source],
                "source_account": "default",
                "export_date": self.date(),
            }
        source, account, record = chosen
        profile = None if record.startswith("derived:") else record
        place = {
            "source": source,
            "source_account": account,
            "stream": STREAMS[source],
            "export_date": self.date(),
            "owner_record_id": record,
        }
        return place | {"source_profile_id": profile}

    def consents(self) -> None:
        self.reported.add(
            "customer_consents",
            **self.owner(),
            id_type=self.any(None, "email"),
            id_value=self.any(None, "a@law.example"),
            channel=self.any(*CHANNELS),
            purpose=self.any("marketing", "all", "list:1", "survey"),
            status=self.any("opt_in", "opt_out", "unknown"),
            is_forced=self.any(None, False, True),
            effective_at=self.moment(),
            is_effective_at_inferred=self.any(False, True),
        )

    def memberships(self) -> None:
        self.reported.add(
            "segment_memberships",
            **self.owner(),
            segment_id=self.any("s1", "s2", "s2", None),
            segment_name=self.any(None, "One", "Two"),
            kind=self.any(*SEGMENT_KINDS),
            state=self.any(*STATES),
            observed_at=self.moment(),
            is_observed_at_inferred=self.any(False, True),
            valid_from=self.any(None, None, self.moment()),
            is_full_snapshot=self.any(None, False, True),
            source_updated_at=self.maybe_moment(),
        )

    def segments(self) -> None:
        source = self.any(*STREAMS)
        self.reported.add(
            "segments",
            source=source,
            export_date=self.date(),
            segment_id=self.any("s1", "s2"),
            name=self.any(None, "One", "Uno"),
            kind=self.any(*SEGMENT_KINDS),
            reported_members=self.any(None, 0, 7),
            created_at=self.maybe_moment(),
        )

    def named(self, number: str | None) -> Row:
        return {"source_order_id": number, "order_namespace": "shop", "order_match_key": number}

    def orders(self) -> None:
        owner, number = self.owner(), self.any("N-1", "N-2", "N-3")
        row = self.reported.order(
            owner.pop("source"),
            number,
            **owner,
            order_namespace=self.any("shop", "delivery"),
            is_from_event=self.any(False, True),
            status=self.any(*ORDER_STATUSES, None),
            is_status_inferred=self.any(False, True),
            total=self.any(*MONEY),
            subtotal=self.any(*MONEY),
            refunded_total=self.any(None, *MONEY[:3]),
            currency=self.any("EUR", "GBP", "XXX", None),
            is_currency_inferred=self.any(False, True),
            ordered_at=self.moment(),
            is_ordered_at_inferred=self.any(False, True),
            is_test=self.any(None, False, True),
        )
        for line in range(self.any(0, 1, 2)):
            self.reported.line(row, f"p{line}", total=self.any(*MONEY), unit_price=self.any(*MONEY), line_no=line + 1)

        if row["is_from_event"] and self.retelling.random() < 0.6:
            self.report_in_an_event(row)

    def report_in_an_event(self, order: Row) -> None:
        """The events that report an order came under its vendor's id, maybe several times, maybe of another order
        before."""
        chance = self.retelling
        kept = ("source_account", "stream", "export_date", "source_file", "source_row", "owner_record_id")
        place = {name: order.get(name) for name in kept}
        action = chance.choice(("purchase", "cancel", None))
        number = order["source_order_id"]
        self.reported.event(
            order["source"],
            chance.choice(("o1", "o2", "o3")),
            **self.named(number),
            event_type="order",
            event_action=action,
            is_event_id_derived=False,
            **place,
        )
        if action == "cancel":
            amount = chance.choice((None, "0.01", "10.00"))
            del place["owner_record_id"]
            self.reported.adjustment(order["source"], number, amount, amount_kind="running_total", **place)

    def adjustments(self) -> None:
        owner = self.owner()
        place = {name: owner[name] for name in ("source_account", "export_date", "stream")}
        self.reported.adjustment(
            owner["source"],
            self.any("N-1", "N-2", "N-9", None),
            self.any("0.01", "10.00", None),
            action=self.any("refund", "return", "cancel"),
            amount_kind=self.any("delta", "running_total"),
            currency=self.any("EUR", "GBP", None),
            occurred_at=self.maybe_moment(),
            **place,
        )

    def events(self) -> None:
        kind, action = self.any(("pageview", "view"), ("order", "purchase"), ("customer", "deleted"), ("email", "open"))
        owner = self.owner()
        self.reported.event(
            owner.pop("source"),
            self.any("e1", "e2", "e3"),
            **owner,
            **self.named(self.any(None, "N-1", "N-9")),
            event_type=kind,
            event_action=action,
            is_event_id_derived=False,
            engagement_class=self.any(None, "browse", "purchase"),
            occurred_at=self.moment(),
            received_at=self.maybe_moment(),
            is_active=self.any(None, True, False),
        )

    def reviews(self) -> None:
        row = self.reported.add(
            "reviews",
            **self.owner(),
            **self.named(self.any(None, "N-1", "N-2")),
            review_id=self.any("v1", "v2"),
            reviewed_at=self.maybe_moment(),
            answered_at=self.maybe_moment(),
            title=self.any(None, "good"),
        )
        place = {
            name: row[name]
            for name in ("source", "source_account", "stream", "export_date", "source_file", "source_row", "review_id")
        }
        for number in range(self.any(0, 1, 2)):
            self.reported.add(
                "review_ratings",
                rating_no=number + 1,
                method="stars",
                score_0_1=self.any(None, 0.0, 1.0),
                is_overall=self.any(False, True),
                **place,
            )

    def leads(self) -> None:
        owner = self.owner()
        owner.pop("source_profile_id", None)
        self.reported.add(
            "leads",
            **owner,
            lead_id=self.any("l1", "l2"),
            contact_type=self.any(None, "email"),
            contact_value=self.any(None, "a@law.example"),
        )

    def balances(self) -> None:
        self.reported.add(
            "loyalty_accounts",
            **self.owner(),
            account_id=self.any("c1", "c2"),
            program_id=self.any(None, "s1"),
            balance_type=self.any("points", "cashback"),
            balance=self.any(None, "0", "-3", "340"),
            tier_id=self.any(None, "gold"),
            source_updated_at=self.maybe_moment(),
        )

    def redemptions(self) -> None:
        self.reported.add(
            "redemptions",
            **self.owner(),
            **self.named(self.any(None, "N-1", "N-9")),
            redemption_id=self.any("x1", "x2", "x3"),
            kind=self.any("redemption", "rollback"),
            parent_redemption_id=self.any(None, "x1", "x3"),
            result=self.any(None, "success", "failure"),
            voucher_code=self.any(None, "SPRING", " spring"),
            money_amount=self.any(*MONEY),
            points_amount=self.any(None, "5"),
            currency=self.any("EUR", None),
            redeemed_at=self.maybe_moment(),
        )

    def referrals(self) -> None:
        source = self.any(*STREAMS)
        one, other = (self.any("r1", "r2", "email:a@law.example", None) for _ in range(2))
        self.reported.add(
            "referrals",
            source=source,
            campaign_id=self.any("c1", None),
            referrer_profile_id=one,
            referred_profile_id=other,
            export_date=self.date(),
        )

    def stats(self) -> None:
        metric = self.any(*METRICS)
        value: Row = (
            {"value_ts": self.moment()}
            if metric.endswith("_at")
            else {"value_num": self.any("0", "-1", "3", "55.00", "9e30")}
        )
        self.reported.add(
            "vendor_stats",
            **self.owner(),
            metric=metric,
            definition_id=f"stats.{metric}",
            currency=self.any("EUR", "GBP", None),
            **value,
        )

    def decide(self) -> Iterator[Row]:
        """Decisions about records that have landed: contradictory ones that a file shows are refused before, so there are none."""
        joined: dict[tuple[str, str, str, str], Any] = {}

        def group(record: Any) -> Any:
            while record in joined:
                record = joined[record]
            return record

        rows = self.reported.rows["customers"] + self.reported.rows["contacts"]
        records = sorted(
            {(row["source"], row["source_account"], stream_key(row), row["source_record_id"]) for row in rows}
        )
        pairs = [self.chance.sample(records, 2) for _ in range(self.any(0, 2, 6)) if len(records) > 1]
        chosen = [(self.any("always", "never"), *pair) for pair in pairs]
        for _, one, other in (decision for decision in chosen if decision[0] == "always"):
            if group(one) != group(other):
                joined[group(one)] = group(other)
        parts = ("source", "source_account", "stream", "source_record_id")
        for rule, one, other in chosen:
            if rule == "always" or group(one) != group(other):
                named = dict(zip(parts, one, strict=True)) | dict(
                    zip((f"other_{part}" for part in parts), other, strict=True)
                )
                yield {"rule": rule, **named, "author": "a tester", "reason": "a test"}
        if self.chance.random() < 0.3:
            yield {
                "rule": "blocked",
                "identifier_type": "email",
                "identifier_value": "a@law.example",
                "author": "a tester",
                "reason": "a test",
            }


def stream_key(row: Row) -> str:
    return "derived" if row["source_record_id"].startswith("derived:") else row["stream"]


@pytest.fixture(scope="module")
def project(warehouse: WarehouseBuilder) -> Iterator[Project]:
    made = Project(warehouse)
    yield made
    made.con.close()


def make(project: Project, world: World, *, seed: int = 0) -> None:
    project.con.execute("delete from seeds.identity_overrides")
    insert(project.con, "seeds.identity_overrides", world.decisions)
    project.make(world.reported, seed=seed)
    project.con.execute("delete from seeds.identity_overrides")


def filled(project: Project) -> set[str]:
    """Models that have rows."""
    tables = project.rows(
        "select schema_name, table_name from duckdb_tables() where schema_name not in ('staging', 'seeds')"
    )
    return {name for schema, name in tables if project.rows(f"select 1 from {schema}.{name} limit 1")}


@pytest.fixture(scope="module")
def quick_worlds(project: Project) -> dict[int, tuple[dict[str, Any], set[str]]]:
    """Of each world the checks that it breaks and the models that it fills."""
    found = {}
    for seed in QUICK:
        make(project, World(seed))
        found[seed] = project.broken(), filled(project)
    return found


@pytest.mark.parametrize("seed", QUICK)
def test_no_check_that_stops_a_publication_fails_whatever_is_reported_and_decided(
    quick_worlds: dict[int, tuple[dict[str, Any], set[str]]], seed: int
) -> None:
    assert quick_worlds[seed][0] == {}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15, 200))
def test_no_check_fails_in_many_more_worlds(project: Project, seed: int) -> None:
    make(project, World(seed))
    assert project.broken() == {}


@pytest.mark.parametrize("seed", [QUICK[0], *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(15, 40))])
def test_rows_of_a_world_that_lie_in_another_order_make_the_same_warehouse(project: Project, seed: int) -> None:
    world = World(seed)
    make(project, world)
    first = hashes(project)
    make(project, world, seed=seed)
    assert {table: code for table, code in hashes(project).items() if code != first[table]} == {}


def hashes(project: Project) -> dict[str, str]:
    """One hash of all rows of each table that analysts see."""
    tables = project.rows(
        "select schema_name, table_name from duckdb_tables() where schema_name in ('marts', 'meta') order by all"
    )
    return {
        f"{schema}.{table}": project.rows(
            f"select md5(coalesce(string_agg(said, '' order by said), '')) from (select cast(stored as varchar) as said from {schema}.{table} as stored)"
        )[0][0]
        for schema, table in tables
    }


def test_no_law_is_kept_only_because_there_is_nothing_to_ask(
    quick_worlds: dict[int, tuple[dict[str, Any], set[str]]],
) -> None:
    models = {check.subject for check in CHECKS if check.kind == "law" and not check.subject.startswith("assert_")}
    assert models - set().union(*(models for _, models in quick_worlds.values())) == set()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.subject)
def test_every_check_says_why_no_data_of_a_vendor_stops_a_publication_by_it(check: Check) -> None:
    assert check.kind in KINDS, f"{check.subject} needs `config: {{meta: {{kind: …}}}}`, one of {', '.join(KINDS)}"
    assert check.is_warning == (check.kind == "warning")


def test_every_law_is_asked_of_the_random_worlds(project: Project) -> None:
    assert len(project.checks) == len(CHECKS)
    tests = {name for check in CHECKS for name in check.asked_by}
    assert [name for name in tests if not PROJECT.joinpath(name).exists()] == []


def test_amounts_at_the_limit_in_orders_enough_for_a_forecast_stop_no_run(project: Project) -> None:
    reported = WarehouseBuilder(Path(), as_of=AS_OF)
    for number in range(120):
        name = f"buyer {number}"
        reported.profile("ometria", name)
        for order in range(1 + number % 4):
            day = datetime(2023, 1, 1, tzinfo=UTC) + timedelta(days=(37 * number + 90 * order) % 400)
            reported.order(
                "ometria",
                f"{number}-{order}",
                owner_record_id=name,
                stream="profiles",
                total=f"{1 + (number + 3 * order) % 5}9999999999999",
                ordered_at=day,
            )
    settings_of_run = "update internal.run_settings set reporting_currency = $1"
    project.con.execute(settings_of_run, ["JPY"])
    project.con.execute(
        "insert into seeds.fx_rates (rate_date, currency, units_per_eur) values ('2020-01-01', 'JPY', 160)"
    )
    try:
        project.make(reported)
        assert project.rows("select distinct model_status from marts.customer_forecasts") == [("fitted",)]
        assert project.broken() == {}
    finally:
        project.con.execute(settings_of_run, ["EUR"])
        project.con.execute("delete from seeds.fx_rates where rate_date = '2020-01-01' and currency = 'JPY'")


@pytest.mark.parametrize(("mart", "column"), [("customer_insights", "total_revenue"), ("daily_metrics", "revenue")])
def test_revenue_counted_twice_is_found_beside_revenue_at_the_limit(project: Project, mart: str, column: str) -> None:
    reported = WarehouseBuilder(Path(), as_of=AS_OF)
    for name in ("absurd", "plain"):
        reported.profile("ometria", name)
    for number in range(101):
        reported.order(
            "ometria", f"A-{number}", owner_record_id="absurd", stream="profiles", total="99999999999999.9999"
        )
    reported.order(
        "ometria",
        "P-1",
        owner_record_id="plain",
        stream="profiles",
        total="10.00",
        ordered_at=datetime(2024, 1, 2, tzinfo=UTC),
    )
    project.make(reported)
    assert project.rows(f"select {column} from marts.{mart} order by 1") == [
        (Decimal("10.00"),),
        (Decimal("9999999999999999.99"),),
    ]
    check = "assert_revenue_survives_every_join"
    assert check not in project.broken()
    project.con.execute(f"update marts.{mart} set {column} = 20 where {column} = 10")
    assert check in project.broken()
