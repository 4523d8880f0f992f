"""Loads on a MySQL server whose own settings demand or forbid more than others do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from uuid import uuid4

import psycopg2
import pymysql
import pytest
from psycopg2.sql import SQL

from marts_platform.core.path import Extract, Keyed, Mart, Publication, Replace, load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.table import parse_ddl
from marts_platform.core.window import Slice
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.io_managers.mysql_staging import LocalInfileError
from marts_platform.migrations import mysql as migration
from marts_platform.resources.mysql import MySQLResource
from marts_platform.resources.postgres import CopyOut, Limits, PostgresResource
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse, WriteSql, write_sql
from marts_platform_tests.mysql_servers import MySQLAccess

if TYPE_CHECKING:
    from marts_platform.core.rows import Rows

__all__ = ["write_sql"]

DDL = """-- Readings of sensors.
CREATE TABLE mydb.readings (
    sensor int NOT NULL, -- Which sensor.
    value decimal(12, 3), -- What it read.
    PRIMARY KEY (sensor)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"""
KEYLESS = DDL.replace(", -- What it read.\n    PRIMARY KEY (sensor)", " -- What it read.")
# What an administrator may have set; each alone stops loads, or changes what they read. A server leaves out
# what it does not have.
STRICT: dict[str, object] = {
    "innodb_force_primary_key": 1,
    "sql_require_primary_key": 1,
    "sql_safe_updates": 1,
    "sql_select_limit": 2,
    "sql_auto_is_null": 1,
    "div_precision_increment": 0,
    "autocommit": 0,
    "wait_timeout": 1,
    "tx_read_only": 1,
    "tx_isolation": "READ-UNCOMMITTED",
    "max_statement_time": 1,
    "sql_mode": "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PAD_CHAR_TO_FULL_LENGTH,NO_ZERO_DATE",
}


@pytest.fixture
def strict(
    mysql: MySQLAccess, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MySQLAccess]:
    """A server with these settings, and the table in it."""
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    for name in ("readings", "feed"):
        mysql_servers.rows(mysql.replica_owner_url, DDL.replace("readings", name))
    mysql_servers.rows(mysql.replica_owner_url, "INSERT INTO feed VALUES (1, 1), (2, 2.5), (3, NULL)")
    with mysql_servers.connect(mysql.replica_owner_url) as administrator, administrator.cursor() as cursor:
        cursor.execute("SET SESSION wait_timeout = 1000")
        before: dict[str, object] = {}
        for name, value in STRICT.items():
            try:
                cursor.execute(f"SELECT @@GLOBAL.{name}")
                ((old,),) = cursor.fetchall()
                cursor.execute(f"SET GLOBAL {name} = %s", [value])
            except pymysql.MySQLError:
                continue
            before[name] = old
        try:
            yield mysql
        finally:
            for name, value in before.items():
                cursor.execute(f"SET GLOBAL {name} = %s", [value])
    mysql.clear()


def load(rows: Rows | Extract, publication: Publication) -> None:
    """Load the table."""
    mart = Mart("probe/readings", parse_ddl(DDL), publication)
    run = str(uuid4())
    load_slice(MySQLIOManager(), mart, Slice(), Run(run, run), lambda: rows)


def published() -> list[tuple[object, ...]]:
    """Return the rows that readers see."""
    server = MySQLResource(setting="shop_replica_url")
    with server.connect(Limits(read_only=True)) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT sensor, cast(value AS char) FROM readings ORDER BY sensor")
        return list(cursor.fetchall())


def test_every_way_of_loading_suits_a_strict_server(
    strict: MySQLAccess, warehouse: Warehouse, write_sql: WriteSql
) -> None:
    write_sql("probe/feed.sql", "SELECT sensor, value FROM mydb.feed")
    load(Query("probe/feed.sql"), Replace())
    three = [(1, "1.000"), (2, "2.500"), (3, None)]
    assert published() == three
    # A stream arrives in a table of texts, which has a key as well; and its source is slow.
    with closing(psycopg2.connect(warehouse.url)) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE slow AS SELECT n AS sensor FROM generate_series(1, 4) AS n")
        connection.commit()
    text = SQL("SELECT sensor, (sensor + 0.5)::numeric(12, 3) AS value FROM slow, pg_sleep(1.5) AS waited")
    server = PostgresResource(setting="warehouse_url")
    load(CopyOut(server, text, ("sensor", "value"), format="postgres-text"), Replace())
    assert published() == [(n, f"{n}.500") for n in range(1, 5)]
    # Keys: those that the feed has not are gone.
    write_sql("probe/touched.sql", "SELECT sensor, 1 AS in_doubt FROM mydb.readings")
    write_sql(
        "probe/rebuild.sql",
        "SELECT feed.sensor, feed.value FROM mydb.feed AS feed "
        "INNER JOIN {touched} AS touched ON feed.sensor = touched.sensor",
    )
    load(Extract(None), Keyed("probe/touched.sql", "probe/rebuild.sql"))
    assert published() == three


def test_a_server_that_takes_no_streams_is_refused_by_name(strict: MySQLAccess, warehouse: Warehouse) -> None:
    stream = CopyOut(
        PostgresResource(setting="warehouse_url"),
        SQL("SELECT 1 AS sensor, 1::numeric(12, 3) AS value"),
        ("sensor", "value"),
        format="postgres-text",
    )
    mysql_servers.rows(strict.replica_owner_url, "SET GLOBAL local_infile = 0")
    try:
        with pytest.raises(LocalInfileError, match="MARTS_SHOP_REPLICA_URL .* SET GLOBAL local_infile = ON"):
            load(stream, Replace())
    finally:
        mysql_servers.rows(strict.replica_owner_url, "SET GLOBAL local_infile = 1")


def test_a_session_outlives_the_servers_patience_and_reads_all_rows(strict: MySQLAccess) -> None:
    server = MySQLResource(setting="shop_replica_url")
    with server.connect() as connection, connection.cursor() as cursor:
        time.sleep(1.5)
        cursor.execute("SELECT sensor, 1 / 3 AS third, 'a\\'b' AS quoted FROM feed")
        rows = cursor.fetchall()
        assert [(str(third), quoted) for _, third, quoted in rows] == [("0.3333", "a'b")] * 3
        cursor.execute("DELETE FROM feed")


def test_a_migration_names_the_table_that_a_server_refuses(strict: MySQLAccess, write_sql: WriteSql) -> None:
    if strict.name == "embedded":
        pytest.skip("seekdb demands no keys")
    write_sql("migrated/ddl/keyless.sql", KEYLESS.replace("readings", "keyless"))
    said = "did not take CREATE TABLE `mydb`.`keyless`.* primary key"
    with pytest.raises(migration.MySQLSchemaError, match=said):
        migration.upgrade()
