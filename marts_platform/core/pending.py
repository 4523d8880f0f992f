"""What has to be loaded: partitions that are new, changed at the source, failed, or behind their upstream.

Nothing here counts or remembers: the state of the sources is compared with the run log, so late rows,
deleted rows and failed runs show by themselves.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from marts_platform.core.run_log import upstream_entries, upstream_state

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Published

# A partition's key; None is the whole table of an asset without partitions.
Key: TypeAlias = "str | None"
# An asset and the key of one of its partitions.
Cell: TypeAlias = "tuple[str, Key]"


class Reason(StrEnum):
    """Why a partition has to be loaded."""

    NEW = "new"
    CHANGED = "changed"
    BEHIND = "behind its upstream"


@dataclass(frozen=True, slots=True)
class SourceState:
    """What a probe tells of a source.

    Attributes:
        with_rows: keys of the partitions that have rows at the source.
        fingerprints: the state of those partitions that were probed; where the time ended, not of all.
        scope: the settings that decide which rows come.
        is_certain: whether no row can appear any more in what was probed; if not, look back further.
        warnings: for whoever asked, such as a topic that does not exist.
        out_of_time: partitions whose state took the source longer than a probe may.
    """

    with_rows: Collection[Key]
    fingerprints: Mapping[Key, str]
    scope: str
    is_certain: bool = True
    warnings: Sequence[str] = ()
    out_of_time: Collection[Key] = ()


@dataclass(frozen=True, slots=True)
class KeyRange(Container[object]):
    """The partitions that there are, from the first to the last; the whole table is among them.

    Those that were published before ``MARTS_START`` was set to a later day are not: they stay as they are.
    """

    first: str
    last: str

    def __contains__(self, key: object) -> bool:
        return key is None or (isinstance(key, str) and self.first <= key <= self.last)


@dataclass(frozen=True, slots=True)
class Batch:
    """Consecutive partitions for which the same assets have to be loaded: one run.

    Attributes:
        partition_keys: none for assets without partitions.
        assets: upstream ones first.
    """

    partition_keys: tuple[str, ...]
    assets: tuple[str, ...]


def pending_at_source(state: SourceState, published: Mapping[Key, Published]) -> dict[Key, Reason]:
    """The partitions of an asset that reads a source which differ from what was published of them.

    One without a data version has lost rows to another partition: it differs, whatever its source says.
    """
    reasons = {key: Reason.CHANGED for key, entry in published.items() if entry.fingerprint is None}
    for key in state.with_rows:
        if key not in published:
            reasons[key] = Reason.NEW
        elif not (published[key].fingerprint or "").endswith(state.scope):
            reasons[key] = Reason.CHANGED
    for key, fingerprint in state.fingerprints.items():
        if key in published and published[key].fingerprint != fingerprint:
            reasons[key] = Reason.CHANGED
    return reasons


def pending_from_upstream(
    mart: Mart,
    published: Mapping[str, Mapping[Key, Published]],
    upstream_pending: Mapping[str, Mapping[Key, Reason]],
) -> dict[Key, Reason]:
    """The partitions of a computed mart that do not reflect what its upstream assets have or will have."""
    own = published.get(mart.asset, {})
    reasons: dict[Key, Reason] = {}
    for key in _keys_of(mart, published):
        states = {asset: upstream_state(published.get(asset, {}), key) for asset in mart.upstream}
        if key not in own:
            reasons[key] = Reason.NEW
        elif own[key].fingerprint != mart.computed_fingerprint(states) or _is_older(
            own[key], mart, published
        ):
            reasons[key] = Reason.BEHIND
    for asset in mart.upstream:
        for key in upstream_pending.get(asset, {}):
            for mine in _fed_by(mart, key, own):
                reasons.setdefault(mine, Reason.BEHIND if mine in own else Reason.NEW)
    return reasons


def _is_older(own: Published, mart: Mart, published: Mapping[str, Mapping[Key, Published]]) -> bool:
    """Whether something that a slice is computed from was loaded anew after it.

    Its rows may be others although its state is the same: a value was corrected in place, or is read
    otherwise now. Numbers are compared, which no clock can set back: the next load has a greater one.
    """
    return any(
        entry.log_id > own.log_id
        for asset in mart.upstream
        for entry in upstream_entries(published.get(asset, {}), own.partition_key)
    )


def _keys_of(mart: Mart, published: Mapping[str, Mapping[Key, Published]]) -> Collection[Key]:
    """The partitions that a computed mart has, by what its upstream assets have published."""
    there = {key for asset in mart.upstream for key in published.get(asset, {})}
    if not mart.is_partitioned:
        return {None} if there else set()
    return there - {None}


def _fed_by(mart: Mart, key: Key, own: Collection[Key]) -> Collection[Key]:
    """The partitions of a mart that a partition of an upstream asset feeds."""
    if not mart.is_partitioned:
        return {None}
    return own if key is None else {key}


def pending_of(
    marts: Sequence[Mart],
    published: Mapping[str, Mapping[Key, Published]],
    sources: Mapping[str, SourceState],
    wanted: Container[object] | None = None,
) -> dict[str, dict[Key, Reason]]:
    """What has to be loaded of each mart.

    Args:
        marts: in topological order.
        published: the last successful loads, by asset and partition key.
        sources: what the probes tell, by asset; for marts that read a source.
        wanted: the partitions that may be loaded now, None for all. The others will not be, so what is made
            of them is behind nothing.

    Returns:
        By asset and partition key the reason.
    """
    return pending_and_settled(marts, published, sources, wanted, {})[0]


def pending_and_settled(
    marts: Sequence[Mart],
    published: Mapping[str, Mapping[Key, Published]],
    sources: Mapping[str, SourceState],
    wanted: Container[object] | None,
    loaded: Mapping[Cell, int],
) -> tuple[dict[str, dict[Key, Reason]], set[Cell]]:
    """Tell what has to be loaded from what was loaded a moment ago and differs from its source again.

    A source that goes on changing, or that is read up to another bound each time, would be loaded for ever.

    Args:
        marts: as of `pending_of`, like the arguments up to `wanted`.
        published: see there.
        sources: see there.
        wanted: see there.
        loaded: what was loaded a moment ago, with the number of the round that loaded it.

    Returns:
        What has to be loaded, and what is left alone.
    """
    rounds: dict[str, int] = {}
    for (asset, _), number in loaded.items():
        rounds[asset] = max(number, rounds.get(asset, number))
    found: dict[str, dict[Key, Reason]] = {}
    settled: set[Cell] = set()
    for mart in marts:
        if mart.asset in sources:
            reasons = pending_at_source(sources[mart.asset], published.get(mart.asset, {}))
        else:
            reasons = pending_from_upstream(mart, published, found)
        mine = {key: reason for key, reason in reasons.items() if wanted is None or key in wanted}
        own = published.get(mart.asset, {})
        left_alone = {
            key
            for key in mine
            # One that has lost rows to another partition since is no source that goes on changing.
            if key in own
            and own[key].fingerprint is not None
            and _is_settled(mart, key, loaded, rounds, found)
        }
        settled |= {(mart.asset, key) for key in left_alone}
        found[mart.asset] = {key: reason for key, reason in mine.items() if key not in left_alone}
    return found, settled


def _is_settled(
    mart: Mart,
    key: Key,
    loaded: Mapping[Cell, int],
    rounds: Mapping[str, int],
    pending: Mapping[str, Mapping[Key, Reason]],
) -> bool:
    """Return true if this command loaded a partition, and loads none of its upstreams after it."""
    number = loaded.get((mart.asset, key))
    if number is None:
        return False
    made_of = (*mart.upstream, *mart.lookups)
    if any(rounds.get(asset, number) > number for asset in made_of):
        return False
    to_come = [pending.get(asset, {}) for asset in made_of]
    return not any(keys if key is None else keys.keys() & {key, None} for keys in to_come)


def batches(
    pending: Mapping[str, Mapping[Key, Reason]], most: int, stages: Mapping[str, int] | None = None
) -> list[Batch]:
    """Groups what is pending into runs: stage after stage, consecutive days, at most ``most`` of them each.

    Args:
        pending: by asset, upstream ones first, and partition key.
        most: days in a run.
        stages: by asset, from `stages_of`; none if all of them have partitions, or none has.
    """
    stage_of = stages or {}
    grouped: list[Batch] = []
    for stage in sorted({stage_of.get(asset, 0) for asset in pending}):
        here = {asset: keys for asset, keys in pending.items() if stage_of.get(asset, 0) == stage}
        whole = tuple(asset for asset, keys in here.items() if None in keys)
        if whole:
            grouped.append(Batch((), whole))
        grouped += _daily_batches(here, most)
    return grouped


def stages_of(marts: Sequence[Mart]) -> dict[str, int]:
    """Which assets can share a run, by asset: those with partitions and those without take turns.

    Args:
        marts: in topological order. An asset follows all of its upstream ones, in their stage or a later one.
    """
    stages: dict[str, int] = {}
    is_partitioned = {mart.asset: mart.is_partitioned for mart in marts}
    for mart in marts:
        stages[mart.asset] = max(
            (
                stages[asset] + (is_partitioned[asset] != mart.is_partitioned)
                for asset in (*mart.upstream, *mart.lookups)
                if asset in stages
            ),
            default=0,
        )
    return stages


def _daily_batches(pending: Mapping[str, Mapping[Key, Reason]], most: int) -> list[Batch]:
    assets_of: dict[str, tuple[str, ...]] = {}
    for asset, keys in pending.items():
        for key in keys:
            if key is not None:
                assets_of[key] = (*assets_of.get(key, ()), asset)
    grouped: list[Batch] = []
    for key in sorted(assets_of):
        last = grouped[-1] if grouped else None
        if (
            last is not None
            and last.assets == assets_of[key]
            and len(last.partition_keys) < most
            and _next_day(last.partition_keys[-1]) == key
        ):
            grouped[-1] = Batch((*last.partition_keys, key), last.assets)
        else:
            grouped.append(Batch((key,), assets_of[key]))
    return grouped


def recent_keys(keys: Sequence[str], count: int) -> list[str]:
    """The newest partition keys."""
    return list(keys[-count:])


def _next_day(key: str) -> str:
    return (date.fromisoformat(key) + timedelta(days=1)).isoformat()
