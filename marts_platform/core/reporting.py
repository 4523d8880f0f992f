"""What a load tells Dagster: a partition's figures, the audits' results, what a failed run did publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from marts_platform.core.audit import Verdict
    from marts_platform.core.path import Mart, Outcome
    from marts_platform.core.window import Slice


def report(context: dg.AssetExecutionContext, outcome: Outcome) -> None:
    """Logs a publication, and attaches its figures to the partition."""
    figures = outcome.figures
    for warning in outcome.warnings:
        context.log.warning(f"{outcome.slice}: {warning}")
    for verdict in outcome.verdicts:
        if not verdict.passed:
            context.log.warning(f"{outcome.slice}: {verdict.audit.name} failed: {dict(verdict.figures)}")
    context.log.info(
        f"{outcome.slice}: {figures.rows_written} rows written of {figures.rows_read} read, "
        f"{figures.rows_quarantined} rows and {figures.values_quarantined} values quarantined, "
        f"{figures.rows_kept} kept, in {outcome.seconds:.2f} s"
    )
    report_rows(context, outcome.slice, figures.rows_written + figures.rows_kept)
    context.add_asset_metadata(_shown_figures(outcome), partition_key=outcome.slice.partition_key)


def _shown_figures(outcome: Outcome) -> dict[str, Any]:
    figures = outcome.figures
    return {
        "rows_read": figures.rows_read,
        "rows_written": figures.rows_written,
        "rows_kept": figures.rows_kept,
        "rows_quarantined": figures.rows_quarantined,
        "values_quarantined": figures.values_quarantined,
        "seconds": round(outcome.seconds, 3),
        **({"warnings": "; ".join(outcome.warnings)} if outcome.warnings else {}),
        # What warns was published all the same: whoever looks at the rows sees what there is to know of them.
        **{
            verdict.audit.name: {name: _shown(value) for name, value in _with_passed(verdict).items()}
            for verdict in outcome.verdicts
            if not verdict.audit.blocking
        },
    }


def _with_passed(verdict: Verdict) -> dict[str, Any]:
    return {"passed": verdict.passed, **verdict.figures}


def report_rows(context: dg.AssetExecutionContext, slice_: Slice, rows: int) -> None:
    """Attaches the number of rows of a partition, or of the table, under the name that the UI knows."""
    name = "dagster/partition_row_count" if slice_.partition_key else "dagster/row_count"
    context.add_asset_metadata({name: rows}, partition_key=slice_.partition_key)


def report_partial(context: dg.AssetExecutionContext, outcomes: Sequence[Outcome]) -> None:
    """Says which partitions a failed run has published all the same."""
    # The run fails, so Dagster would count every partition of it as failed: these are there.
    for outcome in outcomes:
        if outcome.slice.partition_key is None:
            continue
        context.log_event(
            dg.AssetMaterialization(
                context.asset_key,
                partition=outcome.slice.partition_key,
                metadata={
                    "dagster/partition_row_count": outcome.figures.rows_written + outcome.figures.rows_kept,
                    "rows_quarantined": outcome.figures.rows_quarantined,
                    "values_quarantined": outcome.figures.values_quarantined,
                },
            )
        )


def check_results(
    spec: Mart, verdicts: Sequence[Verdict], *, skipped: int = 0
) -> Iterator[dg.AssetCheckResult]:
    """The result of each audit over the slices of a run."""
    for audit in spec.audits:
        mine = [verdict for verdict in verdicts if verdict.audit is audit]
        # Dagster wants a result of each check, also where an earlier run of the chain has published all.
        if not mine and not skipped:
            continue
        failed = [verdict for verdict in mine if not verdict.passed]
        figures: dict[str, Any] = {"slices": len(mine), "slices_failed": len(failed)}
        if skipped:
            figures["slices_published_before"] = skipped
        if failed:
            figures["failed"] = ", ".join(verdict.partition_key or "the whole table" for verdict in failed)
        for verdict in (failed or mine)[-1:]:
            figures |= {"partition": verdict.partition_key, **verdict.figures}
        yield dg.AssetCheckResult(
            passed=not failed,
            check_name=audit.name,
            severity=dg.AssetCheckSeverity.ERROR if audit.blocking else dg.AssetCheckSeverity.WARN,
            metadata={name: _shown(value) for name, value in figures.items()},
        )


def _shown(value: object) -> Any:
    return value if isinstance(value, int | float | str | bool) else str(value)
