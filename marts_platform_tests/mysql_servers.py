"""The MySQL servers that tests use: the embedded one (seekdb) and, where it is offered, a MariaDB."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pymysql
import pytest
from pymysql.cursors import Cursor
from sqlalchemy.engine import make_url

from marts_platform import settings
from marts_platform.core.table import declared
from marts_platform.embedded.mysql_roles import DATABASES
from marts_platform.embedded.stack import Stack
from marts_platform.resources.mysql_form import created_as
from marts_platform_tests.databases import as_role, at_database, service

EXTERNAL = "MARTS_TEST_MYSQL_URL"
# What `marts migrate` writes into a warehouse, and loads ask for.
IDENTITY = "marts_warehouse"


@dataclass(frozen=True)
class MySQLAccess:
    """A MySQL server with the databases `chatdb` and `mydb`.

    Attributes:
        name: ``embedded``, or the variable that names the server.
        chat_url: what the platform has of `chatdb`: SELECT.
        chat_owner_url: the superuser's URL of `chatdb`.
        replica_url: what the platform has of `mydb`: everything.
        replica_owner_url: the superuser's URL of `mydb`.
    """

    name: str
    chat_url: str = field(repr=False)
    chat_owner_url: str = field(repr=False)
    replica_url: str = field(repr=False)
    replica_owner_url: str = field(repr=False)

    def clear(self) -> None:
        """Drops every table and view of both databases, but for the warehouse's identity."""
        for url in (self.chat_owner_url, self.replica_owner_url):
            with connect(url) as connection, connection.cursor() as cursor:
                cursor.execute("SET SESSION foreign_key_checks = 0")  # the chat's tables refer to each other
                cursor.execute("SHOW FULL TABLES")
                for name, kind in cursor.fetchall():
                    if name == IDENTITY:
                        continue
                    cursor.execute(f"DROP {'VIEW' if kind == 'VIEW' else 'TABLE'} `{name}`")


def embedded() -> MySQLAccess:
    """The embedded server of this session, started now if it does not run."""
    stack = Stack()
    stack.start(["mysql"])
    now = settings.load()
    _identify(now.url("shop_replica_url"))
    return MySQLAccess(
        "embedded",
        now.url("chat_url"),
        stack.owner_url("chatdb"),
        now.url("shop_replica_url"),
        stack.owner_url("mydb"),
    )


def external() -> MySQLAccess:
    """The server of ``MARTS_TEST_MYSQL_URL``, which holds a superuser's URL.

    Where several test workers run, it holds one for each, separated by spaces: names of databases are fixed.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    roots = service(EXTERNAL).split()
    if worker >= len(roots):
        pytest.fail(
            f"{EXTERNAL} names {len(roots)} servers, and this is test worker {worker + 1}", pytrace=False
        )
    root = roots[worker]
    urls: dict[str, str] = {}
    with connect(root) as connection, connection.cursor() as cursor:
        for database, (role, privileges) in DATABASES.items():
            password = secrets.token_urlsafe(16)
            cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database} CHARACTER SET utf8mb4")
            cursor.execute(f"CREATE USER IF NOT EXISTS {role}")
            cursor.execute(f"ALTER USER {role} IDENTIFIED BY %s", [password])
            cursor.execute(f"GRANT {privileges} ON {database}.* TO {role}")
            urls[database] = as_role(at_database(root, database), role, password)
    _identify(urls["mydb"])
    return MySQLAccess(
        EXTERNAL, urls["chatdb"], at_database(root, "chatdb"), urls["mydb"], at_database(root, "mydb")
    )


def _identify(url: str) -> None:
    """Make the server a warehouse, as a migration does."""
    table = declared(f"ops/ddl/mysql/{IDENTITY}.sql")
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {IDENTITY}")
        cursor.execute(created_as(table, IDENTITY))
        cursor.execute(f"INSERT INTO {IDENTITY} (one, id) VALUES (1, %s)", [str(uuid.uuid4())])


@contextmanager
def connect(url: str) -> Generator[pymysql.Connection[Cursor]]:
    """A connection of its own, each statement a transaction."""
    parts = make_url(url)
    connection = pymysql.connect(
        host=parts.host or "",
        port=parts.port or 3306,
        user=parts.username or "",
        password=str(parts.password or ""),
        database=parts.database or None,
        autocommit=True,
    )
    try:
        yield connection
    finally:
        connection.close()


def rows(url: str, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """What a statement gives."""
    with connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(statement, tuple(values) if values else None)
        return list(cursor.fetchall())
