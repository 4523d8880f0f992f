"""The partitions of the platform's marts: days, in UTC."""

from __future__ import annotations

import dagster as dg

from marts_platform import settings

# end_offset=1: today's partition is open, so that sensors can keep it up to date.
DAILY = dg.DailyPartitionsDefinition(start_date=settings.load().start_time, timezone="UTC", end_offset=1)
