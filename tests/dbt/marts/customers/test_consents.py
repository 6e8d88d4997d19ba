"""A no that is heard: what every vendor can say of every channel and purpose, dated or not, against every yes that does not undo it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.canonical.vocabulary import CHANNELS
from tests.dbt.conftest import Query
from tests.support.goldens import normalise
from tests.support.model import Model
from tests.support.warehouse_builder import WarehouseBuilder

DAY = date(2026, 3, 5)
SAID = datetime(2026, 2, 1, 12, tzinfo=UTC)
EMAIL = "no@consents.example"

Row = dict[str, Any]


@dataclass(frozen=True)
class Refusal:
    """A vendor's record that says no, and whether it says when."""

    vendor: str
    stream: str
    record: Row
    channel: str
    purpose: str = "marketing"
    is_dated: bool = True

    @property
    def said_at(self) -> datetime:
        """The time it counts from: where none is stated, the day that first delivered it."""
        return SAID if self.is_dated else datetime.combine(DAY, time(), UTC)

    @property
    def record_key(self) -> Row:
        """Where the record stands that says it."""
        return {"source": self.vendor, "stream": self.stream, "owner_record_id": "first"}

    def repeated(self, at: datetime) -> list[Row]:
        """The same from the same record at a later day, without a time."""
        return [word("opt_out", at, self.channel, self.purpose, is_inferred=True, **self.record_key)]

    @property
    def rows(self) -> list[Row]:
        """What staging holds of it."""
        outcome = normalise(self.vendor, self.stream, [self.record], export_date=DAY)
        assert outcome.rejects == []
        return outcome.normalised.frame("customer_consents").to_dicts()


def refusals() -> Iterator[Refusal]:
    """Every vendor, channel and purpose that can be refused, with and without a time."""
    when, seconds = SAID.isoformat(), int(SAID.timestamp())
    for is_dated in (True, False):
        yield Refusal(
            "ometria",
            "contacts",
            {"@type": "contact", "id": "1", "email": EMAIL, "marketing_optin": "EXPLICITLY_OPTEDOUT"}
            | ({"timestamp_marketing_optout": when} if is_dated else {}),
            "email",
            is_dated=False,
        )
        dates = {"dates": {"marketing_optout": when}} if is_dated else {}
        yield Refusal(
            "ometria",
            "profiles",
            {"@type": "profile", "id": "1", "email": EMAIL, "marketing_optin": False, **dates},
            "email",
            is_dated=is_dated,
        )
        consent = {"identifier_field_name": "email", "identifier_value": EMAIL, "consent": False}
        yield Refusal(
            "optimizely",
            "events",
            consent | ({"consent_update_ts": seconds} if is_dated else {}),
            "email",
            is_dated=is_dated,
        )
        for channel in ("email", "sms", "push"):
            kind, address = ("email", EMAIL) if channel == "email" else ("phone", "+4915110000510")
            status = {"status": "unsubscribed"} | ({"statusDate": when} if is_dated else {})
            yield Refusal(
                "omnisend",
                "contacts",
                {"contactID": "1", "identifiers": [{"type": kind, "id": address, "channels": {channel: status}}]},
                channel,
                is_dated=is_dated,
            )
        yield Refusal(
            "voucherify",
            "customers",
            {
                "id": "cust_1",
                "object": "customer",
                "email": EMAIL,
                "system_metadata": {
                    "consents": {"unsubscribed": {"value": True, **({"date": when} if is_dated else {})}}
                },
            },
            "all",
            is_dated=is_dated,
        )
        for channel in ("email", "sms", "push", "whatsapp", "phone", "all"):
            reported = (
                {"purpose": "marketing", "status": "opt_out"}
                | ({"channel": channel} if channel != "all" else {})
                | ({"revokedAt": when} if is_dated else {})
            )
            yield Refusal(
                "open_delivery",
                "customers",
                {"identifier": {"type": "EMAIL", "value": EMAIL}, "consents": [reported]},
                channel,
                is_dated=is_dated,
            )


def channels_of(channel: str) -> tuple[str, ...]:
    """Channels that what is said of one is known of."""
    return CHANNELS if channel == "all" else (channel,)


