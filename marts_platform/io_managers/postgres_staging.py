"""Staging into the Postgres warehouse: rows of a query, a stream, a DataFrame, or of touched keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from psycopg2.errors import UniqueViolation
from psycopg2.extras import (
    execute_values,  # pyright: ignore[reportUnknownVariableType] # its stub leaves `fetch` open
)
from psycopg2.sql import SQL, Composable, Composed, Identifier

from marts_platform.core.path import Append, Extract, Keyed, Landing, Replace
from marts_platform.core.rows import Query, Replay, pump
from marts_platform.core.sql import compose
from marts_platform.io_managers.frames import plain_columns
from marts_platform.io_managers.postgres_columns import refuse_frame, refuse_query, refuse_stream
from marts_platform.io_managers.postgres_values import written
from marts_platform.resources.postgres import COPY_BUFFER_BYTES, column_types

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    import pandas as pd

    from marts_platform.core.rows import RowStream
    from marts_platform.io_managers.postgres_session import LoadSession

_COPY_FORMATS = {"postgres-binary": "binary", "postgres-text": "text"}


class Staging:
    """The staging table of one load, and what went into it.

    Attributes:
        rows_read: rows that the source, or the query, gave.
        rows_kept: rows published before that stay although the source no longer has them.
        bytes_read: bytes that came from the source; None for a query of the same server.
        index_fault: why a unique index could not be built; the audits tell which rows are to blame.
    """

    def __init__(self, session: LoadSession) -> None:
        self._session = session
        self.rows_read = 0
        self.rows_kept = 0
        self.bytes_read: int | None = None
        self.index_fault: UniqueViolation | None = None

    def fill(self, extract: Extract) -> None:
        """Makes the table and brings the rows into it, refusing columns that are not the declared ones."""
        if isinstance(self._session.mart.publication, Keyed):
            self._stage_keys(self._session.mart.publication)
        else:
            self._stage_rows(extract)

    def complete(self, extract: Extract) -> None:
        """Add the rows that stay of those published before, and build the indexes."""
        publication = self._session.mart.publication
        if not isinstance(publication, Keyed):
            self._session.take_turn_to_publish()
        if isinstance(publication, Replace):
            self._keep(publication, extract)
        if self._session.is_partitioned and self.has_rows:
            self._build_indexes()

    @property
    def has_rows(self) -> bool:
        """Whether there is anything to publish."""
        return self.rows_read + self.rows_kept > 0

    def _stage_rows(self, extract: Extract) -> None:
        self._create_stage()
        if self._session.mart.landing is not None:
            self._land(self._session.mart.landing, extract)
        elif isinstance(extract.rows, Replay):
            raise TypeError(
                f"{self._session.mart.asset}: nothing to replay, its source still has every row: load it"
            )
        elif isinstance(extract.rows, Query):
            self.rows_read = self._insert_query(
                compose(extract.rows.file), {**self._session.bounds, **extract.rows.params}
            )
        elif hasattr(extract.rows, "send"):
            self._copy(cast("RowStream", extract.rows))
        elif hasattr(extract.rows, "move"):
            raise TypeError(f"{self._session.mart.asset}: what a cluster moves goes into MySQL only")
        else:
            self._insert_frame(cast("pd.DataFrame", extract.rows))

    def _create_stage(self) -> None:
        column = cast("Replace | Append", self._session.mart.publication).column
        if column is None or self._session.slice.window is None:
            if self._session.is_partitioned:
                raise TypeError(
                    f"{self._session.mart.asset}: a partitioned table is replaced by windows of a column"
                )
            self._session.execute(
                "postgres/stage_rows.sql", {"stage": self._session.stage, "table": self._session.table}
            )
            return
        # A row outside of the window is refused: the next load of this window would publish it once more.
        names: dict[str, Composable] = {"stage": self._session.stage, "column": Identifier(column)}
        if self._session.is_partitioned:
            file, form = "postgres/stage_partition.sql", {"definitions": self._session.definitions}
        else:
            file, form = "postgres/stage_window.sql", {"table": self._session.table}
        self._session.execute(file, {**names, **form}, self._session.bounds)

    def _stage_keys(self, keyed: Keyed) -> None:
        names = {"touched": self._session.touched, "query": compose(keyed.touched)}
        self._session.execute("postgres/touched_keys.sql", names, self._session.bounds)
        self._session.execute("postgres/analyze.sql", {"table": self._session.touched})
        in_doubt, certain, since = self._session.row(
            "postgres/keys_in_doubt.sql", {"touched": self._session.touched}
        )
        parts = [(keyed.merge or keyed.rebuild, False, certain), (keyed.rebuild, True, in_doubt)]
        queries = [
            (
                compose(
                    file,
                    {"touched": compose("postgres/select_touched.sql", {"touched": self._session.touched})},
                ),
                doubt,
            )
            for file, doubt, count in parts
            if count
        ]
        if not queries:
            self._session.execute(
                "postgres/stage_like.sql", {"stage": self._session.stage, "table": self._session.table}
            )
        for query, doubt in queries:
            params = {**self._session.bounds, "in_doubt": doubt, "since": since}
            if query is queries[0][0]:
                self.rows_read += self._create_as(query, params)
            else:
                self.rows_read += self._insert_query(query, params)
        key = SQL(", ").join(Identifier(name) for name in self._session.mart.table.key)
        self._session.execute("postgres/analyze_columns.sql", {"table": self._session.stage, "columns": key})

    def _create_as(self, query: Composed, params: Mapping[str, object]) -> int:
        with self._session.connection.cursor() as cursor:
            refuse_query(self._session, cursor, query, params, self._session.table)
            names = {"stage": self._session.stage, "columns": self._session.columns, "query": query}
            cursor.execute(compose("postgres/stage_query.sql", names), params)
            return cursor.rowcount

    def _insert_query(self, query: Composed, params: Mapping[str, object]) -> int:
        with self._session.connection.cursor() as cursor:
            refuse_query(self._session, cursor, query, params, self._session.stage)
            names = {"stage": self._session.stage, "columns": self._session.columns, "query": query}
            cursor.execute(compose("postgres/insert_query.sql", names), params)
            return cursor.rowcount

    def _land(self, landing: Landing, extract: Extract) -> None:
        session = self._session
        names: dict[str, Composable] = {"landed": session.landed, "judged": session.judged}
        session.execute(landing.landed, names)
        if isinstance(extract.rows, Replay):
            self._land_quarantined(landing)
        else:
            stream = cast("RowStream", extract.rows)
            self._copy_into(session.landed, stream, "postgres/copy_into_rows.sql")
        session.execute(
            "postgres/judge_landed.sql", {**names, "query": compose(landing.typed, names)}, landing.params()
        )
        landed, typed, rejected, places = session.row("postgres/count_judged.sql", names)
        if not landed == places == typed + rejected:
            raise ValueError(
                f"{session.mart.asset}: {landed} rows landed, {landing.typed} made {typed} rows of them and "
                f"rejected {rejected}, of {places} places: it lost some, or doubled them"
            )
        names |= {"columns": session.columns}
        self._insert_query(compose("postgres/select_judged.sql", names), {})
        self.rows_read = landed

    def _land_quarantined(self, landing: Landing) -> None:
        replayed = compose(landing.replayed)
        params = {"asset": self._session.mart.asset}
        with self._session.connection.cursor() as cursor:
            columns = SQL(", ").join(map(Identifier, column_types(cursor, replayed, params)))
        names = {"stage": self._session.landed, "columns": columns, "query": replayed}
        self._session.execute("postgres/insert_query.sql", names, params)

    def _copy(self, stream: RowStream) -> None:
        file = (
            "postgres/copy_into_partition.sql"
            if self._session.is_partitioned
            else "postgres/copy_into_rows.sql"
        )
        with self._session.connection.cursor() as cursor:
            refuse_stream(self._session, cursor, stream)
        self._copy_into(self._session.stage, stream, file)

    def _copy_into(self, target: Composable, stream: RowStream, file: str) -> None:
        statement = compose(
            file,
            {
                "stage": target,
                "columns": SQL(", ").join(map(Identifier, stream.columns)),
                "format": SQL(_COPY_FORMATS[stream.format]),
            },
        )
        with self._session.connection.cursor() as cursor:

            def receive(source: BinaryIO) -> None:
                cursor.copy_expert(statement, source, COPY_BUFFER_BYTES)

            pumped = pump(stream, receive)
            staged = cursor.rowcount
        if staged != pumped.rows:
            raise ValueError(
                f"{self._session.mart.asset}: the source sent {pumped.rows} rows, {staged} were staged"
            )
        self.rows_read, self.bytes_read = pumped.rows, pumped.bytes

    def _insert_frame(self, frame: pd.DataFrame) -> None:
        columns = self._session.mart.table.written
        refuse_frame(self._session, frame, ())
        values = plain_columns(frame, columns)
        refuse_frame(self._session, frame, values)
        rows = list(zip(*(written(*pair) for pair in zip(values, columns, strict=True)), strict=True))
        with self._session.connection.cursor() as cursor:
            # %s is execute_values' own place for many rows, so this one statement is no file.
            statement = SQL("INSERT INTO {} ({}) VALUES %s").format(
                self._session.stage, self._session.columns
            )
            execute_values(cursor, statement, rows, page_size=1000)
        self.rows_read = len(frame)

    def _keep(self, replace: Replace, extract: Extract) -> None:
        names = {"staged": self._session.stage}
        params = {**self._session.bounds, **extract.params}
        if replace.restore:
            self._session.execute(replace.restore, names, params)
        if replace.missing and extract.judge:
            with self._session.connection.cursor() as cursor:
                cursor.execute(compose(replace.missing, names), params)
                params |= extract.judge(cursor.fetchall())
        if replace.keep:
            self.rows_kept = self._insert_query(compose(replace.keep, names), params)

    def _build_indexes(self) -> None:
        # Built before the swap, so that attaching finds them and holds its locks for an instant only; and
        # before the audits, which ask them. A unique one that cannot be built is for an audit to explain.
        with self._session.connection.cursor() as cursor:
            cursor.execute(
                compose("postgres/parent_indexes.sql"), {"table": self._session.mart.table.qualified}
            )
            indexes = cursor.fetchall()
            cursor.execute("SAVEPOINT before_indexes")
            try:
                for is_unique, definition, _ in indexes:
                    kind = SQL("CREATE UNIQUE INDEX ON " if is_unique else "CREATE INDEX ON ")
                    cursor.execute(kind + self._session.stage + SQL(" USING " + definition))
            except UniqueViolation as error:
                cursor.execute("ROLLBACK TO SAVEPOINT before_indexes")
                self.index_fault = error
                return
            # Long texts make ANALYZE slow, and nobody filters on them; few tables have one in every row.
            table = self._session.mart.table
            filled = [column.name for column in table.columns if not column.nullable]
            looked_at = dict.fromkeys([*filled, *(column for *_, columns in indexes for column in columns)])
            cursor.execute(
                compose(
                    "postgres/analyze_columns.sql",
                    {"table": self._session.stage, "columns": SQL(", ").join(map(Identifier, looked_at))},
                )
            )
