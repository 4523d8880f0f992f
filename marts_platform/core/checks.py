"""Factories for asset checks that look at what is published. They warn; audits are what blocks.

A check that cannot run raises, so an outage never looks like bad data.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any, Protocol

import dagster as dg

from marts_platform.core.mart import mart_of, slice_of
from marts_platform.core.pending import recent_keys
from marts_platform.core.planning import Ledger
from marts_platform.core.run_log import Published
from marts_platform.core.streams import Place, Position
from marts_platform.core.window import Slice, Window
from marts_platform.masking import raises_cleaned

# The usual volume of a day is the median of this many days before it.
_USUAL_DAYS = 14
_USUAL_FACTOR = 4.0
# A day counts as whole if this part of it was over when it was read. A source without rows in the evening is
# not read again after midnight.
_WHOLE_SHARE = 0.75
# How long what happened to a topic stays worth a look.
_INCIDENT_DAYS = 7
# Below so few rows a factor says nothing.
_USUAL_ROWS = 100


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found in one slice: whether it is well, and the figures."""

    passed: bool
    figures: dict[str, Any]


def slice_check(
    asset: dg.AssetsDefinition,
    name: str,
    description: str,
    resources: Sequence[str],
    examine: Callable[[Slice, Mapping[str, Any]], Finding],
    *,
    lookback: int,
) -> dg.AssetChecksDefinition:
    """A check of the partitions that a run has, or of the newest ones when it is run by itself.

    Args:
        asset: what is checked.
        name: of the check.
        description: what holds if it passes.
        resources: keys of the resources that `examine` takes.
        examine: looks at one slice.
        lookback: how many of the newest partitions it looks at outside a partitioned run.
    """

    def each(slices: Iterable[Slice], given: Mapping[str, Any]) -> dict[str, Finding]:
        return {str(slice_): examine(slice_, given) for slice_ in slices}

    return _slices_check(asset, name, description, resources, each, lookback=lookback)


