"""What was erased is known again in whatever spelling it comes, and nothing else is."""

import base64
import html
import json
from datetime import date
from urllib.parse import quote

import pytest

from orchestration.normalisation import erasures
from orchestration.normalisation.erasures import Erasures
from orchestration.privacy.persons import Person

SECRET = b"one secret"
DAY = date(2026, 3, 1)


def erased(*texts: str, until: date = date.max) -> Erasures:
    return Erasures(SECRET, dict.fromkeys(erasures.hashes(SECRET, texts), until))


@pytest.mark.parametrize(
    "raw",
    [
        "jane@example.org",
        '{"contact": "JANE@Example.org"}',
        "export-of-jane@example.org.json",
        "https://example.org/?mail=jane%40example.org",
        '{"mail": "jane\\u0040example.org"}',
        base64.b64encode(b'{"email": "jane@example.org"}').decode(),
        "<jane@example.org>, somebody",
        "jane&#64;example.org",
        "to=jane%2540example.org",
        "ＪＡＮＥ＠example.org",
        base64.urlsafe_b64encode(b"\xfb\xff" + b'{"email": "jane@example.org"}').decode(),
        json.dumps({"jwt": base64.b64encode(b'??>"jane@example.org"').decode()}).replace("/", "\\/"),
        json.dumps({"payload": json.dumps({"email": "jane@example.org", "note": json.dumps("jane@example.org")})}),
        json.dumps({"note": "Mail:\njane@example.org\nthanks"}),
        json.dumps({"note": '"Jane" said "jane@example.org"'}),
        json.dumps(json.dumps({"mail": "jane@example.org"}).replace("@", "\\u0040")),
        "mailto:jane@example.org?subject=hello",
        "/?email=jane@example.org&page=1",
        "to=jane%252540example.org",
        "name|jane@example.org|city",
        "is it *jane@example.org*?",
        "'jane@example.org'!",
        "jane\u200b@example.org",
        f"https://example.org/u/{base64.b64encode(b'jane@example.org').decode()}/z",
    ],
)
def test_an_address_is_found_in_a_text(raw: str) -> None:
    assert erased(erasures.mention("jane@example.org")).is_mentioned(raw.encode(), DAY)


@pytest.mark.parametrize(
    "raw", ["mary@example.org", "jane@example.com", "janet@example.org", "jane at example.org", ""]
)
def test_another_address_is_not(raw: str) -> None:
    assert not erased(erasures.mention("jane@example.org")).is_mentioned(raw.encode(), DAY)


@pytest.mark.parametrize(
    "raw",
    [
        "+4915798765432",
        "+49 1579 8765432",
        "0049 (1579) 876-5432",
        "01579/8765432",
        '{"phone":4915798765432}',
        "called +49 1579 8765432 2026-03-01 10:00",
        "12 +49 1579 8765432",
        "0049 １５７９ ８７６５４３２",
        "01579–8765432",
        "tel=%2B49+1579+8765432",
        json.dumps({"phone": "01579\t8765432"}),
    ],
)
def test_a_number_is_found_with_and_without_its_country(raw: str) -> None:
    assert erased(erasures.mention("+4915798765432")).is_mentioned(raw.encode(), DAY)


@pytest.mark.parametrize(
    "address", ["o'brien@example.org", "a/b@example.org", "{x}@example.org", "jörg@müller.example.org"]
)
def test_an_address_of_unusual_signs_is_found_in_a_text(address: str) -> None:
    one = erased(erasures.mention(address))
    escaped = html.escape(address), quote(address), json.dumps({"e": address}).replace("'", "\\u0027")
    assert all(one.is_mentioned(raw.encode(), DAY) for raw in (address, f"'{address}'", *escaped))


def test_a_number_of_another_is_not() -> None:
    assert not erased(erasures.mention("+4915798765432")).is_mentioned(b"+4915798765433", DAY)


@pytest.mark.parametrize(("phone", "raw"), [("+4521345678", "21 34 56 78"), ("+3225551234", "02 555 12 34")])
def test_a_short_number_is_found_as_it_is_dialled_at_home(phone: str, raw: str) -> None:
    somebody = Person(("c-1",), (), (), (("phone", "", phone, phone, phone),), ())
    assert erased(*somebody.known_by()).is_mentioned(raw.encode(), DAY)


def test_after_the_last_day_of_the_erasure_it_is_somebody_new() -> None:
    one = erased(erasures.record("omnisend", "default", "contacts", "c-1"), until=DAY)
    assert one.holds(erasures.record("omnisend", "default", "contacts", "c-1"), DAY)
    assert not one.holds(erasures.record("omnisend", "default", "contacts", "c-1"), date(2026, 3, 2))


def test_another_secret_gives_other_hashes() -> None:
    assert erasures.hashes(b"another", ["x"]) != erasures.hashes(SECRET, ["x"])


@pytest.mark.parametrize("raw", ["jane.doe+shop@gmail.com", "JaneDoe@googlemail.com", "j.anedoe+x@gmail.com"])
def test_another_spelling_of_a_mailbox_is_found(raw: str) -> None:
    assert erased(erasures.mention("janedoe@gmail.com")).is_mentioned(raw.encode(), DAY)


def test_a_tag_is_another_address_where_the_provider_does_not_say_otherwise() -> None:
    assert not erased(erasures.mention("jane@example.org")).is_mentioned(b"jane+tag@example.org", DAY)


@pytest.mark.parametrize(
    "raw", ['{"customer_id": "shop-88112233", "broken', "gid://shop/Customer/shop-88112233", "x:shop-88112233,y"]
)
def test_a_vendors_id_is_found_in_a_text(raw: str) -> None:
    assert erased(erasures.word("shop-88112233")).is_named(raw.encode(), DAY)


def test_part_of_another_id_is_not() -> None:
    assert not erased(erasures.word("shop-8811223")).is_named(b'"shop-88112233"', DAY)


def test_a_mention_is_taken_out_of_a_name_and_the_rest_stays() -> None:
    one = erased(erasures.mention("jane@example.org"), erasures.mention("+4915798765432"))
    assert one.without_mentions("full-of-jane@example.org-2.json.gz", DAY) == "full-of-erased-2.json.gz"
    assert one.without_mentions("of_0049 1579 8765432.csv", DAY) == "of_erased.csv"
    assert one.without_mentions("mary@example.org.csv", DAY) == "mary@example.org.csv"
