"""Rows that move to another day of a table whose key spans all days: each is there once, on its new day."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import TYPE_CHECKING

import pytest
from psycopg2.errors import UniqueViolation

from marts_platform.core.mart import mart_of
from marts_platform.core.path import Replace
from marts_platform.core.pending import Reason, SourceState, pending_at_source, pending_from_upstream
from marts_platform.core.window import Slice
from marts_platform_tests.io_managers.probe import ASSET, COLUMNS, DAYS, FEED, PLAIN, Probe, Row, day_of, row

if TYPE_CHECKING:
    from dagster import AssetsDefinition

    from marts_platform.resources.postgres import CopyOut

D1, D2, D3, D4 = DAYS[:4]
KEYED = """
-- Readings of sensors, the newest of each.
CREATE TABLE probe.readings (
    at timestamptz NOT NULL, -- When it was read.
    sensor integer NOT NULL, -- Which sensor.
    value text, -- What it read.
    is_valid boolean NOT NULL DEFAULT true, -- Whether the source still has it.
    PRIMARY KEY (sensor)
)
"""
STATE = """
SELECT
    count(*) || ' rows '
    || coalesce(md5(string_agg(concat_ws('|', sensor, at, value), ',' ORDER BY sensor)), '') AS fingerprint
FROM {staged}
WHERE is_valid
"""
KEEP = """
SELECT published.at, published.sensor, published.value, FALSE AS is_valid
FROM probe.readings AS published
WHERE published.at >= %(start)s AND published.at < %(end)s
    AND NOT EXISTS (SELECT 1 FROM {staged} AS staged WHERE staged.sensor = published.sensor)
