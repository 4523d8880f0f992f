"""DDL files as parts of revisions.

Until a table changes, its declared DDL is the statement of its first revision, so a revision pins the
file's digest. Whoever edits the file moves the old text to ``sql/migrations/`` for the old revision,
and writes a new revision that brings existing tables to the new declaration.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from alembic import op
from psycopg2.sql import SQL, Identifier, Literal

from marts_platform.core.sql import read_sql, sql_root
from marts_platform.core.table import parse_ddl
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.table import Table


class FrozenFileChangedError(ExpectedError):
    """A DDL file is not what its revision executed when it was released."""


def execute_file(file: str, digest: str) -> None:
    """Executes a DDL file within the running revision.

    Args:
        file: below ``sql/``.
        digest: the first 12 hexadecimal digits of the text's SHA-256.

    Raises:
        FrozenFileChangedError: the file was edited after its revision.
    """
    text = read_sql(file)
    actual = hashlib.sha256(text.encode()).hexdigest()[:12]
    if actual != digest:
        raise FrozenFileChangedError(
            f"{file} is part of a revision that pins it as {digest}, it is {actual} now: "
            f"move the old text to sql/migrations/ for that revision, and add a revision for the change"
        )
    op.get_bind().exec_driver_sql(text)


def declared_postgres_tables() -> Iterator[Table]:
    """Every table that a DDL file of the Postgres warehouse declares."""
    for path in sorted(sql_root().glob("*/ddl/**/*.sql")):
        text = path.read_text("utf-8")
        if "CREATE TABLE" in text and "ENGINE" not in text:
            yield parse_ddl(text, path.name)


def describe(cursor: Cursor, table: Table) -> None:
    """Writes the declared descriptions into the database, where psql and DBeaver show them."""
    name = Identifier(table.schema, table.name)
    cursor.execute(SQL("COMMENT ON TABLE {} IS {}").format(name, Literal(table.description)))
    for column in table.columns:
        cursor.execute(
            SQL("COMMENT ON COLUMN {} IS {}").format(
                Identifier(table.schema, table.name, column.name), Literal(column.description)
            )
        )
