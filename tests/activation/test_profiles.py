"""All unified customers as lines that are valid by Optimizely's schema, whatever is known of them."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from orchestration.activation import profiles
from orchestration.config.settings import Settings
from tests.activation.conftest import lines
from tests.support.activation_world import Person, everywhere, publish

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "customer_profile.json").read_bytes())
FORMATS = {
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "date": r"\d{4}-\d\d-\d\d",
    "email": r"[!-?A-~]+@[A-Za-z0-9.-]+",
}
CHECKER = jsonschema.FormatChecker(formats=())
for _name, _pattern in FORMATS.items():
    CHECKER.checks(_name)(
        lambda value, pattern=re.compile(_pattern): not isinstance(value, str) or pattern.fullmatch(value) is not None
    )
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=CHECKER)
AT = datetime(2026, 2, 1, 9, tzinfo=UTC)


def exported(settings: Settings, *people: Person) -> tuple[list[Any], profiles.Exported]:
    publish(settings, people)
    out = settings.data / "profiles.ndjson"
    made = profiles.export(settings, out)
    found = lines(out)
    for profile in found:
        VALIDATOR.validate(profile)
    return found, made


@pytest.mark.parametrize(
    "wrong",
    [
        {"attributes": {"country": "USA"}},
        {"attributes": {"city": None}},
        {"identifiers": {"vuid": "vuid_ab12"}},
        {"insights": {"first_order_date": "2026-01-01T10:00:00"}},
        {"insights": {"order_count": -1}},
        {"identifiers": {"email": "no address"}},
        {"events": [{"type": "order"}]},
    ],
)
def test_the_schema_refuses_what_it_should(wrong: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(wrong)


def test_a_profile_holds_what_is_known(settings: Settings) -> None:
    ana = everywhere(
        "ana",
        segments=("vip",),
        attributes={
            "first_name": "Ana",
            "email": "ana@example.com",
            "country": "PT",
            "birth_date": date(1990, 1, 2),
            "postal_code": "1000-001",
        },
        events=[
            {"type": "pageview", "at": AT, "is_active": True},
            {"type": "order", "action": "purchase", "at": AT + timedelta(days=1), "is_active": True},
        ],
    )
    [profile], made = exported(settings, ana)
    assert profile["identifiers"] == {"email": "ana@example.com", "customer_id": "odp-ana", "vuid": "0a1b2c"}
    assert profile["attributes"] == {
        "first_name": "Ana",
        "country": "PT",
        "zip_code": "1000-001",
        "date_of_birth": "1990-01-02",
    }
    assert profile["segments"] == ["Vip"]
    assert [(event["type"], event["action"]) for event in profile["events"]] == [
        ("order", "purchase"),
        ("pageview", "view"),
    ]
    assert not made.left_out


def test_a_person_of_whom_nothing_is_known_has_our_id_and_no_average(settings: Settings) -> None:
    [profile], _ = exported(settings, Person("bo", revenue=None, orders=0, engagement=0.0))
    assert profile["identifiers"] == {"customer_id": "person-bo"}
    assert profile["insights"] == {"total_revenue": 0.0, "order_count": 0, "engagement_score": 0.0}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("country", "USA"),
        ("postal_code", "9" * 21),
        ("city", "x" * 256),
        ("email", "ana@exämple.com"),
        ("email", "a..b@example.com"),
    ],
)
def test_what_the_schema_does_not_allow_is_left_out_and_counted_never_cut(
    settings: Settings, field: str, value: str
) -> None:
    [profile], made = exported(settings, everywhere("ana", attributes={field: value}))
    assert value[:20] not in json.dumps(profile, ensure_ascii=False)
    assert made.left_out.total() == 1


def test_an_event_without_an_action_is_left_out_unless_it_is_a_view(settings: Settings) -> None:
    [profile], _ = exported(settings, everywhere("ana", events=[{"type": "custom", "at": AT, "is_active": True}]))
    assert "events" not in profile


def test_the_newest_events_are_kept(settings: Settings) -> None:
    events = [
        {"type": "order", "action": "purchase", "at": AT + timedelta(hours=hour), "is_active": True}
        for hour in range(profiles.EVENTS + 5)
    ]
    [profile], _ = exported(settings, everywhere("ana", events=events))
    assert len(profile["events"]) == profiles.EVENTS
    assert profile["events"][0]["timestamp"] == "2026-02-02T09:00:00Z"


def test_deleted_people_are_not_exported(settings: Settings) -> None:
    assert exported(settings, everywhere("ana", is_deleted=True))[0] == []


words = st.one_of(
    st.none(), st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=300)
)
anybody = st.fixed_dictionaries(
    dict.fromkeys(
        ("first_name", "last_name", "email", "phone", "gender", "city", "state", "country", "postal_code"), words
    )
    | {"birth_date": st.one_of(st.none(), st.dates())}
)


@given(st.lists(anybody, min_size=1, max_size=5))
@hypothesis_settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_known_every_line_is_valid(settings: Settings, known: list[dict[str, Any]]) -> None:
    people = [everywhere(f"p{place}", attributes=attributes) for place, attributes in enumerate(known)]
    found, _ = exported(settings, *people)
    assert len(found) == len(known)


def test_an_address_that_several_people_have_stands_in_no_profile(settings: Settings) -> None:
    """Profiles of one address are merged where the file goes."""
    family = [everywhere(name, attributes={"email": "family@example.com"}) for name in ("ana", "bo")]
    shared = everywhere("cy", attributes={"email": "cy@example.com"}, not_linking="shared")
    own = everywhere("di", attributes={"email": "di@example.com"})
    found, made = exported(settings, *family, shared, own)
    assert [profile["identifiers"].get("email") for profile in found] == [None, None, None, "di@example.com"]
    assert made.left_out["email"] == 3
