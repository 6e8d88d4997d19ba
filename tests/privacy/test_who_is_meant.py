"""Who goes and who stays where people share something, were one and are two, or are hardly known."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from orchestration import pipeline
from orchestration.config.settings import Settings
from orchestration.privacy import erasing
from orchestration.runtime.errors import OperatorError
from tests.privacy.conftest import c360, copied, environment, of
from tests.privacy.test_erasing import all_marts, rows
from tests.support.deliveries import land, order, row_counts_balance
from tests.support.paths import PROJECT

pytestmark = pytest.mark.long

DAY, LATER = "2026-03-02", "2026-03-03"
SHARED_PHONE, OTHERS_PHONE = "+493090182000", "+493090182001"
SPLIT = "rule,source,source_account,stream,source_record_id,other_source,other_source_account,other_stream,other_source_record_id,identifier_type,identifier_value,author,reason\nnever,omnisend,default,contacts,twin-1,omnisend,default,contacts,twin-2,,,me,father and son\n"


def contact(name: str, **more: Any) -> dict[str, Any]:
    return {"contactID": f"contact-{name}", "email": f"{name}@mail.test.example.com", "firstName": name.title(), "lastName": "Qx" + name} | more  # fmt: skip


def contacts(settings: Settings, export_date: str, *reported: dict[str, Any]) -> None:
    path = settings.landing / "omnisend" / "contacts" / export_date / "contacts.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(reported, indent=1), encoding="utf-8")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A couple with one phone, twins who were one person until somebody split them, a guest known only from an order, a lead, and somebody else."""
    settings = of(tmp_path_factory.mktemp("people") / "data")
    settings.config.mkdir(parents=True)
    (settings.config / "secret").write_text("a secret of this test", encoding="utf-8")
    (settings.config / "settings.toml").write_text("free_disk_bytes = 0\nlock_wait_seconds = 1200\n", encoding="utf-8")
    twins = [contact("twin", contactID=one, firstName=None, lastName=None) for one in ("twin-1", "twin-2")]
    contacts(settings, DAY, contact("wife", phone=SHARED_PHONE), contact("husband", phone=SHARED_PHONE), contact("other", phone=OTHERS_PHONE), *twins)  # fmt: skip
    land(settings, DAY, "a.ndjson", order(1, "wife"), order(2, "husband", total=20), order(3, "guest", total=30), order(4, "other", total=40))  # fmt: skip
    lead = settings.landing / "open_delivery" / "leads" / DAY / "leads.ndjson"
    lead.parent.mkdir(parents=True)
    lead.write_text(json.dumps({"id": "lead-of-qx", "name": "Qxlead", "contact": "lead@mail.test.example.com"}) + "\n", encoding="utf-8")  # fmt: skip
    assert pipeline.run(settings).published
    (settings.config / "identity_overrides.csv").write_text(SPLIT, encoding="utf-8")
    assert pipeline.run(settings).published
    return settings.data


@pytest.fixture
def settings(world: Path, tmp_path: Path) -> Settings:
    return copied(world, tmp_path)


def whole(settings: Settings) -> bytes:
    """All bytes of the landing zone and of the warehouses."""
    paths = [*settings.landing.rglob("*"), settings.published_file, settings.build_file, *settings.config.glob("*.csv")]
    return b"".join(path.read_bytes() for path in paths if path.is_file())


def test_a_list_of_people_goes_and_everybody_else_stays(settings: Settings, tmp_path: Path) -> None:
    [(wife,)] = rows(settings, "select customer_id from marts.dim_customers where email like 'wife@%'")
    [(twin,)] = rows(settings, "select customer_id from marts.bridge_customer_records where source_record_id = 'twin-1'")  # fmt: skip
    kept = "select * exclude (record_count) from marts.dim_customers where email like 'husband@%' or email like 'other@%' or customer_id in (select customer_id from marts.bridge_customer_records where source_record_id = 'twin-2') order by all"
    before, revenue = rows(settings, kept), rows(settings, "select sum(net_amount) from marts.fct_orders")
    assert len(before) == 3
    listed = tmp_path / "list.txt"
    listed.write_text(f"{wife}\n\n{twin}\nguest@mail.test.example.com\n lead@mail.test.example.com \n{wife}\n", encoding="utf-8")  # fmt: skip
    done = c360(settings, "forget", "--file", str(listed), "--yes", "--by", "me")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Erased.") == 4 == len(list(erasing.receipts(settings)))
    left = whole(settings)
    for gone in (b"wife@", b"Qxwife", b"twin-1", b"guest@", b"lead@", b"Qxlead"):
        assert gone not in left, gone
    # What they shared with others stays those others'.
    assert SHARED_PHONE.encode() in left and b"twin-2" in left and b"twin@mail" in left
    assert rows(settings, kept) == before
    assert rows(settings, "select sum(net_amount) from marts.fct_orders") == revenue
    assert rows(settings, "select count(distinct anonymous_id), count(anonymous_id) from marts.fct_orders") == [(2, 2)]
    assert row_counts_balance(settings.published_file)


