"""MySQL is brought to its declared DDL: additions migrate, anything else is a person's decision."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from marts_platform.core.path import Mart, Replace, load_slice
from marts_platform.core.rows import Query
from marts_platform.core.run_log import Run
from marts_platform.core.table import declared
from marts_platform.core.window import Slice
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.io_managers.mysql_session import MySQLSession
from marts_platform.migrations import mysql as migration
from marts_platform.resources.mysql import MySQLResource
from marts_platform_tests import mysql_servers
from marts_platform_tests.marts import Warehouse, WriteSql, write_sql
from marts_platform_tests.mysql_servers import MySQLAccess

__all__ = ["write_sql"]

FILE = "migrated/ddl/readings.sql"
DDL = """-- Readings of sensors.
CREATE TABLE mydb.readings (
    sensor int NOT NULL, -- Which sensor.
    value decimal(12, 3), -- What it read.
    note varchar(40), -- What was said of it.
    PRIMARY KEY (sensor),
    KEY by_value (value)
)
ENGINE = InnoDB DEFAULT CHARACTER SET = utf8mb4"""
ALTER = "ALTER TABLE `mydb`.`readings`"


class Server:
    """A server on which the table was made, and what is done to it."""

    def __init__(self, mysql: MySQLAccess) -> None:
        self.mysql = mysql

    def do(self, *statements: str) -> None:
        """Runs statements as the superuser."""
        for statement in statements:
            mysql_servers.rows(self.mysql.replica_owner_url, statement)

    def keys(self) -> set[str]:
        """The names of the table's keys."""
        return {row[2] for row in mysql_servers.rows(self.mysql.replica_owner_url, "SHOW KEYS FROM readings")}

    def load(self) -> None:
        """Replaces the table by what it holds."""
        name = str(uuid4())
        rows = Query("probe/same.sql")
        load_slice(MySQLIOManager(), mart(), Slice(), Run(name, name), lambda: rows)


def mart() -> Mart:
    """The whole table, as its file declares it."""
    return Mart("probe/readings", declared(FILE), Replace())


@pytest.fixture
def server(
    mysql: MySQLAccess, warehouse: Warehouse, write_sql: WriteSql, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server on which the declared tables were made."""
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", mysql.replica_url)
    mysql.clear()
    write_sql(FILE, DDL)
    write_sql("probe/same.sql", "SELECT sensor, value, note FROM mydb.readings")
    assert "CREATE TABLE `mydb`.`readings`" in "".join(migration.upgrade())
    made = Server(mysql)
    made.do("INSERT INTO readings VALUES (1, 1.5, 'a'), (2, 2.5, 'b')")
    yield made
    mysql.clear()


def test_columns_and_keys_are_added_and_again_is_harmless(server: Server, write_sql: WriteSql) -> None:
    assert migration.upgrade() == []
    write_sql(
        FILE,
        DDL.replace("    note", "    unit varchar(5), -- Of the value.\n    note").replace(
            "(value)\n", "(value),\n    KEY by_unit (unit, note)\n"
        ),
    )
    assert migration.upgrade() == [
        f"{ALTER} ADD COLUMN `unit` varchar(5) AFTER `value`",
        f"{ALTER} ADD KEY `by_unit` (`unit`, `note`)",
    ]
    assert migration.upgrade() == []


@pytest.mark.parametrize(
    ("old", "new", "statement"),
    [
        ("varchar(40)", "varchar(50)", "MODIFY COLUMN `note` varchar(50) AFTER `value`"),
        ("    note varchar(40), -- What was said of it.\n", "", "DROP COLUMN `note`"),
        ("KEY by_value (value)", "KEY by_value (value, note)",
         f"DROP KEY `by_value`\n{ALTER} ADD KEY `by_value` (`value`, `note`)"),
        ("KEY by_value (value)", "UNIQUE KEY one_value (value)", "ADD UNIQUE KEY `one_value` (`value`)"),
        ("PRIMARY KEY (sensor)", "PRIMARY KEY (sensor, note)",
         "DROP PRIMARY KEY, ADD PRIMARY KEY (`sensor`, `note`)"),
    ],
)  # fmt: skip
def test_what_may_lose_or_forbid_rows_is_a_persons(
    server: Server, write_sql: WriteSql, old: str, new: str, statement: str
) -> None:
    if "PRIMARY" in old:
        server.do("ALTER TABLE readings MODIFY COLUMN note varchar(40) NOT NULL")
        write_sql(FILE, DDL.replace("varchar(40)", "varchar(40) NOT NULL").replace(old, new))
    else:
        write_sql(FILE, DDL.replace(old, new))
    with pytest.raises(migration.MySQLSchemaError) as told:
        migration.upgrade()
    assert str(told.value).partition("\n")[2] == f"{ALTER} {statement}"
    server.do(*f"{ALTER} {statement}".splitlines())
    assert migration.upgrade() == []


def test_a_missing_key_is_added_and_a_load_does_not_mind_it(server: Server) -> None:
    server.do("ALTER TABLE readings DROP KEY by_value")
    server.load()
    server.do("ALTER TABLE readings DROP KEY by_value")
    assert migration.upgrade() == [f"{ALTER} ADD KEY `by_value` (`value`)"]


def test_a_key_of_somebodys_queries_stays_also_where_a_load_swaps_the_table(server: Server) -> None:
    server.do("ALTER TABLE readings ADD KEY `somebody's 100%` (note(5), value)")
    assert migration.upgrade() == []
    server.load()
    assert server.keys() == {"PRIMARY", "by_value", "somebody's 100%"}
    server.do("ALTER TABLE readings ADD UNIQUE KEY once (note)")
    with pytest.raises(SchemaMismatchError, match="UNIQUE KEY `once`"):
        server.load()
    with pytest.raises(migration.MySQLSchemaError, match="DROP KEY `once`"):
        migration.upgrade()


def test_columns_in_another_order_are_named_with_where_they_belong(server: Server) -> None:
    server.do("ALTER TABLE readings MODIFY COLUMN note varchar(40) FIRST")
    with pytest.raises(SchemaMismatchError, match="its columns come as note, sensor, value"):
        server.load()
    with pytest.raises(migration.MySQLSchemaError) as told:
        migration.upgrade()
    server.do(*str(told.value).splitlines()[1:])
    assert migration.upgrade() == []
    server.load()


def test_migrations_and_loads_at_once_leave_each_other_alone(server: Server) -> None:
    over = threading.Event()

    def clear_up() -> None:
        resource = MySQLResource(setting="shop_replica_url")
        with resource.connect() as connection:
            session = MySQLSession(resource, connection, mart(), Slice(), Run("r", "r"))
            while not over.is_set():
                session.drop_leftovers()

    with ThreadPoolExecutor(4) as pool:
        loads = pool.submit(clear_up)
        migrations = [pool.submit(migration.upgrade) for _ in range(6)]
        try:
            assert [one.result(100) for one in migrations] == [[]] * 6
        finally:
            over.set()
        loads.result(30)
