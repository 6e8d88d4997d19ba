"""What is said of a customer: insights, engagement, segments, consent and the vendors' own figures."""

import math
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.dbt.conftest import Query
from tests.support.model import Model
from tests.support.warehouse_builder import WarehouseBuilder, alias

END_OF_AS_OF = datetime(2024, 3, 2, tzinfo=UTC)


def stage(w: WarehouseBuilder) -> None:
    insights(w)
    engagement(w)
    segments(w)
    movers(w)
    consents(w)
    reconciliation(w)


def insights(w: WarehouseBuilder) -> None:
    w.profile("ometria", "buyer", email="buyer@insights.example")
    for number, day, total, status in (
        ("I-1", datetime(2023, 3, 1, 10, tzinfo=UTC), "10.00", "completed"),
        ("I-2", datetime(2024, 1, 30, 10, tzinfo=UTC), "20.00", "paid"),
        ("I-3", datetime(2024, 3, 1, 10, tzinfo=UTC), "20.01", "shipped"),
        ("I-4", datetime(2024, 3, 1, 12, tzinfo=UTC), "500.00", "created"),
    ):
        w.line(
            w.order(
                "ometria",
                number,
                total=total,
                status=status,
                ordered_at=day,
                stream="profiles",
                owner_record_id="buyer",
            ),
            "p",
            quantity=2,
            total=total,
        )
    w.adjustment("ometria", "I-2", "5.00")
    w.profile("ometria", "nobody", email="nobody@insights.example")


def engagement(w: WarehouseBuilder) -> None:
    w.profile("optimizely", "clicker", email="clicker@events.example")
    for number in range(25):
        w.event(
            "optimizely",
            f"browse-{number}",
            occurred_at=datetime(2024, 3, 1, 0, 0, number, tzinfo=UTC),
            owner_record_id="clicker",
            stream="profiles",
        )
    w.event(
        "optimizely",
        "bought",
        engagement_class="purchase",
        occurred_at=END_OF_AS_OF - timedelta(days=90),
        owner_record_id="clicker",
        stream="profiles",
    )
    for source, stream in (("omnisend", "contacts"), ("voucherify", "customers")):
        w.profile(source, "twice-told", email="twice-told@events.example", stream=stream)
        w.event(
            source,
            f"told-by-{source}",
            event_type="order",
            event_action="purchase",
            engagement_class="purchase",
            occurred_at=END_OF_AS_OF - timedelta(days=90),
            owner_record_id="twice-told",
            stream=stream,
        )
    w.event(
        "optimizely", "sent", engagement_class="none", is_active=False, owner_record_id="clicker", stream="profiles"
    )
    w.event(
        "optimizely",
        "tomorrow",
        engagement_class="purchase",
        occurred_at=END_OF_AS_OF,
        owner_record_id="clicker",
        stream="profiles",
    )
    w.event(
        "optimizely",
        "twice",
        event_action="old",
        export_date=date(2024, 1, 1),
        occurred_at=datetime(2024, 1, 1, tzinfo=UTC),
        engagement_class="none",
    )
    w.event(
        "optimizely",
        "twice",
        event_action="new",
        export_date=date(2024, 1, 2),
        occurred_at=datetime(2024, 1, 3, tzinfo=UTC),
        engagement_class="none",
    )


def claim(w: WarehouseBuilder, record: str, segment: str | None, day: date, **values: object) -> None:
    defaults = {
        "kind": "static_list",
        "state": "member" if segment else "none",
        "segment_name": segment and segment.title(),
        "is_full_snapshot": True,
        "is_observed_at_inferred": True,
        "observed_at": datetime(day.year, day.month, day.day, tzinfo=UTC),
        "source_file": f"landing/ometria/{record}/{day}/a.ndjson",
    }
    w.add(
        "segment_memberships",
        source="ometria",
        owner_record_id=record,
        segment_id=segment,
        export_date=day,
        **{**defaults, **values},
    )


