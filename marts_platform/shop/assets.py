"""The shop in MySQL: the replica of its tables, and the sales marts that are computed from it."""

from __future__ import annotations

import dagster as dg

from marts_platform import settings
from marts_platform.core.audit import unique
from marts_platform.core.mart import mart
from marts_platform.core.path import Extract, Replace
from marts_platform.core.rows import Query
from marts_platform.core.window import Slice
from marts_platform.shop.sources import TABLES, ShopSource, replica_of


def _replica(table: str) -> dg.AssetsDefinition:
    """The replica of a table: all of it, whenever something of it has changed."""

    def rows(slice_: Slice, shop: ShopSource) -> Extract:
        return shop.rows(table)

    rows.__name__ = f"{table}_replica"
    return mart(
        asset=f"shop/{table}_replica",
        ddl=f"shop/ddl/mysql/{table}_replica.sql",
        publication=Replace(),
        audits=[unique(*replica_of(table).key)],
        warehouse="mysql",
        source="shop",
        source_asset=dg.AssetSpec(
            dg.AssetKey(["shop_source", table]),
            description=f"The shop's own table {table}, at MARTS_SHOP_URL.",
            group_name="shop",
            kinds={"postgres"},
            owners=["team:data"],
            metadata={"dagster/table_name": table},
        ),
        kinds=("mysql",),
        pool="shop",
    )(rows)


REPLICAS = {table: _replica(table) for table in TABLES}
users_replica = REPLICAS["users"]
products_replica = REPLICAS["products"]
productcategories_replica = REPLICAS["productcategories"]
orders_replica = REPLICAS["orders"]
orderdetails_replica = REPLICAS["orderdetails"]


def _scope() -> str:
    """The settings that decide which orders count."""
    return f"cancelled orders {'counted' if settings.load().shop_count_cancelled else 'left out'}"


def _sales(file: str) -> Extract:
    return Extract(Query(file, {"with_cancelled": settings.load().shop_count_cancelled}), scope=_scope())


@mart(
    asset="shop/user_sales_analytics",
    ddl="shop/ddl/mysql/user_sales_analytics.sql",
    publication=Replace(),
    audits=[unique("user_id")],
    warehouse="mysql",
    upstream=["shop/users_replica", "shop/orders_replica", "shop/orderdetails_replica"],
    scope=_scope,
    kinds=("mysql",),
)
def user_sales_analytics(slice_: Slice) -> Extract:
    """Every user with the orders and what they cost."""
    return _sales("shop/marts/user_sales_analytics.sql")


@mart(
    asset="shop/product_sales_analytics",
    ddl="shop/ddl/mysql/product_sales_analytics.sql",
    publication=Replace(),
    audits=[unique("product_id")],
    warehouse="mysql",
    upstream=["shop/products_replica", "shop/orders_replica", "shop/orderdetails_replica"],
    scope=_scope,
    kinds=("mysql",),
)
def product_sales_analytics(slice_: Slice) -> Extract:
    """Every product with the orders it is in, how many were sold, and for how much."""
    return _sales("shop/marts/product_sales_analytics.sql")
