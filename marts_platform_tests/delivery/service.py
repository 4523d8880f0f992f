"""The delivery service of these tests: generated orders, changed behind the platform's back."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, LiteralString

import psycopg
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier

FIRST = date(2024, 3, 1)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
END = DAYS[-1] + timedelta(days=1)
ORDERS = 240

Row = dict[str, Any]


@dataclass(frozen=True)
class Service:
    """The service's database, looked at and changed by its owner."""

    url: str
    connection: psycopg.Connection[Row]

    @classmethod
    @contextmanager
    def connected(cls, url: str) -> Generator[Service]:
        """Connects; every statement is its own transaction."""
        with psycopg.Connection[Row].connect(url, autocommit=True, row_factory=dict_row) as connection:
            connection.execute("SET TIME ZONE 'UTC'")
            yield cls(url, connection)

    def rows(self, statement: LiteralString, *values: object) -> list[Row]:
        """The rows of a SELECT."""
        return self.connection.execute(statement, values or None).fetchall()

    def execute(self, statement: LiteralString, *values: object) -> int:
        """Executes and commits a statement; returns how many rows it changed."""
        return self.connection.execute(statement, values or None).rowcount

    def drop_foreign_keys(self) -> None:
        """Make the service one that keeps no references: rows may stay without what they hang on."""
        for table in ("pipeline", "stage", "delivery"):
            statement = SQL("ALTER TABLE {} DROP CONSTRAINT {}")
            self.connection.execute(statement.format(Identifier(table), Identifier(f"{table}_fkey")))

    def table(self, name: str) -> list[Row]:
        """All rows of a table."""
        query = SQL("SELECT * FROM {}").format(Identifier("public", name))
        return self.connection.execute(query).fetchall()
