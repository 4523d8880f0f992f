"""One migration at a time, and none beside a table's load, where a warehouse has no locks for clients.

The locks are the Postgres warehouse's, where the run log is. ClickHouse has none that a client can hold, and
seekdb keeps those of a client that has gone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marts_platform.core.sql import compose
from marts_platform.core.table import writer_lock
from marts_platform.resources.postgres import PostgresResource
from marts_platform.settings import ExpectedError

if TYPE_CHECKING:
    from collections.abc import Generator


_WAIT_SECONDS = 600


class BusyError(ExpectedError):
    """Others did not end in time; the message says who."""


@contextmanager
def turn(warehouse: str) -> Generator[None]:
    """Waits until no other `marts migrate` is about it: they would take each other's scratch tables.

    Args:
        warehouse: which one, for the lock's name.

    Raises:
        BusyError: one did not end in time.
    """
    purpose = f"migrate {warehouse}"
    with _held(f"marts {purpose}", purpose, f"another `marts migrate` is still about {warehouse}"):
        yield


@contextmanager
def sole_writer(engine: str, table: str) -> Generator[None]:
    """Waits until no load writes a table, and lets none begin.

    Args:
        engine: the warehouse's, as its loads name it for their locks.
        table: ``schema.name``.

    Raises:
        BusyError: a load did not end in time.
    """
    with _held(writer_lock(engine, table), f"migrate {table}", f"a load still writes {table}"):
        yield


@contextmanager
def _held(name: str, purpose: str, fault: str) -> Generator[None]:
    from psycopg2.errors import LockNotAvailable

    with PostgresResource(setting="warehouse_url").connect(purpose=purpose) as connection:
        try:
            with connection.cursor() as cursor:
                cursor.execute(compose("postgres/lock_timeout.sql"), {"lock_timeout": f"{_WAIT_SECONDS}s"})
                cursor.execute(compose("postgres/lock_writer_of_session.sql"), {"name": name})
        except LockNotAvailable as error:
            raise BusyError(
                f"{fault}, after {_WAIT_SECONDS} seconds; migrate again when that has ended"
            ) from error
        connection.commit()
        yield
