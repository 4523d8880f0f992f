"""Every warehouse that the settings name, as declared: what `marts migrate` and `marts demo` do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform import settings

if TYPE_CHECKING:
    from collections.abc import Iterator


def upgrade(revision: str = "head") -> Iterator[str]:
    """Brings Postgres to a revision, ClickHouse and MySQL to what is declared; again is harmless.

    Args:
        revision: the Alembic revision of Postgres' schema.

    Yields:
        What was done in a warehouse, as a sentence, when it is done.

    Raises:
        SettingsError: there is no warehouse, it is too old or in use, or it did not answer.
        ClickHouseSchemaError: its tables differ in what no migration may change.
        MySQLSchemaError: so do those of MySQL.
    """
    found = settings.load()
    yield f"The warehouse's schema is at revision {move_postgres(revision)}."
    if found.clickhouse_url is not None:
        from marts_platform.migrations import clickhouse

        changed = clickhouse.upgrade()
        yield f"ClickHouse is as the DDL files declare it; {len(changed)} statements brought it there."
    if found.shop_replica_url is not None:
        from marts_platform.migrations import mysql

        changed = mysql.upgrade()
        yield f"MySQL is as the DDL files declare it; {len(changed)} statements brought it there."


def move_postgres(revision: str, *, is_upgrade: bool = True) -> str:
    """Brings Postgres' schema up or down to a revision, and returns the one that it has reached.

    Raises:
        SettingsError: there is no warehouse, it is too old or in use, or it did not answer.
    """
    from sqlalchemy.exc import OperationalError

    from marts_platform.migrations import runner

    move = runner.upgrade if is_upgrade else runner.downgrade
    try:
        return move(settings.load().url("warehouse_url"), revision)
    except (runner.WarehouseTooOldError, runner.WarehouseInUseError) as error:
        raise settings.SettingsError(str(error)) from error
    except OperationalError as error:
        raise settings.SettingsError(f"the warehouse did not answer: {error.orig}") from error
