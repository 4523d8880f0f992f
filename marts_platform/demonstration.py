"""`marts materialize` and `marts demo`: what they do, and what they show while and after they do it."""

from __future__ import annotations

import contextlib
import sys
import time
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import dagster as dg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from marts_platform.console import screen
from marts_platform.core.demo import ServerDownError
from marts_platform.dagster_home import use_dagster_home
from marts_platform.interrupts import ending_is_an_interrupt
from marts_platform.materialization import (
    AssetResult,
    MaterializationError,
    SelectionError,
    days_between,
    materialize,
    pending_batches,
    replayable,
    select,
    whole_tables,
)
from marts_platform.names import nearest
from marts_platform.plain_faults import plainly, said_plainly
from marts_platform.run_launcher import end_dead_runs
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Sequence
    from datetime import date

    from marts_platform.core.demo import Demo
    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.pending import Batch
    from marts_platform.resources.identity import Slot

# In the order in which the demo builds them.
DOMAINS = ("camunda", "bionicpro", "chat", "delivery", "shop")
# One for what is there, one for what comes of streams, one for what came meanwhile.
_LOOKS = 3


@contextlib.contextmanager
def telling(command: str) -> Generator[None]:
    """Send an alert if the command fails; wrong use, and Ctrl-C at a terminal, are no failure."""
    began = datetime.now(UTC)
    try:
        yield
    except SelectionError:
        raise
    except Exception as error:
        was_asked = isinstance(error, MaterializationError) and error.was_interrupted and sys.stdin.isatty()
        if not was_asked and (said := _tell(command, error, began)):
            print(f"marts: {said}", file=sys.stderr)
        raise


def _tell(command: str, error: Exception, began: datetime) -> str:
    from marts_platform import alerts, settings

    if not alerts.is_configured(settings.load()):
        return ""
    expected = error if isinstance(error, ExpectedError) else plainly(error)
    reason = str(expected) if expected else f"{type(error).__name__}: {error}"
    use_dagster_home()
    with contextlib.ExitStack() as stack:
        try:
            instance = stack.enter_context(dg.DagsterInstance.get())
        except Exception as fault:
            # Its database may be what the command failed of.
            if plainly(fault) is None:
                raise
            instance = None
        return alerts.tell_of_command(command, reason, began, instance)


def materialize_selection(
    selection: str, first: date | None, end: date | None, *, is_forced: bool = False
) -> None:
    """Materialises a selection with a progress bar, and shows what became of it.

    Args:
        selection: see `marts_platform.materialization.select`.
        first: the first day, None for what is new, changed or failed.
        end: the day after the last one.
        is_forced: whether tables that are made as a whole are loaded although nothing has changed.

    Raises:
        ExpectedError: something failed; what was published is shown before.
    """
    registered = select(selection)
    _begin()
    if first is not None and end is not None:
        show_results(run_with_progress(days_between(first, end, registered)))
        return
    if is_forced:
        show_results(run_with_progress(whole_tables(registered)))
    if not _bring_domains_up_to_date(registered) and not is_forced:
        screen().print(f"Nothing to do: {selection} is as its source is.")


def _bring_domains_up_to_date(registered: Sequence[RegisteredMart]) -> bool:
    """Loads what is new, changed or failed of each domain, also after one that failed; False for nothing.

    Raises:
        ExpectedError: something failed.
    """
    domains: dict[str, list[RegisteredMart]] = {}
    for found in registered:
        domains.setdefault(found.mart.asset.partition("/")[0], []).append(found)
    failures: list[ExpectedError] = []
    loaded = False
    for marts in domains.values():
        try:
            loaded |= _bring_up_to_date(marts)
        except ExpectedError as failure:
            failures.append(failure)
            if isinstance(failure, MaterializationError) and failure.was_interrupted:
                break
    if failures:
        # What all of them need is said once.
        raise ExpectedError("\n".join(dict.fromkeys(map(str, failures))))
    return loaded


@said_plainly()
def _begin() -> None:
    """Names Dagster's home, and ends what earlier commands left there as running when they were killed."""
    use_dagster_home()
    with dg.DagsterInstance.get() as instance:
        for run_id in end_dead_runs(instance):
            screen().print(f"Run {run_id} was killed; it counts as failed now.")


@said_plainly()
def _bring_up_to_date(registered: Sequence[RegisteredMart]) -> bool:
    """Loads what is new, changed or failed; False if there was nothing.

    What a stream brought is a source of others, which only another look sees; what goes on coming is left to
    the next command.

    Raises:
        MaterializationError: something failed, in any of the looks.
    """
    failures: list[MaterializationError] = []
    for looks in range(_LOOKS):
        work = pending_batches(registered, {cell for failure in failures for cell in failure.lost})
        if not work and not failures:
            return looks > 0
        if not work:
            break
        try:
            show_results(run_with_progress(work))
        except MaterializationError as failure:
            failures.append(failure)
            if failure.was_interrupted:
                break
    if failures:
        results = [result for failure in failures for result in failure.results]
        was_interrupted = failures[-1].was_interrupted
        raise MaterializationError("\n".join(map(str, failures)), results, was_interrupted=was_interrupted)
    return True


