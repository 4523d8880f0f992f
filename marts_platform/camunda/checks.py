"""Checks of what is published of Camunda: against the source, and in itself."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from marts_platform import settings
from marts_platform.camunda.assets import act_hi_detail, process_documents
from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.checks import Finding, Outside, day_check, slice_check, volume_check
from marts_platform.core.window import Slice, Window
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.masking import raises_cleaned

_LOOKBACK = settings.load().lookback_days
# The engine's clean-up deletes what is due; a week leaves time to load what is missing.
_PURGE_NOTICE = timedelta(days=7)


def _agreement(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    source: CamundaSource = resources["camunda"]
    warehouse: PostgresIOManager = resources["postgres"]
    read_until = warehouse.read_until("camunda/act_hi_detail", slice_.partition_key)
    there = source.checksum(slice_, read_until)
    here = warehouse.row("camunda/checks/checksum_mart.sql", slice_)
    return Finding(
        there == here,
        {
            "rows_at_source": there["rows_counted"],
            "rows_in_mart": here["rows_counted"],
            "checksum_at_source": str(there["checksum"]),
            "checksum_in_mart": str(here["checksum"]),
        },
    )


source_agreement = slice_check(
    act_hi_detail,
    "agrees_with_source",
    "Source and mart have the same rows, by count and by an order-independent checksum of their values. "
    "Rows that the engine's clean-up deletes after a load show here until the day is loaded again.",
    ["postgres", "camunda"],
    _agreement,
    lookback=_LOOKBACK,
)


def _nothing_withdrawn(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    warehouse: PostgresIOManager = resources["postgres"]
    found = warehouse.row("camunda/checks/withdrawn.sql", slice_)
    return Finding(found["rows_withdrawn"] == 0, found)


nothing_withdrawn = slice_check(
    act_hi_detail,
    "nothing_withdrawn",
    "No change is gone at the source though the engine's clean-up cannot have taken it: its process lives. "
    "The engine was restored from a backup, or somebody deleted the row. marts forget camunda deletes a "
    "process from the marts as well.",
    ["postgres"],
    _nothing_withdrawn,
    lookback=_LOOKBACK,
)


def _not_newer(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    source: CamundaSource = resources["camunda"]
    warehouse: PostgresIOManager = resources["postgres"]
    newest_here = warehouse.row("camunda/checks/newest_in_mart.sql", slice_)["newest"]
    newest_there = source.newest()
    passed = newest_here is None or (newest_there is not None and newest_here <= newest_there)
    return Finding(passed, {"newest_in_mart": str(newest_here), "newest_at_source": str(newest_there)})


not_newer_than_source = slice_check(
    act_hi_detail,
    "not_newer_than_source",
    "The mart holds no change that is newer than the newest one at the source.",
    ["postgres", "camunda"],
    _not_newer,
    lookback=_LOOKBACK,
)


def _json_is_valid(slice_: Slice, resources: Mapping[str, Any]) -> Finding:
    warehouse: PostgresIOManager = resources["postgres"]
    standing = warehouse.row("camunda/checks/values_in_quarantine.sql", slice_)
    return Finding(standing["values_quarantined"] == 0, standing)


json_valid = slice_check(
    process_documents,
    "json_valid",
    "Every docIds and contextData of the day could be read; ops.quarantine has those that could not.",
    ["postgres"],
    _json_is_valid,
    lookback=_LOOKBACK,
)


def _outside(source: CamundaSource, whole: Window) -> Outside:
    return source.outside(whole)


every_row_has_a_day = day_check(act_hi_detail, "camunda", _outside)

usual_volume = volume_check(act_hi_detail, lookback=_LOOKBACK)


@dg.asset_check(
    asset=act_hi_detail.key,
    name="extracted_before_purge",
    description="No change that the engine's clean-up may delete within seven days is missing in the mart.",
    required_resource_keys={"postgres", "camunda"},
)
@raises_cleaned
def extracted_before_purge(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Compares the days of rows that are due for the engine's clean-up with the days in the run log."""
    source: CamundaSource = context.resources.camunda
    warehouse: PostgresIOManager = context.resources.postgres
    due = source.due_for_purge(datetime.now(UTC) + _PURGE_NOTICE)
    published = warehouse.last_published("camunda/act_hi_detail")
    never = {day: rows for day, rows in due.items() if day not in published}
    return dg.AssetCheckResult(
        passed=not never,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "rows_due": sum(due.values()),
            "rows_never_extracted": sum(never.values()),
            "days_never_extracted": ", ".join(sorted(never)[:50]),
        },
    )
