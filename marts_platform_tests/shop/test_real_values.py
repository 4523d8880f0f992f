"""A shop of other people: other types, values that MySQL does not know, changes that no counter tells."""

from __future__ import annotations

import re
from typing import Any

import pytest

from marts_platform import materialization
from marts_platform.core.pending import Reason
from marts_platform.core.planning import ALL, Plan
from marts_platform.core.time_limit import time_limit
from marts_platform.io_managers.mysql import MySQLIOManager
from marts_platform.shop.checks import checksum_here
from marts_platform.shop.sources import TABLES, ShopSource
from marts_platform_tests.shop.replica import REPLICAS, SELECTION, Shop


def settled(shop: Shop) -> None:
    """One command loads all of it, the next one finds nothing to do, and both ends agree."""
    shop.load()
    assert shop.load() == []
    for table in TABLES:
        assert checksum_here(MySQLIOManager(), table) == ShopSource().checksum(table), table


def quarantine(shop: Shop, table: str) -> list[tuple[Any, ...]]:
    return shop.warehouse.rows(
        "SELECT source_key, reason, payload, is_row FROM ops.quarantine WHERE replayed_at IS NULL "
        f"AND asset = 'shop/{table}_replica' ORDER BY source_key, reason"
    )


def test_other_types_of_the_same_values_are_loaded_once(shop: Shop) -> None:
    shop.change(
        "ALTER TABLE products ALTER price TYPE decimal(9, 1)",
        "ALTER TABLE products ALTER stock_quantity TYPE bigint",
        "ALTER TABLE products ALTER name TYPE character(60)",
        "UPDATE products SET price = 12.0, name = 'padded' WHERE product_id = 1",
        "ALTER TABLE products ALTER product_id TYPE bigint",
        "ALTER TABLE orders ALTER total_amount TYPE decimal(9, 2), ALTER order_id TYPE smallint",
    )
    settled(shop)
    ((price, name),) = [(row[4], row[1]) for row in shop.here("products_replica") if row[0] == 1]
    assert str(price) == "12.00" and name == "padded".ljust(60)


def test_values_that_mysql_does_not_know_are_quarantined_and_the_rest_arrives(shop: Shop) -> None:
    shop.load()
    rows = len(shop.here("users_replica"))
    shop.change(
        "UPDATE users SET registration_date = 'infinity' WHERE user_id = 1",
        "UPDATE users SET registration_date = '-infinity' WHERE user_id = 2",
        "UPDATE users SET registration_date = '0044-03-15 BC' WHERE user_id = 3",
        "UPDATE users SET registration_date = '10000-01-01' WHERE user_id = 4",
        "ALTER TABLE users ALTER phone TYPE varchar(80)",
        "UPDATE users SET phone = repeat('1', 51) WHERE user_id = 5",
        "ALTER TABLE products ALTER price TYPE numeric(14, 2), ALTER product_id TYPE bigint",
        "UPDATE products SET price = 'NaN' WHERE product_id = 1",
        "UPDATE products SET price = -123456789.01 WHERE product_id = 2",
        "INSERT INTO products (product_id, name) VALUES (2147483648, 'beyond')",
    )
    settled(shop)
    assert len(shop.here("users_replica")) == rows
    assert [row[5] for row in shop.here("users_replica")[:4]] == [None] * 4
    assert [entry[:3] for entry in quarantine(shop, "users")] == [
        ("1", "registration_date is no DATETIME(6)", "infinity"),
        ("2", "registration_date is no DATETIME(6)", "-infinity"),
        ("3", "registration_date is no DATETIME(6)", "0044-03-15 00:00:00 BC"),
        ("4", "registration_date is no DATETIME(6)", "10000-01-01 00:00:00"),
        ("5", "phone is no varchar(50)", "1" * 51),
    ]
    assert [(entry[0], entry[1], entry[3]) for entry in quarantine(shop, "products")] == [
        ("1", "price is no decimal(10, 2)", False),
        ("2", "price is no decimal(10, 2)", False),
        ("2147483648", "product_id is no int", True),
    ]
    read = shop.warehouse.log("rows_read = rows_written + rows_quarantined")
    assert read and all(read)
    # One bad value for another is a change, and so is its correction.
    for change in ("'-infinity'", "NULL", "'2024-03-01'"):
        shop.change(f"UPDATE users SET registration_date = {change} WHERE user_id = 1")
        assert "shop/users_replica" in shop.load()
    assert {entry[0] for entry in quarantine(shop, "users")} == {"2", "3", "4", "5"}


def test_null_in_a_key_is_a_row_in_quarantine(shop: Shop) -> None:
    shop.change(
        "ALTER TABLE orderdetails DROP CONSTRAINT orderdetails_pkey",
        "ALTER TABLE orderdetails ALTER order_detail_id DROP NOT NULL",
        "INSERT INTO orderdetails (order_detail_id, order_id) VALUES (NULL, 1)",
    )
    settled(shop)
    ((_, reason, payload, is_row),) = quarantine(shop, "orderdetails")
    assert (reason, is_row) == ("order_detail_id is missing", True) and '"order_id": "1"' in payload


