"""The measurements of one run, part by part."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.camunda import contenders
from benchmarks.camunda.dataset import DAY, Source, make_source
from benchmarks.camunda.lookups import Lookup, measure_lookups
from benchmarks.camunda.original import original
from benchmarks.measure import Contender, Job, Measurement, NotMeasuredError, measure
from benchmarks.stack import PrivateStack


@dataclass(frozen=True)
class Medians:
    """The medians of repeated measurements."""

    seconds: float
    processor_seconds: float
    peak_bytes: float


def medians(found: Sequence[Measurement]) -> Medians:
    """The medians of measurements, of which there is at least one."""
    return Medians(
        median(each.seconds for each in found),
        median(each.processor_seconds for each in found),
        median(each.peak_bytes for each in found),
    )


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        details: changes of the day that every contender moves, a fifth of them wanted.
        instances: process instances of that day.
        big_wanted: wanted changes of the day on which memory is measured again.
        history_details: changes of each day of the long history, half of them wanted.
        history_days: how long the histories are that are compared.
        repeats: how often a contender is measured; the original once, the last days of the
            histories three times as often.
        lookup_rows: rows of the mart in which is looked up.
    """

    details: int
    instances: int
    big_wanted: int
    history_details: int
    history_days: tuple[int, int]
    repeats: int
    lookup_rows: int


FULL = Scale(1_000_000, 100_000, 2_000_000, 40_000, (10, 100), 5, 2_000_000)
QUICK = Scale(100_000, 10_000, 200_000, 4_000, (10, 100), 2, 200_000)

# A contender is a function: it prepares, and returns the work to be timed.
CONTENDERS: Mapping[str, Contender] = {
    "floor": contenders.floor,
    "platform": contenders.run_platform,
    "platform, checks too": contenders.run_platform,
    "dlt (connectorx)": contenders.dlt_connectorx,
    "dlt (pyarrow)": contenders.dlt_pyarrow,
    "sling": contenders.sling,
    "original": original,
}
_OPTIONS: Mapping[str, Mapping[str, Any]] = {"platform, checks too": {"checks": True}}
PLATFORM = frozenset({"platform", "platform, checks too"})
_EMPTY = "warehouse_empty"
# Where the platform's last measurement of the day stays, to be looked into.
_MART = "warehouse_platform"


@dataclass
class Run:
    """A run and what it has found so far.

    Attributes:
        stack: the servers.
        scale: how much is measured.
        sources: the generated histories, by their part.
        measured: for each contender, its measurements.
        missing: for each contender or part that was not measured, why.
        big: the platform's measurement on the big day.
        history: days of history -> the platform's measurements of the last of them.
        lookups: by kind.
        has_empty_warehouse: whether the warehouse is made that the platform's measurements copy.
    """

    stack: PrivateStack
    scale: Scale
    sources: dict[str, Source] = field(default_factory=dict[str, Source])
    measured: dict[str, list[Measurement]] = field(default_factory=dict[str, list[Measurement]])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    big: Measurement | None = None
    history: dict[int, list[Measurement]] = field(default_factory=dict[int, list[Measurement]])
    lookups: dict[str, Lookup] = field(default_factory=dict[str, Lookup])
    has_empty_warehouse: bool = False

    def seconds(self, contender: str) -> float | None:
        """The median of a contender's seconds."""
        found = self.measured.get(contender)
        return medians(found).seconds if found else None

    def attempt(self, name: str, work: Callable[[], None]) -> bool:
        """Does a piece of work; if it cannot be measured, notes why. Returns whether it could."""
        try:
            work()
        except NotMeasuredError as error:
            self.missing[name] = str(error)
            _say(f"{name}: not measured: {error}")
            return False
        return True


def measure_day(run: Run) -> None:
    """The day, by every contender, taking turns: what disturbs the machine for a while disturbs all."""
    source = _make_day(run)
    run.measured, run.missing = {}, {}
    warm = _measure(run, "floor", source.database)
    _say(f"the source is warm after {warm.seconds:.1f} s")
    for turn in range(run.scale.repeats):
        for name in CONTENDERS:
            if name in run.missing or (name == "original" and turn > 0):
                continue
            run.attempt(name, lambda name=name: _measure_contender(run, name, source))


def measure_lookup(run: Run) -> None:
    """Look-ups in the mart of that day, filled up."""

    def work() -> None:
        _require_platform(run)
        if not run.has_empty_warehouse:  # the day was not measured in this run, so its mart has to be made
            source = _make_day(run)
            _measure(run, "platform", source.database, expected=source.wanted, warehouse=_MART)
        _say(f"filling the mart up to {run.scale.lookup_rows:,} rows")
        run.lookups = measure_lookups(run.stack.superuser(_MART), run.scale.lookup_rows)

    run.missing.pop("lookups", None)
    run.attempt("lookups", work)


def measure_memory(run: Run) -> None:
    """The platform on a day of ten times the wanted changes: what it holds must not grow."""
    wanted = run.scale.big_wanted
    if not run.attempt("memory", lambda: _require_platform(run)):
        return
    _say(f"generating a day of {wanted:,} wanted changes")
    source = make_source(
        run.stack, "source_big", details=wanted * 10 // 9, wanted_share=0.9, instances=wanted // 2
    )
    run.sources["big"] = source

    def work() -> None:
        run.big = _measure(run, "platform", source.database, expected=source.wanted)
        _say_measurement("platform, big day", run.big)

    run.attempt("memory", work)
    run.stack.drop_database(source.database)


