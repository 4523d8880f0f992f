"""The marts equal the oracle's on every row, in whatever order days are loaded, corrected and looked up."""

from __future__ import annotations

import random
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from marts_platform_tests.bionicpro import oracle
from marts_platform_tests.bionicpro.world import (
    CRM,
    DAY,
    MART,
    SUMMARY,
    TELEMETRY,
    Row,
    World,
    action,
    customer,
)

DAYS = [DAY - timedelta(days=1), DAY, DAY + timedelta(days=1)]  # of two months
USERS = range(1, 13)


def generated(seed: int, days: list[date] = DAYS, each: int = 60) -> list[Row]:
    """Actions of some users: missing values, values that are none, two prostheses, microseconds."""
    chance = random.Random(seed)

    def value(low: float, high: float) -> float | None:
        odd: list[float | None] = [None, 0.0, float("nan"), float("inf"), chance.uniform(-5, 3000)]
        return chance.choice(odd) if chance.random() < 0.2 else round(chance.uniform(low, high), 1)

    def one(day: date) -> Row:
        user = chance.choice([*USERS, -7])
        moment = datetime.combine(day, time()) + timedelta(microseconds=chance.randrange(86_400_000_000))
        return action(
            user,
            moment,
            value(50, 150),
            chance.choice(["grasp", "release", "flex", "other", None]),
            value(10, 100),
            chance.choice([None, -3, 0, *[chance.randrange(1, 500)] * 7]),
            prosthesis=f"PROT-{abs(user):03}{chance.choice(['', '', '-B'])}",
        )

    return [one(day) for day in days for _ in range(each)]


def customers(seed: int) -> list[Row]:
    """Customers: some missing, some twice, some with nothing but their number."""
    chance = random.Random(seed)
    told: list[Row] = []
    for user in USERS:
        for _ in range(chance.choice([0, 1, 1, 2, 3])):
            ordered = chance.choice([None, "2023-05-06", "2024-01-15", "1970-01-01"])
            told.append(customer(user, order_date=ordered, email=chance.choice([None, "", "a@b", "я@ё"])))
    return [*told, {"user_id": 12}]


def refuse_difference(world: World, actions: list[Row], known: list[Row]) -> None:
    taken_at = world.one("SELECT maxOrNull(taken_at) FROM bionicpro_raw.crm_users")
    expected = oracle.reports(actions, known, taken_at)
    assert expected
    found = world.reports()
    for mine, theirs in zip(found, expected, strict=True):
        assert mine == theirs
    states = world.summary()
    for mine, theirs in zip(states, oracle.summary(actions), strict=True):
        assert mine == theirs | {
            name: pytest.approx(theirs[name], rel=1e-15)
            for name in ("avg_response_time", "avg_battery_level", "actions_per_hour", "efficiency_score")
        }


def test_one_run_over_all_days(world: World) -> None:
    actions = generated(1)
    world.customers = customers(1)
    world.write(*actions)
    results = world.run(DAYS[0], len(DAYS), with_checks=True)
    assert {name: result.partitions for name, result in ((found.asset, found) for found in results)} == {
        CRM: 1, TELEMETRY: 3, MART: 3, SUMMARY: 3,
    }  # fmt: skip
    assert [name for result in results for name, passed in result.checks.items() if not passed] == []
    refuse_difference(world, actions, world.customers)


def test_days_backwards_late_rows_corrections_and_another_crm(world: World) -> None:
    actions = generated(2)
    late = generated(3, each=10)
    world.customers = customers(2)
    world.snapshot()
    world.write(*actions)
    for day in reversed(DAYS):
        world.load(day)
    refuse_difference(world, actions, world.customers)
    # Late rows, a row that is corrected, one that is deleted.
    world.write(*late)
    world.source("UPDATE telemetry_data SET response_time_ms = 77.7 WHERE id = 5")
    world.source("DELETE FROM telemetry_data WHERE id = 9")
    actions = [*actions, *late]
    actions[4] = actions[4] | {"response_time_ms": 77.7}
    del actions[8]
    world.load(DAYS[1], DAYS[0], DAYS[2])
    refuse_difference(world, actions, world.customers)
    # The CRM tells otherwise.
    world.customers = customers(4)
    world.snapshot()
    world.load(*DAYS, assets=[MART])
    refuse_difference(world, actions, world.customers)


@pytest.mark.parametrize("snapshots", [0, 1, 2])
def test_the_same_day_twice_is_the_same_table(world: World, snapshots: int) -> None:
    world.customers = customers(5)
    for _ in range(min(snapshots, 1)):
        world.snapshot()
    world.write(*generated(5, [DAY]))
    world.load(DAY)
    every = "SELECT * FROM bionicpro_reports.reports_data_mart ORDER BY ALL"
    before, states = world.rows(every), world.summary()
    # As if it had been written an hour ago: a time of now would show.
    world.clickhouse.command(
        "ALTER TABLE bionicpro_reports.reports_data_mart "
        "UPDATE created_at = created_at - 3600, updated_at = updated_at - 1800 WHERE 1 "
        "SETTINGS mutations_sync = 2"
    )
    aged = world.rows(every)
    assert aged != before
    if snapshots == 2:
        # One that tells the same is said to be where the report is from, and changes nothing of what it says.
        world.snapshot()
        taken_at = world.one("SELECT max(taken_at) FROM bionicpro_raw.crm_users")
        aged = [row | {"crm_taken_at": taken_at} for row in aged]
    world.load(DAY)
    assert world.rows(every) == aged, "its times as well"
    assert world.summary() == states
    # One report changes: when it appeared stays, when it changed does not.
    world.write(action(USERS[0], seconds=7))
    world.load(DAY)
    changed = [(was, row) for was, row in zip(aged, world.rows(every), strict=True) if was != row]
    assert [(row["user_id"], row["prosthesis_id"]) for _, row in changed] == [(1, "PROT-001")]
    ((was, row),) = changed
    assert row["created_at"] == was["created_at"]
    assert row["updated_at"] > was["updated_at"]


def test_a_day_that_had_rows_and_then_has_none_ends_empty(world: World) -> None:
    world.write(action(1), action(2), action(1, datetime.combine(DAYS[2], time(9))))
    world.load(*DAYS)
    assert len(world.reports()) == 3
    world.source("DELETE FROM telemetry_data WHERE created_at::date = %s", DAY)
    world.load(*DAYS)
    left: list[dict[str, Any]] = [{"user_id": 1, "report_date": DAYS[2]}]
    assert world.reports("user_id, report_date") == left
    assert [{name: row[name] for name in left[0]} for row in world.summary()] == left
    assert world.one("SELECT count() FROM bionicpro_raw.telemetry") == 1
