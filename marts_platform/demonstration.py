"""`marts materialize` and `marts demo`: what they do, and what they show while and after they do it."""

from __future__ import annotations

import contextlib
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

import dagster as dg
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from marts_platform.console import screen
from marts_platform.core.coverage import (
    as_the_source_in_words,
    errors_in_words,
    missed_in_words,
    warnings_in_words,
)
from marts_platform.core.demo import ServerDownError
from marts_platform.dagster_home import use_dagster_home
from marts_platform.fault_origin import server_in
from marts_platform.interrupts import ending_is_an_interrupt
from marts_platform.materialization import (
    COMPARED_OLDER_DAYS,
    UNRUN,
    AssetResult,
    MaterializationError,
    SelectionError,
    compare,
    days_between,
    materialize,
    pending_batches,
    replayable,
    select,
    whole_tables,
)
from marts_platform.names import nearest
from marts_platform.plain_faults import plain_of_any, plainly, said_plainly
from marts_platform.run_launcher import end_dead_runs
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
    from datetime import date

    from marts_platform.core.coverage import Coverage
    from marts_platform.core.demo import Demo
    from marts_platform.core.mart import RegisteredMart
    from marts_platform.core.pending import Batch, Cell
    from marts_platform.resources.identity import Slot

# In the order in which the demo builds them.
DOMAINS = ("camunda", "bionicpro", "chat", "delivery", "shop")
# One round for what is stale, one for what was made of streams, one for what that makes stale.
_ROUNDS = 3
# Of the partitions with the same warning so many are named.
_NAMED = 3


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
    selection: str,
    first: date | None,
    end: date | None,
    *,
    is_forced: bool = False,
    older: int = COMPARED_OLDER_DAYS,
) -> None:
    """Materialises a selection with a progress bar, and shows what became of it.

    Args:
        selection: see `marts_platform.materialization.select`.
        first: the first day, None for what is new, changed or failed.
        end: the day after the last one.
        is_forced: whether tables that are made as a whole are loaded although nothing has changed.
        older: how many partitions older than the newest 30 are compared with their source.

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
    seen = _bring_domains_up_to_date(registered, older)
    if not seen.is_loaded and not is_forced:
        screen().print(f"Nothing to do: {as_the_source_in_words(seen.coverage)}.", soft_wrap=True)


@dataclass(slots=True)
class _Seen:
    """The comparisons of one command.

    Attributes:
        coverage: what was compared, by asset.
        is_loaded: true if anything was loaded.
        unreachable: the errors of sources that could not be reached, by resource key: each is asked once.
    """

    coverage: dict[str, Coverage] = field(default_factory=dict[str, "Coverage"])
    is_loaded: bool = False
    unreachable: dict[str, Exception] = field(default_factory=dict[str, Exception])


def _bring_domains_up_to_date(registered: Sequence[RegisteredMart], older: int) -> _Seen:
    """Loads what is new, changed or failed of each domain, also after one that failed.

    Raises:
        ExpectedError: something failed.
    """
    domains: dict[str, list[RegisteredMart]] = {}
    for found in registered:
        domains.setdefault(found.mart.asset.partition("/")[0], []).append(found)
    failures: dict[str, list[str]] = {}
    seen = _Seen()
    for domain, marts in domains.items():
        try:
            _bring_up_to_date(marts, seen, older)
        except ExpectedError as failure:
            failures.setdefault(str(failure), [])
            # It names its assets itself.
            if not isinstance(failure, MaterializationError):
                failures[str(failure)].append(domain)
            if isinstance(failure, MaterializationError) and failure.was_interrupted:
                break
    if failures:
        # What several domains need is said once.
        lines = (f"{', '.join(of)}: {said}" if of else said for said, of in failures.items())
        raise ExpectedError("\n".join(lines))
    return seen


@said_plainly()
def _begin() -> None:
    """Names Dagster's home, and ends what earlier commands left there as running when they were killed."""
    use_dagster_home()
    with dg.DagsterInstance.get() as instance:
        for run_id in end_dead_runs(instance):
            screen().print(f"Run {run_id} was killed; it counts as failed now.")


