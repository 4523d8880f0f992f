"""The shop's Postgres as a source: whole tables, read where their state has changed."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.canonical import Checksum, form_of, postgres_fault, postgres_row
from marts_platform.core.comparisons import ALL_ROWS
from marts_platform.core.path import Extract
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.table import Table, declared
from marts_platform.core.time_limit import within
from marts_platform.resources.postgres import CopyOut, Limits, PostgresResource
from marts_platform.resources.spark import SparkCopy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published
    from marts_platform.core.window import Slice

TABLES = ("users", "products", "productcategories", "orders", "orderdetails")
# Up to 14 a session that stays open tells its last counters with its next transaction: hours later, or never.
_COUNTING_SINCE = 150000
_PROBE, _EVALUATION = "source_probe_timeout_seconds", "evaluation_seconds"
_ROWS = "{} rows, checksum {}"
_NONE: Mapping[Key, Published] = MappingProxyType({})


class ShopSourceError(settings.ExpectedError):
    """The database is not the shop's; the message says why."""


def replica_of(table: str) -> Table:
    """The declared replica of a table of the shop."""
    return declared(f"shop/ddl/mysql/{table}_replica.sql")


class ShopSource(dg.ConfigurableResource[Any]):
    """The shop's tables, read through ``MARTS_SHOP_URL``."""

    setting: str = "shop_url"

    @property
    def server(self) -> PostgresResource:
        """The server."""
        return PostgresResource(setting=self.setting)

    def rows(self, table: str) -> Extract:
        """A whole table, with the state that it was in before it was read: a stream, or Spark's to move."""
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose=f"shop {table}") as connection:
            state = table_state(connection, table, is_summed=True)
        replica = replica_of(table)
        columns = tuple(column.name for column in replica.columns)
        query = compose(f"shop/raw/{table}.sql")
        purpose = f"shop {table}"
        stream = CopyOut(self.server, query, columns, limits=limits, purpose=purpose, format="postgres-text")
        (key,) = replica.key
        return Extract(SparkCopy(stream, key) if settings.load().spark_master else stream, scope=state)

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] = _NONE
    ) -> SourceState:
        """Return the state of a table by a look at the server's counters.

        The rows' checksum of the last load stands for the rows.
        """
        return self._state(asset, published, is_summed=False)

    def whole_state(self, asset: str, published: Mapping[Key, Published] = _NONE) -> SourceState:
        """Return the state of a table by the server's counters and a checksum of all rows.

        A checksum that does not end in time is left out, with a warning; the counters then tell alone.
        """
        return self._state(asset, published, is_summed=True)

    def _state(self, asset: str, published: Mapping[Key, Published], *, is_summed: bool) -> SourceState:
        """Look at a table within the time of a probe.

        Raises:
            ShopSourceError: a table without counters took longer.
        """
        from psycopg2.errors import QueryCanceled

        table = asset.removeprefix("shop/").removesuffix("_replica")
        seconds = settings.load().source_probe_timeout_seconds
        limit = within(seconds)
        last = published.get(None)
        share = settings.variable(_PROBE if limit == seconds else _EVALUATION)
        late = f"all rows of {table} were not read within {limit:.0f} seconds, a look's share of {share}"
        warnings: list[str] = []
        with self.server.connect(Limits(limit, read_only=True), purpose="probe") as connection:
            try:
                state = table_state(connection, table, is_summed=is_summed, last=last)
            except QueryCanceled as error:
                connection.rollback()
                is_blind, _ = _look(connection, table)
                if is_blind:
                    raise ShopSourceError(
                        f"{late}, and its server has no counters that tell of changes: set that higher"
                    ) from error
                if not is_summed:
                    raise
                state = table_state(connection, table, last=last)
                warnings = [f"{late}; the server's counters alone were compared"]
        out_of_time = (ALL_ROWS,) if warnings else ()
        return SourceState({None}, {None: state}, scope="", warnings=warnings, out_of_time=out_of_time)

    def checksum(self, table: str) -> Checksum:
        """Return the checksum of a table, as the replica can hold its rows.

        A row that stands in quarantine does not count; a value that does reads as missing.
        """
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="check") as connection:
            return _checksum(connection, table, is_judged=True)


def table_state(
    connection: Connection, table: str, *, is_summed: bool = False, last: Published | None = None
) -> str:
    """A text that is another one after each change of a table's rows.

    The server counts the rows that transactions write, and makes a new file when a table is truncated or
    rewritten. Its counters begin anew with it, or with a reset. DDL may give a column another value in each
    row without a row written. The text tells all of that. The counters are told of a change at the end of a
    client's statement, or within ten seconds. So the state is read *before* the rows: rows newer than the
    state cost one more load. A checksum of all rows tells what no counter does.

    A standby counts nothing, a server may be told not to, one older than 15 may tell hours later, a view or a
    foreign table has no counters, and policies show other rows when they change. There the text is the
    checksum alone. Of a table with partitions or heirs, each one's counters are told.

    Args:
        connection: to the shop.
        table: its name.
        is_summed: whether all rows are read.
        last: the load whose checksum stands for the rows where they are not.

    Raises:
        ShopSourceError: there is no such table.
    """
    is_blind, counters = _look(connection, table)
    if is_blind or is_summed:
        found = _checksum(connection, table, is_judged=False)
        rows = _ROWS.format(found.rows, found.checksum)
    else:
        rows = ((last.fingerprint if last else "") or "").rpartition("; ")[2]
    connection.rollback()  # a snapshot held on would hinder the source's vacuum
    return rows if is_blind else f"{counters}; {rows}"


def _look(connection: Connection, table: str) -> tuple[bool, str]:
    """Return whether a table's counters tell too little, and their state.

    Raises:
        ShopSourceError: there is no such table.
    """
    with connection.cursor() as cursor:
        values = {"table": table, "counting_since": _COUNTING_SINCE}
        cursor.execute(compose("shop/source/table_state.sql"), values)
        row = cursor.fetchone()
    if row is None:
        raise ShopSourceError(
            f"the database of MARTS_SHOP_URL has no table {table!r}: is it the shop's, and its schema in the "
            f"search_path?"
        )
    return row[0], row[1]


def _checksum(connection: Connection, table: str, *, is_judged: bool) -> Checksum:
    from psycopg2.sql import SQL, Identifier

    columns = [
        (Identifier(column.name).as_string(connection), column) for column in replica_of(table).columns
    ]
    given = [(name, column.type) for name, column in columns]
    faults = {
        name: postgres_fault(form_of(column.type), name) or "FALSE"
        for name, column in columns
        if is_judged and not column.nullable
    }
    is_row = [f"coalesce(NOT ({fault}), FALSE)" for fault in faults.values()]
    names = {
        "table": Identifier(table),
        "row": SQL(postgres_row(given, shows_faults=not is_judged)),
        "is_row": SQL(" AND ".join(is_row) or "TRUE"),
    }
    with connection.cursor() as cursor:
        cursor.execute(compose("shop/checks/checksum_source.sql", names))
        row = cursor.fetchone()
    assert row is not None  # an aggregate gives one row
    return Checksum(int(row[0]), int(row[1]))
