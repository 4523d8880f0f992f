"""Runs that are killed at any moment: readers see the old day or the new one, and the next run ends right.

Every row of a version of the source says which version it is, so whoever sees two of them in one look, or
another number of rows, has seen half a publication.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from random import Random
from threading import Event, Thread
from typing import LiteralString

import dagster as dg
import psycopg
import pytest

from marts_platform import materialization
from marts_platform.core.chains import PARENT_RUN_TAG
from marts_platform.core.mart import mart_of
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

DAY = date(2024, 5, 17)
END = DAY + timedelta(days=1)
ROWS = 1500

# The rows, the versions among them, and one version: in one statement, so in one look.
LOOKS: Sequence[LiteralString] = (
    "SELECT count(*), count(DISTINCT text_), max(text_::jsonb #>> '{report.AttachedDocuments,0,doc.id}')"
    " FROM camunda.act_hi_detail",
    "SELECT count(*), count(DISTINCT text_), max(text_::jsonb #>> '{report.AttachedDocuments,0,doc.id}')"
    " FROM camunda.process_variables",
    "SELECT count(*), count(DISTINCT doc_id), max(doc_id) FROM camunda.process_documents",
)


class LoadingProcess:
    """The process that `loading_process` is, for loads that are killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told("ready")

    @classmethod
    @contextmanager
    def started(cls) -> Generator[LoadingProcess]:
        """Starts it with this process's settings; ends it with the context."""
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "marts_platform_tests.camunda.loading_process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            try:
                yield cls(process)
            finally:
                process.kill()

    def begin(self, first: date, end: date, selection: str = "camunda") -> int:
        """Begins a load and returns its process."""
        self._tell(f"load {first} {end} {selection}")
        return int(self._told("started"))

    def wait(self) -> int:
        """Waits until the load has ended and returns its status."""
        self._tell("wait")
        return int(self._told("ended"))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _told(self, word: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().split()
        assert line and line[0] == word, line
        return line[-1]


class Onlooker(Thread):
    """Reads the published tables all along, and notes what no reader may ever see."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._ended = Event()
        self.looks = 0
        self.faults: list[str] = []
        self.versions: list[set[int]] = [set() for _ in LOOKS]

    def run(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            while not self._ended.wait(0.01):
                for number, look in enumerate(LOOKS):
                    row = connection.execute(look).fetchone()
                    assert row is not None
                    self._judge(number, *row)

    def _judge(self, number: int, rows: int, versions: int, version: str | None) -> None:
        self.looks += 1
        if rows == 0:
            if self.versions[number]:
                self.faults.append(f"{LOOKS[number]} gave no rows")
            return
        found = int((version or "v-1").removeprefix("v"))
        if versions != 1 or rows != ROWS + found:
            self.faults.append(
                f"{LOOKS[number]} gave {rows} rows of {versions} versions, {version} one of them"
            )
        if found < max(self.versions[number], default=0):
            self.faults.append(f"{LOOKS[number]} went back to version {found}")
        self.versions[number].add(found)

    def end(self) -> None:
        """Stops reading."""
        self._ended.set()
        self.join()


@pytest.fixture
def onlooker(warehouse: Warehouse) -> Iterator[Onlooker]:
    onlooker = Onlooker(warehouse.url)
    onlooker.start()
    yield onlooker
    onlooker.end()


def write_version(engine: Engine, version: int) -> None:
    """Brings every row of the source to a version; a version adds one process."""
    documents = f'{{"report.AttachedDocuments": [{{"doc.id": "v{version}"}}]}}'
    engine.execute("UPDATE act_hi_detail SET text_ = %s", documents)
    numbers = range(ROWS) if version == 0 else [ROWS + version - 1]
    engine.write(
        *(
            change(
                at(DAY, 12, 0, number), id_=f"D{number}", proc_inst_id_=f"P{number}",
                var_inst_id_=f"V{number}", text_=documents,
            )
            for number in numbers
        )
    )  # fmt: skip


def wait_until(warehouse: Warehouse, question: LiteralString, *values: object) -> None:
    """Waits until a SELECT gives true."""
    deadline = time.monotonic() + 60
    while not warehouse.one(question, *values):
        assert time.monotonic() < deadline, question
        time.sleep(0.002)


def expect_nothing_left_behind(warehouse: Warehouse, partitions: Sequence[str]) -> None:
    deadline = time.monotonic() + 20
    busy = """
        SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name LIKE 'marts_platform load%'
    """
    while warehouse.one(busy) and time.monotonic() < deadline:
        time.sleep(0.1)  # a server learns within two seconds that its client has gone
    left = warehouse.rows("""
        SELECT relnamespace::regnamespace::text || '.' || relname AS name FROM pg_class
        WHERE relkind IN ('r', 'p')
            AND (relnamespace::regnamespace::text LIKE '%partitions' OR relpersistence = 't')
    """)
    assert sorted(row["name"] for row in left) == sorted(f"camunda_partitions.{name}" for name in partitions)


@pytest.mark.parametrize(
    "kills", [25, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])]
)
def test_kills_at_random_moments_leave_the_old_day_or_the_new_one(
    engine: Engine, warehouse: Warehouse, onlooker: Onlooker, kills: int
) -> None:
    random = Random()
    write_version(engine, 0)
    with LoadingProcess.started() as process:
        process.begin(DAY, END)
        assert process.wait() == 0
        duration = warehouse.one(
            "SELECT extract(epoch FROM max(finished_at) - min(started_at))::float FROM ops.etl_run_log"
        )
        for version in range(1, kills + 1):
            write_version(engine, version)
            known = warehouse.one("SELECT max(id) FROM ops.etl_run_log")
            run = process.begin(DAY, END)
            # Dagster's start, before the first load, changes nothing: the moments are spread over the loads.
            wait_until(warehouse, "SELECT count(*) > 0 FROM ops.etl_run_log WHERE id > %s", known)
            time.sleep(random.uniform(0, duration))
            os.kill(run, signal.SIGKILL)
            assert process.wait() in (-signal.SIGKILL, 0)
        expect_nothing_left_behind(warehouse, ["act_hi_detail_20240517"])
        write_version(engine, kills + 1)
        process.begin(DAY, END)
        assert process.wait() == 0
    onlooker.end()
    assert onlooker.faults == []
    assert onlooker.looks > 3 * kills
    assert all(max(seen) == kills + 1 for seen in onlooker.versions)
    expect_nothing_left_behind(warehouse, ["act_hi_detail_20240517"])
    ends = {
        row["status"]: row["count"]
        for row in warehouse.rows("SELECT status, count(*) FROM ops.etl_run_log GROUP BY 1")
    }
    assert ends.keys() <= {"success", "killed", "failed"} and ends["success"] >= 6
    assert ends.get("killed", 0) + ends.get("failed", 0) > 0
    assert warehouse.lost_rows() == []


QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
DAYS = [DAY + timedelta(days=number) for number in range(6)]


def successes(warehouse: Warehouse, asset: str) -> dict[str, list[str]]:
    """The runs that published each partition of an asset."""
    rows = warehouse.rows(
        """
        SELECT partition_key, array_agg(run_id ORDER BY id) AS runs FROM ops.etl_run_log
        WHERE asset = %s AND status = 'success' GROUP BY 1
        """,
        asset,
    )
    return {row["partition_key"]: row["runs"] for row in rows}


@pytest.mark.parametrize("asset", ["camunda/act_hi_detail", "camunda/process_variables"])
def test_the_retry_of_a_killed_range_goes_on_where_it_stopped(
    engine: Engine, warehouse: Warehouse, asset: str
) -> None:
    for day in DAYS:
        engine.write(*(change(at(day), proc_inst_id_=f"P{n}", var_inst_id_=f"{day} {n}") for n in range(20)))
    with LoadingProcess.started() as process:
        run = process.begin(DAYS[0], DAYS[-1] + timedelta(days=1))
        wait_until(
            warehouse,
            "SELECT count(*) >= %s FROM ops.etl_run_log WHERE asset = %s AND status = 'success'",
            len(DAYS) // 2, asset,
        )  # fmt: skip
        os.kill(run, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    first = successes(warehouse, asset)
    assert len(DAYS) // 2 <= len(first) < len(DAYS)
    (killed,) = {run_id for runs in first.values() for run_id in runs}
    retry = retry_of(warehouse, killed)
    again = successes(warehouse, asset)
    assert {key: runs for key, runs in again.items() if key in first} == first
    assert {key for key, runs in again.items() if runs == [retry]} == again.keys() - first.keys()
    assert again.keys() == {day.isoformat() for day in DAYS}
    assert warehouse.one("SELECT count(*) FROM camunda.process_variables") == 20 * len(DAYS)


def test_a_fresh_run_of_a_range_does_all_of_it_again(engine: Engine, warehouse: Warehouse) -> None:
    engine.write(*(change(at(day), var_inst_id_=f"V{day}") for day in DAYS[:2]))
    for _ in range(2):
        warehouse.load(DAYS[0], DAYS[2])
    for runs in successes(warehouse, "camunda/process_documents").values():
        assert len(set(runs)) == 2


def retry_of(warehouse: Warehouse, run_id: str) -> str:
    """Runs all days as Dagster retries a run: with its tags and those of a retry. Returns the new run."""
    from marts_platform.definitions import defs

    keys = [dg.AssetKey.from_user_string(found.mart.asset) for found in materialization.select("camunda")]
    span = {
        "dagster/asset_partition_range_start": DAYS[0].isoformat(),
        "dagster/asset_partition_range_end": DAYS[-1].isoformat(),
    }
    audits = {dg.AssetCheckKey(key, audit.name) for key in keys for audit in mart_of(key).mart.audits}
    job = defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(keys), asset_check_selection=audits
    )
    tags = {PARENT_RUN_TAG: run_id, "dagster/is_resume_retry": "true"}
    done = job.execute_in_process(instance=warehouse.instance, tags={**span, **tags}, run_config=QUIET)
    assert done.success
    return done.run_id
