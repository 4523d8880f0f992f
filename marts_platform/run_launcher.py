"""A run launcher that can tell whether a run's process still lives.

Dagster's default launcher cannot, so its run monitoring never looks at a started run: the code server that
launched it reports a crash, and when that server dies too (a kill, a reboot) the run stays "started" for
ever.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

import psutil
from dagster import DagsterEventType, DagsterRun
from dagster._core.events import EngineEventData
from dagster._core.events.log import EventLogEntry
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from typing_extensions import override

HOST_TAG = "marts/host"

# How much later than its first event a process may seem to have started: clocks are read in ticks of 10 ms.
_CLOCK_SECONDS = 2.0


def run_tags() -> dict[str, str]:
    """The tags that let monitoring look after a run that executes in its caller's process (no launcher)."""
    return {HOST_TAG: socket.gethostname()}


class MonitoredRunLauncher(DefaultRunLauncher):
    """Launches as Dagster's default launcher does, and knows a run's process by the pid in its events."""

    @property
    @override
    def supports_check_run_worker_health(self) -> bool:
        return True

    @override
    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a started run's process still lives; one that this machine cannot see counts as running."""
        if not is_of_this_machine(run.tags):
            return CheckRunHealthResult(WorkerStatus.RUNNING, "not of this machine")
        started = self._process_started(run)
        if started is None:
            return CheckRunHealthResult(WorkerStatus.RUNNING, "its process has not reported yet")
        pid, timestamp = started
        if is_same_process(pid, timestamp):
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        return CheckRunHealthResult(WorkerStatus.FAILED, f"its process (pid {pid}) is gone")

    def _process_started(self, run: DagsterRun) -> tuple[int, float] | None:
        """The pid of the run's process and the moment (seconds since 1970) when it reported it."""
        entries = self._instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
        found = [(pid, entry.timestamp) for entry in entries if (pid := _pid(entry)) is not None]
        return found[-1] if found else None


def is_of_this_machine(tags: Mapping[str, str]) -> bool:
    """Whether a run with these tags has its process here.

    A launched run has it where its code server is: here, if that listens on a socket file or on loopback.
    """
    if HOST_TAG in tags:
        return tags[HOST_TAG] == socket.gethostname()
    if GRPC_INFO_TAG not in tags:
        return False
    server: dict[str, Any] = json.loads(tags[GRPC_INFO_TAG])
    return "socket" in server or server.get("host") in ("localhost", "127.0.0.1", "::1")


def is_same_process(pid: int, timestamp: float) -> bool:
    """Whether `pid` still is the process it was at `timestamp` (seconds since 1970), and not a zombie."""
    try:
        process = psutil.Process(pid)
        return (
            process.create_time() <= timestamp + _CLOCK_SECONDS and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.NoSuchProcess:
        return False


def _pid(entry: EventLogEntry) -> int | None:
    event = entry.dagster_event
    data = event.event_specific_data if event else None
    if not isinstance(data, EngineEventData) or "pid" not in data.metadata:
        return None
    return int(str(data.metadata["pid"].value))
