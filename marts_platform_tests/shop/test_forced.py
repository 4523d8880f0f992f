"""What has not changed is loaded again where somebody asks for it: after a change of what makes its rows."""

from __future__ import annotations

import pytest
from dagster import DagsterInstance

from marts_platform import materialization
from marts_platform.demonstration import materialize_selection
from marts_platform.materialization import SelectionError, materialize, select, whole_tables
from marts_platform_tests import mysql_servers
from marts_platform_tests.shop.replica import MARTS, REPLICAS, SELECTION, Shop


def test_whole_tables_are_loaded_although_nothing_changed(shop: Shop) -> None:
    shop.load()
    rows = shop.here("users_replica")
    # As if the mart's SQL of before had got it wrong: the source is the same, so nothing is pending.
    mysql_servers.rows(shop.mysql.replica_owner_url, "UPDATE users_replica SET email = 'wrong'")
    assert materialization.pending_batches(select(SELECTION)) == []
    results = materialize(whole_tables(select(SELECTION)), shop.instance, with_checks=False)
    assert {result.asset for result in results} == {*REPLICAS, *MARTS}
    assert shop.here("users_replica") == rows
    assert shop.load() == []


def test_tables_of_days_and_streams_are_not_made_as_a_whole() -> None:
    asked = {asset for batch in whole_tables(select("shop")) for asset in batch.assets}
    assert asked == {*REPLICAS, *MARTS}
    with pytest.raises(SelectionError, match="--from and --to load days anew"):
        whole_tables(select("camunda"))


def test_the_command_loads_what_has_not_changed_where_it_is_told_to(
    shop: Shop, instance: DagsterInstance
) -> None:
    for is_forced, loads in ((False, 1), (False, 1), (True, 2)):
        materialize_selection("shop/users_replica", None, None, is_forced=is_forced)
        assert shop.warehouse.log() == ["success"] * loads