def test_what_would_go_is_shown_and_nothing_goes_without_a_yes(settings: Settings) -> None:
    places = [path for path in (*settings.landing.rglob("*"), settings.published_file) if path.is_file()]
    before = [path.read_bytes() for path in places]
    for options, code in ((("--dry-run",), 0), ((), 2)):
        shown = c360(settings, "forget", "--phone", OTHERS_PHONE, *options)
        assert shown.returncode == code, shown.stdout + shown.stderr
        assert "vendor records" in shown.stdout and "marts.fct_orders" in shown.stdout
        assert "other@" not in shown.stdout + shown.stderr and OTHERS_PHONE not in shown.stdout + shown.stderr
    assert [path.read_bytes() for path in places] == before
    assert not (settings.data / "privacy").exists()


@pytest.mark.slow
def test_whoever_is_delivered_after_the_last_day_of_the_erasure_is_a_new_person(settings: Settings) -> None:
    who = "select customer_id from marts.dim_customers where email like 'other@%'"
    of_person = "select order_number from marts.fct_orders where customer_id = $1"
    [(before,)] = rows(settings, who)
    assert c360(settings, "forget", "--phone", OTHERS_PHONE, "--until", DAY, "--yes").returncode == 0
    assert rows(settings, who) == [] and b"other@" not in whole(settings)
    # The last day is delivered again, which is the erased person; the next day brings somebody with the same ids.
    land(settings, DAY, "again.ndjson", order(4, "other", total=40))
    contacts(settings, LATER, contact("other", phone=OTHERS_PHONE))
    land(settings, LATER, "b.ndjson", order(5, "other", time=f"{LATER}T10:00:00Z"))
    assert c360(settings, "run").returncode in (0, 3)
    [(after,)] = rows(settings, who)
    assert after != before
    assert rows(settings, of_person, before) == [] and rows(settings, of_person, after) == [("1005",)]
    marts = all_marts(settings)
    assert c360(settings, "run", "--full-refresh").returncode in (0, 3)
    assert all_marts(settings) == marts


@pytest.mark.parametrize(
    ("way", "is_loaded", "is_order"),
    [
        ("phone", False, False),
        pytest.param("email", True, False, marks=pytest.mark.slow),
        pytest.param("id", True, True, marks=pytest.mark.slow),
    ],
)
def test_whoever_was_erased_and_is_delivered_again_can_be_named_again(
    settings: Settings, way: str, is_loaded: bool, is_order: bool
) -> None:
    [(customer_id,)] = rows(settings, "select customer_id from marts.dim_customers where email like 'other@%'")
    ways = {"email": ("--email", "Other@mail.test.example.com"), "phone": ("--phone", OTHERS_PHONE), "id": (customer_id,)}  # fmt: skip
    assert c360(settings, "forget", *ways["email"], "--yes").returncode == 0
    nothing_new = c360(settings, "forget", *ways[way], "--yes")
    assert (nothing_new.returncode, nothing_new.stdout) == (2, "")
    assert "nothing has been delivered since" in nothing_new.stderr and "Other@" not in nothing_new.stderr
    if is_order:
        land(settings, LATER, "again.ndjson", order(4, "other", total=40))
    else:
        contacts(settings, LATER, contact("other", phone=OTHERS_PHONE), contact("wife", phone=SHARED_PHONE))
    if is_loaded:
        assert c360(settings, "run").returncode in (0, 3)
    assert b"other@" in whole(settings)
    assert "erased before: 0 vendor records" in c360(settings, "forget", *ways[way], "--dry-run").stdout
    assert c360(settings, "forget", *ways[way], "--yes").returncode == 0
    left = whole(settings)
    assert b"other@" not in left and b"wife@" in left


@pytest.mark.slow
def test_whoever_is_erased_again_is_kept_out_no_longer_than_before(settings: Settings) -> None:
    named = ("--email", "other@mail.test.example.com")
    assert c360(settings, "forget", *named, "--until", DAY, "--yes").returncode == 0
    land(settings, DAY, "again.ndjson", order(4, "other", total=40))
    assert c360(settings, "run").returncode in (0, 3)
    assert c360(settings, "forget", *named, "--yes").returncode == 0
    assert b"other@" not in whole(settings)
    contacts(settings, LATER, contact("other", phone=OTHERS_PHONE))
    assert c360(settings, "run").returncode in (0, 3)
    assert rows(settings, "select count(*) from marts.dim_customers where email like 'other@%'") == [(1,)]


