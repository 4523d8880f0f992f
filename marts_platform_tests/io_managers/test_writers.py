"""Several writers and readers at once, and connections that die under a load.

Days of one table are independent, one slice has one writer at a time, readers see all of the old or all of
the new, and a fault that passes costs a retry and leaves nothing behind.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

import psycopg2
import pytest
from psycopg2.errors import DivisionByZero

from marts_platform.core import path
from marts_platform.core.faults import is_passing
from marts_platform.core.window import Slice
from marts_platform.io_managers import postgres_session
from marts_platform.io_managers.postgres_locks import LockedOutError
from marts_platform.resources.postgres import CopyOut
from marts_platform_tests.io_managers.probe import DAYS, FEED, Probe, Row, row

if TYPE_CHECKING:
    from dagster import AssetsDefinition

    from marts_platform.core.path import Outcome

D1, D2, *_ = PUBLISHED = DAYS[:6]
SECONDS = 60
OLD = [row(day, sensor, "old") for day in PUBLISHED for sensor in (1, 2, 3)]
NEW = [row(day, sensor, "new") for day in PUBLISHED for sensor in (1, 2)]


@pytest.fixture(params=["plain", "partitioned"])
def readings(request: pytest.FixtureRequest, probe: Probe) -> Probe:
    """The domain with each kind of table, the old rows published."""
    if request.param == "plain":
        probe.create()
    else:
        probe.create_partitioned()
    probe.feed(*OLD)
    probe.load(probe.asset(), *PUBLISHED)
    assert probe.published() == OLD
    return probe


class Gate:
    """Lets whoever is to be watched arrive, and holds it until it is told to go on."""

    def __init__(self) -> None:
        self._arrived = threading.Semaphore(0)
        self._open = threading.Event()

    def pass_through(self) -> None:
        self._arrived.release()
        assert self._open.wait(SECONDS), "nobody opened the gate"

    def wait_for(self, count: int = 1) -> None:
        for _ in range(count):
            assert self._arrived.acquire(timeout=SECONDS), "nobody came to the gate"

    def open(self) -> None:
        self._open.set()


class Held(CopyOut):
    """A stream that sends what it has and then waits at a gate, in the middle of staging."""

    gate: Gate

    def send(self, sink: BinaryIO) -> int:
        sent = CopyOut.send(self, sink)
        sink.flush()
        self.gate.pass_through()
        return sent


def held(probe: Probe, gate: Gate) -> Callable[[Slice], CopyOut]:
    def source(slice_: Slice) -> CopyOut:
        stream = probe.stream(slice_)
        kept = Held(stream.server, stream.query, stream.columns, stream.params)
        kept.gate = gate
        return kept

    return source


@contextmanager
def loading(probe: Probe, asset: AssetsDefinition, *days: str) -> Generator[list[Future[list[Outcome]]]]:
    """Loads of days that run at the same time, each in a thread of its own."""
    with ThreadPoolExecutor(len(days)) as threads:
        yield [threads.submit(probe.load, asset, day) for day in days]


# Writers


@pytest.mark.parametrize("count", [2, 5])
def test_days_that_are_loaded_at_the_same_time_all_arrive(readings: Probe, count: int) -> None:
    readings.feed(*NEW)
    gate = Gate()
    days = PUBLISHED[:count]
    with loading(readings, readings.asset(held(readings, gate)), *days) as loads:
        gate.wait_for(count)  # all of them are staging now
        gate.open()
        for load in loads:
            load.result(SECONDS)
    assert readings.published() == [
        *(one for one in NEW if one[0].date().isoformat() in days),
        *(one for one in OLD if one[0].date().isoformat() not in days),
    ]
    assert readings.leftovers() == []
    # Nobody was in another's way: no load had to begin again.
    assert readings.warehouse.log() == ["success"] * (len(PUBLISHED) + count)


def test_a_long_load_does_not_keep_another_day_from_being_published(readings: Probe) -> None:
    readings.feed(*NEW)
    gate = Gate()
    with loading(readings, readings.asset(held(readings, gate)), D1) as (slow,):
        gate.wait_for()
        try:
            began = time.monotonic()
            readings.load(readings.asset(), D2)
            assert time.monotonic() - began < 10
            assert not slow.done()
        finally:
            gate.open()
        slow.result(SECONDS)
    assert readings.warehouse.log("partition_key, status")[-2:] == [(D1, "success"), (D2, "success")]


def test_two_writers_of_one_slice_take_turns(readings: Probe) -> None:
    readings.feed(*NEW)
    gate = Gate()
    with loading(readings, readings.asset(held(readings, gate)), D1) as (first,):
        gate.wait_for()
        with loading(readings, readings.asset(), D1) as (second,):
            try:
                _wait_until(lambda: _waiting_writers(readings) == 1)
                assert not second.done()
                assert readings.published() == OLD
            finally:
                gate.open()
            first.result(SECONDS)
            second.result(SECONDS)
    turns = readings.warehouse.rows(
        "SELECT status, started_at >= lag(finished_at) OVER (ORDER BY id) FROM ops.etl_run_log "
        "WHERE partition_key = %s ORDER BY id",
        D1,
    )
    assert turns[1:] == [("success", True), ("success", True)]
    assert [one for one in readings.published() if one in NEW] == NEW[:2]


def _waiting_writers(probe: Probe) -> int:
    return probe.warehouse.one(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted "
        "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


# Readers


def test_readers_see_all_of_the_old_or_all_of_the_new(readings: Probe) -> None:
    wholes = {tuple(OLD[:3]), tuple(NEW[:2])}
    seen: set[tuple[Row, ...]] = set()
    done = threading.Event()

    def read() -> int:
        count = 0
        select = FEED.replace("feed", "readings") + " ORDER BY sensor"
        with closing(psycopg2.connect(readings.warehouse.url, options="-c TimeZone=UTC")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                while not done.is_set():
                    cursor.execute(select, {"start": D1, "end": D2})
                    seen.add(tuple(cursor.fetchall()))
                    count += 1
        return count

    asset = readings.asset()
    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read)
        try:
            for rows in (NEW, OLD) * 5:
                readings.feed(*rows)
                readings.load(asset, D1)
        finally:
            done.set()
        assert reader.result(SECONDS) > 10
    assert seen == wholes


def test_who_keeps_a_load_from_publishing_is_named(probe: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_session, "_PUBLISH_WAIT_SECONDS", 0.2)
    monkeypatch.setattr(path, "with_retries", lambda attempt: attempt())
    probe.create_partitioned()
    probe.feed(*OLD)
    probe.load(probe.asset(), D1)
    with closing(psycopg2.connect(probe.warehouse.url, application_name="a long report")) as reader:
        pid = reader.info.backend_pid
        with reader.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM probe.readings")
        with pytest.raises(
            LockedOutError, match=r"probe/readings, 2024-03-01.*a long report.*SELECT count"
        ) as fault:
            probe.load(probe.asset(), D1)
    assert f"pid {pid} (" in str(fault.value) and "idle after" in str(fault.value)
    assert str(fault.value) in probe.warehouse.one(
        "SELECT error FROM ops.etl_run_log WHERE status = 'failed'"
    )
    assert is_passing(fault.value)
    probe.load(probe.asset(), D1)
    assert probe.leftovers() == []


# Faults


MANY = """
    SELECT '2024-03-01 12:00+00'::timestamptz AS at, n AS sensor, repeat('x', 1000) AS value
    FROM generate_series(1, 20000) AS n
