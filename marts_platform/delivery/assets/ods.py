"""The delivery service's ODS, in Postgres: its tables, with what its retention has deleted."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from marts_platform.core.audit import Audit, unique
from marts_platform.core.mart import keyed_mart, mart
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Extract, Keyed, Replace
from marts_platform.core.window import Slice
from marts_platform.delivery.sources import DeliverySource

FRESHNESS = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=26))

_KNOWN_STATUS = Audit(
    "known_status",
    "delivery/audits/known_status.sql",
    "Every status is one of the service's five.",
    blocking=False,
)


def _times_in_order(key: str, earlier: str, later: str) -> Audit:
    return Audit(
        f"{later}_follows_{earlier}",
        "delivery/audits/times_in_order.sql",
        f"No {later} is before its {earlier}; the marts count no negative time.",
        blocking=False,
        identifiers={"key": key, "earlier": earlier, "later": later},
    )


@mart(
    asset="delivery/orders",
    ddl="delivery/ddl/orders.sql",
    publication=Replace("registered_at", keep="delivery/ods/orders_keep.sql"),
    warehouse="postgres",
    partitions_def=DAILY,
    lookups=["delivery/replica"],
    audits=[unique("id")],
    fingerprint="delivery/raw/orders_fingerprint.sql",
    source="delivery",
    kinds=("postgres",),
    pool="delivery",
    freshness=FRESHNESS,
)
def orders(slice_: Slice, delivery: DeliverySource) -> Extract:
    """The orders that were registered on a day."""
    return delivery.rows("orders", slice_)


@mart(
    asset="delivery/pipelines",
    ddl="delivery/ddl/pipelines.sql",
    publication=Replace("created_at", keep="delivery/ods/pipelines_keep.sql"),
    warehouse="postgres",
    partitions_def=DAILY,
    lookups=["delivery/replica"],
    audits=[unique("id"), _KNOWN_STATUS, _times_in_order("id", "started_at", "finished_at")],
    quarantine="delivery/ods/pipelines_quarantine.sql",
    fingerprint="delivery/raw/pipelines_fingerprint.sql",
    source="delivery",
    kinds=("postgres",),
    pool="delivery",
    freshness=FRESHNESS,
)
def pipelines(slice_: Slice, delivery: DeliverySource) -> Extract:
    """The pipelines that began on a day."""
    return delivery.rows("pipelines", slice_)


@mart(
    asset="delivery/stages",
    ddl="delivery/ddl/stages.sql",
    publication=Replace("created_at", keep="delivery/ods/stages_keep.sql"),
    warehouse="postgres",
    partitions_def=DAILY,
    lookups=["delivery/replica"],
    audits=[unique("id"), _KNOWN_STATUS, _times_in_order("id", "started_at", "finished_at")],
    quarantine="delivery/ods/stages_quarantine.sql",
    fingerprint="delivery/raw/stages_fingerprint.sql",
    source="delivery",
    kinds=("postgres",),
    pool="delivery",
    freshness=FRESHNESS,
)
def stages(slice_: Slice, delivery: DeliverySource) -> Extract:
    """The stages that began on a day."""
    return delivery.rows("stages", slice_)


@mart(
    asset="delivery/deliveries",
    ddl="delivery/ddl/deliveries.sql",
    publication=Replace("created_at", keep="delivery/ods/deliveries_keep.sql"),
    warehouse="postgres",
    partitions_def=DAILY,
    lookups=["delivery/replica"],
    audits=[unique("pipeline_id"), _times_in_order("pipeline_id", "assigned_at", "released_at")],
    quarantine="delivery/ods/deliveries_quarantine.sql",
    fingerprint="delivery/raw/deliveries_fingerprint.sql",
    source="delivery",
    kinds=("postgres",),
    pool="delivery",
    freshness=FRESHNESS,
)
def deliveries(slice_: Slice, delivery: DeliverySource) -> Extract:
    """The deliveries of the pipelines that began on a day."""
    return delivery.rows("deliveries", slice_)


performers = keyed_mart(
    asset="delivery/performers",
    ddl="delivery/ddl/performers.sql",
    publication=Keyed(
        touched="delivery/ods/performers_touched.sql", rebuild="delivery/ods/performers_rebuild.sql"
    ),
    warehouse="postgres",
    partitions_def=DAILY,
    upstream=["delivery/deliveries"],
    audits=[unique("id")],
    kinds=("postgres", "sql"),
    freshness=FRESHNESS,
)
