"""A run launcher that can tell whether a run's process still lives.

Dagster's default launcher cannot, so its run monitoring never looks at a started run: the code server that
launched it reports a crash, and when that server dies too (a kill, a reboot) the run stays "started" for
ever.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any

import psutil
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.events import EngineEventData
from dagster._core.events.log import EventLogEntry
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from typing_extensions import override

HOST_TAG = "marts/host"
# The process of a run, until it reports itself: its pid and a moment (seconds since 1970) at which it lived.
PROCESS_TAG = "marts/process"

_STATUSES_UNDER_WAY = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
# How much later than its first event a process may seem to have started: clocks are read in ticks of 10 ms.
_CLOCK_SECONDS = 2.0


def run_tags() -> dict[str, str]:
    """The tags that let others look after a run that executes in this process (no launcher)."""
    return {HOST_TAG: socket.gethostname(), PROCESS_TAG: f"{os.getpid()} {time.time():.2f}"}


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Ends the runs with `run_tags` whose process was killed, and frees what they held of the pools.

    Dagster's daemon does so too, where one runs; who only has the command would wait for them for ever.

    Returns:
        The runs' ids.
    """
    here = RunsFilter(statuses=_STATUSES_UNDER_WAY, tags={HOST_TAG: socket.gethostname()})
    ended: list[str] = []
    for run in instance.get_runs(here):
        health = worker_health(instance, run)
        if health.status is WorkerStatus.FAILED:
            instance.report_run_failed(run, f"The run was killed: {health.msg}")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


class MonitoredRunLauncher(DefaultRunLauncher):
    """Launches as Dagster's default launcher does, and knows a run's process by the pid in its events."""

    @property
    @override
    def supports_check_run_worker_health(self) -> bool:
        return True

    @override
    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Whether a started run's process still lives: see `worker_health`."""
        return worker_health(self._instance, run)


def worker_health(instance: DagsterInstance, run: DagsterRun) -> CheckRunHealthResult:
    """Whether a run's process still lives; one that this machine cannot see counts as running."""
    if not is_of_this_machine(run.tags):
        return CheckRunHealthResult(WorkerStatus.RUNNING, "not of this machine")
    started = _process_started(instance, run)
    if started is None:
        return CheckRunHealthResult(WorkerStatus.RUNNING, "its process has not reported yet")
    pid, timestamp = started
    if is_same_process(pid, timestamp):
        return CheckRunHealthResult(WorkerStatus.RUNNING)
    return CheckRunHealthResult(WorkerStatus.FAILED, f"its process (pid {pid}) is gone")


def _process_started(instance: DagsterInstance, run: DagsterRun) -> tuple[int, float] | None:
    """The pid of the run's process and a moment (seconds since 1970) at which it was that."""
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    found = [(pid, entry.timestamp) for entry in entries if (pid := _pid(entry)) is not None]
    if found:
        return found[-1]
    if PROCESS_TAG not in run.tags:
        return None
    pid, moment = run.tags[PROCESS_TAG].split()
    return int(pid), float(moment)


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
