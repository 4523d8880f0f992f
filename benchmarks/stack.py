"""An embedded stack of the benchmark's own: its folder, port and passwords, gone when the run is over.

The servers are the ones that ``marts up`` starts, with the same settings, for every contender.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psutil
import psycopg2
from psycopg2 import sql
from psycopg2.extensions import make_dsn, parse_dsn

from marts_platform import settings
from marts_platform.embedded.postgres import SETTINGS, PostgresServer
from marts_platform.embedded.stack import Stack

_BESIDE_THE_POINT = frozenset(
    {
        "listen_addresses",
        "unix_socket_directories",
        "password_encryption",
        "timezone",
        "log_timezone",
        "log_checkpoints",
    }
)


@dataclass(frozen=True)
class PrivateStack:
    """A running stack. Its connection strings are for drivers only, never for a message."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the stack offers, as the environment of a process of the platform."""
        return {"MARTS_HOME": str(self.folder)} | settings.stack_environment(self.folder)

    def superuser(self, database: str) -> str:
        """The connection string of a database, with full rights."""
        return self._at(Stack(self.folder).owner_url("warehouse"), database)

    def reader(self, database: str) -> str:
        """The connection string of a Camunda source, for the role that the platform reads as."""
        return self._at(self.environment["MARTS_CAMUNDA_URL"], database)

    def writer(self, database: str) -> str:
        """The connection string of a warehouse, for the role that owns it."""
        return self._at(self.environment["MARTS_WAREHOUSE_URL"], database)

    @staticmethod
    def _at(url: str, database: str) -> str:
        parts = parse_dsn(url)
        return f"postgresql://{parts['user']}:{parts['password']}@{parts['host']}:{parts['port']}/{database}"

    def create_database(self, name: str, owner: str, template: str = "template1") -> None:
        """Makes a database anew, as a copy of another to which nobody is connected."""
        parts = {
            "name": sql.Identifier(name),
            "owner": sql.Identifier(owner),
            "copied": sql.Identifier(template),
        }
        self.drop_database(name)
        self._execute(sql.SQL("CREATE DATABASE {name} OWNER {owner} TEMPLATE {copied}").format(**parts))

    def drop_database(self, name: str) -> None:
        """Drops a database, if there is one of that name."""
        self._execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def server(self) -> psutil.Process:
        """The server's own process, the parent of its sessions."""
        found = {status.name: status.pid for status in Stack(self.folder).status()}
        return psutil.Process(found[PostgresServer.name])

    def settle(self) -> None:
        """Writes out what the last measurement left dirty, so that the next one does not pay for it."""
        self._execute(sql.SQL("CHECKPOINT"))

    def vacuum(self, database: str) -> None:
        """Leaves autovacuum nothing to do in a database, nor in the copies that are made of it."""
        self._execute(sql.SQL("VACUUM (FREEZE, ANALYZE)"), database)

    def _execute(self, statement: sql.Composable, database: str = "postgres") -> None:
        with closing(psycopg2.connect(self.superuser(database))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)


def server_settings() -> dict[str, str]:
    """What differs from PostgreSQL's defaults in the embedded server, for every contender alike."""
    return {name: value.strip("'") for name, value in SETTINGS.items() if name not in _BESIDE_THE_POINT}


def libpq_environment(dsn: str) -> dict[str, str]:
    """A connection string as variables for PostgreSQL's programs: a process list shows arguments."""
    parts = parse_dsn(make_dsn(dsn))
    return {
        "PGHOST": parts["host"],
        "PGPORT": parts["port"],
        "PGUSER": parts["user"],
        "PGPASSWORD": parts["password"],
        "PGDATABASE": parts["dbname"],
    }


@contextmanager
def private_stack(*servers: str) -> Generator[PrivateStack]:
    """Starts a stack in a temporary folder; stops and removes it at the end, after a SIGTERM as well.

    Args:
        servers: those that the benchmark needs; others would take processor time from it. None for all.
    """
    before = signal.signal(signal.SIGTERM, _leave)
    folder = Path(tempfile.mkdtemp(prefix="marts-bench-"))
    stack = Stack(folder)
    try:
        stack.start(servers)
        yield PrivateStack(folder)
    finally:
        stack.stop()
        shutil.rmtree(folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit("terminated")
