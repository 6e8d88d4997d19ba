"""`c360 pull` in a process of its own: killed anywhere it loses and repeats nothing, and what it says holds no secret and nobody's name."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.pulling.conftest import Installation, rows_of
from tests.support.http_server import Response, answer
from tests.support.paths import PROJECT
from tests.support.vendor_servers import LISTING, SECRET, Ometria, Omnisend, Optimizely, Vendor, Voucherify


def c360(installation: Installation, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", *arguments],
        cwd=PROJECT,
        env={**os.environ, "C360_DATA": str(installation.settings.data), "VENDOR_SECRET": SECRET, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    out, err = process.communicate(timeout=300)
    return process.returncode, out + err


def connected(installation: Installation, code: str) -> Vendor:
    vendor = LISTING[code]()
    vendor.hold(vendor.path, 620)
    installation.connect(code, vendor, vendor.stream)
    return vendor


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.parametrize("code", ["omnisend", "voucherify"])
@pytest.mark.parametrize(
    "point",
    [
        "walk_is_noted",
        "page_is_written",
        "page_has_landed",
        "position_is_noted",
        "before_the_full_marker",
        "before_the_end_is_noted",
        "end_is_noted",
    ],
)
def test_a_walk_that_was_killed_loses_and_repeats_nothing(installation: Installation, code: str, point: str) -> None:
    vendor = connected(installation, code)
    if code == "omnisend" and point == "before_the_full_marker":
        installation.pull(full=True)  # where nothing is counted, the second walk is the one that is proven
    killed, _ = ended(c360(installation, "pull", "--full", C360_KILL_AT=point))
    code_after, said = ended(c360(installation, "pull", "--full"))
    assert (killed, code_after) == (-signal.SIGKILL, 0), said
    unharmed(installation, vendor, code)


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.parametrize("code", LISTING)
def test_a_walk_that_was_killed_while_it_waited_for_a_page_goes_on_there(installation: Installation, code: str) -> None:
    vendor = connected(installation, code)
    process = c360(installation, "pull")
    vendor.after_page = lambda pages: process.kill() if pages == 2 else None
    assert ended(process)[0] == -signal.SIGKILL
    assert ended(c360(installation, "pull"))[0] == 0
    unharmed(installation, vendor, code)
    again = 3 if code == "open_delivery" else 1  # the page that was cut off; numbered pages are read twice besides
    assert len(vendor.sent) == len(installation.pages(code, vendor.stream)) + again


def unharmed(installation: Installation, vendor: Vendor, code: str) -> None:
    pages = installation.pages(code, vendor.stream)
    assert {row["id"] for page in pages for row in rows_of(page)} == {row["id"] for row in vendor.rows[vendor.path]}
    by_folder = [(path.parent, path.read_bytes()) for path in installation.files(code, vendor.stream)]
    assert len(set(by_folder)) == len(by_folder) and set(pages) <= set(vendor.sent)
    assert not list(installation.settings.landing.rglob("*.part"))


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.parametrize("point", ["job_is_noted", "file_is_whole", "file_has_landed"])
def test_an_export_that_was_killed_is_not_started_again(installation: Installation, point: str) -> None:
    vendor = Optimizely()
    vendor.states = ["completed"]
    installation.connect("optimizely", vendor, "segments", segments=["spring_buyers"])
    assert ended(c360(installation, "pull", C360_KILL_AT=point))[0] == -signal.SIGKILL
    code, said = ended(c360(installation, "pull"))
    assert code == 0, said
    assert vendor.jobs == ["spring_buyers"]
    assert [path.name for path in installation.files("optimizely", "segments")] == ["spring_buyers_0_0_0.csv.gz"]


def test_one_vendor_that_is_down_costs_the_others_nothing(installation: Installation) -> None:
    for code in ("ometria", "voucherify", "omnisend"):
        connected(installation, code)
    installation.vendors["ometria"].knows = lambda _: False
    code, said = ended(c360(installation, "pull"))
    assert code == 3 and "ometria/profiles was not pulled: ometria refuses /v2/profiles/ (401)." in said
    assert installation.files("voucherify", "customers") and installation.files("omnisend", "contacts")
    assert not installation.files("ometria", "profiles")


def test_an_account_that_is_down_is_not_asked_again_for_every_stream(installation: Installation) -> None:
    vendor = Ometria()
    vendor.knows = lambda _: False
    installation.connect("ometria", vendor, "profiles", "lists", "orders")
    code, said = ended(c360(installation, "pull"))
    assert code == 1 and len(installation.servers["ometria"].requests) == 1
    assert "ometria/orders was not asked for" in said


def test_the_outcomes_can_be_read_by_a_program(installation: Installation) -> None:
    connected(installation, "voucherify")
    code, said = ended(c360(installation, "pull", "--json"))
    assert code == 0
    assert json.loads(said) == [
        {"name": "voucherify/customers", "pages": 7, "rows": 626, "is_done": True, "problem": ""}
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--vendor", "klaviyo"),
        ("--vendor", "omnisend"),
        ("--stream", "profiles"),
        ("--since", "yesterday"),
        ("--since", "2026-01-01", "--full"),
    ],
)
def test_what_cannot_be_meant_asks_nobody(installation: Installation, arguments: tuple[str, ...]) -> None:
    connected(installation, "voucherify")
    code, said = ended(c360(installation, "pull", *arguments))
    assert code == 2 and said.startswith("c360: ") and not installation.servers["voucherify"].requests


def test_two_pulls_do_not_ask_for_the_same_pages(installation: Installation) -> None:
    vendor = connected(installation, "voucherify")
    other: list[tuple[int, str]] = []
    vendor.after_page = lambda pages: other.append(ended(c360(installation, "pull"))) if pages == 1 else None
    assert ended(c360(installation, "pull"))[0] == 0
    assert other[0][0] == 1 and "Another `c360 pull` is at work" in other[0][1]


def test_neither_secrets_nor_people_are_in_what_is_printed_or_kept(installation: Installation) -> None:
    person = "anna.canary@example.com"
    reported = answer({"detail": f"{person} {SECRET}"}, 400)
    for code, vendor, stream in (
        ("ometria", Ometria(), "lists"),
        ("omnisend", Omnisend(), "contacts"),
        ("voucherify", Voucherify(), "orders"),
    ):
        server = installation.connect(code, vendor, stream)
        server.failures = [reported, Response(401, person.encode()), reported]
    optimizely = Optimizely()
    optimizely.states = ["completed"]
    installation.connect("optimizely", optimizely, "segments", segments=["vip"]).failures = [
        None,
        None,
        Response(403, person.encode()),
    ]
    code, said = ended(c360(installation, "pull", C360_DEBUG="1"))
    kept = "".join(
        path.read_text(errors="replace") for path in (installation.settings.internal).rglob("*") if path.is_file()
    )
    assert code in (1, 3) and said.count("was not pulled") == 4
    assert "canary" not in said + kept


WITHOUT_THE_EXTRA = "import sys; sys.modules['httpx2'] = None; from orchestration.cli import main; import orchestration.pipeline; sys.exit(main.main(['pull']))"


def test_without_the_extra_the_command_says_what_to_install_and_the_rest_works(installation: Installation) -> None:
    connected(installation, "voucherify")
    environment = {**os.environ, "C360_DATA": str(installation.settings.data), "VENDOR_SECRET": SECRET}
    made = subprocess.run(
        [sys.executable, "-c", WITHOUT_THE_EXTRA],
        cwd=PROJECT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert made.returncode == 2 and "pip install 'customer360[network]'" in made.stderr
