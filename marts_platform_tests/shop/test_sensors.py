"""What the sensor asks for when one table of the shop cannot be replicated: all that does not need it."""

from __future__ import annotations

import dagster as dg
import pytest

from marts_platform import definitions, materialization
from marts_platform.core.sensors import run_requests
from marts_platform.materialization import MaterializationError
from marts_platform_tests.shop.replica import SELECTION, Shop


def asked_for(shop: Shop) -> set[str]:
    """The assets of the run that the sensor asks for now; none if it asks for no run."""
    keys = [dg.AssetKey.from_user_string(found.mart.asset) for found in materialization.select(SELECTION)]
    requests = list(run_requests(keys, definitions.RESOURCES, shop.instance, 1))
    assert len(requests) <= 1
    return {key.to_user_string() for request in requests for key in request.asset_selection or ()}


def test_a_replica_that_fails_holds_back_what_is_made_of_it_and_nothing_else(shop: Shop) -> None:
    shop.load()
    assert asked_for(shop) == set()
    shop.change("ALTER TABLE users ALTER registration_date TYPE timestamptz")
    assert asked_for(shop) == {"shop/users_replica", "shop/user_sales_analytics"}
    with pytest.raises(MaterializationError):
        shop.load()
    assert asked_for(shop) == set()
    shop.change("UPDATE products SET stock_quantity = 1 WHERE product_id = 1")
    assert asked_for(shop) == {"shop/products_replica", "shop/product_sales_analytics"}
    shop.warehouse.rows("UPDATE ops.etl_run_log SET finished_at = finished_at - interval '1 minute'")
    assert asked_for(shop) == {
        "shop/users_replica",
        "shop/user_sales_analytics",
        "shop/products_replica",
        "shop/product_sales_analytics",
    }
