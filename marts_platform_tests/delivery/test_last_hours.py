"""What is shown of the last hours: each hour that has something, and nothing from beyond the shown time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from marts_platform.core.clickhouse import bound
from marts_platform.core.sql import read_sql
from marts_platform_tests.delivery.service import Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse
from marts_platform_tests.test_grafana import DASHBOARDS, TO, postgres_macros


def register(service: Service, registered_at: datetime, estimated_at: datetime | None = None) -> None:
    """An order, with a delivery that was estimated at another time."""
    service.execute(
        """
        WITH ordered AS (
            INSERT INTO "order" VALUES (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), NULL, %s)
            RETURNING id, registered_at
        ), attempted AS (
            INSERT INTO pipeline (id, order_id, status, created_at)
            SELECT gen_random_uuid(), id, 'in_progress', registered_at FROM ordered
            RETURNING id
        )
        INSERT INTO delivery (pipeline_id, cost, estimated_at) SELECT id, 12.5, %s FROM attempted
        """,
        registered_at,
        estimated_at,
    )


def test_the_report_has_the_hours_with_orders_or_deliveries_and_no_others(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    # Estimated three hours after it was ordered; not estimated; both longer ago than asked for.
    register(service, now - timedelta(hours=5), now - timedelta(hours=2))
    register(service, now - timedelta(hours=4))
    register(service, now - timedelta(hours=30), now - timedelta(hours=29))
    register(service, now - timedelta(hours=26), now - timedelta(hours=5))
    loaded.load(*(now.date() - timedelta(days=days) for days in (2, 0)))
    report = read_sql("delivery/report/last_24_hours.sql")
    rows = loaded.clickhouse.query(report, parameters=bound(report, {"hours": "24"})).result_rows
    assert [((now - hour).total_seconds() / 3600, *map(float, more)) for hour, *more in rows] == [
        (2, 0, 0, 0, 1, 12.5, 0),
        (4, 1, 1, 1, 0, 0, 0),
        (5, 1, 1, 1, 1, 12.5, 0),
    ]


def test_the_panel_of_the_last_day_counts_until_the_shown_time(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    service.execute('TRUNCATE "order", pipeline, stage, delivery')
    for hours in (-25, -24, -1, 0, 1):
        register(service, TO + timedelta(hours=hours))
    loaded.load(TO.date() - timedelta(days=2), TO.date())
    (panel,) = [found for found in DASHBOARDS["operations"]["panels"] if "24 hours" in found["title"]]
    assert loaded.postgres.one("SELECT count(*) FROM ods.orders") == 5
    assert loaded.postgres.one(postgres_macros(panel["targets"][0]["rawSql"])) == 2
