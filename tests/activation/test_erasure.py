"""An erased person: a request of their own for each vendor, and not a byte of them left in what was written here."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from orchestration.activation import access, activate, erasure, outbox, profiles, receipts
from orchestration.activation.receipts import Receipt
from orchestration.config.settings import Settings
from orchestration.privacy import erasing
from orchestration.runtime.errors import OperatorError
from tests.activation.conftest import NAMES, configure, run, target
from tests.support.activation_world import everywhere, publish
from tests.support.http_server import Request, Response
from tests.support.paths import PROJECT

PEOPLE = [
    everywhere("kept", segments=("vip",)),
    everywhere("canary", segments=("vip",)),
    everywhere("other", says="opt_out"),
]
VALUES = ["canary@example.com", "odp-canary", "shop-canary", "+55 11 9999-0006canary"]


def bytes_of(settings: Settings) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in (settings.data / "activation").rglob("*")
        if path.is_file() and erasure.REQUESTS not in path.parts
    }


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_nothing_is_left_of_an_erased_person_and_the_others_are_as_they_were(settings: Settings, vendor: str) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, NAMES[vendor])
    root = target(settings, NAMES[vendor]).folder(settings)
    receipts.append(
        root,
        Receipt(
            str(outcome.plan.as_of),
            "upsert-00001.json",
            "delivered",
            2,
            failed={"shop-canary": "no", "email:Canary@example.com": "no"},
        ),
    )
    assert erasure.forget(settings, ["person-canary"], VALUES) == 1
    assert erasure.forget(settings, ["person-canary"], VALUES) == 0
    for path, content in bytes_of(settings).items():
        assert b"canary" not in content.lower(), path
    reported = b"".join(content for path, content in bytes_of(settings).items() if path.suffix == ".json")
    assert b"99.17" in reported and b"kept" in reported
    for folder in root.glob("2026*/"):
        for file in json.loads((folder / "manifest.json").read_bytes())["files"]:
            assert (folder / file["file"]).stat().st_size == file["bytes"]


def test_somebody_else_under_the_same_customer_id_stays(settings: Settings) -> None:
    for name in ("kept", "canary"):
        records = {"ometria": {"customer_id": "77", "email": f"{name}@example.com"}}
        publish(settings, [everywhere(name, records=records)], segments=("vip",))
        run(settings, "ometria")
    erasure.forget(settings, ["person-canary"], ["canary@example.com"])
    reported = b"".join(content for path, content in bytes_of(settings).items() if path.suffix == ".json")
    assert b"kept@example.com" in reported and b"canary" not in reported


def test_somebody_else_of_the_same_id_at_another_vendor_is_neither_handed_over_nor_erased(settings: Settings) -> None:
    people = [
        everywhere("kept", records={"ometria": {"customer_id": "77", "email": "kept@example.com"}}),
        everywhere(
            "canary", records={"voucherify": {"customer_id": "77"}, "omnisend": {"email": "canary@example.com"}}
        ),
    ]
    publish(settings, people, segments=("vip",))
    for name in ("ometria", "voucherify", "omnisend"):
        run(settings, name)
    values = [outbox.of_account("voucherify", "default", "77"), "canary@example.com"]
    found = list(access.given_back(settings, ["person-canary"], values))
    assert {(one["vendor"], one["customer_id"]) for one in found} == {
        ("voucherify", "person-canary"),
        ("omnisend", "person-canary"),
    }
    assert erasure.forget(settings, ["person-canary"], values) == 2
    assert [one["customer_id"] for one in access.given_back(settings, ["person-kept"], [])] == ["person-kept"]
    assert run(settings, "ometria", is_dry=True).plan.counts["unchanged"] == 1


def test_what_was_written_under_an_id_they_had_before_goes_too(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "voucherify")
    assert erasure.forget(settings, ["the-id-of-today"], VALUES) == 1
    assert b"shop-canary" not in b"".join(bytes_of(settings).values())


def test_an_address_of_an_earlier_id_is_found_however_its_signs_are_folded(settings: Settings) -> None:
    strasse = everywhere("canary", records={"omnisend": {"email": "Straße.Canary@example.com"}})
    publish(settings, [PEOPLE[0], strasse], segments=("vip",))
    run(settings, "omnisend")
    values = ["straße.canary@example.com"]
    assert [one["customer_id"] for one in access.given_back(settings, ["the-id-of-today"], values)] == ["person-canary"]
    assert erasure.forget(settings, ["the-id-of-today"], values) == 1
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())


@pytest.mark.parametrize("cut", [20, 150])
def test_a_line_that_was_cut_off_stops_no_erasure_and_names_nobody_any_more(settings: Settings, cut: int) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, "ometria")
    root = target(settings, "ometria").folder(settings)
    for key in ("shop-kept", "shop-canary"):
        receipts.append(root, Receipt(str(outcome.plan.as_of), f"{key}.json", "delivered", 2, failed={key: "no"}))
    for path in (root / receipts.FILE, settings.data / str(outcome.folder) / outbox.REJECTS):
        content = path.read_bytes()
        path.write_bytes(content[:-cut] + b"\n" + content[-cut:] + b'17\n{"customer_id": "person-can')
    assert erasure.forget(settings, ["person-canary"], VALUES) == 1
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())
    assert [receipt.failed for receipt in receipts.read(root)] == [{"shop-kept": "no"}]
    assert run(settings, "ometria", is_dry=True).plan.counts["unchanged"] == 1


def test_nothing_is_left_of_files_that_a_killed_process_was_writing(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, "omnisend")
    root, folder = target(settings, "omnisend").folder(settings), settings.data / str(outcome.folder)
    [body, *_] = folder.glob("upsert*.json")
    left = {
        root / f".{outbox.STATE}": root / outbox.STATE,
        root / f".{receipts.FILE}.tmp": body,
        folder / f".{body.name}.tmp": body,
        folder / f"{outbox.RECORDS}.tmp": folder / outbox.RECORDS,
    }
    for draft, of in left.items():
        draft.write_bytes(of.read_bytes())
    assert erasure.forget(settings, ["person-canary"], VALUES) == 1
    assert [path.name for path in left if path.exists()] == []


def test_who_is_not_erased_is_not_written_again(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "odp")
    erasure.forget(settings, ["person-canary"], VALUES)
    publish(settings, [PEOPLE[0], PEOPLE[2]], segments=("vip",))
    assert run(settings, "odp").folder is None


def test_an_opt_out_of_an_erased_person_goes_too(settings: Settings) -> None:
    from tests.activation.test_consent import NO_AT

    configure(settings, '[targets.odp]\nvendor = "optimizely"\nopt_outs = true\n')
    publish(settings, [everywhere("canary", refusal=("shop", NO_AT, False))])
    run(settings, "odp")
    erasure.forget(settings, ["person-canary"], VALUES)
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())


ASKED: dict[str, list[dict[str, Any]]] = {
    "optimizely": [{"identifier_field_name": "customer_id", "identifier_value": "odp-canary"}],
    "ometria": [{"email": "canary@example.com"}],
    "open_delivery": [],
    "voucherify": [{"source_id": "shop-canary"}],
    "omnisend": [],
}


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_what_to_ask_the_vendor_is_a_file_of_its_own(settings: Settings, vendor: str) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    assert erasure.request(settings, ["person-canary"], "2026-03-05-ab12") == len(NAMES)
    asked = json.loads(
        (settings.data / "activation" / vendor / "default" / "erasures" / "2026-03-05-ab12.json").read_bytes()
    )
    assert asked["requests"] == ASKED[vendor] and asked["how"]
    assert "kept" not in json.dumps(asked) and len(asked["records"]) == 1


def test_without_targets_there_is_nothing_to_ask_or_to_forget(settings: Settings) -> None:
    (settings.config / "activation.toml").unlink()
    assert erasure.request(settings, ["person-canary"], "x") == 0
    assert erasure.forget(settings, ["person-canary"], VALUES) == 0


COMMAND = """
import sys; from pathlib import Path
from orchestration.activation import erasure
from orchestration.config.options import Options
from orchestration.config.settings import Settings
erasure.forget(Settings(data=Path(sys.argv[1]), options=Options(memory_limit="500MB", threads=1)), ["person-canary"], sys.argv[2:])
"""


@pytest.mark.long
@pytest.mark.parametrize("point", ["after_erasing_bodies", "before_erasing_records"])
@pytest.mark.parametrize("vendor", ["voucherify", "omnisend"])
def test_an_erasure_that_was_killed_is_ended_by_the_next(settings: Settings, vendor: str, point: str) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, NAMES[vendor])
    environment = {**os.environ, "C360_KILL_AT": point}
    died = subprocess.run(
        [sys.executable, "-c", COMMAND, str(settings.data), *VALUES],
        env=environment,
        cwd=PROJECT,
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    assert erasure.forget(settings, ["person-canary"], VALUES) == 1
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())
    [folder] = target(settings, NAMES[vendor]).folder(settings).glob("2026*/")
    listed = {file["file"]: file["bytes"] for file in json.loads((folder / "manifest.json").read_bytes())["files"]}
    assert listed == {path.name: path.stat().st_size for path in folder.glob("*.json") if path.name != "manifest.json"}


def asked(settings: Settings, vendor: str) -> dict[str, Any]:
    erasure.request(settings, ["person-canary"], "id")
    return json.loads((settings.data / "activation" / vendor / "default" / "erasures" / "id.json").read_bytes())


def test_a_record_that_nothing_could_be_written_to_is_asked_about_too(settings: Settings) -> None:
    held = {"voucherify": {"profile_id": "cust_9"}, "omnisend": {"phone": "+44 20 7946 0000"}}
    publish(settings, [everywhere("canary", records=held)], segments=("vip",))
    assert asked(settings, "voucherify")["requests"] == [{"id": "voucherify-canary"}]
    assert [record["record_id"] for record in asked(settings, "omnisend")["records"]] == ["omnisend-canary"]


@pytest.mark.parametrize("vendor", ["ometria", "voucherify"])
def test_what_somebody_else_stands_on_too_is_named_and_not_asked_to_be_deleted(settings: Settings, vendor: str) -> None:
    records = {"voucherify": {"customer_id": "shop-1"}, "ometria": {"email": "family@example.com"}}
    publish(settings, [everywhere(name, records=records) for name in ("kept", "canary")], segments=("vip",))
    reported = asked(settings, vendor)
    assert reported["requests"] == [] and [record["is_shared"] for record in reported["records"]] == [True]


def begin_erasure(settings: Settings) -> Settings:
    """An erasure that was begun and has not ended, as `c360 forget` leaves it for as long as it is at work."""
    private = replace(settings, secret=b"a secret of this test")
    erasing.begin(private, [], by="the test", until=None)
    return private


def test_while_an_erasure_has_not_ended_nothing_is_written(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    begin_erasure(settings)
    with pytest.raises(OperatorError, match="an erasure has not ended"):
        run(settings, "ometria")
    assert not bytes_of(settings).keys() - {settings.data / "activation/.lock"}


def test_while_an_erasure_has_not_ended_no_profiles_are_exported(settings: Settings, tmp_path: Path) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    begin_erasure(settings)
    with pytest.raises(OperatorError, match="an erasure has not ended"):
        profiles.export(settings, tmp_path / "profiles.ndjson")
    assert not list(tmp_path.glob("profiles*"))


def test_an_erasure_that_is_begun_while_bodies_are_written_keeps_them_from_being_put_in_place(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    usual = outbox.Draft.beside

    def beside(draft: outbox.Draft, *given: Any) -> None:
        begin_erasure(settings)
        usual(draft, *given)

    monkeypatch.setattr(outbox.Draft, "beside", beside)
    with pytest.raises(OperatorError, match="an erasure has not ended"):
        run(settings, "ometria")
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())


def test_while_an_erasure_has_not_ended_nothing_more_is_sent(listening: Any, settings: Settings) -> None:
    line = listening("ometria", most_records=1)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    usual = line.server.handler

    def begun_meanwhile(request: Request) -> Response:
        begin_erasure(settings)
        return usual(request)

    line.server.handler = begun_meanwhile
    sent = line.send()
    assert (sent.bodies, sent.pending) == (1, 1) and "an erasure has not ended" in str(sent.problem)


def test_a_body_that_the_vendor_asks_for_again_is_not_sent_once_an_erasure_has_begun(
    listening: Any, settings: Settings
) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)

    def begun_meanwhile(request: Request) -> Response:
        begin_erasure(settings)
        return Response(503)

    line.server.handler = begun_meanwhile
    sent = line.send()
    assert len(line.server.requests) == 1
    assert (sent.bodies, sent.pending) == (0, 1) and "an erasure has not ended" in str(sent.problem)


def test_what_is_left_of_somebody_in_what_was_written_goes_before_the_receipt_of_the_erasure(
    settings: Settings,
) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "ometria")
    private = begin_erasure(settings)
    [begun] = erasing.pending(private)
    begun.customer_ids, begun.values = ["person-canary"], VALUES
    [receipt] = erasing.end(private, [begun])
    assert json.loads(receipt.read_bytes())["records_given_back"] == 1
    assert all(b"canary" not in content.lower() for content in bytes_of(settings).values())
    publish(settings, [PEOPLE[0], PEOPLE[2]], segments=("vip",))
    assert run(settings, "ometria").plan.counts["unchanged"] == 1


def test_an_erasure_waits_until_an_activation_has_ended(settings: Settings) -> None:
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, "ometria")
    patient = replace(settings, options=structs.replace(settings.options, lock_wait_seconds=30))
    with ThreadPoolExecutor() as others:
        with activate.alone(settings):
            forgotten = others.submit(erasure.forget, patient, ["person-canary"], VALUES)
            assert not wait([forgotten], timeout=0.3).done
        assert forgotten.result() == 1