@said_plainly()
def _bring_up_to_date(
    registered: Sequence[RegisteredMart], seen: _Seen, older: int = COMPARED_OLDER_DAYS
) -> None:
    """Loads what is new, changed or failed.

    What a stream brought is a source of others, which only another comparison sees. What was loaded and
    differs from its source again is named, and left to the next command: it may do so for ever.

    Raises:
        ExpectedError: a source could not be compared, or something failed, in any of the rounds.
    """
    loaded: dict[Cell, int] = {}
    failures: list[MaterializationError] = []
    errors: dict[str, None] = {}
    settled: set[Cell] = set()
    warned: dict[str, None] = {}
    said: set[str] = set()
    for number in range(_ROUNDS):
        made = compare(registered, older if number == 0 else 0, loaded, seen.unreachable)
        errors |= dict.fromkeys(errors_in_words(made.errors, plain_of_any))
        settled |= set(made.settled)
        if number == 0:
            told = {asset: found for asset, found in made.coverage.items() if asset not in made.errors}
            seen.coverage |= told
            warned |= dict.fromkeys((*warnings_in_words(made.sources), *missed_in_words(told)))
        work = pending_batches(registered, {cell for failure in failures for cell in failure.lost}, made)
        if not work:
            break
        seen.is_loaded = True
        try:
            results = run_with_progress(work)
            show_results(results)
        except MaterializationError as failure:
            failures.append(failure)
            results = failure.results
            if failure.was_interrupted:
                break
        loaded |= {(found.asset, key): number for found in results for key in found.loaded}
        said |= {text for found in results for text in found.warnings}
    # What the loads have warned of already is not said again.
    _show_warnings(line for line in warned if not line.endswith(tuple(said)))
    _show_settled(settled)
    _raise_all(list(errors), failures)


def _show_settled(settled: Collection[Cell]) -> None:
    by_asset: dict[str, list[str]] = {}
    for asset, key in sorted(settled, key=str):
        by_asset.setdefault(asset, []).append(key or "the whole table")
    for asset, keys in by_asset.items():
        screen().print(
            f"{asset}, {_named(keys)}: the source changed again while it was loaded, or is read up to "
            f"another moment now; the next `marts materialize`, or the sensor, loads what came.",
            soft_wrap=True,
        )


def _raise_all(errors: Sequence[str], failures: Sequence[MaterializationError]) -> None:
    """Raises what could not be compared, and what failed, as one."""
    if not errors and not failures:
        return
    lines = [line for failure in failures for line in str(failure).splitlines()]
    raise MaterializationError(
        "\n".join([*errors, *(line for line in lines if not _is_said(line, errors))]),
        [result for failure in failures for result in failure.results],
        was_interrupted=any(failure.was_interrupted for failure in failures),
    )


def _is_said(line: str, errors: Sequence[str]) -> bool:
    """Tell whether a check could not run for a server that an error of a comparison names already."""
    _, unrun, said = line.partition(UNRUN)
    variable = server_in(said)
    return bool(unrun and variable) and any(f"the server of {variable} " in error for error in errors)


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
    """A table of what was loaded: partitions, rows, seconds, checks; and the warnings, each once."""
    table = Table(title="Materialised", title_justify="left")
    table.add_column("asset", no_wrap=True)
    for column in ("partitions", "rows", "rows rejected", "values rejected", "seconds"):
        table.add_column(column, justify="right")
    table.add_column("checks")
    for result in results:
        passed = sum(result.checks.values())
        warning = [name for name, is_passed in result.checks.items() if not is_passed]
        table.add_row(
            result.asset,
            f"{result.partitions:,}",
            f"{result.rows:,}",
            f"{result.rows_quarantined:,}",
            f"{result.values_quarantined:,}",
            f"{result.seconds:.1f}",
            f"{passed} passed" + (f", {len(warning)} warn: {', '.join(warning)}" if warning else ""),
        )
    screen().print(table)
    _show_warnings(_warnings_of(results))


def _show_warnings(lines: Iterable[str]) -> None:
    for line in lines:
        screen().print(f"Warning: {line}", soft_wrap=True, style="yellow", markup=False)


def _warnings_of(results: Sequence[AssetResult]) -> Iterator[str]:
    """Return the warnings of loads and checks: each text once, with its assets and partitions."""
    places: dict[str, dict[str, list[str]]] = {}
    for result in results:
        for said, keys in result.warnings.items():
            places.setdefault(said, {})[result.asset] = keys
    for said, by_asset in places.items():
        where = "; ".join(f"{asset}, {_named(list(dict.fromkeys(keys)))}" for asset, keys in by_asset.items())
        yield f"{where}: {said}"


def _named(keys: Sequence[str]) -> str:
    more = len(keys) - _NAMED
    return ", ".join(keys[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


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
        seen = _Seen()
        _bring_up_to_date(select(domain), seen)
        if not seen.is_loaded:
            console.print(f"{domain}, nothing to load: {as_the_source_in_words(seen.coverage)}.")
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