def segments(w: WarehouseBuilder) -> None:
    days = [date(2024, 1, day) for day in range(1, 8)]
    w.profile("ometria", "member", email="member@segments.example")
    w.profile("ometria", "member-two", email="member@segments.example")
    for day in (days[0], days[1], days[4]):
        claim(w, "member", "vip", day)
    claim(w, "member", None, days[3])
    claim(w, "member", "gone", days[0])
    claim(w, "nobody", "spenders", days[0])
    claim(w, "member-two", "vip", days[2])
    claim(w, "member-two", None, days[5])
    claim(w, "member", "vip", days[1], kind="tag", valid_from=datetime(2023, 6, 1, tzinfo=UTC))

    w.profile("ometria", "listed", email="listed@segments.example", stream="lists")
    messages = {
        "is_full_snapshot": False,
        "is_observed_at_inferred": False,
        "kind": "subscription_list",
        "stream": "lists",
    }
    claim(
        w,
        "listed",
        "news",
        days[1],
        state="subscribed",
        **{**messages, "observed_at": datetime(2024, 1, 1, 9, tzinfo=UTC)},
    )
    claim(
        w,
        "listed",
        "news",
        days[3],
        state="unsubscribed",
        **{**messages, "observed_at": datetime(2024, 1, 3, 9, tzinfo=UTC)},
    )
    claim(
        w,
        "listed",
        "news",
        days[5],
        state="subscribed",
        **{**messages, "observed_at": datetime(2024, 1, 5, 9, tzinfo=UTC)},
    )

    w.profile("vendor_with_full_lists", "exported", email="exported@segments.example", stream="segments")
    for day in (days[0], days[1], days[3]):
        w.add(
            "segment_memberships",
            source="vendor_with_full_lists",
            stream="segments",
            owner_record_id="exported",
            segment_id="gold" if day != days[3] else "silver",
            kind="dynamic_segment",
            state="member",
            observed_at=datetime(2024, 1, day.day, tzinfo=UTC),
            is_observed_at_inferred=True,
            is_full_snapshot=False,
            export_date=day,
        )
    w.delivery("vendor_with_full_lists", "segments", days[0], is_full=True)
    w.delivery("vendor_with_full_lists", "segments", days[1], is_full=False)
    w.delivery("vendor_with_full_lists", "segments", days[3], is_full=True)


def movers(w: WarehouseBuilder) -> None:
    for day, country in ((date(2024, 2, 10), "DE"), (date(2024, 2, 20), "AT")):
        w.profile("ometria", "mover", email="mover@movers.example", country_code=country, export_date=day)
    later = date(2024, 3, 2)
    for name, country, day in (
        ("comer", "DE", date(2024, 2, 25)),
        ("comer", "AT", later),
        ("goer", "AT", date(2024, 2, 25)),
        ("goer", "DE", later),
        ("newcomer", "AT", later),
    ):
        w.profile("ometria", name, email=f"{name}@movers.example", country_code=country, export_date=day)
    for day in (date(2024, 2, 26), later):
        w.profile(
            "ometria",
            "deleted-mover",
            email="leaver@movers.example",
            country_code="AT",
            export_date=day,
            is_deleted=day == later,
        )


def consents(w: WarehouseBuilder) -> None:
    def say(
        source: str,
        status: str,
        day: date,
        channel: str = "email",
        *,
        is_forced: bool = False,
        person: str = "",
        purpose: str = "marketing",
    ) -> None:
        w.add(
            "customer_consents",
            source=source,
            owner_record_id=f"{person or channel}-{source}",
            channel=channel,
            purpose=purpose,
            status=status,
            is_forced=is_forced,
            is_effective_at_inferred=False,
            effective_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        )

    for person in ("email", "sms", "push", "phone", "all", *EVERY_CHANNEL):
        for source in ("ometria", "omnisend"):
            w.profile(source, f"{person}-{source}", email=f"{person}.reader@consents.example")
    say("ometria", "opt_in", date(2023, 1, 1))
    say("omnisend", "opt_out", date(2023, 2, 1))
    say("ometria", "unknown", date(2023, 3, 1))
    say("ometria", "opt_out", date(2023, 1, 1), "sms")
    say("omnisend", "opt_in", date(2023, 2, 1), "sms")
    say("ometria", "unknown", date(2023, 1, 1), "push")
    say("ometria", "opt_out", date(2023, 1, 1), "phone", is_forced=True)
    say("omnisend", "opt_in", date(2023, 2, 1), "phone")
    say("ometria", "opt_in", date(2023, 1, 1), "email", person="all")
    say("omnisend", "opt_out", date(2023, 2, 1), "all")
    for person, said in EVERY_CHANNEL.items():
        for source, status, day, channel, purpose in said:
            say(source, status, date(2023, 1, day), channel, person=person, purpose=purpose)


