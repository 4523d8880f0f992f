"""One load into the Postgres warehouse: staging, audits and publication within one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from psycopg2.errors import UniqueViolation
from psycopg2.extras import (
    Json,
    execute_values,  # pyright: ignore[reportUnknownVariableType] # its stub leaves `fetch` open
)
from psycopg2.sql import SQL, Composable, Composed, Identifier

from marts_platform.core import run_log
from marts_platform.core.audit import Verdict
from marts_platform.core.path import Extract, Keyed, Replace, combined_fingerprint
from marts_platform.core.rows import Query, pump
from marts_platform.core.run_log import Figures
from marts_platform.core.sql import compose
from marts_platform.io_managers.frames import frame_rows
from marts_platform.resources.postgres import COPY_BUFFER_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from typing import BinaryIO

    import pandas as pd
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Mart
    from marts_platform.core.rows import RowStream
    from marts_platform.core.run_log import Run
    from marts_platform.core.table import Table
    from marts_platform.core.window import Slice

_COPY_FORMATS = {"postgres-binary": "binary", "postgres-text": "text"}


class SchemaMismatchError(Exception):
    """Columns are not the declared ones; nothing was written."""


def quoted(*parts: str) -> Composable:
    """A name of an object, its parts quoted."""
    return Identifier(*parts)


def refuse_mismatch(connection: Connection, table: Table) -> None:
    """Compares the live table with its declaration: names, types, nullability.

    Raises:
        SchemaMismatchError: the table is missing or differs; the message says in what.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/live_columns.sql"), {"table": table.qualified})
        live = {row[0]: (row[1], row[2]) for row in cursor.fetchall()}
        cursor.execute(compose("postgres/declared_types.sql"), {"types": [c.type for c in table.columns]})
        types = [row[0] for row in cursor.fetchall()]
    if not live:
        raise SchemaMismatchError(f"{table.qualified} does not exist in the warehouse: run `marts migrate`")
    declared = {
        column.name: (type_, column.nullable and column.name not in table.key)
        for column, type_ in zip(table.columns, types, strict=True)
    }
    if live != declared:
        raise SchemaMismatchError(
            f"{table.qualified} is not as its DDL file declares it (run `marts migrate`, or correct it): "
            + "; ".join(differences(declared, live))
        )


def differences(
    declared: Mapping[str, tuple[str, bool]], live: Mapping[str, tuple[str, bool]]
) -> Iterable[str]:
    """In what two sets of columns (name to type and nullability) differ, in words."""
    for name in declared.keys() - live.keys():
        yield f"{name} is missing"
    for name in live.keys() - declared.keys():
        yield f"{name} is not declared"
    for name in declared.keys() & live.keys():
        if declared[name] != live[name]:
            want, have = (
                f"{t}{'' if nullable else ' NOT NULL'}" for t, nullable in (declared[name], live[name])
            )
            yield f"{name} is {have}, declared {want}"


