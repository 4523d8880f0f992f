"""What the process that this warehouse stands for gets wrong, and what happens here instead.

That it reads fields which the messages don't have, and no triggers, is in ``test_events``; that its one-hour
window of wall-clock time loses late rows, in ``test_marts_oracle``; that its metrics are never read, in
``test_metrics``.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

FACTS = ("fact_orders", "fact_pipelines", "fact_stages", "fact_deliveries")


def test_a_retry_doubles_nothing_and_the_views_sum_no_averages(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    for _ in range(2):  # facts that were inserted again stood there twice
        loaded.load(DAYS[0])
    for fact in FACTS:
        key = "pipeline_id" if fact == "fact_deliveries" else "id"
        ((rows, distinct),) = loaded.clickhouse.query(
            f"SELECT count(), uniqExact({key}) FROM dds.{fact}"
        ).result_rows
        assert rows == distinct > 0, fact
    ((highest, lowest),) = loaded.clickhouse.query(
        "SELECT max(avg_cost), min(avg_cost) FROM dds.hourly_deliveries_mv"
    ).result_rows
    (cost,) = service.rows("SELECT max(cost) AS highest, min(cost) AS lowest FROM delivery")
    assert cost["lowest"] <= lowest <= highest <= cost["highest"]
    routes = loaded.clickhouse.query(
        "SELECT max(unique_source_addresses), max(unique_target_addresses), max(orders_count) "
        "FROM dds.hourly_orders_mv"
    ).result_rows[0]
    assert routes[0] <= routes[2] and routes[1] <= routes[2] <= 80


def test_what_has_not_happened_is_null_and_is_not_completed(loaded: DeliveryWarehouse) -> None:
    loaded.load(DAYS[0])
    ((open_, at_the_epoch),) = loaded.clickhouse.query(
        "SELECT countIf(released_at IS NULL), countIf(toYear(released_at) = 1970) FROM dds.fact_deliveries"
    ).result_rows
    assert open_ > 0 and at_the_epoch == 0
    ((completed, all_),) = loaded.clickhouse.query(
        "SELECT sum(completed_count), sum(deliveries_count) FROM dds.hourly_deliveries_mv"
    ).result_rows
    assert 0 < completed < all_


def test_a_cost_that_is_no_amount_is_kept_as_it_came_and_stands_in_quarantine(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    (changed,) = service.rows(
        """
        UPDATE delivery SET cost = 'NaN' WHERE pipeline_id = (
            SELECT pipeline_id FROM delivery JOIN pipeline ON pipeline.id = pipeline_id
            WHERE cost IS NOT NULL AND created_at < %s LIMIT 1
        ) RETURNING pipeline_id::text AS id
        """,
        DAYS[1],
    )
    loaded.load(DAYS[0])
    kept = loaded.postgres.one(
        "SELECT cost, source_cost::text FROM ods.deliveries WHERE pipeline_id = %s", changed["id"]
    )
    assert kept == (None, "NaN")
    standing = loaded.postgres.rows(
        "SELECT source_key, payload FROM ops.quarantine WHERE replayed_at IS NULL"
    )
    assert standing == [(changed["id"], "NaN")]
    ((cost,),) = loaded.clickhouse.query(
        "SELECT cost FROM dds.fact_deliveries WHERE pipeline_id = {id:UUID}", {"id": changed["id"]}
    ).result_rows
    assert cost is None


def payouts_of(loaded: DeliveryWarehouse) -> dict[tuple[date, str | None], Decimal]:
    """The pay-outs by day and type."""
    query = "SELECT day, order_type, payouts FROM delivery_marts.order_roi"
    return {(day, kind): payouts for day, kind, payouts in loaded.clickhouse.query(query).result_rows}


def test_the_payout_share_is_a_setting_and_another_one_makes_the_days_stale(
    loaded: DeliveryWarehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded.load_pending()
    assert loaded.load_pending() == []
    before = payouts_of(loaded)
    monkeypatch.setenv("MARTS_DELIVERY_PAYOUT_SHARE", "0.35")
    assert {result.asset for result in loaded.load_pending()} == {"delivery/order_roi"}
    after = payouts_of(loaded)
    assert after == {key: payouts * Decimal("0.5") for key, payouts in before.items()}
    assert any(before.values())
