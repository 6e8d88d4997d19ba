"""Dagster as it runs at night: its real daemon, queue and run processes on an installation with deliveries of two
days."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from orchestration import definitions
from orchestration.cli import main
from orchestration.config.settings import PACKAGE, Settings
from orchestration.monitoring import dagster_runs
from orchestration.warehouse import writer_lock
from tests.support.deliveries import EXPORT_DATES, checksum, row_counts_balance
from tests.support.small_installation import PROJECT

PATIENCE = 900
ENDED = (
    BulkActionStatus.COMPLETED_SUCCESS,
    BulkActionStatus.COMPLETED_FAILED,
    BulkActionStatus.COMPLETED,
    BulkActionStatus.FAILED,
    BulkActionStatus.CANCELED,
)
EVERYTHING_AFTER_LOADING = ("staging", "meta", "internal", "seeds", "orders", "marts", "published")
DAEMON = """
from dagster._daemon import controller
from dagster._daemon.cli import main

controller.DEFAULT_DAEMON_INTERVAL_SECONDS = 2  # it looks after backfills every half minute, which is most of what these tests would wait for
main()
"""
CODE_LOCATION = """
import sys
from pathlib import Path

sys.path.insert(0, {project!r})
from orchestration.config import settings

settings.CHECKOUT = Path({checkout!r})
from orchestration.definitions import definitions
"""

pytestmark = [pytest.mark.long, pytest.mark.faults]


class Daemon:
    """An installation's Dagster: starts and ends its daemon, launches backfills, waits."""

    def __init__(self, settings: Settings, checkout: Path) -> None:
        self._settings = settings
        self._home = settings.dagster_home
        self._home.mkdir(parents=True)
        (self._home / "dagster.yaml").write_text(
            (PACKAGE / "dagster.yaml").read_text(encoding="utf-8"), encoding="utf-8"
        )
        self._location = checkout / "customer360_location.py"
        self._location.write_text(CODE_LOCATION.format(project=str(PROJECT), checkout=str(checkout)), encoding="utf-8")
        self._log = checkout / "daemon.log"
        self._graph = definitions.definitions.load_fn().resolve_asset_graph()
        self.instance = dg.DagsterInstance.from_config(str(self._home))

    @contextmanager
    def daemon(self) -> Iterator[None]:
        """The daemon with its code server; all of it is gone afterwards, as after a power loss."""
        command = [sys.executable, "-c", DAEMON, "run", "-f", str(self._location), "--log-level", "info"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env={**os.environ, "DAGSTER_HOME": str(self._home), "C360_DATA": str(self._settings.data)},
                start_new_session=True,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def launch(self, first: str, last: str, groups: Collection[str]) -> str:
        """A backfill of those groups of assets over those export dates, as the UI asks for one; its id."""
        made = PartitionBackfill.from_asset_partitions(
            asset_graph=self._graph,
            backfill_id=os.urandom(4).hex(),
            tags={},
            backfill_timestamp=time.time(),
            asset_selection=[key for key in self._graph.executable_asset_keys if key.path[0] in groups],
            partition_names=[day for day in EXPORT_DATES if first <= day <= last],
            dynamic_partitions_store=self.instance,
            all_partitions=False,
            title=None,
            description=None,
            run_config=None,
        )
        self.instance.add_backfill(made)
        return made.backfill_id

    def status(self, backfill: str) -> BulkActionStatus:
        found = self.instance.get_backfill(backfill)
        assert found is not None
        return found.status

    def wait_for(self, *backfills: str) -> None:
        """Until all of them have ended."""
        self.wait(lambda: all(self.status(backfill) in ENDED for backfill in backfills))

    def wait(self, is_done: Callable[[], object]) -> None:
        limit = time.monotonic() + PATIENCE
        while not is_done():
            assert time.monotonic() < limit, (
                f"waited too long; the daemon's last words: {self._log.read_text(encoding='utf-8', errors='replace')[-5000:]}"
            )
            time.sleep(0.5)

    def has_claimed_run(self) -> bool:
        """A run has begun and said which process works on it."""
        return any((self._home / "processes").glob("*"))

    def has_dead_run(self) -> bool:
        """A run stands as STARTED though its process is gone."""
        return bool(dagster_runs.dead_runs(self.instance))

    def statuses(self) -> list[dg.DagsterRunStatus]:
        return [run.status for run in self.instance.get_runs()]


@pytest.fixture
def dagster(published: Settings, checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setenv("C360_DATA", str(published.data))
    made = Daemon(published, checkout)
    with made.instance:
        yield made


def test_two_backfills_at_the_same_time_end_well_with_the_same_warehouse(dagster: Daemon, published: Settings) -> None:
    before = checksum(published.published_file)
    with dagster.daemon():
        backfills = [dagster.launch(*EXPORT_DATES, groups=("omnisend", *EVERYTHING_AFTER_LOADING)) for _ in range(2)]
        dagster.wait_for(*backfills)
    assert {dagster.status(backfill) for backfill in backfills} == {BulkActionStatus.COMPLETED_SUCCESS}
    assert dagster.statuses() == [dg.DagsterRunStatus.SUCCESS] * 4, (
        "each backfill is one run that loads and one that transforms and publishes"
    )
    assert checksum(published.published_file) == before
    assert row_counts_balance(published.published_file)


def test_a_failed_partition_can_be_loaded_again_alone(dagster: Daemon, published: Settings) -> None:
    (published.config / "settings.toml").write_text("free_disk_bytes = 0\nlock_wait_seconds = 0\n", encoding="utf-8")
    with dagster.daemon():
        with writer_lock.writer_lock(published, command="another run"):
            failed = dagster.launch(EXPORT_DATES[1], EXPORT_DATES[1], groups=("omnisend",))
            dagster.wait_for(failed)
        again = dagster.launch(EXPORT_DATES[1], EXPORT_DATES[1], groups=("omnisend",))
        dagster.wait_for(again)
    assert (dagster.status(failed), dagster.status(again)) == (
        BulkActionStatus.COMPLETED_FAILED,
        BulkActionStatus.COMPLETED_SUCCESS,
    )


def test_a_run_that_a_power_loss_left_started_does_not_block_the_next_run(
    dagster: Daemon, published: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    (published.config / "settings.toml").write_text("free_disk_bytes = 0\nlock_wait_seconds = 3600\n", encoding="utf-8")
    with writer_lock.writer_lock(published, command="another run"), dagster.daemon():
        dagster.launch(*EXPORT_DATES, groups=("omnisend",))
        dagster.wait(dagster.has_claimed_run)
    dagster.wait(dagster.has_dead_run)
    assert dagster.statuses() == [dg.DagsterRunStatus.STARTED]
    main.main(["doctor"])
    assert "Dagster counts 1 run as started whose process is gone" in capsys.readouterr().out
    with dagster.daemon():
        dagster.launch(*EXPORT_DATES, groups=("omnisend",))
        dagster.wait(lambda: len(dagster.statuses()) == 2 and dagster.statuses()[0] is dg.DagsterRunStatus.SUCCESS)
    assert dagster.statuses()[1] is dg.DagsterRunStatus.FAILURE
    main.main(["doctor"])
    assert "no run of Dagster's hangs" in capsys.readouterr().out
