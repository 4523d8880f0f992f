"""When the marts are asked for: with late telemetry, after the night's snapshot, without it if need be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

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
