"""Why records are one person, and what other rules would do: the real project on a small delivery of two vendors."""

import json
import re
from pathlib import Path

import duckdb
import pytest
import yaml

from orchestration import pipeline
from orchestration.cli import main
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.insight import contactability

pytestmark = pytest.mark.long

DAY = "2026-06-01"
OVERRIDES = (
    "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,"
    "identifier_type,identifier_value,author,reason\n"
)
NEVER_OF_FATHER_AND_SON = "never,omnisend,default,contacts,c3,voucherify,default,customers,v3,,,leo,father and son\n"
KEEP_APART = "never,omnisend,default,contacts,c1,voucherify,default,customers,v1,,,mia,they told us\n"
CARL = "carl@mail.test.example.com"
PHONE = "+4915112345687"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Ana: an Omnisend contact, a Voucherify customer and an order with her address; Ben; and two with one address who are kept apart."""
    settings = Settings(data=tmp_path_factory.mktemp("explained") / "data", options=Options(free_disk_bytes=0))
    land(
        settings,
        "omnisend/contacts",
        contact(
            "c1",
            "ana@mail.test.example.com",
            "Ana",
            statuses=[{"channel": "email", "status": "subscribed", "date": "2026-05-02T00:00:00Z"}],
        ),
        contact("c2", "ben@mail.test.example.com", "Ben"),
        contact("c3", CARL, "Carl"),
    )
    refused = {"consents": {"unsubscribed": {"value": True, "date": "2026-05-01T00:00:00Z"}}}
    ana = {
        "id": "v1",
        "name": "Ana Souza",
        "email": "ana@mail.test.example.com",
        "phone": PHONE,
        "object": "customer",
        "system_metadata": refused,
    }
    land(settings, "voucherify/customers", ana, {"id": "v3", "name": "Carl", "email": CARL, "object": "customer"})
    land(settings, "omnisend/events", order("ana@mail.test.example.com"))
    settings.config.mkdir()
    (settings.config / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    (settings.config / "identity_overrides.csv").write_text(OVERRIDES + NEVER_OF_FATHER_AND_SON, encoding="utf-8")
    assert pipeline.run(settings).published
    return settings


def land(settings: Settings, folder: str, *records: dict[str, object]) -> None:
    path = settings.landing / folder / DAY / "a.ndjson"
    path.parent.mkdir(parents=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def contact(number: str, email: str, name: str, **said: object) -> dict[str, object]:
    return {"contactID": number, "email": email, "firstName": name, "createdAt": "2026-05-01T00:00:00Z", **said}


def order(email: str) -> dict[str, object]:
    return {
        "eventName": "placed order",
        "origin": "api",
        "eventVersion": "v2",
        "eventTime": "2026-06-01T10:00:00Z",
        "eventID": "e1",
        "contact": {"email": email, "firstName": "Ana"},
        "properties": {
            "orderID": "1001",
            "currency": "EUR",
            "totalPrice": 40.0,
            "paymentStatus": "paid",
            "createdAt": "2026-06-01T10:00:00Z",
        },
    }


def reported(settings: Settings, capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("C360_DATA", str(settings.data))
        assert main.main(arguments) == code
    captured = capsys.readouterr()
    return captured.err if code in (1, 2) else captured.out


def customer(settings: Settings, record: str) -> tuple[str, str]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        row = con.execute(
            "select customer_id, alias_id from marts.bridge_customer_records where source_record_id = $1", [record]
        ).fetchone()
    assert row is not None
    return row


def test_a_person_is_explained_with_vendor_file_row_and_rule_and_no_value(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reported(published, capsys, "explain", customer(published, "v1")[0])
    assert "2 records of 2 vendors, 1 valid order, revenue 40.00 EUR." in text
    assert f"landing/omnisend/contacts/{DAY}/a.ndjson, record 1" in text
    assert "1 more set of identifiers that orders and events of these records name." in text
    assert "linked to 1 by email a…@m….com" in text
    assert "ana@" not in text
    assert "Ana" not in text


def test_what_a_person_hangs_on_is_reported_with_its_revenue(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    hangs = reported(published, capsys, "explain", customer(published, "v1")[0], "--show").split("What it hangs on")[1]
    assert "email ana@mail.test.example.com" in hangs
    assert "without it records 2, 3 would be 2 other people" in hangs


def test_where_a_person_may_be_written_to_is_shown_with_the_vendor_that_says_so(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    channels = reported(published, capsys, "explain", customer(published, "v1")[0]).split(
        "Where marketing may be sent"
    )[1]
    assert "email: yes, omnisend recorded a yes for it, of 2026-05-02" in channels
    assert "sms: no, voucherify recorded a no for all channels, of 2026-05-01" in channels
    assert "all channels together: no, voucherify recorded a no for all channels, of 2026-05-01" in channels


def test_who_was_never_asked_may_be_written_to_nowhere(published: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    channels = reported(published, capsys, "explain", customer(published, "c2")[0]).split(
        "Where marketing may be sent"
    )[1]
    assert channels.strip() == "Nowhere: no vendor has recorded a yes."


def test_every_reason_that_contactability_gives_is_said_in_words(published: Settings) -> None:
    model = yaml.safe_load(
        (published.dbt_project / "models" / "marts" / "contactability" / "customer_contactability.yml").read_text(
            encoding="utf-8"
        )
    )["models"][0]
    assert set(model["data_tests"][0]["checks"]["arguments"]["accepted"]["reason"]) == contactability.WHY.keys()


def test_any_alias_and_a_record_by_name_lead_to_the_same_person(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    person, alias = customer(published, "v1")
    for name in (alias, alias[:10], "voucherify/customers/v1", "voucherify/default/customers/v1"):
        assert f"Person {person}" in reported(published, capsys, "explain", name)


def test_two_records_of_one_person_are_joined_by_the_shortest_chain(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reported(published, capsys, "explain", "omnisend/contacts/c1", "voucherify/customers/v1")
    assert "in 1 step:" in text
    assert "| email a…@m….com" in text


def test_two_people_who_share_nothing_are_said_to_share_nothing(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reported(published, capsys, "explain", "omnisend/contacts/c2", "voucherify/customers/v1")
    assert "They are two people" in text
    assert "nothing in common" in text


def test_who_keeps_two_people_apart_is_reported_with_the_reason(
    published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    text = reported(published, capsys, "explain", "omnisend/contacts/c3", "voucherify/customers/v3")
    assert "The decision `never` (leo: father and son) keeps them apart." in text
    assert "it would join two documents or records kept apart" in text
    assert "carl@" not in text


def test_an_id_that_nobody_has_is_a_wrong_use(published: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nobody of the id" in reported(
        published, capsys, "explain", "omnisend/contacts/ana@mail.test.example.com", code=2
    )


def test_a_plan_shows_whom_an_override_would_split_and_publishes_nothing(
    published: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "identity_overrides.csv").write_text(OVERRIDES + NEVER_OF_FATHER_AND_SON + KEEP_APART, encoding="utf-8")
    (tmp_path / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    before = published.published_file.read_bytes()
    text = reported(published, capsys, "plan", "--config", str(tmp_path))
    assert "Persons: 4 before, 5 now: 1 split off." in text
    assert re.search(r"would split off \w+: email a…@m….com linked them", text)
    assert "Nothing was published." in text
    assert "ana@" not in text
    assert published.published_file.read_bytes() == before
    assert not (published.internal / "plan").exists()


def test_a_plan_of_an_override_on_an_unknown_record_names_file_and_line(
    published: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "identity_overrides.csv").write_text(OVERRIDES + KEEP_APART.replace(",v1,", ",v9,"), encoding="utf-8")
    (tmp_path / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    text = reported(published, capsys, "plan", "--config", str(tmp_path), code=3)
    assert "identity_overrides.csv, line 2: `never` is set aside, since the other record is not there" in text


def test_a_plan_of_a_segment_that_cannot_be_computed_names_file_and_line(
    published: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "computed_segments.csv").write_text(
        "segment_id,name,description,predicate\nrich,Rich,,revenues > 10\n", encoding="utf-8"
    )
    (tmp_path / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    assert "computed_segments.csv, line 2" in reported(published, capsys, "plan", "--config", str(tmp_path), code=2)


def test_a_plan_that_would_read_files_otherwise_is_refused(
    published: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "accounts.csv").write_text("source,default_currency\nomnisend,USD\n", encoding="utf-8")
    assert "loaded anew" in reported(published, capsys, "plan", "--config", str(tmp_path), code=2)
