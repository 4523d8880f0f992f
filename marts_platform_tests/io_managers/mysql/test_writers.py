"""A load that lost the lock of its table's only writer, and one that cannot clear up after itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from uuid import uuid4

import pandas as pd
import psycopg2
import pytest

from marts_platform.core.path import Extract, Mart, Replace, load_slice
from marts_platform.core.run_log import Run
from marts_platform.core.table import parse_ddl
from marts_platform.core.window import Slice
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.mysql_servers import MySQLAccess

DDL = """-- Readings of sensors.
CREATE TABLE mydb.readings (
    sensor int NOT NULL, -- Which sensor.
    PRIMARY KEY (sensor)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"""
MART = Mart("probe/readings", parse_ddl(DDL), Replace())


def run() -> Run:
    """A run of its own."""
    name = str(uuid4())
    return Run(name, name)


def reading(sensor: int) -> Extract:
    """One row."""
    return Extract(pd.DataFrame({"sensor": [sensor]}))


@pytest.fixture
def server(
    mysql: MySQLAccess, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[MySQLAccess]:
    """A server with an empty ``mydb.readings``."""
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    mysql_servers.rows(mysql.replica_owner_url, DDL)
    yield mysql
    assert mysql_servers.rows(mysql.replica_owner_url, "SHOW TABLES LIKE 'readings%'") == [("readings",)]
    mysql.clear()


def test_a_load_that_lost_its_lock_publishes_nothing_and_leaves_the_next_writer_alone(
    server: MySQLAccess, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = MySQLIOManager()
    with ExitStack() as other:

        def rows() -> Extract:
            with closing(psycopg2.connect(warehouse.url)) as connection, connection.cursor() as cursor:
                cursor.execute(
                    "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND application_name LIKE 'marts_platform load %'"
                )
                assert cursor.fetchone() == (1,)
            load = other.enter_context(manager.load(MART, Slice(), run()))
            load.stage(reading(2))
            other.callback(load.publish)
            return reading(1)

        # A retry would wait for the other writer, which waits for this one here.
        monkeypatch.setattr("marts_platform.core.path.with_retries", lambda attempt: attempt())
        with pytest.raises(psycopg2.Error):
            load_slice(manager, MART, Slice(), run(), rows)
    # Without its lock it is gone for the next writer, who says so first.
    assert warehouse.log() == ["killed", "success"]
    assert mysql_servers.rows(server.replica_owner_url, "SELECT sensor FROM readings") == [(2,)]


def test_a_load_that_cannot_clear_up_has_succeeded_and_the_next_one_clears_up(
    server: MySQLAccess, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    with MySQLIOManager().load(MART, Slice(), run()) as load:
        load.stage(reading(1))
        load.publish()
        number = load._session.connection.thread_id()
        mysql_servers.rows(server.replica_owner_url, f"KILL {number}")
    assert "staging tables stay until the next load" in caplog.text
    assert warehouse.log() == ["success"]
    assert len(mysql_servers.rows(server.replica_owner_url, "SHOW TABLES")) == 3
    load_slice(MySQLIOManager(), MART, Slice(), run(), lambda: reading(2))
    assert mysql_servers.rows(server.replica_owner_url, "SELECT sensor FROM readings") == [(2,)]
