"""Windows and whole tables are replaced: whatever the rows come from, whatever the table is made of.

The same input gives the same table, however often and in whatever order it runs, and a window that has no
rows any more ends empty.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
from psycopg2.errors import CheckViolation, NotNullViolation

from marts_platform.core.path import Extract, Replace
from marts_platform.core.window import Slice
from marts_platform_tests.io_managers.probe import (
    DAILY,
    DAYS,
    PLAIN,
    WHOLE_FEED,
    Probe,
    failure,
    row,
)

D1, D2, D3 = DAYS[:3]
ROWS = [
    row(D1, 1, "a", hour=0),
    row(D1, 2, None),
    row(D1, 3, ""),
    row(D2, 1, "b", hour=0),
    row(D2, 2, "c", hour=23),
    row(D3, 1, "d"),
]
MORE = "2024-03-01T23:59:59.999999+00:00"


@pytest.fixture(params=["plain", "partitioned"])
def readings(request: pytest.FixtureRequest, probe: Probe) -> Probe:
    """The domain with each kind of table."""
    if request.param == "plain":
        probe.create()
    else:
        probe.create_partitioned()
    return probe


@pytest.fixture(params=["query", "stream", "frame"])
def asset(request: pytest.FixtureRequest, readings: Probe) -> dg.AssetsDefinition:
    """The mart, of rows that come in each way."""
    ways: dict[str, Any] = {"query": readings.query(), "stream": readings.stream, "frame": readings.frame}
    return readings.asset(ways[request.param])


def test_a_window_gets_its_rows_and_no_others(readings: Probe, asset: dg.AssetsDefinition) -> None:
    readings.feed(*ROWS)
    readings.load(asset, D1)
    assert readings.published() == ROWS[:3]
    readings.load(asset, D2)
    assert readings.published() == ROWS[:5]


def test_the_same_window_twice_is_the_same_table(readings: Probe, asset: dg.AssetsDefinition) -> None:
    readings.feed(*ROWS)
    readings.load(asset, D1, D2, D3)
    readings.load(asset, D2)
    readings.load(asset, D1, D2, D3)
    assert readings.published() == ROWS
    assert readings.leftovers() == []


def test_a_window_that_had_rows_and_has_none_any_more_ends_empty(
    readings: Probe, asset: dg.AssetsDefinition
) -> None:
    readings.feed(*ROWS)
    readings.load(asset, D1, D2, D3)
    readings.feed(*ROWS[:3], ROWS[5])
    readings.load(asset, D2)
    assert readings.published() == [*ROWS[:3], ROWS[5]]
    assert readings.warehouse.log("status, rows_read, rows_written")[-1] == ("success", 0, 0)
    readings.feed(*ROWS)
    readings.load(asset, D2)
    assert readings.published() == ROWS


def test_changed_and_vanished_rows_are_gone_after_the_next_load(
    readings: Probe, asset: dg.AssetsDefinition
) -> None:
    readings.feed(*ROWS)
    readings.load(asset, D1)
    corrected = [row(D1, 1, "corrected", hour=0), row(D1, 4, "late", hour=1)]
    readings.feed(*corrected)
    readings.load(asset, D1)
    assert readings.published() == corrected


def test_days_in_any_order_give_the_same_table(readings: Probe) -> None:
    asset = readings.asset()
    readings.feed(*ROWS)
    for order in ((D3, D1, D2, D3), (D2, D1, D1, D3)):
        readings.load(asset, *order)
        assert readings.published() == ROWS
        readings.warehouse.rows("TRUNCATE probe.readings")


def test_a_window_ends_before_its_end(readings: Probe) -> None:
    last = (readings.warehouse.one("SELECT %s::timestamptz", MORE), 9, "the last microsecond")
    readings.feed(*ROWS, last)
    readings.load(readings.asset(), D1)
    assert readings.published() == [*ROWS[:3], last]


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_rows_outside_of_the_window_are_refused(readings: Probe, way: str) -> None:
    # Published, they would be there twice after the load of their own window, or of this one again.
    ways: dict[str, Any] = {
        "query": readings.query(WHOLE_FEED),
        "stream": lambda slice_: readings.stream(slice_, WHOLE_FEED),
        "frame": lambda _: readings.frame(Slice()),
    }
    readings.feed(ROWS[0], ROWS[3])
    with pytest.raises(CheckViolation, match="within_window"):
        readings.load(readings.asset(ways[way]), D1)
    assert readings.published() == []
    assert readings.leftovers() == []


def test_a_row_without_a_time_is_refused(probe: Probe) -> None:
    probe.create(PLAIN.replace("at timestamptz NOT NULL", "at timestamptz"))
    nowhere = probe.query("SELECT NULL::timestamptz AS at, 1 AS sensor, 'a' AS value")
    with pytest.raises(CheckViolation, match="within_window"):
        probe.load(probe.asset(nowhere), D1)
    assert probe.published() == []


@pytest.mark.parametrize(
    ("publication", "partitions"), [(Replace("at"), None), (Replace(), DAILY)], ids=["column", "partitions"]
)
def test_a_column_without_partitions_is_refused_and_so_are_partitions_without_a_column(
    probe: Probe, publication: Replace, partitions: dg.TimeWindowPartitionsDefinition | None
) -> None:
    # The first would publish the same rows once more with each run, the second keep the last partition only.
    probe.create()
    with pytest.raises(ValueError, match="Replace takes a time column"):
        probe.asset(publication=publication, partitions_def=partitions)


@pytest.mark.parametrize("way", ["query", "stream", "frame"])
def test_a_whole_table_is_replaced(probe: Probe, way: str) -> None:
    probe.create()
    ways: dict[str, Any] = {
        "query": probe.query(WHOLE_FEED),
        "stream": lambda slice_: probe.stream(slice_, WHOLE_FEED),
        "frame": probe.frame,
    }
    asset = probe.asset(ways[way], publication=Replace(), partitions_def=None)
    for rows in (ROWS, ROWS[:2], ROWS[:2], [], ROWS[2:]):
        probe.feed(*rows)
        probe.load(asset)
        assert probe.published() == rows
    log = probe.warehouse.log("partition_key, status, rows_written, window_start")
    assert log == [(None, "success", count, None) for count in (6, 2, 2, 0, 4)]
    assert probe.leftovers() == []


def test_rows_that_the_source_lost_can_be_kept(readings: Probe) -> None:
    keep = readings.write_sql(
        "probe/raw/keep.sql",
        """
        SELECT at, sensor, value || ' (kept)' AS value FROM probe.readings AS published
        WHERE at >= %(start)s AND at < %(end)s AND sensor < %(limit)s
            AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.sensor = published.sensor)
        """,
    )
    query = readings.query()
    asset = readings.asset(
        lambda _: Extract(query, params={"limit": 3}), publication=Replace("at", keep=keep)
    )
    readings.feed(row(D1, 1, "a"), row(D1, 2, "b"), row(D1, 3, "c"))
    readings.load(asset, D1)
    readings.feed(row(D1, 1, "new"))
    readings.load(asset, D1)
    assert readings.published() == [row(D1, 1, "new"), row(D1, 2, "b (kept)")]
    assert readings.warehouse.log("rows_read, rows_written, rows_kept")[-1] == (1, 1, 1)


def test_a_partition_has_the_parents_indexes_and_no_constraint_of_staging(probe: Probe) -> None:
    probe.create_partitioned()
    probe.feed(*ROWS)
    probe.load(probe.asset(), D1)
    (partition,) = probe.warehouse.one(
        "SELECT array_agg(inhrelid::regclass::text) FROM pg_inherits AS i "
        "WHERE inhparent = 'probe.readings'::regclass"
    )
    assert partition == "probe_partitions.readings_20240301"
    attached = "SELECT count(*) FROM pg_inherits WHERE inhparent = %s::regclass"
    assert probe.warehouse.one(attached, "probe.readings_key") == 1
    assert probe.warehouse.one(attached, "probe.readings_by_value") == 1
    checks = "SELECT count(*) FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'c'"
    assert probe.warehouse.one(checks, partition) == 0


def test_a_value_that_must_not_be_missing_is_refused(readings: Probe, asset: dg.AssetsDefinition) -> None:
    readings.feed(*ROWS)
    readings.load(asset, D1)
    readings.feed((ROWS[0][0], None, "nobody's"))  # pyright: ignore[reportArgumentType] # the feed takes it
    with pytest.raises(NotNullViolation, match="sensor"):
        readings.load(asset, D1)
    assert readings.published() == ROWS[:3]
    assert readings.leftovers() == []
    assert readings.warehouse.log() == ["success", "failed"]


def test_a_range_of_days_is_one_run_in_dagster(probe: Probe) -> None:
    probe.create_partitioned()
    probe.feed(*ROWS)
    result = probe.run(probe.asset(), D1, D3)
    assert result.success, failure(result)
    assert probe.published() == ROWS
    log = probe.warehouse.log("partition_key, status, rows_read, rows_written, rows_quarantined, run_id")
    assert log == [(day, "success", n, n, 0, result.run_id) for day, n in ((D1, 3), (D2, 2), (D3, 1))]
    materialized = result.get_asset_materialization_events()
    assert {event.partition for event in materialized} == {D1, D2, D3}
    assert [_rows_of(event) for event in sorted(materialized, key=lambda one: str(one.partition))] == [
        3,
        2,
        1,
    ]


def _rows_of(event: dg.DagsterEvent) -> object:
    return event.materialization.metadata["dagster/partition_row_count"].value
