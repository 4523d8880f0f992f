"""Rows that came as texts, judged value by value: for rows that MySQL's strict mode does not take as a whole.

A value that its column cannot hold stands in quarantine, and its row arrives with NULL. Where the column
takes no NULL, the row itself stands in quarantine. All other rows arrive.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform.core import run_log
from marts_platform.core.canonical import form_of, text_fault
from marts_platform.core.path import Rejected
from marts_platform.resources.mysql import statement
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from psycopg2.extensions import cursor as PostgresCursor

    from marts_platform.core.table import Column
    from marts_platform.io_managers.mysql_session import MySQLSession

# MySQL's error codes of an INSERT whose text is none of the columns' values.
VALUE_FAULTS = frozenset(
    {
        1048,  # ER_BAD_NULL_ERROR
        1264,  # ER_WARN_DATA_OUT_OF_RANGE
        1265,  # WARN_DATA_TRUNCATED
        1292,  # ER_TRUNCATED_WRONG_VALUE
        1366,  # ER_TRUNCATED_WRONG_VALUE_FOR_FIELD
        1406,  # ER_DATA_TOO_LONG
        1690,  # ER_DATA_OUT_OF_RANGE
    }
)
_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Judge:
    """The SQL that judges a table of texts.

    Attributes:
        session: of the load.
        columns: the declared columns that were sent.
    """

    session: MySQLSession
    columns: Sequence[Column]

    def insert(self) -> int:
        """Write the rows into the staging table, without the values that are none; return their number."""
        names = {
            "table": self.session.stage,
            "columns": ", ".join(quoted(column.name) for column in self.columns),
            "values": ", ".join(map(_value, self.columns)),
            "stage": self.session.intake,
            "is_row": self._is_row(),
        }
        return self.session.execute("mysql/insert_judged.sql", names)

    def find(self, cursor: PostgresCursor) -> None:
        """Add rows and values that did not arrive to ``quarantine_found``."""
        found = self._rejected()
        while batch := list(itertools.islice(found, _ROWS)):
            run_log.found_rejected(batch)(cursor)

    def count_rejected(self) -> int:
        """Return the number of rows that did not arrive."""
        names = {"table": self.session.intake, "condition": f"NOT ({self._is_row()})"}
        return int(self.session.row("mysql/count_judged.sql", names)["rows_counted"])

    def _rejected(self) -> Iterator[Rejected]:
        pairs = ", ".join(f"'{column.name}', {quoted(column.name)}" for column in self.columns)
        reasons = ", ".join(_reason(column) for column in self._required())
        yield from self._select(
            f"concat_ws('; ', {reasons})", f"json_object({pairs})", f"NOT ({self._is_row()})", is_row=True
        )
        for column in self.columns:
            if not self._is_required(column) and (fault := _fault(column)):
                wrong = f"'{column.name} is no {column.type}'"
                condition = f"({self._is_row()}) AND ({fault})"
                yield from self._select(wrong, quoted(column.name), condition, is_row=False)

    def _select(self, reason: str, payload: str, condition: str, *, is_row: bool) -> Iterator[Rejected]:
        from pymysql.cursors import SSCursor

        keys = [quoted(name) for name in self.session.mart.table.key]
        names = {
            "source_key": f"concat_ws(', ', {', '.join(keys)})" if keys else "NULL",
            "reason": reason,
            "payload": payload,
            "stage": self.session.intake,
            "condition": condition,
        }
        with self.session.connection.cursor(SSCursor) as cursor:
            cursor.execute(statement("mysql/select_judged.sql", names))
            for key, why, value in cursor:
                yield Rejected(key, why, None if value is None else str(value), is_row)

    def _required(self) -> list[Column]:
        return [column for column in self.columns if self._is_required(column)]

    def _is_required(self, column: Column) -> bool:
        return not column.nullable or column.name in self.session.mart.table.key

    def _is_row(self) -> str:
        conditions = [f"{quoted(column.name)} IS NOT NULL" for column in self._required()]
        conditions += [f"NOT ({fault})" for column in self._required() if (fault := _fault(column))]
        return " AND ".join(conditions) or "TRUE"


def _fault(column: Column) -> str:
    try:
        form = form_of(column.type)
    except ValueError:
        return ""  # left to the server
    return text_fault(form, quoted(column.name))


def _value(column: Column) -> str:
    name, fault = quoted(column.name), _fault(column)
    return f"CASE WHEN {fault} THEN NULL ELSE {name} END" if fault else name


def _reason(column: Column) -> str:
    wrong = f"IF({_fault(column) or 'FALSE'}, '{column.name} is no {column.type}', NULL)"
    return f"IF({quoted(column.name)} IS NULL, '{column.name} is missing', {wrong})"
