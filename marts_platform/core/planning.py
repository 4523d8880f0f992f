"""Reads sources and run log, and says what has to be loaded: for the sensors, schedules and the command."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

from marts_platform.core.mart import marts, slice_of
from marts_platform.core.pending import pending_of, recent_keys
from marts_platform.core.window import Slice

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    import dagster as dg

    from marts_platform.core.mart import Probe, RegisteredMart
    from marts_platform.core.pending import Key, Reason, SourceState
    from marts_platform.core.run_log import Failures, Published

_LONGEST_WAIT = timedelta(hours=1)


class Ledger(Protocol):
    """What planning asks of a warehouse: its run log."""

    def last_published(self, asset: str) -> Mapping[str | None, Published]:
        """The last successful load of each partition of an asset."""
        ...

    def failures(self, asset: str, partition_keys: list[str | None]) -> Mapping[str | None, Failures]:
        """How often, and when last, partitions failed since they last succeeded."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be loaded.

    Attributes:
        pending: by asset and partition key the reason.
        sources: what the probes told, by asset.
        published: the last successful loads, by asset and partition key.
    """

    pending: Mapping[str, Mapping[str | None, Reason]]
    sources: Mapping[str, SourceState]
    published: Mapping[str, Mapping[str | None, Published]]


def in_order(keys: Collection[dg.AssetKey]) -> list[RegisteredMart]:
    """The marts of these assets, upstream ones first."""
    known = {key.to_user_string(): registered for key, registered in marts().items()}
    wanted = {key.to_user_string() for key in keys}
    ordered: dict[str, RegisteredMart] = {}

    def visit(asset: str) -> None:
        if asset in ordered or asset not in known:
            return
        for upstream in (*known[asset].mart.upstream, *known[asset].mart.lookups):
            visit(upstream)
        ordered[asset] = known[asset]

    for asset in sorted(wanted):
        visit(asset)
    return [registered for asset, registered in ordered.items() if asset in wanted]


def plan(
    selected: Sequence[RegisteredMart], resources: Mapping[str, Any], lookback: int, *, swept: int = 0
) -> Plan:
    """Compares sources with the run log.

    Args:
        selected: the marts, upstream ones first.
        resources: Dagster's resources by key, the warehouses and the probes among them.
        lookback: how many of the newest partitions are compared by fingerprint; twice as many where a
            probe cannot rule out late commits. Older ones count as changed only if settings changed.
        swept: how many of the older published partitions are compared beside them, chosen by lot: rows of any
            age can change at some sources, and what is drawn again and again needs no cursor to be lost.

    Raises:
        Exception: whatever a source or the warehouse raises.
    """
    published: dict[str, Mapping[str | None, Published]] = {}
    sources: dict[str, SourceState] = {}
    for registered in selected:
        ledger: Ledger = resources[registered.warehouse]
        for asset in (registered.mart.asset, *registered.mart.upstream):
            if asset not in published:
                published[asset] = ledger.last_published(asset)
    older = _drawn(selected, published, lookback, swept) if swept else []
    for registered in selected:
        if registered.source is not None:
            probe: Probe = resources[registered.source]
            asset = registered.mart.asset
            sources[asset] = _probe(probe, registered, lookback, older, published[asset])
    pending = pending_of([registered.mart for registered in selected], published, sources)
    return Plan(pending, sources, published)


def _drawn(
    selected: Sequence[RegisteredMart],
    published: Mapping[str, Mapping[str | None, Published]],
    lookback: int,
    count: int,
) -> list[str]:
    """Partitions that were published long ago, by lot."""
    of_sources = [
        found for found in selected if found.source is not None and found.partitions_def is not None
    ]
    there = {key for found in of_sources for key in published[found.mart.asset] if key is not None}
    recent = {
        key
        for found in of_sources
        if found.partitions_def is not None
        for key in recent_keys(found.partitions_def.get_partition_keys(), lookback)
    }
    older = sorted(there - recent)
    return sorted(random.sample(older, min(count, len(older))))


def _probe(
    probe: Probe,
    registered: RegisteredMart,
    lookback: int,
    older: Sequence[str],
    published: Mapping[Key, Published],
) -> SourceState:
    definition = registered.partitions_def
    if definition is None:
        return probe.source_state(registered.mart.asset, [Slice()], published)
    keys = definition.get_partition_keys()

    def newest(count: int) -> SourceState:
        compared = dict.fromkeys([*older, *recent_keys(keys, count)])
        slices = [slice_of(definition, key) for key in compared]
        return probe.source_state(registered.mart.asset, slices, published)

    state = newest(lookback)
    return state if state.is_certain else newest(2 * lookback)


def is_due(failures: int, last: datetime | None, now: datetime) -> bool:
    """Whether a partition that failed is due for another try: after 1, 2, 4 … minutes, at most an hour."""
    if failures == 0 or last is None:
        return True
    return now - last >= min(timedelta(minutes=2 ** min(failures - 1, 10)), _LONGEST_WAIT)
