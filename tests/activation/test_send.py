"""Sending against real servers on loopback: what arrives, what is waited for, and what fails and is written again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.activation import activation_log, receipts, send
from orchestration.activation.send import Polling
from orchestration.cli import main
from orchestration.config.settings import Settings
from orchestration.runtime.errors import OperatorError
from orchestration.warehouse.ddl import AUDIT_DDL
from tests.activation.conftest import NAMES, PATIENCE, run, target
from tests.support.activation_world import AS_OF, everywhere, keep_as_publication, publish
from tests.support.http_server import Request, Response
from tests.support.receivers import SECRET

PEOPLE = [everywhere(f"p{number}", segments=("vip",) if number % 2 else ()) for number in range(7)]
NEXT = AS_OF + timedelta(days=1)


@pytest.mark.parametrize("vendor", sorted(NAMES))
def test_everything_written_arrives_once_and_is_recorded(listening: Any, settings: Settings, vendor: str) -> None:
    line = listening(vendor)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    sent = line.send()
    assert (sent.problem, sent.failed, sent.pending) == (None, 0, 0)
    assert len(line.receiver.held) == len(PEOPLE)
    arrived = len(line.receiver.bodies)
    assert line.send().bodies == 0 and len(line.receiver.bodies) == arrived
    if line.receiver.tags:
        assert line.receiver.tags == {f"P{number}@example.com": {"c360_vip"} for number in (1, 3, 5)}


@pytest.mark.parametrize(
    "wait",
    [
        Response(429, b"", {"Retry-After": "0"}),
        Response(429, b'{"retryAfter": 0}', {"Content-Type": "application/json"}),
        Response(429, b"", {"X-Rate-Limit-Retry": "0"}),
        Response(503),
        Response(200, b'{"cut', {"Content-Type": "application/json"}, cut=10),
    ],
)
def test_a_vendor_that_says_wait_or_breaks_off_is_asked_again(
    listening: Any, settings: Settings, wait: Response
) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.server.failures = [wait, None, wait]
    assert line.send().pending == 0
    assert len(line.receiver.held) == len(PEOPLE)


@pytest.mark.parametrize("vendor", ["voucherify", "omnisend"])
def test_a_record_that_fails_is_reported_with_the_reason_and_written_again_the_next_time(
    listening: Any, settings: Settings, vendor: str
) -> None:
    line = listening(vendor)
    key = "shop-p2" if vendor == "voucherify" else "email:P2@example.com"
    line.receiver.refused = {key: "Customer Anna Canary (shop-p2), born 1990-02-03, is not valid"}
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    sent = line.send()
    assert sent.failed == 1 and len(line.receiver.held) == len(PEOPLE) - 1
    assert sent.reasons == {"invalid_payload" if vendor == "voucherify" else "400"}
    assert b"Canary" not in (line.root / receipts.FILE).read_bytes()
    line.receiver.refused = {}
    outcome = run(settings, line.name, is_confirmed=False)
    assert (outcome.plan.counts["new"], outcome.plan.counts["unchanged"]) == (1, len(PEOPLE) - 1)
    assert line.send().failed == 0 and len(line.receiver.held) == len(PEOPLE)


def test_a_vendor_that_is_still_at_work_is_asked_by_the_next_send(listening: Any, settings: Settings) -> None:
    line = listening("voucherify", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.receiver.polls_before_done = 3
    line.receiver.refused = {"shop-p2": "no"}
    assert (
        send.send(
            settings, target(settings, line.name), patience=PATIENCE, polling=Polling(first_wait=0.001, longest=0.0)
        ).failed
        == 0
    )
    assert line.send().failed == 1


def test_a_body_that_the_vendor_refuses_is_written_again_and_the_others_go_on(
    listening: Any, settings: Settings
) -> None:
    line = listening("optimizely")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.server.failures = [None, Response(400, b'{"detail": "anna.canary@example.com"}')]
    sent = line.send()
    assert (sent.bodies, sent.failed, sent.pending) == (3, 3, 0)
    assert run(settings, line.name).plan.counts["new"] == 3


def test_a_key_that_is_not_accepted_stops_the_target_and_leaves_the_bodies_pending(
    listening: Any, settings: Settings
) -> None:
    line = listening("omnisend")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.server.failures = [None, Response(401)]
    sent = line.send()
    assert "401" in str(sent.problem) and SECRET not in str(sent.problem)
    assert sent.bodies == 1 and sent.pending > 0
    assert line.send().pending == 0 and len(line.receiver.held) == len(PEOPLE)


def test_a_missing_secret_is_reported_before_anything_is_sent(
    listening: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = listening("omnisend")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    monkeypatch.setenv("VENDOR_SECRET", "")
    with pytest.raises(OperatorError) as raised:
        line.send()
    assert raised.value.exit_code == 2 and not line.server.requests


def test_a_body_that_was_changed_after_it_was_written_is_not_sent(listening: Any, settings: Settings) -> None:
    line = listening("optimizely")
    publish(settings, PEOPLE, segments=("vip",))
    outcome = run(settings, line.name)
    body = settings.data / str(outcome.folder) / "upsert-00001.json"
    body.write_bytes(body.read_bytes().replace(b"99.17", b"99.18"))
    assert "is not what was written" in str(line.send().problem)
    assert not line.server.requests


def test_a_receipt_that_was_cut_is_no_receipt(listening: Any, settings: Settings) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.send()
    path = line.root / receipts.FILE
    path.write_bytes(path.read_bytes()[:-20])
    assert line.send().bodies == 1
    assert line.send().bodies == 0


def test_the_log_lists_every_body_and_of_nobody(listening: Any, settings: Settings) -> None:
    line = listening("voucherify")
    line.receiver.refused = {"shop-p2": "bad value 'anna.canary@example.com'"}
    line.receiver.code = "Anna Canary of Berlin"
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.send()
    publish(settings, [replace(PEOPLE[0], revenue=Decimal("1.00")), *PEOPLE[1:]], segments=("vip",), as_of=NEXT)
    run(settings, line.name)
    with duckdb.connect() as con:
        con.execute(AUDIT_DDL)
        activation_log.refresh(con, settings)
        activation_log.refresh(con, settings)
        found = con.execute(
            "select folder, file, state, records, failed_records, answered_at is not null from meta.activation_log order by all"
        ).fetchall()
        reported = str(con.execute("from meta.activation_log").fetchall())
    assert [row[2:] for row in found if row[0] == str(AS_OF)] == [
        ("delivered", 3, 1, True),
        ("delivered", 3, 0, True),
        ("delivered", 1, 0, True),
    ]
    assert [row[2:] for row in found if row[0] == str(NEXT)] == [("written", 2, 0, False)]
    assert not re.search("shop-|@|p2|Canary", reported) and receipts.NO_CODE in reported


def test_analysts_read_of_it_at_once(listening: Any, settings: Settings) -> None:
    line = listening("voucherify")
    publish(settings, PEOPLE, segments=("vip",))
    with duckdb.connect(str(settings.published_file), config=settings.duckdb_config) as con:
        con.execute(AUDIT_DDL)
    keep_as_publication(settings, 1)
    run(settings, line.name)
    activation_log.publish_log(settings)
    assert states(settings) == {"written"}
    line.send()
    activation_log.publish_log(settings)
    assert states(settings) == {"delivered"}
    before = settings.published_file.stat().st_ino
    activation_log.publish_log(settings)
    assert settings.published_file.stat().st_ino == before


def states(settings: Settings) -> set[str]:
    with duckdb.connect(str(settings.published_file), read_only=True) as con:
        return {state for (state,) in con.execute("select state from meta.activation_log").fetchall()}


def test_the_command_writes_sends_and_shows_what_failed_without_naming_anybody(
    listening: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = listening("voucherify")
    line.receiver.refused = {"shop-p2": "no such 'anna.canary@example.com'"}
    publish(settings, PEOPLE, segments=("vip",))
    monkeypatch.setenv("C360_DATA", str(settings.data))
    assert main.main(["activate", "--yes", "--send"]) == 3
    line.receiver.refused = {}
    assert main.main(["activate", "--send", "--json"]) == 0
    reported = "".join(capsys.readouterr())
    assert "7 records, 1 failed, 0 bodies pending" in reported and '"sent": [{"bodies": 1' in reported
    assert "canary" not in reported and SECRET not in reported and "shop-p2" not in reported


def test_the_command_refuses_a_missing_key_before_anything_is_written(
    listening: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = listening("omnisend")
    publish(settings, PEOPLE, segments=("vip",))
    monkeypatch.setenv("C360_DATA", str(settings.data))
    monkeypatch.delenv("VENDOR_SECRET")
    assert main.main(["activate", "--yes", "--send"]) == 2
    assert "VENDOR_SECRET" in capsys.readouterr().err
    assert not list((settings.data / "activation").rglob("*.json")) and not line.server.requests


def test_a_key_that_is_not_accepted_is_one_sentence_with_a_remedy(
    listening: Any, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = listening("omnisend")
    publish(settings, PEOPLE, segments=("vip",))
    monkeypatch.setenv("C360_DATA", str(settings.data))
    line.server.failures = [Response(401, b'{"detail": "canary-9f2e of anna.canary@example.com"}')]
    assert main.main(["activate", "--yes", "--send"]) == 3
    reported = "".join(capsys.readouterr())
    assert "refuses /batches (401)" in reported and "put a new one" in reported and "canary" not in reported


def test_what_was_never_posted_is_not_reported_of_who_has_said_no_since(listening: Any, settings: Settings) -> None:
    line = listening("omnisend")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    publish(settings, [replace(PEOPLE[1], says="opt_out"), *PEOPLE[2:]], segments=("vip",), as_of=NEXT, run_id="run-2")
    run(settings, line.name, is_confirmed=False, is_sent_next=True)
    assert line.send().problem is None
    assert "P1@example.com" not in b"".join(line.receiver.bodies).decode()
    assert line.receiver.tags == {f"P{number}@example.com": {"c360_vip"} for number in (3, 5)}
    assert len(line.receiver.held) == len(PEOPLE) - 2
    assert run(settings, line.name, is_sent_next=True).folder is None


def test_nobody_is_sent_who_says_no_while_bodies_are_on_their_way(listening: Any, settings: Settings) -> None:
    line = listening("ometria", most_records=1)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    usual = line.server.handler

    def published_meanwhile(request: Request) -> Response:
        if not line.receiver.bodies:
            said = [PEOPLE[0], *(replace(one, says="opt_out") for one in PEOPLE[1:3]), *PEOPLE[3:]]
            publish(settings, said, segments=("vip",), as_of=NEXT, run_id="run-2")
        return usual(request)

    line.server.handler = published_meanwhile
    sent = line.send()
    assert (sent.bodies, sent.pending) == (1, len(PEOPLE) - 1)
    assert "older than what is published" in str(sent.problem)
    run(settings, line.name, is_sent_next=True)
    assert line.send().problem is None
    posted = b"".join(line.receiver.bodies).lower()
    assert [f"p{number}@example.com".encode() in posted for number in range(4)] == [True, False, False, True]


def test_bodies_of_this_publication_are_posted_as_they_were_written(listening: Any, settings: Settings) -> None:
    line = listening("voucherify")
    publish(settings, PEOPLE, segments=("vip",))
    folder = run(settings, line.name).folder
    assert run(settings, line.name, is_sent_next=True).folder is None
    assert folder and (settings.data / folder).exists()


def test_a_vendor_that_takes_bodies_for_later_is_done_with_a_folder_before_it_gets_the_next(
    listening: Any, settings: Settings
) -> None:
    line = listening("voucherify", most_records=100)
    for day, revenue in enumerate(("1.00", "2.00")):
        publish(
            settings,
            [replace(PEOPLE[0], revenue=Decimal(revenue)), *PEOPLE[1:]],
            segments=("vip",),
            as_of=AS_OF + timedelta(days=day),
        )
        run(settings, line.name)
    line.receiver.polls_before_done = 99
    at_once = Polling(first_wait=0.001, longest=0.0)
    for _ in range(2):
        sent = send.send(settings, target(settings, line.name), patience=PATIENCE, polling=at_once)
        assert (len(line.receiver.bodies), sent.pending, sent.problem) == (1, 1, None)
    line.receiver.polls_before_done = 0
    assert line.send().pending == 0
    assert line.receiver.held["shop-p0"]["c360_revenue"] == 2.0


@pytest.mark.parametrize("is_forgotten", [True, False])
def test_a_body_of_which_the_vendor_never_says_what_became_of_it_is_written_again(
    listening: Any, settings: Settings, is_forgotten: bool
) -> None:
    line = listening("voucherify", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.receiver.polls_before_done = 99
    at_once = Polling(first_wait=0.001, longest=0.0)
    send.send(settings, target(settings, line.name), patience=PATIENCE, polling=at_once)
    receipt = list(receipts.read(line.root))[-1]
    if is_forgotten:
        line.server.failures = [Response(404)]
    else:
        receipts.append(line.root, replace(receipt, at="2026-03-04T00:00:00+00:00"))
    assert send.send(settings, target(settings, line.name), patience=PATIENCE, polling=at_once).failed == len(PEOPLE)
    line.receiver.polls_before_done = 0
    assert run(settings, line.name).plan.counts["new"] == len(PEOPLE)
    assert line.send().pending == 0


@pytest.mark.parametrize("vendor", ["voucherify", "omnisend"])
def test_an_opt_out_that_fails_is_written_again_the_next_time(listening: Any, settings: Settings, vendor: str) -> None:
    line = listening(vendor, opt_outs=True)
    no_at = datetime(2026, 2, 10, 8, 30, tzinfo=UTC)
    publish(settings, [everywhere("no", refusal=("shop", no_at, False)), *PEOPLE], segments=("vip",))
    run(settings, line.name)
    line.receiver.refused = {"shop-no": "later", "email:No@example.com": "later"}
    assert line.send().failed == 1
    line.receiver.refused = {}
    outcome = run(settings, line.name, is_confirmed=False)
    assert (outcome.plan.opt_outs, outcome.plan.counts["unchanged"]) == (1, len(PEOPLE))
    assert line.send().failed == 0 and run(settings, line.name).folder is None


def test_a_conflict_is_the_body_s_and_stops_no_other(listening: Any, settings: Settings) -> None:
    line = listening("open_delivery")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.server.failures = [None, Response(409, b'{"code": "CONFLICT"}')]
    sent = line.send()
    assert (sent.bodies, sent.failed, sent.problem) == (3, 3, None)
