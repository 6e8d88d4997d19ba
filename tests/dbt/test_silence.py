"""What says nothing takes nothing back, field by field, for everything that has versions.

Every case is an account of its own at one vendor. It reports a thing on two days, and leaves something out on the
second; in the account `whole` it leaves nothing out. What is known afterwards must be the same."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from orchestration.canonical.table_model import COMMON, Column
from orchestration.canonical.tables import TABLES
from tests.dbt.conftest import AS_OF
from tests.support.project import Project
from tests.support.warehouse_builder import Row, WarehouseBuilder, alias

FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)
MOMENT = datetime(2024, 1, 1, 12, tzinfo=UTC)
SAID: dict[str, Any] = {
    "id": "an id",
    "text": "a text",
    "money": "12.50",
    "decimal": "7",
    "number": "7",
    "integer": 3,
    "double": 0.5,
    "flag": True,
}
SAID |= {"time": MOMENT, "date": date(1990, 5, 6), "json": '{"a": 1}', "texts": ["x"]}
WHOLE = "whole"
VENDOR = "voucherify"

# The table of a thing, the mart that shows it, the columns that say which thing it is.
THINGS = {
    "redemptions": ("fct_redemptions", ("redemption_id", "kind")),
    "reviews": ("fct_reviews", ("review_id",)),
    "leads": ("fct_leads", ("lead_id",)),
    "loyalty_accounts": ("fct_loyalty_balances", ("account_id", "balance_type")),
    "referrals": ("fct_referrals", ("campaign_id", "referrer_profile_id", "referred_profile_id")),
    "events": ("fct_events", ("event_id", "event_type")),
    "segments": ("dim_segments", ("segment_id", "kind")),
    "segment_memberships": (
        "fct_segment_memberships",
        ("segment_id", "kind", "state", "owner_record_id", "is_full_snapshot"),
    ),
    "customer_consents": ("fct_consents", ("owner_record_id", "channel", "purpose", "status")),
    "order_adjustments": ("fct_order_adjustments", ("adjustment_id", "action", "amount_kind")),
    "vendor_stats": (
        "customer_stat_reconciliation",
        ("owner_record_id", "metric", "definition_id", "value_num", "value_ts"),
    ),
    "customers": ("dim_customers", ("alias_id", "source_profile_id")),
}
# What a vendor says in one breath, or we derive from one word of his.
TOGETHER = (
    {"id_type", "id_value"},
    {"contact_type", "contact_value"},
    {"source_order_id", "order_namespace", "order_match_key"},
    {"country_raw", "country_code"},
    {"state_raw", "state_code"},
    {"gender", "gender_raw"},
    {"tier_id", "tier_name"},
    {"program_id", "program_name"},
    {"related_object_id", "related_object_type"},
    {"result", "failure_code"},
)
NAMED = {
    "kind": "redemption",
    "state": "member",
    "country_raw": "DE",
    "country_code": "DE",
    "state_raw": "BE",
    "state_code": "BE",
    "is_deleted": False,
}
NAMED |= {
    "first_name": "Ana",
    "last_name": "Lobo",
    "full_name": "Ana Maria Lobo",
    "is_full_snapshot": False,
    "is_event_id_derived": False,
}
# No word of the vendor's: how we know what he said.
OURS = (
    "is_event_id_derived",
    "is_currency_inferred",
    "is_money_unit_inferred",
    "is_lead",
    "is_test",
    "first_name_key",
    "last_name_key",
    "full_name_key",
)
# What would make the people of two accounts one.
UNLIKE = ("last_name", "full_name", "city", "postal_code", "address_line_1", "middle_name")
# Ids that differ by account.
ASIDE = ("source_account", "customer_id", "review_key", "adjustment_key", "source_adjustment_id", "email", "phone")


def fields(table: str) -> list[Column]:
    own = [column for column in TABLES[table].columns if column not in COMMON]
    return [column for column in own if column.name not in OURS and not column.name.endswith("_inferred")]


def said(table: str) -> Row:
    values = {
        column.name: column.values[0] if column.values else SAID.get(column.kind, "EUR") for column in fields(table)
    }
    values |= {name: value for name, value in NAMED.items() if name in values}
    if table.startswith("segment"):
        values["kind"] = "dynamic_segment"
    return values | ({"owner_record_id": "p"} if "owner_record_id" in values else {})


def cases(table: str) -> Iterator[frozenset[str]]:
    """Each field alone, and some at random together; fields said in one breath go together."""
    free = [column.name for column in fields(table) if column.name not in THINGS[table][1]] + (
        ["email"] if table == "customers" else []
    )
    chance = random.Random(table)
    for left_out in [{name} for name in free] + [
        set(chance.sample(free, chance.randint(2, len(free)))) for _ in range(12)
    ]:
        yield frozenset(left_out | {name for group in TOGETHER if group & left_out for name in group if name in free})


def report(reported: WarehouseBuilder, table: str, account: str, day: date, left_out: Iterable[str]) -> None:
    values = {name: value for name, value in said(table).items() if name not in left_out}
    for time in ("redeemed_at", "reviewed_at", "occurred_at", "effective_at"):
        if time in left_out:
            values |= {
                time: datetime.combine(day, datetime.min.time(), UTC),
                "is_time_inferred" if (table, time) == ("events", "occurred_at") else f"is_{time}_inferred": True,
            }
    if "observed_at" in left_out:
        values |= {"observed_at": datetime.combine(day, datetime.min.time(), UTC), "is_observed_at_inferred": True}
    if table == "order_adjustments":
        values |= {name: account for name in ("adjustment_id", "source_order_id", "order_match_key") if name in values}
    if "currency" in left_out and table in ("redemptions", "order_adjustments"):
        values |= {"currency": "BRL", "is_currency_inferred": True}
    place = {"source_account": account, "export_date": day, "stream": "customers"}
    if table == "customers":
        person(
            reported,
            account,
            day,
            left_out,
            {**values, **{name: f"{values[name]} {word(account)}" for name in UNLIKE if name in values}, **place},
        )
        return
    if table not in ("segments", "referrals"):
        person(reported, account, day, (), place)
    row = reported.add(table, source=VENDOR, **{**values, **place})
    if table == "reviews" and "title" not in left_out:
        lineage = {
            name: row[name]
            for name in (
                "stream",
                "export_date",
                "source_file",
                "source_row",
                "source_record_id",
                "source_account",
                "review_id",
            )
        }
        reported.add(
            "review_ratings",
            source=VENDOR,
            rating_no=1,
            method="stars",
            value_raw="4",
            score_0_1=0.75,
            is_overall=True,
            **lineage,
        )


def word(account: str) -> str:
    """A name that no other account bears, not even mistyped."""
    return "".join(3 * chr(ord("a") + int(sign)) for sign in account.split()[-1]) if account != WHOLE else WHOLE


def person(reported: WarehouseBuilder, account: str, day: date, left_out: Iterable[str], values: Row) -> None:
    row = reported.profile(
        VENDOR, "p", **{**values, "alias_id": alias(f"{VENDOR}|{account}", "customers", "p"), "source_profile_id": "p"}
    )
    if "email" not in left_out:
        reported.identifier(row, "email", f"mail@{account.replace(' ', '-')}.example")


def known(project: Project, mart: str, account: str) -> list[tuple[Any, ...]]:
    """What is known of the account, with people that no name distinguishes from anybody."""
    columns = [
        name
        for (name,) in project.rows(
            f"select column_name from duckdb_columns() where schema_name = 'marts' and table_name = '{mart}'"
        )
    ]
    shown = ", ".join(
        f"{name} is not null" if name in ASIDE[1:] else f'"{name}"' for name in columns if name != "source_account"
    )
    theirs = f"source_account = '{account}'"
    if mart == "dim_customers":
        theirs = f"customer_id in (select customer_id from marts.bridge_customer_records where {theirs})"
    found = project.rows(f"select {shown} from marts.{mart} where {theirs} order by all")
    return [
        tuple(value.replace(word(account), WHOLE) if isinstance(value, str) else value for value in row)
        for row in found
    ]


@pytest.fixture(scope="module")
def project(warehouse: WarehouseBuilder) -> Iterator[Project]:
    made = Project(warehouse)
    yield made
    made.con.close()


@pytest.mark.long
@pytest.mark.parametrize("table", THINGS)
def test_leaving_fields_out_of_a_later_version_changes_nothing(project: Project, table: str) -> None:
    reported = WarehouseBuilder(Path(), as_of=AS_OF)
    left_out = {f"case {number}": case for number, case in enumerate(cases(table))}
    for account, case in {WHOLE: frozenset(), **left_out}.items():
        report(reported, table, account, FIRST, ())
        report(reported, table, account, SECOND, case)
    project.make(reported)
    mart = THINGS[table][0]
    expected = known(project, mart, WHOLE)
    assert len(expected) == 1
    changed = {tuple(sorted(case)): known(project, mart, account) for account, case in left_out.items()}
    assert {case: rows for case, rows in changed.items() if rows != expected} == {}
    assert project.broken() == {}


# What a thing is in the earlier update and in the later one, and the mart and column that show it.
UPDATED = {
    "redemptions": ("fct_redemptions", "voucher_code", ("early", "late")),
    "segments": ("dim_segments", "segment_name", ("early", "late")),
    "order_adjustments": ("fct_order_adjustments", "amount", ("1.00", "2.00")),
    "customer_consents": ("fct_consents", "reason", ("early", "late")),
}
SAYS = {
    "redemptions": {"redemption_id": "r", "kind": "redemption"},
    "segments": {"segment_id": "s", "kind": "static_list"},
    "order_adjustments": {"adjustment_id": "a", "action": "refund", "amount_kind": "delta", "order_match_key": "N-9"},
    "customer_consents": {"channel": "email", "status": "opt_in", "effective_at": MOMENT, "owner_record_id": "p"},
}
SHOWN = {"voucher_code": "voucher_code", "segment_name": "name", "amount": "amount", "reason": "reason"}


@pytest.mark.long
@pytest.mark.parametrize("table", UPDATED)
def test_of_what_a_vendor_reports_twice_on_one_day_the_later_update_counts_wherever_it_stands(
    project: Project, table: str
) -> None:
    mart, column, (early, late) = UPDATED[table]
    for hours in ((9, 15), (15, 9)):
        reported = WarehouseBuilder(Path(), as_of=AS_OF)
        reported.profile(VENDOR, "p", stream="customers", email="p@twice.example")
        for hour in hours:
            updated = datetime(2024, 1, 1, hour, tzinfo=UTC)
            value = {SHOWN[column]: late if hour == 15 else early}
            reported.add(table, source=VENDOR, stream="customers", source_updated_at=updated, **SAYS[table], **value)
        project.make(reported)
        reported_of = f"select cast({column} as varchar) from marts.{mart} where source = '{VENDOR}'"
        assert project.rows(reported_of) in ([(late,)], [(f"{late}00",)])


def test_referrals_of_people_whom_the_vendor_does_not_name_are_each_one_of_their_own(project: Project) -> None:
    reported = WarehouseBuilder(Path(), as_of=AS_OF)
    for day in (FIRST, SECOND):
        for order in ("N-1", "N-2"):
            reported.add(
                "referrals",
                source=VENDOR,
                referrer_profile_id="p",
                related_object_id=order,
                referred_at=MOMENT,
                export_date=day,
            )
    project.make(reported)
    assert project.rows("select related_object_id from marts.fct_referrals order by 1") == [("N-1",), ("N-2",)]


def test_what_somebody_did_twice_in_one_second_counts_twice_and_once_more_in_another_stream_does_not_count(
    project: Project,
) -> None:
    reported = WarehouseBuilder(Path(), as_of=AS_OF)
    reported.profile(VENDOR, "p", stream="customers", email="p@twice.example")
    for stream, ids in (("customers", ["one"]), ("orders", ["two", "three"])):
        for event_id in ids:
            reported.event(
                VENDOR,
                event_id,
                stream=stream,
                owner_record_id="p",
                is_event_id_derived=True,
                event_type="custom",
                occurred_at=MOMENT,
            )
    reported.rows["events"] = [
        row | {"owner_record_id": "derived:p"} if row["stream"] == "orders" else row for row in reported.rows["events"]
    ]
    contact = reported.add(
        "contacts",
        source=VENDOR,
        stream="orders",
        source_record_id="derived:p",
        alias_id=alias(VENDOR, "derived", "derived:p"),
    )
    reported.identifier(contact, "email", "p@twice.example")
    project.make(reported)
    assert project.rows("select count(*), count(distinct customer_id) from marts.fct_events") == [(2, 1)]
