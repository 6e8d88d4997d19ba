"""The bodies that each vendor is sent: golden files, and a schema per vendor that leaves no room for consent."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from orchestration.activation.channels import discover
from orchestration.config.settings import Settings
from orchestration.vendors import discover as vendors
from tests.activation.conftest import NAMES, bodies, configure, run
from tests.support.activation_world import everywhere, publish

HERE = Path(__file__).parent
PEOPLE = [
    everywhere("ana", segments=("vip",)),
    everywhere("bo", revenue=None, orders=0, engagement=0.0),
    everywhere("cy", says="opt_out"),
]
DRAFT = '[targets.delivery]\nvendor = "open_delivery"\ndialect = "draft"\nsegments = ["vip"]\n'


def schema(vendor: str) -> dict[str, Any]:
    return json.loads((HERE / "schemas" / f"{vendor}.json").read_bytes())


def test_every_vendor_that_is_read_can_be_given_something_back() -> None:
    assert discover().keys() == vendors().keys()


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_bodies_are_as_in_the_golden_file_and_valid_by_schema(settings: Settings, vendor: str) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, NAMES[vendor])
    found = {str(place): body for place, body in enumerate(bodies(settings, outcome))}
    golden = HERE / "golden" / f"{vendor}.json"
    assert found == json.loads(golden.read_bytes()), f"compare with {golden.name}; {json.dumps(found)}"
    for body in bodies(settings, outcome, "upsert"):
        jsonschema.validate(body, schema(vendor))


def test_the_draft_dialect_of_open_delivery_is_the_bare_list(settings: Settings) -> None:
    configure(settings, DRAFT)
    publish(settings, PEOPLE, segments=("vip",))
    [body] = bodies(settings, run(settings, "delivery"))
    rc2 = json.loads((HERE / "golden" / "open_delivery.json").read_bytes())["0"]
    assert body == rc2["items"]


@pytest.mark.parametrize("word", ["consent", "optin", "opt_in", "subscribe", "channels"])
@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_the_profiles_say_nothing_of_consent(settings: Settings, vendor: str, word: str) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    reported = json.dumps(bodies(settings, run(settings, NAMES[vendor])))
    assert word not in reported.lower()


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_numbers_have_at_most_two_places_and_are_numbers(settings: Settings, vendor: str) -> None:
    publish(settings, [everywhere("ana", engagement=33.333333333)], segments=("vip",))
    outcome = run(settings, NAMES[vendor])
    text = (settings.data / str(outcome.folder) / "upsert-00001.json").read_text(encoding="utf-8")
    assert '"c360_revenue":99.17' in text.replace('"revenue":99.17', '"c360_revenue":99.17')
    assert "33.3," in text and "33.33" not in text


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_a_body_holds_no_more_records_than_the_vendor_takes(settings: Settings, vendor: str) -> None:
    limit = 3
    configure(
        settings,
        f'[targets.one]\nvendor = "{vendor}"\nmost_records = {limit}\n'
        + ('dialect = "rc2"\n' if vendor == "open_delivery" else ""),
    )
    publish(settings, [everywhere(f"p{number}") for number in range(7)])
    outcome = run(settings, "one")
    folder = settings.data / str(outcome.folder)
    manifest = json.loads((folder / "manifest.json").read_bytes())
    assert [found["records"] for found in manifest["files"]] == [3, 3, 1]


def test_the_shop_s_own_id_is_the_key_also_where_it_is_an_address(settings: Settings) -> None:
    ana = everywhere("ana", records={"voucherify": {"customer_id": "Ana@Shop.example"}})
    publish(settings, [ana], segments=("vip",))
    [[record]] = bodies(settings, run(settings, "voucherify"))
    assert record["source_id"] == "Ana@Shop.example"


@pytest.mark.parametrize(("namespace", "written"), [("open_delivery:custom", 1), ("open_delivery:cartao", 0)])
def test_a_word_for_an_identifier_with_a_spelling_that_is_not_kept_makes_no_customer(
    settings: Settings, namespace: str, written: int
) -> None:
    ana = everywhere("ana", records={"open_delivery": {"identifier": f"custom@{namespace}:77"}})
    publish(settings, [ana], segments=("vip",))
    assert run(settings, "delivery").plan.counts["new"] == written


def test_a_body_holds_no_more_bytes_than_the_target_says_and_no_record_that_does_not_fit(settings: Settings) -> None:
    configure(settings, '[targets.one]\nvendor = "voucherify"\nmost_kilobytes = 1\n')
    publish(settings, [everywhere(f"p{number}") for number in range(7)])
    outcome = run(settings, "one")
    sizes = [path.stat().st_size for path in (settings.data / str(outcome.folder)).glob("upsert-*.json")]
    assert len(sizes) > 2 and max(sizes) <= 1024
    long = everywhere("long", records={"voucherify": {"customer_id": "x" * 900}})
    publish(settings, [long])
    assert run(settings, "one").plan.rejected == {"too_long": 1}
