"""The shop's Postgres as a source: whole tables, read where their state has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.path import Extract
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.table import Table, declared
from marts_platform.resources.postgres import CopyOut, Limits, PostgresResource
from marts_platform.resources.spark import SparkCopy

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.pending import Key
    from marts_platform.core.window import Slice

TABLES = ("users", "products", "productcategories", "orders", "orderdetails")
# Up to 14 a session that stays open tells its last counters with its next transaction: hours later, or never.
_COUNTING_SINCE = 150000


class ShopSourceError(settings.ExpectedError):
    """The database is not the shop's; the message says why."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """The rows of a table, and a sum of their hashes, which does not depend on their order."""

    rows: int
    checksum: int


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
            state = table_state(connection, table)
        replica = replica_of(table)
        columns = tuple(column.name for column in replica.columns)
        query = compose(f"shop/raw/{table}.sql")
        purpose = f"shop {table}"
        stream = CopyOut(self.server, query, columns, limits=limits, purpose=purpose, format="postgres-text")
        (key,) = replica.key
        return Extract(SparkCopy(stream, key) if settings.load().spark_master else stream, scope=state)

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """The state of a table: a look at the server's counters."""
        table = asset.removeprefix("shop/").removesuffix("_replica")
        limits = Limits(settings.load().source_probe_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="probe") as connection:
            state = table_state(connection, table)
        return SourceState({None}, {slice_.partition_key: state for slice_ in slices}, scope="")

    def checksum(self, table: str) -> Checksum:
        """Count and order-independent checksum of a table's rows."""
        limits = Limits(settings.load().source_statement_timeout_seconds, read_only=True)
        with self.server.connect(limits, purpose="check") as connection:
            rows, checksum = _checksum(connection, table)
        return Checksum(int(rows), int(checksum))


def table_state(connection: Connection, table: str) -> str:
    """A text that is another one after each change of a table's rows.

    The server counts the rows that transactions write, and makes a new file when a table is truncated or
    rewritten; its counters begin anew with it, or with a reset, which the text tells as well. They are told
    of a change at the end of a transaction, or within ten seconds. So the state is read *before* the rows:
    rows newer than the state cost one more load. A standby counts nothing, a server may be told not to, one
    older than 15 may tell hours later, and a view or a foreign table has no counters: there the text is a
    checksum of all rows. Of a table with partitions or heirs, each one's counters are told.

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
    is_blind, state = row
    if is_blind:
        rows, checksum = _checksum(connection, table)
        state = f"{rows} rows, checksum {checksum}"
    connection.rollback()  # a snapshot held on would hinder the source's vacuum
    return str(state)


def _checksum(connection: Connection, table: str) -> tuple[Any, ...]:
    from psycopg2.sql import Identifier

    names = {"table": Identifier(table), "row": _row_text(replica_of(table))}
    with connection.cursor() as cursor:
        cursor.execute(compose("shop/checks/checksum_source.sql", names))
        row = cursor.fetchone()
    assert row is not None  # an aggregate gives one row
    return row


def _row_text(table: Table) -> Composable:
    """A row as one text, the same in both engines: NULL is told from an empty text by a leading letter."""
    from psycopg2.sql import SQL, Identifier

    return SQL("concat_ws('|', {})").format(
        SQL(", ").join(
            SQL("coalesce('v' || {}, 'n')").format(
                SQL("to_char({}, 'YYYY-MM-DD HH24:MI:SS.US')").format(Identifier(column.name))
                if column.type.lower().startswith("datetime")
                else SQL("{}::text").format(Identifier(column.name))
            )
            for column in table.columns
        )
    )


def mysql_row_text(table: Table) -> str:
    """The same text of the same row in MySQL."""
    parts = ", ".join(f"coalesce(concat('v', `{column.name}`), 'n')" for column in table.columns)
    return f"concat_ws('|', {parts})"
