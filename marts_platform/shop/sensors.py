"""When the shop's replica and its marts are brought up to date."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.core.sensors import source_schedule, source_sensor
from marts_platform.shop.assets import REPLICAS, product_sales_analytics, user_sales_analytics

_NOW = settings.load()
_ASSETS = [*REPLICAS.values(), user_sales_analytics, product_sales_analytics]

shop_changes = source_sensor(
    "shop_changes",
    _ASSETS,
    lookback=1,
    interval_seconds=_NOW.sensor_interval_seconds,
    description="Compares the state of the shop's tables with the replica's, and loads those that changed.",
)

shop_nightly = source_schedule(
    "shop_nightly",
    _ASSETS,
    cron="45 1 * * *",
    timezone="UTC",
    lookback=1,
    description="The sensor's fallback: the same comparison, every night.",
)
