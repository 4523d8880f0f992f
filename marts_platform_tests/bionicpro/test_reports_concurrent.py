"""Readers and writers beside each other: whole days only, and two days of a month are both there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import clickhouse_connect
import pytest

from marts_platform import settings
from marts_platform_tests.bionicpro.world import DAY, MART, TELEMETRY, World, action, at

NEXT = DAY + timedelta(days=1)
READ = """
    SELECT count(), sum(total_actions), max(total_actions) - min(total_actions)
    FROM bionicpro_reports.reports_data_mart WHERE report_date = '2024-03-01'
"""


def _polled(until: threading.Event) -> set[tuple[int, ...]]:
    client = clickhouse_connect.get_client(dsn=settings.load().url("clickhouse_url"))
    seen: set[tuple[int, ...]] = set()
    while not until.is_set():
        seen.update(tuple(row) for row in client.query(READ).result_rows)
    client.close()
    return seen


@pytest.mark.parametrize("rewrites", [6, pytest.param(50, marks=pytest.mark.soak)])
def test_a_reader_sees_whole_days_only(world: World, rewrites: int) -> None:
    world.write(*(action(user) for user in range(1, 51)))
    world.load(DAY, assets=[TELEMETRY, MART])
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_polled, done)
        try:
            for _ in range(rewrites):
                # Each rewrite finds one more action of every user.
                world.write(*(action(user) for user in range(1, 51)))
                world.load(DAY, assets=[TELEMETRY, MART])
        finally:
            done.set()
        seen = reading.result()
    assert seen <= {(50, 50 * times, 0) for times in range(1, rewrites + 2)}
    assert len(seen) > 1, "nothing was seen of the rewrites"


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
