"""Sensors that compare a source with the run log and ask for the partitions that differ.

There is no cursor to lose: what a failed run left undone still differs at the next look. A run key holds
what was seen, so the same state asks once, and a new state, or a failure, asks again. Failures are counted in
the run log, and among Dagster's runs: not every run that ends comes as far as the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform.core.mart import marts
from marts_platform.core.pending import pending_of, recent_keys
from marts_platform.core.planning import in_order, is_due, plan
from marts_platform.core.run_log import Failures
from marts_platform.masking import raises_cleaned

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marts_platform.core.path import Mart
    from marts_platform.core.pending import Key, Reason
    from marts_platform.core.planning import Ledger, Plan

# What was seen of a partition, on the runs that were asked for it.
STATE_TAG = "marts/state"

_STATUSES_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
_STATUSES_ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def source_sensor(
    name: str,
    assets: Sequence[dg.AssetsDefinition],
    *,
    lookback: int,
    interval_seconds: int,
    description: str,
    swept: int = 0,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that keeps assets in step with their source.

    Args:
        name: of the sensor.
        assets: the domain's assets, extracts and marts.
        lookback: how many of the newest partitions it compares.
        interval_seconds: the least time between two looks.
        description: for the UI.
        swept: how many older partitions it compares beside them, by lot: see `planning.plan`.
        default_status: whether it runs without being switched on.
    """
    keys = [key for asset in assets for key in asset.keys]

    @dg.sensor(
        name=name,
        target=list(assets),
        minimum_interval_seconds=interval_seconds,
        description=description,
        default_status=default_status,
        required_resource_keys=_resource_keys(keys),
    )
    @raises_cleaned
    def compare(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        resources = {name: getattr(context.resources, name) for name in _resource_keys(keys)}
        requests = list(run_requests(keys, resources, context.instance, lookback, swept=swept))
        if not requests:
            return dg.SensorResult(skip_reason=f"the newest {lookback} partitions are as their source is")
        return dg.SensorResult(run_requests=requests)

    return compare


def source_schedule(
    name: str,
    assets: Sequence[dg.AssetsDefinition],
    *,
    cron: str | Sequence[str],
    timezone: str,
    lookback: int,
    description: str,
    swept: int = 0,
) -> dg.ScheduleDefinition:
    """The sensor's fallback: the same comparison at fixed times, over more partitions.

    Args:
        name: of the schedule.
        assets: the domain's assets, extracts and marts.
        cron: when it looks.
        timezone: of these times.
        lookback: how many of the newest partitions it compares.
        description: for the UI.
        swept: how many older partitions it compares beside them, by lot: see `planning.plan`.
    """
    keys = [key for asset in assets for key in asset.keys]

    @dg.schedule(
        name=name,
        target=list(assets),
        cron_schedule=cron,
        execution_timezone=timezone,
        description=description,
        required_resource_keys=_resource_keys(keys),
    )
    @raises_cleaned
    def compare(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        resources = {name: getattr(context.resources, name) for name in _resource_keys(keys)}
        requests = list(run_requests(keys, resources, context.instance, lookback, swept=swept))
        return requests or dg.SkipReason(f"the newest {lookback} partitions are as their source is")

    return compare


def run_requests(
    keys: Sequence[dg.AssetKey],
    resources: Mapping[str, Any],
    instance: dg.DagsterInstance,
    lookback: int,
    *,
    swept: int = 0,
) -> Iterator[dg.RunRequest]:
    """The runs that would bring the newest partitions in step with their source.

    A partition that a run has in hand is left to it. An asset that failed waits longer each time, and what is
    made of it waits with it; others do not. A mart waits for a lookup that is about to be loaded, until it
    was, or failed: then it takes what there is.
    """
    selected = in_order(keys)
    made = plan(selected, resources, lookback, swept=swept)
    definition = next((found.partitions_def for found in selected if found.partitions_def), None)
    recent = recent_keys(definition.get_partition_keys(), lookback) if definition else []
    # What was compared beside them: drawn by lot, or since a late commit could not be ruled out.
    compared = {key for state in made.sources.values() for key in state.fingerprints}
    # What lost rows to another partition, whatever its age.
    unsettled = {
        key
        for asset in made.sources
        for key, entry in made.published[asset].items()
        if entry.fingerprint is None
    }
    marts_here = [found.mart for found in selected]
    wanted = {None, *recent, *compared, *unsettled}
    pending = pending_of(marts_here, made.published, made.sources, wanted)
    ledger: Ledger = resources[selected[0].warehouse]
    in_hand = list(_under_way(instance)) if any(pending.values()) else []
    for asset in _waiting(marts_here, pending, ledger):
        pending[asset] = {}
    # The whole tables first: marts of days look values up in them.
    for key in sorted({key for found in pending.values() for key in found}, key=lambda key: key or ""):
        state = _digest(made, key)
        assets = [asset for asset, found in pending.items() if key in found]
        ended = list(_ended(instance, state))
        logged = {asset: ledger.failures(asset, [key]).get(key) for asset in assets}
        candidates = [mart for mart in marts_here if mart.asset in assets]
        assets = _due(candidates, logged, ended)
        if not assets or any(work.covers(key, assets) for work in in_hand):
            continue
        # Dagster never takes a run key twice, so each failure of either kind has to make another one.
        attempt = len(ended) + sum(found.count for asset in assets if (found := logged[asset]))
        yield dg.RunRequest(
            run_key=f"{key or ' '.join(assets)} {_hashed(state, *assets)} {attempt}",
            partition_key=key,
            asset_selection=[dg.AssetKey.from_user_string(asset) for asset in assets],
            tags={
                "marts/reason": "; ".join(f"{asset}: {pending[asset][key]}" for asset in assets)[:255],
                STATE_TAG: state,
            },
        )


def _due(
    candidates: Sequence[Mart], logged: Mapping[str, Failures | None], ended: Sequence[_Ended]
) -> list[str]:
    """The assets that are due for a try: not those that failed just now, nor what is made of them.

    Args:
        candidates: the marts with the same pending partition, upstream ones first.
        logged: how often each failed by the run log.
        ended: the runs that were asked for it. They and the log tell of the same failures, not always of all.
    """
    now = datetime.now(UTC)
    left_out: set[str] = set()
    for mart in candidates:
        moments = [run.at for run in ended if mart.asset in run.assets]
        known = [Failures(len(moments), max(moments, default=None)), logged[mart.asset]]
        is_ready = all(is_due(found.count, found.last, now) for found in known if found)
        if not is_ready or left_out.intersection(mart.upstream):
            left_out.add(mart.asset)
    return [mart.asset for mart in candidates if mart.asset not in left_out]


@dataclass(frozen=True, slots=True)
class _Ended:
    """A run that failed or was cancelled: when, and the assets that it was asked for."""

    at: datetime
    assets: frozenset[str]


def _ended(instance: dg.DagsterInstance, state: str) -> Iterator[_Ended]:
    """The runs that were asked for on sight of a state, and ended without bringing it in step."""
    wanted = dg.RunsFilter(statuses=_STATUSES_ENDED, tags={STATE_TAG: state})
    for record in instance.get_run_records(wanted):
        at = datetime.fromtimestamp(record.end_time, UTC) if record.end_time else record.update_timestamp
        keys = record.dagster_run.asset_selection or ()
        yield _Ended(at, frozenset(key.to_user_string() for key in keys))


def _waiting(
    selected: Sequence[Mart], pending: Mapping[str, Mapping[str | None, Reason]], ledger: Ledger
) -> set[str]:
    """The marts whose lookups are about to be loaded and have not failed yet, and what is made of them."""
    waiting: set[str] = set()
    for mart in selected:
        to_come = [lookup for lookup in mart.lookups if None in pending.get(lookup, {})]
        if waiting.intersection(mart.upstream) or any(
            lookup in waiting or not ledger.failures(lookup, [None]).get(None) for lookup in to_come
        ):
            waiting.add(mart.asset)
    return waiting


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A run that is queued or going on: its first and last partition if any, its assets, None for all."""

    first: str | None
    last: str | None
    assets: frozenset[str] | None

    def covers(self, key: str | None, assets: Sequence[str]) -> bool:
        """Whether some of what would be asked for is in its hands."""
        if self.assets is not None and self.assets.isdisjoint(assets):
            return False
        if key is None or self.first is None or self.last is None:
            return key is None and self.assets is not None
        return self.first <= key <= self.last


def _under_way(instance: dg.DagsterInstance) -> Iterator[_UnderWay]:
    for run in instance.get_runs(dg.RunsFilter(statuses=_STATUSES_UNDER_WAY)):
        one = run.tags.get("dagster/partition")
        keys = run.asset_selection
        yield _UnderWay(
            run.tags.get("dagster/asset_partition_range_start") or one,
            run.tags.get("dagster/asset_partition_range_end") or one,
            frozenset(key.to_user_string() for key in keys) if keys else None,
        )


def _digest(made: Plan, key: Key) -> str:
    seen = [state.fingerprints.get(key, state.scope) for state in made.sources.values()]
    published = [str(entry.log_id) for found in made.published.values() if (entry := found.get(key))]
    return _hashed(str(key), *seen, *published)


def _hashed(*parts: str) -> str:
    return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:16]


def _resource_keys(keys: Sequence[dg.AssetKey]) -> set[str]:
    registered = [found for key, found in marts().items() if key in keys]
    return {found.warehouse for found in registered} | {found.source for found in registered if found.source}
