"""The platform through Dagster's UI: what it shows of assets, runs, backfills, the sensor, failures, kills.

Everything goes the way the UI goes, GraphQL over HTTP to a running `marts dev`; only results are looked at in
the databases too. The tests share one platform and keep to days of their own.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from marts_platform.core.mart import MAX_PARTITIONS_PER_RUN, marts
from marts_platform.definitions import defs
from marts_platform_tests.camunda.engine import change
from marts_platform_tests.ui import queries
from marts_platform_tests.ui.platform import (
    ALL,
    DOCUMENTS,
    RAW,
    REPOSITORY,
    RUN_SECONDS,
    VARIABLES,
    Platform,
    figures,
    tags,
)
from marts_platform_tests.ui.server import wait

# The first test waits for the server too.
pytestmark = pytest.mark.timeout(900)

SENSOR = {**REPOSITORY, "sensorName": "camunda_changes"}
# Days ago, within the source's history: one for each test that needs a day.
SINGLE_DAY, REPEATED_DAY = 36, 38
BACKFILL_DAYS = range(35, 5, -1)


def _key(node: dict[str, Any]) -> str:
    return "/".join(node["path"])


def test_each_asset_shows_what_it_holds_whose_it_is_and_where_it_comes_from(platform: Platform) -> None:
    nodes = {_key(node["assetKey"]): node for node in platform.ui.ask(queries.ASSET_GRAPH)["assetNodes"]}
    assert nodes.keys() == {key.to_user_string() for key in defs.resolve_all_asset_keys()}
    graph = defs.resolve_asset_graph()
    for key, registered in marts().items():
        node, table = nodes[key.to_user_string()], registered.table
        assert node["description"] == table.description
        assert node["owners"] and node["kinds"]
        assert node["groupName"] == key.path[0]
        assert set(map(_key, node["dependencyKeys"])) == {
            parent.to_user_string() for parent in graph.get(key).parent_keys
        }
        assert set(map(_key, node["dependencyKeys"])) >= {*registered.mart.upstream, *registered.mart.lookups}
        metadata = {entry["label"]: entry for entry in node["metadataEntries"]}
        assert metadata["dagster/table_name"]["text"] == table.qualified
        assert metadata["dagster/column_schema"]["schema"]["columns"] == [
            {"name": column.name, "type": column.type, "description": column.description}
            for column in table.columns
        ]
        assert all(column.description for column in table.columns)
        checks = node["assetChecksOrError"]["checks"]
        assert any(check["blocking"] for check in checks)
        assert all(check["description"] for check in checks)


def test_the_camunda_assets_form_one_graph_with_its_automation(platform: Platform) -> None:
    nodes = {_key(node["assetKey"]): node for node in platform.ui.ask(queries.ASSET_GRAPH)["assetNodes"]}
    assert sorted(map(_key, nodes[RAW]["dependedByKeys"])) == [DOCUMENTS, VARIABLES, "platform/report"]
    assert nodes[RAW]["pools"] == ["camunda"]
    for asset in ALL:
        node = nodes[asset]
        assert node["partitionDefinition"]["type"] == "TIME_WINDOW"
        assert node["backfillPolicy"] == {
            "policyType": "MULTI_RUN",
            "maxPartitionsPerRun": MAX_PARTITIONS_PER_RUN,
        }
        assert node["internalFreshnessPolicy"] is not None
        automation = {found["name"] for found in node["targetingInstigators"]}
        assert automation == {"camunda_changes", "camunda_nightly"}
    shown = {check["name"] for asset in ALL for check in nodes[asset]["assetChecksOrError"]["checks"]}
    assert shown >= {"unique_id", "agrees_with_source", "usual_volume", "json_valid", "documents_in_step"}


def test_a_materialised_partition_shows_its_rows_and_the_results_of_its_checks(platform: Platform) -> None:
    day = platform.day(SINGLE_DAY)
    run_id = platform.launch(day)
    assert platform.ended(run_id) == "SUCCESS"

    rows = platform.rows_at_source(day)
    assert rows > 0
    assert platform.row_counts(RAW, [day]) == {day: rows}
    written = "SELECT rows_written FROM ops.etl_run_log WHERE asset = %s AND run_id = %s"
    for asset in ALL:
        assert platform.partition_status(asset, day) == "MATERIALIZED"
        assert platform.row_counts(asset, [day]) == {day: platform.warehouse.one(written, asset, run_id)}
        results = platform.checks(asset)
        assert {result["runId"] for result in results.values()} == {run_id}
        assert all(result["evaluation"] is not None for result in results.values())
        blocking = [result for name, result in results.items() if name.startswith("unique_")]
        assert all(result["status"] == "SUCCEEDED" for result in blocking)
    agreement = platform.checks(RAW)["agrees_with_source"]
    assert agreement["status"] == "SUCCEEDED"
    assert figures(agreement)["rows_at_source"] == figures(agreement)["rows_in_mart"] == rows
    # It warns of what the generated history has of unreadable values.
    json_valid = platform.checks(DOCUMENTS)["json_valid"]
    standing = "SELECT count(*) FROM ops.quarantine WHERE asset = %s AND partition_key = %s"
    quarantined = platform.warehouse.one(standing, DOCUMENTS, day)
    assert json_valid["evaluation"]["success"] == (quarantined == 0)
    assert figures(json_valid)["values_quarantined"] == quarantined


def test_a_backfill_of_30_days_is_one_ranged_run_that_survives_a_kill(platform: Platform) -> None:
    days = [platform.day(ago) for ago in BACKFILL_DAYS]
    assert len(days) == 30
    backfill_id = platform.backfill(days)
    first = wait("the backfill's run", RUN_SECONDS, lambda: _runs_of(platform, backfill_id)[:1])[0]
    assert tags(first)["dagster/asset_partition_range_start"] == days[0]
    assert tags(first)["dagster/asset_partition_range_end"] == days[-1]

    pid = wait("some days of it", RUN_SECONDS, lambda: _pid_after(platform, first["runId"], 3), pause=0.05)
    os.kill(pid, signal.SIGKILL)
    wait("the backfill's end", 2 * RUN_SECONDS, lambda: _is_complete(platform, backfill_id))

    runs = _runs_of(platform, backfill_id)
    assert {run["rootRunId"] or run["runId"] for run in runs} == {first["runId"]}
    assert (runs[0]["status"], runs[-1]["status"]) == ("FAILURE", "SUCCESS")
    for asset in ALL:
        _assert_published_once(platform, asset, days, first["runId"])
        assert {platform.partition_status(asset, day) for day in days} == {"MATERIALIZED"}
    assert platform.row_counts(RAW, days) == {day: platform.rows_at_source(day) for day in days}


def _runs_of(platform: Platform, backfill_id: str) -> list[dict[str, Any]]:
    """The runs of a backfill, oldest first."""
    return platform.ui.ask(queries.BACKFILL, backfill=backfill_id)["partitionBackfillOrError"]["runs"][::-1]


def _pid_after(platform: Platform, run_id: str, published: int) -> int | None:
    """The process of a run, once it has published so many days."""
    count = "SELECT count(*) FROM ops.etl_run_log WHERE run_id = %s AND status = 'success'"
    if platform.warehouse.one(count, run_id) < published:
        return None
    entries = [entry for event in platform.events(run_id) for entry in event.get("metadataEntries", ())]
    return next(int(entry["text"]) for entry in entries if entry["label"] == "pid")


def _is_complete(platform: Platform, backfill_id: str) -> bool:
    found = platform.ui.ask(queries.BACKFILL, backfill=backfill_id)["partitionBackfillOrError"]
    assert found["status"] in {"REQUESTED", "COMPLETED", "COMPLETED_SUCCESS"}, found
    return found["status"] != "REQUESTED"


def _assert_published_once(platform: Platform, asset: str, days: list[str], root_run_id: str) -> None:
    """The chain of runs has published each day once: what the killed run had done, the retry skipped."""
    statement = (
        "SELECT partition_key, count(*) FROM ops.etl_run_log "
        "WHERE asset = %s AND root_run_id = %s AND status = 'success' GROUP BY 1"
    )
    assert dict(platform.warehouse.rows(statement, asset, root_run_id)) == dict.fromkeys(days, 1)


def test_the_sensor_sees_a_new_row_and_brings_it_into_the_mart(platform: Platform) -> None:
    with _sensor_on(platform):
        before = wait("a look of the sensor", 90, lambda: _ticks(platform))
        assert before[0]["status"] == "SKIPPED", before[0]
        assert "the newest 3 days" in before[0]["skipReason"]
        now = datetime.now(UTC)
        value = '{"report.AttachedDocuments": [{"doc.id": "seen-in-the-ui"}]}'
        platform.engine.write(
            change(now.replace(tzinfo=None), proc_inst_id_="P-ui", var_inst_id_="V-ui", text_=value)
        )
        run = wait("a run of the sensor", 120, lambda: _sensor_run(platform))
        assert platform.ended(run["runId"]) == "SUCCESS"
    assert tags(run)["dagster/partition"] == now.date().isoformat()
    assert "new" in tags(run)["marts/reason"]
    found = "SELECT doc_id FROM camunda.process_documents WHERE proc_inst_id_ = 'P-ui'"
    assert platform.warehouse.one(found) == "seen-in-the-ui"


@contextmanager
def _sensor_on(platform: Platform) -> Generator[None]:
    started = platform.ui.ask(queries.START_SENSOR, sensor=SENSOR)["startSensor"]
    assert started["sensorState"]["status"] == "RUNNING", started
    try:
        yield
    finally:
        stopped = platform.ui.ask(queries.STOP_SENSOR, id=started["sensorState"]["id"])["stopSensor"]
        assert stopped["__typename"] == "StopSensorMutationResult", stopped


def _ticks(platform: Platform) -> list[dict[str, Any]]:
    """The sensor's ended ticks, oldest first."""
    state = platform.ui.ask(queries.SENSOR, sensor=SENSOR)["sensorOrError"]["sensorState"]
    return [tick for tick in state["ticks"][::-1] if tick["status"] != "STARTED"]


