"""The ClickHouse warehouse: publishes partitions, windows, keys and whole tables, and hands tables on.

ClickHouse has no transactions over several statements. So a load stages beside the table, in a database of
its own, and one atomic statement publishes; success is recorded in Postgres after it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import dagster as dg
from typing_extensions import override

from marts_platform.core.canonical import Checksum, clickhouse_row
from marts_platform.core.clickhouse import STAGING, bound, quoted, render
from marts_platform.core.mart import mart_of
from marts_platform.core.relation import Relation
from marts_platform.core.sql import read_sql
from marts_platform.core.window import Window
from marts_platform.io_managers.clickhouse_log import Mirror
from marts_platform.io_managers.ledger import Ledger, record_failure
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform.resources.identity import Slot

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    import pandas as pd

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.clickhouse_load import ClickHouseLoad


class ClickHouseIOManager(Ledger):
    """The ClickHouse warehouse as Dagster's IO manager.

    Assets load through `load`. Downstream assets take a `Relation` (default) or a ``pandas.DataFrame``, as
    their annotation says: of one partition, a range of partitions, or the whole table.
    """

    clickhouse_setting: str = "clickhouse_url"

    @property
    def clickhouse(self) -> ClickHouseResource:
        """The server."""
        return ClickHouseResource(setting=self.clickhouse_setting)

    @property
    @override
    def slot(self) -> Slot:
        """The place of the server in the settings."""
        return Slot("clickhouse", self.clickhouse_setting)

    @contextlib.contextmanager
    def load(self, mart: Mart, slice_: Slice, run: Run) -> Generator[ClickHouseLoad]:
        """One load as the table's only writer; on a fault nothing of it is published, and it is recorded."""
        from marts_platform.io_managers.clickhouse_load import ClickHouseLoad
        from marts_platform.io_managers.clickhouse_session import ClickHouseSession
        from marts_platform.io_managers.recorded_load import Record, WriterLock

        comment = {"run_id": run.run_id, "asset": mart.asset, "partition": slice_.partition_key}
        with (
            self.warehouse.kept(purpose=f"load {mart.asset} {slice_}") as connection,
            self.warehouse.kept(purpose="run log") as log_connection,
        ):
            lock = WriterLock(connection, mart, "clickhouse")
            lock.take()
            log_id = self.begin(log_connection, mart.asset, slice_, run)
            self._mirror.note()
            try:
                present = self.present(log_connection)
                with self.clickhouse.client(comment) as client:
                    session = ClickHouseSession(client, mart, slice_, run)
                    session.look()
                    try:
                        yield ClickHouseLoad(session, Record(session, connection, lock, log_id, present))
                        connection.commit()
                    finally:
                        session.drop_own_tables()
            except BaseException as error:
                connection.close()
                record_failure(log_connection, log_id, error)
                raise
        self._mirror.catch_up_now_and_then()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Brings the run log's copy in ClickHouse in step, at the end of a run, whatever became of it."""
        self._mirror.catch_up()

    @property
    def _mirror(self) -> Mirror:
        return Mirror(self.warehouse, self.clickhouse)

    def row(self, file: str, slice_: Slice) -> dict[str, Any]:
        """The one row of a SELECT in ClickHouse, by column; for checks.

        Args:
            file: the SQL file; ``start``, ``end`` and ``partition_key`` of the slice are bound.
            slice_: what is looked at.
        """
        return self._row(file, slice_, STAGING, {})

    def published_state(self, mart: Mart, slice_: Slice) -> str:
        """The fingerprint that a load takes of staged rows, taken of the published ones of a slice.

        Its file reads the rows of the slice only, where the mart has partitions.

        Raises:
            ValueError: the mart has no such file.
        """
        if mart.fingerprint is None:
            raise ValueError(f"{mart.asset} has no fingerprint")
        found = self._row(mart.fingerprint, slice_, mart.table.schema, {"staged": mart.table.name})
        (state,) = found.values()
        return str(state)

    def published_checksum(self, mart: Mart, slice_: Slice) -> Checksum:
        """Return the published rows of a slice, counted, and a checksum of their canonical texts."""
        from marts_platform.io_managers.clickhouse_session import within

        table, window, column = mart.table, slice_.window, getattr(mart.publication, "column", None)
        statement = render(
            "clickhouse/published_checksum.sql",
            row=clickhouse_row((quoted(one.name), one.type) for one in table.written),
            table=quoted(table.schema, table.name),
            condition=within(column, table.column(column).type, window) if column and window else "true",
        )
        with self.clickhouse.client({"purpose": "check"}, read_only=True) as client:
            ((rows, checksum),) = client.query(statement).result_rows
        return Checksum(int(rows), int(checksum))

    def _row(self, file: str, slice_: Slice, database: str, more: Mapping[str, object]) -> dict[str, Any]:
        statement, window = read_sql(file), slice_.window
        values: dict[str, object] = {"partition_key": slice_.partition_key, **more}
        if window:
            values |= {"start": window.start, "end": window.end}
        purpose = {"purpose": "check"}
        with self.clickhouse.client(purpose, database=database, read_only=True) as client:
            answer = client.query(statement, parameters=bound(statement, values))
        if len(answer.result_rows) != 1:
            raise ValueError(f"{file} gave {len(answer.result_rows)} rows instead of one")
        return dict(zip(answer.column_names, answer.result_rows[0], strict=True))

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

        It holds all of them in memory: for what is small.
        """
        from marts_platform.io_managers.clickhouse_frames import read_frame

        with self.clickhouse.client({"purpose": "read"}, read_only=True) as client:
            return read_frame(client, relation)