def word(
    status: str,
    at: datetime,
    channel: str,
    purpose: str = "marketing",
    *,
    is_inferred: bool = False,
    is_forced: bool = False,
    **owner: str,
) -> Row:
    """A yes or no as staging holds it; another vendor reports it unless `source` or `owner_record_id` say otherwise."""
    return {
        "source": "another_vendor",
        "source_account": "default",
        "stream": "contacts",
        "channel": channel,
        "purpose": purpose,
        "status": status,
        "is_forced": is_forced,
        "is_effective_at_inferred": is_inferred,
        "effective_at": at,
        "last_export_date": at.date(),
        "source_file": "landing/another_vendor/a.ndjson",
        "source_row": 1,
        **owner,
    }


def words_that_undo_nothing(refusal: Refusal) -> Iterator[list[Row]]:
    """Nothing, and all that can be said beside such a refusal without undoing it."""
    no_at, later = refusal.said_at, refusal.said_at + timedelta(days=20)
    second_record = {"source": refusal.vendor, "stream": refusal.stream, "owner_record_id": "second"}
    yield []
    for channel in {refusal.channel, "all"}:
        for purpose in ("marketing", "all"):
            yield [word("opt_in", no_at - timedelta(days=1), channel, purpose)]
            yield [word("opt_in", no_at, channel, purpose)]
            yield [word("opt_in", later, channel, purpose, is_inferred=True)]
            yield [word("opt_in", later, channel, purpose, is_inferred=True, is_forced=True)]
            yield [word("opt_in", later, channel, purpose, is_inferred=True, **second_record)]
            # A later no of any kind, also one that a record repeats after it said yes to more.
            for last in ("stated", "inferred", "forced"):
                no = word(
                    "opt_out",
                    later,
                    refusal.channel,
                    refusal.purpose,
                    is_inferred=last == "inferred",
                    is_forced=last == "forced",
                )
                yield [word("opt_in", no_at + timedelta(days=10), channel, purpose, is_forced=True), no]
            yield [
                word("opt_in", no_at + timedelta(days=10), channel, purpose, **refusal.record_key),
                *refusal.repeated(later),
            ]
            # A plain yes against a forced no that no forced yes undid.
            forced = word("opt_out", no_at + timedelta(days=1), refusal.channel, refusal.purpose, is_forced=True)
            yield [forced, word("opt_in", later, channel, purpose)]
            yield [
                word("opt_in", no_at, channel, purpose, is_forced=True),
                forced,
                word("opt_in", later, channel, purpose),
            ]
    yield [word("opt_in", later, refusal.channel, "list:news")]


def words_that_undo(refusal: Refusal) -> Iterator[list[Row]]:
    """What is said after such a refusal so that it counts no more."""
    no_at, later = refusal.said_at, refusal.said_at + timedelta(days=20)
    for channel in {refusal.channel, "all"}:
        for purpose in ("marketing", "all"):
            yes = word("opt_in", later, channel, purpose)
            yield [yes]
            yield [word("opt_in", later, channel, purpose, **refusal.record_key)]
            yield [word("opt_in", later, channel, purpose, is_forced=True)]
            yield [yes, *refusal.repeated(later + timedelta(days=20))]
            if not refusal.is_dated:
                yield [word("opt_in", later, channel, purpose, is_inferred=True, **refusal.record_key)]
            forced = [
                word(status, no_at + timedelta(days=day), channel, purpose, is_forced=True)
                for day, status in ((1, "opt_out"), (2, "opt_in"))
            ]
            yield [*forced, yes]
            yield [*forced, word("opt_out", no_at + timedelta(days=3), channel, purpose), yes]


@pytest.fixture(scope="module")
def consents(warehouse: WarehouseBuilder) -> Iterator[Model]:
    model = Model(warehouse, "fct_consents")
    yield model
    model.close()


class Contactability:
    """Whether marketing may be sent, with the steps on the way to it."""

    def __init__(self, warehouse: WarehouseBuilder) -> None:
        steps = ("int_channel_consents", "int_channel_refusals", "customer_contactability")
        self._steps = {name: Model(warehouse, name) for name in steps}

    def rows(self, until: str = "customer_contactability", **tables: Sequence[Row]) -> list[Row]:
        """What the last step, or that one, makes of these rows of all inputs."""
        made: dict[str, list[Row]] = {}
        for name, model in self._steps.items():
            made[name] = model.rows(**{table: rows for table, rows in (tables | made).items() if table in model.inputs})
        return made[until]

    def close(self) -> None:
        for model in self._steps.values():
            model.close()


