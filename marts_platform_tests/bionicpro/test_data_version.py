"""The telemetry's data version: any change of a stored column is seen, and none is made up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marts_platform import definitions
from marts_platform.bionicpro.sources import TelemetrySource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.sensors import run_requests
from marts_platform_tests.bionicpro.test_sensors import KEYS
from marts_platform_tests.bionicpro.world import DAY, MART, SUMMARY, TELEMETRY, World, action, at, customer

YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)
NAN = float("nan")

CORRECTIONS = [
    "user_id = 4242, response_time_ms = response_time_ms * 2",
    "user_id = 2",
    "prosthesis_id = 'PROT-002'",
    "created_at = created_at - interval '1 microsecond'",
    "response_time_ms = 100.00000000000001",
    "response_time_ms = NULL",
    "action_type = 'flex'",
    "action_type = NULL",
    "action_type = ''",
    "action_type = '~'",
    "battery_level = 49.99999999999999",
    "battery_level = '-0'",
    "battery_level = 'NaN'",
    "duration_seconds = 59",
    "duration_seconds = NULL",
    "prosthesis_id = 'A|=grasp', action_type = NULL",
]


def state_at_source(world: World) -> str:
    """The state of yesterday as planning compares it."""
    key = YESTERDAY.isoformat()
    return TelemetrySource().source_state(TELEMETRY, [slice_of(DAILY, key)]).fingerprints[key]


def test_each_correction_of_a_stored_column_makes_its_day_stale(world: World) -> None:
    world.write(*(action(1, at(12, minute, day=YESTERDAY)) for minute in range(3)))
    world.load(YESTERDAY)
    seen = {state_at_source(world)}
    for correction in CORRECTIONS:
        world.source(f"UPDATE telemetry_data SET {correction} WHERE id = 1")
        assert (state := state_at_source(world)) not in seen, correction
        seen.add(state)
    assert world.pending()[TELEMETRY] == [YESTERDAY.isoformat()]
    world.load(YESTERDAY)
    assert TELEMETRY not in world.pending()


def test_a_corrected_user_reaches_the_report(world: World) -> None:
    day = YESTERDAY.isoformat()
    world.customers = [customer(1), customer(4242)]
    world.snapshot()
    world.write(action(1, at(12, day=YESTERDAY)), action(1, at(13, day=YESTERDAY)))
    world.load(YESTERDAY)
    assert world.pending() == {}
    world.source(f"UPDATE telemetry_data SET {CORRECTIONS[0]} WHERE id = 1")
    asked = run_requests(KEYS, definitions.RESOURCES, world.instance, 3)
    assert [request.partition_key for request in asked] == [day]
    assert world.pending() == {TELEMETRY: [day], MART: [day], SUMMARY: [day]}
    world.load(YESTERDAY)
    assert world.reports("user_id, avg_response_time") == [
        {"user_id": 1, "avg_response_time": 100.0}, {"user_id": 4242, "avg_response_time": 200.0},
    ]  # fmt: skip
    assert world.pending() == {}


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/St_Johns"])
def test_values_of_every_kind_have_one_version_in_both_engines(
    world: World, monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("MARTS_TELEMETRY_TIMEZONE", zone)
    days = (date(2024, 3, 31), date(2024, 10, 27), DAY)
    floats = [0.0, -0.0, NAN, float("inf"), float("-inf"), 5e-324, -1.7976931348623157e308, 0.1 + 0.2, None]
    texts = ["", "~", "=", "\\", "|", "\\p", "a|~", "\t\\N\n", "Хват 🦾", "NULL", None]
    for day in days:
        world.write(
            *(
                action(
                    place,
                    at(place % 24, 59, day=day) + timedelta(microseconds=place * 111_111),
                    value,
                    texts[place % len(texts)],
                    floats[-place % len(floats)],
                    [0, -1, 2**31 - 1, None][place % 4],
                    prosthesis=texts[-place % len(texts)] or "a",
                )
                for place, value in enumerate(floats * 2)
            )
        )
    # What a computation leaves behind: NaN with its sign set.
    world.source("UPDATE telemetry_data SET battery_level = 'inf'::float8 - 'inf'::float8 WHERE user_id = 3")
    for day in days:
        world.load(day, assets=[TELEMETRY])
        slice_ = slice_of(DAILY, day.isoformat())
        found = TelemetrySource().source_state(TELEMETRY, [slice_]).fingerprints[day.isoformat()]
        ((logged,),) = world.postgres.rows(
            "SELECT fingerprint FROM ops.etl_run_log WHERE asset = %s AND partition_key = %s",
            TELEMETRY,
            day.isoformat(),
        )
        assert found == logged
        assert not found.startswith("0 ")
