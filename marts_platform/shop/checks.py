"""What is looked at of the shop's replica: that it is the source, row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dagster as dg

from marts_platform.core.canonical import Checksum, mysql_row
from marts_platform.core.checks import Finding, slice_check
from marts_platform.core.window import Slice
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.resources.mysql_text import quoted
from marts_platform.shop.assets import REPLICAS
from marts_platform.shop.sources import ShopSource, replica_of


def checksum_here(warehouse: MySQLIOManager, table: str) -> Checksum:
    """Count and order-independent checksum of a replica's rows."""
    declared = replica_of(table)
    text = mysql_row((quoted(column.name), column.type) for column in declared.columns)
    names = {"table": declared.qualified, "row": text.replace("%", "%%")}
    row = warehouse.row("shop/checks/mysql/checksum_replica.sql", Slice(), names)
    return Checksum(int(row["rows_counted"]), int(row["checksum"]))


def _agreement(table: str) -> Callable[[Slice, Mapping[str, Any]], Finding]:
    def examine(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
        source: ShopSource = resources["shop"]
        here, there = checksum_here(resources["mysql"], table), source.checksum(table)
        figures = {
            "rows_at_source": there.rows,
            "rows_in_replica": here.rows,
            "checksum_at_source": str(there.checksum),
            "checksum_in_replica": str(here.checksum),
        }
        return Finding(here == there, figures)

    return examine


def _agrees(table: str) -> dg.AssetChecksDefinition:
    return slice_check(
        REPLICAS[table],
        "agrees_with_source",
        "Source and replica have the same rows, by count and by an order-independent checksum of values, but "
        "for what stands in quarantine. What the source has changed since the load shows until the next one.",
        ["mysql", "shop"],
        _agreement(table),
        lookback=1,
    )


CHECKS = [_agrees(table) for table in REPLICAS]