@pytest.fixture(scope="module")
def contactability(warehouse: WarehouseBuilder) -> Iterator[Contactability]:
    model = Contactability(warehouse)
    yield model
    model.close()


@pytest.fixture(scope="module")
def holding(warehouse: WarehouseBuilder) -> Iterator[Model]:
    model = Model(warehouse, "customer_consents")
    yield model
    model.close()


def reported_of(customer: str, rows: list[Row]) -> tuple[list[Row], list[Row]]:
    """Rows of staging that are of this customer, and the owners that say so."""
    owned = [{**row, "owner_record_id": f"{customer}-{row.get('owner_record_id') or 'first'}"} for row in rows]
    owners = {
        (row["source"], row["stream"], row["owner_record_id"]): {
            "source": row["source"],
            "source_account": "default",
            "stream_key": row["stream"],
            "owner_record_id": row["owner_record_id"],
            "customer_id": customer,
        }
        for row in owned
    }
    return owned, list(owners.values())


STAGED = (
    *(
        "source",
        "source_account",
        "stream",
        "channel",
        "purpose",
        "status",
        "is_forced",
        "is_effective_at_inferred",
        "effective_at",
    ),
    *("last_export_date", "source_file", "source_row"),
)


@dataclass
class Cells:
    """Customers of whom each stands for a cell of the matrix: a refusal, and what else is said, in either order."""

    refusals: dict[str, Refusal]
    staged: list[Row]
    owners: list[Row]

    @classmethod
    def of(cls, beside: Callable[[Refusal], Iterator[list[Row]]]) -> "Cells":
        cells = cls({}, [], [])
        for refusal in refusals():
            noes = [{name: row[name] for name in STAGED if name in row} for row in refusal.rows]
            assert {(row["channel"], row["purpose"], row["status"]) for row in noes} == {
                (refusal.channel, refusal.purpose, "opt_out")
            }
            for words in beside(refusal):
                cells.add(refusal, [*words, *noes])
                cells.add(refusal, [*noes, *words])
        return cells

    def add(self, refusal: Refusal, rows: list[Row]) -> None:
        cell = f"cell-{len(self.refusals)}"
        self.refusals[cell] = refusal
        staged, owners = reported_of(cell, rows)
        self.staged.extend(staged)
        self.owners.extend(owners)

    def allowed(self, consents: Model, contactability: Contactability, holding: Model) -> dict[str, set[bool]]:
        """By cell, what contactability and the consents that hold say of the channels refused."""
        changes = consents.rows(customer_consents=self.staged, int_owner_customers=self.owners)
        found = contactability.rows(
            fct_consents=changes, dim_customers=[{"customer_id": cell, "is_deleted": False} for cell in self.refusals]
        )
        by_channel = {(row["customer_id"], row["channel"]): row["is_allowed"] for row in found}
        held = {
            (row["customer_id"], row["channel"]): row["is_allowed"]
            for row in holding.rows(fct_consents=changes)
            if row["purpose"] == "marketing"
        }
        return {
            cell: {
                held[cell, refusal.channel],
                *(by_channel[cell, channel] for channel in channels_of(refusal.channel)),
            }
            for cell, refusal in self.refusals.items()
        }


def test_who_said_no_is_never_allowed_whatever_yes_stands_beside_it(
    consents: Model, contactability: Contactability, holding: Model
) -> None:
    cells = Cells.of(words_that_undo_nothing)
    assert {refusal.vendor for refusal in cells.refusals.values()} == {
        "ometria",
        "optimizely",
        "omnisend",
        "voucherify",
        "open_delivery",
    }
    wrong = [cell for cell, said in cells.allowed(consents, contactability, holding).items() if said != {False}]
    assert [
        (cells.refusals[cell], [row for row in cells.staged if row["owner_record_id"].startswith(f"{cell}-")])
        for cell in wrong[:1]
    ] == []