"""


def terminate(url: str, purpose: str) -> None:
    """Ends the one backend that says what it is for."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE %s",
            (f"marts_platform {purpose}%",),
        )
        assert cursor.fetchall() == [(True,)]


class Cut(CopyOut):
    """A stream in the middle of which a backend dies, once."""

    cut: Callable[[], None]

    def send(self, sink: BinaryIO) -> int:
        return CopyOut.send(self, _Cutting(sink, self.cut))  # pyright: ignore[reportArgumentType] # it writes


class _Cutting:
    def __init__(self, sink: BinaryIO, cut: Callable[[], None]) -> None:
        self._sink = sink
        self._cut = cut
        self._written = 0

    def write(self, data: bytes) -> int:
        before, self._written = self._written, self._written + len(data)
        if before < 5_000_000 <= self._written:
            self._cut()
        return self._sink.write(data)


class Once:
    """Does something the first time that it is asked to."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.calls = 0
        self._action = action

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == 1:
            self._action()


@pytest.mark.parametrize("side", ["warehouse", "source"])
def test_a_backend_that_dies_under_a_stream_costs_a_retry(readings: Probe, side: str) -> None:
    if side == "warehouse":
        cut = Once(lambda: terminate(readings.warehouse.url, f"load probe/readings {D1}"))
    else:
        cut = Once(lambda: terminate(readings.source_url, "extract"))

    def source(slice_: Slice) -> CopyOut:
        stream = readings.stream(slice_, MANY)
        streamed = Cut(stream.server, stream.query, stream.columns, stream.params)
        streamed.cut = cut
        return streamed

    readings.load(readings.asset(source), D1)
    assert cut.calls == 2
    assert readings.warehouse.log()[len(PUBLISHED) :] == ["failed", "success"]
    assert readings.warehouse.one("SELECT count(*) FROM probe.readings WHERE at < %s", D2) == 20_000
    assert readings.leftovers() == []


def test_a_backend_that_dies_before_a_query_costs_a_retry(readings: Probe) -> None:
    readings.feed(*NEW)
    cut = Once(lambda: terminate(readings.warehouse.url, f"load probe/readings {D1}"))

    def source(_: Slice) -> Any:
        cut()
        return readings.query()

    readings.load(readings.asset(source), D1)
    assert cut.calls == 2
    assert readings.warehouse.log()[len(PUBLISHED) :] == ["failed", "success"]
    assert readings.published() == [*NEW[:2], *OLD[3:]]


def test_a_fault_that_stays_fails_at_once_and_readers_keep_what_they_had(readings: Probe) -> None:
    calls: list[Slice] = []

    def source(slice_: Slice) -> Any:
        calls.append(slice_)
        return readings.query("SELECT at, sensor / 0 AS sensor, value FROM probe.feed")

    with pytest.raises(DivisionByZero):
        readings.load(readings.asset(source), D1)
    assert len(calls) == 1
    assert readings.published() == OLD
    assert readings.leftovers() == []
    status, error, finished = readings.warehouse.log("status, error, finished_at IS NOT NULL")[-1]
    assert (status, finished) == ("failed", True)
    assert error.startswith("DivisionByZero: division by zero")


def test_a_load_whose_process_went_away_is_found_and_marked_by_the_next(readings: Probe) -> None:
    readings.warehouse.rows(
        "INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status) "
        "VALUES ('probe/readings', %s, 'gone', 'gone', 'running')",
        D1,
    )
    readings.load(readings.asset(), D1)
    log = readings.warehouse.log("status, error IS NULL, finished_at IS NULL")
    assert log[-2:] == [("killed", False, False), ("success", True, False)]
