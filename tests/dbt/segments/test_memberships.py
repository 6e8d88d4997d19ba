"""Who is a member of what, and who was: what a list speaks of, when a message ends, and what goes with a programme or a deletion."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.dbt.conftest import Query
from tests.support.warehouse_builder import Row, WarehouseBuilder

VENDOR = "voucherify"
EXPORT_DATES = [date(2024, 1, day) for day in range(1, 6)]


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, tzinfo=UTC)


def stage(w: WarehouseBuilder) -> None:
    two_profiles(w)
    messages_and_lists(w)
    realtime_and_classic(w)
    two_updates_of_a_day(w)
    programmes(w)
    deletions(w)
    names_of_a_day(w)
    w.add("segments", source=VENDOR, segment_id="v-whales", name="Whales", kind="static_list")
    listed(w, customer(w, "whale"), ["v-whales"], EXPORT_DATES[0])


def customer(w: WarehouseBuilder, record: str, email: str | None = None, **values: object) -> Row:
    return w.profile(
        VENDOR, record, email=f"{email or record}@memberships.example", **{"stream": "customers", **values}
    )


def listed(
    w: WarehouseBuilder,
    owner: Row,
    segments: list[str],
    day: date,
    *,
    kind: str = "static_list",
    file: str = "a",
    **values: object,
) -> None:
    """The full list of a profile's segments."""
    place = {
        "source_file": f"landing/{VENDOR}/{owner['source_record_id']}/{day}/{file}.ndjson",
        "export_date": day,
        "stream": "customers",
    }
    for segment in segments or [None]:
        w.add(
            "segment_memberships",
            source=VENDOR,
            owner_record_id=owner["source_record_id"],
            segment_id=segment,
            kind=kind,
            state="member" if segment else "none",
            is_full_snapshot=True,
            is_observed_at_inferred=True,
            observed_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
            **{**place, **values},
        )


def reported(
    w: WarehouseBuilder,
    owner: Row,
    segment: str,
    moment: datetime,
    day: date,
    *,
    state: str = "entered",
    kind: str = "static_list",
) -> None:
    """A message that somebody has entered or left."""
    w.add(
        "segment_memberships",
        source=VENDOR,
        stream="customers",
        owner_record_id=owner["source_record_id"],
        segment_id=segment,
        kind=kind,
        state=state,
        is_full_snapshot=False,
        is_observed_at_inferred=False,
        observed_at=moment,
        export_date=day,
    )


def two_profiles(w: WarehouseBuilder) -> None:
    one, other = customer(w, "pair-a", "pair"), customer(w, "pair-b", "pair")
    reported(w, one, "pair-told", at(1, 10), EXPORT_DATES[0])
    listed(w, other, ["pair-other"], EXPORT_DATES[1])
    reported(w, other, "pair-closed", at(1, 10), EXPORT_DATES[0])


def messages_and_lists(w: WarehouseBuilder) -> None:
    before, after, late = customer(w, "told-before"), customer(w, "told-after"), customer(w, "told-late")
    reported(w, before, "before-list", at(1, 10), EXPORT_DATES[1])
    listed(w, before, [], EXPORT_DATES[1])
    reported(w, after, "after-list", at(2, 10), EXPORT_DATES[1])
    listed(w, after, [], EXPORT_DATES[1])
    listed(w, late, [], EXPORT_DATES[1])
    reported(w, late, "late-message", at(1, 10), EXPORT_DATES[3])


def realtime_and_classic(w: WarehouseBuilder) -> None:
    owner = customer(w, "odp")
    for segment, kind in (("rt", "realtime_segment"), ("cl", "classic_segment")):
        w.add(
            "segment_memberships",
            source=VENDOR,
            stream="customers",
            owner_record_id="odp",
            segment_id=segment,
            kind=kind,
            state="member",
            is_full_snapshot=False,
            is_observed_at_inferred=True,
            observed_at=at(1),
            export_date=EXPORT_DATES[0],
        )
    listed(w, owner, [], EXPORT_DATES[2], kind="realtime_segment")


def two_updates_of_a_day(w: WarehouseBuilder) -> None:
    """The later update stands in the earlier file."""
    owner = customer(w, "updated")
    for file, updated_at, tier, points, orders in (
        ("a", at(3, 10), "ltr-new", "50", "1"),
        ("b", at(2, 10), "ltr-old", "20", "0"),
    ):
        place = {
            "source_file": f"landing/{VENDOR}/updated/{EXPORT_DATES[2]}/{file}.ndjson",
            "export_date": EXPORT_DATES[2],
            "source_updated_at": updated_at,
            "stream": "customers",
            "owner_record_id": "updated",
        }
        listed(w, owner, [tier], EXPORT_DATES[2], kind="loyalty_tier", file=file, source_updated_at=updated_at)
        w.add(
            "loyalty_accounts", source=VENDOR, account_id="updated:Club", balance_type="points", balance=points, **place
        )
        w.add(
            "vendor_stats",
            source=VENDOR,
            metric="order_count",
            value_num=orders,
            definition_id="summary.orders.total_count",
            **place,
        )


def account(w: WarehouseBuilder, record: str, programme: str, points: str, day: date) -> None:
    w.add(
        "loyalty_accounts",
        source=VENDOR,
        stream="customers",
        owner_record_id=record,
        account_id=f"{record}:{programme}",
        program_id=programme,
        balance_type="points",
        balance=points,
        export_date=day,
    )