# What vendors say of all channels and of one, by person: vendor, status, day of January, channel, purpose.
EVERY_CHANNEL = {
    "yes-to-all": [("ometria", "opt_in", 1, "all", "marketing"), ("omnisend", "unknown", 2, "email", "marketing")],
    "later-yes": [("ometria", "opt_out", 1, "all", "marketing"), ("omnisend", "opt_in", 2, "email", "marketing")],
    "same-time": [("ometria", "opt_out", 1, "all", "marketing"), ("omnisend", "opt_in", 1, "email", "marketing")],
    "no-answer": [("ometria", "opt_out", 1, "all", "marketing"), ("omnisend", "unknown", 2, "email", "marketing")],
    "later-yes-to-all": [("ometria", "opt_out", 1, "email", "marketing"), ("omnisend", "opt_in", 2, "all", "marketing")],
    "other-purpose": [("ometria", "opt_out", 2, "all", "surveys"), ("omnisend", "opt_in", 1, "email", "marketing")],
    "taken-back": [("ometria", "opt_out", 1, "all", "marketing"), ("omnisend", "opt_in", 2, "all", "marketing"), ("ometria", "opt_in", 3, "email", "marketing")],
    "one-moment": [("ometria", "opt_in", 1, "email", "marketing"), ("omnisend", "opt_out", 1, "email", "marketing")],
}  # fmt: skip


def reconciliation(w: WarehouseBuilder) -> None:
    w.profile("voucherify", "seed", stream="customers")
    w.profile("ometria", "stats", email="stats@reconciliation.example")
    w.profile("optimizely", "subtotals", email="subtotals@reconciliation.example")

    def state(source: str, record: str, metric: str, value: str | None, stream: str = "profiles") -> None:
        w.add(
            "vendor_stats",
            source=source,
            stream=stream,
            owner_record_id=record,
            metric=metric,
            value_num=value,
            definition_id=f"stats.{metric}",
            export_date=date(2024, 3, 1),
        )

    for metric, value in (("total_revenue", "1488.00"), ("order_count", "5"), ("average_order_value", "496.00")):
        state("voucherify", "seed", metric, value, "customers")
    for metric, value in (
        ("total_revenue", "99.44"),
        ("order_count", "2"),
        ("orders_attempted", "3"),
        ("average_order_value", "49.72"),
        ("visits", "20"),
    ):
        state("ometria", "stats", metric, value)
    for number, total, status, day in (
        ("S-1", "50.00", "completed", 1),
        ("S-2", "49.44", "paid", 2),
        ("S-3", "7.00", "created", 3),
    ):
        w.order(
            "ometria",
            number,
            total=total,
            status=status,
            stream="profiles",
            owner_record_id="stats",
            ordered_at=datetime(2024, 2, day, tzinfo=UTC),
        )
    for number, day in (("S-4", datetime(2024, 2, 1, tzinfo=UTC)), ("S-5", datetime(2024, 3, 1, 5, tzinfo=UTC))):
        w.order(
            "optimizely",
            number,
            total="25.00",
            subtotal="20.00",
            ordered_at=day,
            stream="profiles",
            owner_record_id="subtotals",
        )
    state("optimizely", "subtotals", "total_revenue", "40.00")
    state("optimizely", "subtotals", "order_count", "1")
    state("optimizely", "subtotals", "average_order_value", "40.00")
    w.profile("optimizely", "garbled", email="garbled@reconciliation.example")
    state("optimizely", "garbled", "order_count", None)


def person(record: str, source: str = "ometria") -> str:
    return alias(source, "profiles", record)


def test_insights_count_valid_orders_only(query: Query) -> None:
    columns = (
        "order_count, orders_attempted, total_revenue, average_order_value, item_quantity, refunded_amount, refund_rate"
    )
    assert query(f"select {columns} from marts.customer_insights where customer_id = $1", [person("buyer")]) == [
        (3, 4, Decimal("45.01"), Decimal("15.00"), Decimal(6), Decimal("5.00"), Decimal("0.3333"))
    ]


def test_windows_end_with_the_day_the_figures_are_of(query: Query) -> None:
    columns = (
        "order_count_30_days, revenue_30_days, order_count_90_days, revenue_90_days, order_count_365_days, revenue_365_days, "
        "days_since_last_order, repeat_gap_days, cohort_month"
    )
    assert query(f"select {columns} from marts.customer_insights where customer_id = $1", [person("buyer")]) == [
        (1, Decimal("20.01"), 2, Decimal("35.01"), 2, Decimal("35.01"), 0, Decimal("183.00"), date(2023, 3, 1))
    ]


def test_a_customer_without_orders_has_no_average_and_is_a_lead(query: Query) -> None:
    columns = "order_count, total_revenue, average_order_value, lifecycle_stage, rfm_recency, first_order_at"
    assert query(f"select {columns} from marts.customer_insights where customer_id = $1", [person("nobody")]) == [
        (0, Decimal(0), None, "lead", None, None)
    ]


def test_every_customer_has_insights(query: Query) -> None:
    assert query("select count(*) from marts.customer_insights") == query("select count(*) from marts.dim_customers")


