"""Runs again from Dagster's UI: all of it, or from where it failed. What is loaded again, and what is shown.

A run that goes on from a failure skips the days that its chain of runs has published, and still shows their
rows and the checks' results. A re-execution of everything is somebody's wish to load again.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import dagster as dg
import pytest

from marts_platform import materialization
from marts_platform.core.chains import PARENT_RUN_TAG
from marts_platform.core.mart import mart_of
from marts_platform_tests.camunda.engine import Engine, change
from marts_platform_tests.camunda.loads import Warehouse

DAYS = (date(2024, 5, 6), date(2024, 5, 7))
SPAN = {
    "dagster/asset_partition_range_start": DAYS[0].isoformat(),
    "dagster/asset_partition_range_end": DAYS[1].isoformat(),
}
RESUMED = {"dagster/is_resume_retry": "true"}
RAW = dg.AssetKey(["camunda", "act_hi_detail"])


def run_of_all(warehouse: Warehouse, **tags: str) -> dg.ExecuteInProcessResult:
    """A run of both days of every asset, with its audits."""
    from marts_platform.definitions import defs

    keys = [dg.AssetKey.from_user_string(found.mart.asset) for found in materialization.select("camunda")]
    audits = {dg.AssetCheckKey(key, audit.name) for key in keys for audit in mart_of(key).mart.audits}
    job = defs.resolve_implicit_global_asset_job_def().get_subset(
        asset_selection=set(keys), asset_check_selection=audits
    )
    return job.execute_in_process(instance=warehouse.instance, tags={**SPAN, **tags}, raise_on_error=False)


@pytest.fixture
def first_run(engine: Engine, warehouse: Warehouse) -> dg.ExecuteInProcessResult:
    """A run that has published everything: one row on the first day, two on the second."""
    noon = [datetime(day.year, day.month, day.day, 12, tzinfo=UTC).replace(tzinfo=None) for day in DAYS]
    engine.write(change(noon[0]), change(noon[1], var_inst_id_="V2"), change(noon[1], var_inst_id_="V3"))
    run = run_of_all(warehouse)
    assert run.success
    return run


def again(first: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The tags that Dagster gives a re-execution: its root is the first of all its ancestors."""
    root = first.dagster_run.tags.get("dagster/root_run_id", first.run_id)
    return {"dagster/root_run_id": root, PARENT_RUN_TAG: first.run_id}


def loads_by(warehouse: Warehouse, run_id: str) -> int:
    return warehouse.one("SELECT count(*) FROM ops.etl_run_log WHERE run_id = %s", run_id)


def shown(run: dg.ExecuteInProcessResult, figure: str) -> dict[str | None, object]:
    """A figure that the UI shows of each partition of the raw table."""
    return {
        event.partition: event.step_materialization_data.materialization.metadata[figure].value
        for event in run.all_events
        if event.is_step_materialization and event.asset_key == RAW
    }


def test_each_partition_shows_its_own_figures_not_those_of_the_run(
    warehouse: Warehouse, first_run: dg.ExecuteInProcessResult
) -> None:
    for figure in ("rows_read", "rows_written", "dagster/partition_row_count"):
        assert shown(first_run, figure) == {DAYS[0].isoformat(): 1, DAYS[1].isoformat(): 2}


def test_a_reexecution_of_everything_loads_everything_again(
    warehouse: Warehouse, first_run: dg.ExecuteInProcessResult
) -> None:
    run = run_of_all(warehouse, **again(first_run))
    assert run.success
    assert loads_by(warehouse, run.run_id) == loads_by(warehouse, first_run.run_id) == 3 * len(DAYS)


@pytest.mark.parametrize("tag", ["dagster/is_resume_retry", "dagster/is_asset_resume_retry"])
def test_a_run_that_goes_on_where_all_is_published_succeeds_and_shows_rows_and_checks(
    warehouse: Warehouse, first_run: dg.ExecuteInProcessResult, tag: str
) -> None:
    run = run_of_all(warehouse, **again(first_run), **{tag: "true"})
    assert run.success
    assert loads_by(warehouse, run.run_id) == 0
    rows = shown(run, "dagster/partition_row_count")
    assert rows == {DAYS[0].isoformat(): 1, DAYS[1].isoformat(): 2}
    evaluations = {found.asset_check_key for found in run.get_asset_check_evaluations()}
    assert evaluations == {found.asset_check_key for found in first_run.get_asset_check_evaluations()}
    assert all(found.passed for found in run.get_asset_check_evaluations())


def test_going_on_from_a_failed_reexecution_of_everything_loads_what_that_one_did_not(
    engine: Engine, warehouse: Warehouse, first_run: dg.ExecuteInProcessResult
) -> None:
    late = datetime(DAYS[1].year, DAYS[1].month, DAYS[1].day, 13, tzinfo=UTC).replace(tzinfo=None)
    engine.write(change(late, var_inst_id_="V4"))
    warehouse.execute(
        "ALTER TABLE camunda.process_variables ADD CONSTRAINT none_late CHECK (var_inst_id_ <> 'V4')"
    )
    of_all = run_of_all(warehouse, **again(first_run))
    assert not of_all.success
    retry = run_of_all(warehouse, **again(of_all), **RESUMED)
    assert not retry.success
    warehouse.execute("ALTER TABLE camunda.process_variables DROP CONSTRAINT none_late")
    last = run_of_all(warehouse, **again(retry), **RESUMED)
    assert last.success
    assert loads_by(warehouse, of_all.run_id) == 3 * len(DAYS)
    assert loads_by(warehouse, last.run_id) == 1
    assert warehouse.one("SELECT count(*) FROM camunda.process_variables") == 4
    roots = warehouse.rows("SELECT DISTINCT run_id, root_run_id FROM ops.etl_run_log")
    assert {row["run_id"]: row["root_run_id"] for row in roots} == {
        first_run.run_id: first_run.run_id,
        **dict.fromkeys((of_all.run_id, retry.run_id, last.run_id), of_all.run_id),
    }
