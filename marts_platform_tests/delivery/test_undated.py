"""Rows that no day holds: they stop nothing, and a check counts and names them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from marts_platform import settings
from marts_platform.core.checks import Outside
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.window import Window
from marts_platform.delivery.sources import DeliverySource
from marts_platform.materialization import days_between, materialize, select
from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

IMPOSSIBLE = (
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00+00",
    "2019-05-05 10:00:00+00",
    "9999-12-31 23:59+00",
)
COLUMNS = {"order": "registered_at", "pipeline": "created_at", "stage": "created_at"}
WHOLE = Window.of_days(settings.load().start, datetime.now(UTC).date() + timedelta(days=1))


def add_at_impossible_times(service: Service) -> list[str]:
    """A row of each table at each such time; returns the orders' keys."""
    keys: list[str] = []
    for moment in IMPOSSIBLE:
        (order,) = service.rows(
            """
            INSERT INTO "order" VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, %s)
            RETURNING id::text AS id
            """,
            moment,
        )
        (pipeline,) = service.rows(
            "INSERT INTO pipeline VALUES (gen_random_uuid(), %s, 'pending', NULL, %s) RETURNING id",
            order["id"],
            moment,
        )
        service.execute("INSERT INTO delivery VALUES (%s)", pipeline["id"])
        service.execute(
            "INSERT INTO stage VALUES (gen_random_uuid(), %s, 'estimate_cost', 'pending', NULL, %s)",
            pipeline["id"],
            moment,
        )
        keys.append(order["id"])
    return keys


def checked(loaded: DeliveryWarehouse, asset: str) -> dict[str, Any]:
    """Load an asset's first day and return its check's result with the figures."""
    work = days_between(DAYS[0], DAYS[1], select(f"delivery/{asset}"))
    (result,) = materialize(work, loaded.instance)
    (record,) = loaded.instance.event_log_storage.get_asset_check_execution_history(_key(asset), limit=1)
    assert record.event is not None
    evaluation = record.event.asset_check_evaluation
    assert evaluation is not None and evaluation.passed is result.checks["every_row_has_a_day"]
    return {name: value.value for name, value in evaluation.metadata.items()}


def _key(asset: str) -> Any:
    import dagster as dg

    return dg.AssetCheckKey(dg.AssetKey(["delivery", asset]), "every_row_has_a_day")


@pytest.mark.parametrize("asset", ["orders", "pipelines", "stages", "deliveries"])
def test_walk_over_days_with_an_infinite_time_ends(service: Service, asset: str) -> None:
    """One look-up after another at the next day after infinity ran into the time-out, and planned nothing."""
    source = DeliverySource()
    slices = [slice_of(DAILY, DAYS[0].isoformat())]
    before = source.source_state(f"delivery/{asset}", slices)
    add_at_impossible_times(service)
    after = source.source_state(f"delivery/{asset}", slices)
    assert after == before
    assert {day.isoformat() for day in DAYS} <= set(after.with_rows)


def test_check_counts_and_names_rows_outside_of_all_days(service: Service, loaded: DeliveryWarehouse) -> None:
    assert checked(loaded, "orders") == {
        "rows_outside": 0,
        "one_of_them": None,
        "earliest": None,
        "latest": None,
    }
    keys = add_at_impossible_times(service)
    assert checked(loaded, "orders") == {
        "rows_outside": len(IMPOSSIBLE),
        "one_of_them": min(keys),
        "earliest": "-infinity",
        "latest": "infinity",
    }
    for table in ("pipelines", "stages", "deliveries"):
        assert checked(loaded, table)["rows_outside"] == len(IMPOSSIBLE)


def test_check_names_a_delivery_without_a_pipeline(service: Service) -> None:
    service.drop_foreign_keys()
    (made,) = service.rows(
        "INSERT INTO delivery VALUES (gen_random_uuid()) RETURNING pipeline_id::text AS id"
    )
    assert DeliverySource().outside("deliveries", WHOLE) == Outside(1, made["id"])


def test_check_counts_rows_of_tomorrow_and_before_the_first_day(service: Service) -> None:
    service.execute(
        """
        INSERT INTO "order" SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, moment
        FROM unnest(%s::timestamptz[]) AS moment
        """,
        [
            WHOLE.start,
            WHOLE.start - timedelta(microseconds=1),
            WHOLE.end - timedelta(microseconds=1),
            WHOLE.end,
        ],
    )
    found = DeliverySource().outside("orders", WHOLE)
    assert found.rows_outside == 2
