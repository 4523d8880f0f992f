"""The replica is its source, row by row, whatever happened; readers see all of the old or all of the new."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import closing
from random import Random

import psycopg2
import pymysql
import pytest
from dagster import DagsterInstance

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.materialization import MaterializationError
from marts_platform.migrations import mysql as mysql_migrations
from marts_platform.shop import demo
from marts_platform.shop.checks import checksum_here
from marts_platform.shop.sources import TABLES, ShopSource
from marts_platform_tests import databases, mysql_servers
from marts_platform_tests.databases import at_database
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.mysql_servers import MySQLAccess
from marts_platform_tests.shop.replica import MARTS, REPLICAS, Shop
from marts_platform_tests.shop.test_events_killed import ReadingProcess

HOSTILE = "tab\t line\n back\\slash \x0b vertical \x0c feed \x08 \r % {} ' \" \\N 😀 Ünïcode"


def test_inserts_updates_and_deletes_are_carried_over_and_no_change_costs_nothing(shop: Shop) -> None:
    assert shop.load() == [*sorted(REPLICAS), *sorted(MARTS)]
    shop.assert_equal()
    assert shop.load() == []
    shop.change(
        "INSERT INTO users (user_id, first_name, phone) VALUES (5000, '', repeat('9', 50))",
        "UPDATE users SET loyalty_status = NULL, registration_date = '1965-05-01 00:00:00.000001' "
        "WHERE user_id = 1",
        "DELETE FROM users WHERE user_id = 2",
        "UPDATE orders SET status = 'Cancelled' WHERE order_id < 20",
    )
    loaded = shop.load()
    assert loaded == ["shop/orders_replica", "shop/users_replica", *sorted(MARTS)]
    shop.assert_equal()
    read = shop.warehouse.log("rows_read = rows_written + rows_quarantined")
    assert read and all(read)


def test_a_rerun_changes_nothing(shop: Shop) -> None:
    shop.load()
    before = {table: shop.here(table.removeprefix("shop/")) for table in (*REPLICAS, *MARTS)}
    shop.load([*REPLICAS, *MARTS])
    assert before == {table: shop.here(table.removeprefix("shop/")) for table in (*REPLICAS, *MARTS)}
    shop.assert_equal()


def test_every_value_arrives_exactly(shop: Shop) -> None:
    with psycopg2.connect(shop.url) as connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO products VALUES (900, %s, %s, -2147483648, -99999999.99, 2147483647, %s)",
            ("ﷺ" * 100, HOSTILE, "9999-12-31 23:59:59.999999"),
        )
        cursor.execute("INSERT INTO products VALUES (901, '', NULL, NULL, NULL, NULL, NULL)")
        cursor.execute("INSERT INTO products VALUES (902, NULL, repeat('x', 300000), 0, 0.01, 0, NULL)")
    connection.close()
    shop.load(["shop/products_replica"])
    assert shop.here("products_replica") == shop.at_source("products")


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE users ALTER phone TYPE bytea USING phone::bytea",
        "ALTER TABLE users ALTER user_id TYPE double precision",
        "ALTER TABLE users ALTER registration_date TYPE timestamptz",
    ],
)
def test_what_does_not_fit_is_refused_and_readers_keep_what_they_had(shop: Shop, change: str) -> None:
    shop.load(["shop/users_replica"])
    before = shop.here("users_replica")
    shop.change(*change.split("; "))
    with pytest.raises(MaterializationError):
        shop.load(["shop/users_replica"])
    assert shop.here("users_replica") == before
    assert shop.warehouse.log("status", "shop/users_replica") == ["success", "failed"]
    left = mysql_servers.rows(shop.mysql.replica_owner_url, "SHOW TABLES LIKE '%\\_\\_%'")
    assert left == []


def test_a_table_that_is_not_as_declared_is_refused(shop: Shop) -> None:
    mysql_servers.rows(shop.mysql.replica_owner_url, "ALTER TABLE users_replica MODIFY phone VARCHAR(20)")
    with pytest.raises(MaterializationError, match=r"varchar\(20\)"):
        shop.load(["shop/users_replica"])


def test_readers_never_see_a_missing_or_an_empty_table(shop: Shop) -> None:
    shop.load(["shop/orders_replica"])
    over, seen, faults = threading.Event(), set[int](), list[BaseException]()
    begun = threading.Barrier(3)

    def read() -> None:
        try:
            with mysql_servers.connect(shop.mysql.replica_url) as connection, connection.cursor() as cursor:
                is_first, is_last = True, False
                while not is_last:
                    is_last = over.is_set()
                    cursor.execute("SELECT count(*) FROM orders_replica")
                    seen.update(row[0] for row in cursor.fetchall())
                    if is_first:
                        begun.wait(60)
                        is_first = False
        except pymysql.MySQLError as error:
            faults.append(error)
            begun.abort()

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    begun.wait(60)
    try:
        for loaded in range(3):
            shop.change(f"INSERT INTO orders (order_id) VALUES ({1000 + loaded})")
            shop.load(["shop/orders_replica"])
    finally:
        over.set()
        for reader in readers:
            reader.join()
    assert not faults
    assert seen <= {200, 201, 202, 203} and {200, 203} <= seen


def test_the_checksum_is_the_same_at_both_ends_and_sees_one_changed_value(shop: Shop) -> None:
    shop.load()
    for table in TABLES:
        here, there = checksum_here(MySQLIOManager(), table), ShopSource().checksum(table)
        assert here == there and here.rows == len(shop.at_source(table))
    changes = {
        "UPDATE products_replica SET description = '' WHERE product_id = 1",
        "UPDATE products_replica SET description = NULL WHERE product_id = 1",
        "UPDATE products_replica SET creation_date = creation_date + INTERVAL 1 MICROSECOND",
    }
    seen = {ShopSource().checksum("products")}
    for change in changes:
        mysql_servers.rows(shop.mysql.replica_owner_url, change)
        seen.add(checksum_here(MySQLIOManager(), "products"))
    assert len(seen) == 1 + len(changes)


def test_the_checksum_of_a_shop_that_is_not_in_utf_8_is_the_same(
    stack: Stack,
    embedded_mysql: MySQLAccess,
    warehouse: Warehouse,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner, reader = stack.owner_url("shop"), settings.load().url("shop_url")
    monkeypatch.setenv("MARTS_SHOP_REPLICA_URL", embedded_mysql.replica_url)
    embedded_mysql.clear()
    with databases.scratch_database(owner, databases.user_of(owner), encoding="WIN1251") as name:
        monkeypatch.setenv("MARTS_SHOP_URL", at_database(reader, name))
        shop = Shop(at_database(owner, name), embedded_mysql, warehouse, ephemeral_instance)
        with closing(psycopg2.connect(shop.url)) as connection, connection:
            demo.create_source(connection)
        mysql_migrations.upgrade()
        shop.change("INSERT INTO users (user_id, first_name) VALUES (1, 'Пётр')")
        shop.load(["shop/users_replica"])
        assert "Пётр" in shop.here("users_replica")[0]
        assert checksum_here(MySQLIOManager(), "users") == ShopSource().checksum("users")
    embedded_mysql.clear()


def test_loads_killed_at_random_moments_leave_old_or_new_and_the_next_one_heals(shop: Shop) -> None:
    draw, died = Random(5), 0
    shop.load()
    states = [shop.at_source("orderdetails")]
    with ReadingProcess.started("replicating_process") as process:
        began = time.monotonic()
        process.begin()
        assert process.wait() == 0
        seconds = time.monotonic() - began
        for number in range(10):
            shop.change(
                f"INSERT INTO orderdetails (order_detail_id, order_id) VALUES ({5000 + number}, 1)",
                f"UPDATE users SET first_name = 'name {number}' WHERE user_id = 3",
            )
            states.append(shop.at_source("orderdetails"))
            pid, began = process.begin(), time.monotonic()
            time.sleep(draw.uniform(0, seconds))
            os.kill(pid, signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                died += 1
            else:  # The first one was slow, as on a busy machine: aim at what a load takes now.
                seconds = min(seconds, (time.monotonic() - began) * 0.9)
            assert shop.here("orderdetails_replica") in states
        process.begin()
        assert process.wait() == 0
    assert died >= 3
    assert shop.here("orderdetails_replica") == states[-1]
    shop.load()
    shop.assert_equal()
    assert set(shop.warehouse.log()) <= {"success", "killed", "failed"}


def test_a_truncated_table_and_a_server_that_counts_nothing_are_seen(shop: Shop) -> None:
    shop.load(["shop/users_replica"])
    shop.change("TRUNCATE users")
    assert "shop/users_replica" in shop.load()
    assert shop.here("users_replica") == []
    name = shop.url.rpartition("/")[2]
    shop.change(f'ALTER DATABASE "{name}" SET track_counts = off', "INSERT INTO users (user_id) VALUES (1)")
    shop.load()
    (state,) = shop.warehouse.log("fingerprint", "shop/users_replica")[-1:]
    assert isinstance(state, str) and "checksum" in state
    shop.change("UPDATE users SET email = 'x'")
    assert "shop/users_replica" in shop.load()
    shop.assert_equal()
