"""Values that the raw table cannot hold: the row arrives without them or is quarantined; its day loads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from marts_platform.bionicpro.sources import TelemetrySource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform_tests.bionicpro.world import COLUMNS, DAY, MART, SUMMARY, TELEMETRY, World, action, at

FREE = "; ".join(f"ALTER TABLE telemetry_data ALTER {column} DROP NOT NULL" for column in COLUMNS)


def test_a_missing_value_of_the_source_stops_no_day(world: World) -> None:
    world.source(f"{FREE}; ALTER TABLE telemetry_data DROP CONSTRAINT telemetry_data_pkey")
    world.source("ALTER TABLE telemetry_data ALTER id DROP NOT NULL")
    world.write(action(1), action(2), action(3), action(4))
    world.source("UPDATE telemetry_data SET user_id = NULL WHERE id = 2")
    world.source("UPDATE telemetry_data SET prosthesis_id = NULL WHERE id = 3")
    world.source("UPDATE telemetry_data SET id = NULL, user_id = NULL WHERE id = 4")
    figures = world.load(DAY)[0].figures
    assert (figures.rows_read, figures.rows_written) == (4, 2)
    assert (figures.rows_quarantined, figures.values_quarantined) == (2, 1)
    assert {(key, reason) for key, reason, _ in world.quarantine(TELEMETRY)} == {
        (None, "id is not a whole number of 64 bits; user_id is not a whole number of 32 bits"),
        ("2", "user_id is not a whole number of 32 bits"),
        ("3", "prosthesis_id is missing"),
    }
    assert world.reports("user_id, prosthesis_id") == [
        {"user_id": 1, "prosthesis_id": "PROT-001"}, {"user_id": 3, "prosthesis_id": ""},
    ]  # fmt: skip
    state = TelemetrySource().source_state(TELEMETRY, [slice_of(DAILY, DAY.isoformat())])
    assert [(state.fingerprints[DAY.isoformat()],)] == world.postgres.rows(
        "SELECT fingerprint FROM ops.etl_run_log WHERE asset = %s", TELEMETRY
    )


WIDE = ("user_id", "response_time_ms", "battery_level", "duration_seconds")


BEYOND: list[tuple[str, int | str]] = [
    ("user_id", 2**31),
    ("user_id", "1.5"),
    ("user_id", "NaN"),
    ("id", 2**63),
    ("duration_seconds", 2**31),
    ("duration_seconds", -(2**31) - 1),
    ("duration_seconds", "0.5"),
    ("response_time_ms", "1e309"),
    ("battery_level", "-1e-400"),
]


def test_a_number_beyond_its_column_stops_no_day(world: World) -> None:
    for name in ("id", *WIDE):
        world.source(f"ALTER TABLE telemetry_data ALTER {name} TYPE numeric")
    world.write(*(action(1, prosthesis=f"P{number}") for number in range(10)))
    for number, (column, value) in enumerate(BEYOND):
        world.source(f"UPDATE telemetry_data SET {column} = %s WHERE prosthesis_id = 'P{number}'", value)
    figures = world.load(DAY)[0].figures
    assert (figures.rows_read, figures.rows_quarantined, figures.values_quarantined) == (10, 4, 5)
    entries = [
        (reason, json.loads(payload, parse_float=str)) for _, reason, payload in world.quarantine(TELEMETRY)
    ]
    found = {said["prosthesis_id"]: (reason, said) for reason, said in entries}
    for number, (column, value) in enumerate(BEYOND):
        reason, said = found[f"P{number}"]
        assert reason.startswith(f"{column} is ")
        assert str(Decimal(said[column]).normalize()) == str(Decimal(value).normalize())
    assert [row["prosthesis_id"] for row in world.reports()] == ["P4", "P5", "P6", "P7", "P8", "P9"]
    assert [row["usage_samples"] for row in world.reports()] == [0, 0, 0, 1, 1, 1]


def test_a_rejected_value_is_compared_and_corrected(world: World) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    world.source("ALTER TABLE telemetry_data ALTER duration_seconds TYPE bigint")
    world.write(action(1, at(12, day=yesterday)))
    for seconds, quarantined in ((2**40, 1), (2**41, 1), (60, 0)):
        world.source("UPDATE telemetry_data SET duration_seconds = %s", seconds)
        assert world.pending()[TELEMETRY] == [yesterday.isoformat()]
        world.load(yesterday)
        assert not {TELEMETRY, MART, SUMMARY} & world.pending().keys()
        assert len(world.quarantine(TELEMETRY)) == quarantined


def test_an_impossible_time_stops_no_planning(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_TELEMETRY_TIMEZONE", "America/New_York")
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    world.source(FREE)
    world.write(action(1, at(12, day=yesterday)))
    for moment in ("infinity", "294276-12-31 23:59:59", "-infinity", "0001-01-01", None):
        world.write(action(2) | {"created_at": moment})
    assert world.pending()[TELEMETRY] == [yesterday.isoformat()]
    world.load(yesterday)
    assert world.pending().get(TELEMETRY) is None


def test_a_source_with_its_own_defaults_sends_the_same_values(world: World) -> None:
    name = world.source("SELECT current_database()")[0][0]
    for setting in (
        "DateStyle = 'German, DMY'",
        "extra_float_digits = 0",
        "standard_conforming_strings = off",
    ):
        world.source(f'ALTER DATABASE "{name}" SET {setting}')
    world.write(action(1, at(13), 0.1 + 0.2, "\\!|", seconds=7))
    world.load(DAY, assets=[TELEMETRY])
    found = world.rows("SELECT created_at, response_time_ms, action_type FROM bionicpro_raw.telemetry")
    assert found == [
        {"created_at": at(13).replace(tzinfo=UTC), "response_time_ms": 0.1 + 0.2, "action_type": "\\!|"}
    ]
    slice_ = slice_of(DAILY, DAY.isoformat())
    state = TelemetrySource().source_state(TELEMETRY, [slice_]).fingerprints[DAY.isoformat()]
    logged = world.postgres.rows("SELECT fingerprint FROM ops.etl_run_log WHERE asset = %s", TELEMETRY)
    assert logged == [(state,)]
