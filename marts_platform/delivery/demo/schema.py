"""The tables of the delivery service, with its own indexes and foreign keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from psycopg2 import sql

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

OWNER = "delivery_publisher"
"""The role that owns the tables and publishes them; where it does not exist they stay their maker's."""

INDEXES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "order": {"order_registered_at": ("registered_at",)},
    "pipeline": {"pipeline_order_id_created_at": ("order_id", "created_at")},
    "stage": {"stage_pipeline_id_created_at": ("pipeline_id", "created_at")},
    "delivery": {},
    "config": {"config_fetched_at": ("fetched_at",)},
}
"""The service's secondary indexes: table -> index -> columns. None of them serves a day of pipelines."""

REFERENCES: Mapping[str, tuple[str, str]] = {
    "pipeline": ("order_id", "order"),
    "stage": ("pipeline_id", "pipeline"),
    "delivery": ("pipeline_id", "pipeline"),
}
"""The foreign keys: table -> its column and what that refers to. The retention cascades along them."""


def create_source(connection: Connection) -> None:
    """Creates the tables, keys and indexes that are missing, and commits."""
    with connection, connection.cursor() as cursor:
        for table in INDEXES:
            cursor.execute(read_sql(f"delivery/source/create_{table}.sql"))
        restore_keys(cursor)
        cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (OWNER,))
        if cursor.rowcount:
            for table in INDEXES:
                cursor.execute(
                    sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(table), sql.Identifier(OWNER))
                )


def drop_keys(cursor: Cursor) -> None:
    """Drops foreign keys and secondary indexes for a large load; `restore_keys` makes them again."""
    for table in REFERENCES:
        cursor.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}").format(
                sql.Identifier(table), sql.Identifier(f"{table}_fkey")
            )
        )
    for indexes in INDEXES.values():
        for name in indexes:
            cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(name)))


def restore_keys(cursor: Cursor) -> None:
    """Makes the foreign keys and secondary indexes that are missing."""
    for table, indexes in INDEXES.items():
        for name, columns in indexes.items():
            cursor.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                    sql.Identifier(name),
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                )
            )
    for table, (column, referred) in REFERENCES.items():
        cursor.execute("SELECT FROM pg_constraint WHERE conname = %s", (f"{table}_fkey",))
        if cursor.rowcount == 0:
            cursor.execute(
                sql.SQL(
                    "ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (id) ON DELETE CASCADE"
                ).format(
                    sql.Identifier(table),
                    sql.Identifier(f"{table}_fkey"),
                    sql.Identifier(column),
                    sql.Identifier(referred),
                )
            )
