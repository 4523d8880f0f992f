"""The chat's database in these tests: filled, edited, and read as the oracle reads it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

from pymysql import Connection
from pymysql.cursors import Cursor

from marts_platform.chat.demo import generated, schema
from marts_platform_tests.chat import oracle
from marts_platform_tests.mysql_servers import MySQLAccess, connect

_TABLES = ("users", "chats", "messages")


class ChatDatabase:
    """The chat's tables on a server, for their owner."""

    def __init__(self, connection: Connection[Cursor]) -> None:
        self.connection = connection
        self.execute("SET time_zone = '+00:00'")

    @classmethod
    @contextmanager
    def emptied(cls, server: MySQLAccess) -> Generator[ChatDatabase]:
        """The database with the chat's tables, all of them empty."""
        with connect(server.chat_owner_url) as connection:
            # A test may have left views, or tables of another form.
            server.clear()
            schema.empty_source(connection)
            yield cls(connection)

    def execute(self, statement: str, *values: object) -> int:
        """Executes and commits a statement; returns the number of rows concerned."""
        with self.connection.cursor() as cursor:
            return cursor.execute(statement, values or None)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows of a SELECT."""
        with self.connection.cursor() as cursor:
            cursor.execute(statement, values or None)
            return list(cursor.fetchall())

    def fill(self, size: generated.Size) -> list[generated.Day]:
        """Fills the tables with a generated chat; returns its days."""
        self.write("users", list(generated.users(size)))
        self.write("products", list(generated.products(size)))
        days = list(generated.days(size))
        for day in days:
            self.write("chats", day.chats)
            self.write("messages", day.messages)
        return days

    def write(self, table: str, rows: Sequence[Sequence[Any]]) -> None:
        """Inserts rows."""
        schema.write(self.connection, table, rows)

    def user(self, number: int, registered: datetime, name: str = "somebody") -> None:
        """A user."""
        self.write("users", [(number, name, "/a.png", f"user{number}@example.com", registered)])

    def chat(self, number: int, buyer: int, seller: int, opened: datetime) -> None:
        """A chat about a product of its own."""
        self.write("products", [(number, f"thing {number}", None, "9.90", seller, opened)])
        self.write("chats", [(number, buyer, seller, number, opened)])

    def message(self, number: int, chat: int, sender: int, at: datetime, text: str = "hello") -> None:
        """A message."""
        self.write("messages", [(number, chat, sender, text, at, False)])

    def for_oracle(self) -> oracle.Source:
        """Everything that is there."""
        found: dict[str, list[oracle.Row]] = {}
        for table in _TABLES:
            with self.connection.cursor() as cursor:
                cursor.execute(f"SELECT * FROM {table}")
                names = [column[0] for column in cursor.description or ()]
                found[table] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        return oracle.Source(**found)

    def disturb(self, random: Random, start: datetime, days: int, times: int) -> None:
        """Edits, moves, deletes and adds messages, users and chats, all over the days."""
        for _ in range(times):
            self._disturb(random, start + timedelta(seconds=random.randrange(days * 86_400)))

    def _disturb(self, random: Random, moment: datetime) -> None:
        ((message, sender, at),) = self._some(random)
        edits: list[tuple[str, tuple[object, ...]]] = [
            ("DELETE FROM messages WHERE id = %s", (message,)),
            ("UPDATE messages SET created_at = %s WHERE id = %s", (moment, message)),
            ("UPDATE messages SET message = 'edited ✎ ' WHERE id = %s", (message,)),
            ("UPDATE messages SET read_status = NOT read_status WHERE id = %s", (message,)),
            ("UPDATE messages SET sender_id = %s WHERE id = %s", (random.randrange(1, sender + 1), message)),
            (
                "INSERT INTO messages (chat_id, sender_id, message, created_at) "
                "SELECT chat_id, sender_id, ' late \t', %s FROM messages WHERE id = %s",
                (random.choice((moment, at)), message),
            ),
            ("UPDATE users SET username = %s WHERE id = %s", (f"renamed at {moment}", sender)),
            (
                "INSERT INTO users (username, avatar_path, email, created_at) VALUES ('n', '/n', uuid(), %s)",
                (moment,),
            ),
            ("INSERT INTO products (name, price, seller_id) SELECT 'new', 1, MIN(id) FROM users", ()),
            (
                "INSERT INTO chats (buyer_id, seller_id, product_id, created_at) "
                "SELECT (SELECT MAX(id) FROM users), seller_id, id, %s FROM products AS product "
                "WHERE NOT EXISTS (SELECT 1 FROM chats WHERE product_id = product.id) "
                "ORDER BY id DESC LIMIT 1",
                (moment,),
            ),
        ]
        statement, values = random.choice(edits)
        self.execute(statement, *values)

    def _some(self, random: Random) -> list[tuple[Any, ...]]:
        ((count,),) = self.rows("SELECT COUNT(*) FROM messages")
        return self.rows(
            "SELECT id, sender_id, created_at FROM messages ORDER BY id LIMIT 1 OFFSET %s",
            random.randrange(count),
        )
