"""Brings a warehouse's schema to a revision, up or down."""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from psycopg2.sql import SQL
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from marts_platform import settings
from marts_platform.core.sql import compose
from marts_platform.fault_origin import naming_server
from marts_platform.migrations.ddl import declared_postgres_tables, describe
from marts_platform.names import nearest
from marts_platform.resources.postgres_locks import lock_holders

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    from psycopg2.extensions import connection as PsycopgConnection


# Whoever waits for a table to itself keeps new readers waiting behind it.
_LOCK_WAIT_SECONDS = 10
_REVISION = re.compile("Can't locate revision identified by '([^']*)'")


# A larger table's rows are counted as the server's statistics have them.
_COUNTED_ROWS = 1_000_000


class RevisionError(Exception):
    """Alembic knows no such revision, or the warehouse is at one that this release does not have."""


@dataclass(frozen=True, slots=True)
class Loss:
    """The tables and columns that a downgrade drops.

    Attributes:
        rows: of each table that goes, by its name.
        columns: that go from tables that stay, ``schema.table.column``.
    """

    rows: Mapping[str, int]
    columns: Sequence[str]


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


def loss_of(url: str, revision: str) -> Loss:
    """Return what a downgrade would drop: it is tried in a transaction that is rolled back.

    Raises:
        RevisionError: there is no such revision.
        WarehouseInUseError: others use a table.
    """
    with _connected(url) as connection:
        before = _tables(connection)
        _run(connection, revision, is_upgrade=False)
        after = _tables(connection)
        connection.rollback()
        rows = {
            table: _row_count(connection, table, estimate)
            for table, (estimate, _) in before.items()
            if table not in after
        }
    columns = [
        f"{table}.{column}"
        for table, (_, columns) in before.items()
        if table in after
        for column in columns
        if column not in after[table][1]
    ]
    return Loss(rows, columns)


def _tables(connection: Connection) -> dict[str, tuple[int, Sequence[str]]]:
    with _raw(connection).cursor() as cursor:
        cursor.execute(compose("ops/tables_and_columns.sql"))
        return {table: (rows, columns) for table, rows, columns in cursor.fetchall()}


def _row_count(connection: Connection, table: str, estimate: int) -> int:
    if estimate > _COUNTED_ROWS:
        return estimate
    with _raw(connection).cursor() as cursor:
        # The server has quoted the name.
        cursor.execute(compose("ops/count_rows.sql", {"table": SQL(table)}))
        row = cursor.fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _connected(url: str) -> Generator[Connection]:
    """Connect as libpq reads the URL; SQLAlchemy's own reading knows less."""
    connect = partial(psycopg2.connect, url, connect_timeout=10, application_name="marts migrate")
    engine = create_engine("postgresql+psycopg2://", creator=connect, poolclass=NullPool)
    with (
        naming_server(settings.variable("warehouse_url"), psycopg2.Error),
        _explained(engine),
        engine.begin() as connection,
    ):
        # A role's own settings would end the migration, or keep it from writing.
        connection.exec_driver_sql("SET TRANSACTION READ WRITE")
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            connection.exec_driver_sql(f"SET LOCAL {name} = 0")
        _refuse_old_server(connection)
        yield connection


def _move(url: str, revision: str, *, is_upgrade: bool) -> str:
    with _connected(url) as connection:
        _run(connection, revision, is_upgrade=is_upgrade)
        if is_upgrade:
            _describe_all(connection)
        found = connection.execute(text("SELECT version_num FROM ops.schema_version")).scalar()
    return str(found or "base")


def _run(connection: Connection, revision: str, *, is_upgrade: bool) -> None:
    # Two `marts migrate` at once take turns. The version table lives in ops, which the first
    # revision cannot make for it.
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('marts migrate', 0))"))
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_LOCK_WAIT_SECONDS}s'")
    connection.exec_driver_sql("CREATE SCHEMA IF NOT EXISTS ops")
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    try:
        if is_upgrade:
            command.upgrade(config, revision)
        else:
            command.downgrade(config, revision)
    except CommandError as error:
        raise _explained_revision(config, revision, str(error)) from error


def _explained_revision(config: Config, revision: str, reason: str) -> RevisionError:
    """Say whether the revision that was asked for is unknown, or the warehouse's own."""
    known = [found.revision for found in ScriptDirectory.from_config(config).walk_revisions()]
    named = _REVISION.search(reason)
    if named is not None and named.group(1) != revision:
        return RevisionError(
            f"the warehouse (MARTS_WAREHOUSE_URL) is at revision {named.group(1)}, which this release does "
            f"not have (its newest is {known[0]}): a newer release migrated it. Install that release"
        )
    steps = f"{', '.join(reversed(known))}, head and base"
    if named is None:
        return RevisionError(f"revision {revision!r} cannot be reached: {reason}. There are {steps}")
    return RevisionError(f"there is no revision {revision!r}{nearest(revision, known)}; there are {steps}")


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