"""


@pytest.fixture
def readings(probe: Probe) -> Probe:
    """The domain with a key over all days."""
    probe.create(KEYED)
    return probe


def extract(readings: Probe) -> AssetsDefinition:
    """The mart of the feed, with its state, and with what the feed no longer has."""
    return readings.asset(
        readings.query(FEED.replace("value", "value, TRUE AS is_valid", 1)),
        publication=Replace("at", keep=readings.write_sql("probe/raw/keep.sql", KEEP)),
        fingerprint=readings.write_sql("probe/raw/state.sql", STATE),
    )


def state_of_feed(readings: Probe) -> SourceState:
    """Return the answers of a probe of every day."""
    states: dict[str | None, str] = {
        day: readings.warehouse.one(
            STATE.format(staged="probe.feed").replace(
                "WHERE is_valid", "WHERE at >= %s::date AND at < %s::date + 1"
            ),
            day,
            day,
        )
        for day in DAYS
    }
    with_rows = [day for day, state in states.items() if not state.startswith("0 ")]
    return SourceState(with_rows, states, "")


def settle(readings: Probe, asset: AssetsDefinition) -> int:
    """Loads what is pending until nothing is, as a sensor does; returns how many loads it took."""
    for loads in range(40):
        pending = pending_at_source(state_of_feed(readings), readings.manager.last_published(ASSET))
        if not pending:
            return loads
        readings.load(asset, str(Random(len(pending)).choice(sorted(map(str, pending)))))
    raise AssertionError("it never comes to rest")


def published(readings: Probe) -> dict[int, tuple[Row, bool]]:
    """The rows by sensor, with whether they are valid."""
    rows = readings.warehouse.rows("SELECT at, sensor, value, is_valid FROM probe.readings")
    return {sensor: ((at, sensor, value), is_valid) for at, sensor, value, is_valid in rows}


def versions(readings: Probe) -> dict[str | None, str | None]:
    """The data version of each day."""
    return {key: entry.fingerprint for key, entry in readings.manager.last_published(ASSET).items()}


@pytest.mark.parametrize("order", [(D1, D2), (D2, D1), (D2,)])
def test_moved_row_is_there_once_on_its_new_day(readings: Probe, order: tuple[str, ...]) -> None:
    asset = extract(readings)
    readings.feed(row(D1, 1), row(D1, 2), row(D2, 3))
    readings.load(asset, D1, D2)
    readings.feed(row(D2, 1), row(D1, 2), row(D2, 3))
    readings.load(asset, *order)
    moved = {1: (row(D2, 1), True), 2: (row(D1, 2), True), 3: (row(D2, 3), True)}
    assert published(readings) == moved
    settle(readings, asset)
    assert published(readings) == moved


def test_day_that_lost_a_row_is_stale_though_its_source_is_as_it_was(readings: Probe) -> None:
    asset = extract(readings)
    readings.feed(row(D1, 1), row(D2, 2))
    readings.load(asset, D1, D2)
    before = versions(readings)
    readings.feed(row(D2, 1), row(D2, 2))
    readings.load(asset, D2)
    readings.feed(row(D1, 1), row(D2, 2))  # it came back before its old day was looked at
    assert state_of_feed(readings).fingerprints[D1] == before[D1]
    assert versions(readings)[D1] is None
    nothing_probed = SourceState([D1, D2], {}, "")
    published_before = readings.manager.last_published(ASSET)
    assert pending_at_source(nothing_probed, published_before) == {D1: Reason.CHANGED}
    settle(readings, asset)
    assert published(readings) == {1: (row(D1, 1), True), 2: (row(D2, 2), True)}
    assert versions(readings) == before


def test_mart_of_the_day_that_lost_a_row_is_stale(readings: Probe) -> None:
    asset = extract(readings)
    readings.feed(row(D1, 1))
    readings.load(asset, D1)
    ddl = PLAIN.replace("probe.readings", "probe.made")
    readings.warehouse.rows(ddl)
    options = {"asset": "probe/made", "ddl": readings.write_sql("probe/ddl/made.sql", ddl.strip())}
    facts = readings.asset(readings.query(), **options, upstream=[ASSET])
    made = mart_of(facts.key).mart
    readings.load(facts, D1)

    def stale() -> set[str | None]:
        last = {name: readings.manager.last_published(name) for name in (ASSET, "probe/made")}
        return set(pending_from_upstream(made, last, {}))

    assert stale() == set()
    readings.feed(row(D2, 1))
    readings.load(asset, D2)
    assert stale() == {D1, D2}


@pytest.mark.parametrize("seed", range(4))
def test_random_moves_and_loads_equal_a_full_rebuild(readings: Probe, seed: int) -> None:
    random, days = Random(seed), (D1, D2, D3, D4)
    asset = extract(readings)
    source = {sensor: row(random.choice(days), sensor, "a") for sensor in range(6)}
    ever: set[int] = set()
    for _ in range(12):
        for sensor in random.sample(range(8), 2):
            if random.random() < 0.15:
                source.pop(sensor, None)
            else:
                # The same time again and again: a row that comes back is as it was.
                source[sensor] = row(random.choice(days), sensor, random.choice("ab"))
        readings.feed(*source.values())
        readings.load(asset, *random.sample(days, random.choice((1, 1, 2, 3))))
        ever |= set(published(readings))
    settle(readings, asset)
    rows = published(readings)
    assert {sensor: row for sensor, (row, is_valid) in rows.items() if is_valid} == source
    assert rows.keys() == ever | source.keys()
    assert pending_at_source(state_of_feed(readings), readings.manager.last_published(ASSET)) == {}


def test_two_days_that_load_the_same_row_at_once_end_with_one(readings: Probe) -> None:
    """One source shows the row on its old day still, the other on its new one: both loads succeed."""
    asset = extract(readings)
    both = threading.Barrier(2, timeout=60)

    def stream(slice_: Slice) -> CopyOut:
        both.wait()
        text = """
            SELECT %(start)s::timestamptz AS at, number AS sensor, NULL::text AS value, TRUE AS is_valid
            FROM generate_series(1, 400) AS number
        """
        return readings.stream(slice_, text, (*COLUMNS, "is_valid"))

    contested = readings.asset(
        stream, publication=mart_of(asset.key).mart.publication, fingerprint="probe/raw/state.sql"
    )
    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            assert len([*pool.map(lambda day: readings.load(contested, day), (D1, D2))]) == 2
        rows = readings.warehouse.rows("SELECT at::date::text, count(*) FROM probe.readings GROUP BY 1")
        ((day, count),) = rows
        assert count == 400
        assert versions(readings)[D1 if day == D2 else D2] is None
    readings.feed(*(row(D2, sensor) for sensor in range(1, 401)))
    settle(readings, extract(readings))
    assert published(readings) == {sensor: (row(D2, sensor), True) for sensor in range(1, 401)}


def test_key_that_is_twice_in_one_load_is_refused(readings: Probe) -> None:
    asset = readings.asset(readings.query(FEED.replace("value", "value, TRUE AS is_valid", 1)))
    readings.feed(row(D1, 1, "a"))
    readings.load(asset, D1)
    readings.feed(row(D2, 1, "b"), row(D2, 1, "c", hour=13))
    with pytest.raises(UniqueViolation):
        readings.load(asset, D2)
    assert published(readings) == {1: (row(D1, 1, "a"), True)}
    assert day_of(D1).partition_key in versions(readings)