class PostgresLoad:
    """One load of a slice. The caller owns the transaction, and the lock of the slice's only writer."""

    def __init__(self, connection: Connection, mart: Mart, slice_: Slice, run: Run, log_id: int) -> None:
        self._connection = connection
        self._mart = mart
        self._slice = slice_
        self._run = run
        self._log_id = log_id
        self._table = quoted(mart.table.schema, mart.table.name)
        self._columns = SQL(", ").join(Identifier(column.name) for column in mart.table.written)
        self._is_partition = isinstance(mart.publication, Replace) and self._table_is_partitioned()
        suffix = run.run_id.replace("-", "")[:8]
        key = (slice_.partition_key or "whole").replace("-", "")
        # Postgres cuts names at 63 bytes, in silence.
        self._partition_name = f"{mart.table.name}_{key}"
        name = f"{mart.table.name[:40]}_{key}_{suffix}"
        schema = f"{mart.table.schema}_partitions"
        self._is_keyed = isinstance(mart.publication, Keyed)
        self._stage = quoted(schema, name) if self._is_partition or self._is_keyed else quoted(name)
        self._touched = quoted(schema, f"{name}_touched")
        self._fingerprint: str | None = None
        self._read_until: datetime | None = None
        self._rows_read = 0
        self._rows_kept = 0
        self._bytes_read: int | None = None
        self._index_fault: UniqueViolation | None = None

    def stage(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones."""
        self._read_until = extract.read_until
        # The upstream's state is read before its rows: rows newer than the state cost one more run, a
        # state newer than the rows would hide them.
        upstream = self._upstream_fingerprint()
        if isinstance(self._mart.publication, Keyed):
            self._stage_keys(self._mart.publication)
        else:
            self._stage_rows(extract)
        if self._is_partition and self._rows_read + self._rows_kept:
            self._build_indexes()
        state = self._staged_fingerprint() if self._mart.fingerprint else upstream
        self._fingerprint = "; ".join(filter(None, (state, extract.scope))) or None

    def _stage_rows(self, extract: Extract) -> None:
        self._create_stage()
        if isinstance(extract.rows, Query):
            self._rows_read = self._insert_query(
                compose(extract.rows.file), {**self._bounds(), **extract.rows.params}
            )
        elif hasattr(extract.rows, "send"):
            self._copy(cast("RowStream", extract.rows))
        else:
            self._insert_frame(cast("pd.DataFrame", extract.rows))
        self._keep(extract.params)

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        names: dict[str, Composable] = {
            name: SQL(", ").join(Identifier(part) for part in ((value,) if isinstance(value, str) else value))
            for name, value in audit.identifiers.items()
        }
        with self._connection.cursor() as cursor:
            cursor.execute(compose(audit.file, {"staged": self._stage, **names}), self._bounds())
            row = cursor.fetchone()
            columns = [column.name for column in cursor.description or ()]
        if row is None:
            raise ValueError(f"audit {audit.name}: {audit.file} gave no row")
        figures = dict(zip(columns, row, strict=True))
        return Verdict(audit, self._slice.partition_key, bool(figures.pop("passed")), figures)

    def publish(self) -> Figures:
        """Makes the staged rows the table's; readers see them at the commit, with the run log's success."""
        if self._index_fault:
            raise self._index_fault
        quarantined = 0
        if self._mart.quarantine:
            quarantined = run_log.supersede_quarantine(
                self._connection,
                self._mart.asset,
                self._slice,
                self._run,
                self._mart.quarantine,
                {"staged": self._stage},
            )
        if isinstance(self._mart.publication, Keyed):
            self._upsert()
        elif self._is_partition:
            self._swap_partition(self._mart.publication)
        else:
            self._rewrite(self._mart.publication)
        figures = Figures(
            rows_read=self._rows_read,
            rows_written=self._rows_read,
            values_quarantined=quarantined,
            rows_kept=self._rows_kept,
            bytes_read=self._bytes_read,
        )
        run_log.succeed(self._connection, self._log_id, figures, self._fingerprint, self._read_until)
        return figures

    # Staging

    def _create_stage(self) -> None:
        if self._is_partition:
            column = cast("Replace", self._mart.publication).column
            if column is None or self._slice.window is None:
                raise TypeError(f"{self._mart.asset}: a partitioned table is replaced by windows of a column")
            names = {"stage": self._stage, "table": self._table, "column": Identifier(column)}
            self._execute("postgres/stage_partition.sql", names, self._bounds())
        else:
            self._execute("postgres/stage_rows.sql", {"stage": self._stage, "table": self._table})

    def _stage_keys(self, keyed: Keyed) -> None:
        names = {"touched": self._touched, "query": compose(keyed.touched)}
        self._execute("postgres/touched_keys.sql", names, self._bounds())
        self._execute("postgres/analyze.sql", {"table": self._touched})
        in_doubt, certain = self._row("postgres/keys_in_doubt.sql", {"touched": self._touched})
        parts = [(keyed.merge or keyed.rebuild, False, certain), (keyed.rebuild, True, in_doubt)]
        queries = [
            (
                compose(
                    file, {"touched": compose("postgres/select_touched.sql", {"touched": self._touched})}
                ),
                doubt,
            )
            for file, doubt, count in parts
            if count
        ]
        if not queries:
            self._execute("postgres/stage_like.sql", {"stage": self._stage, "table": self._table})
        for query, doubt in queries:
            params = {**self._bounds(), "in_doubt": doubt}
            if query is queries[0][0]:
                self._rows_read += self._create_as(query, params)
            else:
                self._rows_read += self._insert_query(query, params)
        key = SQL(", ").join(Identifier(name) for name in self._mart.table.key)
        self._execute("postgres/analyze_columns.sql", {"table": self._stage, "columns": key})

    def _create_as(self, query: Composed, params: Mapping[str, object]) -> int:
        with self._connection.cursor() as cursor:
            self._compare_columns(cursor, query, params, self._table)
            names = {"stage": self._stage, "columns": self._columns, "query": query}
            cursor.execute(compose("postgres/stage_query.sql", names), params)
            return cursor.rowcount

    def _insert_query(self, query: Composed, params: Mapping[str, object]) -> int:
        with self._connection.cursor() as cursor:
            self._compare_columns(cursor, query, params, self._stage)
            names = {"stage": self._stage, "columns": self._columns, "query": query}
            cursor.execute(compose("postgres/insert_query.sql", names), params)
            return cursor.rowcount

    def _compare_columns(
        self, cursor: Cursor, query: Composed, params: Mapping[str, object], target: Composable
    ) -> None:
        cursor.execute(compose("postgres/query_columns.sql", {"query": query}), params)
        given = {column.name: column.type_code for column in cursor.description or ()}
        wanted_query = compose("postgres/select_all.sql", {"columns": self._columns, "table": target})
        cursor.execute(compose("postgres/query_columns.sql", {"query": wanted_query}))
        wanted = {column.name: column.type_code for column in cursor.description or ()}
        self._refuse_columns(given, wanted)

    def _refuse_columns(self, given: Mapping[str, int], wanted: Mapping[str, int]) -> None:
        faults = [f"{name} is missing" for name in wanted.keys() - given.keys()]
        faults += [f"{name} is not declared" for name in given.keys() - wanted.keys()]
        faults += [
            f"{name} has type {self._type_name(given[name])}, declared {self._mart.table.column(name).type}"
            for name in wanted.keys() & given.keys()
            if wanted[name] != given[name]
        ]
        if faults:
            raise SchemaMismatchError(
                f"{self._mart.asset}: the query's columns are not those of {self._mart.table.qualified}, "
                f"nothing was written: {'; '.join(sorted(faults))}"
            )

    def _type_name(self, oid: int) -> str:
        (name,) = self._row("postgres/type_name.sql", params={"oid": oid})
        return str(name)

    def _copy(self, stream: RowStream) -> None:
        wanted = {column.name for column in self._mart.table.written}
        unknown = set(stream.columns) - wanted
        if unknown:
            raise SchemaMismatchError(
                f"{self._mart.asset}: the stream's columns {sorted(unknown)} are not declared "
                f"in {self._mart.table.qualified}, nothing was written"
            )
        file = "postgres/copy_into_partition.sql" if self._is_partition else "postgres/copy_into_rows.sql"
        statement = compose(
            file,
            {
                "stage": self._stage,
                "columns": SQL(", ").join(map(Identifier, stream.columns)),
                "format": SQL(_COPY_FORMATS[stream.format]),
            },
        )
        with self._connection.cursor() as cursor:

            def receive(source: BinaryIO) -> None:
                cursor.copy_expert(statement, source, COPY_BUFFER_BYTES)

            pumped = pump(stream, receive)
            staged = cursor.rowcount
        if staged != pumped.rows:
            raise ValueError(f"{self._mart.asset}: the source sent {pumped.rows} rows, {staged} were staged")
        self._rows_read, self._bytes_read = pumped.rows, pumped.bytes

    def _insert_frame(self, frame: pd.DataFrame) -> None:
        wanted = [column.name for column in self._mart.table.written]
        if set(frame.columns) != set(wanted):
            raise SchemaMismatchError(
                f"{self._mart.asset}: the DataFrame's columns {sorted(frame.columns)} are not those of "
                f"{self._mart.table.qualified} {sorted(wanted)}, nothing was written"
            )
        is_json = [self._mart.table.column(name).type in ("json", "jsonb") for name in wanted]
        rows = (
            tuple(
                Json(value) if json and value is not None else value
                for value, json in zip(row, is_json, strict=True)
            )
            for row in frame_rows(frame, wanted)
        )
        with self._connection.cursor() as cursor:
            # %s is execute_values' own place for many rows, so this one statement is no file.
            statement = SQL("INSERT INTO {} ({}) VALUES %s").format(self._stage, self._columns)
            execute_values(cursor, statement, rows, page_size=1000)
        self._rows_read = len(frame)

    def _keep(self, params: Mapping[str, object]) -> None:
        if isinstance(self._mart.publication, Replace) and self._mart.publication.keep:
            kept = compose(self._mart.publication.keep, {"staged": self._stage})
            self._rows_kept = self._insert_query(kept, {**self._bounds(), **params})

    def _staged_fingerprint(self) -> str:
        assert self._mart.fingerprint is not None  # the caller asked
        (state,) = self._row(self._mart.fingerprint, {"staged": self._stage}, self._bounds())
        return str(state)

    def _upstream_fingerprint(self) -> str | None:
        if not self._mart.upstream:
            return None
        return combined_fingerprint(
            {
                asset: run_log.published_fingerprint(self._connection, asset, self._slice.partition_key)
                for asset in self._mart.upstream
            }
        )

    # Publication

    def _swap_partition(self, replace: Replace) -> None:
        self._drop_published_partition()
        if not self._rows_read + self._rows_kept:
            self._execute("postgres/drop_table.sql", {"table": self._stage})
            return
        schema = f"{self._mart.table.schema}_partitions"
        partition = quoted(schema, self._partition_name)
        self._execute(
            "postgres/rename_partition.sql",
            {"stage": self._stage, "name": Identifier(self._partition_name)},
        )
        names = {"table": self._table, "partition": partition}
        self._execute("postgres/attach_partition.sql", names, self._bounds())
        self._execute("postgres/drop_window_constraint.sql", {"partition": partition})

    def _drop_published_partition(self) -> None:
        params = {"table": self._mart.table.qualified, "name": self._partition_name}
        with self._connection.cursor() as cursor:
            cursor.execute(compose("postgres/partition_of_window.sql"), params)
            found = cursor.fetchone()
        if found:
            partition = quoted(*found)
            names = {"table": self._table, "partition": partition}
            self._execute("postgres/detach_partition.sql", names)
            self._execute("postgres/drop_table.sql", {"table": partition})

    def _build_indexes(self) -> None:
        # Built before the swap, so that attaching finds them and holds its locks for an instant only; and
        # before the audits, which ask them. A unique one that cannot be built is for an audit to explain.
        with self._connection.cursor() as cursor:
            cursor.execute(compose("postgres/parent_indexes.sql"), {"table": self._mart.table.qualified})
            indexes = cursor.fetchall()
            cursor.execute("SAVEPOINT before_indexes")
            try:
                for is_unique, definition, _ in indexes:
                    kind = SQL("CREATE UNIQUE INDEX ON " if is_unique else "CREATE INDEX ON ")
                    cursor.execute(kind + self._stage + SQL(" USING " + definition))
            except UniqueViolation as error:
                cursor.execute("ROLLBACK TO SAVEPOINT before_indexes")
                self._index_fault = error
                return
            # Long texts make ANALYZE slow, and nobody joins or filters on them.
            indexed = dict.fromkeys(column for *_, columns in indexes for column in columns)
            cursor.execute(
                compose(
                    "postgres/analyze_columns.sql",
                    {"table": self._stage, "columns": SQL(", ").join(map(Identifier, indexed))},
                )
            )

    def _rewrite(self, replace: Replace) -> None:
        if replace.column is None:
            self._execute("postgres/delete_all.sql", {"table": self._table})
        else:
            names = {"table": self._table, "column": Identifier(replace.column)}
            self._execute("postgres/delete_window.sql", names, self._bounds())
        names = {"table": self._table, "columns": self._columns, "stage": self._stage}
        self._execute("postgres/insert_staged.sql", names)

    def _upsert(self) -> None:
        # The lock of the table's only writer is held, so no key can appear between these statements; plain
        # ones cost less than ON CONFLICT, which inserts speculatively.
        key = self._mart.table.key
        others = [column.name for column in self._mart.table.written if column.name not in key]
        names = {
            "table": self._table,
            "stage": self._stage,
            "touched": self._touched,
            "columns": self._columns,
            "key": SQL(", ").join(map(Identifier, key)),
            "assignments": SQL(", ").join(
                SQL("{} = staged.{}").format(Identifier(name), Identifier(name)) for name in others
            ),
            **{f"{side}_key": _of(side, key) for side in ("live", "touched", "staged")},
            **{f"{side}_values": _of(side, others) for side in ("live", "staged")},
        }
        for file in ("delete_touched", "update_changed", "insert_new"):
            self._execute(f"postgres/{file}.sql", names)
        for table in (self._stage, self._touched):
            self._execute("postgres/drop_table.sql", {"table": table})

    # Statements

    def _table_is_partitioned(self) -> bool:
        (answer,) = self._row("postgres/is_partitioned.sql", params={"table": self._mart.table.qualified})
        return bool(answer)

    def _bounds(self) -> dict[str, object]:
        window = self._slice.window
        return {"start": window.start if window else None, "end": window.end if window else None}

    def _execute(
        self,
        file: str,
        names: Mapping[str, Composable] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(compose(file, names), params or {})

    def _row(
        self,
        file: str,
        names: Mapping[str, Composable] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> tuple[Any, ...]:
        with self._connection.cursor() as cursor:
            cursor.execute(compose(file, names), params or {})
            row = cursor.fetchone()
        if row is None:
            raise ValueError(f"{file} gave no row")
        return row


def _of(relation: str, columns: Sequence[str]) -> Composed:
    return SQL(", ").join(Identifier(relation, name) for name in columns)
