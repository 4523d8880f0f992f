"""Each way to move the messages, and the platform's incremental hour: it prepares, and gives the work.

All of them read the same MySQL as the platform's reading role and leave the rows in the same ClickHouse.
"""

from __future__ import annotations

import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from benchmarks.measure import Finish, Job, Outcome, Work

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

_COLUMNS = ("id", "chat_id", "sender_id", "message", "created_at", "read_status")
_TABLE = """
    CREATE OR REPLACE TABLE default.moved (
        id UInt32, chat_id UInt32, sender_id UInt32, message String, created_at DateTime, read_status UInt8
    )
    ENGINE = MergeTree
    ORDER BY (chat_id, created_at, id)
"""
_PANDAS_ROWS = 50_000


def forget(job: Job) -> Work:
    """Empties the chat's tables and its run log; moves nothing."""
    import psycopg2

    from marts_platform import settings

    def work() -> Finish:
        with closing(_client(job)) as client:
            listed = client.query(
                "SELECT database, name FROM system.tables "
                "WHERE database IN ('chat_raw', 'chat_analytics') AND engine != 'View'"
            ).result_rows
            for database, table in listed:
                client.command(f"TRUNCATE TABLE {database}.{table}")
        with closing(psycopg2.connect(settings.load().url("warehouse_url"))) as connection, connection:
            connection.cursor().execute("DELETE FROM ops.etl_run_log WHERE asset LIKE 'chat/%'")
        return lambda: Outcome(_count(job, "chat_raw.messages"))

    return work


def platform(job: Job) -> Work:
    """This platform: each day of ``chat/messages`` staged, audited, published and recorded."""
    import dagster as dg

    from marts_platform.dagster_home import use_dagster_home
    from marts_platform.materialization import days_between, materialize, select

    first, end = date.fromisoformat(job.options["from"]), date.fromisoformat(job.options["to"])
    work_of_days = days_between(first, end, select("chat/messages"))
    use_dagster_home()
    instance = dg.DagsterInstance.get()

    def work() -> Finish:
        materialize(work_of_days, instance, with_checks=False)
        return lambda: Outcome(_count(job, "chat_raw.messages"))

    return work


def pending(job: Job) -> Work:
    """This platform: whatever is pending of the chat, as ``marts materialize chat`` loads it."""
    import dagster as dg

    from marts_platform.dagster_home import use_dagster_home
    from marts_platform.materialization import materialize, pending_batches, select

    use_dagster_home()
    instance = dg.DagsterInstance.get()
    registered = select("chat")

    def work() -> Finish:
        began = time.perf_counter()
        batches = pending_batches(registered)
        looked = time.perf_counter() - began
        results = materialize(batches, instance, with_checks=False)
        parts = {"the look": looked} | {result.asset: result.seconds for result in results}
        return lambda: Outcome(_count(job, "chat_analytics.message_facts"), parts=parts)

    return work


def table_function(job: Job) -> Work:
    """ClickHouse's own mysql() table function: no audit, no record, no window."""
    parts = urlsplit(job.source)
    secrets = {
        "address": f"{parts.hostname}:{parts.port}",
        "database": parts.path.strip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }
    columns = ", ".join(_COLUMNS)
    statement = (
        f"INSERT INTO default.moved ({columns}) SELECT {columns} FROM mysql("  # noqa: S608 # names of our own
        "{address:String}, {database:String}, 'messages', {user:String}, {password:String})"
    )
    with closing(_client(job)) as client:
        client.command(_TABLE)

    def work() -> Finish:
        with closing(_client(job)) as client:
            client.command(statement, parameters=secrets)
        return lambda: Outcome(_count(job, "default.moved"))

    return work


def pandas_loop(job: Job) -> Work:
    """Pandas reads pieces of the table, clickhouse-connect inserts each of them."""
    import pandas as pd
    import pymysql

    parts = urlsplit(job.source)
    with closing(_client(job)) as client:
        client.command(_TABLE)

    def work() -> Finish:
        with (
            closing(_client(job)) as client,
            closing(
                pymysql.connect(
                    host=parts.hostname or "",
                    port=parts.port or 3306,
                    user=unquote(parts.username or ""),
                    password=unquote(parts.password or ""),
                    database=parts.path.strip("/"),
                    charset="utf8mb4",
                    cursorclass=pymysql.cursors.SSCursor,
                )
            ) as connection,
        ):
            query = f"SELECT {', '.join(_COLUMNS)} FROM messages"  # noqa: S608 # names of our own
            frames: Any = pd.read_sql(query, connection, chunksize=_PANDAS_ROWS)  # pyright: ignore[reportArgumentType, reportCallIssue]
            for frame in frames:
                client.insert_df("default.moved", frame)
        return lambda: Outcome(_count(job, "default.moved"))

    return work


def _client(job: Job) -> Client:
    import clickhouse_connect

    return clickhouse_connect.get_client(dsn=job.warehouse, autogenerate_session_id=False)


def _count(job: Job, table: str) -> int:
    with closing(_client(job)) as client:
        return int(client.query(f"SELECT count() FROM {table}").result_rows[0][0])  # noqa: S608