def replay(asset: str) -> None:
    """Judges an asset's rows in quarantine anew, and shows what became of it.

    Raises:
        MaterializationError: the run failed.
    """
    work = replayable(asset)
    _begin()
    show_results(run_with_progress(work, is_replay=True))


@said_plainly()
def run_with_progress(work: Sequence[Batch], *, is_replay: bool = False) -> list[AssetResult]:
    """Runs batches in process under a progress bar: a step is a partition of an asset.

    Raises:
        MaterializationError: a run failed; what it had published is shown before.
    """
    console = screen()
    steps = sum(max(len(batch.partition_keys), 1) * len(batch.assets) for batch in work)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with ending_is_an_interrupt(), bar, dg.DagsterInstance.get() as instance:
        task = bar.add_task("materialising", total=steps)
        try:
            return materialize(
                work,
                instance,
                lambda asset: bar.update(task, description=asset, advance=1),
                is_replay=is_replay,
            )
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
        SelectionError: there is no such domain.
        ServerDownError: no domain could be seeded.
    """
    from marts_platform.embedded.stack import Stack

    stack = Stack()
    _refuse_unknown(domains)
    left_out: list[str] = []
    wanted = domains or DOMAINS
    for domain in wanted:
        began = time.monotonic()
        try:
            with screen().status(f"Seeding the source of {domain} …"):
                made = demo_of(domain).seed(stack.owner_url, scale)
        except ServerDownError as error:
            left_out.append(f"{domain} was not seeded: {error}, then `marts seed {domain}`")
            continue
        screen().print(f"Seeded {domain}: {made}, in {time.monotonic() - began:.1f} s.")
    if len(left_out) == len(wanted):
        raise ServerDownError("\n".join(left_out))
    for line in left_out:
        screen().print(line, soft_wrap=True)


def live(domains: Sequence[str]) -> None:
    """Lets the embedded sources of domains live, in turns, until Ctrl-C.

    Args:
        domains: which ones, none for all that can.

    Raises:
        SelectionError: there is no such domain, or its source has no life of its own.
    """
    from marts_platform.embedded.stack import Stack

    _refuse_unknown(domains)
    found = {domain: lives for domain in domains or DOMAINS if (lives := demo_of(domain).live) is not None}
    if not found or set(domains) - set(found):
        raise SelectionError("nothing lives there: of these sources only a seeded state can be had")
    lives = {domain: begin(Stack().owner_url) for domain, begin in found.items()}
    screen().print(f"{', '.join(lives)} live until Ctrl-C.")
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            for domain, life in lives.items():
                screen().print(f"{domain}: {next(life)}")


def _refuse_unknown(domains: Sequence[str]) -> None:
    if unknown := set(domains) - set(DOMAINS):
        near = nearest(min(unknown), DOMAINS)
        raise SelectionError(
            f"there is no domain {', '.join(sorted(unknown))}{near}; there are: {', '.join(DOMAINS)}"
        )


def demo_of(domain: str) -> Demo:
    """What a domain offers to the demo."""
    return import_module(f"marts_platform.{domain}.demo").DEMO


def assets_in(slot: Slot) -> list[str]:
    """Return the keys of the platform's assets whose tables stand in a place of the settings."""
    from marts_platform.core.mart import marts
    from marts_platform.definitions import RESOURCES
    from marts_platform.io_managers.ledger import Ledger

    keys = {key for key, found in RESOURCES.items() if isinstance(found, Ledger) and found.slot == slot}
    return [one.mart.asset for one in marts().values() if one.warehouse in keys]


def demo(scale: float) -> None:
    """Up, seed, build every mart, show them, and say what to try next."""
    from marts_platform import reports
    from marts_platform.embedded.stack import Stack
    from marts_platform.migrations import warehouses

    console = screen()
    stack = Stack()
    stack.start()
    demos = {domain: demo_of(domain) for domain in DOMAINS}
    stack.prefer({address: values for demo in demos.values() for address, values in demo.preferred.items()})
    console.print("The embedded stack is up.")
    for said in warehouses.upgrade(assets_in):
        console.print(said)
    seed((), scale)
    _begin()
    for domain in demos:
        if not _bring_up_to_date(select(domain)):
            console.print(f"{domain} is as its source is: nothing to load.")
    _show_marts(demos.values())
    reports.write_page(None)


def _show_marts(demos: Collection[Demo]) -> None:
    from marts_platform import sql_console
    from marts_platform.core.sql import read_sql

    for shown in (shown for offered in demos for shown in offered.shown):
        screen().print(f"\n{shown.title}")
        sql_console.run(shown.engine, read_sql(shown.file))
    hints = [hint for offered in demos for hint in offered.hints]
    screen().print(
        "\nNext:\n"
        + "".join(f"  {hint}\n" for hint in hints)
        + "  marts materialize all         # nothing to do, until a source changes\n"
        "  marts dev                     # Dagster's UI: lineage, checks, backfills"
    )
