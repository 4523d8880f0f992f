"""When Camunda's marts are brought up to date."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.camunda.assets import act_hi_detail, process_documents, process_variables
from marts_platform.core.sensors import source_schedule, source_sensor

_NOW = settings.load()
_ASSETS = [act_hi_detail, process_variables, process_documents]

camunda_changes = source_sensor(
    "camunda_changes",
    _ASSETS,
    lookback=_NOW.lookback_days,
    interval_seconds=_NOW.sensor_interval_seconds,
    # One day of any age: to count all rows of an old day reads them from the engine's disk.
    swept=min(_NOW.swept_days, 1),
    description="Compares the newest days of Camunda's history, and an older one in turn, with the mart, and "
    "loads those that differ.",
)

camunda_nightly = source_schedule(
    "camunda_nightly",
    _ASSETS,
    cron="30 1 * * *",
    timezone="UTC",
    lookback=30,
    swept=30,
    description="The sensor's fallback: the same comparison over 30 days, and over 30 older ones in turn, "
    "every night.",
)
