"""A load counts for the warehouse that it went into, whatever the setting names later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest

from marts_platform.core.clickhouse import literal
from marts_platform.core.path import Mart, Replace, load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.table import parse_ddl
from marts_platform.core.window import Slice, Window
from marts_platform.demonstration import assets_in
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.migrations import warehouses
from marts_platform.resources import identity
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse, WriteSql, migrated_database, warehouse, write_sql
from marts_platform_tests.mysql_servers import IDENTITY, MySQLAccess

__all__ = ["migrated_database", "warehouse", "write_sql"]

DAY = Slice("2024-03-01", Window.of_day(date(2024, 3, 1)))
ASSET = "probe/readings"
CLICKHOUSE_DDL = """-- Readings of sensors.
CREATE TABLE probe.readings (
    at DateTime64(6, 'UTC'), -- When it was read.
    sensor Int32 -- Which sensor.
)
ENGINE = MergeTree
PARTITION BY toDate(at)
ORDER BY at"""
MYSQL_DDL = """-- Readings of sensors.
CREATE TABLE mydb.readings (
    at DATETIME(6) NOT NULL, -- When it was read.
    sensor int NOT NULL, -- Which sensor.
    PRIMARY KEY (sensor, at)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"""


class Place:
    """A warehouse of one engine, and what may happen to the server behind its address."""

    def __init__(
        self,
        manager: ClickHouseIOManager | MySQLIOManager,
        mart: Mart,
        query: str,
        run: Callable[[str], Any],
        table: str,
    ) -> None:
        self.manager, self.mart, self.query = manager, mart, query
        self._run, self._table = run, table

    def load(self, chain: str | None = None) -> str:
        """Load the day, and return its run."""
        run = str(uuid4())
        load_slice(self.manager, self.mart, DAY, Run(run, chain or run), lambda: Query(self.query))
        return run

    def become(self, name: str) -> None:
        """Stand for another server of the same address: the identity is all that tells them apart."""
        self._run(f"DELETE FROM {self._table} WHERE 1 = 1")
        columns, values = ("id, made_at", "now64(6)") if self._table.startswith("ops") else ("id, one", "1")
        self._run(f"INSERT INTO {self._table} ({columns}) SELECT {literal(name)}, {values}")
        identity._known.clear()

    def forget(self) -> None:
        """Be a server that was never migrated."""
        self._run(f"DELETE FROM {self._table} WHERE 1 = 1")
        identity._known.clear()


@pytest.fixture(params=["clickhouse", "mysql"])
def place(
    request: pytest.FixtureRequest,
    warehouse: Warehouse,
    write_sql: WriteSql,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Place]:
    """The tests' own table in a warehouse of each engine that does not hold the log."""
    if request.param == "clickhouse":
        request.getfixturevalue("clickhouse")
        with ClickHouseResource().client(database="default") as client:
            client.command("DROP DATABASE IF EXISTS probe SYNC")
            client.command("CREATE DATABASE probe ENGINE = Atomic")
            client.command(CLICKHOUSE_DDL)
            query = write_sql(
                "probe/feed.sql", "SELECT {start:DateTime64(6, 'UTC')} AS at, toInt32(7) AS sensor"
            )
            mart = Mart(ASSET, parse_ddl(CLICKHOUSE_DDL), Replace("at"), is_partitioned=True)
            made = Place(ClickHouseIOManager(), mart, query, client.command, "ops.warehouse")
            yield made
            made.become(str(uuid4()))
            client.command("DROP DATABASE probe SYNC")
        return
    access: MySQLAccess = request.getfixturevalue("embedded_mysql")
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", access.replica_url)
    access.clear()
    for name in ("readings", "feed"):
        mysql_servers.rows(access.replica_owner_url, MYSQL_DDL.replace("readings", name))
    mysql_servers.rows(access.replica_owner_url, "INSERT INTO feed VALUES ('2024-03-01 12:00:00', 7)")
    query = write_sql("probe/feed.sql", "SELECT at, sensor FROM mydb.feed")
    mart = Mart(ASSET, parse_ddl(MYSQL_DDL), Replace("at"), is_partitioned=True)
    made = Place(
        MySQLIOManager(),
        mart,
        query,
        lambda statement: mysql_servers.rows(access.replica_owner_url, statement),
        IDENTITY,
    )
    yield made
    made.become(str(uuid4()))
    access.clear()


def test_a_load_counts_for_the_warehouse_it_went_into(place: Place, warehouse: Warehouse) -> None:
    place.become("first")
    run = place.load()
    manager = place.manager
    assert manager.last_published(ASSET).keys() == {DAY.partition_key}
    place.become("second")
    # Nothing of it is there: not for planning, not for a retry, not for a check.
    assert manager.last_published(ASSET) == {}
    assert manager.published_by(place.mart, run) == {}
    warehouse.rows("UPDATE ops.etl_run_log SET read_until = '2024-03-01 12:00+00'")
    assert manager.read_until(ASSET, DAY.partition_key) is None
    place.load(run)
    assert manager.published_by(place.mart, run).keys() == {DAY.partition_key}
    assert warehouse.log("warehouse_id") == ["first", "second"]
    assert {name for (name,) in warehouse.rows("SELECT id FROM ops.warehouses")} == {"first", "second"}
    place.become("first")
    assert manager.published_by(place.mart, run).keys() == {DAY.partition_key}
    assert manager.read_until(ASSET, DAY.partition_key) == datetime(2024, 3, 1, 12, tzinfo=UTC)


def test_failures_count_for_the_warehouse_they_met(place: Place, warehouse: Warehouse) -> None:
    place.become("first")
    place.load()
    warehouse.rows("UPDATE ops.etl_run_log SET status = 'failed'")
    assert place.manager.failures(ASSET, [DAY.partition_key])[DAY.partition_key].count == 1
    place.become("second")
    assert place.manager.failures(ASSET, [DAY.partition_key]) == {}


def test_a_mart_elsewhere_sees_its_upstream_as_the_warehouse_does(place: Place) -> None:
    place.become("first")
    place.load()
    place.become("second")
    # The log has met both now, so a mart of Postgres asks the server which one is there.
    place.load()
    place.become("first")
    (first,) = place.manager.last_published(ASSET).values()
    (seen,) = PostgresIOManager().last_published(ASSET).values()
    assert seen.run_id == first.run_id


def test_a_warehouse_without_identity_is_refused(place: Place, warehouse: Warehouse) -> None:
    place.forget()
    for attempt in (place.load, lambda: place.manager.last_published(ASSET)):
        with pytest.raises(
            identity.NotMigratedError, match=r"MARTS_\w+_URL is no migrated .*`marts migrate`"
        ):
            attempt()
    ((status, error),) = warehouse.log("status, error")
    assert status == "failed"
    assert "run `marts migrate`" in error


def test_a_server_that_is_away_hides_no_loads(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.load()
    variable = "MARTS_CLICKHOUSE_URL" if place.mart.table.is_clickhouse else "MARTS_SHOP_REPLICA_URL"
    scheme = "http" if place.mart.table.is_clickhouse else "mysql"
    monkeypatch.setenv(variable, f"{scheme}://u:p@127.0.0.1:9/mydb")
    assert place.manager.last_published(ASSET).keys() == {DAY.partition_key}


def test_the_log_of_an_older_release_belongs_to_the_first_warehouse(
    database_url: str, clickhouse: str, embedded_mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    log = Warehouse(database_url)
    warehouses.move_postgres("head")
    for asset in ("chat/users", "shop/users_replica", "camunda/act_hi_detail"):
        log.rows(
            "INSERT INTO ops.etl_run_log (asset, run_id, root_run_id, status, rows_written, finished_at) "
            "VALUES (%s, 'run', 'run', 'success', 1, now())",
            asset,
        )
    said = [line for line in warehouses.upgrade(assets_in) if "belong" in line]
    assert [line.split()[6] for line in said] == ["MARTS_CLICKHOUSE_URL", "MARTS_SHOP_REPLICA_URL"]
    assert [bool(found) for found in log.log("warehouse_id")] == [True, True, False]
    assert ClickHouseIOManager().last_published("chat/users").keys() == {None}
    with ClickHouseResource().client(database="default") as client:
        client.command("TRUNCATE TABLE ops.warehouse")
    (new,) = [line for line in warehouses.upgrade(assets_in) if "another warehouse" in line]
    assert "MARTS_CLICKHOUSE_URL names another warehouse than before" in new
    assert ClickHouseIOManager().last_published("chat/users") == {}
    assert MySQLIOManager().last_published("shop/users_replica").keys() == {None}
    assert PostgresIOManager().last_published("camunda/act_hi_detail").keys() == {None}
    assert not [line for line in warehouses.upgrade(assets_in) if "warehouse than before" in line]
