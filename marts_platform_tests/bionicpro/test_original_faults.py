"""What the original process does wrong, one test each: each fails where it is done the original's way."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from marts_platform.materialization import MaterializationError
from marts_platform_tests.bionicpro.world import CRM, DAY, MART, World, action, at, customer
from marts_platform_tests.http_service import Answer

NEXT = DAY + timedelta(days=1)
MARTS = "bionicpro_reports"


def test_a_retry_doubles_nothing(world: World) -> None:
    world.write(action(1), action(1), action(2))
    world.load(DAY)
    once = world.reports()
    world.load(DAY)
    world.load(DAY)
    assert world.reports() == once
    assert [row["total_actions"] for row in once] == [2, 1]


def test_a_run_for_a_day_loads_that_day_whatever_the_clock_says(world: World) -> None:
    first = date(2024, 1, 1)
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    world.write(action(1, at(10, day=first)), action(2, at(10, day=yesterday)), action(3, at(0, day=NEXT)))
    world.load(first)
    assert world.reports("user_id, report_date") == [{"user_id": 1, "report_date": first}]


def test_a_crm_that_is_away_invents_nobody_and_stops_no_report(world: World) -> None:
    world.write(action(1))
    world.crm.answer = lambda _: Answer("out of order", 404)
    with pytest.raises(MaterializationError, match="answered 404 Not Found"):
        world.run()
    assert world.one("SELECT count() FROM bionicpro_raw.crm_users") == 0
    assert world.reports("user_id, email, status, is_in_crm, crm_taken_at") == [
        {"user_id": 1, "email": "", "status": "unknown", "is_in_crm": False, "crm_taken_at": None}
    ]
    assert world.postgres.log(asset=CRM) == ["failed"]


def test_a_crm_without_customers_drops_no_day(world: World) -> None:
    world.write(action(1), action(2))
    world.customers = []
    world.snapshot()
    world.load(DAY)
    assert world.reports("user_id, total_actions") == [
        {"user_id": 1, "total_actions": 1}, {"user_id": 2, "total_actions": 1},
    ]  # fmt: skip


def test_the_summary_keeps_averages_through_merges(world: World) -> None:
    world.write(action(1, at(9), 80.0, battery=90.0), action(1, at(10), 120.0, battery=10.0, prosthesis="B"))
    world.write(action(1, at(11), 100.0, battery=20.0, prosthesis="B"))
    world.load(DAY)
    before = world.summary()
    assert [
        (row["avg_response_time"], row["max_response_time"], row["min_battery_level"], row["prostheses"])
        for row in before
    ] == [(100.0, 120.0, 10.0, 2)]
    # States of one user and day in two parts, as a merge meets them: half of the day beside the other half.
    world.clickhouse.command(f"""
        INSERT INTO {MARTS}.user_reports_summary_states
        SELECT * FROM {MARTS}.user_reports_summary_states
    """)
    doubled = world.summary()
    world.clickhouse.command(f"OPTIMIZE TABLE {MARTS}.user_reports_summary_states FINAL")
    assert world.one(f"SELECT count() FROM {MARTS}.user_reports_summary_states") == 1
    assert world.summary() == doubled
    (row,) = doubled
    assert (row["avg_response_time"], row["max_response_time"], row["min_battery_level"]) == (
        100.0,
        120.0,
        10.0,
    )
    assert row["total_actions"] == 6
    # The original's engine, on the same figures: the averages of two prostheses become their sum.
    world.clickhouse.command(f"""
        CREATE TABLE {MARTS}.original (user_id UInt32, report_date Date, avg_response_time Float32)
        ENGINE = SummingMergeTree ORDER BY (user_id, report_date)
    """)
    try:
        for _ in range(2):
            world.clickhouse.command(f"INSERT INTO {MARTS}.original SELECT 1, '2024-03-01', 100")
        world.clickhouse.command(f"OPTIMIZE TABLE {MARTS}.original FINAL")
        assert world.one(f"SELECT avg_response_time FROM {MARTS}.original") == 200.0
    finally:
        world.clickhouse.command(f"DROP TABLE {MARTS}.original SYNC")
    # And the day rewritten is the day once.
    world.load(DAY)
    assert world.summary() == before


@pytest.mark.parametrize("value", ["15.01.2024", "", "2024-02-30", "1965-05-01", "9999-12-31", 0, 1705276800])
def test_a_date_that_cannot_be_read_is_in_quarantine_and_not_1970(world: World, value: object) -> None:
    world.write(action(1), action(2))
    world.customers = [customer(1, order_date=value), customer(2)]
    outcome = world.snapshot()
    figures = outcome.figures
    assert (figures.rows_read, figures.rows_quarantined, figures.values_quarantined) == (2, 0, 1)
    world.load(DAY, assets=["bionicpro/telemetry", MART])
    assert world.reports("user_id, is_in_crm, has_order_date") == [
        {"user_id": 1, "is_in_crm": True, "has_order_date": False},
        {"user_id": 2, "is_in_crm": True, "has_order_date": True},
    ]
    ((key, reason, payload),) = world.quarantine(CRM)
    assert (key, reason.split(":")[0]) == ("user 1", "order_date")
    assert "user1@example.com" in payload
