"""Readers and writers beside each other: whole days only, and two days of a month are both there."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import clickhouse_connect
import pytest
from clickhouse_connect.driver.httputil import default_pool_manager

from marts_platform import settings
from marts_platform_tests.bionicpro.world import DAY, MART, TELEMETRY, World, action, at

NEXT = DAY + timedelta(days=1)
USERS = 50
READ = """
    SELECT count(), sum(total_actions), max(total_actions) - min(total_actions)
    FROM bionicpro_reports.reports_data_mart WHERE report_date = '2024-03-01'
"""


def _polled(until: threading.Event) -> list[tuple[int, ...]]:
    client = clickhouse_connect.get_client(dsn=settings.load().url("clickhouse_url"))
    seen: list[tuple[int, ...]] = []
    while not until.wait(0.002):  # the rewrites shall get their turn too
        seen += [tuple(row) for row in client.query(READ).result_rows]
    client.close()
    return seen


def _day_of_all_users(world: World) -> None:
    """Telemetry with one action of every user, and its reports."""
    world.write(*(action(user) for user in range(1, USERS + 1)))
    world.load(DAY, assets=[TELEMETRY, MART])


def _act(world: World, times: int) -> None:
    """One more action of every user, the given one of theirs, straight into the raw table."""
    world.clickhouse.command(f"""
        INSERT INTO bionicpro_raw.telemetry
        SELECT * REPLACE (id + {(times - 1) * USERS} AS id)
        FROM (SELECT * FROM bionicpro_raw.telemetry WHERE id <= {USERS})
    """)


def _whole(times: int) -> tuple[int, ...]:
    """What a reader sees of a day on which every user acted so often."""
    return USERS, USERS * times, 0


def test_a_reader_sees_whole_days_only(world: World) -> None:
    _day_of_all_users(world)
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_polled, done)
        try:
            for times in range(2, 52):
                _act(world, times)
                world.load(DAY, assets=[MART])
        finally:
            done.set()
        seen = reading.result()
    assert set(seen) <= {_whole(times) for times in range(1, 52)}
    assert seen == sorted(seen), "a reader went back to an older day"
    assert len(set(seen)) > 5, "hardly anything was seen of the rewrites"


def test_a_killed_run_leaves_the_old_day_or_the_new_one_and_the_next_ends_right(world: World) -> None:
    _day_of_all_users(world)
    world.run(selection=MART)  # the first one imports
    began = time.monotonic()
    world.run(selection=MART)
    span = time.monotonic() - began
    for times in range(2, 8):
        _act(world, times)
        child = os.fork()
        if child == 0:
            try:
                # The parent's connections are not the child's.
                default_pool_manager().clear()
                world.run(selection=MART)
            finally:
                os._exit(0)
        time.sleep(random.uniform(0, span))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        assert tuple(world.clickhouse.query(READ).result_rows[0]) in {_whole(times - 1), _whole(times)}
        world.run(selection=MART)
        assert tuple(world.clickhouse.query(READ).result_rows[0]) == _whole(times)
    assert "running" not in world.postgres.log(asset=MART)


@pytest.mark.parametrize("times", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_two_days_of_a_month_written_at_the_same_time_are_both_there(world: World, times: int) -> None:
    world.write(*(action(user) for user in range(1, 6)))
    world.write(*(action(user, at(9, day=NEXT)) for user in range(1, 8)))
    world.load(DAY, NEXT, assets=[TELEMETRY])
    for _ in range(times):
        world.clickhouse.command("TRUNCATE TABLE bionicpro_reports.reports_data_mart")
        loads: list[Callable[[], object]] = [
            lambda: world.load(DAY, assets=[MART]),
            lambda: world.load(NEXT, assets=[MART]),
        ]
        with ThreadPoolExecutor(2) as pool:
            for load in [pool.submit(load) for load in loads]:
                load.result()
        counted = "SELECT report_date, count() FROM bionicpro_reports.reports_data_mart GROUP BY 1 ORDER BY 1"
        assert world.clickhouse.query(counted).result_rows == [(DAY, 5), (NEXT, 7)]
