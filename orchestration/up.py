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
from pathlib import Path

from orchestration import console
from orchestration.errors import OperatorError
from orchestration.settings import PACKAGE, Settings, project_folder

HOST = "127.0.0.1"
PR_SET_PDEATHSIG = 1


def arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the command."""
    parser.add_argument("--port", type=int, default=3000, help="port of the UI (default 3000)")


def execute(settings: Settings, given: argparse.Namespace) -> int:
    """Starts both and waits until one ends or the command is interrupted."""
    _require_port(given.port)
    environment = _environment(settings)
    _describe_project(settings)
    workspace = ["-w", str(project_folder() / "workspace.yaml")]
    tools = Path(sys.executable).parent
    commands = [
        [str(tools / "dagster-webserver"), "-h", HOST, "-p", str(given.port), "--log-level", "warning", *workspace],
        [str(tools / "dagster-daemon"), "run", "--log-level", "warning", *workspace],
    ]
    started = [subprocess.Popen(command, env=environment, preexec_fn=_die_with_parent) for command in commands]
    signal.signal(signal.SIGTERM, _interrupt)
    console.say(f"Dagster: http://{HOST}:{given.port}  (data in {settings.data}; Ctrl-C ends it)")
    sys.stdout.flush()
    try:
        return _wait(started)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(started)


def _wait(started: list[subprocess.Popen[bytes]]) -> int:
    while True:
        for process in started:
            if process.poll() is not None:
                raise OperatorError(
                    f"`{Path(str(process.args[0])).name}` ended by itself.", remedy="Its last lines above say why; `c360 doctor` looks for more."
                )
        time.sleep(0.5)


def _end(started: list[subprocess.Popen[bytes]]) -> None:
    for process in started:
        process.send_signal(signal.SIGINT)
    for process in started:
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()


def _require_port(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex((HOST, port)) == 0:
            raise OperatorError(f"Port {port} is taken.", remedy=f"Use another with `c360 up --port {port + 1}`.", exit_code=2)


def _environment(settings: Settings) -> Mapping[str, str]:
    home = settings.dagster_home
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        shutil.copyfile(PACKAGE / "dagster.yaml", home / "dagster.yaml")
    path = os.pathsep.join([str(project_folder()), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "DAGSTER_HOME": str(home), "C360_DATA": str(settings.data), "DO_NOT_TRACK": "1", "PYTHONPATH": path}


def _describe_project(settings: Settings) -> None:
    """Once here, so that the processes below do not all do it at the same time."""
    from orchestration import transform

    transform.manifest(settings)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt
