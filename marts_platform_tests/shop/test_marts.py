"""The sales marts count orders, keep whoever has none, and leave cancelled orders to a setting."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from marts_platform.shop import assets
from marts_platform_tests.shop.replica import MARTS, REPLICAS, Shop


def _oracle(shop: Shop, *, with_cancelled: bool) -> tuple[list[Any], list[Any]]:
    orders = {
        row[0]: row[1]
        for row in shop.at_source("orders")
        if with_cancelled or (row[4] or "").lower() not in ("cancelled", "canceled")
    }
    counts: dict[int, int] = defaultdict(int)
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    for user in orders.values():
        counts[user] += 1
    in_orders: dict[int, set[int]] = defaultdict(set)
    sold: dict[int, int] = defaultdict(int)
    revenue: dict[int, Decimal] = defaultdict(Decimal)
    for _, order, product, quantity, _, price in shop.at_source("orderdetails"):
        if order in orders:
            amounts[orders[order]] += price or 0
            in_orders[product].add(order)
            sold[product] += quantity or 0
            revenue[product] += price or 0
    users = [(row[0], counts[row[0]], amounts[row[0]]) for row in shop.at_source("users")]
    products = [
        (row[0], len(in_orders[row[0]]), sold[row[0]], revenue[row[0]]) for row in shop.at_source("products")
    ]
    return users, products


@pytest.mark.parametrize("with_cancelled", [False, True])
def test_the_marts_are_what_plain_python_computes(
    shop: Shop, with_cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_SHOP_COUNT_CANCELLED", str(with_cancelled).lower())
    shop.change(
        "INSERT INTO users (user_id) VALUES (7000)",
        "INSERT INTO products (product_id) VALUES (7000)",
        "INSERT INTO orders (order_id, user_id, status) VALUES (7000, 1, NULL), (7001, 1, 'CANCELED')",
        "INSERT INTO orderdetails VALUES (7000, 7000, 1, 1, 1, 1), (7001, 7000, 1, 2, 1, 2)",
        "INSERT INTO orderdetails VALUES (7002, 7001, 1, 9, 1, 9)",
    )
    shop.load([*REPLICAS, *MARTS])
    users, products = _oracle(shop, with_cancelled=with_cancelled)
    assert shop.here("user_sales_analytics") == users
    assert shop.here("product_sales_analytics") == products
    assert (7000, 0, Decimal("0.00")) in users and (7000, 0, 0, Decimal("0.00")) in products


def test_a_table_that_is_loaded_when_it_changes_is_not_late_when_it_does_not() -> None:
    made = [*assets.REPLICAS.values(), assets.user_sales_analytics, assets.product_sales_analytics]
    assert [spec.freshness_policy for asset in made for spec in asset.specs] == [None] * 7
