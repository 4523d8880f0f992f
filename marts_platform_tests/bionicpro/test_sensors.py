"""When the marts are asked for: with late telemetry, after the night's snapshot, without it if need be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from marts_platform import definitions
from marts_platform.bionicpro import assets
from marts_platform.bionicpro.sensors import bionicpro_nightly
from marts_platform.core.sensors import run_requests
from marts_platform.resources.crm import CrmError
from marts_platform_tests.bionicpro.world import CRM, MART, SUMMARY, TELEMETRY, World, action, at, customer
from marts_platform_tests.http_service import Answer

KEYS = [
    assets.telemetry.key,
    assets.crm_users.key,
    assets.reports_data_mart.key,
    assets.user_reports_summary.key,
]
YESTERDAY = datetime.now(UTC).date() - timedelta(days=1)


def asked_for(world: World) -> list[tuple[str | None, set[str]]]:
    """Partition and assets of the runs that the sensor asks for now."""
    return [
        (request.partition_key, {key.to_user_string() for key in request.asset_selection or ()})
        for request in run_requests(KEYS, definitions.RESOURCES, world.instance, 3)
    ]


def test_reports_wait_for_the_nights_snapshot_and_not_for_a_crm_that_is_away(world: World) -> None:
    day = YESTERDAY.isoformat()
    world.write(action(1, at(12, day=YESTERDAY)))
    assert asked_for(world) == [(None, {CRM}), (day, {TELEMETRY, SUMMARY})]
    world.crm.answer = lambda _: Answer("no", 404)
    with pytest.raises(CrmError):
        world.snapshot()
    # It failed: the next try has its time, and the reports are made with what there is.
    assert asked_for(world) == [(day, {TELEMETRY, MART, SUMMARY})]
    world.load(YESTERDAY)
    assert asked_for(world) == []
    world.crm.answer = lambda _: Answer([customer(1)])
    world.snapshot()
    world.write(action(1, at(13, day=YESTERDAY)))
    assert asked_for(world) == [(day, {TELEMETRY, MART, SUMMARY})]


def test_every_night_at_two_with_a_second_look_and_retries() -> None:
    assert bionicpro_nightly.cron_schedule == ["0 2 * * *", "15 2 * * *"]
    assert bionicpro_nightly.execution_timezone == "UTC"
    for asset in (assets.telemetry, assets.crm_users, assets.reports_data_mart, assets.user_reports_summary):
        policy = asset.op.retry_policy
        assert isinstance(policy, dg.RetryPolicy)
        assert (policy.max_retries, policy.delay) == (2, 300)


def _days_asked_for(name: str, instance: dg.DagsterInstance) -> set[str]:
    """Evaluate the real sensor, or the real schedule, once."""
    given: dict[str, Any] = {
        "instance": instance,
        "resources": definitions.RESOURCES,
        "repository_def": definitions.defs.get_repository_def(),
    }
    if name == "bionicpro_nightly":
        with dg.build_schedule_context(**given) as context:
            tick: Any = definitions.defs.resolve_schedule_def(name).evaluate_tick(context)
    else:
        with dg.build_sensor_context(**given) as context:
            tick = definitions.defs.resolve_sensor_def(name).evaluate_tick(context)
    return {request.partition_key for request in tick.run_requests or () if request.partition_key}


@pytest.mark.parametrize(("name", "evaluations"), [("bionicpro_changes", 2), ("bionicpro_nightly", 1)])
def test_a_row_45_days_late_is_found_within_the_stated_evaluations(
    world: World, instance: dg.DagsterInstance, name: str, evaluations: int
) -> None:
    """Six loaded days older than both look-backs, three of them compared at each evaluation of the sensor."""
    days = [YESTERDAY - timedelta(days=number) for number in range(40, 46)]
    world.customers = [customer(1)]
    world.snapshot()
    world.write(*(action(1, at(12, day=day)) for day in days))
    world.load(*days)
    for late in (days[-1], days[0]):
        world.write(action(1, at(13, day=late)))
        found = [_days_asked_for(name, instance) for _ in range(evaluations)]
        assert set().union(*found) == {late.isoformat()}
        world.load(late)
    assert _days_asked_for(name, instance) == set()
