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
    description="Compares the newest days of Camunda's history with the mart, and loads those that differ.",
)

camunda_nightly = source_schedule(
    "camunda_nightly",
    _ASSETS,
    cron="30 1 * * *",
    timezone="UTC",
    lookback=30,
    description="The sensor's fallback: the same comparison over 30 days, every night, and over 30 older "
    "ones by lot, of which the engine's clean-up may have deleted rows.",
    # Not the sensor: to count all rows of an old day reads them from the engine's disk.
    swept=30,
)
