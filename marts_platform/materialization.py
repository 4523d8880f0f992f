"""Runs in this process, on Dagster's instance and with its event log: what `marts materialize` does."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN, REPLAY_TAG, mart_of, on_published
from marts_platform.core.pending import Batch, Reason, batches, stages_of
from marts_platform.core.planning import in_order, plan
from marts_platform.run_launcher import run_tags
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import date

    from dagster_shared.error import SerializableErrorInfo

    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.path import Outcome

# Without days, partitions that were loaded are compared with their source this far back.
COMPARED_DAYS = 30


class SelectionError(ExpectedError):
    """The selection names no asset; the message lists what there is."""


class MaterializationError(ExpectedError):
    """A run failed; what it had published stays, and the next run goes on from there."""

    def __init__(self, message: str, results: Sequence[AssetResult]) -> None:
        super().__init__(message)
        self.results = list(results)


@dataclass(slots=True)
class AssetResult:
    """What became of one asset over all runs of a materialisation.

    Attributes:
        asset: its key.
        partitions: how many were published; 0 for an unpartitioned asset.
        rows: rows written.
        values_quarantined: values that could not be read.
        seconds: spent on it.
        checks: by name whether the check passed when it was last run.
    """

    asset: str
    partitions: int = 0
    rows: int = 0
    values_quarantined: int = 0
    seconds: float = 0.0
    checks: dict[str, bool] = field(default_factory=dict[str, bool])


def select(selection: str) -> list[RegisteredMart]:
    """The marts that a selection names, upstream ones first.

    Args:
        selection: a domain (``camunda``), an asset (``camunda/process_documents``), ``all``, or Dagster's
            selection syntax (``+key:"camunda/process_documents"``).

    Raises:
        SelectionError: nothing is selected.
    """
    from marts_platform.definitions import defs

    graph = defs.resolve_asset_graph()
    known = {key.to_user_string(): key for key in graph.get_all_asset_keys()}
    if selection == "all":
        keys: Collection[dg.AssetKey] = list(known.values())
    elif selection in known:
        keys = [known[selection]]
    else:
        domain = [key for key in known.values() if key.path[0] == selection]
        keys = domain or _by_syntax(selection, graph)
    found = in_order(keys)
    if not found:
        raise SelectionError(f"{selection!r} selects nothing; there are: {', '.join(sorted(known))}")
    return found


def _by_syntax(selection: str, graph: Any) -> Collection[dg.AssetKey]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dg.AssetSelection.from_string(selection).resolve(graph)
        except dg.DagsterError as error:
            known = ", ".join(sorted(key.to_user_string() for key in graph.get_all_asset_keys()))
            raise SelectionError(f"{selection!r} cannot be read ({error}); there are: {known}") from error


def days_between(first: date, end: date, registered: Sequence[RegisteredMart]) -> list[Batch]:
    """All of the assets for the days from ``first`` up to, and without, ``end``, as runs.

    Days of the future are left out. Assets without partitions are loaded once, in their turn.

    Raises:
        SelectionError: there are no such days.
    """
    definition = next((found.partitions_def for found in registered if found.partitions_def), None)
    keys: Sequence[str] = definition.get_partition_keys() if definition else []
    wanted = [key for key in keys if first.isoformat() <= key < end.isoformat()]
    if not wanted:
        there = f"they run from {keys[0]} to {keys[-1]}" if keys else "the assets have none"
        raise SelectionError(f"no partitions from {first} to {end} (exclusive): {there}")
    asked: dict[str, dict[str | None, Reason]] = {
        found.mart.asset: dict.fromkeys(wanted if found.partitions_def else [None], Reason.CHANGED)
        for found in registered
    }
    return batches(asked, MAX_PARTITIONS_PER_RUN, stages_of([found.mart for found in registered]))


def replayable(asset: str) -> list[Batch]:
    """The run that judges an asset's rows in quarantine anew.

    Raises:
        SelectionError: there is no such asset, or its source still has every row.
    """
    (registered, *others) = select(asset)
    if others or registered.mart.landing is None:
        raise SelectionError(
            f"{asset} has no rows to replay: its source still has every row, and `marts materialize {asset}` "
            f"reads those that changed"
        )
    return [Batch((), (registered.mart.asset,))]


def pending_batches(registered: Sequence[RegisteredMart]) -> list[Batch]:
    """What is new, changed or failed, as runs."""
    from marts_platform.definitions import RESOURCES

    made = plan(registered, RESOURCES, COMPARED_DAYS)
    return batches(made.pending, MAX_PARTITIONS_PER_RUN, stages_of([found.mart for found in registered]))


def materialize(
    work: Sequence[Batch],
    instance: dg.DagsterInstance,
    progress: Callable[[str], None] = lambda _: None,
    *,
    with_checks: bool = True,
    is_replay: bool = False,
) -> list[AssetResult]:
    """Runs batches one after another, in this process.

    Args:
        work: from `pending_batches` or `days_between`.
        instance: where runs and events are recorded.
        progress: called with the asset whenever one of its partitions was published.
        with_checks: whether the checks of what was published run too; audits always do.
        is_replay: whether the rows come from quarantine and not from the source.

    Returns:
        A result for each asset, in the order in which they were loaded.

    Raises:
        MaterializationError: a run failed; it holds the results so far. A failed lookup stops nothing: what
            looks values up in it has those of its last load.
    """
    results: dict[str, AssetResult] = {}

    def published(asset: str, outcome: Outcome) -> None:
        result = results.setdefault(asset, AssetResult(asset))
        result.partitions += 1
        result.rows += outcome.figures.rows_written
        result.values_quarantined += outcome.figures.values_quarantined
        result.seconds += outcome.seconds
        progress(asset)

    token = on_published.set(published)
    reasons: list[str] = []
    try:
        for place, batch in enumerate(work, start=1):
            run = _run(batch, instance, with_checks=with_checks, is_replay=is_replay)
            _add_checks(results, run)
            if not run.success:
                reasons.append(_reason(run, batch))
                if _was_interrupted(run) or not _is_only_looked_up(batch, work[place:]):
                    break
    finally:
        on_published.reset(token)
    if reasons:
        raise MaterializationError("\n".join(reasons), list(results.values()))
    return list(results.values())


def _is_only_looked_up(batch: Batch, later: Sequence[Batch]) -> bool:
    """Whether what follows does without the batch: it has what was looked up in its assets before."""
    lookups: set[str] = set()
    for asset in {asset for other in later for asset in other.assets}:
        lookups |= set(mart_of(dg.AssetKey.from_user_string(asset)).mart.lookups)
    return not batch.partition_keys and set(batch.assets) <= lookups


def _run(
    batch: Batch, instance: dg.DagsterInstance, *, with_checks: bool, is_replay: bool
) -> dg.ExecuteInProcessResult:
    from marts_platform.definitions import defs

    job = defs.resolve_implicit_global_asset_job_def()
    keys = frozenset(dg.AssetKey.from_user_string(asset) for asset in batch.assets)
    checks = None
    if not with_checks:
        checks = frozenset(
            dg.AssetCheckKey(key, audit.name) for key in keys for audit in mart_of(key).mart.audits
        )
    subset = job.get_subset(asset_selection=keys, asset_check_selection=checks)
    tags = run_tags() | ({REPLAY_TAG: "true"} if is_replay else {})
    if batch.partition_keys:
        tags["dagster/asset_partition_range_start"] = batch.partition_keys[0]
        tags["dagster/asset_partition_range_end"] = batch.partition_keys[-1]
    return subset.execute_in_process(
        instance=instance,
        tags=tags,
        # What happens is in the event log and in the results; the terminal belongs to the progress bar.
        run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        raise_on_error=False,
    )


def _add_checks(results: dict[str, AssetResult], run: dg.ExecuteInProcessResult) -> None:
    for evaluation in run.get_asset_check_evaluations():
        asset = evaluation.asset_key.to_user_string()
        results.setdefault(asset, AssetResult(asset)).checks[evaluation.check_name] = evaluation.passed


def _was_interrupted(run: dg.ExecuteInProcessResult) -> bool:
    """Whether somebody asked this process to end; with a retry policy Dagster makes a mere failure of it."""
    return any(
        error.cls_name in ("KeyboardInterrupt", "DagsterExecutionInterruptedError")
        for event in run.all_events
        if event.is_step_failure and event.step_failure_data.error is not None
        for error in _chain(event.step_failure_data.error)
    )


def _chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    while error is not None:
        yield error
        error = error.cause


def _reason(run: dg.ExecuteInProcessResult, batch: Batch) -> str:
    days = (
        f"{batch.partition_keys[0]} to {batch.partition_keys[-1]}"
        if batch.partition_keys
        else "the whole table"
    )
    for event in run.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            *_, error = _chain(event.step_failure_data.error)
            return f"{event.step_key} failed within {days} (run {run.run_id}): {error.message.strip()}"
    return f"run {run.run_id} of {days} failed; Dagster's UI has its events"
