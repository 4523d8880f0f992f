"""Checks of what is published of the delivery service: against its source, and in itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.checks import Finding, Outside, day_check, slice_check, volume_check
from marts_platform.core.sql import compose
from marts_platform.core.window import Slice, Window
from marts_platform.delivery import replica_status
from marts_platform.delivery.assets import dds, ods
from marts_platform.delivery.sources import FEEDS, DeliverySource
from marts_platform.masking import raises_cleaned

if TYPE_CHECKING:
    from collections.abc import Mapping

    from marts_platform.io_managers.clickhouse import ClickHouseIOManager
    from marts_platform.io_managers.postgres import PostgresIOManager

_LOOKBACK = settings.load().lookback_days
# The pipelines of younger days are still under way, so the source goes on while a load ends and its check
# runs.
_SETTLED = timedelta(days=2)
_ASSETS = {
    "orders": ods.orders,
    "pipelines": ods.pipelines,
    "stages": ods.stages,
    "deliveries": ods.deliveries,
}


def ods_fingerprint(warehouse: PostgresIOManager, table: str, slice_: Slice) -> str:
    """The state of a window in the ODS, as `DeliverySource.fingerprint` tells it of the source."""
    from psycopg2.sql import SQL, Identifier

    names = {
        "columns": SQL("*"),
        "table": Identifier("ods", table),
        "column": Identifier(FEEDS[table].column),
    }
    rows = SQL("({}) AS staged").format(compose("postgres/select_window.sql", names))
    return str(
        warehouse.row(f"delivery/raw/{table}_fingerprint.sql", slice_, {"staged": rows})["fingerprint"]
    )


def _agreement(table: str, slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    source: DeliverySource = resources["delivery"]
    warehouse: PostgresIOManager = resources["postgres"]
    asset = f"delivery/{table}"
    assert slice_.window is not None  # the assets are partitioned
    read_until = warehouse.read_until(asset, slice_.partition_key)
    readable = slice_.window.until(read_until) if read_until else slice_.window
    if readable is None:
        return Finding(True, {"note": "the day had not begun when it was loaded"})
    there = source.fingerprint(table, slice_, read_until)
    here = ods_fingerprint(warehouse, table, Slice(slice_.partition_key, readable))
    figures: dict[str, Any] = {"at_source": there, "in_ods": here}
    if here == there:
        return Finding(True, figures)
    published = warehouse.last_published(asset).get(slice_.partition_key)
    is_moving = slice_.window.end > datetime.now(UTC) - _SETTLED
    if is_moving and published is not None and (published.fingerprint or "").partition("; ")[0] == here:
        return Finding(True, figures | {"note": "changed at the source since it was loaded"})
    return Finding(False, figures)


def _agrees_with_source(table: str) -> dg.AssetChecksDefinition:
    return slice_check(
        _ASSETS[table],
        "agrees_with_source",
        "Source and ODS have the same rows of the day, by count and by an order-independent checksum of "
        "their values; what the source's retention has deleted does not count.",
        ["postgres", "delivery"],
        partial(_agreement, table),
        lookback=_LOOKBACK,
    )


orders_agree = _agrees_with_source("orders")
pipelines_agree = _agrees_with_source("pipelines")
stages_agree = _agrees_with_source("stages")
deliveries_agree = _agrees_with_source("deliveries")

_FACTS = {
    "orders": dds.fact_orders,
    "pipelines": dds.fact_pipelines,
    "stages": dds.fact_stages,
    "deliveries": dds.fact_deliveries,
}


def _ods_agreement(table: str, slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    days = settings.load().delivery_ttl_days
    assert slice_.window is not None  # the assets are partitioned
    if days and slice_.window.start < datetime.now(UTC) - timedelta(days=days):
        return Finding(True, {"note": "older than what ClickHouse keeps (MARTS_DELIVERY_TTL_DAYS)"})
    warehouse: PostgresIOManager = resources["postgres"]
    clickhouse: ClickHouseIOManager = resources["clickhouse"]
    there = warehouse.row(f"delivery/ods/{table}_checksum.sql", slice_)
    here = clickhouse.row(f"delivery/checks/fact_{table}_checksum.sql", slice_)
    return Finding(
        there == here,
        {
            "rows_in_ods": there["rows_counted"],
            "rows_in_fact": here["rows_counted"],
            "checksum_in_ods": there["checksum"],
            "checksum_in_fact": here["checksum"],
        },
    )


def _agrees_with_ods(table: str) -> dg.AssetChecksDefinition:
    return slice_check(
        _FACTS[table],
        "agrees_with_ods",
        "ODS and facts have the same rows of the day, by count and by an order-independent checksum of their "
        "values.",
        ["postgres", "clickhouse"],
        partial(_ods_agreement, table),
        lookback=_LOOKBACK,
    )


fact_orders_agree = _agrees_with_ods("orders")
fact_pipelines_agree = _agrees_with_ods("pipelines")
fact_stages_agree = _agrees_with_ods("stages")
fact_deliveries_agree = _agrees_with_ods("deliveries")


def _every_row_has_a_day(table: str) -> dg.AssetChecksDefinition:
    def count(source: DeliverySource, whole: Window) -> Outside:
        return source.outside(table, whole)

    return day_check(_ASSETS[table], "delivery", count)


orders_have_days = _every_row_has_a_day("orders")
pipelines_have_days = _every_row_has_a_day("pipelines")
stages_have_days = _every_row_has_a_day("stages")
deliveries_have_days = _every_row_has_a_day("deliveries")

usual_volume = volume_check(ods.orders, lookback=_LOOKBACK)


REPLICA = dg.AssetKey(["delivery", "replica"])


def look_at_replica() -> tuple[bool, dict[str, Any]]:
    """Whether the replica is there and keeps up, and its figures; none is needed to read the source itself.

    Raises:
        psycopg2.OperationalError: a server cannot be reached.
    """
    now = settings.load()
    if now.delivery_replica_url is None:
        return True, {"note": "no replica is configured: the source itself is read"}
    found = replica_status.status(now.delivery_replica_patience_seconds)
    faults = found.faults(now.delivery_replica_max_wal_bytes)
    figures: dict[str, Any] = {"errors": found.errors, "faults": "; ".join(faults) or "none"}
    if found.lag_seconds is not None:
        figures["lag_seconds"] = round(found.lag_seconds, 3)
    if found.slot is not None:
        figures |= {"retained_bytes": found.slot.retained_bytes, "wal_status": found.slot.wal_status}
    return not faults, figures


REPLICA_CHECK = "replica_keeps_up"


@dg.asset_check(
    asset=REPLICA,
    name=REPLICA_CHECK,
    description="The replica confirms in time what the source has committed "
    "(MARTS_DELIVERY_REPLICA_PATIENCE_SECONDS), and its slot holds no more of the source's log than it may "
    "(MARTS_DELIVERY_REPLICA_MAX_WAL_BYTES).",
)
@raises_cleaned
def replica_keeps_up() -> dg.AssetCheckResult:
    """Measures the replica's lag, and looks at its slot."""
    passed, figures = look_at_replica()
    return dg.AssetCheckResult(passed=passed, severity=dg.AssetCheckSeverity.ERROR, metadata=figures)
