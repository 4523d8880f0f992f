"""Reads sources and run log, and says what has to be loaded: for the sensors, schedules and the command."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from marts_platform.core.comparisons import ALL_ROWS, choose, is_due_whole
from marts_platform.core.coverage import Coverage, coverage_of_a_table, coverage_of_partitions
from marts_platform.core.faults import ends_a_server, is_of_a_source
from marts_platform.core.mart import WholeProbe, marts, slice_of
from marts_platform.core.pending import KeyRange, SourceState, pending_and_settled
from marts_platform.core.time_limit import is_over, seconds_left, time_limit
from marts_platform.core.window import Slice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import dagster as dg

    from marts_platform.core.comparisons import Choice, Comparison
    from marts_platform.core.mart import Probe, RegisteredMart
    from marts_platform.core.pending import Cell, Key, Reason
    from marts_platform.core.run_log import Failures, Published

# Compares every partition that was published.
ALL = sys.maxsize
_LONGEST_WAIT = timedelta(hours=1)
_NEVER = datetime.min.replace(tzinfo=UTC)


class Ledger(Protocol):
    """What planning asks of a warehouse: its run log."""

    def last_published(self, asset: str) -> Mapping[str | None, Published]:
        """The last successful load of each partition of an asset."""
        ...

    def failures(self, asset: str, partition_keys: list[str | None]) -> Mapping[str | None, Failures]:
        """How often, and when last, partitions failed since they last succeeded."""
        ...

    def comparisons(self, asset: str) -> Mapping[str, Comparison]:
        """Return the last comparison of each partition of an asset; '' is a whole table's key."""
        ...

    def note_comparisons(
        self,
        asset: str,
        tried: Collection[str | None],
        compared: Collection[str | None],
        stale: Collection[str | None],
    ) -> None:
        """Write which partitions were compared now, and which of them differed from what was loaded."""
        ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What has to be loaded.

    Attributes:
        pending: by asset and partition key the reason.
        sources: what the probes told, by asset.
        published: the last successful loads, by asset and partition key.
        coverage: what was compared of each asset that reads a source.
        errors: by asset why its source could not be compared.
        settled: what was loaded a moment ago, and differs from its source again.
    """

    pending: Mapping[str, Mapping[str | None, Reason]]
    sources: Mapping[str, SourceState]
    published: Mapping[str, Mapping[str | None, Published]]
    coverage: Mapping[str, Coverage]
    errors: Mapping[str, Exception]
    settled: Collection[Cell] = ()


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
    selected: Sequence[RegisteredMart],
    resources: Mapping[str, Any],
    lookback: int,
    *,
    swept: int = 0,
    swept_rows: int = 0,
    seconds: float | None = None,
    loaded: Mapping[Cell, int] | None = None,
    unreachable: dict[str, Exception] | None = None,
) -> Plan:
    """Compares sources with the run log.

    A source that cannot be asked is an error of its assets, and the others are compared all the same.

    Args:
        selected: the marts, upstream ones first.
        resources: Dagster's resources by key, the warehouses and the probes among them.
        lookback: how many of the newest partitions are compared by fingerprint; twice as many where a
            probe cannot rule out late commits.
        swept: how many of the older published partitions of each asset are compared beside them, least
            recently compared first (rows of any age can change), and as many of those that differed and have
            not been loaded since. `ALL` compares every one.
        swept_rows: more older ones, as long as they hold no more rows than this together.
        seconds: the time for it; None for no limit. What was not compared in time comes first the next time.
        loaded: what was loaded a moment ago: see `pending_and_settled`.
        unreachable: by resource key the errors of sources that could not be reached a moment ago. These are
            not asked, and those found now join them.

    Raises:
        Exception: whatever the warehouse raises.
    """
    with time_limit(seconds):
        published = _published(selected, resources)
        there = _keys_of(selected)
        looks = _looks(selected, resources, published, there, lookback, (swept, swept_rows))
        for look, is_asked in _in_turn(looks, {} if unreachable is None else unreachable):
            look.compare(resources, published, is_asked=is_asked)
    sources = {look.asset: look.state for look in looks if look.state is not None}
    members = [registered.mart for registered in selected]
    keys = [keys for keys in there.values() if keys]
    wanted = KeyRange(min(found[0] for found in keys), max(found[-1] for found in keys)) if keys else None
    pending, settled = pending_and_settled(members, published, sources, wanted, loaded or {})
    coverage = {look.asset: look.coverage for look in looks}
    errors = {look.asset: look.error for look in looks if look.error is not None}
    return Plan(pending, sources, published, coverage, errors, settled)


def _published(
    selected: Sequence[RegisteredMart], resources: Mapping[str, Any]
) -> dict[str, Mapping[str | None, Published]]:
    published: dict[str, Mapping[str | None, Published]] = {}
    for registered in selected:
        ledger: Ledger = resources[registered.warehouse]
        for asset in (registered.mart.asset, *registered.mart.upstream):
            if asset not in published:
                published[asset] = ledger.last_published(asset)
    return published


def _keys_of(selected: Sequence[RegisteredMart]) -> dict[dg.TimeWindowPartitionsDefinition, Sequence[str]]:
    definitions = {found.partitions_def for found in selected if found.partitions_def is not None}
    return {definition: definition.get_partition_keys() for definition in definitions}


class _Look:
    """The comparison of one asset with its source."""

    def __init__(
        self,
        registered: RegisteredMart,
        source: str,
        comparisons: Mapping[str, Comparison],
        choice: Choice | None,
        doubled: Choice | None,
        *,
        is_whole: bool = False,
    ) -> None:
        self.registered = registered
        self.source = source
        self.asset = registered.mart.asset
        self.comparisons = comparisons
        self.choice = choice
        self.state: SourceState | None = None
        self.error: Exception | None = None
        self.coverage = Coverage(1, 0, is_whole=True)
        self._doubled = doubled
        # Whether all rows of a whole table are to be compared, where the usual look compares less.
        self._is_whole = is_whole

    @property
    def last_tried(self) -> datetime:
        """The time of the newest try of any partition."""
        return max((known.tried_at for known in self.comparisons.values()), default=_NEVER)

    def compare(
        self,
        resources: Mapping[str, Any],
        published: Mapping[str, Mapping[Key, Published]],
        *,
        is_asked: bool,
    ) -> None:
        """Ask the source, keep what it tells or why it does not, and note what was compared."""
        mine = published[self.asset]
        if is_asked:
            try:
                self.state = self._ask(resources[self.source], mine)
            except Exception as error:
                if not is_of_a_source(error):
                    raise
                self.error = error
        if self.state is not None:
            self._note(resources[self.registered.warehouse], self.state, mine)
        if self.choice is None:
            self.coverage = coverage_of_a_table(self.state)
        else:
            self.coverage = coverage_of_partitions(self.choice, self.state, mine, self.comparisons)

    def _ask(self, probe: Probe, published: Mapping[Key, Published]) -> SourceState:
        definition = self.registered.partitions_def
        if definition is None or self.choice is None:
            self._is_whole = self._is_whole and isinstance(probe, WholeProbe)
            if isinstance(probe, WholeProbe) and self._is_whole:
                return probe.whole_state(self.asset, published)
            return probe.source_state(self.asset, [Slice()], published)
        wanted = self.choice.in_turn
        state = probe.source_state(self.asset, [slice_of(definition, key) for key in wanted], published)
        if state.is_certain or self._doubled is None or is_over():
            return state
        self.choice = self._doubled
        more = [key for key in self.choice.in_turn if key not in wanted]
        if not more:
            return state
        other = probe.source_state(self.asset, [slice_of(definition, key) for key in more], published)
        return SourceState(
            {*state.with_rows, *other.with_rows},
            {**state.fingerprints, **other.fingerprints},
            other.scope,
            is_certain=False,
            warnings=list(dict.fromkeys([*state.warnings, *other.warnings])),
            out_of_time={*state.out_of_time, *other.out_of_time},
        )

    def _note(self, ledger: Ledger, state: SourceState, published: Mapping[Key, Published]) -> None:
        told = state.fingerprints
        stale = [key for key, told in told.items() if key in published and published[key].fingerprint != told]
        tried: set[Key] = {*told, *state.out_of_time} if self.choice else {None}
        compared: set[Key] = set(told)
        if self._is_whole:
            tried.add(ALL_ROWS)
            compared |= {ALL_ROWS} - {*state.out_of_time}
        if tried:
            ledger.note_comparisons(self.asset, tried, compared, stale)


def _looks(
    selected: Sequence[RegisteredMart],
    resources: Mapping[str, Any],
    published: Mapping[str, Mapping[Key, Published]],
    there: Mapping[dg.TimeWindowPartitionsDefinition, Sequence[str]],
    lookback: int,
    swept: tuple[int, int],
) -> list[_Look]:
    """Choose the comparisons of each asset that reads a source."""
    looks: list[_Look] = []
    for registered in selected:
        if registered.source is None:
            continue
        ledger: Ledger = resources[registered.warehouse]
        asset = registered.mart.asset
        comparisons = ledger.comparisons(asset)
        choices: list[Choice | None] = [None, None]
        if registered.partitions_def is not None:
            keys = there[registered.partitions_def]
            choices = [
                choose(keys, published[asset], comparisons, count, *swept)
                for count in (lookback, 2 * lookback)
            ]
        is_whole = registered.partitions_def is None and (
            swept[0] == ALL or is_due_whole(published[asset], comparisons, datetime.now(UTC))
        )
        looks.append(_Look(registered, registered.source, comparisons, *choices, is_whole=is_whole))
    return looks


def _in_turn(looks: Sequence[_Look], unreachable: dict[str, Exception]) -> Iterator[tuple[_Look, bool]]:
    """Each look with whether its source is to be asked; the one whose turn was longest ago is first.

    Each has its share of the time that is left. A server that cannot be reached is not asked again, and where
    the time is over, only the first one is asked.
    """
    order = sorted(looks, key=lambda look: look.last_tried)
    for place, look in enumerate(order):
        look.error = unreachable.get(look.source)
        left = seconds_left()
        with time_limit(None if left is None else left / (len(order) - place)):
            yield look, look.error is None and not (place and left is not None and left <= 0)
        if look.error is not None and ends_a_server(look.error):
            unreachable[look.source] = look.error


def is_due(failures: int, last: datetime | None, now: datetime) -> bool:
    """Whether a partition that failed is due for another try: after 1, 2, 4 … minutes, at most an hour."""
    if failures == 0 or last is None:
        return True
    return now - last >= min(timedelta(minutes=2 ** min(failures - 1, 10)), _LONGEST_WAIT)
