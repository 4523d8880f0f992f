"""The run log, readable in ClickHouse too: ``ops.etl_run_log`` there is a copy that catches up by itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO

from marts_platform.core.rows import pump
from marts_platform.core.sql import compose, read_sql
from marts_platform.core.table import declared
from marts_platform.resources.clickhouse import bound, quoted, render
from marts_platform.resources.postgres import CopyOut

if TYPE_CHECKING:
    from collections.abc import Generator

    from clickhouse_connect.driver.httpclient import HttpClient

    from marts_platform.resources.postgres import PostgresResource

_log = logging.getLogger(__name__)

# Entries get their numbers before others see them: this far back, a number may have been missing.
_REACH = 1000


def mirror(warehouse: PostgresResource, client: HttpClient) -> None:
    """Copies the entries that are new, or were still running when they were copied last.

    A fault is only logged: the load has been published and recorded, and the next one copies what is missing.
    """
    import psycopg2
    from clickhouse_connect.driver.exceptions import Error

    try:
        _copy(warehouse, client)
    except (Error, psycopg2.Error) as fault:
        _log.warning("The run log's copy in ClickHouse stays behind until the next load: %s", fault)


def _copy(warehouse: PostgresResource, client: HttpClient) -> None:
    from psycopg2.sql import SQL, Identifier

    table = declared("ops/ddl/clickhouse/etl_run_log_entries.sql")
    columns = tuple(column.name for column in table.columns)
    statement = read_sql("clickhouse/run_log_mirrored.sql")
    there = client.query(statement, parameters=bound(statement, {"reach": _REACH}))
    ((newest, ended_ids, open_ids),) = there.result_rows
    query = compose("ops/run_log_mirror.sql", {"columns": SQL(", ").join(map(Identifier, columns))})
    params: dict[str, object] = {
        "after": (newest or 0) - _REACH,
        "ended_ids": list[int](ended_ids or ()),
        "open_ids": list[int](open_ids or ()),
    }
    entries = CopyOut(warehouse, query, columns, params, purpose="run log", format="postgres-text")
    insert = render(
        "clickhouse/insert_rows.sql",
        stage=quoted(table.schema, table.name),
        columns=", ".join(map(quoted, columns)),
        format="TabSeparated",
    )

    def receive(source: BinaryIO) -> None:
        rows = source.read()
        if rows:
            client.raw_insert(insert_block=_body(insert, rows, source))

    pump(entries, receive)


def _body(insert: str, first: bytes, source: BinaryIO) -> Generator[bytes]:
    yield insert.encode() + b"\n" + first
    while piece := source.read():
        yield piece
