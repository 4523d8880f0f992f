"""Runs in this process, on Dagster's instance and with its event log: what `marts materialize` does."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform.core.faults import is_passing
from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN, REPLAY_TAG, mart_of, watcher
from marts_platform.core.path import Replace
from marts_platform.core.pending import Batch, Reason, batches, stages_of
from marts_platform.core.planning import ALL, in_order, plan
from marts_platform.core.remaining import cells_of, is_hopeless, remaining
from marts_platform.core.window import Slice
from marts_platform.fault_origin import server_in
from marts_platform.names import nearest
from marts_platform.plain_faults import plain_of_an_expected
from marts_platform.run_launcher import run_tags
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from datetime import date

    from dagster_shared.error import SerializableErrorInfo

    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.path import Outcome
    from marts_platform.core.pending import Cell, Key
    from marts_platform.core.planning import Plan

# Without days, so many of the newest partitions are compared with their source, and so many older ones.
COMPARED_DAYS = 30
COMPARED_OLDER_DAYS = 30
# More older ones are compared while they hold no more rows than this together: a small history at once.
_COMPARED_OLDER_ROWS = 50_000
# Stands between a check and its error in a line on a check that could not run.
UNRUN = " could not run: "


class SelectionError(ExpectedError):
    """The selection names no asset; the message lists what there is."""


class MaterializationError(ExpectedError):
    """Something failed; what was published stays, and the next run goes on from there.

    Attributes:
        results: of what was loaded.
        lost: what failed, and what was given up after it.
        was_interrupted: whether the process was asked to end, and something may be left to do.
    """

    def __init__(
        self,
        message: str,
        results: Collection[AssetResult],
        lost: Collection[Cell] = (),
        *,
        was_interrupted: bool = False,
    ) -> None:
        super().__init__(message)
        self.results = list(results)
        self.lost = frozenset(lost)
        self.was_interrupted = was_interrupted


@dataclass(slots=True)
class AssetResult:
    """What became of one asset over all runs of a materialisation.

    Attributes:
        asset: its key.
        loaded: the partitions that were published; None is the whole table.
        rows: rows written.
        rows_quarantined: rows that were not written but quarantined.
        values_quarantined: values of written rows that could not be read.
        seconds: spent on it.
        checks: by name whether the check passed when it was last run.
        warnings: by what was said of a load or a check, the partitions that it was said of.
    """

    asset: str
    loaded: list[Key] = field(default_factory=list["Key"])
    rows: int = 0
    rows_quarantined: int = 0
    values_quarantined: int = 0
    seconds: float = 0.0
    checks: dict[str, bool] = field(default_factory=dict[str, bool])
    warnings: dict[str, list[str]] = field(default_factory=dict[str, list[str]])

    @property
    def partitions(self) -> int:
        """The number of published partitions; 1 for a whole table."""
        return len(self.loaded)


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
        raise SelectionError(_unknown(selection, known))
    return found


def _by_syntax(selection: str, graph: Any) -> Collection[dg.AssetKey]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return dg.AssetSelection.from_string(selection).resolve(graph)
        except dg.DagsterError as error:
            known = [key.to_user_string() for key in graph.get_all_asset_keys()]
            if re.fullmatch(r"[\w/-]+", selection):
                raise SelectionError(_unknown(selection, known)) from error
            reason = str(error).strip().splitlines()[0]
            raise SelectionError(
                f"{selection!r} cannot be read as Dagster's selection syntax ({reason}); "
                f"there are: {', '.join(sorted(known))}"
            ) from error


def _unknown(selection: str, assets: Collection[str]) -> str:
    domains = sorted({asset.partition("/")[0] for asset in assets})
    if near := nearest(selection, [*assets, *domains]):
        return f"{selection!r} selects nothing{near}; the domains are {', '.join(domains)}"
    return f"{selection!r} selects nothing; there are: {', '.join(sorted(assets))}"


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
        hint = ""
        if first >= end:
            hint = (
                f". --from has to lie before --to; one day is --from {first} --to {first + timedelta(days=1)}"
            )
        raise SelectionError(f"no partitions from {first} to {end} (exclusive): {there}{hint}")
    asked: dict[str, dict[str | None, Reason]] = {
        found.mart.asset: dict.fromkeys(wanted if found.partitions_def else [None], Reason.CHANGED)
        for found in registered
    }
    return batches(asked, MAX_PARTITIONS_PER_RUN, stages_of([found.mart for found in registered]))


def whole_tables(registered: Sequence[RegisteredMart]) -> list[Batch]:
    """The runs that load the tables that are made as a whole, whether or not something has changed.

    Raises:
        SelectionError: there are none: tables of days are loaded anew by their days.
    """
    asked: dict[str, dict[str | None, Reason]] = {
        found.mart.asset: {None: Reason.CHANGED}
        for found in registered
        if isinstance(found.mart.publication, Replace) and found.partitions_def is None
    }
    if not asked:
        raise SelectionError("none of the tables is made as a whole; --from and --to load days anew")
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


def older_to_compare(said: str) -> int:
    """Return the number of older partitions to compare.

    Args:
        said: a number, or ``all``.

    Raises:
        SelectionError: it is neither.
    """
    if said == "all":
        return ALL
    if not said.isdecimal():
        raise SelectionError(f"--compare {said}: give a number of older days, or all")
    return int(said)


def compare(
    registered: Sequence[RegisteredMart],
    older: int = COMPARED_OLDER_DAYS,
    loaded: Mapping[Cell, int] | None = None,
    unreachable: dict[str, Exception] | None = None,
) -> Plan:
    """Compare the sources of marts with what was loaded.

    Args:
        registered: the marts, upstream ones first.
        older: how many partitions older than the newest 30 are compared, least recently compared first.
        loaded: what this command has loaded already, with the number of the round that did.
        unreachable: the errors of sources that this command could not reach: see `plan`.
    """
    from marts_platform.definitions import RESOURCES

    rows = _COMPARED_OLDER_ROWS if older else 0
    return plan(
        registered,
        RESOURCES,
        COMPARED_DAYS,
        swept=older,
        swept_rows=rows,
        loaded=loaded,
        unreachable=unreachable,
    )


def pending_batches(
    registered: Sequence[RegisteredMart], lost: Collection[Cell] = (), made: Plan | None = None
) -> list[Batch]:
    """Return stale partitions as runs, without those that failed a moment ago and their downstreams.

    Args:
        registered: the marts, upstream ones first.
        lost: what failed a moment ago.
        made: the comparison, None to make it now.
    """
    made = made or compare(registered)
    stages = stages_of([found.mart for found in registered])
    work = batches(made.pending, MAX_PARTITIONS_PER_RUN, stages)
    return remaining(work, (), lost, upstream_of(work)) if lost else work


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
        MaterializationError: something failed; all that is not made of it was loaded, unless the process
            was asked to end. A failed lookup stops nothing: what looks values up in it has its last load's.
    """
    course = _Course(work, progress)
    reasons: list[str] = []
    token = watcher.set(course)
    try:
        while course.left:
            batch = course.left[0]
            run = _run(batch, instance, with_checks=with_checks, is_replay=is_replay)
            course.note_checks(run, batch)
            said = [] if run.success else _reasons(run, batch, course.errors)
            if not run.success and (course.is_interrupted or _was_interrupted(run)):
                course.is_interrupted = True
                # What was not begun any more has failed as well.
                reasons.append(said[0])
                break
            reasons += said
            reasons += course.go_on(is_success=run.success)
    finally:
        watcher.reset(token)
    if reasons:
        raise MaterializationError(
            "\n".join(reasons), course.results, course.lost, was_interrupted=course.is_interrupted
        )
    return course.results


