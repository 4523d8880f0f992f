"""The session of one load: its transaction, and the names and values that its statements take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg2.sql import SQL, Composable, Composed, Identifier

from marts_platform.core.path import Keyed, Replace
from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice


# How long a load waits for another writer of the same slice to end.
_WRITER_WAIT_SECONDS = 1800
# How long publishing may queue for a lock: longer waits would stop new readers behind an old one.
_PUBLISH_WAIT_SECONDS = 10


def quoted(*parts: str) -> Composable:
    """A name of an object, its parts quoted."""
    return Identifier(*parts)


def take_turn(connection: Connection, name: str) -> None:
    """Waits to be the only one of that name, until the transaction ends, also if its process dies.

    Locks of tables are waited for briefly from here on: whoever waits for one stops new readers.

    Raises:
        psycopg2.errors.LockNotAvailable: another one did not end in time.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/lock_timeout.sql"), {"lock_timeout": f"{_WRITER_WAIT_SECONDS}s"})
        cursor.execute(compose("postgres/lock_writer.sql"), {"name": name})
        cursor.execute(compose("postgres/lock_timeout.sql"), {"lock_timeout": f"{_PUBLISH_WAIT_SECONDS}s"})


def columns_of(relation: str, columns: Sequence[str]) -> Composed:
    """A list of a relation's columns, quoted."""
    return SQL(", ").join(Identifier(relation, name) for name in columns)


class LoadSession:
    """What staging and publication share. The caller owns the transaction.

    Attributes:
        connection: of the warehouse, in the load's transaction.
        mart: what is loaded.
        slice: which part of it.
        run: who loads it.
        table: the published table's name, quoted.
        columns: the written columns, as a list.
        key_spans_windows: whether windows are replaced in a table whose key does not tell the window, so that
            a row with the same key may stand in another window.
        is_partitioned: whether the table has a partition for each window, so that publishing swaps one.
        partition: schema and name of the window's partition.
        stage: the staging table's name, made of the table, the slice and the run.
        touched: the name of a keyed mart's table of touched keys.
        landed: the name of the table of rows as they came, where they come raw.
        judged: the name of the table of what these are.
    """

    def __init__(self, connection: Connection, mart: Mart, slice_: Slice, run: Run) -> None:
        self.connection = connection
        self.mart = mart
        self.slice = slice_
        self.run = run
        self.table = quoted(mart.table.schema, mart.table.name)
        self.columns = SQL(", ").join(Identifier(column.name) for column in mart.table.written)
        self.is_partitioned = isinstance(mart.publication, Replace) and self._table_is_partitioned()
        self.key_spans_windows = not self.is_partitioned and mart.key_spans_windows
        key = (slice_.partition_key or "whole").replace("-", "")
        schema = f"{mart.table.schema}_partitions"
        self.partition = (schema, f"{mart.table.name}_{key}")
        # Postgres cuts names at 63 bytes, in silence.
        name = f"{mart.table.name[:36]}_{key}_{run.run_id.replace('-', '')[:8]}"
        is_temporary = not self.is_partitioned and not isinstance(mart.publication, Keyed)
        self.stage = quoted(name) if is_temporary else quoted(schema, name)
        self.touched = quoted(schema, f"{name}_touched")
        self.landed, self.judged = quoted(f"{name}_landed"), quoted(f"{name}_judged")

    @property
    def definitions(self) -> Composed:
        """The columns as they are declared, for a table of the same form.

        ``LIKE`` would hold a lock on the live table for as long as the load takes, and with it every other
        load that swaps a partition.
        """
        return SQL(",\n    ").join(
            Identifier(column.name)
            + SQL(" " + column.definition.replace("%", "%%"))
            + SQL(" NOT NULL" if column.nullable and column.name in self.mart.table.key else "")
            for column in self.mart.table.columns
        )

    def take_turn_to_publish(self) -> None:
        """Wait until no other load is between reading the live table and publishing.

        Two that had read a partitioned table could not swap: each would wait for the other's lock. Where a
        key spans windows, two could keep, or insert, a row with the same key. Call it before the first
        statement that reads the live table.
        """
        if self.is_partitioned or self.key_spans_windows:
            take_turn(self.connection, f"marts publish {self.mart.table.qualified}")

    @property
    def bounds(self) -> dict[str, object]:
        """The window's ends, as every statement may take them."""
        window = self.slice.window
        return {"start": window.start if window else None, "end": window.end if window else None}

    def execute(
        self,
        file: str,
        names: Mapping[str, Composable] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        """Runs the statement of an SQL file."""
        with self.connection.cursor() as cursor:
            cursor.execute(compose(file, names), params or {})

    def row(
        self,
        file: str,
        names: Mapping[str, Composable] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> tuple[Any, ...]:
        """The first row that an SQL file gives.

        Raises:
            ValueError: it gives none.
        """
        with self.connection.cursor() as cursor:
            cursor.execute(compose(file, names), params or {})
            row = cursor.fetchone()
        if row is None:
            raise ValueError(f"{file} gave no row")
        return row

    def _table_is_partitioned(self) -> bool:
        (answer,) = self.row("postgres/is_partitioned.sql", params={"table": self.mart.table.qualified})
        return bool(answer)
