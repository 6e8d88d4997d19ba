"""A data engineer loads a range of export dates again from the Dagster UI, in a real browser."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from orchestration.config.settings import Settings
from tests.support.deliveries import EXPORT_DATES, land_two_deliveries
from tests.support.paths import PROJECT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 900

pytestmark = [
    pytest.mark.ui,
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: `apt-get install chromium` brings it"),
    pytest.mark.skipif(find_spec("playwright") is None, reason="Playwright is not installed: `uv sync` brings it"),
]


@pytest.fixture
def ui(settings: Settings) -> Iterator[str]:
    """`c360 up` on an installation where deliveries of two days have landed; its address."""
    land_two_deliveries(settings)
    with served(settings) as address:
        yield address


@pytest.fixture
def after_the_demo(settings: Settings) -> Iterator[str]:
    """`c360 up` on the samples, which a run of the command line has published; its address."""
    command = [sys.executable, "-m", "orchestration.cli", "demo", "--small", "--data", str(settings.data)]
    subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
    with served(settings) as address:
        yield address


@contextmanager
def served(settings: Settings) -> Iterator[str]:
    """The installation's Dagster, which starts no run by itself."""
    settings.config.mkdir(exist_ok=True)
    (settings.config / "settings.toml").write_text(
        "arrival_quiet_seconds = 86400\n", encoding="utf-8"
    )  # or the sensor starts a run of its own
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "C360_DATA": str(settings.data)}
    process = subprocess.Popen(
        [sys.executable, "-m", "orchestration.cli", "up", "--port", str(port)],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(lambda: _ask(address, "{ version }") is not None or process.poll() is not None)
        assert process.poll() is None, "`c360 up` ended by itself"
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE)
    _wait(lambda: not _processes_of(settings))


