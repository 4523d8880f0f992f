"""``MARTS_DELIVERY_TTL_DAYS``: ClickHouse drops older facts, and their days can still be loaded again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from marts_platform.materialization import MaterializationError, days_between, materialize, select
from marts_platform.migrations import clickhouse as migration
from marts_platform_tests.delivery.service import DAYS
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

SETTING = "MARTS_DELIVERY_TTL_DAYS"
OLD, YOUNG = DAYS[0], DAYS[2]


@pytest.fixture
def orders(loaded: DeliveryWarehouse, monkeypatch: pytest.MonkeyPatch) -> Iterator[DeliveryWarehouse]:
    """A warehouse with the facts of two days; its tables are shared, so they lose their TTL afterwards."""
    for day in (OLD, YOUNG):
        load(loaded, day)
    yield loaded
    monkeypatch.delenv(SETTING, raising=False)
    migration.upgrade()


def load(loaded: DeliveryWarehouse, day: date) -> None:
    """Loads a day's orders and their facts."""
    assets = [*select("delivery/orders"), *select("delivery/fact_orders")]
    work = days_between(day, day + timedelta(days=1), assets)
    materialize(work, loaded.instance, with_checks=False)


def facts(loaded: DeliveryWarehouse) -> dict[date, int]:
    """How many facts each day has once ClickHouse has merged what there is to merge."""
    loaded.clickhouse.command("OPTIMIZE TABLE dds.fact_orders FINAL")
    return dict(loaded.rows("(SELECT toDate(registered_at), count() FROM dds.fact_orders GROUP BY 1)"))


def ttl(loaded: DeliveryWarehouse) -> bool:
    """Whether the table has one."""
    ((engine,),) = loaded.rows(
        "(SELECT engine_full FROM system.tables WHERE database = 'dds' AND name = 'fact_orders')"
    )
    return "TTL" in engine


def test_older_facts_go_their_days_can_be_loaded_again_and_another_setting_changes_the_table(
    orders: DeliveryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = facts(orders)
    assert set(both) == {OLD, YOUNG}
    # The last moment of the old day is older, the first one of the young day is not.
    days = (datetime.now(UTC).date() - YOUNG).days + 1
    monkeypatch.setenv(SETTING, str(days))
    with pytest.raises(MaterializationError, match=r"run `marts migrate`.* TTL is not there, declared"):
        load(orders, OLD)
    assert any("MODIFY TTL" in statement for statement in migration.upgrade())
    assert ttl(orders)
    assert facts(orders) == {YOUNG: both[YOUNG]}

    load(orders, OLD)
    load(orders, YOUNG)
    assert facts(orders) == {YOUNG: both[YOUNG]}
    last = orders.postgres.log("status, rows_read, rows_written", "delivery/fact_orders")[-2:]
    assert last == [("success", both[day], both[day]) for day in (OLD, YOUNG)]

    monkeypatch.setenv(SETTING, "0")
    assert any("REMOVE TTL" in statement for statement in migration.upgrade())
    assert not ttl(orders)
    load(orders, OLD)
    assert facts(orders) == both
