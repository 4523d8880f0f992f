"""Two million messages from MySQL, and an hour beside a long history: ``python -m benchmarks.chat``."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from statistics import median

import pymysql
from pymysql.cursors import Cursor
from sqlalchemy.engine import make_url

from benchmarks import report
from benchmarks.chat import contenders
from benchmarks.measure import Contender, Job, Measurement, NotMeasuredError, measure
from benchmarks.migrated import migrate
from benchmarks.options import conclude, options
from benchmarks.report import Section, Table, Target
from benchmarks.stack import PrivateStack, private_stack
from marts_platform.chat.demo import fill
from marts_platform.chat.demo.generated import Size
from marts_platform.chat.demo.schema import empty_source
from marts_platform.embedded.clickhouse import ClickHouseServer
from marts_platform.embedded.mysql import MySQLServer
from marts_platform.embedded.postgres import PostgresServer
from marts_platform.embedded.stack import Stack

MOST_HISTORY_GROWTH = 1.25
TODAY = datetime.combine(datetime.now(UTC).date(), time.min)
CONTENDERS: dict[str, Contender] = {
    "mysql() table function": contenders.table_function,
    "platform": contenders.platform,
    "pandas loop": contenders.pandas_loop,
}


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        messages: that each contender moves.
        days: over which they are spread.
        daily: messages of each day of the histories.
        history_days: how long the histories are that are compared.
        repeats: how often each is measured.
    """

    messages: int
    days: int
    daily: int
    history_days: tuple[int, int]
    repeats: int


# The short history is longer than the days that each look compares: only what is beyond them grows.
FULL = Scale(2_000_000, 30, 2_000, (40, 400), 3)
QUICK = Scale(100_000, 10, 500, (3, 30), 2)


