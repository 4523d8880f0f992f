"""`marts materialize` that is ended in the middle of a load: no run stays, and no pool stays taken."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import date, timedelta

import dagster as dg
import psycopg
import pytest

from marts_platform.demonstration import materialize_selection
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

DAY = date(2024, 5, 17)
END = DAY + timedelta(days=1)


@contextmanager
def loading(engine: Engine, warehouse: Warehouse) -> Generator[subprocess.Popen[str]]:
    """The command as a process of its own, which waits for a lock at the source until the context ends."""
    arguments = ["materialize", "camunda", "--from", DAY.isoformat(), "--to", END.isoformat()]
    with psycopg.connect(engine.url) as locked:
        locked.execute("LOCK TABLE act_hi_detail IN ACCESS EXCLUSIVE MODE")
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "marts_platform.cli", *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 120
            while not warehouse.rows("SELECT 1 FROM ops.etl_run_log WHERE status = 'running'"):
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.05)
            yield process
        except BaseException:
            process.kill()
            process.communicate()
            raise


def slots_taken(instance: dg.DagsterInstance) -> int:
    """How many slots of the source's pool are taken or waited for."""
    pools = instance.event_log_storage
    if "camunda" not in pools.get_concurrency_keys():
        return 0
    found = pools.get_concurrency_info("camunda")
    return found.active_slot_count + found.pending_step_count


def statuses(instance: dg.DagsterInstance) -> list[dg.DagsterRunStatus]:
    """The status of every run, oldest first."""
    return [run.status for run in reversed(instance.get_runs())]


@pytest.fixture(autouse=True)
def one_day(engine: Engine, warehouse: Warehouse) -> None:
    """A source with a row, for each test."""
    engine.write(change(at(DAY)))


def test_what_was_killed_is_ended_by_the_next_command_which_does_not_wait_for_it(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    with loading(engine, warehouse) as process:
        process.kill()
        process.communicate()
    assert statuses(instance) == [dg.DagsterRunStatus.STARTED]
    assert slots_taken(instance) == 1
    (killed,) = instance.get_runs()
    materialize_selection("camunda", None, None)
    assert f"Run {killed.run_id} was killed" in capsys.readouterr().out
    assert statuses(instance) == [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS]
    assert slots_taken(instance) == 0


def test_what_still_runs_is_left_alone(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance
) -> None:
    with loading(engine, warehouse) as process:
        materialize_selection("camunda/process_documents", DAY, END)
        assert statuses(instance) == [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS]
    process.communicate(timeout=120)
    assert process.returncode == 0
    assert statuses(instance) == [dg.DagsterRunStatus.SUCCESS] * 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_who_is_asked_to_end_undoes_what_it_began_and_says_so(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance, number: signal.Signals
) -> None:
    with loading(engine, warehouse) as process:
        process.send_signal(number)
        time.sleep(0.5)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "camunda/act_hi_detail failed within 2024-05-17" in errors and "Traceback" not in errors
    assert statuses(instance) == [dg.DagsterRunStatus.FAILURE]
    assert slots_taken(instance) == 0
    assert [row["status"] for row in warehouse.rows("SELECT status FROM ops.etl_run_log")] == ["failed"]
