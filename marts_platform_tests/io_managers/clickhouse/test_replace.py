"""Windows and whole tables are replaced in ClickHouse: from whatever source, however it is partitioned.

The same input gives the same table, however often and in whatever order it runs, and a window that has no
rows any more ends empty.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from marts_platform.core.path import Replace
from marts_platform_tests.io_managers.clickhouse.probe import (
    BY_DAY,
    BY_MONTH,
    UNPARTITIONED,
    WHOLE_FEED,
    ClickHouseProbe,
)
from marts_platform_tests.io_managers.probe import DAYS, row

D1, D2, D3 = DAYS[:3]
ROWS = [
    row(D1, 1, "a", hour=0),
    row(D1, 2, None),
    row(D1, 3, ""),
    row(D2, 1, "b", hour=0),
    row(D2, 2, "c", hour=23),
    row(D3, 1, "d"),
]
FORMS = {"day": BY_DAY, "month": BY_MONTH, "none": UNPARTITIONED}


@pytest.fixture(params=FORMS)
def readings(request: pytest.FixtureRequest, probe: ClickHouseProbe) -> ClickHouseProbe:
    """The domain with each kind of table."""
    probe.create(FORMS[request.param])
    return probe


def of_way(readings: ClickHouseProbe, way: str, **options: Any) -> dg.AssetsDefinition:
    """The mart, of rows that come in each way."""
    ways: dict[str, Any] = {"query": readings.query(), "stream": readings.stream, "frame": readings.frame}
    return readings.asset(ways[way], **options)


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_a_window_gets_its_rows_twice_and_then_none(readings: ClickHouseProbe, way: str) -> None:
    asset = of_way(readings, way)
    readings.feed(*ROWS)
    readings.load(asset, D1)
    assert readings.published() == ROWS[:3]
    readings.load(asset, D2, D3, D1, D2)
    assert readings.published() == ROWS
    readings.feed(*ROWS[:3], ROWS[5])
    readings.load(asset, D2)
    assert readings.published() == [*ROWS[:3], ROWS[5]]
    readings.feed()
    readings.load(asset, D1, D2, D3)
    assert readings.published() == []
    readings.load(asset, D1)
    readings.feed(*ROWS)
    readings.load(asset, D2, D1, D3)
    assert readings.published() == ROWS
    assert readings.leftovers() == []
    assert set(readings.warehouse.log()) == {"success"}


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_the_whole_table_is_replaced(readings: ClickHouseProbe, way: str) -> None:
    ways: dict[str, Any] = {
        "query": readings.query(WHOLE_FEED),
        "stream": lambda slice_: readings.stream(slice_, WHOLE_FEED),
        "frame": readings.frame,
    }
    asset = readings.asset(ways[way], publication=Replace(), partitions_def=None)
    readings.feed(*ROWS)
    readings.load(asset)
    readings.load(asset)
    assert readings.published() == ROWS
    readings.feed(*ROWS[2:4])
    readings.load(asset)
    assert readings.published() == ROWS[2:4]
    readings.feed()
    readings.load(asset)
    assert readings.published() == []
    assert readings.leftovers() == []


def test_the_run_log_can_be_read_in_clickhouse(probe: ClickHouseProbe) -> None:
    probe.create()
    probe.feed(*ROWS)
    probe.load(probe.asset(), D1, D2)
    entries = "SELECT asset, partition_key, status, rows_written FROM ops.etl_run_log ORDER BY id"
    assert probe.ask(entries) == probe.warehouse.rows(entries)
    assert len(probe.ask(entries)) == 2
