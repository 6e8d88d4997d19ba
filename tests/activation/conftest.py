"""An installation with a target for each vendor, and what its activation folders hold."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from orchestration.activation import activate, send, targets
from orchestration.activation.activate import Outcome
from orchestration.activation.send import Polling, Sent
from orchestration.activation.targets import Target
from orchestration.config.options import Options
from orchestration.config.settings import Settings
from orchestration.network.client import Patience
from tests.support.http_server import Server, serving
from tests.support.receivers import RECEIVERS, SECRET, Receiver

PATIENCE = Patience(attempts=3, first_wait=0.001)
POLLING = Polling(first_wait=0.001, longest=2.0)

ALL = """
[targets.odp]
vendor = "optimizely"
segments = ["vip"]
[targets.ometria]
vendor = "ometria"
segments = ["vip"]
[targets.delivery]
vendor = "open_delivery"
dialect = "rc2"
segments = ["vip"]
[targets.voucherify]
vendor = "voucherify"
segments = ["vip"]
[targets.omnisend]
vendor = "omnisend"
segments = ["vip"]
"""
NAMES = {
    "optimizely": "odp",
    "ometria": "ometria",
    "open_delivery": "delivery",
    "voucherify": "voucherify",
    "omnisend": "omnisend",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(data=tmp_path / "data", options=Options(free_disk_bytes=0, memory_limit="500MB", threads=1))
    configure(settings, ALL)
    return settings


def configure(settings: Settings, text: str) -> None:
    settings.config.mkdir(parents=True, exist_ok=True)
    (settings.config / targets.FILE).write_text(text, encoding="utf-8")


def target(settings: Settings, name: str) -> Target:
    [found] = targets.load(settings, name)
    return found


def run(settings: Settings, name: str, **asked: bool) -> Outcome:
    """Activates one target, confirmed unless the test says otherwise."""
    return activate.activate(settings, target(settings, name), **{"is_confirmed": True, **asked})


def bodies(settings: Settings, outcome: Outcome, prefix: str = "") -> list[Any]:
    """The request bodies of a folder, in order."""
    assert outcome.folder is not None
    folder = settings.data / outcome.folder
    manifest = json.loads((folder / "manifest.json").read_bytes())
    return [
        json.loads((folder / found["file"]).read_bytes())
        for found in manifest["files"]
        if found["file"].startswith(prefix)
    ]


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


class Line:
    """One vendor that listens, and the target that sends to it."""

    def __init__(self, settings: Settings, receiver: Receiver, server: Server) -> None:
        self.settings, self.receiver, self.server, self.name = settings, receiver, server, NAMES[receiver.vendor]

    def send(self) -> Sent:
        return send.send(self.settings, target(self.settings, self.name), patience=PATIENCE, polling=POLLING)

    @property
    def root(self) -> Path:
        return target(self.settings, self.name).folder(self.settings)


@pytest.fixture
def listening(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("VENDOR_SECRET", SECRET)
    with ExitStack() as stack:

        def connect(vendor: str, **more: object) -> Line:
            receiver = RECEIVERS[vendor]()
            server = stack.enter_context(serving(receiver))
            facts: dict[str, object] = {
                "vendor": vendor,
                "address": server.address,
                "requests_per_second": 1000,
                "segments": ["vip"],
                "most_records": 3,
                **dict.fromkeys(receiver.secrets, "env:VENDOR_SECRET"),
                **({"dialect": "rc2"} if vendor == "open_delivery" else {}),
                **more,
            }
            configure(
                settings,
                f"[targets.{NAMES[vendor]}]\n"
                + "".join(f"{key} = {json.dumps(value)}\n" for key, value in facts.items()),
            )
            return Line(settings, receiver, server)

        yield connect