class _Course:
    """How far a materialisation has come: what was loaded, what failed, what is left."""

    def __init__(self, work: Sequence[Batch], progress: Callable[[str], None]) -> None:
        self.left = list(work)
        self.lost: set[Cell] = set()
        self.is_interrupted = False
        self._results: dict[str, AssetResult] = {}
        self._progress = progress
        self._done: set[Cell] = set()
        self._failed: dict[Cell, BaseException] = {}
        self._in_a_row: dict[str, int] = {}
        self._upstream = upstream_of(work)

    @property
    def errors(self) -> dict[str, BaseException]:
        """Last error of each asset that failed in the present run."""
        return {asset: error for (asset, _), error in self._failed.items()}

    @property
    def results(self) -> list[AssetResult]:
        """Of each asset, in the order in which they were loaded."""
        return list(self._results.values())

    def published(self, asset: str, outcome: Outcome) -> None:
        """Notes what was loaded."""
        result = self._results.setdefault(asset, AssetResult(asset))
        result.loaded.append(outcome.slice.partition_key)
        result.rows += outcome.figures.rows_written
        result.rows_quarantined += outcome.figures.rows_quarantined
        result.values_quarantined += outcome.figures.values_quarantined
        result.seconds += outcome.seconds
        for warning in outcome.warnings:
            result.warnings.setdefault(warning, []).append(str(outcome.slice))
        self._done.add((asset, outcome.slice.partition_key))
        self._in_a_row[asset] = 0
        self._progress(asset)

    def failed(self, asset: str, key: Key, error: BaseException) -> None:
        """Notes what failed, or that the process was asked to end."""
        if isinstance(error, KeyboardInterrupt | dg.DagsterExecutionInterruptedError):
            self.is_interrupted = True
        self._failed[asset, key] = error

    def note_checks(self, run: dg.ExecuteInProcessResult, batch: Batch) -> None:
        """Notes what the checks of a run said, and which of them could not run."""
        for check in _unrun_checks(run, batch):
            asset = check.asset_key.to_user_string()
            result = self._results.setdefault(asset, AssetResult(asset))
            where = ", ".join(batch.partition_keys) or str(Slice())
            result.warnings.setdefault(f"the check {check.name} could not run", []).append(where)
        for evaluation in run.get_asset_check_evaluations():
            asset = evaluation.asset_key.to_user_string()
            result = self._results.setdefault(asset, AssetResult(asset))
            result.checks[evaluation.check_name] = evaluation.passed
            if not evaluation.passed and evaluation.severity is dg.AssetCheckSeverity.WARN:
                said, where = _of_a_check(evaluation)
                result.warnings.setdefault(said, []).append(where)

    def go_on(self, *, is_success: bool) -> list[str]:
        """Finds what is left after a run; returns what is said of assets that are given up."""
        batch, *self.left = self.left
        if is_success:
            return []
        # A run may fail without a word of a partition: then nothing of it is tried again.
        self.lost |= self._failed.keys() or (set(cells_of(batch)) - self._done)
        said = [self._given_up(asset, error) for (asset, _), error in self._failed.items()]
        self._failed.clear()
        self.left = remaining([batch, *self.left], self._done, self.lost, self._upstream)
        return [line for line in said if line]

    def _given_up(self, asset: str, error: BaseException) -> str:
        self._in_a_row[asset] = in_a_row = self._in_a_row.get(asset, 0) + 1
        if not is_hopeless(in_a_row, passes=is_passing(error)):
            return ""
        others = {cell for batch in self.left for cell in cells_of(batch) if cell[0] == asset} - self.lost
        self.lost |= others
        return (
            f"{asset} failed {in_a_row} times in a row: {len(others)} more of its partitions were not tried"
        )


