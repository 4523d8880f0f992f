"""A shop and its replica, looked at from outside the platform."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2

from marts_platform import materialization
from marts_platform.core.pending import Batch
from marts_platform.migrations import mysql as mysql_migrations
from marts_platform.shop import assets, demo
from marts_platform.shop.sources import TABLES
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.mysql_servers import MySQLAccess

if TYPE_CHECKING:
    from dagster import DagsterInstance

REPLICAS = tuple(asset.key.to_user_string() for asset in assets.REPLICAS.values())
MARTS = ("shop/user_sales_analytics", "shop/product_sales_analytics")
SELECTION = 'key:"shop/*_replica" or key:"shop/*_analytics"'


@dataclass(frozen=True)
class Shop:
    """The shop's database, its replica in MySQL, and the run log."""

    url: str
    mysql: MySQLAccess
    warehouse: Warehouse
    instance: DagsterInstance

    @classmethod
    def generated(cls, url: str, mysql: MySQLAccess, warehouse: Warehouse, instance: DagsterInstance) -> Shop:
        """Fills the shop's empty database, and makes the replica's tables."""
        with closing(psycopg2.connect(url)) as connection:
            demo.create_source(connection)
            demo.generate_shop(connection)
        mysql_migrations.upgrade()
        return cls(url, mysql, warehouse, instance)

    def change(self, *statements: str) -> None:
        """Runs statements at the shop, each in a transaction of its own."""
        for statement in statements:
            with closing(psycopg2.connect(self.url)) as connection, connection, connection.cursor() as cursor:
                cursor.execute(statement)

    @contextmanager
    def connected(self) -> Generator[Any]:
        """A cursor at the shop."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            yield cursor

    def load(self, assets: Sequence[str] = ()) -> list[str]:
        """Loads what is pending, or these assets in any case; returns what was loaded."""
        if assets:
            work = [Batch((), tuple(assets))]
        else:
            work = materialization.pending_batches(materialization.select(SELECTION))
        results = materialization.materialize(work, self.instance)
        return [result.asset for result in results]

    def at_source(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of a table of the shop, by key."""
        with closing(psycopg2.connect(self.url)) as connection, connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            return cursor.fetchall()

    def here(self, table: str) -> list[tuple[Any, ...]]:
        """The rows of a table of `mydb`, by key."""
        return mysql_servers.rows(self.mysql.replica_owner_url, f"SELECT * FROM mydb.{table} ORDER BY 1")

    def assert_equal(self) -> None:
        """Every replica is its source, row by row and type by type, and nothing else is left."""
        for table in TABLES:
            assert self.here(f"{table}_replica") == self.at_source(table), table
        there = {row[0] for row in mysql_servers.rows(self.mysql.replica_owner_url, "SHOW TABLES")}
        assert there - {mysql_servers.IDENTITY} == {
            name.removeprefix("shop/") for name in (*REPLICAS, *MARTS)
        }
