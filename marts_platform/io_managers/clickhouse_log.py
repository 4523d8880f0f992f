"""The run log, readable in ClickHouse too: ``ops.etl_run_log`` there is a copy that catches up by itself."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from marts_platform import settings
from marts_platform.core.clickhouse import bound, quoted, render
from marts_platform.core.rows import pump
from marts_platform.core.sql import compose, read_sql
from marts_platform.core.table import declared
from marts_platform.resources.postgres import CopyOut

if TYPE_CHECKING:
    from collections.abc import Generator

    from clickhouse_connect.driver.httpclient import HttpClient

    from marts_platform.resources.clickhouse import ClickHouseResource
    from marts_platform.resources.postgres import PostgresResource

_log = logging.getLogger(__name__)

# Entries get their numbers before others see them: this far back, a number may have been missing.
_REACH = 1000


# How long the copy may be behind while a run goes on; at its end it is brought in step.
_BEHIND_SECONDS = 30.0

# By the two servers' addresses, since when (monotonic) this process knows of entries that are not copied.
_behind: dict[tuple[str, str], float] = {}


@dataclass(frozen=True, slots=True)
class Mirror:
    """Copies the entries that are new, or were still running when they were copied last."""

    warehouse: PostgresResource
    clickhouse: ClickHouseResource

    def note(self) -> None:
        """Notes that there is something to copy."""
        _behind.setdefault(self._key, time.monotonic())

    def catch_up_now_and_then(self) -> None:
        """Copies what has waited for long: a run may load for an hour."""
        if time.monotonic() - _behind.get(self._key, time.monotonic()) > _BEHIND_SECONDS:
            self.catch_up()

    def catch_up(self) -> None:
        """Copies what there is to copy, if this process knows of any.

        A fault is only logged: the loads have been published and recorded, and the next ones copy what is
        missing.
        """
        if not _behind:
            return
        import psycopg2
        from clickhouse_connect.driver.exceptions import Error

        if _behind.pop(self._key, None) is None:
            return
        try:
            with self.clickhouse.client({"purpose": "run log"}) as client:
                _copy(self.warehouse, client)
        except (Error, psycopg2.Error) as fault:
            _log.warning("The run log's copy in ClickHouse stays behind until the next load: %s", fault)

    @property
    def _key(self) -> tuple[str, str]:
        now = settings.load()
        return now.url(self.warehouse.setting), now.url(self.clickhouse.setting)


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
