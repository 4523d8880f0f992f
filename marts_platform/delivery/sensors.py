"""When the delivery warehouse is brought up to date, and when its replica is looked at."""

from __future__ import annotations

import dagster as dg

from marts_platform import settings
from marts_platform.core.sensors import source_schedule, source_sensor
from marts_platform.delivery.assets import dds, marts, ods
from marts_platform.delivery.checks import REPLICA, REPLICA_CHECK, look_at_replica
from marts_platform.masking import raises_cleaned

_NOW = settings.load()
_ASSETS = [
    ods.orders,
    ods.pipelines,
    ods.stages,
    ods.deliveries,
    ods.performers,
    dds.fact_orders,
    dds.fact_pipelines,
    dds.fact_stages,
    dds.fact_deliveries,
    dds.hourly_orders_mv,
    dds.hourly_deliveries_mv,
    dds.fact_events,
    dds.hourly_events_mv,
    marts.popular_routes,
    marts.order_conversion,
    marts.order_sla,
    marts.performer_activity,
    marts.courier_efficiency,
    marts.order_roi,
]

delivery_changes = source_sensor(
    "delivery_changes",
    _ASSETS,
    lookback=_NOW.lookback_days,
    interval_seconds=_NOW.sensor_interval_seconds,
    swept=_NOW.swept_days,
    description="Compares the newest days of the delivery service, and a few older ones in turn, with the "
    "warehouse, and loads those that differ.",
)

delivery_nightly = source_schedule(
    "delivery_nightly",
    _ASSETS,
    cron="15 2 * * *",
    timezone="UTC",
    lookback=30,
    swept=30,
    description="The sensor's fallback: the same comparison over 30 days, and over 30 older ones in turn, "
    "every night.",
)


@dg.sensor(
    name="delivery_replica_lag",
    minimum_interval_seconds=60,
    description="Measures how long the replica takes to confirm what the source has committed.",
)
@raises_cleaned
def delivery_replica_lag(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Records an observation of the replica, and the result of its check."""
    passed, figures = look_at_replica()
    return dg.SensorResult(
        asset_events=[
            dg.AssetObservation(REPLICA, metadata=figures),
            dg.AssetCheckEvaluation(
                asset_key=REPLICA, check_name=REPLICA_CHECK, passed=passed, metadata=figures
            ),
        ]
    )
