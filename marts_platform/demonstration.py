"""`marts materialize` and `marts demo`: what they do, and what they show while and after they do it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dagster as dg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from marts_platform.console import screen
from marts_platform.dagster_home import use_dagster_home
from marts_platform.materialization import (
    AssetResult,
    MaterializationError,
    batches_of_days,
    days_between,
    materialize,
    pending_batches,
    select,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from marts_platform.core.pending import Batch


def materialize_selection(selection: str, first: date | None, end: date | None) -> None:
    """Materialises a selection with a progress bar, and shows what became of it.

    Args:
        selection: see `marts_platform.materialization.select`.
        first: the first day, None for what is new, changed or failed.
        end: the day after the last one.

    Raises:
        MaterializationError: a run failed; what was published is shown before.
    """
    registered = select(selection)
    if first is None or end is None:
        work = pending_batches(registered)
    else:
        work = batches_of_days(days_between(first, end, registered))
    if not work:
        screen().print(f"Nothing to do: {selection} is as its source is.")
        return
    show_results(run_with_progress(work))


def run_with_progress(work: Sequence[Batch]) -> list[AssetResult]:
    """Runs batches in process under a progress bar: a step is a partition of an asset.

    Raises:
        MaterializationError: a run failed; what it had published is shown before.
    """
    use_dagster_home()
    console = screen()
    steps = sum(len(batch.partition_keys) * len(batch.assets) for batch in work)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar, dg.DagsterInstance.get() as instance:
        task = bar.add_task("materialising", total=steps)
        try:
            return materialize(work, instance, lambda asset: bar.update(task, description=asset, advance=1))
        except MaterializationError as error:
            show_results(error.results)
            raise


def show_results(results: Sequence[AssetResult]) -> None:
    """A table of what was loaded: partitions, rows, seconds, checks."""
    table = Table(title="Materialised", title_justify="left")
    table.add_column("asset", no_wrap=True)
    for column in ("partitions", "rows", "unreadable values", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("checks")
    for result in results:
        passed = sum(result.checks.values())
        warning = [name for name, is_passed in result.checks.items() if not is_passed]
        table.add_row(
            result.asset,
            f"{result.partitions:,}",
            f"{result.rows:,}",
            f"{result.values_quarantined:,}",
            f"{result.seconds:.1f}",
            f"{passed} passed" + (f", {len(warning)} warn: {', '.join(warning)}" if warning else ""),
        )
    screen().print(table)


def seed(domains: Sequence[str], scale: float) -> None:
    """Fills the embedded sources with demo data; again is harmless.

    Args:
        domains: which ones, none for all.
        scale: multiplies the amount of generated data.

    Raises:
        ValueError: there is no such domain.
    """
    from marts_platform.camunda.demo import seed as seed_camunda
    from marts_platform.embedded.stack import Stack

    stack = Stack()
    seeders = {"camunda": lambda: seed_camunda(stack.owner_url("camunda"), scale)}
    for domain in domains or seeders:
        if domain not in seeders:
            raise ValueError(f"there is no domain {domain!r}; there are: {', '.join(seeders)}")
        began = time.monotonic()
        with screen().status(f"Seeding the source of {domain} …"):
            made = seeders[domain]()
        screen().print(
            f"Seeded {domain}: {made.real_details:,} changes of a real history, "
            f"{made.generated.details:,} generated ones, in {time.monotonic() - began:.1f} s."
        )


def demo(scale: float) -> None:
    """Up, seed, build every mart, show them, and say what to try next."""
    from marts_platform import settings
    from marts_platform.embedded.stack import Stack
    from marts_platform.migrations import runner

    console = screen()
    stack = Stack()
    stack.start()
    # The real history has none of the two variables that are wanted by default.
    stack.prefer({"MARTS_CAMUNDA_VARIABLES": "*"})
    console.print("The embedded stack is up.")
    runner.upgrade(settings.load().url("warehouse_url"))
    seed((), scale)
    for selection in ("camunda",):
        work = pending_batches(select(selection))
        if work:
            show_results(run_with_progress(work))
        else:
            console.print(f"{selection} is as its source is: nothing to load.")
    _show_marts()
    _show_next_steps()


def _show_marts() -> None:
    from marts_platform import sql_console
    from marts_platform.core.sql import read_sql

    screen().print("\ncamunda.process_documents: what a process has attached, in one index look-up")
    sql_console.run("postgres", read_sql("camunda/demo/newest_documents.sql"))


def _show_next_steps() -> None:
    screen().print(
        "\nNext:\n"
        '  marts sql postgres "SELECT * FROM camunda.process_variables LIMIT 5"\n'
        '  marts sql postgres "SELECT reason, count(*) FROM ops.quarantine GROUP BY 1"\n'
        "  marts materialize camunda     # nothing to do, until the source changes\n"
        "  marts dev                     # Dagster's UI: lineage, checks, backfills"
    )