class Run:
    """A run on a private stack, and what it has found."""

    def __init__(self, stack: PrivateStack, scale: Scale) -> None:
        self.stack = stack
        self.scale = scale
        self.moved: dict[str, list[Measurement]] = {}
        self.hours: dict[int, list[Measurement]] = {}
        self.missing: dict[str, str] = {}

    def prepare(self) -> None:
        """Brings both warehouses to the platform's schema.

        Raises:
            NotMeasuredError: the migrations fail.
        """
        self._measure(migrate, "migrations", {}, 0)

    def move(self) -> None:
        """The messages, by each contender in turns."""
        scale = self.scale
        self._fill(Size(20_000, scale.messages, scale.days, TODAY))
        options = {"from": (TODAY - timedelta(days=scale.days)).date().isoformat(), "to": f"{TODAY:%Y-%m-%d}"}
        for _ in range(scale.repeats):
            for name, contender in CONTENDERS.items():
                self._attempt(
                    name, lambda name=name, contender=contender: self._move(name, contender, options)
                )

    def history(self) -> None:
        """An hour of new messages, after a short history and after a long one."""
        for days in self.scale.history_days:
            self._attempt(f"{days} days", lambda days=days: self._hours_after(days))

    def _move(self, name: str, contender: Contender, options: dict[str, str]) -> None:
        if contender is contenders.platform:
            self._measure(contenders.forget, "an empty warehouse", {}, 0)
        self.moved.setdefault(name, []).append(self._measure(contender, name, options, self.scale.messages))

    def _hours_after(self, days: int) -> None:
        messages = self.scale.daily * days
        self._fill(Size(2_000, messages, days, TODAY))
        self._measure(contenders.forget, "an empty warehouse", {}, 0)
        self._measure(contenders.pending, f"{days} days", {}, messages)
        per_hour = self.scale.daily // 10
        for turn in range(self.scale.repeats):
            with closing(self._connect()) as connection, connection.cursor() as cursor:
                cursor.execute("SET time_zone = '+00:00'")
                cursor.execute(
                    "INSERT INTO messages (chat_id, sender_id, message, created_at) "
                    "SELECT chat_id, sender_id, message, %s FROM messages ORDER BY id DESC LIMIT %s",
                    (TODAY + timedelta(seconds=turn), per_hour),
                )
                connection.commit()
            messages += per_hour
            found = self._measure(contenders.pending, f"an hour after {days} days", {}, messages)
            self.hours.setdefault(days, []).append(found)

    def _measure(
        self, contender: Contender, name: str, options: dict[str, str], expected: int
    ) -> Measurement:
        environment = self.stack.environment
        with tempfile.TemporaryDirectory(dir=self.stack.folder) as scratch:
            job = Job(
                environment["MARTS_CHAT_URL"],
                environment["MARTS_CLICKHOUSE_URL"],
                f"{TODAY:%Y-%m-%d}",
                scratch,
                environment,
                options,
            )
            found = measure(contender, job, self.stack.server())
        if found.outcome.rows != expected:
            raise NotMeasuredError(f"{found.outcome.rows} rows arrived and {expected} were to be moved")
        parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in found.outcome.parts.items())
        _say(
            f"{name}: {found.seconds:.2f} s, {found.peak_bytes / 1e6:.0f} MB, load {found.load:.1f} ({parts})"
        )
        return found

    def _fill(self, size: Size) -> None:
        _say(f"generating {size.messages:,} messages over {size.days} days")
        with closing(self._connect()) as connection:
            empty_source(connection)
        fill(Stack(self.stack.folder).owner_url("chatdb"), size)

    def _connect(self) -> pymysql.Connection[Cursor]:
        parts = make_url(Stack(self.stack.folder).owner_url("chatdb"))
        return pymysql.connect(
            host=parts.host or "",
            port=parts.port or 3306,
            user=parts.username or "",
            password=str(parts.password or ""),
            database=parts.database or "",
            charset="utf8mb4",
        )

    def _attempt(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except NotMeasuredError as error:
            self.missing[name] = str(error)
            _say(f"{name}: not measured: {error}")


def section(run: Run) -> Section:
    """What the measurements say."""
    seconds = {name: median(each.seconds for each in found) for name, found in run.moved.items()}
    hours = {days: median(each.seconds for each in found) for days, found in run.hours.items()}
    targets = [
        _at_most(
            f"an hour after ten times the history costs at most {MOST_HISTORY_GROWTH:g} times as much",
            hours.get(run.scale.history_days[1]), hours.get(run.scale.history_days[0]),
            MOST_HISTORY_GROWTH,
        ),
    ]  # fmt: skip
    floor = seconds.get("mysql() table function")
    moved = [
        [
            name,
            f"{seconds[name]:.1f}",
            f"{seconds[name] / floor:.1f}" if floor else "",
            report.megabytes(max(each.peak_bytes for each in found)),
        ]
        for name, found in run.moved.items()
    ]
    rows = [[f"{days} days", f"{hours[days]:.2f}"] for days in hours]
    return Section(
        title="Chat: messages from MySQL into ClickHouse",
        about=[
            f"{run.scale.messages:,} messages over {run.scale.days} days; the platform joins their chats, "
            "stages, audits, publishes and records each day, the others copy the table. And what an hour of "
            f"{run.scale.daily // 10:,} new messages costs, from the look at the source to the last mart.",
            *(f"Not measured: {name}: {reason}" for name, reason in run.missing.items()),
        ],
        targets=targets,
        tables=[
            Table("The messages", ["way", "seconds", "times mysql()", "peak memory"], moved),
            Table("An hour", ["history", "seconds"], rows),
        ],
        figures={"seconds": seconds, "hours": {str(days): hours[days] for days in hours}},
        packages=("chdb", "pylibseekdb", "dagster", "pymysql", "pandas", "clickhouse-connect"),
    )


def _at_most(aim: str, value: float | None, base: float | None, most: float) -> Target:
    if value is None or base is None:
        return Target(aim, "not measured", None)
    found = f"{value:.2f} s beside {base:.2f} s, {value / base:.2f} times"
    return Target(aim, found, value / base <= most)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s."""
    chosen = options(arguments, __doc__)
    scale = QUICK if chosen.quick else FULL
    with private_stack(PostgresServer.name, ClickHouseServer.name, MySQLServer.name) as stack:
        run = Run(stack, replace(scale, repeats=chosen.repeats or scale.repeats))
        run.prepare()
        run.move()
        run.history()
    return conclude("chat", section(run), chosen)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
