"""Checks of what is published of BionicPRO: against the source, and of the marts against each other."""

from collections.abc import Mapping
from typing import Any

from marts_platform import settings
from marts_platform.bionicpro.assets import reports_data_mart, telemetry
from marts_platform.bionicpro.sources import TelemetrySource
from marts_platform.core.checks import Finding, Outside, day_check, slice_check, volume_check
from marts_platform.core.mart import mart_of
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.clickhouse import ClickHouseIOManager

_LOOKBACK = settings.load().lookback_days


def _agreement(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    source: TelemetrySource = resources["telemetry"]
    warehouse: ClickHouseIOManager = resources["clickhouse"]
    read_until = warehouse.read_until("bionicpro/telemetry", slice_.partition_key)
    there = source.stored_state(slice_, read_until)
    here = warehouse.published_state(mart_of(telemetry.key).mart, slice_)
    figures: dict[str, Any] = {}
    for place, state in (("at_source", there), ("in_mart", here)):
        rows, checksum = state.split()
        figures |= {f"rows_{place}": int(rows), f"checksum_{place}": checksum}
    return Finding(there == here, figures)


source_agreement = slice_check(
    telemetry,
    "agrees_with_source",
    "Source and table have the same rows, by count and by an order-independent checksum of their values.",
    ["clickhouse", "telemetry"],
    _agreement,
    lookback=_LOOKBACK,
)

usual_volume = volume_check(telemetry, lookback=_LOOKBACK)


def _counts_agree(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    warehouse: ClickHouseIOManager = resources["clickhouse"]
    counted = warehouse.row("bionicpro/checks/reports_agree.sql", slice_)
    return Finding(counted["actions_in_telemetry"] == counted["actions_in_reports"], counted)


counts_agree = slice_check(
    reports_data_mart,
    "agrees_with_telemetry",
    "The reports of a day count as many actions as its telemetry has.",
    ["clickhouse"],
    _counts_agree,
    lookback=_LOOKBACK,
)


def _undated(source: TelemetrySource, whole: Window) -> Outside:
    return source.outside(whole)


every_row_has_a_day = day_check(telemetry, "telemetry", _undated)