def test_a_later_yes_that_was_stated_or_takes_back_its_own_no_is_heard(
    consents: Model, contactability: Contactability, holding: Model
) -> None:
    cells = Cells.of(words_that_undo)
    wrong = [cell for cell, said in cells.allowed(consents, contactability, holding).items() if said != {True}]
    assert [
        (cells.refusals[cell], [row for row in cells.staged if row["owner_record_id"].startswith(f"{cell}-")])
        for cell in wrong[:1]
    ] == []


def change(
    status: str, day: int, channel: str = "email", purpose: str = "marketing", source: str = "one", **more: object
) -> Row:
    return {
        "customer_id": "somebody",
        "source": source,
        "source_account": "default",
        "channel": channel,
        "purpose": purpose,
        "status": status,
        "is_forced": False,
        "is_effective_at_inferred": False,
        "is_of_deleted": False,
        "effective_at": datetime(2026, 1, day, tzinfo=UTC),
        "is_current": True,
        **more,
    }


def allowed(contactability: Contactability, *changes: Row, is_deleted: bool = False) -> dict[str, tuple[bool, str]]:
    """By channel, whether it is allowed, and why."""
    found = contactability.rows(
        fct_consents=changes, dim_customers=[{"customer_id": "somebody", "is_deleted": is_deleted}]
    )
    assert {row["purpose"] for row in found} <= {"marketing"}
    return {row["channel"]: (row["is_allowed"], row["reason"]) for row in found}


def test_a_yes_that_is_stated_later_than_every_no_allows_its_channel_and_no_other(
    contactability: Contactability,
) -> None:
    said = [change("opt_out", 1, "all"), change("opt_in", 2, "email", source="other")]
    assert allowed(contactability, *said)["email"] == (True, "yes")
    assert {channel: why for channel, why in allowed(contactability, *said).items() if channel != "email"} == {
        channel: (False, "no_to_all_channels") for channel in CHANNELS if channel != "email"
    }


def test_a_later_yes_to_all_channels_undoes_an_earlier_no_to_one(contactability: Contactability) -> None:
    assert allowed(contactability, change("opt_out", 1), change("opt_in", 2, "all"))["email"] == (
        True,
        "yes_to_all_channels",
    )


def test_all_channels_together_are_allowed_only_if_none_refuses(contactability: Contactability) -> None:
    said = allowed(contactability, change("opt_in", 1, "all"), change("opt_out", 2))
    assert (said["email"], said["sms"], said["all"]) == (
        (False, "no"),
        (True, "yes_to_all_channels"),
        (False, "no_to_a_channel"),
    )


def test_unknown_a_list_and_another_purpose_allow_nothing(contactability: Contactability) -> None:
    assert allowed(contactability, change("unknown", 1)) == {"email": (False, "unknown")}
    assert allowed(contactability, change("opt_in", 1, purpose="list:news")) == {
        "email": (False, "no_word_on_marketing")
    }
    assert allowed(contactability, change("opt_in", 1, purpose="surveys")) == {"email": (False, "no_word_on_marketing")}


def test_purpose_all_covers_marketing_and_marketing_its_lists(contactability: Contactability, holding: Model) -> None:
    assert allowed(contactability, change("opt_in", 1), change("opt_out", 2, purpose="all"))["email"] == (False, "no")
    said = holding.rows(
        fct_consents=[
            change("opt_in", 1, purpose="list:news"),
            change("opt_out", 2),
            change("opt_in", 1, purpose="surveys"),
        ]
    )
    assert {row["purpose"]: row["is_allowed"] for row in said} == {
        "list:news": False,
        "marketing": False,
        "surveys": True,
    }


def test_a_record_that_changes_its_undated_word_is_heard_and_another_record_or_vendor_is_not(
    contactability: Contactability,
) -> None:
    no = change("opt_out", 1, is_effective_at_inferred=True, reported_by=["contacts/1"])
    assert allowed(contactability, no, change("opt_in", 2, is_effective_at_inferred=True, reported_by=["contacts/1"]))[
        "email"
    ] == (True, "yes")
    assert allowed(contactability, no, change("opt_in", 2, is_effective_at_inferred=True, reported_by=["contacts/2"]))[
        "email"
    ] == (False, "no")
    assert allowed(contactability, no, change("opt_in", 2, source="other", is_effective_at_inferred=True))["email"] == (
        False,
        "no",
    )


