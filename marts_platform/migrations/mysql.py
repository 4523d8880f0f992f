"""Brings MySQL to the declared DDL: what is missing is made, what was added is added.

Domains only write DDL files. Whatever would change or lose what is stored is for a person: the migration
fails, and says the statement.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core.sql import sql_root
from marts_platform.core.table import parse_ddl
from marts_platform.resources.mysql import MySQLResource, statement
from marts_platform.resources.mysql_form import Form, created_as, form_of
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pymysql import Connection
    from pymysql.cursors import Cursor

    from marts_platform.core.table import Table

_MYSQL = re.compile(r"^ENGINE = InnoDB\b", re.M)


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
    with MySQLResource(setting="shop_replica_url").connect(purpose="migrate") as connection:
        for table in declared_mysql_tables():
            made, faults = _steps(connection, table)
            refused += faults
            for one in made:
                with connection.cursor() as cursor:
                    cursor.execute(one)
            changed += made
    if refused:
        raise MySQLSchemaError(
            "MySQL is not as the DDL files declare it, in what a migration does not change by itself. "
            "Run what is right, or correct the files:\n" + "\n".join(refused)
        )
    return changed


def declared_mysql_tables() -> Iterator[Table]:
    """Every table that a DDL file of MySQL declares."""
    for path in sorted(sql_root().glob("*/ddl/**/*.sql")):
        text = path.read_text("utf-8")
        if _MYSQL.search(text):
            yield parse_ddl(text.strip().removesuffix(";"), path.name)


def _steps(connection: Connection[Cursor], table: Table) -> tuple[list[str], list[str]]:
    live = form_of(connection, table.schema, table.name)
    if not live:
        return [created_as(table, quoted(table.schema, table.name))], []
    # The server's own wording of the declaration, to compare like with like.
    scratch = f"{table.name[:30]}__declared"
    drop = statement("mysql/drop_table.sql", {"table": quoted(table.schema, scratch)})
    with connection.cursor() as cursor:
        cursor.execute(drop)
        cursor.execute(created_as(table, quoted(table.schema, scratch)))
        declared = form_of(connection, table.schema, scratch)
        cursor.execute(drop)
    return steps(table, declared, live)


def steps(table: Table, declared: Form, live: Form) -> tuple[list[str], list[str]]:
    """What brings a table to its declaration.

    Returns:
        The statements to run, and those that only a person may run.
    """
    alter = f"ALTER TABLE {quoted(table.schema, table.name)}"
    additions: list[str] = []
    refused: list[str] = []
    place = "FIRST"
    for column in table.columns:
        name, definition = quoted(column.name), column.definition
        if column.name not in live:
            addition = f"{alter} ADD COLUMN {name} {definition} {place}"
            # Without a value of its own, rows that are there would hold one that nobody gave.
            is_additive = (column.nullable or column.has_default) and column.name not in table.key
            (additions if is_additive else refused).append(addition)
        elif live[column.name] != declared[column.name]:
            refused.append(f"{alter} MODIFY COLUMN {name} {definition} {place}")
        place = f"AFTER {name}"
    refused += [f"{alter} DROP COLUMN {quoted(name)}" for name in live if name not in declared]
    return additions, refused
