"""Databases for tests: cheap, empty, gone afterwards; and the servers that stand for a Camunda source."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy.engine import make_url

READER = "camunda_reader"


@dataclass(frozen=True)
class SourceServer:
    """A fresh database on a server that may hold a Camunda engine.

    `owner_url` may do everything there; `reader_url` is what a careful administrator gives the platform:
    SELECT and pg_read_all_stats.
    """

    name: str
    owner_url: str
    reader_url: str


def at_database(url: str, database: str) -> str:
    """The URL with another database in it."""
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def as_role(url: str, role: str, password: str) -> str:
    """The URL with another role in it."""
    return make_url(url).set(username=role, password=password).render_as_string(hide_password=False)


@contextmanager
def scratch_database(
    superuser_url: str, owner: str, template: str = "template0", encoding: str = "UTF8"
) -> Generator[str]:
    """A new database, a copy of `template`, for as long as the context lasts.

    Args:
        superuser_url: who makes it; any database of that server.
        owner: the role that owns it.
        template: the database to copy; nobody may be connected to it.
        encoding: of its text; another one than the template's only goes with template0.

    Yields:
        Its name.
    """
    name = f"test_{secrets.token_hex(6)}"
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {} ENCODING {} {}").format(
                sql.Identifier(name),
                sql.Identifier(owner),
                sql.Identifier(template),
                sql.Literal(encoding),
                sql.SQL("" if encoding == "UTF8" else "LOCALE 'C'"),
            )
        )
    try:
        yield name
    finally:
        with psycopg.connect(superuser_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def reader_password(superuser_url: str) -> str:
    """Makes the reading role of a server that is not ours, and returns its password.

    The same one for every test process of that server: a new one would lock the others out.
    """
    password = hashlib.sha256(f"{READER} {superuser_url}".encode()).hexdigest()[:24]
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended('reader role', 0))")
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [READER]).fetchone()
        connection.execute(
            sql.SQL("{} ROLE {} LOGIN PASSWORD {}").format(
                sql.SQL("ALTER" if known else "CREATE"), sql.Identifier(READER), sql.Literal(password)
            )
        )
        connection.execute(
            sql.SQL("GRANT pg_read_all_data, pg_read_all_stats TO {}").format(sql.Identifier(READER))
        )
    return password


def user_of(url: str) -> str:
    """The role in a connection URL."""
    return str(conninfo_to_dict(url)["user"])


def service(variable: str) -> str:
    """The address of a service that tests need and that the embedded stack does not have.

    Without it the test is skipped, and fails where ``CI=true``: there, a test that does not run is no test.
    """
    value = os.environ.get(variable)
    if value:
        return value
    absent(f"{variable} is not set")


def absent(reason: str) -> NoReturn:
    """Skips a test for what is not there; fails it where ``CI=true``."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{reason}: CI must offer this", pytrace=False)
    pytest.skip(reason)


NewDatabase = Callable[[], str]
