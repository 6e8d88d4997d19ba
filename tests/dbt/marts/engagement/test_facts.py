"""Reviews, leads, loyalty, redemptions and referrals: each fact once, of the person and the order it is about."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.dbt.conftest import Query
from tests.support.warehouse_builder import WarehouseBuilder, alias

FIRST, SECOND = date(2024, 1, 1), date(2024, 1, 2)


def stage(w: WarehouseBuilder) -> None:
    w.profile("open_delivery", "guest", email="guest@facts.example", stream="customers")
    w.profile("voucherify", "holder", email="holder@facts.example", stream="customers")
    w.profile("voucherify", "friend", email="friend@facts.example", stream="customers")
    w.order("open_delivery", "F-1", order_namespace="delivery", total="10.00")
    reviews(w)
    leads(w)
    loyalty(w)
    redemptions(w)
    referrals(w)


def reviews(w: WarehouseBuilder) -> None:
    for day, title in ((FIRST, "meh"), (SECOND, "better")):
        row = w.add(
            "reviews",
            source="open_delivery",
            review_id="two-ratings",
            source_order_id="F-1",
            order_namespace="delivery",
            order_match_key="F-1",
            owner_record_id="guest",
            stream="customers",
            title=title,
            export_date=day,
        )
        place = {name: row[name] for name in ("stream", "export_date", "source_file", "source_row", "source_record_id")}
        for number, score, is_overall in ((1, 0.25, False), (2, 0.75, True)):
            w.add(
                "review_ratings",
                source="open_delivery",
                review_id="two-ratings",
                rating_no=number,
                method="stars",
                value_raw=str(1 + 4 * score),
                score_0_1=score,
                is_overall=is_overall,
                **place,
            )
    row = w.add("reviews", source="open_delivery", review_id="only-parts", title="food and bike")
    place = {name: row[name] for name in ("stream", "export_date", "source_file", "source_row", "source_record_id")}
    for number, score in ((1, 0.0), (2, 1.0)):
        w.add(
            "review_ratings",
            source="open_delivery",
            review_id="only-parts",
            rating_no=number,
            method="nps",
            score_0_1=score,
            is_overall=False,
            **place,
        )


def leads(w: WarehouseBuilder) -> None:
    for lead, value in (("known", "guest@facts.example"), ("stranger", "stranger@facts.example")):
        w.add(
            "leads", source="open_delivery", lead_id=lead, contact_type="email", contact_value=value, name=lead.title()
        )
    w.add(
        "leads",
        source="open_delivery",
        lead_id="known",
        contact_type="email",
        contact_value="guest@facts.example",
        name="Renamed",
        export_date=SECOND,
    )


def loyalty(w: WarehouseBuilder) -> None:
    for day, balance in ((FIRST, "100"), (SECOND, "340")):
        w.add(
            "loyalty_accounts",
            source="voucherify",
            stream="customers",
            account_id="card",
            owner_record_id="holder",
            balance_type="points",
            balance=balance,
            export_date=day,
        )
    w.add(
        "loyalty_accounts",
        source="voucherify",
        stream="customers",
        account_id="card",
        owner_record_id="holder",
        balance_type="cashback",
        balance="5.50",
    )


def redemptions(w: WarehouseBuilder) -> None:
    def redeem(redemption_id: str, kind: str, result: str, parent: str | None = None, money: str | None = None) -> None:
        w.add(
            "redemptions",
            source="voucherify",
            stream="customers",
            redemption_id=redemption_id,
            kind=kind,
            result=result,
            parent_redemption_id=parent,
            owner_record_id="holder",
            currency="EUR",
            money_amount=money,
            redeemed_at=datetime(2024, 1, 1, tzinfo=UTC),
        )

    redeem("r-1", "redemption", "success", money="15.00")
    redeem("r-2", "redemption", "success", money="4.00")
    redeem("r-3", "redemption", "failure")
    redeem("rr-1", "rollback", "success", "r-1", "-15.00")
    redeem("rr-2", "rollback", "failure", "r-2")
    for metric, value in (
        ("redemptions_total", "3"),
        ("redemptions_succeeded", "2"),
        ("redemptions_failed", "1"),
        ("redemptions_rolled_back", "1"),
        ("rollbacks_succeeded", "1"),
        ("rollbacks_failed", "1"),
        ("loyalty_points", "340"),
    ):
        w.add(
            "vendor_stats",
            source="voucherify",
            stream="customers",
            owner_record_id="holder",
            metric=metric,
            value_num=value,
            definition_id=f"summary.{metric}",
            export_date=SECOND,
        )


def referrals(w: WarehouseBuilder) -> None:
    for day in (FIRST, SECOND):
        for campaign, referrer in (("spring", "holder"), ("summer", "nobody")):
            w.add(
                "referrals",
                source="voucherify",
                stream="customers",
                campaign_id=campaign,
                referrer_profile_id=referrer,
                referred_profile_id="friend",
                export_date=day,
            )


def person(source: str, record: str) -> str:
    return alias(source, "customers", record)


def test_a_review_counts_once_by_its_overall_rating_and_knows_its_order_and_writer(query: Query) -> None:
    sql = """
        select reviews.customer_id, orders.order_number, title, rating_count, score_0_1, rating_value
        from marts.fct_reviews as reviews left join marts.fct_orders as orders using (order_id) where review_id = 'two-ratings'
    """
    assert query(sql) == [(person("open_delivery", "guest"), "F-1", "better", 2, Decimal("0.7500"), "4.0")]


def test_ratings_of_parts_are_never_averaged_into_a_whole(query: Query) -> None:
    assert query(
        "select rating_count, score_0_1, customer_id, order_id from marts.fct_reviews where review_id = 'only-parts'"
    ) == [(2, None, None, None)]


def test_a_lead_is_of_a_person_only_if_its_contact_belongs_to_one(query: Query) -> None:
    assert query(
        "select lead_id, customer_id, name from marts.fct_leads where lead_id in ('known', 'stranger') order by 1"
    ) == [
        ("known", person("open_delivery", "guest"), "Renamed"),
        ("stranger", None, "Stranger"),
    ]
    assert query("select count(*) from marts.dim_customers where email = 'stranger@facts.example'") == [(0,)]


def test_a_balance_is_the_last_observed_one_of_each_kind(query: Query) -> None:
    assert query(
        "select balance_type, balance, observed_date, customer_id from marts.fct_loyalty_balances where account_id = 'card' order by 1"
    ) == [
        ("cashback", Decimal("5.5000"), FIRST, person("voucherify", "holder")),
        ("points", Decimal("340.0000"), SECOND, person("voucherify", "holder")),
    ]


def test_a_redemption_taken_back_is_marked_and_a_failed_rollback_takes_nothing_back(query: Query) -> None:
    assert query(
        "select redemption_id, kind, result, is_rolled_back from marts.fct_redemptions where regexp_matches(redemption_id, '^rr?-') order by 1"
    ) == [
        ("r-1", "redemption", "success", True),
        ("r-2", "redemption", "success", False),
        ("r-3", "redemption", "failure", False),
        ("rr-1", "rollback", "success", False),
        ("rr-2", "rollback", "failure", False),
    ]
    assert query("select sum(money_amount) from marts.fct_redemptions where redemption_id like 'r%'") == [
        (Decimal("4.0000"),)
    ]


def test_a_vendors_counts_of_redemptions_and_points_match_what_it_delivered(query: Query) -> None:
    assert query(
        "select distinct verdict from marts.customer_stat_reconciliation where source_record_id = 'holder'"
    ) == [("match",)]


def test_a_referral_stands_once_and_names_people_where_they_are_known(query: Query) -> None:
    assert query(
        "select campaign_id, referrer_customer_id, referred_customer_id from marts.fct_referrals order by 1"
    ) == [
        ("spring", person("voucherify", "holder"), person("voucherify", "friend")),
        ("summer", None, person("voucherify", "friend")),
    ]
