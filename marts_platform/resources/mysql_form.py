"""The form of MySQL's tables: as they are declared, and as the server describes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from marts_platform.resources.mysql import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.table import Table

_HEAD = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\w+\.\w+")

Form: TypeAlias = dict[str, dict[str, object]]


def form_of(connection: Connection[Cursor], schema: str, name: str) -> Form:
    """The columns of a table as the server describes them, in order; none if there is no such table."""
    found = select_rows(connection, statement("mysql/live_columns.sql"), {"schema": schema, "name": name})
    return {str(row["name"]): row for row in found}


def differences(declared: Form, live: Form) -> list[str]:
    """In what a live table differs from its declaration, both in the server's words."""
    faults = [f"{name} is missing" for name in declared.keys() - live.keys()]
    faults += [f"{name} is not declared" for name in live.keys() - declared.keys()]
    for name in declared.keys() & live.keys():
        faults += [
            f"{name}: {what} is {live[name][what]}, declared {wanted}"
            for what, wanted in declared[name].items()
            if live[name][what] != wanted
        ]
    if not faults and list(declared) != list(live):
        faults.append(f"its columns come as {', '.join(live)}")
    return sorted(faults)


def select_rows(
    connection: Connection[Cursor], query: str, params: Mapping[str, object] | None = None
) -> list[dict[str, Any]]:
    """The rows of a SELECT, by column."""
    with connection.cursor() as cursor:
        cursor.execute(query, dict(params or {}))
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def created_as(table: Table, name: str) -> str:
    """The statement that makes a table of a declared form under another, quoted, name."""
    return _HEAD.sub(lambda _: f"CREATE TABLE {name}", table.ddl, count=1)
