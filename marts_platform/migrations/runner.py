"""Brings a warehouse's schema to a revision, up or down."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from marts_platform.core.sql import compose
from marts_platform.migrations.ddl import declared_postgres_tables, describe
from marts_platform.resources.postgres_locks import lock_holders

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg2.extensions import connection as PsycopgConnection


# Whoever waits for a table to itself keeps new readers waiting behind it.
_LOCK_WAIT_SECONDS = 10


class WarehouseTooOldError(Exception):
    """The server lacks what the platform uses."""


class WarehouseInUseError(Exception):
    """A table was not to be had in time; nothing was changed, and the message says who uses it."""


def upgrade(url: str, revision: str = "head") -> str:
    """Upgrades the warehouse, in one transaction; again is harmless.

    Args:
        url: of the warehouse, ``postgresql://…``.
        revision: Alembic's, ``head`` for the newest.

    Returns:
        The revision it is at now.

    Raises:
        WarehouseTooOldError: the server is older than PostgreSQL 16.
        WarehouseInUseError: others use a table for longer than a migration may keep its readers waiting.
    """
    return _move(url, revision, is_upgrade=True)


def downgrade(url: str, revision: str) -> str:
    """Downgrades the warehouse, in one transaction; ``base`` removes everything, with the data."""
    return _move(url, revision, is_upgrade=False)


def _move(url: str, revision: str, *, is_upgrade: bool) -> str:
    # SQLAlchemy 2.1 takes a bare postgresql:// for psycopg 3.
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg2"), poolclass=NullPool)
    with _explained(engine), engine.begin() as connection:
        _refuse_old_server(connection)
        # Two `marts migrate` at once take turns. The version table lives in ops, which the first
        # revision cannot make for it.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('marts migrate', 0))"))
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
        connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")
        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent))
        config.attributes["connection"] = connection
        if is_upgrade:
            command.upgrade(config, revision)
            _describe_all(connection)
        else:
            command.downgrade(config, revision)
        found = connection.execute(text("SELECT version_num FROM ops.schema_version")).scalar()
    return str(found or "base")


@contextmanager
def _explained(engine: Engine) -> Generator[None]:
    """Says of a lock that was not to be had who holds locks."""
    from psycopg2.errors import LockNotAvailable

    try:
        yield
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        with engine.connect() as connection:
            raw = _raw(connection)
            who = lock_holders(raw, None, [raw.info.backend_pid])
        raise WarehouseInUseError(
            f"the migration waited in vain for a table of the warehouse, and nothing was changed. Locks are "
            f"held by: {who}. End that or wait for it, and try again"
        ) from error


def _raw(connection: Connection) -> PsycopgConnection:
    raw = connection.connection.dbapi_connection
    assert raw is not None  # the connection is open
    return cast("PsycopgConnection", raw)


def _refuse_old_server(connection: Connection) -> None:
    version = connection.execute(text("SHOW server_version_num")).scalar_one()
    if int(version) < 160000:
        raise WarehouseTooOldError(
            f"the warehouse is PostgreSQL {int(version) // 10000}, it has to be 16 or newer "
            f"(a source may be as old as 11): see MARTS_WAREHOUSE_URL"
        )


def _describe_all(connection: Connection) -> None:
    with _raw(connection).cursor() as cursor:
        for table in declared_postgres_tables():
            cursor.execute(compose("postgres/table_exists.sql"), {"table": table.qualified})
            if (row := cursor.fetchone()) and row[0]:
                describe(cursor, table)
