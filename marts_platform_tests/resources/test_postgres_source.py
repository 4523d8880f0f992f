"""The states of many windows: few statements, no window that holds up the others, an end with the time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2
import pytest
from psycopg2.sql import SQL

from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.time_limit import time_limit
from marts_platform.core.window import Slice
from marts_platform.resources.postgres_source import states_of

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

DAYS = [slice_of(DAILY, f"2024-03-{day:02}") for day in range(1, 31)]
# As a probe's: of one column, with a per cent sign and a value that has one.
PROBE = SQL("SELECT pg_sleep(%(seconds)s)::text || '100%% of ' || %(day)s AS state")


@pytest.fixture
def connection(warehouse_url: str) -> Iterator[Connection]:
    with closing(psycopg2.connect(warehouse_url)) as made:
        yield made


def sleeping(seconds: Mapping[str, float], default: float = 0) -> Callable[[Slice], Mapping[str, object]]:
    def params_of(slice_: Slice) -> Mapping[str, object]:
        key = slice_.partition_key or ""
        return {"seconds": seconds.get(key, default), "day": f"%s {key}"}

    return params_of


def test_states_are_the_windows_own(connection: Connection) -> None:
    found = states_of(connection, PROBE, DAYS, sleeping({}), 20)
    assert found.states == {day.partition_key: f"100% of %s {day.partition_key}" for day in DAYS}
    assert not found.out_of_time


def test_windows_that_take_too_long_hold_up_no_other(connection: Connection) -> None:
    slow = {"2024-03-03": 5.0, "2024-03-30": 5.0}
    found = states_of(connection, PROBE, DAYS, sleeping(slow), 0.4)
    assert set(found.out_of_time) == slow.keys()
    assert found.states.keys() == {day.partition_key for day in DAYS} - slow.keys()


def test_the_reading_ends_with_the_time_of_the_evaluation(connection: Connection) -> None:
    with time_limit(0.6):
        found = states_of(connection, PROBE, DAYS, sleeping({}, 0.05), 20)
    # What was not read in time is no fault of the days.
    assert 8 <= len(found.states) < 30 and not found.out_of_time
    assert list(found.states) == [day.partition_key for day in DAYS[: len(found.states)]]
