"""A change of a table is seen, whatever kind of table it is and whatever its server counts."""

from __future__ import annotations

import pytest

from marts_platform.shop import sources
from marts_platform_tests.shop.replica import Shop

PARTED = (
    "ALTER TABLE orders RENAME TO orders_flat",
    "CREATE TABLE orders (LIKE orders_flat) PARTITION BY RANGE (order_id)",
    "CREATE TABLE orders_low PARTITION OF orders FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (order_id)",
    "CREATE TABLE orders_lowest PARTITION OF orders_low FOR VALUES FROM (0) TO (50)",
    "CREATE TABLE orders_rest PARTITION OF orders DEFAULT",
    "INSERT INTO orders SELECT * FROM orders_flat WHERE order_id < 50 OR order_id >= 100",
)
INHERITED = (
    "CREATE TABLE orders_lowest () INHERITS (orders)",
    "INSERT INTO orders_lowest (order_id, status) VALUES (-1, 'Pending')",
)
VIEW = (
    "ALTER TABLE orders RENAME TO orders_lowest",
    "CREATE VIEW orders AS SELECT * FROM orders_lowest",
)


@pytest.mark.parametrize("layout", [PARTED, INHERITED, VIEW], ids=["partitioned", "inherited", "view"])
def test_a_change_of_a_part_is_a_change_of_the_table(shop: Shop, layout: tuple[str, ...]) -> None:
    shop.change(*layout)
    shop.load(["shop/orders_replica"])
    assert shop.here("orders_replica") == shop.at_source("orders")
    assert "shop/orders_replica" not in shop.load()
    for change in (
        "INSERT INTO orders_lowest (order_id) VALUES (0)",
        "UPDATE orders SET status = 'Lost' WHERE order_id = 0",
        "DELETE FROM orders WHERE order_id = 0",
        "TRUNCATE orders_lowest",
    ):
        shop.change(change)
        assert "shop/orders_replica" in shop.load(), change
        assert shop.here("orders_replica") == shop.at_source("orders")
        assert "shop/orders_replica" not in shop.load()


def test_a_part_that_comes_or_goes_is_a_change_of_the_table(shop: Shop) -> None:
    shop.change(*PARTED)
    shop.load(["shop/orders_replica"])
    for change in (
        "ALTER TABLE orders DETACH PARTITION orders_rest",
        "ALTER TABLE orders ATTACH PARTITION orders_rest DEFAULT",
    ):
        shop.change(change)
        assert "shop/orders_replica" in shop.load(), change
        assert shop.here("orders_replica") == shop.at_source("orders")


def test_a_server_that_may_tell_its_counters_hours_late_is_asked_for_a_checksum(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each server is older than this one.
    monkeypatch.setattr(sources, "_COUNTING_SINCE", 990000)
    shop.load(["shop/users_replica"])
    assert "shop/users_replica" not in shop.load()
    shop.change("UPDATE users SET email = 'x'")
    assert "shop/users_replica" in shop.load()
    states = shop.warehouse.log("fingerprint", "shop/users_replica")
    assert len(set(states)) == 2 and all("checksum" in str(state) for state in states)
