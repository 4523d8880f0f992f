"""The golden case to the last digit, and the mart's declaration word by word."""

from __future__ import annotations

from datetime import date, timedelta

from marts_platform_tests.bionicpro.oracle import float32
from marts_platform_tests.bionicpro.world import DAY, World, action, at

BEFORE = DAY - timedelta(days=1)
GOLDEN = {
    "total_actions": 3,
    "avg_response_time": float32(85.3),
    "max_response_time": float32(92.3),
    "min_response_time": float32(78.1),
    "grasp_count": 1,
    "release_count": 1,
    "flex_count": 1,
    "avg_battery_level": float32(74.43333333333334),
    "min_battery_level": float32(73.8),
    "total_usage_seconds": 325,
    "usage_hours": float32(0.09027777777777778),
    "actions_per_hour": float32(33.23076923076923),
    "efficiency_score": float32(91.47),
}
CUSTOMER = {
    "user_id": 1,
    "email": "user1@example.com",
    "first_name": "User",
    "last_name": "One",
    "prosthesis_id": "PROT-001",
    "order_date": "2024-01-15",
    "status": "active",
}
COLUMNS = """
user_id UInt32
email String
first_name String
last_name String
prosthesis_id String
report_date Date
total_actions UInt32
avg_response_time Float32
max_response_time Float32
min_response_time Float32
grasp_count UInt32
release_count UInt32
flex_count UInt32
avg_battery_level Float32
min_battery_level Float32
total_usage_seconds UInt32
usage_hours Float32
actions_per_hour Float32
efficiency_score Float32
order_date Date
status String
created_at DateTime DEFAULT now()
updated_at DateTime DEFAULT now()
""".strip().splitlines()


def test_the_golden_case_to_the_last_digit(world: World) -> None:
    world.write(
        action(1, at(10), 85.5, "grasp", 75.0, 120),
        action(1, at(11), 92.3, "release", 74.5, 110),
        action(1, at(12), 78.1, "flex", 73.8, 95),
        action(1, at(10, day=BEFORE), 88.2, "grasp", 80.0, 130),
        action(1, at(11, day=BEFORE), 95.4, "release", 79.2, 115),
    )
    world.customers = [CUSTOMER]
    world.snapshot()
    taken_at = world.one("SELECT max(taken_at) FROM bionicpro_raw.crm_users")
    world.load(DAY)
    assert world.reports() == [{
        **CUSTOMER,
        "report_date": DAY,
        "order_date": date(2024, 1, 15),
        **GOLDEN,
        "response_time_samples": 3,
        "battery_level_samples": 3,
        "usage_samples": 3,
        "is_in_crm": True,
        "has_order_date": True,
        "crm_taken_at": taken_at,
    }]  # fmt: skip
    (row,) = world.summary()
    exact = {
        "avg_response_time": 85.3, "avg_battery_level": 74.43333333333334, "usage_hours": 0.09027777777777778,
        "actions_per_hour": 33.23076923076923, "efficiency_score": 91.47, "max_response_time": 92.3,
        "total_actions": 3, "prostheses": 1,
    }  # fmt: skip
    assert {name: row[name] for name in exact} == exact


def test_the_mart_is_declared_as_it_was_specified(world: World) -> None:
    columns = world.rows(
        "SELECT name, type, default_kind, default_expression FROM system.columns "
        "WHERE database = 'bionicpro_reports' AND table = 'reports_data_mart' ORDER BY position"
    )
    found = [" ".join(filter(None, row.values())) for row in columns]
    assert found[: len(COLUMNS)] == COLUMNS
    assert [name.split()[0] for name in found[len(COLUMNS) :]] == [
        "response_time_samples", "battery_level_samples", "usage_samples", "is_in_crm", "has_order_date",
        "crm_taken_at",
    ]  # fmt: skip
    (table,) = world.rows(
        "SELECT engine, partition_key, sorting_key, primary_key, engine_full FROM system.tables "
        "WHERE database = 'bionicpro_reports' AND name = 'reports_data_mart'"
    )
    assert table.pop("engine_full").endswith("SETTINGS index_granularity = 8192")
    assert table == {
        "engine": "MergeTree",
        "partition_key": "toYYYYMM(report_date)",
        "sorting_key": "user_id, report_date, prosthesis_id",
        "primary_key": "user_id, report_date",
    }