def measure_history(run: Run) -> None:
    """The last day of a short and of a long history, with all the days before it in source and mart."""
    if not run.attempt("history", lambda: _require_platform(run)):
        return
    scale = run.scale
    run.history = {}
    for days in scale.history_days:
        _say(f"generating {days} days of {scale.history_details:,} changes")
        run.sources[f"{days} days"] = make_source(
            run.stack,
            f"source_{days}_days",
            details=scale.history_details,
            wanted_share=0.5,
            instances=scale.history_details // 6,
            days=days,
        )
        if not run.attempt("history", lambda days=days: _load_history(run, days)):
            return
    # A day takes seconds, its histories minutes: more turns tell the two apart from the machine's moods.
    for _ in range(3 * scale.repeats):
        for days in scale.history_days:
            run.attempt("history", lambda days=days: _measure_last_day(run, days))


PARTS: Mapping[str, Callable[[Run], None]] = {
    "day": measure_day,
    "lookups": measure_lookup,
    "memory": measure_memory,
    "history": measure_history,
}


def _make_day(run: Run) -> Source:
    scale = run.scale
    _say(f"generating a day of {scale.details:,} changes")
    source = make_source(
        run.stack, "source_day", details=scale.details, wanted_share=0.2, instances=scale.instances
    )
    run.sources["day"] = source
    return source


def _measure_contender(run: Run, name: str, source: Source) -> None:
    expected = None if name == "original" else source.wanted
    found = _measure(run, name, source.database, expected=expected, warehouse=_warehouse(name))
    run.measured.setdefault(name, []).append(found)
    _say_measurement(name, found)


def _load_history(run: Run, days: int) -> None:
    source = run.sources[f"{days} days"]
    options = {"from": (DAY - timedelta(days=days - 1)).isoformat(), "to": DAY.isoformat()}
    loaded = _measure(
        run, "platform", source.database, options=options, warehouse=f"loaded_{days}_days", keep=True
    )
    _say_measurement(f"the {days - 1} days before", loaded)
    # As autovacuum has done before a hundred days are over; else it does so in copies, amid what is measured.
    run.stack.vacuum(f"loaded_{days}_days")


def _measure_last_day(run: Run, days: int) -> None:
    source = run.sources[f"{days} days"]
    found = _measure(run, "platform", source.database, expected=source.wanted, template=f"loaded_{days}_days")
    run.history.setdefault(days, []).append(found)
    _say_measurement(f"the last of {days} days", found)


def _measure(
    run: Run,
    name: str,
    database: str,
    *,
    expected: int | None = None,
    options: Mapping[str, Any] | None = None,
    warehouse: str = "warehouse_scratch",
    template: str | None = None,
    keep: bool = False,
) -> Measurement:
    """One measurement, into a warehouse made for it.

    Raises:
        NotMeasuredError: the contender failed, or moved another number of rows than expected.
    """
    stack = run.stack
    if name in PLATFORM and template is None:
        template = _EMPTY
        _make_empty_warehouse(run)
    stack.create_database(warehouse, "warehouse", template or "template1")
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=stack.folder))
    target = stack.writer(warehouse)
    job = Job(
        source=stack.reader(database),
        warehouse=target,
        day=DAY.isoformat(),
        scratch=str(scratch),
        environment=stack.environment
        | {"MARTS_CAMUNDA_URL": stack.reader(database), "MARTS_WAREHOUSE_URL": target},
        options=options if options is not None else _OPTIONS.get(name, {}),
    )
    stack.settle()
    try:
        found = measure(CONTENDERS[name], job, stack.server())
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if expected is not None and found.outcome.rows != expected:
        raise NotMeasuredError(f"{found.outcome.rows} rows arrived and {expected} were to be moved")
    if warehouse == "warehouse_scratch" and not keep:
        stack.drop_database(warehouse)
    return found


def _make_empty_warehouse(run: Run) -> None:
    """A warehouse with the platform's schema and nothing in it, to be copied for each measurement.

    Raises:
        NotMeasuredError: this checkout has no migrations, or they fail.
    """
    if run.has_empty_warehouse:
        return
    run.stack.create_database(_EMPTY, "warehouse")
    target = run.stack.writer(_EMPTY)
    job = Job(target, target, DAY.isoformat(), str(run.stack.folder), run.stack.environment)
    measure(contenders.make_warehouse, job, run.stack.server())
    run.has_empty_warehouse = True


def _require_platform(run: Run) -> None:
    if "platform" in run.missing:
        raise NotMeasuredError(run.missing["platform"])


def _warehouse(name: str) -> str:
    return _MART if name == "platform" else "warehouse_scratch"


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say_measurement(name: str, found: Measurement) -> None:
    parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in found.outcome.parts.items())
    _say(
        f"{name}: {found.seconds:.2f} s, {found.processor_seconds:.2f} s of processor, "
        f"{found.peak_bytes / 1e6:.0f} MB, {found.outcome.rows:,} rows, load {found.load:.1f}"
        + (f" ({parts})" if parts else "")
    )
