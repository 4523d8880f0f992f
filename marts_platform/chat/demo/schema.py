"""The chat's tables at the source, and rows into them by large statements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pymysql import Connection
    from pymysql.cursors import Cursor

COLUMNS = {
    "users": ("id", "username", "avatar_path", "email", "created_at"),
    "products": ("id", "name", "description", "price", "seller_id", "created_at"),
    "chats": ("id", "buyer_id", "seller_id", "product_id", "created_at"),
    "messages": ("id", "chat_id", "sender_id", "message", "created_at", "read_status"),
}
"""The tables, referenced ones first, with their columns."""

_ROWS = 5000


def create_source(connection: Connection[Cursor]) -> None:
    """Creates the tables that are missing, in the connection's database."""
    with connection.cursor() as cursor:
        for table in COLUMNS:
            cursor.execute(read_sql(f"chat/demo/create_{table}.sql"))


def empty_source(connection: Connection[Cursor]) -> None:
    """Deletes all rows, by making the tables anew: a TRUNCATE is refused where a foreign key leads."""
    with connection.cursor() as cursor:
        for table in reversed(COLUMNS):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
    create_source(connection)


def write(connection: Connection[Cursor], table: str, rows: Iterable[Sequence[Any]]) -> int:
    """Inserts rows, times in UTC, and commits after each five thousand; returns how many there were."""
    columns = COLUMNS[table]
    place = f"({', '.join(['%s'] * len(columns))})"
    head = f"INSERT INTO {table} ({', '.join(columns)}) VALUES "  # noqa: S608 # names of our own
    written = 0
    batch: list[str] = []
    with connection.cursor() as cursor:
        cursor.execute("SET time_zone = '+00:00', foreign_key_checks = 0")

        def send() -> None:
            cursor.execute(head + ", ".join(batch))
            connection.commit()

        for row in rows:
            batch.append(cursor.mogrify(place, tuple(row)))
            if len(batch) == _ROWS:
                send()
                written += len(batch)
                batch.clear()
        if batch:
            send()
            written += len(batch)
        cursor.execute("SET foreign_key_checks = 1")
    return written
