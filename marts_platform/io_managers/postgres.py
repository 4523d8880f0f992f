"""The Postgres warehouse: publishes windows and keyed marts in one transaction, hands tables on.

A load is one transaction. The staging table is created in it, so a kill leaves nothing behind, and
readers go from the old rows to the new ones at its commit. The run log's ``success`` is part of it.
"""

from __future__ import annotations

import contextlib
import logging
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform.core.mart import mart_of
from marts_platform.core.path import Keyed
from marts_platform.core.relation import Relation
from marts_platform.core.sql import compose
from marts_platform.core.window import Window
from marts_platform.io_managers.ledger import Ledger, record_failure
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import pandas as pd
    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.postgres_load import PostgresLoad

_log = logging.getLogger(__name__)


class PostgresIOManager(Ledger):
    """The Postgres warehouse as Dagster's IO manager.

    The platform's assets (`marts_platform.core.mart.mart`) load through `load`; their output here is
    the list of what was published, which becomes the materialisation's metadata. Downstream assets
    take a `Relation` (default) or a ``pandas.DataFrame``, as their annotation says: of one
    partition, a range of partitions, or the whole table.
    """

    @contextlib.contextmanager
    def load(self, mart: Mart, slice_: Slice, run: Run) -> Generator[PostgresLoad]:
        """One load as the slice's only writer: committed at the end, undone and recorded on a fault."""
        from marts_platform.io_managers.postgres_columns import refuse_mismatch
        from marts_platform.io_managers.postgres_load import PostgresLoad
        from marts_platform.io_managers.postgres_locks import explained

        purpose = f"load {mart.asset} {slice_}"
        with (
            # Not a kept one: temp_buffers can be set only before a session's first temporary table.
            self.warehouse.connect(purpose=purpose) as connection,
            self.warehouse.kept(purpose="run log") as log_connection,
        ):
            _become_writer(connection, mart, slice_)
            log_id = self.begin(log_connection, mart.asset, slice_, run)
            try:
                refuse_mismatch(connection, mart.table)
                present = self.present(log_connection)
                yield PostgresLoad(connection, mart, slice_, run, log_id, present)
                connection.commit()
            except BaseException as error:
                fault = explained(error, mart, slice_, connection, log_connection)
                connection.close()
                record_failure(log_connection, log_id, fault)
                if fault is error:
                    raise
                raise fault from error

    def row(self, file: str, slice_: Slice, names: Mapping[str, Composable] | None = None) -> dict[str, Any]:
        """The one row of a SELECT on the warehouse, by column; for checks.

        Args:
            file: the SQL file; ``start``, ``end`` and ``partition_key`` of the slice are bound.
            slice_: what is looked at.
            names: what stands for its ``{name}`` places.
        """
        window = slice_.window
        values = {
            "start": window.start if window else None,
            "end": window.end if window else None,
            "partition_key": slice_.partition_key,
        }
        with (
            self.warehouse.kept(Limits(read_only=True), purpose="check") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(compose(file, names), values)
            row = cursor.fetchone()
            columns = [column.name for column in cursor.description or ()]
        if row is None:
            raise ValueError(f"{file} gave no row")
        return dict(zip(columns, row, strict=True))

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
        """The rows of a relation as a DataFrame, typed as the table declares them.

        It holds all of them in memory: for what is small. Aware times are ``datetime64[us, UTC]``,
        decimals ``Decimal``, integers and booleans pandas' nullable types.

        Raises:
            ValueError: a time is infinite, or beyond what Python's datetime holds.
        """
        from marts_platform.io_managers.frames import typed_frame
        from marts_platform.io_managers.postgres_session import quoted
        from marts_platform.io_managers.postgres_values import read_exactly

        limits = Limits(read_only=True)
        with self.warehouse.connect(limits, purpose="read") as connection, connection.cursor() as cursor:
            names = {"table": quoted(relation.table.schema, relation.table.name), **_columns(relation)}
            file = "postgres/select_window.sql" if relation.window else "postgres/select_all.sql"
            bounds = {
                "start": relation.window.start if relation.window else None,
                "end": relation.window.end if relation.window else None,
            }
            read_exactly(connection)
            cursor.execute(compose(file, names), bounds)
            return typed_frame(cursor.fetchall(), relation.table)


def _columns(relation: Relation) -> dict[str, Any]:
    from psycopg2.sql import SQL, Identifier

    columns = SQL(", ").join(Identifier(column.name) for column in relation.table.columns)
    return {"columns": columns, "column": Identifier(relation.column or relation.table.columns[0].name)}


def _become_writer(connection: Connection, mart: Mart, slice_: Slice) -> None:
    from marts_platform.io_managers.postgres_session import take_turn

    # A keyed mart's loads read the table's present rows, so there is one writer for all of it; windows
    # are independent of each other.
    scope = "" if isinstance(mart.publication, Keyed) else str(slice_)
    take_turn(connection, f"marts {mart.table.qualified} {scope}")
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/session_for_loading.sql"))