def _sensor_run(platform: Platform) -> dict[str, Any] | None:
    failed = [tick for tick in _ticks(platform) if tick["status"] == "FAILURE"]
    assert not failed, failed
    wanted = {"tags": [{"key": "dagster/sensor_name", "value": SENSOR["sensorName"]}]}
    runs = platform.ui.ask(queries.RUNS, filter=wanted)["runsOrError"]["results"]
    return runs[-1] if runs else None


def test_rows_that_fail_a_blocking_audit_are_not_published_and_the_check_says_which(
    platform: Platform,
) -> None:
    day = platform.day(REPEATED_DAY)
    with _repeated_row(platform, day) as id_:
        assert platform.ended(platform.launch(day)) == "FAILURE"
    check = platform.checks(RAW)["unique_id"]
    assert check["status"] == "FAILED"
    assert (check["evaluation"]["success"], check["evaluation"]["severity"]) == (False, "ERROR")
    assert figures(check) | {"keys_with_several_rows": 1, "first_of_them": id_} == figures(check)
    for asset in ALL:
        assert platform.partition_status(asset, day) in {"FAILED", None}
        assert platform.row_counts(asset, [day]) == {}
    published = "SELECT count(*) FROM camunda.act_hi_detail WHERE (time_ AT TIME ZONE 'UTC')::date = %s"
    assert platform.warehouse.one(published, day) == 0
    error = "SELECT status, error FROM ops.etl_run_log WHERE asset = %s AND partition_key = %s"
    (status, text) = platform.warehouse.rows(error, RAW, day)[-1]
    assert status == "failed" and "unique_id" in text and "nothing was published" in text


@contextmanager
def _repeated_row(platform: Platform, day: str) -> Generator[str]:
    """A wanted row of a day stands twice at the source, for as long as the context lasts; gives its key."""
    engine = platform.engine
    wanted = "SELECT min(id_) AS id_ FROM act_hi_detail WHERE name_ = 'docIds' AND time_::date = %s::date"
    id_ = engine.rows(wanted, day)[0]["id_"]
    engine.execute("ALTER TABLE act_hi_detail DROP CONSTRAINT act_hi_detail_pkey")
    engine.execute("INSERT INTO act_hi_detail SELECT * FROM act_hi_detail WHERE id_ = %s", id_)
    try:
        yield id_
    finally:
        engine.execute(
            "DELETE FROM act_hi_detail WHERE id_ = %s "
            "AND ctid <> (SELECT min(ctid) FROM act_hi_detail WHERE id_ = %s)",
            id_,
            id_,
        )
        engine.execute("ALTER TABLE act_hi_detail ADD PRIMARY KEY (id_)")
