"""The decorator of the platform's assets: one table, made along the one path.

::

    @mart(
        asset="shop/orders_per_day",
        ddl="shop/ddl/orders_per_day.sql",
        publication=Replace("day"),
        warehouse="postgres",
        partitions_def=DAILY,
        upstream=["shop/orders"],
    )
    def orders_per_day(slice_: Slice) -> Query:
        return Query("shop/marts/orders_per_day.sql")

The function says what the rows of a slice are. Its further parameters are resources, by name.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, cast, runtime_checkable

import dagster as dg
from dagster_shared.utils.warnings import BetaWarning

from marts_platform.core.audit import AuditFailed
from marts_platform.core.chains import resumes, run_of
from marts_platform.core.code_version import code_version
from marts_platform.core.path import Append, Extract, Mart, Outcome, Replace, Warehouse, load_slice
from marts_platform.core.reporting import check_results, report, report_partial, report_rows
from marts_platform.core.rows import Replay
from marts_platform.core.table import Table, declared
from marts_platform.core.window import Slice, Window
from marts_platform.masking import cleaned, cleaned_error, error_text, raising_cleaned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Keyed, Landing, Publication
    from marts_platform.core.pending import Key, SourceState
    from marts_platform.core.rows import Rows
    from marts_platform.core.run_log import Published

# What judges rows in quarantine anew, without a look at the source.
REPLAY_TAG = "marts/replay"
# A range this long is one run of about a minute's events; a longer backfill becomes several runs.
MAX_PARTITIONS_PER_RUN = 50


_NOTHING_YET: Mapping[Key, Published] = MappingProxyType({})


class Probe(Protocol):
    """Reads the state of a source without its rows; a resource of the run offers it."""

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] = _NOTHING_YET
    ) -> SourceState:
        """Which partitions have rows, and the fingerprints of some.

        Args:
            asset: whose source is asked about: one system may feed several.
            slices: the partitions whose fingerprints are wanted; the whole table of an unpartitioned asset.
            published: the last successful loads by partition. Where a look-up is dear, a source need not look
                for rows in these, and says that they have some. One that forgets rows sees here that it did.
        """
        ...


@runtime_checkable
class WholeProbe(Probe, Protocol):
    """A probe of whole tables whose usual look compares less than all rows, such as a server's counters."""

    def whole_state(self, asset: str, published: Mapping[Key, Published] = _NOTHING_YET) -> SourceState:
        """Return the state of a table by a look at all of its rows.

        Where that takes longer than it may, the state is that of the usual look, and a warning says so.

        Args:
            asset: whose source is asked about.
            published: the last successful load.
        """
        ...


@dataclass(frozen=True, slots=True)
class RegisteredMart:
    """A mart and what the asset's consumers need beside it.

    Attributes:
        mart: the table and how it is made.
        warehouse: the resource key of the IO manager that holds it.
        partitions_def: its partitions.
        source: the resource key of the probe of its source, None for a computed mart.
        window_column: the column that windows select by, None if rows belong to no window.
    """

    mart: Mart
    warehouse: str
    partitions_def: dg.TimeWindowPartitionsDefinition | None = None
    source: str | None = None
    window_column: str | None = None

    @property
    def table(self) -> Table:
        """The declared table."""
        return self.mart.table


class Watcher(Protocol):
    """Whoever runs marts in its own process, and waits for them at a terminal."""

    @property
    def is_interrupted(self) -> bool:
        """Whether somebody asked this process to end: nothing more is begun then."""
        ...

    def published(self, asset: str, outcome: Outcome) -> None:
        """Hears of each publication."""
        ...

    def failed(self, asset: str, key: Key, error: BaseException) -> None:
        """Hears of the partition at which an asset's load ended, and of interrupts."""
        ...


watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)

_registry: dict[dg.AssetKey, RegisteredMart] = {}
_source_assets: dict[dg.AssetKey, dg.AssetSpec] = {}


def mart_of(key: dg.AssetKey) -> RegisteredMart:
    """The mart behind an asset.

    Raises:
        KeyError: the asset is not one of the platform's marts.
    """
    if key not in _registry:
        raise KeyError(f"{key.to_user_string()} is not made with @mart: its table is not declared")
    return _registry[key]


def marts() -> Mapping[dg.AssetKey, RegisteredMart]:
    """Every mart that has been defined, by asset key."""
    return dict(_registry)


def source_assets() -> list[dg.AssetSpec]:
    """The tables of other systems that marts come from: they stand in the lineage and are never made."""
    return list(_source_assets.values())


