"""The session of one load into MySQL: its tables' names, and how its statements are run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, cast

from marts_platform.core.path import Replace
from marts_platform.resources.mysql import statement
from marts_platform.resources.mysql_form import created_as, select_rows
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.path import Mart
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.resources.mysql import MySQLResource

_log = logging.getLogger(__name__)

# MySQL's names have 64 characters.
_STEM_CHARACTERS = 30
# Statements that move rows; those that make tables warn of what is of no account.
_MOVING = ("mysql/insert_", "mysql/load_")


class MySQLWarningError(Exception):
    """The server would have changed a value, and says so in a warning; nothing was published."""


class MySQLSession:
    """What staging and publication share. The caller owns the connection.

    Attributes:
        server: the warehouse, for whoever needs a connection of its own.
        connection: of the warehouse, without an open transaction.
        mart: what is loaded.
        slice: which part of it.
        run: who loads it.
        table: the published table's name, quoted.
        columns: the written columns, as a list.
        stage: the staging table's name, made of the table and the run.
        intake: where the text of a stream arrives, before its values become the columns' types.
        touched: a keyed mart's touched keys.
        old: what the published table is called once another has taken its place.
    """

    def __init__(
        self, server: MySQLResource, connection: Connection[Cursor], mart: Mart, slice_: Slice, run: Run
    ) -> None:
        self.server = server
        self.connection = connection
        self.mart = mart
        self.slice = slice_
        self.run = run
        table = mart.table
        self.table = quoted(table.schema, table.name)
        self.columns = column_list(column.name for column in table.written)
        # Two underscores: no table of ours has them, so the next load knows what this one left.
        self.prefix = f"{table.name[:_STEM_CHARACTERS]}__"
        self.stem = f"{self.prefix}{run.run_id.replace('-', '')[:12]}"
        self.stage, self.intake, self.touched, self.old = (
            quoted(table.schema, f"{self.stem}{part}") for part in ("", "_sent", "_keys", "_old")
        )

    @property
    def bounds(self) -> dict[str, object]:
        """The window's ends, as every statement may take them."""
        window = self.slice.window
        return {"start": window.start if window else None, "end": window.end if window else None}

    @property
    def swaps_tables(self) -> bool:
        """Whether the staging table takes the place of the published one."""
        publication = self.mart.publication
        return isinstance(publication, Replace) and publication.column is None

    def drop_leftovers(self) -> None:
        """Drops what killed loads of this table left; the caller is its only writer."""
        self._drop(self.prefix)

    def drop_own_tables(self) -> None:
        """Drops what the load has made; a fault is only logged, since the next load clears up.

        Only its own: a load that has lost its lock may not be the table's only writer any more.
        """
        from pymysql.err import MySQLError

        try:
            self.connection.rollback()
            self._drop(self.stem)
        except MySQLError as fault:
            _log.warning("%s: staging tables stay until the next load: %s", self.mart.asset, fault)

    def _drop(self, prefix: str) -> None:
        schema = self.mart.table.schema
        for row in self.rows("mysql/tables.sql", params={"schema": schema}):
            if str(row["name"]).startswith(prefix):
                self.execute("mysql/drop_table.sql", {"table": quoted(schema, str(row["name"]))})

    def create_stage(self) -> None:
        """Makes the staging table in the declared form."""
        with self.connection.cursor() as cursor:
            cursor.execute(created_as(self.mart.table, self.stage))

    def add_keys(self, definitions: Sequence[str]) -> None:
        """Gives the staging table more keys than are declared."""
        for definition in definitions:
            # Its names are whatever somebody chose; the driver takes a single % for a value's place.
            names = {"table": self.stage, "definition": definition.replace("%", "%%")}
            self.execute("mysql/add_key.sql", names)

    def execute(
        self,
        file: str,
        names: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> int:
        """Runs the statement of an SQL file and returns the rows that it changed.

        Raises:
            MySQLWarningError: the server warns, which is how it says that a value is not what was given.
        """
        with self.connection.cursor() as cursor:
            changed = cursor.execute(statement(file, names), dict(params or {}))
            if cursor.warning_count and file.startswith(_MOVING):
                found: Any = cast("Any", self.connection).show_warnings()
                warnings = "; ".join(str(row[2]) for row in found)
                raise MySQLWarningError(
                    f"{self.mart.asset}, {self.slice}: {cursor.warning_count} warnings of the server, "
                    f"nothing was published: {warnings[:1000]}"
                )
            return int(changed or 0)

    def rows(
        self,
        file: str,
        names: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> list[dict[str, Any]]:
        """The rows of an SQL file, by column."""
        return select_rows(self.connection, statement(file, names), params)

    def row(
        self,
        file: str,
        names: Mapping[str, str] | None = None,
        params: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        """The one row of an SQL file, by column.

        Raises:
            ValueError: it gives none, or several.
        """
        found = self.rows(file, names, params)
        if len(found) != 1:
            raise ValueError(f"{file} gave {len(found)} rows instead of one")
        return found[0]


def column_list(columns: Any) -> str:
    """A list of columns, quoted."""
    return ", ".join(quoted(name) for name in columns)
