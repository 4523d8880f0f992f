"""The shop's events: the messages of its topic, each once, typed by the warehouse; and what is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.audit import unique
from marts_platform.core.checks import Finding, Outside, day_check, slice_check, stream_check
from marts_platform.core.mart import mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Append, Extract
from marts_platform.core.sensors import source_schedule, source_sensor
from marts_platform.core.sql import compose
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.resources.kafka import KafkaSource, messages
from marts_platform.resources.postgres import Limits, PostgresResource

if TYPE_CHECKING:
    from collections.abc import Collection

ASSET = "shop/kafka_events"
# The settings that name its topics.
TOPICS = {ASSET: ["shop_events_topic"]}


def _zone() -> Mapping[str, object]:
    return {"zone": settings.load().shop_events_timezone}


@mart(
    asset=ASSET,
    ddl="shop/ddl/kafka_events.sql",
    publication=Append(),
    warehouse="postgres",
    source="kafka",
    landing=messages("shop/events/typed.sql", _zone),
    audits=[unique("kafka_topic", "kafka_partition", "kafka_epoch", "kafka_offset")],
    kinds=("postgres", "kafka"),
    pool="kafka",
    freshness=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26)),
)
def kafka_events(slice_: Slice, kafka: KafkaSource, postgres: PostgresIOManager) -> Extract:
    """The events that came since the last run, up to the ends of the topic at this moment."""
    return kafka.read(ASSET, postgres.stream_positions(ASSET))


nothing_lost = stream_check(kafka_events)


def undated_events(warehouse: PostgresIOManager, whole: Window) -> Outside:
    """Count the events before ``MARTS_START`` and beyond today, by the producer's time."""
    return Outside(**warehouse.row("shop/checks/events_undated.sql", Slice(None, whole)))


events_have_days = day_check(kafka_events, "postgres", undated_events, days=DAILY)


def known_users(server: PostgresResource, users: Collection[int]) -> set[int]:
    """Which of these users the shop has."""
    limits = Limits(settings.load().source_probe_timeout_seconds, read_only=True)
    with server.connect(limits, purpose="check") as connection, connection.cursor() as cursor:
        cursor.execute(compose("shop/checks/known_users.sql"), {"users": list(users)})
        return {row[0] for row in cursor.fetchall()}


def newest_users_are_known(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    """Compares the users of the newest events with the shop's, if its database is one of the settings."""
    if settings.load().shop_url is None:
        unset = settings.variable("shop_url")
        return Finding(True, {"note": f"{unset} is not set, so nobody can say which users there are"})
    warehouse: PostgresIOManager = resources["postgres"]
    events: dict[int, int] = warehouse.row("shop/checks/events_by_user.sql", slice_)["events"]
    counted = {int(user): count for user, count in events.items()}
    unknown = counted.keys() - known_users(PostgresResource(setting="shop_url"), counted.keys())
    figures = {
        "users": len(counted),
        "users_unknown": len(unknown),
        "events": sum(counted.values()),
        "events_of_unknown_users": sum(counted[user] for user in unknown),
    }
    return Finding(not unknown, figures)


users_are_known = slice_check(
    kafka_events,
    "users_are_known",
    "Each of the newest events (10,000 messages of a partition) is of a user that the shop has; the events "
    "of others are kept, and counted here.",
    ["postgres"],
    newest_users_are_known,
    lookback=1,
)

_NOW = settings.load()

shop_events = source_sensor(
    "shop_events",
    [kafka_events],
    lookback=1,
    interval_seconds=_NOW.sensor_interval_seconds,
    description="Compares the ends of the events' topic with where the reader stands, and reads what came.",
)

shop_events_hourly = source_schedule(
    "shop_events_hourly",
    [kafka_events],
    cron="15 * * * *",
    timezone="UTC",
    lookback=1,
    description="The sensor's fallback: the same comparison, every hour.",
)
