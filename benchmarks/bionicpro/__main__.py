"""A day of a million rows, and a day beside three years: ``python -m benchmarks bionicpro``."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import replace
from statistics import median

import clickhouse_connect

from benchmarks import report
from benchmarks.bionicpro.history import History
from benchmarks.bionicpro.runs import (
    FLOOR,
    FULL,
    LONG,
    PLATFORM,
    QUICK,
    REPORTS,
    SHORT,
    Run,
    run_contender,
)
from benchmarks.measure import Measurement
from benchmarks.migrated import migrate
from benchmarks.options import conclude, options
from benchmarks.report import Section, Table, Target
from benchmarks.stack import private_stack
from marts_platform.embedded.clickhouse import ClickHouseServer
from marts_platform.embedded.postgres import PostgresServer

MOST_TIMES_FLOOR = 1.3
MOST_MART_SECONDS = 1.0
MOST_SHARE = 0.005
MOST_GROWTH = 1.2


def section(run: Run) -> Section:
    """What the measurements say."""
    seconds = {name: median(map(_path_seconds, found)) for name, found in run.moved.items()}
    whole = {name: median(each.seconds for each in found) for name, found in run.moved.items()}
    growth = {name: median(map(_path_seconds, found)) for name, found in run.rewritten.items()}
    all_read, touched = run.all_rows
    rows = run.reports[LONG]
    targets = [
        _ratio(
            f"a day of telemetry takes at most {MOST_TIMES_FLOOR} times the floor",
            seconds[PLATFORM], seconds[FLOOR], MOST_TIMES_FLOOR,
        ),
        Target(
            f"the mart's day within {MOST_MART_SECONDS:g} s after it",
            f"{seconds[REPORTS]:.2f} s",
            seconds[REPORTS] <= MOST_MART_SECONDS,
        ),
        Target(
            f"a user's month reads at most {MOST_SHARE:.1%} of the rows",
            f"{run.user_rows:,} of {rows:,} rows, {run.user_rows / rows:.2%}",
            run.user_rows <= MOST_SHARE * rows,
        ),
        Target(
            "30 days of all users read only the months that they touch",
            f"{all_read:,} rows read, {touched:,} rows in those months",
            all_read <= touched,
        ),
        _ratio(
            f"a day in {run.scale.months} months costs at most {MOST_GROWTH} times what it costs in one",
            growth[LONG], growth[SHORT], MOST_GROWTH,
        ),
    ]  # fmt: skip
    moved = [
        [name, f"{seconds[name]:.2f}", f"{whole[name]:.2f}", _spread(found), _peak(found)]
        for name, found in run.moved.items()
    ]
    rewritten = [[f"{run.reports[name]:,}", f"{growth[name]:.2f}"] for name in growth]
    return Section(
        title="BionicPRO: telemetry from Postgres into ClickHouse, and its reports",
        about=[
            f"{run.scale.rows:,} rows of one day, and the reports of {run.scale.users:,} users. The floor is "
            "COPY's text piped into an INSERT over HTTP; pandas reads the day into a DataFrame and inserts "
            "that. The platform stages, audits, publishes and records, and fills the quarantine. "
            f"Medians of {run.scale.repeats} turns, each in a process of its own.",
            "The platform's seconds are those of the path of its one day; a run in Dagster, with its event "
            "log, stands beside them: it costs the same whatever a day holds.",
            "Rows read are the server's own count (X-ClickHouse-Summary), of the named reports that "
            "`marts report bionicpro` runs.",
        ],
        targets=targets,
        tables=[
            Table(
                "A day", ["way", "seconds", "with Dagster's run", "fastest and slowest", "peak memory"], moved
            ),
            Table("A day of the mart rewritten", ["reports in the mart", "seconds"], rewritten),
        ],
        figures={
            "seconds": seconds,
            "with_dagster": whole,
            "rewritten": growth,
            "rows_read": {"of": rows, "a user's month": run.user_rows, "30 days of all users": all_read},
        },
        packages=("chdb", "dagster", "psycopg2-binary", "pandas", "clickhouse-connect"),
    )


def _path_seconds(found: Measurement) -> float:
    """The seconds of the work without Dagster's run around it."""
    return found.outcome.parts.get("the path", found.seconds)


def _spread(found: list[Measurement]) -> str:
    seconds = sorted(map(_path_seconds, found))
    return f"{seconds[0]:.2f} to {seconds[-1]:.2f}"


def _peak(found: list[Measurement]) -> str:
    return report.megabytes(max(each.peak_bytes for each in found))


def _ratio(aim: str, value: float, base: float, most: float) -> Target:
    return Target(aim, f"{value:.2f} s beside {base:.2f} s, {value / base:.2f} times", value <= most * base)


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s."""
    chosen = options(arguments, __doc__)
    scale = QUICK if chosen.quick else FULL
    scale = replace(scale, repeats=chosen.repeats or scale.repeats)
    with (
        private_stack(PostgresServer.name, ClickHouseServer.name) as stack,
        closing(
            clickhouse_connect.get_client(
                dsn=stack.environment["MARTS_CLICKHOUSE_URL"], autogenerate_session_id=False
            )
        ) as client,
    ):
        run = Run(stack, scale, History(client, scale.users, scale.months))
        run_contender(stack, migrate, run.history.day, {})
        run.move()
        run.rewrite()
    return conclude("bionicpro", section(run), chosen)


if __name__ == "__main__":
    sys.exit(main())
