"""Keyed marts in ClickHouse equal a rebuild from the raw history after any loads; rows that join others."""

from __future__ import annotations

import random

import dagster as dg
import pytest

from marts_platform.core.path import Append, Extract, Keyed
from marts_platform_tests.io_managers.clickhouse.probe import TABLE, ClickHouseProbe
from marts_platform_tests.io_managers.probe import DAYS, Row, row

SENSORS = """
-- The newest reading of each sensor, and how many there are.
CREATE TABLE probe.readings (
    at DateTime64(6, 'UTC'), -- When it was read last.
    sensor Int32, -- Which sensor.
    value Nullable(String), -- How many readings there are.
    from_day Date -- The day of the first of them.
)
ENGINE = MergeTree
"""
FORMS = {
    "one": SENSORS + "ORDER BY sensor",
    "many": SENSORS + "PARTITION BY toYYYYMMDD(at)\nORDER BY sensor",
}
# The keys that a day's rows touch, now or before: the feed's rows of the day, and the mart's that it fed.
TOUCHED = """
SELECT
    sensor,
    sensor % 2 = 0 AS in_doubt
FROM (
    SELECT sensor
    FROM probe.feed
    WHERE at >= {start:DateTime64(6, 'UTC')} AND at < {end:DateTime64(6, 'UTC')}
    UNION DISTINCT
    SELECT sensor
    FROM probe.readings
    WHERE from_day <= toDate({start:DateTime64(6, 'UTC')})
) AS concerned
"""
REBUILD = """
SELECT
    max(feed.at) AS at,
    feed.sensor AS sensor,
    CAST(count() AS Nullable(String)) AS value,
    toDate(min(feed.at)) AS from_day
FROM probe.feed AS feed
WHERE feed.sensor IN (SELECT sensor FROM {touched:Identifier})
GROUP BY feed.sensor
"""
TRUTH = (
    "SELECT max(f.at), f.sensor, toString(count()), toDate(min(f.at)) "
    "FROM probe.feed AS f GROUP BY f.sensor ORDER BY f.sensor"
)


def mart(probe: ClickHouseProbe, form: str) -> dg.AssetsDefinition:
    """The keyed mart on a table of a form."""
    probe.create(FORMS[form])
    touched = probe.write_sql("probe/marts/touched.sql", TOUCHED)
    rebuild = probe.write_sql("probe/marts/rebuild.sql", REBUILD)
    merge = probe.write_sql("probe/marts/merge.sql", REBUILD)
    return probe.asset(lambda _: Extract(None), publication=Keyed(touched, rebuild, merge))


@pytest.mark.parametrize("form", FORMS)
def test_a_keyed_mart_equals_a_rebuild_after_any_sequence(probe: ClickHouseProbe, form: str) -> None:
    asset = mart(probe, form)
    chance = random.Random(7)
    rows: list[Row] = []
    days = DAYS[:4]
    for step in range(8):
        day = days[step % 4] if step < 4 else chance.choice(days)
        # The day's rows are others now: some are new, some corrected, some are gone.
        rows = [one for one in rows if one[0].date().isoformat() != day]
        rows += [
            row(day, sensor, str(step), hour=chance.randrange(24)) for sensor in range(chance.randrange(7))
        ]
        probe.feed(*rows)
        probe.load(asset, day)
        found = probe.ask("SELECT at, sensor, value, from_day FROM probe.readings ORDER BY sensor")
        assert found == probe.ask(TRUTH), (step, day)
    assert probe.leftovers() == []
    assert set(probe.warehouse.log()) == {"success"}


def test_a_day_that_touches_nothing_changes_nothing(probe: ClickHouseProbe) -> None:
    asset = mart(probe, "one")
    probe.load(asset, DAYS[0])
    assert probe.ask("SELECT count() FROM probe.readings") == [(0,)]
    assert probe.warehouse.log("status, rows_read") == [("success", 0)]


@pytest.mark.parametrize("by", ["toYYYYMM(at)", "sensor % 3", "tuple()"])
def test_appended_rows_join_those_that_are_there(probe: ClickHouseProbe, by: str) -> None:
    probe.create(TABLE + f"PARTITION BY {by}\nORDER BY (sensor, at)")
    asset = probe.asset(
        lambda _: probe.query("SELECT at, sensor, value FROM probe.feed"),
        publication=Append(),
        partitions_def=None,
    )
    first = [row(DAYS[0], sensor, "first") for sensor in range(5)]
    second = [row(DAYS[1], sensor, "second") for sensor in range(4)]
    for rows in (first, second, []):
        probe.feed(*rows)
        probe.load(asset)
    assert probe.published() == first + second
    assert probe.leftovers() == []
