"""Brings MySQL to the declared DDL: what is missing is made, what was added is added.

Domains only write DDL files. Whatever would change or lose what is stored is for a person: the migration
fails, and says the statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core import sql
from marts_platform.core.table import parse_ddl
from marts_platform.migrations.turns import turn
from marts_platform.resources.identity import write_mysql
from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.mysql_form import Form, created_as, form_of
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.table import Table

_MYSQL = re.compile(r"^ENGINE = InnoDB\b", re.M)
_NAME_CHARACTERS = 64


class MySQLSchemaError(settings.ExpectedError):
    """A table differs from its declaration in a way that a person has to decide about."""


def upgrade() -> list[str]:
    """Brings the MySQL warehouse to the declared DDL; again is harmless.

    Returns:
        What was changed, as statements.

    Raises:
        MySQLSchemaError: tables differ in what no migration may change; the statements are named. Or the
            server does not answer, or refuses.
    """
    from pymysql.err import MySQLError

    try:
        return _upgrade()
    except MySQLError as error:
        # The driver's message names host, port and role, never the password.
        raise MySQLSchemaError(f"MySQL did not take the migration: {error.args[-1]}") from error


def _upgrade() -> list[str]:
    changed: list[str] = []
    refused: list[str] = []
    with turn("MySQL"), MySQLResource(setting="shop_replica_url").connect(purpose="migrate") as connection:
        for table in declared_mysql_tables():
            made, faults = _steps(connection, table)
            refused += faults
            for one in made:
                _run(connection, one)
            changed += made
        if not refused:
            write_mysql(connection, "shop_replica_url")
    if refused:
        raise MySQLSchemaError(
            "MySQL is not as the DDL files declare it, in what a migration does not change by itself. "
            "Run what is right, or correct the files:\n" + "\n".join(refused)
        )
    return changed


def _run(connection: Connection[Cursor], one: str) -> None:
    from pymysql.err import MySQLError

    try:
        with connection.cursor() as cursor:
            cursor.execute(one)
    except MySQLError as error:
        lines = [line for line in one.splitlines() if not line.startswith("--")]
        first = lines[0].removesuffix("(").strip()
        raise MySQLSchemaError(f"MySQL did not take {first}: {error.args[-1]}") from error


def declared_mysql_tables() -> Iterator[Table]:
    """Every table that a DDL file of MySQL declares."""
    for path in sorted(sql.sql_root().glob("*/ddl/**/*.sql")):
        text = path.read_text("utf-8")
        if _MYSQL.search(text):
            yield parse_ddl(text.strip().removesuffix(";"), path.name)


def _steps(connection: Connection[Cursor], table: Table) -> tuple[list[str], list[str]]:
    live = form_of(connection, table.schema, table.name)
    if not live.columns:
        return [created_as(table, quoted(table.schema, table.name))], []
    # The server's own wording of the declaration, to compare like with like. No load has tables of such a
    # name: it drops what begins with its own table's name and two underscores.
    scratch = f"migrate__{table.name}"[:_NAME_CHARACTERS]
    drop = statement("mysql/drop_table.sql", {"table": quoted(table.schema, scratch)})
    with connection.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(created_as(table, quoted(table.schema, scratch)))
        declared = form_of(connection, table.schema, scratch)
        cursor.execute(drop)
    return steps(table, declared, live)


def steps(table: Table, declared: Form, live: Form) -> tuple[list[str], list[str]]:
    """What brings a table to its declaration.

    A key that is not declared stays, unless it constrains rows: whoever queries the table may have made it.

    Returns:
        The statements to run, and those that only a person may run.
    """
    alter = f"ALTER TABLE {quoted(table.schema, table.name)}"
    additions: list[str] = []
    refused: list[str] = []
    misplaced = _misplaced(list(declared.columns), list(live.columns))
    place = "FIRST"
    for column in table.columns:
        name, definition = quoted(column.name), column.definition
        if column.name not in live.columns:
            addition = f"{alter} ADD COLUMN {name} {definition} {place}"
            # Without a value of its own, rows that are there would hold one that nobody gave.
            is_additive = (column.nullable or column.has_default) and column.name not in table.key
            (additions if is_additive else refused).append(addition)
        elif live.columns[column.name] != declared.columns[column.name] or column.name in misplaced:
            refused.append(f"{alter} MODIFY COLUMN {name} {definition} {place}")
        place = f"AFTER {name}"
    refused += [
        f"{alter} DROP COLUMN {quoted(name)}" for name in live.columns if name not in declared.columns
    ]
    for name, key in declared.keys.items():
        if name not in live.keys:
            # One that constrains rows may find some that it forbids; and a refused column may be the key's.
            is_additive = not key.constrains and not refused
            (additions if is_additive else refused).append(f"{alter} ADD {key.definition}")
        elif live.keys[name] != key:
            # The table is never without a primary key; another one seekdb does not replace in one statement.
            replaced = f"{_dropped(name)}, " if name == "PRIMARY" else f"{_dropped(name)}\n{alter} "
            refused.append(f"{alter} {replaced}ADD {key.definition}")
    refused += [
        f"{alter} {_dropped(name)}"
        for name, key in live.keys.items()
        if key.constrains and name not in declared.keys
    ]
    return additions, refused


def _misplaced(wanted: list[str], have: list[str]) -> set[str]:
    """The columns to move, in the order wanted, so that all of them stand in that order."""
    order = [name for name in wanted if name in have]
    now = [name for name in have if name in wanted]
    moved: set[str] = set()
    for place, name in enumerate(order):
        if now[place] != name:
            moved.add(name)
            now.remove(name)
            now.insert(place, name)
    return moved


def _dropped(name: str) -> str:
    return "DROP PRIMARY KEY" if name == "PRIMARY" else f"DROP KEY {quoted(name)}"