@pytest.mark.parametrize("asked", [("0" * 32,), ("--email", "nobody@mail.test.example.com"), ("--phone", "+4930901829999")])  # fmt: skip
def test_whoever_never_was_is_wrong_use_in_one_sentence(settings: Settings, asked: tuple[str, ...]) -> None:
    done = c360(settings, "forget", *asked, "--yes")
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) <= 2 and "nobody@" not in done.stderr
    assert not (settings.data / "privacy").exists()


@pytest.mark.faults
def test_two_erasures_and_a_run_at_once_all_end(settings: Settings) -> None:
    land(settings, LATER, "b.ndjson", order(5, "wife", time=f"{LATER}T10:00:00Z"), order(6, "other", time=f"{LATER}T11:00:00Z"))  # fmt: skip
    commands = (("run",), ("forget", "--email", "wife@mail.test.example.com", "--yes"), ("forget", "--email", "guest@mail.test.example.com", "--yes"))  # fmt: skip
    begun = [
        subprocess.Popen([sys.executable, "-m", "orchestration.cli", *command], cwd=PROJECT, env=environment(settings), stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        for command in commands
    ]  # fmt: skip
    ended = [(*process.communicate(), process.returncode) for process in begun]
    assert all(code in (0, 3) for *_, code in ended), ended
    assert all(said.count("Erased.") == 1 for said, *_ in ended[1:]), ended
    assert c360(settings, "run").returncode in (0, 3)
    left = whole(settings)
    assert b"wife@" not in left and b"guest@" not in left
    assert rows(settings, "select count(*) from marts.fct_orders") == [(6,)]
    assert len(list(erasing.receipts(settings))) == 2


@pytest.mark.slow
def test_a_delivery_that_was_withdrawn_stays_withdrawn(settings: Settings) -> None:
    path = land(settings, LATER, "w.ndjson", order(7, "wife", time=f"{LATER}T10:00:00Z"), order(8, "other", time=f"{LATER}T11:00:00Z"))  # fmt: skip
    assert c360(settings, "run").returncode in (0, 3)
    assert c360(settings, "withdraw", str(path.relative_to(settings.data))).returncode in (0, 3)
    assert c360(settings, "forget", "--email", "wife@mail.test.example.com", "--yes").returncode == 0
    assert b"wife@" not in path.read_bytes() and b"other@" in path.read_bytes()
    assert c360(settings, "run").returncode in (0, 3)
    assert rows(settings, "select count(*) from marts.fct_orders where order_number in ('1007', '1008')") == [(0,)]


def test_what_cannot_be_written_anew_is_named_and_nothing_of_others_is_destroyed(settings: Settings, tmp_path: Path) -> None:  # fmt: skip
    outside = tmp_path / "outside.ndjson"
    outside.write_text(json.dumps(order(9, "wife")) + "\n", encoding="utf-8")
    delivery = settings.landing / "omnisend" / "events" / DAY
    (delivery / "link.ndjson").symlink_to(outside)
    cut = delivery / "cut.json"
    cut.write_text(json.dumps([order(10, "other"), order(11, "wife")])[:-30], encoding="utf-8")
    strange = settings.landing / "nobody" / "notes.txt"
    strange.parent.mkdir()
    strange.write_text("ask wife@mail.test.example.com", encoding="utf-8")
    before = [path.read_bytes() for path in (outside, cut, strange)]
    assert c360(settings, "run").returncode == 3
    done = c360(settings, "forget", "--email", "wife@mail.test.example.com", "--yes")
    assert done.returncode == 3, done.stdout + done.stderr
    assert [path.read_bytes() for path in (outside, cut, strange)] == before
    for name in ("cut.json", "notes.txt", "link.ndjson"):
        assert name in done.stdout, done.stdout
    [receipt] = erasing.receipts(settings)
    assert len(receipt["to_do_by_hand"]) == 3


def test_what_is_said_of_a_missing_secret_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data of ours")
    with pytest.raises(OperatorError) as refused:
        erasing.require_secret(settings)
    command = refused.value.remedy.split("`")[1]
    subprocess.run(command, shell=True, check=True)
    assert len((settings.config / "secret").read_text(encoding="utf-8").strip()) == 64
