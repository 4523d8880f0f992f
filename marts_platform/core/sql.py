"""The SQL files: where they are, and how one becomes a statement with its values bound.

A file holds one statement. Values are bound parameters, ``%(name)s``. Names of tables and columns
that are known only at run time (a staged table) are ``{name}``, which psycopg2 quotes. So a literal
per cent sign is ``%%``, and a literal brace is doubled.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.sql import Composable, Composed


@cache
def sql_root() -> Path:
    """The folder of the SQL files: inside the installed package, or beside it in a checkout."""
    packaged = Path(str(resources.files("marts_platform"))) / "sql"
    return packaged if packaged.is_dir() else packaged.parent.parent / "sql"


@cache
def read_sql(file: str) -> str:
    """The text of a file below `sql_root`, such as ``camunda/marts/process_documents.sql``.

    Raises:
        FileNotFoundError: there is no such file; the message names it and the folder.
    """
    path = sql_root() / file
    if not path.is_file():
        raise FileNotFoundError(f"no SQL file {file!r} in {sql_root()}")
    return path.read_text("utf-8").strip().removesuffix(";")


def compose(file: str, identifiers: Mapping[str, Composable] | None = None) -> Composed:
    """A file as psycopg2 SQL, its ``{name}`` places filled; values stay to be bound."""
    # Imported here: the code location reads DDL files and never talks to a server.
    from psycopg2.sql import SQL

    return SQL(read_sql(file)).format(**(identifiers or {}))
