"""The delivery service's facts, in ClickHouse: the ODS's rows, and states of what is counted by the hour."""

from __future__ import annotations

from marts_platform.core.audit import unique
from marts_platform.core.mart import mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Replace
from marts_platform.core.rows import Query
from marts_platform.core.sql import compose
from marts_platform.core.window import Slice
from marts_platform.delivery.assets.ods import FRESHNESS
from marts_platform.delivery.ods_events import OdsEvents
from marts_platform.resources.postgres import CopyOut, PostgresResource

_ORDER_COLUMNS = ("id", "source_address_id", "target_address_id", "extra", "registered_at")
_TIMES = ("created_at", "started_at", "finished_at")
_PIPELINE_COLUMNS = ("id", "order_id", "order_registered_at", "status", "message", *_TIMES)
_STAGE_COLUMNS = ("id", "pipeline_id", "name", "status", "message", *_TIMES)
_DELIVERY_COLUMNS = (
    "pipeline_id",
    "order_id",
    "order_type",
    "status",
    "cost",
    "estimated_at",
    "performer_id",
    "assigned_at",
    "released_at",
    "created_at",
)

_EVENT_COLUMNS = ("event_id", "event_type", "event_data", "event_datetime")


def _from_ods(fact: str, columns: tuple[str, ...], slice_: Slice) -> CopyOut:
    """The ODS's rows of a day, as the text of COPY."""
    assert slice_.window is not None  # the assets are partitioned
    return CopyOut(
        PostgresResource(setting="warehouse_url"),
        compose(f"delivery/dds/{fact}.sql"),
        columns,
        {"start": slice_.window.start, "end": slice_.window.end},
        purpose=f"dds.{fact} {slice_}",
        format="postgres-text",
    )


@mart(
    asset="delivery/fact_orders",
    ddl="delivery/ddl/clickhouse/fact_orders.sql",
    publication=Replace("registered_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/orders"],
    audits=[unique("id")],
    kinds=("clickhouse",),
    freshness=FRESHNESS,
)
def fact_orders(slice_: Slice) -> CopyOut:
    """The orders that were registered on a day."""
    return _from_ods("fact_orders", _ORDER_COLUMNS, slice_)


@mart(
    asset="delivery/fact_pipelines",
    ddl="delivery/ddl/clickhouse/fact_pipelines.sql",
    publication=Replace("created_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/pipelines"],
    audits=[unique("id")],
    kinds=("clickhouse",),
    freshness=FRESHNESS,
)
def fact_pipelines(slice_: Slice) -> CopyOut:
    """The pipelines that began on a day."""
    return _from_ods("fact_pipelines", _PIPELINE_COLUMNS, slice_)


@mart(
    asset="delivery/fact_stages",
    ddl="delivery/ddl/clickhouse/fact_stages.sql",
    publication=Replace("created_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/stages"],
    audits=[unique("id")],
    kinds=("clickhouse",),
    freshness=FRESHNESS,
)
def fact_stages(slice_: Slice) -> CopyOut:
    """The stages that began on a day."""
    return _from_ods("fact_stages", _STAGE_COLUMNS, slice_)


@mart(
    asset="delivery/fact_deliveries",
    ddl="delivery/ddl/clickhouse/fact_deliveries.sql",
    publication=Replace("created_at"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/deliveries"],
    audits=[unique("pipeline_id")],
    kinds=("clickhouse",),
    freshness=FRESHNESS,
)
def fact_deliveries(slice_: Slice) -> CopyOut:
    """The deliveries of the pipelines that began on a day."""
    return _from_ods("fact_deliveries", _DELIVERY_COLUMNS, slice_)


@mart(
    asset="delivery/hourly_orders_mv",
    ddl="delivery/ddl/clickhouse/hourly_orders_states.sql",
    publication=Replace("hour"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_orders"],
    audits=[unique("hour")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def hourly_orders_mv(_: Slice) -> Query:
    """A day's orders by the hour, as states; the view of that name reads them."""
    return Query("delivery/hourly/hourly_orders_states.sql")


@mart(
    asset="delivery/hourly_deliveries_mv",
    ddl="delivery/ddl/clickhouse/hourly_deliveries_states.sql",
    publication=Replace("created_on"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_deliveries"],
    audits=[unique("created_on", "hour", "performer_id")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def hourly_deliveries_mv(_: Slice) -> Query:
    """A day's deliveries by the hour and performer, as states; the view of that name reads them."""
    return Query("delivery/hourly/hourly_deliveries_states.sql")


@mart(
    asset="delivery/fact_events",
    ddl="delivery/ddl/clickhouse/fact_events.sql",
    publication=Replace("event_datetime"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    lookups=["delivery/events"],
    audits=[unique("event_id")],
    fingerprint="delivery/hourly/fact_events_fingerprint.sql",
    source="ods_events",
    kinds=("clickhouse",),
    freshness=FRESHNESS,
)
def fact_events(slice_: Slice, ods_events: OdsEvents) -> Extract:
    """What the service said in Kafka on a day, by the broker's time."""
    seen = ods_events.load_seen(slice_)
    return Extract(_from_ods("fact_events", _EVENT_COLUMNS, slice_), scope=seen)


@mart(
    asset="delivery/hourly_events_mv",
    ddl="delivery/ddl/clickhouse/hourly_events_states.sql",
    publication=Replace("hour"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_events"],
    audits=[unique("hour", "event_type")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def hourly_events_mv(_: Slice) -> Query:
    """A day's messages by the hour and kind, as states; the view of that name reads them."""
    return Query("delivery/hourly/hourly_events_states.sql")
