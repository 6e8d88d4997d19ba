"""Killed anywhere, writing and sending lose nothing, and what is repeated changes nothing."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from orchestration.config.settings import Settings
from tests.activation.conftest import Line, run
from tests.support.activation_world import everywhere, publish
from tests.support.http_server import Request, Response
from tests.support.paths import PROJECT
from tests.support.receivers import SECRET

pytestmark = [pytest.mark.faults, pytest.mark.slow]
PEOPLE = [everywhere(f"p{number}", segments=("vip",) if number % 2 else ()) for number in range(7)]
TAGGED = {f"P{number}@example.com": {"c360_vip"} for number in (1, 3, 5)}
WRITING = [
    "activation_is_planned",
    "after_activation_body",
    "before_records",
    "before_manifest",
    "before_activation_rename",
    "after_activation_rename",
    "before_state",
    "state_is_saved",
    "folder_is_withdrawn",
    "records_are_withdrawn",
    "before_old_bodies_go",
]
SENDING = ["body_is_begun", "before_receipt", "after_receipt", "after_verdict"]
COMMAND = """
import sys; from pathlib import Path
from orchestration.activation import send
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from tests.activation.conftest import PATIENCE, POLLING, run, target
options = Options(free_disk_bytes=0, memory_limit="500MB", threads=1, keep_activation_days=1)
settings = Settings(data=Path(sys.argv[1]), options=options)
run(settings, sys.argv[2], is_sent_next=True)
send.send(settings, target(settings, sys.argv[2]), patience=PATIENCE, polling=POLLING)
"""


def begun(line: Line, kill_at: str = "") -> "subprocess.Popen[bytes]":
    """Writes and sends in a process of its own."""
    environment = {**os.environ, "C360_KILL_AT": kill_at, "VENDOR_SECRET": SECRET}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND, str(line.settings.data), line.name], env=environment, cwd=PROJECT
    )


def arrived_whole(line: Line) -> None:
    """The vendor holds what is known of everybody, and there is nothing left to do."""
    assert {key: values["c360_revenue"] for key, values in line.receiver.held.items()} == {
        f"email:P{number}@example.com": 99.17 for number in range(7)
    }
    assert line.receiver.tags == TAGGED
    assert run(line.settings, line.name).folder is None
    sent = line.send()
    assert (sent.bodies, sent.failed, sent.pending) == (0, 0, 0)
    assert not list(line.root.glob(".begun-*"))


@pytest.mark.parametrize("point", [*WRITING, *SENDING])
def test_a_kill_at_any_point_loses_nothing_and_what_is_repeated_changes_nothing(
    listening: Any, settings: Settings, point: str
) -> None:
    line = listening("omnisend")
    if point in ("folder_is_withdrawn", "records_are_withdrawn", "before_old_bodies_go"):
        # Written for an earlier publication: never posted, posted in part, or posted long ago.
        publish(
            settings, [replace(person, revenue=Decimal("1.00")) for person in PEOPLE], segments=("vip",), run_id="0"
        )
        run(settings, line.name)
        if point == "records_are_withdrawn":
            line.server.failures = [None, None, Response(401)]
            line.send()
        if point == "before_old_bodies_go":
            line.send()
            [manifest] = line.root.glob("*/manifest.json")
            os.utime(manifest, (0, 0))
    publish(settings, PEOPLE, segments=("vip",))
    assert begun(line, point).wait() == -signal.SIGKILL
    assert begun(line).wait() == 0
    arrived_whole(line)


@pytest.mark.parametrize("place", range(1, 11))
def test_a_kill_while_any_answer_was_on_its_way_repeats_that_request_alone(
    listening: Any, settings: Settings, place: int
) -> None:
    line = listening("omnisend", most_records=2)
    publish(settings, PEOPLE, segments=("vip",))
    run(settings, line.name)
    processes: list[subprocess.Popen[bytes]] = []
    usual = line.server.handler

    def deadly(request: Request) -> Response:
        response = usual(request)
        if len(line.server.requests) == place:
            processes[0].kill()
        return response

    line.receiver.polls_before_done = 1
    line.server.handler = deadly
    processes.append(begun(line))
    assert processes[0].wait() == -signal.SIGKILL
    posted = len(line.receiver.bodies)
    assert begun(line).wait() == 0
    arrived_whole(line)
    assert posted <= 5 and len(line.receiver.bodies) == 5 + (place <= 5)
