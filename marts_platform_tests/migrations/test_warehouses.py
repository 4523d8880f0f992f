"""All warehouses at once, as `marts migrate` and `marts demo` bring them up to date."""

from __future__ import annotations

import pytest

from marts_platform.demonstration import assets_in
from marts_platform.migrations import warehouses
from marts_platform.migrations.mysql import declared_mysql_tables
from marts_platform_tests import mysql_servers
from marts_platform_tests.mysql_servers import MySQLAccess


def test_every_warehouse_of_the_settings_is_brought_to_what_is_declared(
    database_url: str, clickhouse: str, embedded_mysql: MySQLAccess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_WAREHOUSE_URL", database_url)
    embedded_mysql.clear()
    said = list(warehouses.upgrade(assets_in))
    assert [sentence.split()[0] for sentence in said] == ["The", "ClickHouse", "MySQL"]
    made = {name for (name,) in mysql_servers.rows(embedded_mysql.replica_url, "SHOW TABLES")}
    assert made == {table.name for table in declared_mysql_tables()}
    assert list(warehouses.upgrade(assets_in))[1:] == [
        "ClickHouse is as the DDL files declare it; 0 statements brought it there.",
        "MySQL is as the DDL files declare it; 0 statements brought it there.",
    ]