def _slices_check(
    asset: dg.AssetsDefinition,
    name: str,
    description: str,
    resources: Sequence[str],
    examine: Callable[[Iterable[Slice], Mapping[str, Any]], Mapping[str, Finding]],
    *,
    lookback: int,
) -> dg.AssetChecksDefinition:
    """A `slice_check` whose `examine` looks at all of the slices, and gives what it found by slice."""

    @dg.asset_check(
        asset=asset.key, name=name, description=description, required_resource_keys=set(resources)
    )
    @raises_cleaned
    def check(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        given = {key: getattr(context.resources, key) for key in resources}
        return _result(examine(_slices(context, asset.key, lookback), given))

    return check


@dataclass(frozen=True, slots=True)
class Outside:
    """Rows of a source that no partition holds; times as text, since an engine's infinity is no Python time.

    Attributes:
        rows_outside: their number.
        one_of_them: the key of one.
        earliest: the first of their times.
        latest: the last of their times.
    """

    rows_outside: int
    one_of_them: str | None = None
    earliest: str | None = None
    latest: str | None = None


def day_check(
    asset: dg.AssetsDefinition,
    resource: str,
    count: Callable[[Any, Window], Outside],
    *,
    days: dg.TimeWindowPartitionsDefinition | None = None,
) -> dg.AssetChecksDefinition:
    """Create the check ``every_row_has_a_day``: count the source's rows outside of all partitions.

    It runs with each load of the asset, so `count` reads ranges of an index.

    Args:
        asset: a mart that reads the source.
        resource: key of the resource that `count` takes.
        count: counts the rows whose time is missing or not in a window: before ``MARTS_START``, beyond
            today, or infinite. It takes the resource and the window of all partitions, the open one included.
        days: the partitions, by default the asset's; of an appended table those of what is made of it.
    """
    definition = days or mart_of(asset.key).partitions_def
    assert definition is not None  # a table without days has every row

    @dg.asset_check(
        asset=asset.key,
        name="every_row_has_a_day",
        description="Every row of the source has a time between MARTS_START and the end of today. No load "
        "brings a row without a time, with an infinite one, an earlier one or a later one.",
        required_resource_keys={resource},
    )
    @raises_cleaned
    def every_row_has_a_day(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        first, last = definition.get_first_partition_window(), definition.get_last_partition_window()
        if first is None or last is None:
            raise ValueError(f"{asset.key.to_user_string()} has no days yet: MARTS_START is not over")
        found = count(getattr(context.resources, resource), Window(first.start, last.end))
        return dg.AssetCheckResult(
            passed=found.rows_outside == 0, severity=dg.AssetCheckSeverity.WARN, metadata=asdict(found)
        )

    return every_row_has_a_day


def volume_check(asset: dg.AssetsDefinition, *, lookback: int) -> dg.AssetChecksDefinition:
    """A day holds about as many rows as usual, which is the median of the fourteen days before it."""
    registered = mart_of(asset.key)

    def examine(slices: Iterable[Slice], resources: Mapping[str, Any]) -> dict[str, Finding]:
        ledger: Ledger = resources[registered.warehouse]
        published = ledger.last_published(registered.mart.asset)
        volumes = {key: volume_of(entry) for key, entry in published.items() if key}
        today = datetime.now(UTC).date().isoformat()
        return {str(slice_): usual_volume(slice_.partition_key or "", volumes, today) for slice_ in slices}

    return _slices_check(
        asset,
        "usual_volume",
        f"The day has as many rows as usual, within a factor of {_USUAL_FACTOR:g} "
        f"of the median of the {_USUAL_DAYS} days before it that were read whole. An open day has no more.",
        [registered.warehouse],
        examine,
        lookback=lookback,
    )


class Positions(Protocol):
    """What the check of a stream asks of a warehouse."""

    def stream_positions(self, asset: str) -> Mapping[Place, Position]:
        """Where an asset's reader of a log stands."""
        ...


def stream_check(asset: dg.AssetsDefinition) -> dg.AssetChecksDefinition:
    """No message of a topic was lost, and no topic changed into another one, within the last days."""
    registered = mart_of(asset.key)

    def examine(_: Slice, resources: Mapping[str, Any]) -> Finding:
        ledger: Positions = resources[registered.warehouse]
        return recent_incidents(ledger.stream_positions(registered.mart.asset).values(), datetime.now(UTC))

    return slice_check(
        asset,
        "nothing_lost",
        f"Within {_INCIDENT_DAYS} days no message was deleted at the broker before it was read, and no topic "
        f"became another one of the same name.",
        [registered.warehouse],
        examine,
        lookback=1,
    )


def recent_incidents(positions: Collection[Position], now: datetime) -> Finding:
    """Looks for what was noticed of late in the partitions of topics.

    Args:
        positions: where the reader stands.
        now: UTC.
    """
    found = sorted(
        f"{place.topic}, partition {place.partition}, {at:%Y-%m-%d %H:%M} UTC: {position.incident}"
        for position in positions
        if (place := position.place)
        and (at := position.incident_at)
        and at > now - timedelta(days=_INCIDENT_DAYS)
    )
    figures: dict[str, Any] = {
        "partitions": len(positions),
        "newest_epoch": max((position.epoch for position in positions), default=0),
    }
    return Finding(not found, figures | ({"incidents": "; ".join(found)} if found else {}))


@dataclass(frozen=True, slots=True)
class Volume:
    """Rows of a published day.

    Attributes:
        rows: that the last load wrote.
        share: part of the day that it could read, from 0 to 1.
    """

    rows: int
    share: float = 1.0


def volume_of(entry: Published) -> Volume:
    """Return the rows of a day's last load, and the part of the day that was over when it read."""
    day = Window.of_day(date.fromisoformat(entry.partition_key or ""))
    # A load without a bound of its own read what there was when it began.
    read = min(entry.read_until or entry.started_at, entry.started_at) - day.start
    return Volume(entry.rows_written, min(max(read / (day.end - day.start), 0.0), 1.0))


def usual_volume(day: str, volumes: Mapping[str, Volume], today: str) -> Finding:
    """Compare a day's rows with the days before it.

    An open day, and one that was read in part, can only have too many rows. Days that were read in part do
    not count as usual.

    Args:
        day: the partition key.
        volumes: of each published day, by partition key.
        today: the partition key of the open day.
    """
    first = (date.fromisoformat(day) - timedelta(days=_USUAL_DAYS)).isoformat()
    before = [
        volume.rows for key, volume in volumes.items() if first <= key < day and volume.share >= _WHOLE_SHARE
    ]
    here = volumes.get(day, Volume(0))
    figures: dict[str, Any] = {"rows": here.rows, "days_compared": len(before)}
    if len(before) < _USUAL_DAYS // 2:
        return Finding(True, figures | {"note": "too few days to tell what is usual"})
    usual = median(before)
    figures["usual_rows"] = usual
    is_partial = day >= today or here.share < _WHOLE_SHARE
    if is_partial:
        figures["note"] = f"{here.share:.0%} of the day were read: too few rows are no finding"
    if max(usual, here.rows) < _USUAL_ROWS:
        return Finding(True, figures)
    fewest = 0 if is_partial else usual / _USUAL_FACTOR
    return Finding(fewest <= here.rows <= usual * _USUAL_FACTOR, figures)


def _slices(context: dg.AssetCheckExecutionContext, asset: dg.AssetKey, lookback: int) -> Iterator[Slice]:
    registered = mart_of(asset)
    definition = registered.partitions_def
    if definition is None:
        return iter([Slice()])
    tags = context.run.tags
    first = tags.get("dagster/asset_partition_range_start") or tags.get("dagster/partition")
    last = tags.get("dagster/asset_partition_range_end") or tags.get("dagster/partition")
    if first and last:
        keys: Sequence[str] = definition.get_partition_keys_in_range(dg.PartitionKeyRange(first, last))
    else:
        ledger: Ledger = getattr(context.resources, registered.warehouse)
        published = ledger.last_published(registered.mart.asset)
        # Earlier days were loaded before MARTS_START was set to a later one: they are left alone.
        start = definition.get_first_partition_key() or ""
        keys = recent_keys(sorted(key for key in published if key and key >= start), lookback)
    return (slice_of(definition, key) for key in keys)


def _result(findings: Mapping[str, Finding]) -> dg.AssetCheckResult:
    failed = [key for key, finding in findings.items() if not finding.passed]
    shown = failed[-1:] or list(findings)[-1:]
    metadata: dict[str, Any] = {"partitions_checked": len(findings), "partitions_failed": len(failed)}
    if failed:
        metadata["failed"] = ", ".join(failed)
    for key in shown:
        metadata |= {"partition": key, **findings[key].figures}
    return dg.AssetCheckResult(passed=not failed, severity=dg.AssetCheckSeverity.WARN, metadata=metadata)
