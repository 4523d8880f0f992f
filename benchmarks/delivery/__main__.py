"""A million orders to the last mart, and a day after a long history: ``python -m benchmarks delivery``."""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import psycopg2

from benchmarks import report
from benchmarks.delivery import contenders
from benchmarks.delivery.contenders import ROWS
from benchmarks.measure import Contender, Job, Measurement, NotMeasuredError, measure
from benchmarks.migrated import migrate
from benchmarks.options import conclude, options
from benchmarks.report import Section, Table, Target
from benchmarks.stack import PrivateStack, private_stack
from marts_platform.embedded.clickhouse import ClickHouseServer
from marts_platform.embedded.postgres import PostgresServer
from marts_platform.embedded.stack import Stack

MOST_HISTORY_GROWTH = 1.25
TODAY = datetime.now(UTC).date()
LAYERS = {
    "ODS, in Postgres": ("orders", "pipelines", "stages", "deliveries", "performers"),
    "facts, in ClickHouse": ("fact_orders", "fact_pipelines", "fact_stages", "fact_deliveries"),
    "hourly states": ("hourly_orders_mv", "hourly_deliveries_mv"),
    "marts": (
        "popular_routes",
        "order_conversion",
        "order_sla",
        "performer_activity",
        "courier_efficiency",
        "order_roi",
    ),
}


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        orders: that are moved from source to marts.
        days: over which they are spread.
        daily: orders of each day of the histories.
        history_days: how long the histories are that are compared.
        repeats: how often a day of them is measured.
    """

    orders: int
    days: int
    daily: int
    history_days: tuple[int, int]
    repeats: int


FULL = Scale(1_000_000, 30, 1_000, (8, 80), 5)
QUICK = Scale(6_000, 3, 200, (2, 20), 2)


@dataclass
class Run:
    """A run, each part on a private stack of its own, and what it has found."""

    scale: Scale
    moved: dict[str, Measurement] = field(default_factory=dict[str, Measurement])
    days: dict[int, list[Measurement]] = field(default_factory=dict[int, list[Measurement]])

    def move(self) -> None:
        """All of the orders, from source to marts."""
        with private_stack(PostgresServer.name, ClickHouseServer.name) as stack:
            self._prepare(stack, self.scale.orders, self.scale.days)
            self.moved["load"] = self._measure(stack, contenders.load, days=self.scale.days)

    def history(self) -> None:
        """A changed day, after a short history and after a long one, which take turns.

        What disturbs the machine for a while disturbs both.
        """
        with ExitStack() as ends:
            stacks = {
                days: ends.enter_context(private_stack(PostgresServer.name, ClickHouseServer.name))
                for days in self.scale.history_days
            }
            for days, stack in stacks.items():
                self._prepare(stack, self.scale.daily * days, days, keep=False)
                self._measure(stack, contenders.load, days=days)
            # The first turn meets what a bulk load leaves to be merged and vacuumed.
            for turn in range(self.scale.repeats + 1):
                for days, stack in stacks.items():
                    changed = self._changed_day(stack, turn)
                    if turn:
                        self.days.setdefault(days, []).append(changed)

    def _changed_day(self, stack: PrivateStack, turn: int) -> Measurement:
        self._change(stack, turn)
        self._measure(stack, contenders.caught_up)
        changed = self._measure(stack, contenders.pending)
        if changed.outcome.rows == 0:
            raise NotMeasuredError("the changed day was not found")
        return changed

    def _prepare(self, stack: PrivateStack, orders: int, days: int, *, keep: bool = True) -> None:
        self._measure(stack, migrate)
        made = self._measure(stack, contenders.generate, orders=orders, days=days)
        copied = self._measure(stack, contenders.replicate)
        if copied.outcome.rows != made.outcome.rows:
            raise NotMeasuredError(f"{made.outcome.rows} rows were made, {copied.outcome.rows} are there")
        if keep:
            self.moved |= {"generate": made, "replicate": copied}

    def _change(self, stack: PrivateStack, turn: int) -> None:
        """Something new in all of the newest whole day's rows."""
        with closing(psycopg2.connect(Stack(stack.folder).owner_url("delivery"))) as connection, connection:
            cursor = connection.cursor()
            day = {"said": f"turn {turn}", "start": f"{TODAY} 00:00+00"}
            window = "%(start)s::timestamptz - interval '1 day' AND %(start)s"
            cursor.execute(f"UPDATE stage SET message = %(said)s WHERE created_at BETWEEN {window}", day)  # noqa: S608
            cursor.execute(f"UPDATE pipeline SET message = %(said)s WHERE created_at BETWEEN {window}", day)  # noqa: S608
            cursor.execute(
                f'UPDATE "order" SET extra = %(said)s WHERE registered_at BETWEEN {window}',  # noqa: S608
                day,
            )

    def _measure(self, stack: PrivateStack, contender: Contender, **options: Any) -> Measurement:
        environment = stack.environment
        source = Stack(stack.folder).owner_url("delivery")
        with tempfile.TemporaryDirectory(dir=stack.folder) as scratch:
            warehouse = environment["MARTS_CLICKHOUSE_URL"]
            job = Job(source, warehouse, TODAY.isoformat(), scratch, environment, options)
            found = measure(contender, job, stack.server())
        name = getattr(contender, "__name__", "")
        _say(f"{name} {options or ''}: {found.seconds:.2f} s, {found.outcome.rows:,} rows, "
             f"{found.peak_bytes / 1e6:.0f} MB, load {found.load:.1f}")  # fmt: skip
        return found


