"""The sensor compares the newest days with their source, and asks for what differs: once for each state."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from marts_platform import settings
from marts_platform.definitions import RESOURCES, defs
from marts_platform.materialization import MaterializationError
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.camunda.loads import Warehouse

ASSETS = {"camunda/act_hi_detail", "camunda/process_variables", "camunda/process_documents"}


@pytest.fixture
def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def look(warehouse: Warehouse) -> Sequence[dg.RunRequest]:
    """What the sensor asks for when it looks."""
    with dg.build_sensor_context(
        instance=warehouse.instance, resources=RESOURCES, repository_def=defs.get_repository_def()
    ) as context:
        seen = defs.resolve_sensor_def("camunda_changes").evaluate_tick(context)
    assert bool(seen.run_requests) != bool(seen.skip_message)
    return seen.run_requests or []


def assets_of(request: dg.RunRequest) -> set[str]:
    return {key.to_user_string() for key in request.asset_selection or ()}


def test_nothing_is_asked_for_when_there_is_nothing(engine: Engine, warehouse: Warehouse) -> None:
    assert look(warehouse) == []


def test_an_insert_asks_for_its_partition_once_and_a_load_settles_it(
    engine_of_each_server: Engine, warehouse: Warehouse, yesterday: date
) -> None:
    engine_of_each_server.write(change(at(yesterday)))
    (first,) = look(warehouse)
    assert first.partition_key == yesterday.isoformat()
    assert assets_of(first) == ASSETS
    assert [request.run_key for request in look(warehouse)] == [first.run_key]
    warehouse.load(yesterday)
    assert look(warehouse) == []
    engine_of_each_server.write(change(at(yesterday, 3), var_inst_id_="V2"))
    (second,) = look(warehouse)
    assert second.partition_key == first.partition_key and second.run_key != first.run_key


def test_a_change_that_was_purged_or_altered_asks_again(
    engine: Engine, warehouse: Warehouse, yesterday: date
) -> None:
    engine.write(change(at(yesterday), id_="D1"), change(at(yesterday), id_="D2", var_inst_id_="V2"))
    warehouse.load(yesterday)
    engine.execute("UPDATE act_hi_detail SET removal_time_ = now() + interval '30 days'")
    assert len(look(warehouse)) == 1
    warehouse.load(yesterday)
    assert look(warehouse) == []
    engine.execute("DELETE FROM act_hi_detail WHERE id_ = 'D1'")
    assert len(look(warehouse)) == 1


def look_of_the_night(instance: dg.DagsterInstance) -> list[str | None]:
    """The days that the schedule asks for."""
    with dg.build_schedule_context(
        instance=instance, resources=RESOURCES, repository_def=defs.get_repository_def()
    ) as context:
        tick = defs.resolve_schedule_def("camunda_nightly").evaluate_tick(context)
    return [request.partition_key for request in tick.run_requests or ()]


def test_days_before_the_look_back_are_left_to_the_schedule(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance, yesterday: date
) -> None:
    long_ago = yesterday - timedelta(days=20)
    engine.write(change(at(long_ago)))
    assert look(warehouse) == []
    assert look_of_the_night(instance) == [long_ago.isoformat()]


def test_what_the_clean_up_deletes_of_old_days_is_noticed_by_sensor_and_schedule(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance, yesterday: date
) -> None:
    long_ago = yesterday - timedelta(days=180)
    engine.write(change(at(long_ago)))
    warehouse.load(long_ago)
    assert look_of_the_night(instance) == []
    engine.execute("DELETE FROM act_hi_detail")
    assert [request.partition_key for request in look(warehouse)] == [long_ago.isoformat()]
    assert look_of_the_night(instance) == [long_ago.isoformat()]


def test_a_mart_that_is_behind_is_asked_for_alone(
    engine: Engine, warehouse: Warehouse, yesterday: date
) -> None:
    engine.write(change(at(yesterday)))
    warehouse.load(yesterday, selection="camunda/act_hi_detail")
    warehouse.load(yesterday, selection="camunda/process_variables")
    (request,) = look(warehouse)
    assert assets_of(request) == {"camunda/process_documents"}


def test_a_failed_run_is_asked_for_again_after_a_while(
    engine: Engine, warehouse: Warehouse, yesterday: date, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_COMPARES_BYTES", "false")  # the looks do without the table
    engine.write(change(at(yesterday)))
    (first,) = look(warehouse)
    engine.execute("ALTER TABLE act_ge_bytearray RENAME TO elsewhere")
    keys = {first.run_key}
    for minutes in (1, 2, 4):
        with pytest.raises(MaterializationError, match="act_ge_bytearray"):
            warehouse.load(yesterday)
        assert look(warehouse) == []
        pass_time(warehouse, timedelta(minutes=minutes, seconds=-10))
        assert look(warehouse) == []
        pass_time(warehouse, timedelta(seconds=10))
        (again,) = look(warehouse)
        assert again.partition_key == yesterday.isoformat()
        assert again.run_key not in keys
        keys.add(again.run_key)
    engine.execute("ALTER TABLE elsewhere RENAME TO act_ge_bytearray")
    warehouse.load(yesterday)
    assert look(warehouse) == []


@pytest.mark.parametrize("end", ["report_run_failed", "report_run_canceled"])
def test_a_run_that_ended_before_it_came_to_the_run_log_is_asked_for_again_after_a_while(
    engine: Engine, warehouse: Warehouse, instance: dg.DagsterInstance, yesterday: date, end: str
) -> None:
    warehouse.instance = instance
    engine.write(change(at(yesterday)))
    keys: set[str | None] = set()
    for minutes in (1, 2, 4):
        (request,) = look(warehouse)
        assert request.run_key not in keys
        keys.add(request.run_key)
        getattr(instance, end)(launched(request, instance))
        assert look(warehouse) == []
        pass_time_of_runs(timedelta(minutes=minutes, seconds=-20))
        assert look(warehouse) == []
        pass_time_of_runs(timedelta(seconds=20))
    (request,) = look(warehouse)
    getattr(instance, end)(launched(request, instance))
    # Another state is asked for without delay.
    engine.write(change(at(yesterday, 3), var_inst_id_="V2"))
    (other,) = look(warehouse)
    assert other.run_key not in keys
    assert warehouse.rows("SELECT * FROM ops.etl_run_log") == []


def launched(request: dg.RunRequest, instance: dg.DagsterInstance) -> DagsterRun:
    """The run that Dagster makes of a request, before it has done anything."""
    assert request.asset_selection is not None and request.partition_key is not None
    run = DagsterRun(
        job_name="__ASSET_JOB",
        run_id=str(uuid4()),
        status=DagsterRunStatus.STARTING,
        tags={**request.tags, "dagster/partition": request.partition_key},
        asset_selection=frozenset(request.asset_selection),
    )
    return instance.add_run(run)


def pass_time_of_runs(span: timedelta) -> None:
    """Makes the ends of Dagster's runs that much older."""
    url = settings.load().url("dagster_url")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE runs SET end_time = end_time - %s", [span.total_seconds()])


