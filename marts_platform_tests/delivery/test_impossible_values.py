"""A row with one bad value arrives without it, a row that cannot be one is refused, the others arrive."""

from __future__ import annotations

from typing import Any, LiteralString

from marts_platform_tests.delivery.service import DAYS, Service
from marts_platform_tests.delivery.warehouse import DeliveryWarehouse

NO_TIMES = {
    "infinity": "infinity",
    "-infinity": "-infinity",
    "0001-01-01 00:00:00+00": "0001-01-01T00:00:00",
    "1970-01-01 00:00:00+00": "1970-01-01T00:00:00",
    "9999-12-31 23:59:59+00": "9999-12-31T23:59:59",
}
COLUMNS = {
    "delivery": ("estimated_at", "assigned_at", "released_at"),
    "stage": ("started_at", "finished_at"),
    "pipeline": ("started_at", "finished_at"),
}
ODS = {"delivery": "deliveries", "stage": "stages", "pipeline": "pipelines"}
SPOIL: dict[str, LiteralString] = {
    "delivery": """
        UPDATE delivery SET estimated_at = %(moment)s, assigned_at = %(moment)s, released_at = %(moment)s
        WHERE pipeline_id = (
            SELECT id FROM pipeline JOIN delivery ON pipeline_id = id
            WHERE created_at < %(day)s AND released_at BETWEEN '2024-01-01' AND '2025-01-01' LIMIT 1
        ) RETURNING pipeline_id::text AS key
    """,
    "stage": """
        UPDATE stage SET started_at = %(moment)s, finished_at = %(moment)s
        WHERE id = (
            SELECT id FROM stage WHERE created_at < %(day)s AND status = 'succeeded'
            AND finished_at BETWEEN '2024-01-01' AND '2025-01-01' LIMIT 1
        ) RETURNING id::text AS key
    """,
    "pipeline": """
        UPDATE pipeline SET started_at = %(moment)s, finished_at = %(moment)s
        WHERE id = (
            SELECT id FROM pipeline WHERE created_at < %(day)s
            AND finished_at BETWEEN '2024-01-01' AND '2025-01-01' LIMIT 1
        ) RETURNING id::text AS key
    """,
}


def standing(loaded: DeliveryWarehouse) -> set[tuple[Any, ...]]:
    """Return the entries in quarantine."""
    return set(
        loaded.postgres.rows(
            "SELECT split_part(asset, '/', 2), source_key, reason, payload, is_row FROM ops.quarantine "
            "WHERE replayed_at IS NULL"
        )
    )


def expect_agreement(loaded: DeliveryWarehouse) -> None:
    """Loads the first day with its checks: every one that compares passes."""
    from marts_platform.materialization import days_between, materialize
    from marts_platform_tests.delivery.warehouse import from_the_database

    results = materialize(days_between(DAYS[0], DAYS[1], from_the_database()), loaded.instance)
    checks = {(result.asset, name): passed for result in results for name, passed in result.checks.items()}
    assert all(passed for (_, name), passed in checks.items() if name.startswith("agrees_")), checks