def _processes_of(settings: Settings) -> list[str]:
    """Command lines of the processes that work on this installation: they all end with `c360 up`, Python's own helpers a moment later."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"C360_DATA={settings.data}\0".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_text(encoding="utf-8"))
    return found


def _ask(address: str, query: str) -> dict[str, Any] | None:
    request = urllib.request.Request(
        f"{address}/graphql", json.dumps({"query": query}).encode(), {"content-type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def _wait(is_done: Any) -> None:
    limit = time.monotonic() + PATIENCE
    while not is_done():
        assert time.monotonic() < limit, "waited too long"
        time.sleep(1)


def _backfill(address: str) -> dict[str, Any]:
    data = _ask(
        address,
        "{ partitionBackfillsOrError(limit: 1) { ... on PartitionBackfills { results { id status numPartitions } } } }",
    )
    found = data["partitionBackfillsOrError"]["results"] if data else []
    return found[0] if found else {"status": "NONE"}


ASSETS = """{ assetNodes {
    assetKey { path } isPartitioned assetMaterializations(limit: 1) { timestamp }
    partitionStats { numMaterialized numPartitions numFailed numMaterializing }
    assetChecksOrError { ... on AssetChecks { checks { name executionForLatestMaterialization { status evaluation { severity } } } } }
} }"""


def _assets(address: str) -> dict[str, dict[str, Any]]:
    data = _ask(address, ASSETS)
    return {"/".join(found["assetKey"]["path"]): found for found in data["assetNodes"]} if data else {}


def _never_materialised(assets: dict[str, dict[str, Any]]) -> list[str]:
    """Assets of which something that is loaded or built was not reported."""
    return [
        name
        for name, found in assets.items()
        if not found["assetMaterializations"]
        # Only the partition to come may be missing.
        or (
            found["isPartitioned"]
            and found["partitionStats"]["numPartitions"] - found["partitionStats"]["numMaterialized"] > 1
        )
    ]


def _red(assets: dict[str, dict[str, Any]]) -> list[str]:
    """Assets with a partition that failed, or a check that would stop a publication."""
    failed = [
        name for name, found in assets.items() if found["partitionStats"] and found["partitionStats"]["numFailed"]
    ]
    broken = [
        f"{name}: {check['name']}"
        for name, found in assets.items()
        for check in found["assetChecksOrError"].get("checks", [])
        if (last := check["executionForLatestMaterialization"])
        and last["status"] in ("FAILED", "EXECUTION_FAILED")
        and (last["evaluation"] or {}).get("severity") != "WARN"
    ]
    return failed + broken


def _picture(page: Any, name: str) -> None:
    """For whoever wants to look: a picture where the environment says so."""
    if pictures := os.environ.get("C360_SCREENSHOTS"):
        page.screenshot(path=Path(pictures) / f"{name}.png")


@pytest.mark.slow
def test_after_the_demo_two_dates_of_one_vendor_are_loaded_again_without_red_or_a_false_warning(
    after_the_demo: str, settings: Settings, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    ui = after_the_demo
    vendor = "omnisend"
    _wait(lambda: _assets(ui) and not _never_materialised(_assets(ui)))
    before = _assets(ui)
    assert _red(before) == []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(tmp_path / "browser"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1700, "height": 950},
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{ui}/asset-groups", wait_until="domcontentloaded")
        page.get_by_text("published").first.wait_for()
        page.wait_for_timeout(3000)
        _picture(page, "after_the_demo")
        page.goto(f"{ui}/locations/customer360/jobs/reload_{vendor}", wait_until="domcontentloaded")
        page.get_by_role("button", name="Materialize all").click()
        older = page.get_by_text("Show all partitions")
        partitions = page.get_by_placeholder("ex: ")
        partitions.or_(older).first.wait_for()
        if older.is_visible():
            older.click()
        partitions.fill("[2026-03-01...2026-03-02]")
        partitions.press("Tab")
        dialog = page.get_by_role("dialog")
        page.get_by_role("button", name="Launch backfill").wait_for()
        _picture(page, "backfill_dialog")
        warned = dialog.inner_text().lower()
        page.get_by_role("button", name="Launch backfill").click()
        _wait(lambda: _backfill(ui)["status"] not in ("NONE", "REQUESTED"))
        found = _backfill(ui)
        page.goto(f"{ui}/runs/b/{found['id']}", wait_until="domcontentloaded")
        page.get_by_text("Completed").first.wait_for()
        _picture(page, "backfill_done")
        page.goto(f"{ui}/asset-groups", wait_until="domcontentloaded")
        page.wait_for_timeout(3000)
        _picture(page, "after_the_backfill")
        browser.close()
    assert [word for word in ("warning", "upstream data missing", "cannot be", "will not") if word in warned] == []
    assert (found["status"], found["numPartitions"]) == ("COMPLETED_SUCCESS", 2)
    assert _red(_assets(ui)) == []


def test_a_range_of_dates_is_loaded_from_the_ui_in_one_run_and_published(
    ui: str, settings: Settings, tmp_path: Path
) -> None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch_persistent_context(
            str(tmp_path / "browser"),
            executable_path=CHROMIUM,
            headless=True,
            args=FLAGS,
            viewport={"width": 1700, "height": 950},
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{ui}/locations/customer360/jobs/nightly", wait_until="domcontentloaded")
        page.get_by_role("button", name="Materialize all").click()
        older = page.get_by_text("Show all partitions")
        partitions = page.get_by_placeholder("ex: ")
        partitions.or_(older).first.wait_for()
        if older.is_visible():
            older.click()
        partitions.fill(f"[{EXPORT_DATES[0]}...{EXPORT_DATES[1]}]")
        partitions.press("Tab")
        page.get_by_role("button", name="Launch backfill").click()
        _wait(lambda: _backfill(ui)["status"] not in ("NONE", "REQUESTED"))
        found = _backfill(ui)
        runs = _ask(ui, "{ runsOrError { ... on Runs { results { status jobName } } } }")
        page.goto(f"{ui}/runs/b/{found['id']}", wait_until="domcontentloaded")
        page.get_by_text("Completed").first.wait_for()
        pictures = os.environ.get("C360_SCREENSHOTS")
        if pictures:
            page.goto(f"{ui}/asset-groups", wait_until="networkidle")
            page.wait_for_timeout(3000)
            page.screenshot(path=Path(pictures) / "asset_graph.png")
        browser.close()
    assert (found["status"], found["numPartitions"]) == ("COMPLETED_SUCCESS", 2)
    assert runs == {"runsOrError": {"results": [{"status": "SUCCESS", "jobName": "nightly"}]}}
    assert settings.published_file.exists()
