"""`marts dev`: Dagster's UI and daemon on the stack; a killed run starts again; it ends as a whole."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import psutil
import pytest

from marts_platform import dagster_dev
from marts_platform.embedded.server import free_port
from marts_platform.settings import SettingsError

pytestmark = pytest.mark.timeout(900)

_CODE = """
import time
import dagster as dg

@dg.asset(pool="scratch")
def waits() -> None:
    time.sleep(600)

defs = dg.Definitions(assets=[waits], executor=dg.in_process_executor)
"""
_LAUNCH = """
mutation($p: ExecutionParams!) {
  launchRun(executionParams: $p) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""


def _wait(what: str, seconds: float, until: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if result := until():
            return result
        time.sleep(0.25)
    raise AssertionError(f"not within {seconds} s: {what}")


@contextmanager
def _dev(tmp_path: Path, port: int) -> Generator[subprocess.Popen[bytes]]:
    (tmp_path / "scratch_location.py").write_text(_CODE)
    workspace = tmp_path / "workspace.yaml"
    workspace.write_text("load_from: [{python_module: scratch_location}]\n")
    script = "import sys, pathlib; from marts_platform import dagster_dev; "
    script += f"sys.exit(dagster_dev.run({port}, pathlib.Path({str(workspace)!r})))"
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[1])])
    with (tmp_path / "dev.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log
        )
    family: list[psutil.Process] = []
    try:
        _wait(f"the UI, see {tmp_path}/dev.log", 300, lambda: _answers(port))
        family = psutil.Process(process.pid).children(recursive=True)
        yield process
    finally:
        process.kill()
        process.wait()
        for member in family:
            if member.is_running():
                member.kill()


def _answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/server_info").status_code == 200
    except httpx.TransportError:
        return False


def _launch(port: int) -> str:
    selector = {
        "repositoryName": "__repository__",
        "repositoryLocationName": "scratch_location",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": ["waits"]}],
        "assetCheckSelection": [],
    }
    parameters = {"selector": selector, "mode": "default", "runConfigData": {}}
    answer = httpx.post(
        f"http://127.0.0.1:{port}/graphql",
        json={"query": _LAUNCH, "variables": {"p": parameters}},
        timeout=60,
    ).json()
    return str(answer["data"]["launchRun"]["run"]["runId"])


def _pid_of_started(instance: dg.DagsterInstance, run_id: str) -> int | None:
    run = instance.get_run_by_id(run_id)
    if run is None or run.status is not dg.DagsterRunStatus.STARTED:
        return None
    for entry in instance.all_logs(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
        if entry.dagster_event and "pid" in entry.dagster_event.engine_event_data.metadata:
            return int(str(entry.dagster_event.engine_event_data.metadata["pid"].value))
    return None


def _retry_of(instance: dg.DagsterInstance, run_id: str) -> str | None:
    for run in instance.get_runs():
        if run.root_run_id == run_id:
            return run.run_id
    return None


def _is_failed(instance: dg.DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is not None and run.status is dg.DagsterRunStatus.FAILURE


def _still_run(family: list[psutil.Process]) -> list[psutil.Process]:
    return [member for member in family if member.is_running() and member.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.soak  # minutes; the tests of the UI kill a run as well
def test_a_killed_run_starts_again_and_an_interrupt_ends_everything(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    port = free_port()
    secret = os.environ["MARTS_DAGSTER_URL"].split(":")[2].split("@")[0]
    with _dev(tmp_path, port) as process:
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 4
        assert not [child.pid for child in family if secret in json.dumps(child.cmdline())]
        first = _launch(port)
        os.kill(_wait("the run", 180, lambda: _pid_of_started(instance, first)), signal.SIGKILL)
        second = _wait("the retry", 180, lambda: _retry_of(instance, first))
        # The killed run's slot in the pool is freed, or the retry would wait for ever.
        os.kill(_wait("the retry's start", 180, lambda: _pid_of_started(instance, second)), signal.SIGKILL)
        process.send_signal(signal.SIGINT)
        assert process.wait(180) == 0
        _wait("the end of its children", 180, lambda: not _still_run(family))
    assert secret not in (tmp_path / "dev.log").read_text()


@pytest.mark.soak  # minutes; the tests of the UI kill a run as well
def test_a_run_killed_with_its_code_server_is_noticed_and_a_killed_marts_takes_dagster_along(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    port = free_port()
    with _dev(tmp_path, port) as process:
        family = psutil.Process(process.pid).children(recursive=True)
        run_id = _launch(port)
        pid = _wait("the run", 180, lambda: _pid_of_started(instance, run_id))
        server = psutil.Process(pid).parent()
        assert server is not None and "grpc" in server.cmdline()
        server.kill()
        os.kill(pid, signal.SIGKILL)
        _wait("the monitoring", 180, lambda: _is_failed(instance, run_id))
        if sys.platform == "linux":  # elsewhere no child is told that its parent died
            process.kill()
            _wait("the end of its children", 180, lambda: not _still_run(family))


def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SettingsError, match="--port"):
        dagster_dev.run(taken.getsockname()[1])
