"""Windows and whole tables are replaced in ClickHouse: from whatever source, however it is partitioned.

The same input gives the same table, however often and in whatever order it runs, and a window that has no
rows any more ends empty.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from marts_platform.core.path import Replace
from marts_platform_tests.io_managers.clickhouse.probe import (
    BY_DAY,
    BY_MONTH,
    TABLE,
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


def test_a_window_gets_its_rows_twice_and_then_none(readings: ClickHouseProbe) -> None:
    asset = readings.asset(readings.stream)
    readings.feed(*ROWS)
    readings.load(asset, D1)
    assert readings.published() == ROWS[:3]
    readings.load(asset, D2, D3, D1)
    assert readings.published() == ROWS
    readings.feed(*ROWS[:3], ROWS[5])
    readings.load(asset, D2)
    assert readings.published() == [*ROWS[:3], ROWS[5]]
    assert readings.warehouse.log("status, rows_read, rows_written")[-1] == ("success", 0, 0)
    readings.feed()
    readings.load(asset, D1, D3)
    assert readings.published() == []
    assert readings.leftovers() == []
    assert set(readings.warehouse.log()) == {"success"}


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_a_late_row_and_a_correction_rebuild_their_day_only(probe: ClickHouseProbe, way: str) -> None:
    probe.create()
    ways: dict[str, Any] = {"query": probe.query(), "stream": probe.stream, "frame": probe.frame}
    asset = probe.asset(ways[way])
    probe.feed(*ROWS)
    probe.load(asset, D1, D2)
    corrected = [row(D1, 1, "corrected", hour=0), row(D1, 4, "late, \t\n\\ and \\N", hour=1)]
    probe.feed(*corrected, row(D2, 9, "not asked for"))
    probe.load(asset, D1)
    assert probe.published() == [*corrected, *ROWS[3:5]]
    figures = probe.warehouse.log("status, rows_read, rows_written, bytes_read IS NOT NULL")[-1]
    assert figures == ("success", 2, 2, way == "stream")


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_the_whole_table_is_replaced(probe: ClickHouseProbe, way: str) -> None:
    probe.create()
    ways: dict[str, Any] = {
        "query": probe.query(WHOLE_FEED),
        "stream": lambda slice_: probe.stream(slice_, WHOLE_FEED),
        "frame": probe.frame,
    }
    asset = probe.asset(ways[way], publication=Replace(), partitions_def=None)
    probe.feed(*ROWS)
    probe.load(asset)
    probe.load(asset)
    assert probe.published() == ROWS
    probe.feed()
    probe.load(asset)
    assert probe.published() == []
    assert probe.leftovers() == []


def test_a_table_of_more_than_a_hundred_partitions_is_written_at_once(probe: ClickHouseProbe) -> None:
    probe.create(BY_DAY)
    many = [row((date(2024, 1, 1) + timedelta(days=n)).isoformat(), n) for n in range(250)]
    probe.feed(*many)
    asset = probe.asset(probe.query(WHOLE_FEED), publication=Replace(), partitions_def=None)
    probe.load(asset)
    assert probe.published() == many
    probe.feed(*many[::2])
    probe.load(asset)
    assert probe.published() == many[::2]


def test_a_window_over_several_partitions_is_published_at_once(probe: ClickHouseProbe) -> None:
    # Two partitions in each day: one REPLACE PARTITION after the other would let readers see half of it.
    probe.create(TABLE + "PARTITION BY (toYYYYMM(at), sensor % 2)\nORDER BY (sensor, at)")
    asset = probe.asset(probe.stream)
    probe.feed(*ROWS)
    probe.load(asset, D1, D2, D3)
    assert probe.published() == ROWS
    probe.feed(*ROWS[1:4])
    probe.load(asset, D1, D2)
    assert probe.published() == [*ROWS[1:4], ROWS[5]]


def test_rows_published_before_stay_where_the_publication_keeps_them(probe: ClickHouseProbe) -> None:
    probe.create()
    keep = probe.write_sql(
        "probe/marts/keep.sql",
        "SELECT at, sensor, value FROM probe.readings WHERE at >= {start:DateTime64(6, 'UTC')} "
        "AND at < {end:DateTime64(6, 'UTC')} AND sensor NOT IN (SELECT sensor FROM {staged:Identifier})",
    )
    asset = probe.asset(probe.stream, publication=Replace("at", keep=keep))
    probe.feed(*ROWS)
    probe.load(asset, D1)
    probe.feed(row(D1, 2, "changed"))
    probe.load(asset, D1)
    assert probe.published() == [ROWS[0], row(D1, 2, "changed"), ROWS[2]]
    assert probe.warehouse.log("rows_read, rows_written, rows_kept")[-1] == (1, 1, 2)


def test_days_are_a_window_of_a_date_column_too(probe: ClickHouseProbe) -> None:
    probe.create(TABLE.replace("DateTime64(6, 'UTC')", "Date") + "PARTITION BY toYYYYMM(at)\nORDER BY sensor")
    text = (
        "SELECT toDate(at) AS at, sensor, value FROM probe.feed "
        "WHERE at >= {start:DateTime64(6, 'UTC')} AND at < {end:DateTime64(6, 'UTC')}"
    )
    asset = probe.asset(probe.query(text))
    probe.feed(*ROWS)
    probe.load(asset, D1, D2, D1)
    assert [(str(at), sensor) for at, sensor, _ in probe.published()] == [
        (D1, 1), (D1, 2), (D1, 3), (D2, 1), (D2, 2),
    ]  # fmt: skip
