"""The marts of the delivery service, in ClickHouse. What each column says stands in its description."""

from __future__ import annotations

from marts_platform import settings
from marts_platform.core.audit import unique
from marts_platform.core.mart import keyed_mart, mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Keyed, Replace
from marts_platform.core.rows import Query
from marts_platform.core.window import Slice
from marts_platform.delivery.assets.ods import FRESHNESS


@mart(
    asset="delivery/popular_routes",
    ddl="delivery/ddl/clickhouse/popular_routes.sql",
    publication=Replace("day"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_orders"],
    audits=[unique("day", "source_address_id", "target_address_id")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def popular_routes(_: Slice) -> Query:
    """How often each route was ordered on a day."""
    return Query("delivery/marts/popular_routes.sql")


order_conversion = keyed_mart(
    asset="delivery/order_conversion",
    ddl="delivery/ddl/clickhouse/order_conversion.sql",
    publication=Keyed(
        touched="delivery/marts/order_conversion_touched.sql",
        rebuild="delivery/marts/order_conversion_rebuild.sql",
    ),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_orders", "delivery/fact_pipelines", "delivery/fact_deliveries"],
    audits=[unique("day")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)


@mart(
    asset="delivery/order_sla",
    ddl="delivery/ddl/clickhouse/order_sla.sql",
    publication=Replace("day"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_stages"],
    audits=[unique("day", "stage")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def order_sla(_: Slice) -> Query:
    """How long the stages of a day took."""
    return Query("delivery/marts/order_sla.sql")


performer_activity = keyed_mart(
    asset="delivery/performer_activity",
    ddl="delivery/ddl/clickhouse/performer_activity.sql",
    publication=Keyed(
        touched="delivery/marts/performer_activity_touched.sql",
        rebuild="delivery/marts/performer_activity_rebuild.sql",
    ),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_deliveries"],
    audits=[unique("day", "performer_id")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)


@mart(
    asset="delivery/courier_efficiency",
    ddl="delivery/ddl/clickhouse/courier_efficiency.sql",
    publication=Replace(),
    warehouse="clickhouse",
    upstream=["delivery/performer_activity"],
    audits=[unique("performer_id")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def courier_efficiency(_: Slice) -> Query:
    """How each performer does over the whole history."""
    return Query("delivery/marts/courier_efficiency.sql")


def payout_scope() -> str:
    """The setting that decides what pay-outs are: another share makes every day of order_roi stale."""
    return f"payout share {settings.load().delivery_payout_share}"


@mart(
    asset="delivery/order_roi",
    ddl="delivery/ddl/clickhouse/order_roi.sql",
    publication=Replace("day"),
    warehouse="clickhouse",
    partitions_def=DAILY,
    upstream=["delivery/fact_deliveries"],
    scope=payout_scope,
    audits=[unique("day", "order_type")],
    kinds=("clickhouse", "sql"),
    freshness=FRESHNESS,
)
def order_roi(_: Slice) -> Extract:
    """What the deliveries of a day earned and cost."""
    share = str(settings.load().delivery_payout_share)
    return Extract(Query("delivery/marts/order_roi.sql", {"share": share}), scope=payout_scope())