def points_reported(w: WarehouseBuilder, record: str, points: str, day: date) -> None:
    w.add(
        "vendor_stats",
        source=VENDOR,
        stream="customers",
        owner_record_id=record,
        metric="loyalty_points",
        value_num=points,
        definition_id="loyalty.points",
        export_date=day,
    )


def programmes(w: WarehouseBuilder) -> None:
    left, back = customer(w, "left-club"), customer(w, "back-in-club")
    for owner in (left, back):
        account(w, str(owner["source_record_id"]), "Club", "100", EXPORT_DATES[0])
        listed(w, owner, ["Club"], EXPORT_DATES[0], kind="loyalty_campaign")
        listed(w, owner, [], EXPORT_DATES[2], kind="loyalty_campaign")
        points_reported(w, str(owner["source_record_id"]), "0" if owner is left else "30", EXPORT_DATES[3])
    account(w, "back-in-club", "Club", "30", EXPORT_DATES[3])
    listed(w, back, ["Club"], EXPORT_DATES[3], kind="loyalty_campaign")


def deletions(w: WarehouseBuilder) -> None:
    owner = customer(w, "deleted-one")
    customer(w, "deleted-one", is_deleted=True, export_date=EXPORT_DATES[2])
    listed(w, owner, ["last-list"], EXPORT_DATES[0])
    reported(w, owner, "last-message", at(3, 8), EXPORT_DATES[2])
    account(w, "deleted-one", "Club", "70", EXPORT_DATES[0])


def names_of_a_day(w: WarehouseBuilder) -> None:
    owner = customer(w, "named")
    for file, name in (("a", "Old name"), ("b", "New name")):
        listed(w, owner, ["named-twice"], EXPORT_DATES[0], file=file, segment_name=name)


def stay(query: Query, segment: str) -> list[tuple[object, ...]]:
    return query(
        "select entered_at, exited_at, is_current from marts.fct_segment_memberships where segment_id = $1 order by entered_at",
        [segment],
    )


def test_a_list_of_one_profile_says_nothing_of_another_of_the_same_person(query: Query) -> None:
    assert query(
        "select count(distinct customer_id) from marts.bridge_customer_records where source_record_id in ('pair-a', 'pair-b')"
    ) == [(1,)]
    assert stay(query, "pair-told") == [(at(1, 10), None, True)]
    assert stay(query, "pair-closed") == [(at(1, 10), at(2), False)]


def test_a_list_ends_what_was_reported_before_its_day_and_not_what_was_reported_after(query: Query) -> None:
    assert stay(query, "before-list") == [(at(1, 10), at(2), False)]
    assert stay(query, "after-list") == [(at(2, 10), None, True)]
    assert stay(query, "late-message") == [(at(1, 10), at(2), False)]


def test_a_list_of_realtime_segments_closes_no_classic_one(query: Query) -> None:
    assert stay(query, "rt") == [(at(1), at(3), False)]
    assert stay(query, "cl") == [(at(1), None, True)]


def test_of_two_updates_of_one_day_the_later_counts_whatever_its_file_is_called(query: Query) -> None:
    assert query(
        "select segment_id from marts.fct_segment_memberships where segment_kind = 'loyalty_tier' and segment_id like 'ltr-%'"
    ) == [("ltr-new",)]
    assert query("select balance from marts.fct_loyalty_balances where account_id = 'updated:Club'") == [(Decimal(50),)]
    assert query("select vendor_value from marts.customer_stat_reconciliation where source_record_id = 'updated'") == [
        (Decimal(1),)
    ]


def balance(query: Query, record: str) -> list[tuple[object, ...]]:
    return query(
        "select balance, last_reported_balance, ended_at from marts.fct_loyalty_balances where account_id = $1",
        [f"{record}:Club"],
    )


def test_a_programme_that_was_left_takes_its_points_along(query: Query) -> None:
    assert balance(query, "left-club") == [(Decimal(0), Decimal(100), at(3))]
    assert balance(query, "back-in-club") == [(Decimal(30), Decimal(30), None)]
    sql = (
        "select verdict from marts.customer_stat_reconciliation where source_record_id in ('left-club', 'back-in-club')"
    )
    assert query(sql) == [("match",), ("match",)]


def test_whom_the_vendor_has_deleted_is_no_member_and_holds_no_points(query: Query) -> None:
    assert stay(query, "last-list") == [(at(1), at(3), False)]
    assert [is_current for _, _, is_current in stay(query, "last-message")] == [False]
    assert balance(query, "deleted-one") == [(Decimal(0), Decimal(70), at(3))]
    assert query("select member_count from marts.dim_segments where source = 'warehouse' and segment_id = 'gone'") == [
        (0,)
    ]


def test_a_segment_named_twice_on_one_day_has_the_name_of_the_later_file(query: Query) -> None:
    assert query("select segment_name from marts.dim_segments where segment_id = 'named-twice'") == [("New name",)]


def test_a_computed_segment_without_members_is_listed_with_its_predicate_and_can_be_disagreed_on(query: Query) -> None:
    sql = "select member_count, ever_member_count, definition from marts.dim_segments where source = 'warehouse' and segment_id = 'whales'"
    assert query(sql) == [(0, 0, "total_revenue > 1000000")]
    sql = "select is_claimed_by_vendor, is_claimed_by_warehouse from marts.segment_disagreements where segment_id = 'v-whales'"
    assert query(sql) == [(True, False)]