def section(run: Run) -> Section:
    """What the measurements say."""
    scale, load = run.scale, run.moved["load"]
    seconds = {days: median(each.seconds for each in found) for days, found in run.days.items()}
    short, long = (seconds[days] for days in scale.history_days)
    copied = run.moved["replicate"]
    layers: list[tuple[str, float, float]] = [("replica, in Postgres", copied.outcome.rows, copied.seconds)]
    parts = load.outcome.parts
    for layer, tables in LAYERS.items():
        assets = [f"delivery/{table}" for table in tables]
        layers.append(
            (
                layer,
                sum(parts[f"{ROWS}{asset}"] for asset in assets),
                sum(parts[asset] for asset in assets),
            )
        )
    end_to_end = copied.seconds + load.seconds
    targets = [
        Target(
            f"a day after ten times the history costs at most {MOST_HISTORY_GROWTH:g} times as much",
            f"{long:.2f} s beside {short:.2f} s, {long / short:.2f} times",
            long <= MOST_HISTORY_GROWTH * short,
        ),
        Target(
            f"{scale.orders:,} orders reach the last mart",
            f"{end_to_end:.0f} s after the replica began, {scale.orders / end_to_end:,.0f} orders a second",
            parts[f"{ROWS}delivery/fact_orders"] == scale.orders,
        ),
    ]
    return Section(
        title="Delivery: orders from the service to the marts",
        about=[
            f"{scale.orders:,} orders of {scale.days} days with their pipelines, stages and deliveries "
            f"({run.moved['generate'].outcome.rows:,} rows), made by SQL in the service's database, "
            "replicated, and loaded day by day into ODS, facts, hourly states and marts: each day staged, "
            "audited, published and recorded.",
            f"The day: every order, pipeline and stage of the newest whole day ({scale.daily:,} orders) has "
            "changed; from the look at the source to the last mart, and with Dagster's run around it. "
            f"Medians of {scale.repeats} turns, which the two histories take alternately.",
        ],
        targets=targets,
        tables=[
            Table(
                "Each layer",
                ["layer", "rows", "seconds", "rows a second"],
                [
                    [layer, f"{rows:,.0f}", f"{spent:.1f}", f"{rows / spent:,.0f}"]
                    for layer, rows, spent in layers
                ],
                [f"Peak memory of the loading process: {report.megabytes(load.peak_bytes)}."],
            ),
            Table(
                "A changed day",
                ["days of history", "seconds", "fastest and slowest", "of them the look"],
                [
                    [f"{days}", f"{spent:.2f}", _range(run.days[days]), f"{_looked(run.days[days]):.2f}"]
                    for days, spent in seconds.items()
                ],
            ),
        ],
        figures={
            "layers": {layer: {"rows": rows, "seconds": spent} for layer, rows, spent in layers},
            "end_to_end_seconds": end_to_end,
            "day_seconds": {str(days): spent for days, spent in seconds.items()},
        },
        packages=("chdb", "dagster", "psycopg2-binary", "clickhouse-connect"),
    )


def _range(found: list[Measurement]) -> str:
    return f"{min(each.seconds for each in found):.2f} to {max(each.seconds for each in found):.2f}"


def _looked(found: list[Measurement]) -> float:
    return median(each.outcome.parts["the look"] for each in found)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s."""
    chosen = options(arguments, __doc__)
    scale = QUICK if chosen.quick else FULL
    run = Run(replace(scale, repeats=chosen.repeats or scale.repeats))
    run.move()
    run.history()
    return conclude("delivery", section(run), chosen)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