def test_the_engagement_score_follows_its_published_formula(query: Query) -> None:
    browse = sum(
        2 ** (-((END_OF_AS_OF - datetime(2024, 3, 1, 0, 0, second, tzinfo=UTC)).total_seconds() / 86400) / 14)
        for second in range(20)
    )
    expected = 100 * (1 - math.exp(-(min(8, browse) + 10 * 0.5) / 30))
    ((score,),) = query(
        "select engagement_score from marts.customer_insights where customer_id = $1", [person("clicker", "optimizely")]
    )
    assert score == pytest.approx(expected, abs=1e-6)


def test_a_purchase_that_two_vendors_report_is_an_event_of_each_in_the_score(query: Query) -> None:
    """Events are distinguished by their vendor; what keeps them from adding up without end is the cap of the class."""
    ((score,),) = query(
        "select engagement_score from marts.customer_insights where customer_id = $1",
        [alias("omnisend", "contacts", "twice-told")],
    )
    assert score == pytest.approx(100 * (1 - math.exp(-(10 * 0.5 + 10 * 0.5) / 30)), abs=1e-6)


def test_an_event_id_that_comes_twice_counts_in_its_newest_version(query: Query) -> None:
    assert query("select event_action from marts.fct_events where event_id = 'twice'") == [("new",)]


def stays(query: Query, segment: str, kind: str) -> list[tuple[object, ...]]:
    return query(
        "select strftime(entered_at, '%Y-%m-%d %H'), strftime(exited_at, '%Y-%m-%d %H'), is_current from marts.fct_segment_memberships "
        "where segment_id = $1 and segment_kind = $2 order by 1",
        [segment, kind],
    )


def test_a_list_claimed_by_two_records_is_one_stay_until_both_cease(query: Query) -> None:
    assert stays(query, "vip", "static_list") == [("2024-01-01 00", None, True)]


def test_a_list_that_a_later_profile_no_longer_names_is_left_on_that_day(query: Query) -> None:
    assert stays(query, "gone", "static_list") == [("2024-01-01 00", "2024-01-02 00", False)]


def test_a_tag_of_the_same_name_is_a_segment_of_its_own_and_keeps_its_date(query: Query) -> None:
    assert stays(query, "vip", "tag") == [("2023-06-01 00", None, True)]


def test_messages_open_and_close_stays_at_the_moment_they_name(query: Query) -> None:
    assert stays(query, "news", "subscription_list") == [
        ("2024-01-01 09", "2024-01-03 09", False),
        ("2024-01-05 09", None, True),
    ]


def test_only_a_full_delivery_closes_what_it_no_longer_names(query: Query) -> None:
    assert stays(query, "gold", "dynamic_segment") == [("2024-01-01 00", "2024-01-04 00", False)]
    assert stays(query, "silver", "dynamic_segment") == [("2024-01-04 00", None, True)]


def computed_stays(query: Query, segment: str) -> list[tuple[object, ...]]:
    return query(
        "select customer_id, strftime(entered_at, '%Y-%m-%d'), strftime(exited_at, '%Y-%m-%d'), is_current from marts.fct_segment_memberships "
        "where claimed_by = 'warehouse' and source = 'warehouse' and segment_kind = 'computed' and segment_id = $1 order by 2",
        [segment],
    )


def test_a_computed_segment_is_entered_on_the_day_its_predicate_begins_to_hold(query: Query) -> None:
    assert computed_stays(query, "spenders") == [(person("buyer"), "2024-03-01", None, True)]


def test_a_computed_segment_is_left_and_entered_again_and_looks_back_no_further_than_the_rule_says(
    query: Query,
) -> None:
    assert computed_stays(query, "recent") == [
        (person("buyer"), "2024-01-31", "2024-02-29", False),
        (person("buyer"), "2024-03-01", None, True),
    ]


def test_a_computed_segment_asks_for_the_attributes_of_each_day(query: Query) -> None:
    assert computed_stays(query, "austrians") == [
        (person("mover"), "2024-02-20", None, True),
        (person("goer"), "2024-02-25", None, True),
        (person("deleted-mover"), "2024-02-26", None, True),
    ]


def test_where_a_vendor_and_the_warehouse_disagree_on_a_segment_of_one_name_is_listed(query: Query) -> None:
    sql = "select customer_id, is_claimed_by_vendor, is_claimed_by_warehouse from marts.segment_disagreements where segment_name = 'spenders'"
    assert sorted(query(sql)) == sorted([(person("nobody"), True, False), (person("buyer"), False, True)])