def pass_time(warehouse: Warehouse, span: timedelta) -> None:
    """Makes what the run log has that much older."""
    warehouse.execute(
        "UPDATE ops.etl_run_log SET started_at = started_at - %s, finished_at = finished_at - %s", span, span
    )


@pytest.mark.parametrize("is_range", [False, True], ids=["of its own", "of a range"])
def test_a_partition_that_a_run_has_in_hand_is_left_to_it(
    engine: Engine, warehouse: Warehouse, yesterday: date, is_range: bool
) -> None:
    engine.write(change(at(yesterday)), change(at(yesterday - timedelta(days=1)), var_inst_id_="V2"))
    assert len(look(warehouse)) == 2
    key = yesterday.isoformat()
    start, end = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
    in_hand = DagsterRun(
        job_name="__ASSET_JOB",
        run_id=str(uuid4()),
        status=DagsterRunStatus.STARTED,
        tags={start: key, end: key} if is_range else {"dagster/partition": key},
    )
    warehouse.instance.add_run(in_hand)
    (left,) = look(warehouse)
    assert left.partition_key == (yesterday - timedelta(days=1)).isoformat()


def test_a_source_that_is_away_is_an_error_of_the_tick_and_no_request(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_CAMUNDA_URL", "postgresql://nobody:hidden@127.0.0.1:1/camunda")
    with pytest.raises(Exception, match="refused") as fault:
        look(warehouse)
    assert "hidden" not in str(fault.value)