@pytest.mark.parametrize(
    "change",
    [
        (
            "ALTER TABLE users ADD COLUMN other varchar(50) DEFAULT 'of all'",
            "ALTER TABLE users DROP COLUMN loyalty_status",
            "ALTER TABLE users RENAME COLUMN other TO loyalty_status",
        ),
        (
            "ALTER TABLE users RENAME COLUMN first_name TO other",
            "ALTER TABLE users RENAME COLUMN last_name TO first_name",
            "ALTER TABLE users RENAME COLUMN other TO last_name",
        ),
        (
            "CREATE TABLE others (LIKE users INCLUDING ALL)",
            "INSERT INTO others SELECT * FROM users",
            "UPDATE others SET email = 'x'",
            "ALTER TABLE users RENAME TO users_before",
            "ALTER TABLE others RENAME TO users",
        ),
    ],
    ids=["a column with a default", "columns change names", "another table of that name"],
)
def test_ddl_that_writes_no_row_is_a_change(shop: Shop, change: tuple[str, ...]) -> None:
    shop.load()
    assert shop.load() == []
    shop.change(*change)
    assert "shop/users_replica" in shop.load()
    columns = "user_id, first_name, last_name, email, phone, registration_date, loyalty_status"
    with shop.connected() as cursor:
        cursor.execute(f"SELECT {columns} FROM users ORDER BY 1")
        assert shop.here("users_replica") == cursor.fetchall()


def change_uncounted(shop: Shop, email: str) -> None:
    """Change a row as a session does whose statistics tell nothing."""
    with shop.connected() as cursor:
        cursor.execute("SET track_counts = off")
        cursor.execute("UPDATE users SET email = %s WHERE user_id = 1", [email])
        cursor.connection.commit()


def pass_an_hour(shop: Shop) -> None:
    shop.warehouse.rows(
        "UPDATE ops.etl_run_log SET started_at = started_at - interval '1 hour', "
        "finished_at = finished_at - interval '1 hour'"
    )
    shop.warehouse.rows(
        "UPDATE ops.partition_comparisons SET tried_at = tried_at - interval '1 hour', "
        "compared_at = compared_at - interval '1 hour'"
    )


def test_a_change_that_no_counter_tells_is_found_in_an_hour(shop: Shop) -> None:
    shop.load()
    change_uncounted(shop, "y")
    assert shop.load() == []
    pass_an_hour(shop)
    assert "shop/users_replica" in shop.load()
    pass_an_hour(shop)
    assert shop.load() == []
    # What was compared is remembered in the warehouse, so by each process: the next hour begins.
    change_uncounted(shop, "z")
    assert shop.load() == []
    pass_an_hour(shop)
    assert "shop/users_replica" in shop.load()
    assert shop.load() == []


def test_a_change_that_no_counter_tells_is_found_by_comparing_all(shop: Shop) -> None:
    shop.load()
    change_uncounted(shop, "y")
    registered = materialization.select(SELECTION)
    assert materialization.compare(registered).pending["shop/users_replica"] == {}
    found = materialization.compare(registered, materialization.older_to_compare("all"))
    assert found.pending["shop/users_replica"] == {None: Reason.CHANGED}
    assert [asset for asset in REPLICAS if found.pending[asset]] == ["shop/users_replica"]


def look_at_users(seconds: float | None = None) -> Plan:
    """Compare the users, their rows included; within these seconds."""
    with time_limit(seconds):
        return materialization.compare(materialization.select("shop/users_replica"), ALL)


def test_a_checksum_out_of_time_is_a_warning_of_table_and_setting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load()
    change_uncounted(shop, "y")
    with shop.connected() as cursor:
        cursor.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE")
        (warning,) = look_at_users(1).sources["shop/users_replica"].warnings
        assert re.search("all rows of users .* 1 seconds.* MARTS_EVALUATION_SECONDS", warning)
        monkeypatch.setenv("MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", "1")
        late = look_at_users()
        (warning,) = late.sources["shop/users_replica"].warnings
        assert re.search("all rows of users .* 1 seconds.* MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", warning)
        assert late.pending["shop/users_replica"] == {} and not late.errors
    rows = "SELECT compared_at IS NULL FROM ops.partition_comparisons WHERE partition_key = 'all rows'"
    assert shop.warehouse.rows(f"{rows} AND asset = 'shop/users_replica'") == [(True,)]
    # The next try is due in an hour, or asked for.
    assert shop.load() == []
    assert look_at_users().pending["shop/users_replica"] == {None: Reason.CHANGED}


def test_a_view_out_of_time_is_an_error_of_table_and_setting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.load()
    shop.change(
        "ALTER TABLE users RENAME TO users_before",
        "CREATE VIEW users AS SELECT * FROM users_before WHERE pg_sleep(2) IS NOT NULL",
    )
    monkeypatch.setenv("MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", "1")
    error = str(look_at_users().errors["shop/users_replica"])
    assert re.search("all rows of users .* MARTS_SOURCE_PROBE_TIMEOUT_SECONDS", error)
