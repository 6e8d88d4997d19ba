"""Segments are claims with stays, consents are changes with a time."""

from datetime import UTC, datetime

import pytest

from tests.support.installation import EXPORT_DATES, Installation, ometria_profile, voucherify_customer

pytestmark = pytest.mark.long


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def land(installation: Installation) -> None:
    for export_date, tags in zip(EXPORT_DATES, (["  Garden VIP "], None, ["Other"], ["GARDEN VIP"]), strict=True):
        if tags is not None:
            profile = ometria_profile(
                "G-stays",
                email="stay.person@example.com",
                tags=tags,
                lists=[{"id": 123, "title": "Spring list", "type": "STATIC"}],
            )
            installation.land("ometria/profiles", export_date, "segments.ndjson", profile)
    installation.land(
        "omnisend/contacts",
        EXPORT_DATES[0],
        "segments.ndjson",
        {
            "contactID": "g-stays",
            "email": "stay.person@example.com",
            "tags": ["garden vip"],
            "segments": ["seg-omni-1"],
        },
        {"contactID": "g-double", "email": "g.double@example.com", "tags": ["dup"]},
    )
    installation.land(
        "voucherify/customers",
        EXPORT_DATES[0],
        "segments.ndjson",
        voucherify_customer(
            "cust_g_stays",
            email="stay.person@example.com",
            loyalty={
                "points": 5,
                "referred_customers": 0,
                "campaigns": {"Easy loyalty": {"points": 5, "referred_customers": 0}},
            },
        ),
        voucherify_customer("cust_g_a", email="g.same@example.com", name="Gus"),
        voucherify_customer("cust_g_b", email="g.same@example.com", name="Gus"),
    )
    installation.land(
        "voucherify/segments",
        EXPORT_DATES[0],
        "of_customers.ndjson",
        {"customer_id": "cust_g_a", "segments": [{"id": "seg_g", "name": "Green thumbs", "object": "segment"}]},
        {"customer_id": "cust_g_b", "segments": [{"id": "seg_g", "name": "Green thumbs", "object": "segment"}]},
    )
    installation.land(
        "voucherify/segments", EXPORT_DATES[2], "of_customers.ndjson", {"customer_id": "cust_g_a", "segments": []}
    )
    installation.land(
        "optimizely/lists",
        EXPORT_DATES[0],
        "zaius_list_newsg.csv",
        "email,action,ts_status_updated\nlist.g@example.com,subscribe,1770022800\n",
    )
    installation.land(
        "optimizely/lists",
        EXPORT_DATES[1],
        "zaius_list_newsg.csv",
        "email,action,ts_status_updated\nother.g@example.com,subscribe,1770022800\n",
    )
    installation.land(
        "optimizely/lists",
        EXPORT_DATES[2],
        "zaius_list_newsg.csv",
        "email,action,ts_status_updated\nlist.g@example.com,unsubscribe,1772400000\n",
    )
    installation.land(
        "ometria/profiles",
        EXPORT_DATES[0],
        "consents.ndjson",
        ometria_profile(
            "C-dates",
            email="c.dates@example.com",
            dates={"marketing_optin": "2014-11-09T15:34:35+00:00", "marketing_optout": "2016-01-02T03:04:05+00:00"},
        ),
        ometria_profile("C-null", email="c.null@example.com", marketing_optin=None),
    )
    installation.land(
        "omnisend/contacts",
        EXPORT_DATES[0],
        "consents.ndjson",
        {
            "contactID": "c-non",
            "identifiers": [
                {
                    "id": "c.non@example.com",
                    "type": "email",
                    "channels": {"email": {"status": "nonSubscribed", "statusDate": "2024-01-01T00:00:00Z"}},
                }
            ],
        },
        {
            "contactID": "c-yes",
            "identifiers": [
                {
                    "id": "c.yes@example.com",
                    "type": "email",
                    "channels": {"email": {"status": "subscribed", "statusDate": "2024-01-01T00:00:00Z"}},
                }
            ],
        },
    )
    installation.land(
        "omnisend/contacts",
        EXPORT_DATES[1],
        "consents.ndjson",
        {
            "contactID": "c-yes",
            "identifiers": [
                {
                    "id": "c.yes@example.com",
                    "type": "email",
                    "channels": {"email": {"status": "unsubscribed", "statusDate": "2025-01-01T00:00:00Z"}},
                }
            ],
        },
    )
    installation.land(
        "voucherify/customers",
        EXPORT_DATES[0],
        "consents.ndjson",
        voucherify_customer(
            "cust_c_keys",
            email="c.keys@example.com",
            system_metadata={
                "consents": {
                    "unsubscribed": {"date": "2021-04-08T11:50:07.466Z", "value": False},
                    "cnst_61uGQeWeTGYxQHwkt6QiF2Xe": {"date": "2021-04-08T11:50:07.466Z", "value": True},
                }
            },
        ),
        voucherify_customer(
            "cust_c_out",
            email="c.out@example.com",
            system_metadata={"consents": {"unsubscribed": {"date": "2021-04-08T11:50:07.466Z", "value": True}}},
        ),
    )