def test_nobody_whom_the_vendors_have_deleted_is_allowed(contactability: Contactability) -> None:
    assert allowed(contactability, change("opt_in", 1), is_deleted=True) == {"email": (False, "deleted")}


def test_a_yes_of_records_that_are_deleted_allows_nothing_and_their_no_still_stands(
    contactability: Contactability, holding: Model
) -> None:
    gone = {"is_of_deleted": True}
    assert allowed(contactability, change("opt_in", 2, **gone))["email"] == (False, "deleted")
    assert allowed(contactability, change("opt_in", 1), change("opt_in", 2, **gone))["email"] == (True, "yes")
    assert (
        allowed(contactability, change("unknown", 1, source="other"), change("opt_in", 2, "all", **gone))["email"][0]
        is False
    )
    assert allowed(contactability, change("opt_in", 1), change("opt_out", 2, **gone))["email"] == (False, "no")
    assert [row["is_allowed"] for row in holding.rows(fct_consents=[change("opt_in", 2, **gone)])] == [False]


@pytest.mark.parametrize(
    ("kind", "refused", "is_carried", "expected"),
    [
        ("email", "email", True, {"email": (False, "no_at_address"), "all": (False, "no_to_a_channel")}),
        ("phone", "sms", True, {"sms": (False, "no_at_address"), "email": (True, "yes_to_all_channels")}),
        ("phone", "email", True, {"email": (True, "yes_to_all_channels")}),
        ("email", "all", True, {"email": (False, "no_at_address"), "sms": (True, "yes_to_all_channels")}),
        ("email", "email", False, {"email": (True, "yes_to_all_channels"), "all": (True, "yes_to_all_channels")}),
        ("push_token", "push", True, {"push": (False, "no_at_address"), "sms": (True, "yes_to_all_channels")}),
    ],
)
def test_an_address_or_number_that_one_of_its_carriers_refuses_is_allowed_for_none(
    contactability: Contactability, kind: str, refused: str, *, is_carried: bool, expected: dict[str, tuple[bool, str]]
) -> None:
    """Whoever they are, and whenever the others said yes: the message would reach who said no."""
    found = contactability.rows(
        fct_consents=[
            change("opt_out", 1, refused) | {"customer_id": "refuser"},
            change("opt_in", 2, "all") | {"customer_id": "other"},
        ],
        dim_customers=[{"customer_id": who, "is_deleted": False} for who in ("refuser", "other")],
        int_record_customers=[{"record_no": 1, "customer_id": "refuser"}, {"record_no": 2, "customer_id": "other"}],
        int_record_identifiers=[
            {"record_no": 1, "id_type": kind, "identifier_key": 7, "is_current": True},
            {"record_no": 2, "id_type": kind, "identifier_key": 7, "is_current": is_carried},
        ],
    )
    said = {row["channel"]: (row["is_allowed"], row["reason"]) for row in found if row["customer_id"] == "other"}
    assert {channel: said[channel] for channel in expected} == expected


@pytest.mark.parametrize(
    ("reason", "has_own", "expected"),
    [
        ("placeholder", True, (True, "yes_to_all_channels")),
        ("placeholder", False, (False, "no_at_address")),
        ("role_address", True, (False, "no_at_address")),
    ],
)
def test_a_no_at_a_placeholder_is_none_of_who_has_an_address_of_their_own(
    contactability: Contactability, reason: str, expected: tuple[bool, str], *, has_own: bool
) -> None:
    """What a till writes for everybody without an address is nobody's; an office's is read."""
    carried = [(0, 7, reason), (1, 7, reason), *([(1, 8, None)] if has_own else [])]
    found = contactability.rows(
        fct_consents=[
            change("opt_out", 2) | {"customer_id": "refuser"},
            change("opt_in", 1, "all") | {"customer_id": "other"},
        ],
        dim_customers=[{"customer_id": who, "is_deleted": False} for who in ("refuser", "other")],
        int_record_customers=[{"record_no": no, "customer_id": who} for no, who in enumerate(("refuser", "other"))],
        int_record_identifiers=[
            {"record_no": no, "id_type": "email", "identifier_key": key, "is_current": True, "unusable_reason": why}
            for no, key, why in carried
        ],
    )
    [said] = [row for row in found if (row["customer_id"], row["channel"]) == ("other", "email")]
    assert (said["is_allowed"], said["reason"]) == expected