def test_times_that_are_none_are_missing_and_stand_in_quarantine(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    expected: set[tuple[Any, ...]] = set()
    for table, columns in COLUMNS.items():
        for moment, said in NO_TIMES.items():
            cursor = service.connection.execute(SPOIL[table], {"moment": moment, "day": DAYS[1]})
            (row,) = cursor.fetchall()
            expected |= {
                (ODS[table], row["key"], f"{column} is no time from 1970-01-02 to 2100", said, False)
                for column in columns
            }
    expect_agreement(loaded)
    assert standing(loaded) == expected
    for table, columns in COLUMNS.items():
        for column in columns:
            outside = f"{column} < '2024-01-01' OR {column} > '2025-01-01'"
            query = f"SELECT countIf({outside}) FROM dds.fact_{ODS[table]}"
            assert loaded.clickhouse.query(query).result_rows == [(0,)]
    hours = loaded.clickhouse.query("SELECT min(hour), max(hour) FROM dds.hourly_deliveries_mv").result_rows
    assert [moment.year for moment in hours[0]] == [2024, 2024]
    ((lowest, highest),) = loaded.clickhouse.query(
        "SELECT min(avg_wait_seconds), max(max_seconds) FROM delivery_marts.order_sla"
    ).result_rows
    assert lowest >= 0 and highest < 30 * 86400
    ((busy,),) = loaded.clickhouse.query(
        "SELECT max(avg_seconds) FROM delivery_marts.courier_efficiency"
    ).result_rows
    assert 0 < busy < 30 * 86400
    assert loaded.load_pending() and loaded.load_pending() == []


def test_orphans_and_rows_without_a_value_stop_nothing(service: Service, loaded: DeliveryWarehouse) -> None:
    service.drop_foreign_keys()
    statements: tuple[LiteralString, ...] = (
        "ALTER TABLE stage ALTER COLUMN status DROP NOT NULL",
        'ALTER TABLE "order" ALTER COLUMN target_address_id DROP NOT NULL',
        "ALTER TABLE pipeline ALTER COLUMN status DROP NOT NULL",
    )
    for statement in statements:
        service.execute(statement)
    (orphan,) = service.rows(
        "UPDATE pipeline SET order_id = gen_random_uuid() WHERE id = "
        "(SELECT id FROM pipeline WHERE created_at < %s ORDER BY id LIMIT 1) "
        "RETURNING id::text AS id, order_id::text AS order_id",
        DAYS[1],
    )
    service.execute("UPDATE stage SET pipeline_id = gen_random_uuid() WHERE pipeline_id = %s", orphan["id"])
    (without,) = service.rows(
        "UPDATE stage SET status = NULL WHERE id = (SELECT id FROM stage WHERE created_at < %s LIMIT 1) "
        "RETURNING id::text AS id",
        DAYS[1],
    )
    (nowhere,) = service.rows(
        'UPDATE "order" SET target_address_id = NULL WHERE id = '
        '(SELECT id FROM "order" WHERE registered_at < %s LIMIT 1) RETURNING id::text AS id',
        DAYS[1],
    )
    (nothing,) = service.rows(
        "UPDATE pipeline SET status = NULL WHERE id = (SELECT pipeline.id FROM pipeline "
        "JOIN delivery ON pipeline_id = pipeline.id WHERE created_at < %s ORDER BY pipeline.id DESC LIMIT 1) "
        "RETURNING id::text AS id",
        DAYS[1],
    )
    expect_agreement(loaded)
    found = {(asset, key, reason, is_row) for asset, key, reason, _, is_row in standing(loaded)}
    orphaned = ("pipelines", orphan["id"], "the service does not have its order", False)
    assert found == {
        orphaned,
        ("stages", without["id"], "status is missing", True),
        ("orders", nowhere["id"], "target_address_id is missing", True),
        ("pipelines", nothing["id"], "status is missing", True),
        ("deliveries", nothing["id"], "status of its pipeline is missing", True),
    }
    (there,) = loaded.postgres.rows(
        "SELECT order_id::text, order_registered_at FROM ods.pipelines WHERE id = %s", orphan["id"]
    )
    assert there == (orphan["order_id"], None)
    assert loaded.lost_rows() == []
    loaded.load_pending()
    assert loaded.load_pending() == []
    # What is corrected arrives, and what is refused still is looked at again once it changes.
    service.execute("UPDATE stage SET message = 'still without a status' WHERE id = %s", without["id"])
    assert {result.asset for result in loaded.load_pending()} >= {"delivery/stages"}
    for table in ("stage", "pipeline"):
        service.connection.execute(f"UPDATE {table} SET status = 'failed' WHERE status IS NULL".encode())
    service.execute(
        'UPDATE "order" SET target_address_id = gen_random_uuid() WHERE target_address_id IS NULL'
    )
    loaded.load_pending()
    found = {(asset, key, reason, is_row) for asset, key, reason, _, is_row in standing(loaded)}
    assert found == {orphaned}
    assert loaded.load_pending() == []


def test_an_end_before_its_beginning_warns_and_is_no_negative_time(
    service: Service, loaded: DeliveryWarehouse
) -> None:
    service.execute(
        "UPDATE stage SET finished_at = started_at - interval '100 days', "
        "started_at = started_at - interval '1 day' WHERE status = 'succeeded' AND created_at < %s",
        DAYS[1],
    )
    service.execute("UPDATE delivery SET released_at = assigned_at - interval '100 days'")
    results = {result.asset: result.checks for result in loaded.load(DAYS[0])}
    assert results["delivery/stages"]["finished_at_follows_started_at"] is False
    assert results["delivery/deliveries"]["released_at_follows_assigned_at"] is False
    assert results["delivery/pipelines"]["finished_at_follows_started_at"] is True
    ((succeeded, waited, took),) = loaded.clickhouse.query(
        "SELECT sum(succeeded), min(avg_wait_seconds), max(max_seconds) FROM delivery_marts.order_sla"
    ).result_rows
    assert succeeded > 0 and (waited is None or waited >= 0) and took is None
    ((busy,),) = loaded.clickhouse.query(
        "SELECT min(busy_seconds) FROM delivery_marts.performer_activity"
    ).result_rows
    assert busy == 0
