"""What people decide holds, whatever else would link the records: belonging to a record, following a person, or sharing
a cookie."""

import pytest

from tests.support.worlds import Scenario, Warehouse, always, blocked, contact, never, profile

OWNER = profile("owner", email="o@owner.example", first_name="Olga")
NAMED = contact("owner-named", profile_id="owner", email="other@owner.example")
SOLE = profile("sole", email="s@sole.example")
MEANT = contact("sole-order", email="s@sole.example")
SHOP = profile("till", source="omnisend", stream="contacts", email="till@till.example")
FIRST, SECOND = (
    contact(f"till-{number}", source="omnisend", email="till@till.example", phone=f"+491511000050{number}")
    for number in (1, 2)
)
STALE = profile("stale", email="b@stale.example")
STALE_ORDER = contact("stale-order", email="b@stale.example", phone="+4915110000510")
STRANGER = profile("stale-stranger", source="voucherify", phone="+4915110000510")
CARRIER = profile("carrier", email="c@carrier.example", vuid="v-carrier", push_token="p-carrier")
VISITORS = [
    contact("carrier-web", stream="events", vuid="v-carrier"),
    contact("carrier-app", stream="events", push_token="p-carrier"),
]
WEB, APP, THIRD = (
    contact("loose-web", stream="events", vuid="v-loose"),
    contact("loose-app", stream="events", vuid="v-loose", push_token="p-loose"),
    contact("loose-third", stream="events", push_token="p-loose"),
)
GONE = [
    profile(f"gone-apart-{number}", source=source, email="g@apart.example", is_deleted=True)
    for number, source in enumerate(("omnisend", "voucherify"))
]
KEPT = [
    profile("trail-known", email="t@kept-trail.example", vuid="v-kept-trail"),
    contact("trail-first", stream="events", vuid="v-kept-trail", push_token="p-kept-trail"),
    contact("trail-second", stream="events", push_token="p-kept-trail"),
]

FIRST_PAPER, BETWEEN, SECOND_PAPER = (
    profile(
        "licence-1", source="open_delivery", document="cpf:52998224725", email="l@licence.example", first_name="Rui"
    ),
    profile("licence-2", source="open_delivery", email="l@licence.example", phone="+5511912345601"),
    profile("licence-3", source="open_delivery", phone="+5511912345601", document="cpf:93541134780"),
)
WITHOUT_PAPER = profile("licence-k", source="omnisend", email="k@licence.example")
PAPERS = [
    profile("two-papers-1", source="open_delivery", document="cpf:39053344705"),
    profile("two-papers-2", source="omnisend", email="p@two-papers.example"),
    profile("two-papers-3", source="ometria", document="cpf:86288366757"),
]
TURNED = [
    profile("turned-1", source="omnisend", email="one@turned.example"),
    profile("turned-2", source="omnisend", email="two@turned.example"),
    contact("turned-guest", source="omnisend", email="guest@turned.example"),
    profile("turned-1", source="omnisend", email="guest@turned.example", day=1),
]
SPELLINGS = [
    profile("spelled-1", source="omnisend", email="till@gmail.com"),
    profile("spelled-2", source="ometria", email="till@gmail.com"),
]
# What is blocked, as it was delivered, and as somebody wrote it into the file.
WRITTEN = [
    ("document", "cpf:94580730224", "945.807.302-24"),
    ("document", "cpf:15736819384", "15736819384"),
    ("document", "cpf:03642621252", "CPF: 036.426.212-52"),
    ("document", "cpf:99722003372", "cpf:99722003372"),
    ("phone", "+4915112341001", "+49 151 12341001"),
    ("phone", "+4915112341002", "0049 (151) 1234-1002"),
    ("phone", "+4915112341003", "+49 (0)151 12341003"),
    ("email", "desk-1@written.example", " Desk-1@Written.Example"),
    ("email", "desk2@gmail.com", "Desk.2+till@googlemail.com"),
]

