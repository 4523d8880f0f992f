"""One migration of a warehouse at a time, where the warehouse itself has no lock that a client could hold."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from marts_platform.core.sql import compose
from marts_platform.resources.postgres import PostgresResource

if TYPE_CHECKING:
    from collections.abc import Generator


@contextmanager
def turn(warehouse: str) -> Generator[None]:
    """Waits until no other `marts migrate` is about it: they would take each other's scratch tables.

    The lock is the Postgres warehouse's, where the run log is. ClickHouse has none that a client can hold,
    and seekdb keeps those of a client that has gone.

    Args:
        warehouse: which one, for the lock's name.
    """
    purpose = f"migrate {warehouse}"
    with PostgresResource(setting="warehouse_url").connect(purpose=purpose) as connection:
        with connection.cursor() as cursor:
            cursor.execute(compose("postgres/lock_timeout.sql"), {"lock_timeout": "600s"})
            cursor.execute(compose("postgres/lock_writer_of_session.sql"), {"name": f"marts {purpose}"})
        connection.commit()
        yield
