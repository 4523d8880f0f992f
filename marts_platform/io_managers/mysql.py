"""The MySQL warehouse: publishes windows, keys and whole tables, and hands tables on.

A load stages beside the table. A whole table is published by one RENAME, which swaps it for the staged one;
a window or keys by one transaction. Success is recorded in Postgres after it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import dagster as dg
from typing_extensions import override

from marts_platform.core.imports import whole
from marts_platform.core.mart import mart_of
from marts_platform.core.relation import Relation
from marts_platform.core.window import Window
from marts_platform.io_managers.ledger import Ledger, record_failure
from marts_platform.resources.identity import Slot
from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.mysql_text import quoted
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import pandas as pd

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.mysql_load import MySQLLoad

# Publishing queues for the table's lock for so long: longer waits would stop new readers behind an old one.
_LOADING = Limits(lock_timeout=10)


class MySQLIOManager(Ledger):
    """The MySQL warehouse as Dagster's IO manager.

    Assets load through `load`. Downstream assets take a `Relation` (default) or a ``pandas.DataFrame``, as
    their annotation says: of one partition, a range of partitions, or the whole table.
    """

    mysql_setting: str = "shop_replica_url"

    @property
    def mysql(self) -> MySQLResource:
        """The server."""
        return MySQLResource(setting=self.mysql_setting)

    @property
    @override
    def slot(self) -> Slot:
        """The place of the server in the settings."""
        return Slot("mysql", self.mysql_setting)

    @contextlib.contextmanager
    def load(self, mart: Mart, slice_: Slice, run: Run) -> Generator[MySQLLoad]:
        """One load as the table's only writer; on a fault nothing of it is published, and it is recorded."""
        from marts_platform.io_managers.mysql_load import MySQLLoad
        from marts_platform.io_managers.mysql_session import MySQLSession
        from marts_platform.io_managers.recorded_load import Record, WriterLock

        purpose = f"load {mart.asset} {slice_}"
        with (
            self.warehouse.kept(purpose=purpose) as connection,
            self.warehouse.kept(purpose="run log") as log_connection,
        ):
            lock = WriterLock(connection, mart, "mysql")
            lock.take()
            log_id = self.begin(log_connection, mart.asset, slice_, run)
            try:
                present = self.present(log_connection)
                with self.mysql.connect(_LOADING, purpose=purpose, loads_files=True) as server:
                    session = MySQLSession(self.mysql, server, mart, slice_, run)
                    session.drop_leftovers()
                    try:
                        yield MySQLLoad(session, Record(session, connection, lock, log_id, present))
                        connection.commit()
                    finally:
                        session.drop_own_tables()
            except BaseException as error:
                connection.close()
                record_failure(log_connection, log_id, error)
                raise

    def row(self, file: str, slice_: Slice, names: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The one row of a SELECT in MySQL, by column; for checks.

        Args:
            file: the SQL file; ``start``, ``end`` and ``partition_key`` of the slice are bound.
            slice_: what is looked at.
            names: what the file's ``{name}`` places stand for.
        """
        from marts_platform.resources.mysql_form import select_rows

        window = slice_.window
        values = {
            "start": window.start if window else None,
            "end": window.end if window else None,
            "partition_key": slice_.partition_key,
        }
        with self.mysql.connect(Limits(read_only=True), purpose="check") as connection:
            found = select_rows(connection, statement(file, names), values)
        if len(found) != 1:
            raise ValueError(f"{file} gave {len(found)} rows instead of one")
        return found[0]

    def load_input(self, context: dg.InputContext) -> Relation | pd.DataFrame:
        """The upstream table, of the partitions that the run asks for, as the annotation says."""
        mart = mart_of(context.asset_key)
        window = None
        if context.has_asset_partitions:
            span = context.asset_partitions_time_window
            window = Window(span.start, span.end)
        relation = Relation(mart.table, mart.window_column, window)
        if getattr(context.dagster_type.typing_type, "__name__", "") != "DataFrame":
            return relation
        return self.read_frame(relation)

    def read_frame(self, relation: Relation) -> pd.DataFrame:
        """The rows of a relation as a DataFrame.

        It holds all of them in memory: for what is small. Integers are pandas' nullable ones, times
        ``datetime64[us]`` (they have no zone in MySQL), everything else objects: Decimal, str, None.
        """
        whole("pandas")
        import pandas as pd

        from marts_platform.io_managers.mysql_frames import frame_type
        from marts_platform.io_managers.mysql_session import column_list

        table = relation.table
        names = {
            "table": quoted(table.schema, table.name),
            "columns": column_list(column.name for column in table.columns),
            "column": quoted(relation.column or table.columns[0].name),
        }
        window = relation.window
        file = "mysql/select_window.sql" if window else "mysql/select_all.sql"
        values = {"start": window.start, "end": window.end} if window else {}
        with (
            self.mysql.connect(Limits(read_only=True), purpose="read") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(statement(file, names), values)
            rows = cursor.fetchall()
        return pd.DataFrame(
            {
                column.name: pd.Series([row[place] for row in rows], dtype=frame_type(column.type))
                for place, column in enumerate(table.columns)
            }
        )
