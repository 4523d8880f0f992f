"""Staging into ClickHouse: rows of a query, a stream, a DataFrame, or of touched keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, cast

from marts_platform.core.clickhouse import STAGING, quoted, render
from marts_platform.core.path import Append, Keyed, Replace
from marts_platform.core.rows import Query, pump
from marts_platform.io_managers.clickhouse_columns import (
    intakes,
    refuse_frame,
    refuse_mismatch,
    refuse_query,
    refuse_stream,
)
from marts_platform.io_managers.clickhouse_judged import VALUE_FAULTS, Judge
from marts_platform.io_managers.clickhouse_publication import replaced
from marts_platform.io_managers.clickhouse_session import within
from marts_platform.resources.clickhouse_ddl import create_table

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from typing import BinaryIO

    import pandas as pd

    from marts_platform.core.path import Extract
    from marts_platform.core.rows import RowStream
    from marts_platform.core.table import Column
    from marts_platform.io_managers.clickhouse_session import ClickHouseSession

# What COPY's text is here. Both escape tab, line break and backslash in the same way, and write NULL as \N.
_FORMATS = {"postgres-text": "TabSeparated"}
_TEXTS = ("TabSeparated", "TSV", "CSV")
# Refuses a NULL that the declared column would take, and the source does not.
_NEVER_NULL = "never_null"
# Of a plain table without a TTL, merges change nothing that a reader sees.
_CHANGED_BY_MERGES = re.compile(r"^ENGINE = (?!MergeTree\b)|\bTTL\b", re.M)
# Larger pieces than the pipe's: fewer turns between the two threads.
_PIECE_BYTES = 1 << 20


class Staging:
    """The staging table of one load, and what went into it.

    Attributes:
        rows_read: rows that the source, or the query, gave.
        rows_rejected: rows of them that cannot be the table's, and go to quarantine.
        rows_kept: rows published before that stay although the source no longer has them.
        judge: the SQL that judged the rows one by one; None if all were taken as they came.
        bytes_read: bytes that came from the source; None for a query of the same server.
        keys: of a keyed mart, the columns that tell its rows apart.
        partitions: how many rows are staged for each partition of the table, by its id.
        partitions_before: how many published ones they replace, by their partitions' ids.
    """

    def __init__(self, session: ClickHouseSession) -> None:
        self._session = session
        self.rows_read = 0
        self.rows_rejected = 0
        self.rows_kept = 0
        self.judge: Judge | None = None
        self.bytes_read: int | None = None
        self.keys: tuple[str, ...] = ()
        self.partitions: dict[str, int] = {}
        self.partitions_before: dict[str, int] = {}

    def create(self) -> None:
        """Makes the staging table as the file declares it, and compares the live table with it.

        Raises:
            SchemaMismatchError: the live table is missing or differs.
        """
        session = self._session
        publication, window = session.mart.publication, session.slice.window
        if isinstance(publication, Replace) and publication.restore:
            raise TypeError(f"{session.mart.asset}: ClickHouse does not restore values in staged rows")
        constraints: list[str] = []
        if isinstance(publication, Replace | Append) and publication.column and window:
            # A row outside of the window is refused: the next load of this window would publish it once more.
            column = session.mart.table.column(publication.column)
            condition = within(column.name, column.type, window)
            constraints = [f"CONSTRAINT within_window CHECK ifNull({condition}, 0)"]
        statement = create_table(session.mart.table, STAGING, session.names.stage, more=constraints)
        session.make(session.names.stage, statement)
        refuse_mismatch(session)
        if _CHANGED_BY_MERGES.search(statement):
            # Merging would drop what a TTL or a key says before it was counted and audited.
            session.execute("clickhouse/stop_merges.sql", table=session.stage)

    def fill(self, extract: Extract) -> None:
        """Brings the rows into the table, refusing columns that are not the declared ones.

        Raises:
            SchemaMismatchError: they differ; the message says in what.
            ValueError: not as many rows are there as were sent.
        """
        publication = self._session.mart.publication
        if isinstance(publication, Keyed):
            self._stage_keys(publication)
        elif isinstance(extract.rows, Query):
            self.rows_read = self._insert_query(extract.rows.file, extract.rows.params)
        elif hasattr(extract.rows, "send"):
            self._take(cast("RowStream", extract.rows), extract)
        elif hasattr(extract.rows, "move"):
            raise TypeError(f"{self._session.mart.asset}: what a cluster moves goes into MySQL only")
        else:
            self._insert_frame(cast("pd.DataFrame", extract.rows))
        if isinstance(publication, Replace) and publication.keep:
            self.rows_kept = self._insert_query(publication.keep, extract.params)
        session = self._session
        gone = replaced(session, self.keys)
        for place, partition, rows in session.rows(
            "clickhouse/rows_by_partition.sql",
            stage=session.stage,
            table=session.table,
            condition=gone or "false",
        ):
            there = self.partitions if place == "staged" else self.partitions_before
            there[str(partition)] = int(rows)
        staged = sum(self.partitions.values())
        wanted = self.rows_read - self.rows_rejected + self.rows_kept
        if staged != wanted:
            raise ValueError(f"{session.mart.asset}: {wanted} rows were to be staged, {staged} are")

    def _stage_keys(self, keyed: Keyed) -> None:
        session = self._session
        touched = quoted(STAGING, session.names.touched)
        query, params = session.query(keyed.touched, {})
        statement = render("clickhouse/touched_keys.sql", touched=touched, query=query)
        session.make(session.names.touched, statement, params)
        ((in_doubt, certain, keys),) = session.rows(
            "clickhouse/keys_in_doubt.sql",
            {"database": STAGING, "table": session.names.touched},
            touched=touched,
        )
        self.keys = tuple(map(str, keys))
        if not (in_doubt and certain):
            file = keyed.rebuild if in_doubt else keyed.merge or keyed.rebuild
            self.rows_read += self._insert_query(file, {"touched": session.names.touched})
            return
        for file, doubt in ((keyed.merge or keyed.rebuild, False), (keyed.rebuild, True)):
            self.rows_read += self._insert_of_keys(file, doubt=doubt)

    def _insert_of_keys(self, file: str, *, doubt: bool) -> int:
        session = self._session
        part = quoted(STAGING, session.names.touched_part)
        session.drop(session.names.touched_part)
        touched = quoted(STAGING, session.names.touched)
        statement = render("clickhouse/touched_part.sql", part=part, touched=touched)
        session.make(session.names.touched_part, statement, {"in_doubt": doubt})
        return self._insert_query(file, {"touched": session.names.touched_part})

    def _insert_query(self, file: str, params: Mapping[str, object]) -> int:
        session = self._session
        query, values = session.query(file, params)
        columns = refuse_query(session, query, values)
        statement = render(
            "clickhouse/insert_query.sql",
            stage=session.stage,
            columns=", ".join(map(quoted, columns)),
            query=query,
        )
        return int(session.command(statement, values).get("written_rows", 0))

    def _take(self, stream: RowStream, extract: Extract) -> None:
        from clickhouse_connect.driver.exceptions import DatabaseError

        session = self._session
        form = _FORMATS.get(stream.format, stream.format)
        describe = getattr(stream, "describe", None)
        types: Mapping[str, str] = describe() if describe else {}
        refuse_stream(session, stream.columns, types)
        sent = [session.mart.table.column(name) for name in stream.columns]
        judge = Judge(
            quoted(STAGING, session.names.sent),
            sent,
            types,
            extract.never_null,
            extract.key,
            self._shown(extract),
        )
        is_judgeable = form.startswith(_TEXTS) and judge.is_able
        try:
            self._take_whole(stream, form, sent, types, extract)
        except DatabaseError as fault:
            if fault.code not in VALUE_FAULTS or not is_judgeable:
                raise
        else:
            if not (is_judgeable and self._repeats(extract.key)):
                return
        self._take_judged(stream, form, judge)

    def _take_whole(
        self, stream: RowStream, form: str, sent: Sequence[Column], types: Mapping[str, str], extract: Extract
    ) -> None:
        stage, guard = self._session.stage, quoted(_NEVER_NULL)
        columns = self._take_in(sent, types) if form.startswith(_TEXTS) else [column.name for column in sent]
        if extract.never_null:
            condition = " AND ".join(f"isNotNull({quoted(name)})" for name in extract.never_null)
            self._session.command(f"ALTER TABLE {stage} ADD CONSTRAINT {guard} CHECK {condition}")
        try:
            self.rows_read, self.bytes_read = self._stream(stream, stage, columns, form)
        finally:
            if extract.never_null:
                # The table may become the published one.
                self._session.command(f"ALTER TABLE {stage} DROP CONSTRAINT {guard}")

    def _take_judged(self, stream: RowStream, form: str, judge: Judge) -> None:
        session = self._session
        create = render("clickhouse/land_texts.sql", sent=judge.sent, columns=judge.definitions())
        session.make(session.names.sent, create)
        names = [column.name for column in judge.columns]
        self.rows_read, self.bytes_read = self._stream(stream, judge.sent, names, form)
        ((landed, self.rows_rejected, _),) = session.rows(
            "clickhouse/count_judged.sql", judged=judge.judged()
        )
        if landed != self.rows_read:
            raise ValueError(f"{session.mart.asset}: {self.rows_read} rows were sent, {landed} came")
        # What the first try has written of them.
        session.execute("clickhouse/empty_table.sql", table=session.stage)
        session.execute(
            "clickhouse/insert_judged.sql",
            stage=session.stage,
            columns=", ".join(map(quoted, names)),
            expressions=judge.inserted(),
            judged=judge.judged(),
        )
        self.judge = judge

    def _repeats(self, key: Sequence[str]) -> bool:
        if not key:
            return False
        columns = ", ".join(map(quoted, key))
        ((repeats,),) = self._session.rows("clickhouse/repeats.sql", stage=self._session.stage, key=columns)
        return bool(repeats)

    def _shown(self, extract: Extract) -> tuple[str, ...]:
        keys = (audit.identifiers.get("key") for audit in self._session.mart.audits)
        first = next((key for key in keys if key), ())
        return extract.key or ((first,) if isinstance(first, str) else tuple(first))

    def _stream(self, stream: RowStream, table: str, columns: Sequence[str], form: str) -> tuple[int, int]:
        statement = render(
            "clickhouse/insert_rows.sql", stage=table, columns=", ".join(map(quoted, columns)), format=form
        )
        written = 0

        def receive(source: BinaryIO) -> None:
            nonlocal written
            # A server ends a request in which nothing comes for half a minute, and a source may take longer
            # to its first row: the request begins with that.
            if first := source.read(_PIECE_BYTES):
                written = self._post(statement, _pieces(first, source))

        pumped = pump(stream, receive)
        if written != pumped.rows:
            asset = self._session.mart.asset
            raise ValueError(f"{asset}: the source sent {pumped.rows} rows, ClickHouse took {written}")
        return pumped.rows, pumped.bytes

    def _take_in(self, sent: Sequence[Column], types: Mapping[str, str]) -> list[str]:
        taken = {intake.column.name: intake for intake in intakes(sent, types)}
        clauses = [clause for intake in taken.values() for clause in intake.definitions()]
        if clauses:
            self._session.command(f"ALTER TABLE {self._session.stage} {', '.join(clauses)}")
        return [taken[column.name].name if column.name in taken else column.name for column in sent]

    def _insert_frame(self, frame: pd.DataFrame) -> None:
        from marts_platform.io_managers.clickhouse_frames import frame_faults, json_lines

        session = self._session
        columns = [str(name) for name in frame.columns]
        refuse_frame(session.mart, columns)
        declared = [session.mart.table.column(name) for name in columns]
        refuse_frame(session.mart, columns, frame_faults(frame, declared))
        statement = render(
            "clickhouse/insert_rows.sql",
            stage=session.stage,
            columns=", ".join(map(quoted, columns)),
            format="JSONEachRow",
        )
        written = self._post(statement, json_lines(frame, declared)) if len(frame) else 0
        if written != len(frame):
            raise ValueError(
                f"{session.mart.asset}: the DataFrame has {len(frame)} rows, ClickHouse took {written}"
            )
        self.rows_read = len(frame)

    def _post(self, statement: str, body: Generator[bytes]) -> int:
        # An empty body would be no INSERT with rows; and the client takes a generator only, since it would
        # send anything else twice where a connection breaks.
        summary = self._session.client.raw_insert(
            insert_block=_after(statement, body), settings={}, fmt="Native"
        ).summary
        return int(summary.get("written_rows", 0))


def _pieces(first: bytes, source: BinaryIO) -> Generator[bytes]:
    yield first
    while piece := source.read(_PIECE_BYTES):
        yield piece


def _after(statement: str, body: Generator[bytes]) -> Generator[bytes]:
    yield statement.encode() + b"\n"
    yield from body
