"""Runs that are killed at any moment: what is published stays whole, the next run ends as the oracle says."""

from __future__ import annotations

import os
import signal
import time
from random import Random

from dagster import DagsterInstance

from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

KILLS = 10
# What a table has one row of; states are merged when they are read.
KEYS = {
    "dds.fact_orders": "id",
    "dds.fact_pipelines": "id",
    "dds.fact_stages": "id",
    "dds.fact_deliveries": "pipeline_id",
    "dds.hourly_orders_states": "hour",
    "dds.hourly_deliveries_states": "created_on, hour, performer_id",
    "delivery_marts.popular_routes": "day, source_address_id, target_address_id",
    "delivery_marts.order_conversion": "day",
    "delivery_marts.order_sla": "day, stage",
    "delivery_marts.performer_activity": "day, performer_id",
    "delivery_marts.courier_efficiency": "performer_id",
    "delivery_marts.order_roi": "day, order_type",
}


def killed_run(loaded: DeliveryWarehouse, seconds: float) -> bool:
    """A process that runs what is pending, killed after some seconds; False if it ended before."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            with DagsterInstance.ephemeral() as instance:
                loaded.instance = instance
                loaded.load_pending()
            status = 0
        finally:
            os._exit(status)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            assert status == 0
            return False
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def change(service: Service, random: Random) -> None:
    """Something that a day's rows and marts show: a new order, a new state of stages, another performer."""
    day = random.choice(DAYS)
    at = f"{day} {random.randrange(24):02}:00:00+00"
    (order,) = service.rows(
        """
        INSERT INTO "order" VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'late', %s)
        RETURNING id
        """,
        at,
    )
    service.execute(
        "INSERT INTO pipeline VALUES (gen_random_uuid(), %s, 'pending', NULL, %s, NULL, NULL)",
        order["id"],
        at,
    )
    service.execute(
        """
        UPDATE stage SET status = 'failed', message = %s
        WHERE id IN (SELECT id FROM stage WHERE created_at >= %s ORDER BY created_at, id LIMIT 3)
        """,
        str(random.random()),
        at,
    )
    service.execute(
        """
        UPDATE delivery SET performer_id = gen_random_uuid()
        WHERE pipeline_id = (
            SELECT id FROM pipeline JOIN delivery ON pipeline.id = delivery.pipeline_id
            WHERE created_at >= %s AND performer_id IS NOT NULL ORDER BY created_at, id LIMIT 1
        )
        """,
        at,
    )


def expect_whole(loaded: DeliveryWarehouse) -> None:
    """No row is there twice, whatever is published."""
    for table, keys in KEYS.items():
        ((rows, different),) = loaded.rows(f"(SELECT count(), uniqExact(tuple({keys})) FROM {table})")
        assert rows == different, table


def test_ten_kills_at_random_moments_are_healed_by_the_next_run(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    random = Random()
    loaded.load_pending()
    change(service, random)
    began = time.monotonic()
    loaded.load_pending()
    duration = time.monotonic() - began
    killed = 0
    while killed < KILLS:
        change(service, random)
        killed += killed_run(loaded, random.uniform(0, duration * 0.6))
        expect_whole(loaded)
    loaded.look()
    loaded.load_pending()
    loaded.expect_what_the_oracle_says()
    assert loaded.load_pending() == []
    assert "running" not in loaded.postgres.log()
    assert loaded.rows("(SELECT name FROM system.tables WHERE database = 'marts_staging')") == []
