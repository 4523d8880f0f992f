"""Staging into MySQL: rows of a query, a stream, a DataFrame, or of touched keys.

LOAD DATA LOCAL cannot refuse a row: what does not fit is cut, with a warning or (seekdb) without one. So a
stream's text, or what a cluster brings, arrives in a table of texts, and one INSERT … SELECT under the strict
mode makes values of it: it takes all of them exactly, or fails.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pymysql.err import MySQLError

from marts_platform import settings
from marts_platform.core.path import Append, Extract, Keyed, Replace
from marts_platform.core.rows import Query, pump
from marts_platform.io_managers.frames import plain_columns
from marts_platform.io_managers.mysql_columns import refuse_frame, refuse_query, refuse_stream
from marts_platform.io_managers.mysql_feed import feed
from marts_platform.io_managers.mysql_judged import VALUE_FAULTS, Judge
from marts_platform.io_managers.mysql_session import MySQLWarningError, column_list
from marts_platform.resources.mysql import bound, statement
from marts_platform.resources.mysql_driver import offering
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    import pandas as pd

    from marts_platform.core.rows import RowStream, Transfer
    from marts_platform.io_managers.mysql_session import MySQLSession

_FORMAT = "postgres-text"
# ER_NOT_ALLOWED_COMMAND, ER_CLIENT_LOCAL_FILES_DISABLED, MariaDB's ER_LOAD_INFILE_CAPABILITY_DISABLED.
_NO_LOCAL_FILES = frozenset({1148, 3948, 4166})
# Servers may demand a primary key of every table.
_ROW = "`marts row` bigint NOT NULL AUTO_INCREMENT PRIMARY KEY"


class LocalInfileError(settings.ExpectedError):
    """The server does not take LOAD DATA LOCAL."""


class Staging:
    """The staging table of one load, and what went into it.

    Attributes:
        rows_read: rows that the source, or the query, gave.
        rows_kept: rows published before that stay although the source no longer has them.
        bytes_read: bytes that came from the source; None for a query of the same server.
        given: where the rows stand that come into the staging table now, as SQL; None for a DataFrame's.
        judge: the SQL that judged the rows one by one; None if all were taken as they came.
    """

    def __init__(self, session: MySQLSession) -> None:
        self._session = session
        self.rows_read = 0
        self.rows_kept = 0
        self.bytes_read: int | None = None
        self.given: str | None = None
        self.judge: Judge | None = None

    def fill(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones."""
        publication = self._session.mart.publication
        if isinstance(publication, Keyed):
            self._stage_keys(publication)
            return
        if isinstance(extract.rows, Query):
            query = statement(extract.rows.file)
            self.rows_read = self._insert(query, {**self._session.bounds, **extract.rows.params})
        elif hasattr(extract.rows, "send"):
            self._take_stream(cast("RowStream", extract.rows))
        elif hasattr(extract.rows, "move"):
            self._take_transfer(cast("Transfer", extract.rows))
        else:
            self._take_frame(cast("pd.DataFrame", extract.rows))
        if isinstance(publication, Replace):
            self._keep(publication, extract.params)
        self._refuse_rows_outside(publication)

    def _insert(self, query: str, params: Mapping[str, object]) -> int:
        session = self._session
        given = bound(session.connection, query, params)
        refuse_query(session, given)
        query = given.replace("%", "%%")
        self.given = f"({query}) AS given"
        names = {"table": session.stage, "columns": session.columns, "query": query}
        return session.execute("mysql/insert_query.sql", names)

    def _take_stream(self, stream: RowStream) -> None:
        if stream.format != _FORMAT:
            asset = self._session.mart.asset
            raise ValueError(f"{asset}: MySQL takes {_FORMAT}, the stream sends {stream.format}")
        describe = getattr(stream, "describe", None)
        self._create_intake(stream.columns, describe() if describe else {})
        names = {"table": self._session.intake, "columns": column_list(stream.columns)}

        def load(path: str) -> None:
            try:
                with offering(self._session.connection, path):
                    self._session.execute("mysql/load_text.sql", names, {"file": path})
            except MySQLError as error:
                if error.args and error.args[0] in _NO_LOCAL_FILES:
                    raise LocalInfileError(
                        f"{self._session.mart.asset}: the server of "
                        f"{settings.variable(self._session.server.setting)} takes no rows of a stream: "
                        f"SET GLOBAL local_infile = ON ({error.args[-1]})"
                    ) from error
                raise

        def receive(source: BinaryIO) -> None:
            feed(source, load)

        pumped = pump(stream, receive)
        self.bytes_read = pumped.bytes
        self._take_intake(stream.columns, pumped.rows)

    def _take_transfer(self, transfer: Transfer) -> None:
        self._create_intake(transfer.columns, transfer.describe())
        # What an attempt before this one may still write here is more rows than the source has.
        rows = transfer.move(self._session.server, self._session.intake)
        self._take_intake(transfer.columns, rows)

    def _create_intake(self, columns: tuple[str, ...], types: Mapping[str, str]) -> None:
        session = self._session
        refuse_stream(session.mart, columns, types)
        definitions = ", ".join([_ROW, *(f"{quoted(name)} longtext" for name in columns)])
        session.execute("mysql/create_table.sql", {"table": session.intake, "definitions": definitions})

    def _take_intake(self, columns: tuple[str, ...], sent: int) -> None:
        session = self._session
        names = {"table": session.stage, "columns": column_list(columns), "stage": session.intake}
        self.given = session.intake
        rejected = 0
        try:
            staged = session.execute("mysql/insert_rows.sql", names)
        except (MySQLError, MySQLWarningError) as fault:
            if isinstance(fault, MySQLError) and fault.args[:1] not in {(code,) for code in VALUE_FAULTS}:
                raise
            self.judge = Judge(session, [session.mart.table.column(name) for name in columns])
            session.execute("mysql/delete_all.sql", {"table": session.stage})
            staged, rejected = self.judge.insert(), self.judge.count_rejected()
        if staged + rejected != sent:
            raise ValueError(
                f"{session.mart.asset}: the source sent {sent} rows, {staged} are staged, {rejected} rejected"
            )
        self.rows_read = sent
        if self.judge is None:
            session.execute("mysql/drop_table.sql", {"table": session.intake})

    def _take_frame(self, frame: pd.DataFrame) -> None:
        session = self._session
        columns = session.mart.table.written
        named = [str(name) for name in frame.columns]
        refuse_frame(session.mart, named, [])
        values = plain_columns(frame, columns)
        refuse_frame(session.mart, named, values)
        rows = list(zip(*values, strict=True))
        places = ", ".join(["%s"] * len(columns))
        # %s is the driver's own place for many rows, so this one statement is no file.
        insert = f"INSERT INTO {session.stage} ({session.columns}) VALUES ({places})"  # noqa: S608
        with session.connection.cursor() as cursor:
            cursor.executemany(insert, rows)
        self.rows_read = len(frame)

    def _keep(self, publication: Replace, params: Mapping[str, object]) -> None:
        session = self._session
        staged = {"staged": session.stage}
        if publication.restore:
            session.execute(publication.restore, staged, session.bounds)
        if publication.keep:
            kept = statement(publication.keep, staged)
            self.rows_kept = self._insert(kept, {**session.bounds, **params})

    def _refuse_rows_outside(self, publication: Replace | Append) -> None:
        session = self._session
        if publication.column is None or session.slice.window is None:
            return
        names = {"stage": session.stage, "column": quoted(publication.column)}
        outside = session.row("mysql/rows_outside.sql", names, session.bounds)["rows_outside"]
        if outside:
            # The next load of this window would publish them once more.
            raise ValueError(
                f"{session.mart.asset}, {session.slice}: {outside} rows lie outside of the window "
                f"{session.slice.window}, nothing was published"
            )

    def _stage_keys(self, keyed: Keyed) -> None:
        session = self._session
        touched = bound(session.connection, statement(keyed.touched), session.bounds).replace("%", "%%")
        key = [session.mart.table.column(name) for name in session.mart.table.key]
        # As declared: made of the SELECT, a time that may not be NULL would get a zero date as its default.
        definitions = [_ROW, *(f"{quoted(column.name)} {column.definition}" for column in key)]
        definitions += ["in_doubt int NOT NULL", f"KEY by_key ({column_list(session.mart.table.key)})"]
        names = {"table": session.touched, "definitions": ", ".join(definitions)}
        session.execute("mysql/create_table.sql", names)
        columns = column_list([*session.mart.table.key, "in_doubt"])
        names = {"table": session.touched, "columns": columns, "query": touched}
        session.execute("mysql/insert_query.sql", names)
        counted = session.row("mysql/keys_in_doubt.sql", {"touched": session.touched})
        parts = ((keyed.merge or keyed.rebuild, 0, "certain"), (keyed.rebuild, 1, "in_doubt"))
        for file, in_doubt, count in parts:
            if counted[count]:
                part = statement("mysql/select_touched.sql", {"touched": session.touched})
                query = statement(file, {"touched": f"({part})"})
                self.rows_read += self._insert(query, {**session.bounds, "in_doubt": in_doubt})
