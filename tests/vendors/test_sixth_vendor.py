"""A made-up vendor joins as one module and one sample; nothing else is edited, and its people are in the marts."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest

from orchestration import vendors
from tests.support.installation import PROJECT, Installation, Outcome, ometria_order

MODULE = '''"""Tillroll: members of a till system with their clubs, their receipts and their visits."""

import polars as pl

from orchestration.mapping.expressions import at, item
from orchestration.mapping.model import dialect, stream, vendor
from orchestration.mapping.record_schema import NUMBER, TEXT
from orchestration.mapping.selects import Contact, Identifier, Profile, rows
from orchestration.mapping.values import Typed, time
from orchestration.mapping.words import word

STATES = {"rung up": "paid", "voided": "canceled"}
mail = Identifier("email", at("mail"), "mail")
member = Identifier("profile_id", at("member"), "member")

members = rows("customers", first_name=at("given"), last_name=at("family"), birth_date=at("born"), source_updated_at=time(at("changed")))
clubs = rows(
    "segment_memberships",
    each="clubs",
    segment_id=item(),
    segment_name=item(),
    kind=pl.lit("static_list"),
    state=pl.lit("member"),
    observed_at=time(else_export_date=True),
    is_full_snapshot=Typed(pl.lit(value=True)),
)
receipts = rows(
    "orders",
    amounts="minor",
    source_order_id=at("receipt"),
    order_number=at("receipt"),
    order_match_key=at("receipt"),
    ordered_at=time(at("at"), else_export_date=True),
    currency=at("currency"),
    total=at("cents"),
    status=word(at("state"), STATES, otherwise="unknown"),
    status_raw=at("state"),
)
visits = rows("events", event_id=at("visit"), event_type=pl.lit("account"), event_action=pl.lit("visit"), engagement_class=pl.lit("visit"), is_active=pl.lit("true"), occurred_at=time(at("at")))

MEMBER = {"member": TEXT, "mail": TEXT, "given": TEXT, "family": TEXT, "born": TEXT, "clubs": [TEXT], "changed": TEXT}
RECEIPT = {"receipt": TEXT, "member": TEXT, "mail": TEXT, "at": TEXT, "currency": TEXT, "cents": NUMBER, "state": TEXT}
VISIT = {"visit": TEXT, "member": TEXT, "at": TEXT}

VENDOR = vendor(
    "tillroll",
    "Tillroll",
    stream("members", "Members and their clubs.", dialect("tillroll.member", "member", MEMBER, members, clubs, about=Profile(at("member"), (mail, member)), has=("member", "given"))),
    stream("receipts", "What was rung up.", dialect("tillroll.receipt", "receipt", RECEIPT, receipts, about=Contact((mail, member)), has=("receipt",), duplicates_of="orders")),
    stream("visits", "Who came by.", dialect("tillroll.visit", "visit", VISIT, visits, about=Contact((member,)), has=("visit",), duplicates_of="events")),
)
'''
MEMBERS = [
    {
        "member": "M-1",
        "mail": "tilda.roll@example.com",
        "given": "Tilda",
        "family": "Roll",
        "born": "1990-02-03",
        "clubs": ["Early birds"],
        "changed": "2026-03-01T08:00:00Z",
    }
]
RECEIPTS = [
    {
        "receipt": "T-1",
        "member": "M-1",
        "at": "2026-02-20T09:00:00Z",
        "currency": "EUR",
        "cents": 1250,
        "state": "rung up",
    },
    {
        "receipt": "T-2",
        "member": "M-1",
        "at": "2026-02-21T09:00:00Z",
        "currency": "EUR",
        "cents": 900,
        "state": "voided",
    },
]
VISITS = [{"visit": "V-1", "member": "M-1", "at": "2026-02-22T09:00:00Z"}]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the module and the sample in it."""
    project = tmp_path_factory.mktemp("six") / "project"
    ignored = shutil.ignore_patterns("__pycache__", "target", "logs")
    for part in ("orchestration", "dbt_project"):
        shutil.copytree(PROJECT / part, project / part, ignore=ignored)
    (project / "orchestration" / "vendors" / "tillroll.py").write_text(MODULE, encoding="utf-8")
    samples = Installation(project / "data" / "samples")
    for stream, records in {"members": MEMBERS, "receipts": RECEIPTS, "visits": VISITS}.items():
        path = samples.data / "tillroll" / stream / "2026-03-01" / f"{stream}.ndjson"
        path.parent.mkdir(parents=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def six(project: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, Outcome]:
    """After the job ran on the sample."""
    installation = Installation(tmp_path_factory.mktemp("six-data"))
    samples = Installation(project / "data" / "samples")
    shutil.copytree(samples.data, installation.data / "landing")
    installation.land(
        "ometria/orders", "2026-03-01", "orders.ndjson", ometria_order("T-1", "12.50", email="tilda.roll@example.com")
    )
    return installation, installation.c360("run", project=project)


@pytest.mark.long
def test_the_new_vendor_loads(six: tuple[Installation, Outcome]) -> None:
    installation, outcome = six
    assert outcome.exit_code == 0, outcome.said
    assert (outcome.figures["rows_loaded"], outcome.figures["customers"], outcome.figures["orders"]) == (5, 1, 2)
    assert installation.value("select count(*) from meta.rejects") == 0


@pytest.mark.long
def test_its_people_are_joined_with_those_of_other_vendors(six: tuple[Installation, Outcome]) -> None:
    assert six[0].row("select full_name, email, sources from marts.dim_customers") == (
        "Tilda Roll",
        "tilda.roll@example.com",
        ["ometria", "tillroll"],
    )


@pytest.mark.long
def test_its_orders_are_joined_with_those_of_other_vendors(six: tuple[Installation, Outcome]) -> None:
    orders = six[0].rows(
        "select order_number, sources, status, total_amount, is_valid from marts.fct_orders order by 1"
    )
    assert [(number, sources, status, float(total), valid) for number, sources, status, total, valid in orders] == [
        ("T-1", ["ometria", "tillroll"], "completed", 12.5, True),
        ("T-2", ["tillroll"], "canceled", 9.0, False),
    ]
    assert six[0].value("select total_revenue from marts.customer_insights") == 12.5


@pytest.mark.long
def test_its_segments_and_events_are_there(six: tuple[Installation, Outcome]) -> None:
    assert six[0].rows("select source, segment_id, claimed_by, is_current from marts.fct_segment_memberships") == [
        ("tillroll", "Early birds", "tillroll", True)
    ]
    assert (
        six[0].value("select event_action from marts.fct_events where source = 'tillroll' and customer_id is not null")
        == "visit"
    )
    assert six[0].value("select engagement_score from marts.customer_insights") > 0


@pytest.mark.long
def test_a_mistake_in_its_module_costs_its_own_files_alone(
    six: tuple[Installation, Outcome], project: Path, tmp_path: Path
) -> None:
    installation, broken = Installation(tmp_path / "data"), tmp_path / "project"
    shutil.copytree(six[0].data, installation.data)
    shutil.copytree(project, broken)
    misspelt = MODULE.replace("first_name=", "frist_name=")
    line = next(number for number, text in enumerate(misspelt.splitlines(), 1) if "frist_name=" in text)
    (broken / "orchestration" / "vendors" / "tillroll.py").write_text(misspelt, encoding="utf-8")
    installation.land(
        "ometria/orders", "2026-03-02", "orders.ndjson", ometria_order("T-3", "5.00", email="tilda.roll@example.com")
    )
    outcome = installation.c360("run", project=broken)
    assert outcome.exit_code == 3, outcome.said
    assert (
        f"orchestration/vendors/tillroll.py, line {line}: `frist_name` is no column of `customers`; did you mean `first_name`?"
        in outcome.said
    )
    assert installation.column("select order_number from marts.fct_orders order by 1") == ["T-1", "T-2", "T-3"]
    assert installation.row("select full_name, sources from marts.dim_customers") == (
        "Tilda Roll",
        ["ometria", "tillroll"],
    )


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (MODULE.replace("VENDOR = ", "VENDR = "), "orchestration/vendors/tillroll: holds no `VENDOR`"),
        (
            MODULE.replace('    "tillroll",', '    "tilroll",'),
            "orchestration/vendors/tillroll: its `VENDOR` is called `tilroll`, and the module `tillroll`",
        ),
    ],
)
def test_a_module_that_is_no_vendor_or_another_one_is_a_mistake(
    module: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tillroll.py").write_text(module, encoding="utf-8")
    (tmp_path / "_shared.py").write_text("", encoding="utf-8")
    monkeypatch.setattr(vendors, "__path__", [*vendors.__path__, str(tmp_path)])
    monkeypatch.delitem(sys.modules, "orchestration.vendors.tillroll", raising=False)
    found = vendors.find()
    assert found.broken == {"tillroll": why}
    assert len(found.sound) == 5


def test_the_page_for_newcomers_names_these_steps_and_no_other() -> None:
    text = Path(PROJECT / "docs" / "add_a_vendor.md").read_text(encoding="utf-8")
    section = re.search(r"^# Add a vendor\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section
    steps = re.findall(r"^(\d+)\. (.*)$", section[1], re.MULTILINE)
    assert [number for number, _ in steps] == ["1", "2", "3"]
    assert "orchestration/vendors/<vendor>.py" in steps[0][1]
    assert "data/samples/<vendor>/<stream>/<date>/" in steps[1][1]
