"""Sensors that compare a source with the run log and ask for the partitions that differ.

There is no cursor to lose: what a failed run left undone still differs at the next evaluation. A run key
holds what was seen, so the same state asks once, and a new state, or a failure, asks again. Failures are
counted in the run log, and among Dagster's runs: not every run that ends comes as far as the log.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.coverage import (
    as_the_source_in_words,
    errors_in_words,
    missed_in_words,
    warnings_in_words,
)
from marts_platform.core.faults import said_by
from marts_platform.core.mart import marts
from marts_platform.core.pending import Reason, pending_of, recent_keys
from marts_platform.core.planning import in_order, is_due, plan
from marts_platform.core.run_log import Failures
from marts_platform.masking import cleaned, raises_cleaned
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from logging import Logger

    from marts_platform.core.path import Mart
    from marts_platform.core.pending import Key
    from marts_platform.core.planning import Ledger, Plan

# What was seen of a partition, on the runs that were asked for it.
STATE_TAG = "marts/state"

_STATUSES_UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]
# Of older partitions that are stale so many times as many are looked at as are asked for.
_LOOKED_AT = 10
_STATUSES_ENDED = [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]


def source_sensor(
    name: str,
    assets: Sequence[dg.AssetsDefinition],
    *,
    lookback: int,
    interval_seconds: int,
    description: str,
    swept: int = 0,
    swept_rows: int = 0,
    default_status: dg.DefaultSensorStatus = dg.DefaultSensorStatus.STOPPED,
) -> dg.SensorDefinition:
    """A sensor that keeps assets in step with their source.

    Args:
        name: of the sensor.
        assets: the domain's assets, extracts and marts.
        lookback: how many of the newest partitions it compares.
        interval_seconds: the least time between two evaluations.
        description: for the UI.
        swept: how many older partitions it compares beside them, in turn: see `planning.plan`.
        swept_rows: more of these, as long as they hold no more rows than this together.
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
        requests, said = _evaluate(
            keys, resources, context.instance, lookback, (swept, swept_rows), context.log
        )
        return dg.SensorResult(run_requests=requests) if requests else dg.SensorResult(skip_reason=said)

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
    swept_rows: int = 0,
) -> dg.ScheduleDefinition:
    """The sensor's fallback: the same comparison at fixed times, over more partitions.

    Args:
        name: of the schedule.
        assets: the domain's assets, extracts and marts.
        cron: when it looks.
        timezone: of these times.
        lookback: how many of the newest partitions it compares.
        description: for the UI.
        swept: how many older partitions it compares beside them, in turn: see `planning.plan`.
        swept_rows: more of these, as long as they hold no more rows than this together.
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
        requests, said = _evaluate(
            keys, resources, context.instance, lookback, (swept, swept_rows), context.log
        )
        return requests or dg.SkipReason(said)

    return compare


class ComparisonError(ExpectedError):
    """No source of a sensor's assets could be compared; the message says why."""


def _evaluate(
    keys: Sequence[dg.AssetKey],
    resources: Mapping[str, Any],
    instance: dg.DagsterInstance,
    lookback: int,
    swept: tuple[int, int],
    log: Logger,
) -> tuple[list[dg.RunRequest], str]:
    """Compare within the time, log what could not be compared, and return requests and what was looked at.

    Raises:
        ComparisonError: no source could be compared, so that an outage is a failed tick.
    """
    seconds = settings.load().evaluation_seconds
    older, rows = swept
    made = plan(in_order(keys), resources, lookback, swept=older, swept_rows=rows, seconds=seconds)
    errors = list(errors_in_words(made.errors, lambda error: cleaned(said_by(error))))
    if errors and made.errors.keys() == made.coverage.keys():
        raise ComparisonError("\n".join(errors))
    told = {asset: found for asset, found in made.coverage.items() if asset not in made.errors}
    missed = list(missed_in_words(told))
    for line in (*errors, *missed, *warnings_in_words(made.sources)):
        log.warning(line)
    requests = list(run_requests(keys, resources, instance, lookback, swept=older, made=made))
    stale = sum(len(found) for found in made.pending.values())
    return requests, ". ".join((as_the_source_in_words(told, stale), *errors, *missed))


def run_requests(
    keys: Sequence[dg.AssetKey],
    resources: Mapping[str, Any],
    instance: dg.DagsterInstance,
    lookback: int,
    *,
    swept: int = 0,
    made: Plan | None = None,
) -> Iterator[dg.RunRequest]:
    """The runs that would bring partitions in step with their source: the newest ones, and a few older ones.

    A partition that a run has in hand is left to it. An asset that failed waits longer each time, and what is
    made of it waits with it; others do not. A mart waits for a lookup that is about to be loaded, until it
    was, or failed: then it takes what there is.

    Args:
        keys: of the assets.
        resources: Dagster's, by key.
        instance: Dagster's: it knows which runs go on.
        lookback: how many of the newest partitions are brought in step, whatever they need.
        swept: how many older ones at a time that were not compared now and are stale all the same.
        made: the comparison, None to make it now.
    """
    selected = in_order(keys)
    made = made or plan(selected, resources, lookback, swept=swept)
    definition = next((found.partitions_def for found in selected if found.partitions_def), None)
    recent = recent_keys(definition.get_partition_keys(), lookback) if definition else []
    # What was compared beside them: older ones in turn, or since a late commit could not be ruled out.
    compared = {key for state in made.sources.values() for key in state.fingerprints}
    # What lost rows to another partition, whatever its age.
    unsettled = {
        key
        for asset in made.sources
        for key, entry in made.published[asset].items()
        if entry.fingerprint is None
    }
    marts_here = [found.mart for found in selected]
    ledger: Ledger = resources[selected[0].warehouse]
    seen = {None, *recent, *compared, *unsettled}
    older = _older_to_load(made, marts_here, seen, ledger, swept)
    pending = pending_of(marts_here, made.published, made.sources, {*seen, *older})
    # What the plan leaves out stays so: partitions before the first one that there is.
    pending = {
        asset: {key: reason for key, reason in found.items() if key in made.pending.get(asset, {})}
        for asset, found in pending.items()
    }
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


def _older_to_load(
    made: Plan, selected: Sequence[Mart], seen: Collection[Key], ledger: Ledger, count: int
) -> list[str]:
    """Older partitions that are stale by the run log alone, or new within the days that were loaded.

    Days before all that were loaded are left to a backfill, or to the command. Of the others as many as a
    sensor samples are asked for at a time, those that failed lately left out.
    """
    stale: dict[str, list[str]] = {}
    for mart in selected:
        mine = made.published.get(mart.asset, {})
        first = min((key for key in mine if key is not None), default=None)
        for key, reason in made.pending.get(mart.asset, {}).items():
            is_within = reason is not Reason.NEW or (first is not None and str(key) > first)
            if key is not None and key not in seen and is_within:
                stale.setdefault(key, []).append(mart.asset)
    chosen: list[str] = []
    # A few more than asked for, since some failed lately: the newest first.
    keys = heapq.nlargest(_LOOKED_AT * count, stale)
    failures = {
        asset: ledger.failures(asset, list(keys)) for asset in {a for key in keys for a in stale[key]}
    }
    for key in keys:
        known = [failures[asset].get(key) for asset in stale[key]]
        if len(chosen) < count and all(
            is_due(found.count, found.last, datetime.now(UTC)) for found in known if found
        ):
            chosen.append(key)
    return chosen


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
