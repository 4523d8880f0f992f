"""When the chat's star schema is brought up to date."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.chat import assets
from marts_platform.core.sensors import source_schedule, source_sensor

_NOW = settings.load()
_ASSETS = [
    assets.users,
    assets.products,
    assets.chats,
    assets.messages,
    assets.message_facts,
    assets.chat_senders,
    assets.chat_facts,
    assets.user_dimension,
    assets.daily_activity_facts,
    assets.hourly_activity_facts,
    assets.time_dimension,
]

chat_messages = source_sensor(
    "chat_messages",
    _ASSETS,
    lookback=_NOW.lookback_days,
    interval_seconds=_NOW.sensor_interval_seconds,
    swept=_NOW.swept_days,
    swept_rows=_NOW.chat_sweep_messages,
    description="Compares the chat's newest days, and older ones in turn, with what was loaded.",
)

chat_schedule = source_schedule(
    "chat_schedule",
    _ASSETS,
    cron=_NOW.chat_cron,
    timezone="UTC",
    lookback=30,
    swept=30,
    swept_rows=_NOW.chat_sweep_messages,
    description="The same comparison over 30 days, and over older ones in turn, every hour unless "
    "MARTS_CHAT_CRON says otherwise.",
)
