"""Several writers and readers of one table at once, locks that are lost, and what killed loads leave."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from marts_platform.core.clickhouse import STAGING
from marts_platform.core.faults import PassingFault
from marts_platform.core.window import Slice
from marts_platform.resources.postgres import CopyOut
from marts_platform_tests.io_managers.clickhouse.probe import (
    BY_DAY,
    BY_MONTH,
    POSTGRES_FEED,
    ClickHouseProbe,
    connected,
)
from marts_platform_tests.io_managers.probe import DAYS, Row, row

D1, D2 = DAYS[:2]
OLD = [row(day, sensor, "old") for day in (D1, D2) for sensor in (1, 2, 3)]
NEW = [row(day, sensor, "new") for day in (D1, D2) for sensor in (1, 2)]


def loaded(probe: ClickHouseProbe, ddl: str = BY_MONTH) -> ClickHouseProbe:
    """The domain with the old rows published."""
    probe.create(ddl)
    probe.feed(*OLD)
    probe.load(probe.asset(probe.stream), D1, D2)
    assert probe.published() == OLD
    return probe


def test_two_days_of_one_month_written_at_once_are_both_there(probe: ClickHouseProbe) -> None:
    loaded(probe)
    probe.feed(*OLD, *NEW)
    version = "new"

    def source(slice_: Slice) -> CopyOut:
        return probe.stream(slice_, f"{POSTGRES_FEED} AND value = '{version}'")

    asset = probe.asset(source)
    with ThreadPoolExecutor(2) as threads:
        for step in range(20):
            version = "old" if step % 2 else "new"
            for load in [threads.submit(probe.load, asset, day) for day in (D1, D2)]:
                load.result(120)
            assert probe.published() == (OLD if step % 2 else NEW)
    assert probe.leftovers() == []
    assert set(probe.warehouse.log()) == {"success"}


@pytest.mark.parametrize("ddl", [BY_MONTH, BY_DAY])
def test_readers_see_only_whole_days_during_rewrites(probe: ClickHouseProbe, ddl: str) -> None:
    loaded(probe, ddl)
    probe.feed(*OLD, *NEW)
    versions: list[str] = []
    asset = probe.asset(lambda slice_: probe.stream(slice_, f"{POSTGRES_FEED} AND value = '{versions[-1]}'"))
    seen: set[tuple[Row, ...]] = set()
    done = threading.Event()

    def read() -> int:
        count = 0
        with connected(probe.url) as client:
            while not done.is_set():
                found = client.query(
                    "SELECT at, sensor, value FROM probe.readings ORDER BY at, sensor"
                ).result_rows
                seen.add(tuple(tuple(one) for one in found))
                count += 1
                done.wait(0.002)  # the rewrites shall get their turn too
        return count

    wholes = {tuple(OLD), (*NEW[:2], *OLD[3:])}
    with ThreadPoolExecutor(1) as threads:
        reader = threads.submit(read)
        try:
            # The reports' own 50 rewrites are in bionicpro/test_reports_concurrent.py.
            for step in range(12):
                versions.append("old" if step % 2 else "new")
                probe.load(asset, D1)
        finally:
            done.set()
        assert reader.result(60) > 12
    assert seen == wholes


def test_a_load_that_lost_its_lock_publishes_nothing(
    probe: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(probe)
    probe.feed(*NEW)
    ended: list[int] = []

    def source(slice_: Slice) -> Any:
        if not ended:
            with closing(psycopg2.connect(probe.warehouse.url)) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name LIKE 'marts_platform load %'"
                )
                ended.append(cursor.fetchall()[0][0])
        else:
            assert probe.published() == OLD
        return probe.stream(slice_)

    # The session is gone, so a retry begins anew, and holds the lock again.
    probe.load(probe.asset(source), D1)
    assert ended == [1]
    assert probe.warehouse.log()[-2:] == ["failed", "success"]
    assert probe.published() == [*NEW[:2], *OLD[3:]]


def test_a_lock_that_somebody_released_is_missed(
    probe: ClickHouseProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(probe)
    probe.feed(*NEW)
    from marts_platform.io_managers import recorded_load

    check = recorded_load.WriterLock.check

    def released(lock: recorded_load.WriterLock) -> None:
        with lock._connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock_all()")
        check(lock)

    monkeypatch.setattr(recorded_load.WriterLock, "check", released)
    monkeypatch.setattr("marts_platform.core.path.with_retries", lambda attempt: attempt())
    with pytest.raises(PassingFault, match="the lock of its only writer is lost; nothing was published"):
        probe.load(probe.asset(probe.stream), D1)
    assert probe.published() == OLD


def test_what_a_killed_load_left_is_dropped_by_the_next_of_its_table_only(probe: ClickHouseProbe) -> None:
    loaded(probe)
    mine = [
        "probe__readings__20240301__0a1b2c3d",
        "probe__readings__whole__0a1b2c3d__shadow",
        "probe__readings__20240301__0a1b2c3d__touched_part",
    ]
    others = ["probe__readings__of__another__20240301__0a1b2c3d", "probe__readings_too__whole__0a1b2c3d"]
    probe.do(*(f"CREATE TABLE {STAGING}.{name} (a Int8) ENGINE = Memory" for name in mine + others))
    try:
        probe.load(probe.asset(probe.stream), D1)
        assert sorted(probe.leftovers()) == sorted(others)
    finally:
        probe.do(*(f"DROP TABLE {STAGING}.{name}" for name in others))


def test_a_replacement_that_a_killed_server_left_half_is_repeated_by_the_next_load(
    probe: ClickHouseProbe,
) -> None:
    loaded(probe)
    probe.feed(*NEW)
    half = f"{STAGING}.probe__readings__20240301__0a1b2c3d__shadow__again"
    # The month as it should be, and in the live table beside the one that it was to replace.
    probe.do(
        f"CREATE TABLE {half} AS probe.readings",
        f"INSERT INTO {half} SELECT * FROM probe.readings WHERE toDate(at) = '{D2}'",
        f"INSERT INTO {half} SELECT at, sensor, 'new' FROM probe.readings WHERE toDate(at) = '{D1}'",
        f"INSERT INTO probe.readings SELECT * FROM {half}",
    )
    assert len(probe.published()) == 2 * len(OLD)
    probe.load(probe.asset(probe.stream), D1)
    assert probe.published() == [*NEW[:2], *OLD[3:]]
    assert probe.leftovers() == []


def test_an_entry_of_a_killed_process_is_marked(probe: ClickHouseProbe) -> None:
    loaded(probe)
    probe.warehouse.rows(
        "INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status) "
        "VALUES ('probe/readings', %s, 'gone', 'gone', 'running')",
        D1,
    )
    probe.load(probe.asset(probe.stream), D1)
    assert probe.warehouse.log()[-2:] == ["killed", "success"]
