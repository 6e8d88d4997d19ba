"""`c360 up`: the Dagster UI and its daemon, on this machine only, with telemetry off; both end with the command."""

import argparse
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import yaml

from orchestration.cli import output
from orchestration.config.settings import PACKAGE, Settings, project_folder
from orchestration.runtime.errors import OperatorError
from orchestration.runtime.redaction import shown_name

HOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1
REPORTING_SECONDS = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--port", type=int, default=3000, help="port of the UI (default 3000; 0: any that is free)")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Starts both and waits until one ends or the command is interrupted."""
    port = _usable(given.port)
    environment = _environment(settings)
    _prepare(settings)
    workspace = ["-w", str(project_folder() / "workspace.yaml")]
    commands = {
        "dagster-webserver": [
            sys.executable,
            "-m",
            "orchestration.defs.local_only",
            "-h",
            HOST,
            "-p",
            str(port),
            "--log-level",
            "warning",
            *workspace,
        ],
        "dagster-daemon": [
            str(Path(sys.executable).parent / "dagster-daemon"),
            "run",
            "--log-level",
            "warning",
            *workspace,
        ],
    }
    logs = settings.logs
    started = {name: _start(command, environment, logs / f"{name}.log") for name, command in commands.items()}
    signal.signal(signal.SIGTERM, _interrupt)
    output.say(f"Dagster: http://{HOST}:{port}  (data in {settings.data}, logs in {logs}; Ctrl-C ends it)")
    sys.stdout.flush()
    try:
        return _wait(started, logs)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(list(started.values()))


def _start(command: list[str], environment: Mapping[str, str], log: Path) -> subprocess.Popen[bytes]:
    """What it and its runs print goes to a file, begun anew each time: Dagster writes hundreds of lines a run."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            env=environment,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )


def _wait(started: Mapping[str, subprocess.Popen[bytes]], logs: Path) -> int:
    while True:
        for name, process in started.items():
            if process.poll() is not None:
                raise OperatorError(
                    f"`{name}` ended by itself.",
                    remedy=f"The last lines of {logs / f'{name}.log'} say why; `c360 doctor` looks for more.",
                )
        time.sleep(0.5)


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    """Both, their code servers and a run that is at work, which says so in its record; the next run continues where it
    stopped."""
    for process in started:
        _signal(process.pid, signal.SIGINT)
    for process in started:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
    limit = time.monotonic() + 20
    while any(_signal(process.pid, 0) for process in started) and time.monotonic() < limit:
        time.sleep(0.1)
    for process in started:
        _signal(process.pid, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    """Sends the signal to every process of the group; whether there was one."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


def _usable(port: int) -> int:
    """The port, if it can be had; for 0 any that is free."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError):
            raise OperatorError(
                f"Port {shown_name(str(port))} cannot be used.",
                remedy="Use another with `c360 up --port 0`.",
                exit_code=2,
            ) from None
        return probe.getsockname()[1]


def _environment(settings: Settings) -> Mapping[str, str]:
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if not _is_configuration(home / "dagster.yaml"):
        draft = home / "dagster.yaml.tmp"
        shutil.copyfile(PACKAGE / "dagster.yaml", draft)
        os.replace(draft, home / "dagster.yaml")
    path = os.pathsep.join([str(project_folder()), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {
        **os.environ,
        "DAGSTER_HOME": str(home),
        "C360_DATA": str(settings.data),
        "DO_NOT_TRACK": "1",
        "PYTHONPATH": path,
    }


def _is_configuration(path: Path) -> bool:
    """There is one that can be read: without it, or with one that was cut, Dagster would send telemetry."""
    try:
        return isinstance(yaml.safe_load(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError, yaml.YAMLError):
        return False


def _prepare(settings: Settings) -> None:
    """dbt's description of the project and Dagster's own tables, once here: two processes that make them at the same
    time fail."""
    from orchestration.monitoring import dagster_reports, dagster_runs
    from orchestration.transformation import dbt_project  # they take a second to load

    dbt_project.manifest(settings)
    dagster_runs.prepare(settings.dagster_home)
    # What of that takes longer is reported by the sensor.
    with suppress(OperatorError):
        dagster_reports.report_in(settings, seconds=REPORTING_SECONDS)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
