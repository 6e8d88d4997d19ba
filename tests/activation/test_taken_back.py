"""What was written and not posted is taken back where it is not true any more; what was posted, or may have been, counts."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from orchestration.activation import erasure, receipts
from orchestration.config.settings import Settings
from tests.activation.conftest import Line, run
from tests.support.activation_world import AS_OF, everywhere, publish
from tests.support.http_server import Request, Response, answer

PEOPLE = [everywhere(f"p{number}", segments=("vip",) if number % 2 else ()) for number in range(7)]
NEXT = AS_OF + timedelta(days=1)


def says_no(name: str) -> list[Any]:
    return [replace(person, says="opt_out") if person.name == name else person for person in PEOPLE]


def losing(line: Line, is_lost: Callable[[Request], bool] = lambda request: True) -> None:
    """From now on the vendor takes what it is sent, and the answer is lost on its way."""

    def respond(request: Request) -> Response:
        response = line.receiver(request)
        return Response(504) if is_lost(request) else response

    line.server.handler = respond


def nobody_is_left_to_write_of(line: Line) -> None:
    assert run(line.settings, line.name, is_sent_next=True).folder is None
    sent = line.send()
    assert (sent.bodies, sent.pending, sent.problem) == (0, 0, None)


@pytest.mark.parametrize("posted", range(6))
def test_bodies_that_were_not_posted_are_taken_back_and_those_that_were_count_as_they_did(
    listening: Any, settings: Settings, posted: int
) -> None:
    """Whoever says no after some of five requests: three of contacts, one of tags to add and one of tags to remove."""
    line = listening("omnisend")
    before = [replace(PEOPLE[0], segments=("vip",)), everywhere("p1"), *PEOPLE[2:]]
    publish(settings, before, segments=("vip",))
    run(settings, line.name)
    line.send()
    changed = [replace(person, revenue=Decimal("20.00")) for person in PEOPLE]
    publish(settings, changed, segments=("vip",), as_of=NEXT, run_id="run-2")
    run(settings, line.name)
    line.server.failures = [*[None] * posted, Response(401)]
    arrived = len(line.receiver.bodies)
    line.send()
    line.server.failures = []
    assert len(line.receiver.bodies) == arrived + min(posted, 5)
    since = [replace(person, says="opt_out") if person.name in ("p0", "p1", "p5") else person for person in changed]
    publish(settings, since, segments=("vip",), as_of=NEXT + timedelta(days=1), run_id="run-3")
    arrived = len(line.receiver.bodies)
    run(settings, line.name, is_sent_next=True)
    assert line.send().problem is None
    assert not any(b"person-p5" in body or b"person-p1" in body for body in line.receiver.bodies[arrived:])
    held = {key: values["c360_revenue"] for key, values in line.receiver.held.items()}
    assert held == {f"email:P{number}@example.com": 0 if number in (0, 1, 5) else 20.0 for number in range(7)}
    assert {address for address, tags in line.receiver.tags.items() if tags} == {"P3@example.com"}
    nobody_is_left_to_write_of(line)


def test_a_folder_of_another_purpose_is_written_anew_before_it_is_sent(listening: Any, settings: Settings) -> None:
    people = [everywhere("yes"), everywhere("no", says="opt_out")]
    line = listening("ometria", purpose="service")
    publish(settings, people, segments=("vip",))
    run(settings, line.name)
    line = listening("ometria", purpose="marketing")
    run(settings, line.name, is_sent_next=True)
    assert line.send().pending == 0
    assert line.receiver.held.keys() == {"alias-ometria-yes"}
    run(settings, line.name, is_sent_next=True)
    line = listening("ometria", channel="sms")
    assert run(settings, line.name, is_sent_next=True).plan.counts["cleared"] == 1


def test_a_folder_for_another_message_channel_is_written_anew_before_it_is_sent(
    listening: Any, settings: Settings
) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line = listening("ometria", channel="sms")
    assert run(settings, line.name, is_sent_next=True).plan.counts["new"] == 0
    assert line.send().bodies == 0 and not line.receiver.held


@pytest.mark.parametrize("vendor", ["ometria", "omnisend", "voucherify"])
def test_a_value_whose_answer_was_lost_is_written_again_though_it_is_what_it_was_before(
    listening: Any, settings: Settings, vendor: str
) -> None:
    line = listening(vendor)
    for day, revenue in enumerate(("10.00", "20.00", "10.00")):
        people = [replace(PEOPLE[0], revenue=Decimal(revenue)), *PEOPLE[1:]]
        publish(settings, people, segments=("vip",), as_of=AS_OF + timedelta(days=day), run_id=f"run-{day}")
        run(settings, line.name, is_sent_next=True)
        if revenue == "20.00":
            losing(line)
        line.send()
        line.server.handler = line.receiver
    assert next(values["c360_revenue"] for key, values in line.receiver.held.items() if "0" in key) == 10.0
    nobody_is_left_to_write_of(line)


@pytest.mark.parametrize("lost_at", ["/batches", "/contacts/tags"])
def test_who_says_no_after_an_answer_was_lost_is_cleared(listening: Any, settings: Settings, lost_at: str) -> None:
    line = listening("omnisend", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    losing(line, lambda request: request.path == lost_at)
    assert line.send().problem is not None
    line.server.handler = line.receiver
    publish(settings, says_no("p1"), segments=("vip",), as_of=NEXT, run_id="run-2")
    run(settings, line.name, is_sent_next=True)
    line.send()
    assert line.receiver.held["email:P1@example.com"]["c360_revenue"] == 0
    assert {address for address, tags in line.receiver.tags.items() if tags} == {"P3@example.com", "P5@example.com"}
    nobody_is_left_to_write_of(line)


def test_who_was_never_sent_because_the_key_was_refused_is_not_written_on_a_no(
    listening: Any, settings: Settings
) -> None:
    line = listening("ometria", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.server.failures = [Response(401)]
    line.send()
    publish(settings, says_no("p1"), segments=("vip",), as_of=NEXT, run_id="run-2")
    assert run(settings, line.name, is_sent_next=True).plan.counts["cleared"] == 0
    line.send()
    assert "alias-ometria-p1" not in line.receiver.held


def test_a_key_that_is_refused_after_an_answer_was_lost_does_not_unsay_that(listening: Any, settings: Settings) -> None:
    line = listening("ometria", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    losing(line)
    line.send()
    line.server.handler = line.receiver
    line.server.failures = [Response(401)]
    line.send()
    publish(settings, says_no("p1"), segments=("vip",), as_of=NEXT, run_id="run-2")
    assert run(settings, line.name, is_sent_next=True).plan.counts["cleared"] == 1


def test_tags_that_were_taken_beside_a_refused_contact_are_removed_on_a_no(listening: Any, settings: Settings) -> None:
    line = listening("omnisend", most_records=100)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.receiver.refused = {"email:P1@example.com": "later"}
    assert line.send().failed == 1 and line.receiver.tags["P1@example.com"] == {"c360_vip"}
    line.receiver.refused = {}
    publish(settings, says_no("p1"), segments=("vip",), as_of=NEXT, run_id="run-2")
    run(settings, line.name, is_sent_next=True)
    line.send()
    assert line.receiver.tags["P1@example.com"] == set()
    nobody_is_left_to_write_of(line)


def changed_body(line: Line) -> str:
    """Of six people three were posted, and the body of the others was changed by hand."""
    publish(line.settings, PEOPLE[:6], segments=("vip",))
    folder = line.settings.data / str(run(line.settings, line.name).folder)
    line.server.failures = [None, Response(401)]
    line.send()
    body = folder / "upsert-00002.json"
    body.write_bytes(body.read_bytes() + b" ")
    return str(line.send().problem)


def test_a_body_that_is_not_what_was_written_is_taken_back_and_written_anew_as_the_remedy_says(
    listening: Any, settings: Settings
) -> None:
    line = listening("ometria")
    assert "let `c360 activate --send` take it back" in changed_body(line)
    assert run(settings, line.name, is_sent_next=True).plan.counts["new"] == 3
    assert line.send().problem is None and len(line.receiver.held) == 6
    nobody_is_left_to_write_of(line)


def test_a_receipt_counts_for_no_other_body_under_the_same_name(listening: Any, settings: Settings) -> None:
    line = listening("ometria")
    changed_body(line)
    [folder] = line.root.glob("2026*/")
    shutil.rmtree(folder)
    publish(settings, [replace(person, revenue=Decimal("500.00")) for person in PEOPLE[:6]], segments=("vip",))
    assert run(settings, line.name).folder == f"activation/ometria/default/{folder.name}"
    assert line.send().bodies == 2
    assert {values["c360_revenue"] for values in line.receiver.held.values()} == {500.0}
    nobody_is_left_to_write_of(line)


def test_what_was_posted_is_not_posted_again_after_somebody_is_erased(listening: Any, settings: Settings) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    line.send()
    assert erasure.forget(settings, ["person-p1"], ["p1@example.com", "shop-p1"]) == 1
    assert line.send().bodies == 0


PAGE = Response(200, b"<html>log in</html>", {"Content-Type": "text/html"})


@pytest.mark.parametrize(
    ("vendor", "strange"),
    [
        ("ometria", PAGE),
        ("ometria", answer({"status": "ERROR", "accepted": 3, "rejected": 0})),
        ("ometria", Response(200)),
        ("optimizely", PAGE),
        ("open_delivery", PAGE),
        ("open_delivery", answer({"status": "REJECTED"}, 202)),
        ("voucherify", PAGE),
        ("voucherify", answer({"status": "queued"}, 202)),
        ("voucherify", answer([], 202)),
        ("omnisend", PAGE),
    ],
)
def test_an_answer_that_the_vendor_does_not_document_is_no_acceptance(
    listening: Any, settings: Settings, vendor: str, strange: Response
) -> None:
    line = listening(vendor)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    usual, line.server.handler = (
        line.server.handler,
        lambda request: usual(request) if "token" in request.path else strange,
    )
    sent = line.send()
    assert sent.bodies == 0 and sent.pending >= 3 and "documents say" in str(sent.problem)
    line.server.handler = usual
    assert line.send().pending == 0 and len(line.receiver.held) == len(PEOPLE)


@pytest.mark.parametrize(("rejected", "state"), [(3, "refused"), (1, "accepted")])
def test_records_that_the_answer_says_were_refused_are_written_again(
    listening: Any, settings: Settings, rejected: int, state: str
) -> None:
    line = listening("ometria")
    publish(settings, PEOPLE[:3], segments=("vip",))
    run(settings, line.name)
    line.server.failures = [answer({"status": "OK", "request_id": "r", "accepted": 3 - rejected, "rejected": rejected})]
    sent = line.send()
    assert (sent.failed, sent.pending) == (3, 0)
    assert sent.reasons == {f"{rejected} of 3 records refused and not named"}
    assert list(receipts.read(line.root))[-1].state == state
    assert run(settings, line.name).plan.counts["new"] == 3
    assert line.send().failed == 0 and len(line.receiver.held) == 3
    nobody_is_left_to_write_of(line)
