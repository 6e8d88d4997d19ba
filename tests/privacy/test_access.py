"""What is held about a person is handed over in full, to nobody else, and with nobody else in it."""

import json
from pathlib import Path

import duckdb
import jsonschema
import pytest

from orchestration.activation import targets
from orchestration.config.settings import Settings
from tests.privacy.conftest import c360
from tests.support import canary

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