def mart(
    *,
    asset: str,
    ddl: str,
    publication: Publication,
    warehouse: str,
    partitions_def: dg.TimeWindowPartitionsDefinition | None = None,
    upstream: Sequence[str] = (),
    lookups: Sequence[str] = (),
    audits: Sequence[Audit] = (),
    quarantine: str | None = None,
    fingerprint: str | None = None,
    source: str | None = None,
    source_asset: dg.AssetSpec | None = None,
    landing: Landing | None = None,
    scope: Callable[[], str] | None = None,
    owners: Sequence[str] = ("team:data",),
    kinds: Sequence[str] = (),
    pool: str | None = None,
    freshness: dg.FreshnessPolicy | None = None,
    retry_policy: dg.RetryPolicy | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., Extract | Rows]], dg.AssetsDefinition]:
    """Makes an asset of a function that says what the rows of a slice are.

    Args:
        asset: the key, ``domain/table``.
        ddl: the DDL file of the table.
        publication: how staged rows become the table's.
        warehouse: the resource key of the IO manager that holds the table.
        partitions_def: daily partitions, None for an unpartitioned table.
        upstream: keys of the assets it is computed from.
        lookups: keys of the assets that it looks values up in; what changes in them makes nothing stale.
        audits: blocking and warning questions to the staged rows.
        quarantine: an SQL file that finds what could not be read among the ``{staged}`` rows.
        fingerprint: an SQL file with the state that the ``{staged}`` rows show of the source.
        source: the resource key of the `Probe` that reads the same state at the source.
        source_asset: the table of another system that the rows come from, for the lineage.
        landing: how rows that come raw become the table's, None if they come typed.
        scope: of a computed mart, the settings that decide what its rows are, as text: others make it stale.
            Its extract's ``scope`` has to be the same.
        owners: of the asset, as Dagster writes them.
        kinds: shown in the UI.
        pool: the Dagster pool that limits how many runs read the source at once.
        freshness: when the asset counts as stale.
        retry_policy: tries after those that follow each other at once, for faults that take minutes to pass.
        metadata: more of the definition's metadata.

    Returns:
        A decorator that turns the function into a Dagster asset. A run over a range of partitions
        publishes one after another; a retry skips those its chain of runs has published.

    Raises:
        ValueError: the publication's column and the partitions do not go together.
    """
    if isinstance(publication, Replace) and (publication.column is None) != (partitions_def is None):
        # Without a column each partition would replace the whole table; without partitions nothing would be
        # replaced.
        raise ValueError(
            f"{asset}: Replace takes a time column for an asset with partitions, and none for one without"
        )
    if landing is not None and (warehouse != "postgres" or not isinstance(publication, Append)):
        # Only there are offsets stored with the rows; and only rows that join are judged once.
        raise ValueError(f"{asset}: rows that land raw are appended, in the warehouse postgres")
    table = declared(ddl)
    spec = Mart(
        asset,
        table,
        publication,
        tuple(audits),
        quarantine,
        fingerprint,
        tuple(upstream),
        tuple(lookups),
        is_partitioned=partitions_def is not None,
        landing=landing,
        scope=scope,
    )
    key = dg.AssetKey.from_user_string(asset)

    def decorate(function: Callable[..., Extract | Rows]) -> dg.AssetsDefinition:
        resources = list(inspect.signature(function).parameters)[1:]

        def compute(context: dg.AssetExecutionContext) -> Iterator[Any]:
            given = {name: getattr(context.resources, name) for name in resources}
            manager: Warehouse = getattr(context.resources, warehouse)
            yield from raising_cleaned(
                _materialize(context, manager, spec, lambda slice_: function(slice_, **given)),
                (dg.Failure, dg.RetryRequested),
            )

        column = publication.column if isinstance(publication, Replace | Append) else None
        _registry[key] = RegisteredMart(spec, warehouse, partitions_def, source, column)
        if source_asset is not None:
            _source_assets[source_asset.key] = source_asset
        return _asset(
            key=key,
            description=table.description,
            deps=[
                *(dg.AssetKey.from_user_string(name) for name in (*upstream, *lookups)),
                *([source_asset.key] if source_asset else []),
            ],
            partitions_def=partitions_def,
            backfill_policy=dg.BackfillPolicy.multi_run(MAX_PARTITIONS_PER_RUN) if partitions_def else None,
            io_manager_key=warehouse,
            required_resource_keys={warehouse, *resources},
            check_specs=[_check_spec(audit, key) for audit in audits],
            owners=list(owners),
            kinds=set(kinds),
            group_name=key.path[0],
            pool=pool,
            freshness_policy=freshness,
            retry_policy=retry_policy,
            code_version=code_version(spec),
            metadata={
                "dagster/column_schema": column_schema(table),
                "dagster/table_name": table.qualified,
                **(metadata or {}),
            },
        )(_named(compute, function))

    return decorate


