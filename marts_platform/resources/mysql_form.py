"""The form of MySQL's tables: as they are declared, and as the server describes them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from marts_platform.resources.mysql import statement
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.table import Table

_HEAD = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\w+\.\w+")


@dataclass(frozen=True, slots=True)
class Key:
    """An index of a table.

    Attributes:
        definition: as in a statement, ``KEY `by_user` (`user_id`)``.
        constrains: whether it says what rows there may be: the primary key, and unique ones.
        is_told: whether the server says all of it; of an expression, for one, it does not.
    """

    definition: str
    constrains: bool
    is_told: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """A table as the server describes it.

    Attributes:
        columns: in order, each with what is said of it; none if there is no such table.
        keys: by name.
    """

    columns: Mapping[str, Mapping[str, object]]
    keys: Mapping[str, Key]

    def more_keys(self, declared: Form) -> list[Key]:
        """The keys that somebody gave the table for their queries: they are no part of its declaration."""
        return [key for name, key in self.keys.items() if name not in declared.keys and not key.constrains]


def form_of(connection: Connection[Cursor], schema: str, name: str) -> Form:
    """A table as the server describes it."""
    places = {"schema": schema, "name": name}
    columns = select_rows(connection, statement("mysql/live_columns.sql"), places)
    parts = select_rows(connection, statement("mysql/live_keys.sql"), places)
    by_key = {key: list(found) for key, found in groupby(parts, lambda part: str(part["name"]))}
    return Form(
        {str(row["name"]): row for row in columns}, {key: _key(key, found) for key, found in by_key.items()}
    )


def _key(name: str, parts: list[dict[str, Any]]) -> Key:
    columns = ", ".join(
        (quoted(part["column"]) if part["column"] else "(an expression)")
        + (f"({part['length']})" if part["length"] else "")
        + (" DESC" if part["direction"] == "D" else "")
        for part in parts
    )
    is_unique = not parts[0]["non_unique"]
    kind = "UNIQUE " if is_unique else "" if parts[0]["kind"] == "BTREE" else f"{parts[0]['kind']} "
    head = "PRIMARY KEY" if name == "PRIMARY" else f"{kind}KEY {quoted(name)}"
    return Key(f"{head} ({columns})", is_unique, all(part["column"] for part in parts))


def differences(declared: Form, live: Form) -> list[str]:
    """In what a live table differs from its declaration, both in the server's words.

    A key that constrains no row is none of it: it decides how fast a query is, not what a load may write.
    """
    wanted, have = declared.columns, live.columns
    faults = [f"{name} is missing" for name in wanted.keys() - have.keys()]
    faults += [f"{name} is not declared" for name in have.keys() - wanted.keys()]
    for name in wanted.keys() & have.keys():
        faults += [
            f"{name}: {what} is {have[name][what]}, declared {value}"
            for what, value in wanted[name].items()
            if have[name][what] != value
        ]
    if not faults and list(wanted) != list(have):
        faults.append(f"its columns come as {', '.join(have)}")
    there, here = (
        {key.definition for key in form.keys.values() if key.constrains} for form in (declared, live)
    )
    faults += [f"{definition} is missing" for definition in there - here]
    faults += [f"{definition} is not declared" for definition in here - there]
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