def test_who_refuses_every_purpose_at_an_address_refuses_it_for_all_who_carry_it(
    contactability: Contactability,
) -> None:
    """On the channels of the address; whoever refuses marketing alone may be served."""
    found = contactability.rows(
        "int_channel_refusals",
        fct_consents=[
            change("opt_out", 1, "all", "all") | {"customer_id": "refuser"},
            change("opt_out", 1, "email") | {"customer_id": "third"},
        ],
        int_record_customers=[{"record_no": no, "customer_id": who} for no, who in enumerate(("refuser", "other"))],
        int_record_identifiers=[
            {"record_no": no, "id_type": "email", "identifier_key": 7, "is_current": True} for no in range(2)
        ],
    )
    refused = {(row["customer_id"], row["channel"]) for row in found if row["purpose"] == "all"}
    assert refused == {("other", "email"), *(("refuser", channel) for channel in (*CHANNELS,))}


def test_an_unsubscribe_of_an_address_that_two_people_carry_holds_for_both(query: Query) -> None:
    sql = """
        select first_name, is_allowed, reason from marts.customer_contactability
        join marts.dim_customers using (customer_id) where email = 'two@shared.consents.example' and channel = 'email'
    """
    assert [row for row in sorted(query(sql), key=str) if row[0] is not None] == [
        ("Anton", False, "no_at_address"),
        ("Wilma", False, "no_at_address"),
    ]


@pytest.mark.parametrize("address", ["info@office.consents.example", "a1b2@privaterelay.appleid.com", "+4915222222222"])
def test_an_unsubscribe_of_an_address_that_links_nobody_is_heard_by_all_who_carry_it(
    query: Query, address: str
) -> None:
    """Of an office, of a service that forwards mail, of a number that forms are filled with: it is one address."""
    channel = "sms" if address.startswith("+") else "email"
    sql = """
        select reason, is_allowed from marts.customer_contactability join marts.bridge_customer_identifiers using (customer_id)
        where identifier_value = $1 and channel = $2 order by reason
    """
    assert query(sql, [address, channel]) == [("no", False), ("no_at_address", False)]


def test_who_is_deleted_at_the_vendor_that_was_told_yes_is_allowed_by_another_vendors_yes_alone(query: Query) -> None:
    sql = """
        select distinct identifier_value, is_allowed, contactability.source, reason from marts.customer_contactability as contactability
        join marts.bridge_customer_identifiers using (customer_id) where identifier_value like '%@gone.consents.example' and channel = 'email'
    """
    assert sorted(query(sql)) == [
        ("alone@gone.consents.example", False, "voucherify", "deleted"),
        ("back@gone.consents.example", True, "voucherify", "yes"),
        ("both@gone.consents.example", True, "ometria", "yes"),
    ]


