"""The real history, whose engine kept the current values itself: the mart has the same, 951 of 951."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from dagster import DagsterInstance

from marts_platform.migrations import runner
from marts_platform_tests import databases
from marts_platform_tests.camunda.engine import Engine
from marts_platform_tests.camunda.loads import Warehouse

FIRST, END = date(2022, 10, 18), date(2022, 11, 3)
WITH_ROWS = [
    date(2022, 10, 18),
    date(2022, 10, 19),
    *(date(2022, 10, day) for day in (24, 25, 26)),
    date(2022, 11, 2),
]
DETAILS = {
    "2022-10-18": 27,
    "2022-10-19": 221,
    "2022-10-24": 279,
    "2022-10-25": 323,
    "2022-10-26": 304,
    "2022-11-02": 160,
}

# rev_ is missing: the engine counts a variable's revisions for itself.
HELD_BY_THE_ENGINE = """
    SELECT id_ AS var_inst_id_, proc_inst_id_, execution_id_, name_, var_type_, text_, text2_, long_, double_
    FROM act_hi_varinst
"""
HELD_BY_THE_MART = """
    SELECT var_inst_id_, proc_inst_id_, execution_id_, name_, var_type_, text_, text2_, long_, double_
    FROM camunda.process_variables
"""


@pytest.fixture(autouse=True)
def _all_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "*")


def expect_the_engines_values(engine: Engine, warehouse: Warehouse) -> None:
    held = {row["var_inst_id_"]: row for row in engine.rows(HELD_BY_THE_ENGINE)}
    found = {row["var_inst_id_"]: row for row in warehouse.rows(HELD_BY_THE_MART)}
    assert len(held) == len(found) == 951
    assert found == held
    rows = warehouse.rows(
        "SELECT to_char(time_, 'YYYY-MM-DD') AS day, count(*) FROM camunda.act_hi_detail GROUP BY 1"
    )
    assert {row["day"]: row["count"] for row in rows} == DETAILS
    assert warehouse.lost_rows() == []


def test_one_run_over_all_days_gives_the_engines_values(
    engine_of_each_server: Engine, warehouse: Warehouse
) -> None:
    engine_of_each_server.load_real_history()
    warehouse.load(FIRST, END)
    expect_the_engines_values(engine_of_each_server, warehouse)
    assert warehouse.one("SELECT count(*) FROM camunda.process_documents") == 0


def test_the_oldest_server_that_may_be_a_warehouse_holds_the_same(
    engine: Engine, ephemeral_instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = databases.service("MARTS_TEST_OLDEST_WAREHOUSE_URL")
    engine.load_real_history()
    with databases.scratch_database(server, databases.user_of(server)) as name:
        url = databases.at_database(server, name)
        assert runner.upgrade(url) != "base"
        monkeypatch.setenv("MARTS_WAREHOUSE_URL", url)
        with Warehouse.connected(url, ephemeral_instance) as warehouse:
            for day in WITH_ROWS:
                warehouse.load(day)
            expect_the_engines_values(engine, warehouse)


def test_what_is_pending_is_the_days_with_rows(engine_of_each_server: Engine, warehouse: Warehouse) -> None:
    engine_of_each_server.load_real_history()
    loaded = {result.asset: result.partitions for result in warehouse.load_pending(with_checks=True)}
    assert loaded == dict.fromkeys(
        ("camunda/act_hi_detail", "camunda/process_variables", "camunda/process_documents"), 6
    )
    expect_the_engines_values(engine_of_each_server, warehouse)
    assert warehouse.load_pending() == []


@pytest.mark.parametrize(
    "days",
    [
        pytest.param(WITH_ROWS, id="day by day"),
        pytest.param([END, *WITH_ROWS[::-1], FIRST - timedelta(days=1)], id="in reverse, empty days around"),
    ],
)
def test_days_in_any_order_give_the_engines_values(
    engine_of_each_server: Engine, warehouse: Warehouse, days: Sequence[date]
) -> None:
    engine_of_each_server.load_real_history()
    for day in days:
        warehouse.load_bare(day)
    expect_the_engines_values(engine_of_each_server, warehouse)


def test_any_day_twice_gives_the_engines_values(engine: Engine, warehouse: Warehouse) -> None:
    engine.load_real_history()
    warehouse.load_bare(*WITH_ROWS)
    for day in WITH_ROWS:
        warehouse.load_bare(day)
        expect_the_engines_values(engine, warehouse)


def test_a_dagster_run_a_day_in_reverse_gives_the_engines_values(
    engine: Engine, warehouse: Warehouse
) -> None:
    engine.load_real_history()
    for day in reversed(WITH_ROWS):
        warehouse.load(day)
    expect_the_engines_values(engine, warehouse)
