"""``marts dev``: Dagster's UI and daemon as a child process, which ends when this one does."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from marts_platform import settings
from marts_platform.dagster_home import shipped, use_dagster_home
from marts_platform.embedded.server import LOOPBACK, port_is_free

_SHUTDOWN_SECONDS = 90  # Dagster gives its own children 60
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def run(port: int, workspace: Path | None = None) -> int:
    """Runs ``dagster dev`` until it ends or this process is told to end.

    Args:
        port: of the UI, on loopback.
        workspace: the file that names the code locations, by default the platform's.

    Returns:
        Dagster's exit code.

    Raises:
        settings.SettingsError: the port is taken.
    """
    if not port_is_free(port):
        raise settings.SettingsError(f"port {port} is taken; choose another with --port")
    home = use_dagster_home()
    print(f"Dagster's UI: http://{LOOPBACK}:{port} (Ctrl-C ends it; the embedded stack goes on)", flush=True)
    # A group of its own: Ctrl-C reaches Dagster once, through us, and it then ends its children in order.
    child = subprocess.Popen(
        _command(port, workspace or shipped("workspace.yaml")),
        cwd=home,
        env=_environment(),
        stdin=subprocess.DEVNULL,
        process_group=0,
        preexec_fn=_be_interruptible,  # safe here: this process has no threads
    )
    previous = {number: signal.signal(number, _forward_to(child)) for number in _FORWARDED}
    try:
        return child.wait()
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        _end(child)


def _command(port: int, workspace: Path) -> list[str]:
    return [sys.executable, "-m", "dagster", "dev", "-w", str(workspace), "-h", LOOPBACK, "-p", str(port)]


def _environment() -> dict[str, str]:
    # Superseded by `dg dev`, which wants a project layout of its own; the warning is of no use here.
    filters = [
        value for value in (os.environ.get("PYTHONWARNINGS"), "ignore:Function `dev_command`") if value
    ]
    return {**os.environ, "PYTHONWARNINGS": ",".join(filters)}


def _be_interruptible() -> None:
    """In the child: has the kernel interrupt Dagster when this process is killed; two on one home fight."""
    # A script's `marts dev &` starts with SIGINT ignored, which children inherit: nothing would end Dagster.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":  # no other system can be asked
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _forward_to(child: subprocess.Popen[bytes]) -> Callable[[int, FrameType | None], None]:
    def forward(_number: int, _frame: FrameType | None) -> None:
        # Dagster shuts down in order on an interrupt only.
        child.send_signal(signal.SIGINT)

    return forward


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.send_signal(signal.SIGINT)
    try:
        child.wait(_SHUTDOWN_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