def stays(world: Installation, person: str, segment: str, source: str) -> list[tuple[object, ...]]:
    return world.rows(
        "select entered_at, exited_at, is_current from marts.fct_segment_memberships where customer_id = ? and segment_id = ? and source = ? order by 1",
        person,
        segment,
        source,
    )


def test_a_tag_that_goes_and_comes_back_makes_two_stays(world: Installation) -> None:
    person = world.customer_of("ometria", "G-stays")
    assert stays(world, person, "garden vip", "ometria") == [
        (at("2026-03-01"), at("2026-03-03"), False),
        (at("2026-03-04"), None, True),
    ]
    assert stays(world, person, "other", "ometria") == [(at("2026-03-03"), at("2026-03-04"), False)]


def test_a_list_held_every_day_is_one_stay(world: Installation) -> None:
    assert stays(world, world.customer_of("ometria", "G-stays"), "123", "ometria") == [(at("2026-03-01"), None, True)]


def test_a_claim_belongs_to_the_vendor_that_made_it(world: Installation) -> None:
    person = world.customer_of("ometria", "G-stays")
    assert person == world.customer_of("omnisend", "g-stays")
    assert stays(world, person, "garden vip", "omnisend") == [(at("2026-03-01"), None, True)]
    claims = world.rows(
        "select distinct source, claimed_by, segment_kind from marts.fct_segment_memberships where customer_id = ? and segment_id = 'garden vip' order by 1",
        person,
    )
    assert claims == [("ometria", "ometria", "tag"), ("omnisend", "omnisend", "tag")]


def test_lists_segments_and_campaigns_are_reported_apart_by_kind(world: Installation) -> None:
    kinds = dict(
        world.rows(
            "select segment_id, segment_kind from marts.fct_segment_memberships where customer_id = ? and is_current",
            world.customer_of("ometria", "G-stays"),
        )
    )
    assert kinds["123"] == "static_list"
    assert kinds["seg-omni-1"] == "dynamic_segment"
    assert kinds["Easy loyalty"] == "loyalty_campaign"


def test_a_list_of_a_profile_closes_only_the_stays_of_that_profile(world: Installation) -> None:
    person = world.customer_of("voucherify", "cust_g_a")
    assert person == world.customer_of("voucherify", "cust_g_b")
    assert stays(world, person, "seg_g", "voucherify") == [(at("2026-03-01"), None, True)]


def test_a_partial_list_closes_nothing_and_an_unsubscribe_does(world: Installation) -> None:
    [(entered, exited, current)] = stays(world, world.customer_with("list.g@example.com"), "newsg", "optimizely")
    assert (entered, exited, current) == (
        datetime(2026, 2, 2, 9, 0, tzinfo=UTC),
        datetime(2026, 3, 1, 21, 20, tzinfo=UTC),
        False,
    )
    assert stays(world, world.customer_with("other.g@example.com"), "newsg", "optimizely")[0][2]


def consents(world: Installation, source: str, record: str) -> list[tuple[object, ...]]:
    return world.rows(
        "select channel, purpose, status, effective_at, is_current from marts.fct_consents where customer_id = ? order by 2, 4",
        world.customer_of(source, record),
    )


def test_opting_in_and_out_are_two_changes_and_the_last_is_current(world: Installation) -> None:
    reported = [row for row in consents(world, "ometria", "C-dates") if row[2] != "unknown"]
    assert reported == [
        ("email", "marketing", "opt_in", at("2014-11-09T15:34:35"), False),
        ("email", "marketing", "opt_out", at("2016-01-02T03:04:05"), True),
    ]
    assert [row[2] for row in consents(world, "ometria", "C-dates") if row[4]] == ["opt_out"]


def test_no_answer_is_unknown_and_never_no(world: Installation) -> None:
    assert [(row[0], row[2]) for row in consents(world, "ometria", "C-null")] == [("email", "unknown")]
    assert [(row[0], row[2]) for row in consents(world, "omnisend", "c-non")] == [("email", "unknown")]


def test_a_later_no_ends_a_yes(world: Installation) -> None:
    assert [(row[2], row[4]) for row in consents(world, "omnisend", "c-yes")] == [("opt_in", False), ("opt_out", True)]


def test_not_having_unsubscribed_is_no_consent(world: Installation) -> None:
    reported = {row[1]: row[2] for row in consents(world, "voucherify", "cust_c_keys")}
    assert reported.pop("cnst_61uGQeWeTGYxQHwkt6QiF2Xe") == "opt_in"
    assert set(reported.values()) == {"unknown"}
    assert {row[2] for row in consents(world, "voucherify", "cust_c_out")} == {"opt_out"}