def stage(w: WarehouseBuilder) -> None:
    two = "two@shared.consents.example"
    for name, born in (("Anton", date(1970, 1, 2)), ("Wilma", date(1991, 5, 6))):
        w.profile("ometria", f"two-{name}", email=two, first_name=name, last_name=f"{name}son", birth_date=born)
        w.add(
            "customer_consents",
            source="ometria",
            owner_record_id=f"two-{name}",
            channel="email",
            purpose="marketing",
            status="opt_in",
            effective_at=datetime(2024, 1, 1, tzinfo=UTC),
        )
    w.profile("ometria", "two-nobody", stream="unsubscribes", email=two)
    w.add(
        "customer_consents",
        source="ometria",
        stream="unsubscribes",
        owner_record_id="two-nobody",
        channel="email",
        purpose="marketing",
        status="opt_out",
        effective_at=datetime(2024, 1, 2, tzinfo=UTC),
    )
    for number, address in enumerate(
        ("info@office.consents.example", "a1b2@privaterelay.appleid.com", "+4915222222222")
    ):
        kind, channel = ("phone", "sms") if address.startswith("+") else ("email", "email")
        for vendor, stream, status in (("omnisend", "contacts", "opt_in"), ("ometria", "unsubscribes", "opt_out")):
            record = f"unlinked-{number}"
            w.identifier(w.profile(vendor, record, stream=stream), kind, address)
            w.add(
                "customer_consents",
                source=vendor,
                stream=stream,
                owner_record_id=record,
                channel=channel,
                purpose="marketing",
                status=status,
                effective_at=datetime(2024, 1, 1 + (status == "opt_out"), tzinfo=UTC),
            )
    for name in ("alone", "both", "back"):
        address = f"{name}@gone.consents.example"
        w.profile("voucherify", f"gone-{name}", stream="customers", email=address)
        w.profile("ometria", f"here-{name}", email=address)
        yes = {"channel": "email", "purpose": "marketing", "status": "opt_in"}
        undated = {"effective_at": datetime(2024, 1, 1, tzinfo=UTC), "is_effective_at_inferred": True, **yes}
        w.add("customer_consents", source="voucherify", stream="customers", owner_record_id=f"gone-{name}", **undated)
        if name == "both":
            w.add("customer_consents", source="ometria", owner_record_id="here-both", **undated)
        w.profile(
            "voucherify",
            f"gone-{name}",
            stream="customers",
            email=address,
            is_deleted=True,
            export_date=date(2024, 1, 2),
        )
        if name == "back":
            third = date(2024, 1, 3)
            w.profile("voucherify", "gone-back", stream="customers", email=address, export_date=third)
            again = {**undated, "effective_at": datetime(2024, 1, 3, tzinfo=UTC), "export_date": third}
            w.add("customer_consents", source="voucherify", stream="customers", owner_record_id="gone-back", **again)


@given(
    st.lists(
        st.builds(
            change,
            st.sampled_from(("opt_in", "opt_out", "unknown")),
            st.integers(1, 4),
            st.sampled_from(("email", "sms", "all")),
            st.sampled_from(("marketing", "all", "list:news")),
            st.sampled_from(("one", "other")),
            is_effective_at_inferred=st.booleans(),
            is_forced=st.booleans(),
            reported_by=st.sampled_from((["contacts/1"], ["contacts/2"], ["contacts/1", "contacts/2"])),
        ),
        min_size=1,
        max_size=6,
        unique_by=lambda row: tuple(row[name] for name in ("source", "channel", "purpose", "status", "effective_at")),
    )
)
def test_a_channel_is_allowed_only_by_a_yes_that_no_statement_of_equal_reach_follows(
    contactability: Contactability, said: list[Row]
) -> None:
    for channel, (is_allowed, _) in allowed(contactability, *said).items():
        covering = [
            row for row in said if row["channel"] in (channel, "all") and row["purpose"] in ("marketing", "all")
        ]
        noes = [row for row in covering if row["status"] == "opt_out"]
        forced_noes = [no for no in noes if no["is_forced"]]
        lifting = [
            yes
            for yes in covering
            if yes["status"] == "opt_in" and yes["is_forced"] and not yes["is_effective_at_inferred"]
        ]
        is_lifted = any(all(yes["effective_at"] > no["effective_at"] for no in forced_noes) for yes in lifting)
        later = [
            row
            for row in covering
            if row["status"] == "opt_in"
            and all(row["effective_at"] > no["effective_at"] for no in noes)
            and (row["is_forced"] or not forced_noes or is_lifted)
        ]
        stated = [row for row in later if not row["is_effective_at_inferred"]]
        are_taken_back = all(
            no["is_effective_at_inferred"] and records_of(no) <= records_that_said_yes_since(no, covering)
            for no in noes
        )
        taking_back = later if are_taken_back else []
        if channel != "all":
            assert is_allowed == bool(stated or taking_back)
        elif is_allowed:
            assert stated or taking_back


def records_of(row: Row) -> set[tuple[str, str]]:
    return {(row["source"], record) for record in row["reported_by"]}


def records_that_said_yes_since(no: Row, said: list[Row]) -> set[tuple[str, str]]:
    return {
        record
        for row in said
        if row["status"] == "opt_in" and row["effective_at"] > no["effective_at"]
        for record in records_of(row)
    }
