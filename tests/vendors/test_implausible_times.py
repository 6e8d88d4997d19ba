"""A time that lies more than two days after its export date is of a wrong clock: it is logged, and decides nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest

from orchestration.canonical.tables import TABLES
from orchestration.normalisation.typed_values import FREE_TIMES
from tests.support.goldens import Golden, normalise

LONG_AGO = date(1980, 1, 1)
TIMES = [
    (table.name, column.name)
    for table in TABLES.values()
    for column in table.columns
    if column.kind == "time" and column.name not in FREE_TIMES
]


@pytest.mark.long
def test_no_time_of_any_vendor_is_later_than_its_export_date_allows(golden: Golden) -> None:
    """Every case, as if it had been delivered long before what it reports."""
    outcome = golden.outcome(export_date=LONG_AGO)
    limit = datetime(1980, 1, 4, tzinfo=UTC)
    frames = {table: outcome.normalised.frame(table) for table in outcome.normalised.frames}
    late = [
        f"{table}.{name}"
        for table, name in TIMES
        if table in frames and any(time >= limit for time in frames[table].get_column(name).drop_nulls())
    ]
    assert late == []


def order(ordered_at: str) -> dict[str, object]:
    return {
        "@type": "order",
        "id": "9002",
        "timestamp": ordered_at,
        "grand_total": 50,
        "currency": "EUR",
        "customer": {"email": "ann@shop.example"},
    }


@pytest.mark.parametrize(("days", "is_plausible"), [(0, True), (2, True), (3, False), (27000, False)])
def test_the_export_date_stands_in_for_the_time_of_an_order_that_has_not_happened(
    days: int, *, is_plausible: bool
) -> None:
    export_date = date(2024, 5, 1)
    stated = datetime(2024, 5, 1, 10, tzinfo=UTC) + timedelta(days=days)
    outcome = normalise("ometria", "orders", [order(stated.isoformat())], export_date=export_date)
    row = outcome.row("orders")
    assert (row["ordered_at"], row["is_ordered_at_inferred"]) == (
        (stated, False) if is_plausible else (datetime(2024, 5, 1, tzinfo=UTC), True)
    )
    logged = {issue[2] for issue in outcome.issues if issue[1] == "implausible_time" and issue[0] == "ordered_at"}
    assert logged == (set() if is_plausible else {stated.isoformat()})


def test_a_time_of_the_record_itself_that_cannot_be_is_left_out() -> None:
    record = {
        "id": "cust_1",
        "object": "customer",
        "email": "ann@shop.example",
        "created_at": "2098-01-01T00:00:00Z",
        "updated_at": "2099-01-01T00:00:00Z",
    }
    outcome = normalise("voucherify", "customers", [record])
    assert {"created_at", "source_updated_at"}.isdisjoint(outcome.row("customers"))
    assert sorted(issue[0] for issue in outcome.issues if issue[1] == "implausible_time") == [
        "created_at",
        "source_updated_at",
    ]
