"""Each way to move a day of telemetry, and the platform's report of it: it prepares, and gives the work.

All of them read the same Postgres as the platform's reading role, through psycopg2, and write over the HTTP
interface of the same ClickHouse.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

from benchmarks.measure import Finish, Job, Outcome, Work

if TYPE_CHECKING:
    from collections.abc import Generator

    from clickhouse_connect.driver.client import Client

_COLUMNS = (
    "id, user_id, prosthesis_id, created_at, response_time_ms, action_type, battery_level, duration_seconds"
)
MOVED = "default.moved"
_PIPE_BYTES = 1 << 20


def floor(job: Job) -> Work:
    """COPY's text piped into an INSERT: what moving the bytes costs."""
    import psycopg2

    copy = f"COPY ({_day_of(job)}) TO STDOUT"
    _make_table(job)

    def work() -> Finish:
        source, target = os.pipe()

        def send() -> None:
            with open(target, "wb") as sink, closing(psycopg2.connect(job.source)) as connection:
                connection.cursor().copy_expert(copy, sink, 1 << 18)

        def body() -> Generator[bytes]:
            while piece := os.read(source, _PIPE_BYTES):
                yield piece

        with closing(_client(job)) as client:
            sender = threading.Thread(target=send)
            sender.start()
            client.raw_insert(MOVED, _COLUMNS.split(", "), body(), fmt="TabSeparated")
            sender.join()
        os.close(source)
        return lambda: Outcome(_count(job, MOVED))

    return work


def pandas_frame(job: Job) -> Work:
    """The original's way: pandas reads the day into a DataFrame, the client inserts it."""
    import pandas as pd
    import psycopg2

    query = _day_of(job)
    _make_table(job)

    def work() -> Finish:
        with closing(_client(job)) as client, closing(psycopg2.connect(job.source)) as connection:
            frame = pd.read_sql(query, connection)  # pyright: ignore[reportArgumentType]
            client.insert_df(MOVED, frame)
        return lambda: Outcome(_count(job, MOVED))

    return work


def platform(job: Job) -> Work:
    """This platform: a day of an asset (option ``asset``) staged, audited, published and recorded.

    With Dagster's event log, as ``marts materialize`` does it; a part of the seconds is the path's own.
    """
    import dagster as dg

    from marts_platform.dagster_home import use_dagster_home
    from marts_platform.materialization import days_between, materialize, select

    first = date.fromisoformat(job.day)
    batches = days_between(first, first + timedelta(days=1), select(job.options["asset"]))
    use_dagster_home()
    instance = dg.DagsterInstance.get()
    # A process imports the client once, for all of its days; the others have done so by now.
    _client(job).close()

    def work() -> Finish:
        began = time.perf_counter()
        (result,) = materialize(batches, instance, with_checks=False)
        seconds = time.perf_counter() - began
        parts = {"the path": result.seconds, "Dagster": seconds - result.seconds}
        return lambda: Outcome(result.rows, parts=parts)

    return work


def _day_of(job: Job) -> str:
    first = date.fromisoformat(job.day)
    return (
        f"SELECT {_COLUMNS} FROM telemetry_data "  # noqa: S608 # names and days of our own
        f"WHERE created_at >= '{first}' AND created_at < '{first + timedelta(days=1)}'"
    )


def _make_table(job: Job) -> None:
    """An empty table of the columns, order and partitions that the platform's has."""
    with closing(_client(job)) as client:
        client.command(f"DROP TABLE IF EXISTS {MOVED} SYNC")
        client.command(f"CREATE TABLE {MOVED} AS bionicpro_raw.telemetry")


def _client(job: Job) -> Client:
    import clickhouse_connect

    return clickhouse_connect.get_client(dsn=job.warehouse, autogenerate_session_id=False)


def _count(job: Job, table: str) -> int:
    with closing(_client(job)) as client:
        return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])  # noqa: S608
