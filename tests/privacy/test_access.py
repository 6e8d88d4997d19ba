"""What is held about a person is handed over in full, to nobody else, and with nobody else in it."""

import json
import shutil
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from orchestration import pipeline
from orchestration.activation import targets
from orchestration.config.settings import Settings
from tests.privacy.conftest import c360, of
from tests.support import canary
from tests.support.deliveries import order

pytestmark = pytest.mark.long


def test_all_that_was_delivered_and_is_held_stands_in_the_export(settings: Settings, tmp_path: Path) -> None:
    (settings.config / targets.FILE).write_text('[targets.omnisend]\nvendor = "omnisend"\n', encoding="utf-8")
    assert c360(settings, "activate", "--yes").returncode == 0
    done = c360(settings, "export-person", "--phone", canary.PHONE, "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "out" / "person.json").read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads((tmp_path / "out" / "person.schema.json").read_text(encoding="utf-8")))
    assert {(one["vendor"], one["stream"]) for one in content["delivered"]} >= {
        ("ometria", "profiles"), ("ometria", "orders"), ("omnisend", "contacts"), ("omnisend", "orders"), ("open_delivery", "reviews"), ("optimizely", "customers"),
        ("voucherify", "orders"),
    }  # fmt: skip
    assert content["held"].keys() >= {
        "marts.dim_customers",
        "marts.dim_customers_history",
        "marts.fct_orders",
        "marts.fct_consents",
        "meta.identity_links",
    }
    assert {(one["vendor"], one["account"]) for one in content["given_back"]} == {("omnisend", "default")}
    assert canary.EMAIL in json.dumps(content["given_back"])
    assert any(canary.EMAIL.upper() in one["raw"] for one in content["rejected"])
    assert content["not_looked_into"] == []
    page = (tmp_path / "out" / "person.html").read_text(encoding="utf-8")
    for text in (json.dumps(content, ensure_ascii=False), page):
        assert canary.NOTE in text and canary.STREET in text and canary.EMAIL in text
        assert canary.OTHER["email"] not in text
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out").iterdir()} == {0o600}


@pytest.fixture
def shop(tmp_path: Path) -> Settings:
    """Somebody with an order, notes and a birth date that nobody can read, who was referred by one and referred
    another."""
    own = of(tmp_path / "data")
    own.config.mkdir(parents=True)
    (own.config / "settings.toml").write_text("free_disk_bytes = 0\n", encoding="utf-8")
    told = (
        ("omnisend/contacts", {"contactID": "c-jane", "email": "jane@mail.test.example.com", "birthdate": "in spring", "note": "likes ferns"}),
        ("omnisend/contacts", {"contactID": "c-mary", "email": "mary@mail.test.example.com"}),
        ("omnisend/contacts", {"contactID": "c-paul", "email": "paul@mail.test.example.com"}),
        ("omnisend/events", purchase(1, "jane", "Fern in a pot")),
        ("omnisend/events", purchase(2, "mary", "Rose in a pot")),
        ("optimizely/events", referral("jane", "mary")),
        ("optimizely/events", referral("paul", "jane")),
    )  # fmt: skip
    for place, record in told:
        path = own.landing / place / "2026-03-02" / "told.ndjson"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
    assert pipeline.run(own).published
    return own


def purchase(number: int, person: str, title: str) -> dict[str, Any]:
    line = {"productID": "p-1", "productTitle": title, "productQuantity": 1, "productPrice": 10}
    ordered = order(number, person, time="2026-03-01T10:00:00Z")
    return ordered | {"properties": ordered.pop("order") | {"lineItems": [line]}}


def referral(referrer: str, referred: str) -> dict[str, Any]:
    return {
        "type": "loyalty", "action": "referral_completed", "identifiers": {"email": f"{referrer}@mail.test.example.com"},
        "data": {"ts": 1772020500, "loyalty_referral_code_id": f"code-of-{referrer}", "loyalty_referred_customer_email": f"{referred}@mail.test.example.com"},
    }  # fmt: skip


def test_what_is_held_of_archived_deliveries_stands_in_the_export_whole_and_nobody_else(
    shop: Settings, tmp_path: Path
) -> None:
    shutil.rmtree(shop.landing)
    out = tmp_path / "for-jane@mail.test.example.com"
    done = c360(shop, "export-person", "--email", "jane@mail.test.example.com", "--out", str(out))
    assert done.returncode == 0, done.stderr
    # A folder may be named after whom it is for.
    assert "person.json" in done.stdout and "jane@" not in done.stdout
    text = (out / "person.json").read_text(encoding="utf-8")
    held = json.loads(text)["held"]
    assert [one["title"] for one in held["marts.fct_order_lines"]] == ["Fern in a pot"]
    assert [one["campaign_id"] for one in held["marts.fct_referrals"]] == ["code-of-jane", "code-of-paul"]
    for value in ("likes ferns", "in spring"):
        assert value in text
    # Her own event says whom she referred; what others did, and who they are to us, is theirs.
    assert not any(value in text for value in ("Rose in a pot", "paul@", "c-mary", "c-paul"))
    assert "mary@" not in json.dumps(held["marts.fct_referrals"])


def test_an_export_does_not_go_into_the_landing_zone(settings: Settings) -> None:
    done = c360(
        settings, "export-person", "--email", canary.EMAIL, "--out", str(settings.landing / "omnisend" / "contacts")
    )
    assert done.returncode == 2
    assert not list(settings.landing.rglob("person.*"))


def test_nobody_is_looked_for_in_a_build_file_with_tables_of_another_version(
    settings: Settings, tmp_path: Path
) -> None:
    with duckdb.connect(str(settings.build_file), config=settings.duckdb_config) as con:
        con.execute("alter table internal.duplicates rename to repeats")
    export = ("export-person", "--email", canary.EMAIL, "--out", str(tmp_path / "out"))
    for command in (export, ("forget", "--email", canary.EMAIL, "--dry-run")):
        refused = c360(settings, *command)
        assert (refused.returncode, "was built by another version" in refused.stderr) == (1, True)
    assert not (tmp_path / "out").exists()