SCENARIOS = [
    *(
        Scenario(
            f"`{written}` is blocked",
            [
                profile(f"written-{number}-{source}", source=source, **{id_type: value})
                for source in ("omnisend", "open_delivery")
            ],
            [{f"written-{number}-omnisend"}, {f"written-{number}-open_delivery"}],
            [blocked(id_type, written)],
        )
        for number, (id_type, value, written) in enumerate(WRITTEN)
    ),
    Scenario(
        "a decision about somebody else is no licence for two documents",
        [FIRST_PAPER, BETWEEN, SECOND_PAPER, WITHOUT_PAPER],
        [{"licence-1", "licence-2", "licence-k"}, {"licence-3"}],
        [always(FIRST_PAPER, WITHOUT_PAPER)],
    ),
    Scenario(
        "decisions joined by way of a third record join two documents",
        PAPERS,
        [{"two-papers-1", "two-papers-2", "two-papers-3"}],
        [always(PAPERS[0], PAPERS[1]), always(PAPERS[1], PAPERS[2])],
    ),
    Scenario(
        "two decisions that data turns against each other: who is to stay apart does",
        TURNED,
        [{"turned-1", "turned-guest"}, {"turned-2"}],
        [always(TURNED[2], TURNED[1]), never(TURNED[0], TURNED[1])],
    ),
    Scenario(
        "an address that is blocked in two spellings",
        SPELLINGS,
        [{"spelled-1"}, {"spelled-2"}],
        [blocked("email", "t.ill@gmail.com"), blocked("email", "Till@googlemail.com")],
    ),
    Scenario(
        "an order that names a profile is not its owner's",
        [OWNER, NAMED],
        [{"owner"}, {"owner-named"}],
        [never(NAMED, OWNER)],
    ),
    Scenario(
        "the only record that shares an address does not get the order",
        [SOLE, MEANT],
        [{"sole"}, {"sole-order"}],
        [never(SOLE, MEANT)],
    ),
    Scenario("two orders of one record are two people's", [SHOP, FIRST, SECOND], [], [never(FIRST, SECOND)]),
    Scenario(
        "an order joined to a stranger takes the record it belongs to along",
        [STALE, STALE_ORDER, STRANGER],
        [{"stale", "stale-order", "stale-stranger"}],
        [always(STALE_ORDER, STRANGER)],
    ),
    Scenario("two visitors who would follow one person", [CARRIER, *VISITORS], [], [never(*VISITORS)]),
    Scenario("two visitors with one cookie, and a third between", [WEB, APP, THIRD], [], [never(WEB, THIRD)]),
    Scenario("two deleted records with one address", GONE, [{"gone-apart-0"}, {"gone-apart-1"}], [never(*GONE)]),
    Scenario(
        "a visitor who would follow by way of another",
        KEPT,
        [{"trail-known", "trail-first"}, {"trail-second"}],
        [never(KEPT[0], KEPT[2])],
    ),
]


@pytest.mark.parametrize("scenario", [scenario for scenario in SCENARIOS if scenario.persons], ids=str)
def test_who_is_one_person_by_decision(warehouse: Warehouse, scenario: Scenario) -> None:
    assert warehouse.persons(scenario.names) == sorted(scenario.persons, key=sorted)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("owner", "owner-named"),
        ("till-1", "till-2"),
        ("carrier-web", "carrier-app"),
        ("loose-web", "loose-third"),
        ("gone-apart-0", "gone-apart-1"),
    ],
)
def test_records_kept_apart_are_two_people(warehouse: Warehouse, one: str, other: str) -> None:
    assert len(warehouse.persons([one, other])) == 2


def test_one_of_two_visitors_kept_apart_still_follows_the_person_with_the_cookies_they_carry(
    warehouse: Warehouse,
) -> None:
    assert sorted(map(len, warehouse.persons(["carrier", "carrier-web", "carrier-app"]))) == [1, 2]