def _asset(**definition: Any) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    with warnings.catch_warnings():
        # backfill_policy has been beta since 2023; the pinned Dagster has it.
        warnings.simplefilter("ignore", BetaWarning)
        # Its overloads hide the type that it returns for keyword arguments.
        return cast("Callable[[Callable[..., Any]], dg.AssetsDefinition]", dg.asset(**definition))


def keyed_mart(*, asset: str, ddl: str, publication: Keyed, **options: Any) -> dg.AssetsDefinition:
    """An asset whose rows its publication's SQL files say: a row a key, from the windows' raw rows.

    Args:
        asset: the key, ``domain/table``.
        ddl: the DDL file of the table.
        publication: which keys a window touches, and what their rows are.
        options: the further arguments of `mart`.
    """

    def rows_of_keys(_: Slice) -> Extract:
        return Extract(None)

    return mart(asset=asset, ddl=ddl, publication=publication, **options)(rows_of_keys)


def column_schema(table: Table) -> dg.TableSchema:
    """A table's columns for Dagster's UI."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.type,
                column.description,
                constraints=dg.TableColumnConstraints(
                    nullable=column.nullable and column.name not in table.key,
                    unique=table.key == (column.name,),
                ),
            )
            for column in table.columns
        ]
    )


def slices_of(context: dg.AssetExecutionContext) -> list[Slice]:
    """What a run has to publish: its partitions in order, or the whole table."""
    definition = context.assets_def.partitions_def
    # An asset without partitions may share a run with assets that have some.
    if definition is None or not (context.has_partition_key or context.has_partition_key_range):
        return [Slice()]
    assert isinstance(definition, dg.TimeWindowPartitionsDefinition)  # `mart` takes no other
    return [slice_of(definition, key) for key in context.partition_keys]


def slice_of(definition: dg.TimeWindowPartitionsDefinition, key: str) -> Slice:
    """The slice of a partition."""
    span = definition.time_window_for_partition_key(key)
    return Slice(key, Window(span.start, span.end))


def _materialize(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    spec: Mart,
    extract: Callable[[Slice], Extract | Rows],
) -> Iterator[Any]:
    if context.run.tags.get(REPLAY_TAG) == "true":
        extract = _replayed
    run = run_of(context.run, context.instance)
    slices = slices_of(context)
    done: Mapping[str | None, int] = {}
    if resumes(context.run.tags):
        done = warehouse.published_by(spec, run.root_run_id)
    outcomes: list[Outcome] = []
    watching, key = watcher.get(), None
    fault: dg.Failure | None = None
    try:
        for slice_ in slices:
            key = slice_.partition_key
            if key in done:
                context.log.info(f"{slice_}: published by an earlier run of this chain, skipped")
                report_rows(context, slice_, done[key])
                continue
            if watching is not None and watching.is_interrupted:
                raise KeyboardInterrupt("not begun")
            outcome = load_slice(warehouse, spec, slice_, run, lambda slice_=slice_: extract(slice_))
            outcomes.append(outcome)
            report(context, outcome)
            if watching is not None:
                watching.published(spec.asset, outcome)
    except AuditFailed as failure:
        if watching is not None:
            watching.failed(spec.asset, key, failure)
        verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]
        yield from check_results(spec, [*verdicts, *failure.verdicts])
        report_partial(context, outcomes)
        fault = _failure(cleaned(str(failure)), failure)
    except BaseException as error:
        report_partial(context, outcomes)
        if watching is not None and not isinstance(error, GeneratorExit):
            watching.failed(spec.asset, key, error)
            # Somebody waits at a terminal: the fault is for now, not for after the policy's minutes. An
            # interrupt as well: Dagster would try the step again after it.
            fault = _failure(error_text(error), error)
        else:
            raise
    if fault is not None:
        # Not within the handlers: the original would be its context.
        raise fault
    yield dg.Output(outcomes)
    verdicts = [verdict for outcome in outcomes for verdict in outcome.verdicts]
    yield from check_results(spec, verdicts, skipped=len(slices) - len(outcomes))


def _failure(text: str, error: BaseException) -> dg.Failure:
    """Return what ends a step without another try, with the error's clean copy as its cause."""
    failure = dg.Failure(text, allow_retries=False)
    failure.__cause__ = cleaned_error(error) if isinstance(error, Exception) else error
    return failure


def _replayed(_: Slice) -> Extract:
    return Extract(Replay())


def _check_spec(audit: Audit, key: dg.AssetKey) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(audit.name, asset=key, blocking=audit.blocking, description=audit.description)


def _named(
    compute: Callable[..., Iterator[Any]], function: Callable[..., Any]
) -> Callable[..., Iterator[Any]]:
    compute.__name__ = function.__name__
    compute.__doc__ = function.__doc__
    # Dagster reads the annotations of the context at run time.
    compute.__annotations__ = {"context": dg.AssetExecutionContext}
    return compute
