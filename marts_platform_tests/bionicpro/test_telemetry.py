"""Telemetry as it comes: values, zones, late rows, the open day, and what no day can have."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import psycopg2
import pytest

from marts_platform import definitions
from marts_platform.bionicpro import checks
from marts_platform.bionicpro.sources import TelemetrySource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.resources import postgres_source
from marts_platform.resources.postgres_source import SourceScanRefusedError
from marts_platform_tests.bionicpro.oracle import float32
from marts_platform_tests.bionicpro.world import (
    DAY,
    MART,
    SUMMARY,
    TELEMETRY,
    World,
    action,
    at,
    customer,
    utc,
)

NEXT = DAY + timedelta(days=1)
RAW = "SELECT * EXCEPT id FROM bionicpro_raw.telemetry ORDER BY created_at, user_id"


def test_every_value_arrives_as_it_is(world: World) -> None:
    rows = [
        action(1, at(1), None, None, None, None),
        action(2, at(2), 0.0, "", 0.0, 0),
        action(3, at(3), 0.1 + 0.2, "Хват 🦾\t\\N\n", 1e-300, 2**31 - 1, prosthesis="a\\tb"),
        action(4, at(23, 59).replace(second=59, microsecond=999_999), -1.5e300, "\\", 99.9, 1),
    ]
    world.write(*rows)
    world.load(DAY, assets=[TELEMETRY])
    expected = [row | {"created_at": row["created_at"].replace(tzinfo=UTC)} for row in rows]
    assert world.rows(RAW) == expected
    found = [(key, reason) for key, reason, _ in world.quarantine(TELEMETRY)]
    assert found == [("4", "response_time_ms is beyond what a report can hold")]


def test_a_value_that_is_none_counts_as_missing_and_is_in_quarantine(world: World) -> None:
    nan, infinite = float("nan"), float("-inf")
    world.write(
        action(1, at(1), nan, battery=infinite, seconds=-60), action(1, at(2), 80.0), action(-1, at(3))
    )
    figures = world.load(DAY)[0].figures
    assert (figures.rows_written, figures.rows_quarantined, figures.values_quarantined) == (3, 0, 4)
    assert sorted((key, reason) for key, reason, _ in world.quarantine(TELEMETRY)) == [
        ("1", "battery_level is not a finite number"),
        ("1", "duration_seconds is negative"),
        ("1", "response_time_ms is not a finite number"),
        ("3", "user_id is negative, which no customer is"),
    ]
    assert world.reports(
        "user_id, total_actions, avg_response_time, response_time_samples, total_usage_seconds"
    ) == [
        {
            "user_id": 1, "total_actions": 2, "avg_response_time": 80.0, "response_time_samples": 1,
            "total_usage_seconds": 60,
        }
    ]  # fmt: skip
    world.source("UPDATE telemetry_data SET response_time_ms = 1, battery_level = 1, duration_seconds = 1")
    world.source("UPDATE telemetry_data SET user_id = 1")
    world.load(DAY, assets=[TELEMETRY])
    assert world.quarantine(TELEMETRY) == []


def test_a_number_beyond_the_reports_counts_as_missing_and_is_in_quarantine(world: World) -> None:
    # The greatest Float32 is 3.4028235e38.
    world.write(action(1, at(1), 1e39, battery=-1e300), action(1, at(2), 3.4e38, battery=3.4e38))
    assert world.load(DAY)[0].figures.values_quarantined == 2
    assert sorted((key, reason) for key, reason, _ in world.quarantine(TELEMETRY)) == [
        ("1", "battery_level is beyond what a report can hold"),
        ("1", "response_time_ms is beyond what a report can hold"),
    ]
    names = ("avg_response_time", "max_response_time", "avg_battery_level", "min_battery_level")
    (row,), (day,) = world.reports(), world.summary()
    assert {row[name] for name in names} == {float32(3.4e38)}
    assert {day[name] for name in names} == {3.4e38}
    assert row["response_time_samples"] == row["battery_level_samples"] == 1


def test_a_missing_value_is_told_from_a_real_zero(world: World) -> None:
    world.write(action(1, response=None, battery=None), action(2, response=0.0, battery=0.0))
    world.load(DAY)
    assert world.reports(
        "avg_response_time, efficiency_score, response_time_samples, avg_battery_level, battery_level_samples"
    ) == [
        {
            "avg_response_time": 0.0, "efficiency_score": score, "response_time_samples": samples,
            "avg_battery_level": 0.0, "battery_level_samples": samples,
        }
        for score, samples in ((0.0, 0), (100.0, 1))
    ]  # fmt: skip


def test_a_sum_that_the_mart_cannot_hold_is_refused_and_not_wrapped(world: World) -> None:
    world.write(*(action(1, seconds=2**31 - 1) for _ in range(3)))
    with pytest.raises(Exception, match="UInt32"):
        world.load(DAY)
    assert world.reports() == []


def test_a_day_is_a_day_in_utc_also_where_the_sources_clocks_shift(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Berlin, 31 March 2024: 02:00 becomes 03:00. UTC's day begins at 01:00 there and ends at 02:00 the next.
    monkeypatch.setenv("MARTS_TELEMETRY_TIMEZONE", "Europe/Berlin")
    spring = date(2024, 3, 31)
    after = spring + timedelta(days=1)
    world.write(
        action(1, at(0, 59, day=spring)),
        action(2, at(1, day=spring)),
        action(3, at(1, 59, day=after)),
        action(4, at(2, day=after)),
    )
    world.load(spring - timedelta(days=1), spring, after)
    assert [(row["user_id"], row["report_date"]) for row in world.reports()] == [
        (1, spring - timedelta(days=1)), (2, spring), (3, spring), (4, after),
    ]  # fmt: skip
    assert [row["created_at"] for row in world.rows(RAW)][1:3] == [
        utc(2024, 3, 31, 0, 0),
        utc(2024, 3, 31, 23, 59),
    ]


def test_late_telemetry_makes_its_day_pending_and_rebuilds_it(world: World) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    day = yesterday.isoformat()
    world.customers = [customer(1)]
    world.write(action(1, at(0, 5, day=yesterday)))
    assert world.pending()[MART] == [day]
    world.snapshot()
    world.load(yesterday)
    assert world.pending() == {}
    world.write(action(1, at(0, 1, day=yesterday)))
    assert world.pending() == {TELEMETRY: [day], MART: [day], SUMMARY: [day]}
    world.load(yesterday)
    assert world.reports("total_actions") == [{"total_actions": 2}]
    assert world.pending() == {}
    # A corrected value, and a row that is gone.
    world.source("UPDATE telemetry_data SET duration_seconds = 61 WHERE id = 1")
    assert world.pending()[TELEMETRY] == [day]
    world.load(yesterday)
    world.source("DELETE FROM telemetry_data WHERE id = 1")
    assert world.pending()[TELEMETRY] == [day]


def test_the_open_day_is_read_below_open_transactions(world: World) -> None:
    today = datetime.now(UTC).date()
    slice_ = slice_of(DAILY, today.isoformat())
    now = datetime.now(UTC).replace(tzinfo=None)
    with psycopg2.connect(world.source_url) as open_, open_.cursor() as cursor:
        cursor.execute(
            "INSERT INTO telemetry_data (user_id, prosthesis_id, created_at) VALUES (1, 'late', %s)", [now]
        )
        extract = TelemetrySource().actions(slice_)
        assert extract.read_until is not None
        assert extract.read_until.replace(tzinfo=None) < now
    assert TelemetrySource().actions(slice_of(DAILY, DAY.isoformat())).read_until is None


def test_a_scan_of_a_big_table_is_refused(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_source, "_SCANNABLE_PAGES", 0)
    world.write(*(action(number) for number in range(200)))
    world.source("ANALYZE telemetry_data")
    world.load(DAY, assets=[TELEMETRY])
    world.source("DROP INDEX telemetry_data_3")
    with pytest.raises(SourceScanRefusedError, match="would scan telemetry_data"):
        world.load(DAY, assets=[TELEMETRY])


def test_the_checks_see_what_differs_from_the_source(world: World) -> None:
    world.write(action(1), action(2), action(3, at(12, day=NEXT)))
    world.run(days=2)
    world.clickhouse.command(
        "ALTER TABLE bionicpro_raw.telemetry UPDATE battery_level = 50.00000000000001 WHERE user_id = 1 "
        "SETTINGS mutations_sync = 2"
    )
    world.clickhouse.command(
        "ALTER TABLE bionicpro_reports.reports_data_mart DELETE WHERE user_id = 2 SETTINGS mutations_sync = 2"
    )
    world.source("ALTER TABLE telemetry_data ALTER created_at DROP NOT NULL")
    world.source(
        "INSERT INTO telemetry_data (user_id, prosthesis_id, created_at) "
        "VALUES (1, 'p', 'infinity'), (1, 'p', '-infinity'), (1, 'p', now() + interval '3 days'), "
        "(1, 'p', '2019-12-31 23:59:59'), (1, 'p', '0001-01-01'), (1, 'p', '294276-12-31 23:59'), "
        "(1, 'p', NULL)"
    )
    found = {
        evaluation.check_name: evaluation
        for evaluation in _evaluations(world)
        if evaluation.check_name in ("agrees_with_source", "agrees_with_telemetry", "every_row_has_a_day")
    }
    assert {name: evaluation.passed for name, evaluation in found.items()} == {
        "agrees_with_source": False, "agrees_with_telemetry": False, "every_row_has_a_day": False,
    }  # fmt: skip
    metadata = found["agrees_with_source"].metadata
    assert metadata["failed"].value == DAY.isoformat()
    assert metadata["rows_at_source"].value == metadata["rows_in_mart"].value == 2
    assert found["agrees_with_telemetry"].metadata["actions_in_reports"].value == 1
    assert found["every_row_has_a_day"].metadata["rows_outside"].value == 7
    assert found["every_row_has_a_day"].metadata["earliest"].value == "-infinity"


def _evaluations(world: World) -> list[Any]:
    found = dg.load_asset_checks_from_modules([checks])
    keys = {key for definition in found for key in definition.check_keys}
    job = definitions.defs.resolve_implicit_global_asset_job_def()
    subset = job.get_subset(asset_selection=set(), asset_check_selection=keys)
    return list(subset.execute_in_process(instance=world.instance).get_asset_check_evaluations())
