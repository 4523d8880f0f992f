"""A key that is there twice fails the audit of the key, and readers keep what they had."""

from __future__ import annotations

import pytest
from dagster import AssetCheckKey, AssetKey, DagsterInstance

from marts_platform.materialization import MaterializationError
from marts_platform_tests.shop.replica import Shop


def _verdict(instance: DagsterInstance, asset: str, check: str) -> dict[str, object]:
    key = AssetCheckKey(AssetKey(asset.split("/")), check)
    (record,) = instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None and record.event.dagster_event is not None
    evaluation = record.event.dagster_event.asset_check_evaluation_data
    assert not evaluation.passed
    return {name: value.value for name, value in evaluation.metadata.items()}


def test_a_key_that_is_there_twice_is_the_audits_to_tell(shop: Shop) -> None:
    shop.load(["shop/users_replica"])
    before = shop.here("users_replica")
    shop.change(
        "ALTER TABLE users DROP CONSTRAINT users_pkey CASCADE",
        "INSERT INTO users (user_id, first_name) VALUES (7, 'twice'), (7, 'thrice'), (8, 'twice')",
    )
    with pytest.raises(MaterializationError, match="keys_with_several_rows=2"):
        shop.load(["shop/users_replica"])
    assert shop.here("users_replica") == before
    figures = _verdict(shop.instance, "shop/users_replica", "unique_user_id")
    assert figures["keys_with_several_rows"] == 2 and figures["first_of_them"] == "7"
