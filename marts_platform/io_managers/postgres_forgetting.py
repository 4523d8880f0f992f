"""Deletion of a key's rows from the Postgres warehouse, in one transaction that no load can undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg
from psycopg2.extras import Json
from psycopg2.sql import Identifier

from marts_platform.core.faults import PassingFault
from marts_platform.core.mart import mart_of
from marts_platform.core.path import Replace
from marts_platform.core.sql import compose
from marts_platform.io_managers.postgres_session import quoted, take_turn

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.forgetting import Forgettable
    from marts_platform.core.mart import RegisteredMart

QUARANTINE = "ops.quarantine"


def held(connection: Connection, what: Forgettable, key: str) -> dict[str, int]:
    """Count the rows of a key, by table."""
    entries = {"entries": compose(what.quarantined)}
    counts = {QUARANTINE: _one(connection, "ops/quarantine_forget_count.sql", entries, key)}
    for registered, names in _tables(what):
        counts[registered.table.qualified] = _one(connection, "postgres/forget_count.sql", names, key)
    return counts


def forget(connection: Connection, what: Forgettable, key: str) -> dict[str, int]:
    """Delete a key's rows from all marts and from quarantine, and record it; the caller commits.

    Loads of the same days and marts are waited for: one that had read the rows would publish them again.

    Returns:
        Rows deleted, by table.

    Raises:
        PassingFault: a load published more days of the key meanwhile.
    """
    locked = {
        registered.mart.asset: _lock(connection, registered, names, key)
        for registered, names in _tables(what)
    }
    for registered, names in _tables(what):
        if not set(_days(connection, registered, names, key)) <= set(locked[registered.mart.asset]):
            raise PassingFault(
                f"{registered.mart.asset}: a load published more days of the {what.key} meanwhile. "
                f"Nothing was deleted; run the command again"
            )
    entries = {"entries": compose(what.quarantined)}
    deleted = {QUARANTINE: _deleted(connection, "ops/quarantine_forget.sql", entries, key)}
    for registered, names in _tables(what):
        deleted[registered.table.qualified] = _deleted(connection, "postgres/forget_rows.sql", names, key)
    values = {"domain": what.domain, "key_name": what.key, "key": key, "rows_deleted": Json(deleted)}
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/forgotten_add.sql"), values)
    return deleted


def _tables(what: Forgettable) -> list[tuple[RegisteredMart, Mapping[str, Composable]]]:
    registered = [
        (mart_of(dg.AssetKey.from_user_string(asset)), column) for asset, column in what.columns.items()
    ]
    return [
        (mart, {"table": quoted(mart.table.schema, mart.table.name), "column": Identifier(column)})
        for mart, column in registered
    ]


def _lock(
    connection: Connection, registered: RegisteredMart, names: Mapping[str, Composable], key: str
) -> list[str]:
    """Become the only writer of the slices that hold the key, and return their days."""
    table = registered.table.qualified
    days = _days(connection, registered, names, key)
    for scope in days or [""]:
        take_turn(connection, f"marts {table} {scope}")
    take_turn(connection, f"marts publish {table}")
    return days


def _days(
    connection: Connection, registered: RegisteredMart, names: Mapping[str, Composable], key: str
) -> list[str]:
    """The days that hold the key, of a table whose days are written one by one; else none."""
    publication = registered.mart.publication
    if not isinstance(publication, Replace) or publication.column is None:
        return []
    query = compose("postgres/forget_days.sql", {**names, "time": Identifier(publication.column)})
    with connection.cursor() as cursor:
        cursor.execute(query, {"key": key})
        return [str(day) for (day,) in cursor.fetchall()]


def _one(connection: Connection, file: str, names: Mapping[str, Composable], key: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(compose(file, names), {"key": key})
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _deleted(connection: Connection, file: str, names: Mapping[str, Composable], key: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(compose(file, names), {"key": key})
        return cursor.rowcount
