"""What is measured of BionicPRO, on a private stack."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import psycopg2

from benchmarks.bionicpro import contenders
from benchmarks.bionicpro.history import History
from benchmarks.measure import Contender, Job, Measurement, NotMeasuredError, measure
from benchmarks.stack import PrivateStack
from marts_platform.bionicpro.demo import create_telemetry
from marts_platform.embedded.stack import Stack

TELEMETRY, MART = "bionicpro/telemetry", "bionicpro/reports_data_mart"
FLOOR, PLATFORM, PANDAS, REPORTS = "floor", "platform", "pandas", "the mart's day"
SHORT, LONG = "one month", "all months"

_FILL = """
    INSERT INTO telemetry_data (
        user_id, prosthesis_id, created_at, response_time_ms, action_type, battery_level, duration_seconds
    )
    SELECT
        1 + number %% %(users)s, 'PROT-' || (1 + number %% %(users)s),
        %(day)s::date + interval '1 day' * number / %(rows)s,
        CASE WHEN number %% 50 > 0 THEN 55 + number * 7919 %% 600 / 10.0 END,
        (ARRAY['grasp', 'release', 'flex', 'other'])[1 + number * 31 %% 4],
        CASE WHEN number %% 61 > 0 THEN 20 + number * 104729 %% 800 / 10.0 END,
        5 + number * 13 %% 170
    FROM generate_series(0::bigint, %(rows)s - 1) AS numbers (number)
"""


@dataclass(frozen=True)
class Scale:
    """How much is measured.

    Attributes:
        rows: of the day that is moved.
        users: who act on it, and who have reports.
        months: of reports.
        repeats: how often each is measured.
    """

    rows: int
    users: int
    months: int
    repeats: int


FULL = Scale(1_000_000, 10_000, 36, 5)
QUICK = Scale(50_000, 500, 6, 2)


class Run:
    """A run on a private stack, and what it has found."""

    def __init__(self, stack: PrivateStack, scale: Scale, history: History) -> None:
        self.stack = stack
        self.scale = scale
        self.history = history
        self.moved: dict[str, list[Measurement]] = {}
        self.rewritten: dict[str, list[Measurement]] = {}
        self.reports: dict[str, int] = {}
        self.user_rows = 0
        self.all_rows = (0, 0)

    def move(self) -> None:
        """The day, by each contender in turns, and the platform's reports of it."""
        self._fill_source()
        self.history.customers()
        ways: dict[str, tuple[Contender, str, int]] = {
            FLOOR: (contenders.floor, "", self.scale.rows),
            PLATFORM: (contenders.platform, TELEMETRY, self.scale.rows),
            REPORTS: (contenders.platform, MART, self.scale.users),
            PANDAS: (contenders.pandas_frame, "", self.scale.rows),
        }
        for _ in range(self.scale.repeats):
            for name, (contender, asset, expected) in ways.items():
                self.stack.settle()
                self.moved.setdefault(name, []).append(self._measure(contender, name, asset, expected))

    def rewrite(self) -> None:
        """A day of the mart rewritten, in a mart of one month and in one of years, in turns."""
        say(f"filling {self.scale.months} months of reports of {self.scale.users:,} users")
        self.history.fill()
        self._look()
        states: dict[str, Callable[[], None]] = {SHORT: self.history.shorten, LONG: self.history.lengthen}
        for _ in range(self.scale.repeats):
            for name, prepare in states.items():
                prepare()
                self.history.settle()
                self.reports[name] = self.history.rows
                found = self._measure(contenders.platform, f"a day in {name}", MART, self.scale.users)
                self.rewritten.setdefault(name, []).append(found)

    def _look(self) -> None:
        self.reports[LONG] = self.history.rows
        users = random.Random(7).sample(range(1, self.scale.users + 1), min(50, self.scale.users))
        self.user_rows = max(self.history.rows_read_of_users(users))
        self.all_rows = self.history.rows_read_of_all()
        say(f"of {self.reports[LONG]:,} rows a user reads {self.user_rows:,}, all users {self.all_rows}")

    def _fill_source(self) -> None:
        say(f"generating {self.scale.rows:,} rows of telemetry")
        values = {"rows": self.scale.rows, "users": self.scale.users, "day": self.history.day}
        with closing(psycopg2.connect(Stack(self.stack.folder).owner_url("telemetry"))) as connection:
            create_telemetry(connection)
            with connection, connection.cursor() as cursor:
                cursor.execute(_FILL, values)
                cursor.execute("ANALYZE telemetry_data")
            connection.autocommit = True
            # What autovacuum would do amid a measurement: bits that say which pages everybody sees.
            connection.cursor().execute("VACUUM telemetry_data")

    def _measure(self, contender: Contender, name: str, asset: str, expected: int) -> Measurement:
        found = run_contender(self.stack, contender, self.history.day, {"asset": asset})
        if found.outcome.rows != expected:
            raise NotMeasuredError(
                f"{name}: {found.outcome.rows} rows arrived and {expected} were to be moved"
            )
        parts = ", ".join(f"{part} {seconds:.2f}" for part, seconds in found.outcome.parts.items())
        say(f"{name}: {found.seconds:.2f} s, {found.peak_bytes / 1e6:.0f} MB, load {found.load:.1f} {parts}")
        return found


def run_contender(
    stack: PrivateStack, contender: Contender, day: date, options: dict[str, str]
) -> Measurement:
    """Measures a contender on the stack's telemetry and ClickHouse."""
    environment = stack.environment
    with tempfile.TemporaryDirectory(dir=stack.folder) as scratch:
        job = Job(
            environment["MARTS_TELEMETRY_URL"],
            environment["MARTS_CLICKHOUSE_URL"],
            day.isoformat(),
            scratch,
            environment,
            options,
        )
        return measure(contender, job, stack.server())


def say(text: str) -> None:
    """Tells whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)
