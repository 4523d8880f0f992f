"""When BionicPRO's marts are brought up to date."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.bionicpro.assets import crm_users, reports_data_mart, telemetry, user_reports_summary
from marts_platform.core.sensors import source_schedule, source_sensor

_NOW = settings.load()
_ASSETS = [telemetry, crm_users, reports_data_mart, user_reports_summary]

bionicpro_changes = source_sensor(
    "bionicpro_changes",
    _ASSETS,
    lookback=_NOW.lookback_days,
    interval_seconds=_NOW.sensor_interval_seconds,
    swept=_NOW.swept_days,
    description="Compares the newest days of telemetry, and a few older ones in turn, with the marts, and "
    "loads those that differ; takes a snapshot of the CRM once a day.",
)

bionicpro_nightly = source_schedule(
    "bionicpro_nightly",
    _ASSETS,
    # The reports wait for the night's snapshot, so at the first time they may not be asked for yet; at the
    # second one it was taken, or the CRM is away.
    cron=["0 2 * * *", "15 2 * * *"],
    timezone=_NOW.reports_timezone,
    lookback=30,
    swept=30,
    description="The night's reports: the same comparison over 30 days, and over 30 older ones in turn.",
)
