"""Local times without a zone: on the days when clocks change each row is in exactly one partition."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from marts_platform.camunda.sources import CamundaSource
from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

RAW = "camunda/act_hi_detail"


@pytest.mark.parametrize(
    ("zone", "changes_on"),
    [
        ("Europe/Berlin", date(2024, 3, 31)),
        ("Europe/Berlin", date(2024, 10, 27)),
        ("America/New_York", date(2024, 3, 10)),
        ("America/New_York", date(2024, 11, 3)),
    ],
    ids=str,
)
def test_each_row_is_in_one_partition_and_none_is_missing(
    engine_of_each_server: Engine,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    changes_on: date,
) -> None:
    engine = engine_of_each_server
    monkeypatch.setenv("MARTS_CAMUNDA_TIMEZONE", zone)
    first = changes_on - timedelta(days=1)
    # Every quarter of an hour on the clock: also of the hour that does not exist, and the one that is twice.
    times = [at(first, 0) + number * timedelta(minutes=15) for number in range(3 * 96)]
    engine.write(*(change(time_, id_=str(time_), var_inst_id_=str(time_)) for time_ in times))
    days = [first + timedelta(days=number) for number in range(-1, 5)]
    warehouse.load_bare(*days, selection=RAW)
    rows = warehouse.rows("SELECT id_, time_ FROM camunda.act_hi_detail")
    assert sorted(row["id_"] for row in rows) == [str(time_) for time_ in times]
    # The engine's own server is asked what the local times mean.
    meant = engine.rows("SELECT id_, time_ AT TIME ZONE %s AS time_ FROM act_hi_detail", zone)
    assert {row["id_"]: row["time_"] for row in rows} == {row["id_"]: row["time_"] for row in meant}
    published = warehouse.rows(
        "SELECT partition_key, rows_written, fingerprint FROM ops.etl_run_log WHERE status = 'success'"
    )
    assert sum(row["rows_written"] for row in published) == len(times)
    states = (
        CamundaSource()
        .source_state("camunda/act_hi_detail", [slice_of(DAILY, day.isoformat()) for day in days])
        .fingerprints
    )
    assert {row["partition_key"]: row["fingerprint"] for row in published} == states


def test_another_zone_makes_every_loaded_day_stale(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    day = date(2024, 5, 14)
    engine.write(
        change(at(day, 23, 30), id_="late in the evening"), change(at(day, 12), id_="noon", var_inst_id_="V2")
    )
    warehouse.load_pending()
    monkeypatch.setenv("MARTS_CAMUNDA_TIMEZONE", "America/New_York")
    loaded = {result.asset: result.partitions for result in warehouse.load_pending()}
    assert loaded[RAW] == 2
    rows = warehouse.rows("SELECT id_, time_ AT TIME ZONE 'UTC' AS utc FROM camunda.act_hi_detail ORDER BY 1")
    assert {row["id_"]: row["utc"] for row in rows} == {
        "late in the evening": datetime.combine(day + timedelta(days=1), at(day, 3, 30).time()),
        "noon": at(day, 16),
    }
    assert len(rows) == 2


def test_another_zone_loses_no_row_that_the_engine_deleted_unnoticed(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, gone = date(2024, 5, 14), date(2024, 5, 20)
    late = at(day, 23, 30)
    engine.write(
        change(at(day, 12), id_="noon"),
        change(at(day, 13), id_="deleted at one", var_inst_id_="V2"),
        change(late, id_="deleted late", var_inst_id_="V3"),
        change(late, id_="moves", var_inst_id_="V4"),
        change(late + timedelta(days=2), id_="moves alone", var_inst_id_="V5"),
        change(at(gone), id_="the only one of its day", var_inst_id_="V6"),
    )
    engine.execute("UPDATE act_hi_detail SET removal_time_ = '2024-06-01'")
    warehouse.load_pending()
    engine.execute("DELETE FROM act_hi_detail WHERE id_ LIKE %s OR id_ LIKE %s", "deleted%", "the only%")
    monkeypatch.setenv("MARTS_CAMUNDA_TIMEZONE", "America/New_York")
    warehouse.load_pending()
    rows = warehouse.rows(
        "SELECT id_, time_ AT TIME ZONE 'UTC' AS utc, is_purged_ FROM camunda.act_hi_detail"
    )
    assert sorted((row["id_"], row["utc"], row["is_purged_"]) for row in rows) == [
        ("deleted at one", at(day, 13), True),
        ("deleted late", late, True),
        ("moves", late + timedelta(hours=4), False),
        ("moves alone", late + timedelta(days=2, hours=4), False),
        ("noon", at(day, 16), False),
        ("the only one of its day", at(gone), True),
    ]
    assert warehouse.load_pending() == []


def test_another_choice_of_variables_reaches_days_that_the_engine_deleted(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.write(change(at(date(2024, 5, 14)), id_="D1"))
    warehouse.load_pending()
    engine.execute("DELETE FROM act_hi_detail")
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "contextData")
    warehouse.load_pending()
    assert warehouse.table("act_hi_detail", "id_") == {}