def _of_a_check(evaluation: dg.AssetCheckEvaluation) -> tuple[str, str]:
    """Return the text of a check that warns, and its partitions."""
    figures = {name: value.value for name, value in evaluation.metadata.items()}
    where = str(figures.pop("failed", None) or figures.pop("partition", None) or Slice())
    hidden = {"partition", "partitions_checked", "partitions_failed", "slices", "slices_failed"}
    shown = ", ".join(f"{name} {value}" for name, value in figures.items() if name not in hidden)
    return f"the check {evaluation.check_name} warns: {shown or 'see it in the UI'}", where


def upstream_of(work: Sequence[Batch]) -> dict[str, Sequence[str]]:
    """Of each asset in the work the assets that it is computed from."""
    assets = {asset for batch in work for asset in batch.assets}
    return {asset: mart_of(dg.AssetKey.from_user_string(asset)).mart.upstream for asset in assets}


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


def _was_interrupted(run: dg.ExecuteInProcessResult) -> bool:
    """Whether somebody asked this process to end, between two steps or in a check."""
    errors = [event.step_failure_data.error for event in run.all_events if event.is_step_failure]
    errors += [event.job_failure_data.error for event in run.all_events if event.is_job_failure]
    return any(
        found.cls_name in ("KeyboardInterrupt", "DagsterExecutionInterruptedError")
        for error in errors
        for found in _chain(error)
    )


def _chain(error: SerializableErrorInfo | None) -> Iterator[SerializableErrorInfo]:
    while error is not None:
        yield error
        error = error.cause


def _telling(chain: Sequence[SerializableErrorInfo]) -> SerializableErrorInfo:
    """Return the innermost error that names its server, else the innermost one."""
    return next((error for error in reversed(chain) if server_in(error.message)), chain[-1])


def _reasons(run: dg.ExecuteInProcessResult, batch: Batch, errors: Mapping[str, BaseException]) -> list[str]:
    """Return a line on each step that failed, at least one; of a check, that it could not run."""
    assets = {asset.replace("/", "__"): asset for asset in batch.assets}
    days = (
        f"{batch.partition_keys[0]} to {batch.partition_keys[-1]}"
        if batch.partition_keys
        else "the whole table"
    )
    checks = _checks_by_step(batch)
    reasons: list[str] = []
    for event in run.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            error = _telling(list(_chain(event.step_failure_data.error)))
            if check := checks.get(event.step_key or ""):
                asset, said = check.asset_key.to_user_string(), " ".join(error.message.split())
                reasons.append(f"{asset}, {days}: the check {check.name}{UNRUN}{said} (run {run.run_id})")
                continue
            asset = assets.get(str(event.step_key), str(event.step_key))
            said = plain_of_an_expected(errors.get(asset)) or " ".join(error.message.split())
            reasons.append(f"{asset} failed within {days} (run {run.run_id}): {said}")
    return reasons or [f"run {run.run_id} of {days} failed; Dagster's UI has its events"]


def _unrun_checks(run: dg.ExecuteInProcessResult, batch: Batch) -> list[dg.AssetCheckKey]:
    checks = _checks_by_step(batch)
    failed = [event.step_key for event in run.all_events if event.is_step_failure]
    return [checks[step] for step in failed if step in checks]


def _checks_by_step(batch: Batch) -> dict[str | None, dg.AssetCheckKey]:
    """Return the checks of a run's assets by the keys that Dagster gives to their steps."""
    from marts_platform.definitions import defs

    keys = {dg.AssetKey.from_user_string(asset) for asset in batch.assets}
    checks = defs.resolve_asset_graph().get_check_keys_for_assets(keys)
    return {f"{check.asset_key.to_python_identifier()}_{check.name}": check for check in checks}
