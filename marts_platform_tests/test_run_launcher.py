"""Whether a run's process still lives is seen from its pid, and only where that means something."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

import dagster as dg
import psutil
import pytest
from dagster._core.events import EngineEventData
from dagster._core.launcher import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG

from marts_platform.run_launcher import (
    HOST_TAG,
    PROCESS_TAG,
    end_dead_runs,
    is_of_this_machine,
    is_same_process,
    run_tags,
)

_SOCKET = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": "/somewhere/socket"})}


@pytest.mark.parametrize(
    ("tags", "here"),
    [
        (_SOCKET, True),
        ({GRPC_INFO_TAG: json.dumps({"host": "127.0.0.1", "port": 4000})}, True),
        ({GRPC_INFO_TAG: json.dumps({"host": "user-code.example.invalid", "port": 4000})}, False),
        (run_tags(), True),
        ({HOST_TAG: "another-machine", **_SOCKET}, False),
        ({}, False),  # in its caller's process, on a machine that it does not name
    ],
)
def test_is_of_this_machine(tags: dict[str, str], here: bool) -> None:
    assert is_of_this_machine(tags) is here


def test_a_pid_that_was_given_to_a_later_process_is_not_the_run() -> None:
    began = psutil.Process().create_time()
    assert is_same_process(os.getpid(), began + 1)
    assert not is_same_process(os.getpid(), began - 60)


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    assert not is_same_process(child.pid, time.time())
    child.wait()
    assert not is_same_process(child.pid, time.time())


@dg.job
def nothing() -> None:
    """A job to have runs of."""


def _run(instance: dg.DagsterInstance, tags: dict[str, str], pid: int | None) -> dg.DagsterRun:
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)
    if pid is not None:
        instance.report_engine_event("Started process for run", run, EngineEventData.in_process(pid))
    return run


def test_a_started_run_is_judged_by_its_process(instance: dg.DagsterInstance) -> None:
    check = instance.run_launcher.check_run_worker_health
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    run = _run(instance, run_tags(), child.pid)
    assert check(run).status is WorkerStatus.RUNNING
    elsewhere = _run(instance, {HOST_TAG: "another-machine"}, child.pid)
    child.kill()
    child.wait()
    assert check(run).status is WorkerStatus.FAILED
    assert check(elsewhere).status is WorkerStatus.RUNNING
    assert check(_run(instance, run_tags(), None)).status is WorkerStatus.RUNNING


def test_dead_runs_of_this_machine_are_ended_also_those_that_had_reported_nothing(
    instance: dg.DagsterInstance,
) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    dead = run_tags() | {PROCESS_TAG: f"{child.pid} {time.time()}"}
    child.wait()
    silent, alive, elsewhere, launched = (
        _run(instance, tags, None)
        for tags in (dead, run_tags(), dead | {HOST_TAG: "another-machine"}, _SOCKET)
    )
    assert end_dead_runs(instance) == [silent.run_id]
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses.pop(silent.run_id) is dg.DagsterRunStatus.FAILURE
    assert statuses == dict.fromkeys(
        (run.run_id for run in (alive, elsewhere, launched)), dg.DagsterRunStatus.STARTED
    )
    assert end_dead_runs(instance) == []
