"""The shipped samples given back to all five vendors, from the marts as they are built."""

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.support.installation import Installation
from tests.support.paths import VENDOR_SCHEMAS

pytestmark = pytest.mark.long

VENDORS = ("ometria", "omnisend", "open_delivery", "optimizely", "voucherify")
TARGETS = "".join(
    f'[targets.{vendor}]\nvendor = "{vendor}"\nopt_outs = true\n'
    + ('dialect = "rc2"\npurpose = "service"\n' if vendor == "open_delivery" else "")
    for vendor in VENDORS
)


@pytest.fixture(scope="module")
def given_back(samples: Installation, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    copied = Installation(tmp_path_factory.mktemp("given_back") / "data")
    shutil.copytree(samples.data, copied.data, symlinks=True)
    copied.configure("activation.toml", TARGETS)
    first = activated(copied)
    assert all(target["folder"] is None and target["waits_because"] for target in first.values())
    assert activated(copied, "--yes").keys() == set(VENDORS)
    return copied


def activated(installation: Installation, *arguments: str) -> dict[str, Any]:
    outcome = installation.c360("activate", "--json", *arguments)
    assert outcome.exit_code == 0, outcome.said
    return {target["target"]: target for target in outcome.figures}


def bodies(installation: Installation, vendor: str, prefix: str) -> list[Any]:
    return [
        json.loads(path.read_bytes())
        for path in sorted((installation.data / "activation" / vendor / "default").glob(f"*/{prefix}-*.json"))
    ]


@pytest.mark.parametrize("vendor", VENDORS)
def test_every_body_is_valid_by_the_vendor_s_schema(given_back: Installation, vendor: str) -> None:
    found = bodies(given_back, vendor, "upsert")
    assert found
    for body in found:
        jsonschema.validate(body, json.loads((VENDOR_SCHEMAS / f"{vendor}.json").read_bytes()))


@pytest.mark.parametrize("vendor", [vendor for vendor in VENDORS if vendor != "open_delivery"])
def test_nobody_who_may_not_be_reached_is_reported_of(given_back: Installation, vendor: str) -> None:
    reported = json.dumps(bodies(given_back, vendor, "upsert"))
    refused = given_back.column(
        "select customer_id from marts.dim_customers except select customer_id from marts.customer_contactability where channel = 'email' and is_allowed"
    )
    assert refused
    assert not [customer for customer in refused if customer in reported]


def test_opt_outs_hold_the_time_that_somebody_stated(given_back: Installation) -> None:
    [body] = bodies(given_back, "omnisend", "optouts")
    times = {item["identifiers"][0]["channels"]["email"]["statusChangedAt"] for item in body["items"]}
    stated = given_back.column(
        "select strftime(effective_at, '%Y-%m-%dT%H:%M:%SZ') from marts.fct_consents where status = 'opt_out' and not is_effective_at_inferred"
    )
    assert times and times <= set(stated)


def test_a_rebuilt_warehouse_changes_nothing(given_back: Installation) -> None:
    assert given_back.c360("run", "--full-refresh").exit_code in (0, 3)
    assert all(target["folder"] is None for target in activated(given_back).values())


def test_the_log_is_there_for_analysts(given_back: Installation) -> None:
    assert dict(
        given_back.rows("select source, count(*) > 0 from meta.activation_log where state = 'written' group by source")
    ) == dict.fromkeys(VENDORS, True)


def test_all_customers_are_one_valid_file(given_back: Installation, tmp_path: Path) -> None:
    assert given_back.c360("export-profiles", "--out", str(tmp_path / "profiles.ndjson")).exit_code == 0
    profiles = [json.loads(line) for line in (tmp_path / "profiles.ndjson").read_bytes().splitlines()]
    assert len(profiles) == given_back.value("select count(*) from marts.dim_customers where not is_deleted")
    for profile in profiles:
        jsonschema.validate(profile, json.loads((VENDOR_SCHEMAS / "customer_profile.json").read_bytes()))
