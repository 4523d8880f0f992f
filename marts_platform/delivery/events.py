"""What the delivery service says in Kafka: results of stages and triggers, each message once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import dagster as dg

from marts_platform import settings
from marts_platform.core.audit import unique
from marts_platform.core.checks import Outside, day_check, stream_check
from marts_platform.core.mart import mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Append, Extract
from marts_platform.core.sensors import source_schedule, source_sensor
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.resources.kafka import KafkaSource, messages

ASSET = "delivery/events"
# The settings that name its topics.
TOPICS = {ASSET: ["delivery_results_topic", "delivery_triggers_topic"]}

_NOW = settings.load()


def _topics() -> Mapping[str, object]:
    now = settings.load()
    return {"results": now.delivery_results_topic, "triggers": now.delivery_triggers_topic}


@mart(
    asset=ASSET,
    ddl="delivery/ddl/events.sql",
    publication=Append("event_timestamp"),
    warehouse="postgres",
    source="kafka",
    landing=messages("delivery/events/typed.sql", _topics),
    audits=[unique("event_id")],
    kinds=("postgres", "kafka"),
    pool="kafka",
    freshness=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26)),
)
def events(slice_: Slice, kafka: KafkaSource, postgres: PostgresIOManager) -> Extract:
    """The messages that came since the last run, up to the ends of both topics at this moment."""
    return kafka.read(ASSET, postgres.stream_positions(ASSET))


nothing_lost = stream_check(events)


def undated_events(warehouse: PostgresIOManager, whole: Window) -> Outside:
    """Count the messages that no day of the facts holds, by the broker's time."""
    from psycopg2.sql import Identifier

    names = {
        "table": Identifier("ods", "events"),
        "key": Identifier("event_id"),
        "column": Identifier("event_timestamp"),
    }
    return Outside(**warehouse.row("delivery/raw/undated.sql", Slice(None, whole), names))


events_have_days = day_check(events, "postgres", undated_events, days=DAILY)

delivery_events = source_sensor(
    "delivery_events",
    [events],
    lookback=1,
    interval_seconds=_NOW.sensor_interval_seconds,
    description="Compares the ends of the service's topics with where the reader stands; reads what came.",
)

delivery_events_hourly = source_schedule(
    "delivery_events_hourly",
    [events],
    cron="20 * * * *",
    timezone="UTC",
    lookback=1,
    description="The sensor's fallback: the same comparison, every hour.",
)