@pytest.mark.parametrize(
    ("person_name", "channel", "status", "source"),
    [
        ("email", "email", "opt_out", "omnisend"),
        ("sms", "sms", "opt_in", "omnisend"),
        ("push", "push", "unknown", "ometria"),
        ("phone", "phone", "opt_out", "ometria"),
        ("all", "email", "opt_out", "omnisend"),
    ],
)
def test_the_latest_explicit_word_decides_and_unknown_is_never_yes(
    query: Query, person_name: str, channel: str, status: str, source: str
) -> None:
    sql = """
        select consents.status, consents.source, consents.is_allowed from marts.customer_consents as consents
        join marts.dim_customers using (customer_id) where email = $1 and channel = $2
    """
    assert query(sql, [f"{person_name}.reader@consents.example", channel]) == [(status, source, status == "opt_in")]


def holding(query: Query, person_name: str, purpose: str = "marketing") -> dict[str, tuple[str, bool]]:
    """Status and permission by channel."""
    sql = """
        select channel, status, is_allowed from marts.customer_consents join marts.dim_customers using (customer_id)
        where email = $1 and purpose = $2
    """
    return {
        channel: (status, allowed)
        for channel, status, allowed in query(sql, [f"{person_name}.reader@consents.example", purpose])
    }


@pytest.mark.parametrize(
    ("person_name", "status"),
    [
        ("later-yes", "opt_in"),
        ("same-time", "opt_out"),
        ("no-answer", "opt_out"),
        ("later-yes-to-all", "opt_in"),
        ("other-purpose", "opt_in"),
        ("taken-back", "opt_in"),
        ("one-moment", "opt_out"),
        ("yes-to-all", "opt_in"),
    ],
)
def test_what_is_said_of_all_channels_is_said_of_each_and_the_later_word_holds(
    query: Query, person_name: str, status: str
) -> None:
    assert holding(query, person_name)["email"] == (status, status == "opt_in")


def test_what_is_said_of_all_channels_stands_beside_the_channels(query: Query) -> None:
    assert holding(query, "yes-to-all")["all"] == ("opt_in", True)
    assert holding(query, "other-purpose", "surveys") == {"all": ("opt_out", False)}


def test_one_statement_decides_for_every_customer_channel_and_purpose(query: Query) -> None:
    sql = "select customer_id, channel, purpose from marts.fct_consents group by all having count(*) filter (is_current) <> 1"
    assert query(sql) == []


@pytest.mark.parametrize(
    ("record", "metric", "verdict"),
    [
        ("seed", "average_order_value", "inconsistent_at_source"),
        ("seed", "total_revenue", "inconsistent_at_source"),
        ("stats", "total_revenue", "match"),
        ("stats", "order_count", "match"),
        ("stats", "orders_attempted", "match"),
        ("stats", "average_order_value", "match"),
        ("stats", "visits", "not_comparable"),
        ("subtotals", "total_revenue", "explained"),
        ("subtotals", "order_count", "stale"),
        ("garbled", "order_count", "not_comparable"),
    ],
)
def test_a_vendors_figure_gets_its_verdict(query: Query, record: str, metric: str, verdict: str) -> None:
    assert query(
        "select verdict from marts.customer_stat_reconciliation where source_record_id = $1 and metric = $2",
        [record, metric],
    ) == [(verdict,)]


@pytest.mark.parametrize(
    ("confidences", "is_weak", "reason"),
    [
        (["high", "low"], True, None),
        (["low", "high"], True, None),
        (["high", "none"], False, "never_links"),
        (["none", "low", "high"], False, "never_links"),
        (["high", "high"], False, None),
    ],
)
def test_of_two_confidences_in_an_identifier_on_one_day_the_more_cautious_counts(
    warehouse: WarehouseBuilder, confidences: list[str], is_weak: bool, reason: str | None
) -> None:
    owner = {"source": "ometria", "source_account": "default", "source_file": "landing/a.ndjson", "source_row": 1}
    record = {**owner, "record_no": 1, "stream_key": "profiles", "source_record_id": "p", "is_contact": False}
    said = {
        **owner,
        "stream": "profiles",
        "owner_record_id": "p",
        "id_type": "customer_id",
        "id_value": "c1",
        "id_link_value": "c1",
        "is_valid": True,
    }
    identifiers = [
        {**said, "export_date": date(2024, 2, 1), "merge_confidence": confidence} for confidence in confidences
    ]
    earlier = {**said, "export_date": date(2024, 1, 31), "merge_confidence": "none"}
    with closing(Model(warehouse, "int_record_identifiers")) as model:
        (found,) = model.rows(int_records=[record], customer_identifiers=[earlier, *identifiers])
    assert (found["is_weak"], found["unusable_reason"]) == (is_weak, reason)
