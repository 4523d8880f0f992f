"""Evaluations by sensor, schedule and command: bounded in time, of all days; one fault stops no other."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg
import pytest
from sqlalchemy.engine import make_url

from marts_platform import demonstration
from marts_platform.core.coverage import missed_in_words
from marts_platform.core.planning import ALL, plan
from marts_platform.core.sensors import run_requests
from marts_platform.definitions import RESOURCES, defs
from marts_platform.demonstration import materialize_selection
from marts_platform.embedded.server import free_port
from marts_platform.materialization import AssetResult, compare, materialize, pending_batches, select
from marts_platform.settings import ExpectedError
from marts_platform_tests.camunda.engine import Engine, at, change
from marts_platform_tests.marts import Warehouse, migrated_database, start_on, warehouse, warehouse_template
from marts_platform_tests.slow_door import slow_door
from marts_platform_tests.test_materialization import engine

if TYPE_CHECKING:
    from dagster import DagsterInstance

__all__ = ["engine", "migrated_database", "warehouse", "warehouse_template"]

RAW = "camunda/act_hi_detail"
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def days_ago(number: int) -> date:
    return TODAY - timedelta(days=number)


def write_days(engine: Engine, *numbers: int) -> None:
    engine.write(*(
        change(at(days_ago(number)), proc_inst_id_=f"P{number}", var_inst_id_=f"V{number}")
        for number in numbers
    ))  # fmt: skip


def load(instance: DagsterInstance, selection: str = RAW) -> list[AssetResult]:
    return materialize(pending_batches(select(selection)), instance, with_checks=False)


def evaluate(name: str, instance: dg.DagsterInstance) -> tuple[list[str | None], str | None]:
    """The partitions that a sensor or schedule asks for, and its skip reason."""
    repository = defs.get_repository_def()
    if name in {found.name for found in defs.schedules or ()}:
        with dg.build_schedule_context(
            instance=instance, resources=RESOURCES, repository_def=repository
        ) as context:
            tick: Any = defs.resolve_schedule_def(name).evaluate_tick(context)
    else:
        with dg.build_sensor_context(
            instance=instance, resources=RESOURCES, repository_def=repository
        ) as context:
            tick = defs.resolve_sensor_def(name).evaluate_tick(context)
    return [request.partition_key for request in tick.run_requests or ()], tick.skip_message


# Partitions of any age


def test_a_change_of_any_age_is_found_within_the_stated_evaluations(
    engine: Engine, instance: DagsterInstance
) -> None:
    write_days(engine, 1, *range(40, 46))
    load(instance, "camunda")
    engine.write(change(at(days_ago(45), 3), proc_inst_id_="late", var_inst_id_="late"))
    # A sensor of Camunda's compares one older day at a time: six of them within six evaluations.
    found = [evaluate("camunda_changes", instance)[0] for _ in range(6)]
    assert [days_ago(45).isoformat()] in found
    # It differed and was not loaded: it is compared again at each evaluation, beside the others.
    assert evaluate("camunda_changes", instance)[0] == [days_ago(45).isoformat()]


def test_the_command_compares_every_partition_when_told_so(
    engine: Engine, instance: DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("marts_platform.materialization._COMPARED_OLDER_ROWS", 0)
    write_days(engine, *range(32, 72))
    load(instance)
    engine.write(change(at(days_ago(71), 3), proc_inst_id_="late", var_inst_id_="late"))
    registered = select(RAW)
    assert compare(registered).coverage[RAW].older_compared == 30
    assert pending_batches(registered, made=compare(registered, ALL)) != []
    late = "SELECT count(*) FROM camunda.act_hi_detail WHERE proc_inst_id_ = 'late'"
    materialize_selection(RAW, None, None, older=0)
    assert warehouse.one(late) == 0
    materialize_selection(RAW, None, None, older=ALL)
    assert warehouse.one(late) == 1


def test_days_that_are_new_between_loaded_ones_are_asked_for(
    engine: Engine, ephemeral_instance: DagsterInstance
) -> None:
    keys = [
        registered.key for registered in (defs.resolve_asset_graph().get(dg.AssetKey.from_user_string(RAW)),)
    ]
    write_days(engine, 1, 40)
    load(ephemeral_instance)
    write_days(engine, 30, 50)
    asked = [
        request.partition_key for request in run_requests(keys, RESOURCES, ephemeral_instance, 3, swept=3)
    ]
    # The one before all that was loaded is history, which is left to a backfill or the command.
    assert asked == [days_ago(30).isoformat()]


def test_a_later_start_leaves_earlier_days_alone_and_loads_the_rest(
    engine: Engine,
    ephemeral_instance: DagsterInstance,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_days(engine, 1, 40)
    load(ephemeral_instance, "camunda")
    # Both days are stale, and what is made of them.
    monkeypatch.setenv("MARTS_CAMUNDA_VARIABLES", "docIds")
    start_on(days_ago(10), monkeypatch)
    registered = select("camunda")
    keys = [dg.AssetKey.from_user_string(found.mart.asset) for found in registered]
    made = compare(registered, ALL)
    assert {key for found in made.pending.values() for key in found} == {YESTERDAY.isoformat()}
    asked = [
        request.partition_key for request in run_requests(keys, RESOURCES, ephemeral_instance, 3, swept=100)
    ]
    assert asked == [YESTERDAY.isoformat()]
    materialize(pending_batches(registered, made=made), ephemeral_instance, with_checks=True)
    assert pending_batches(registered) == []
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 2


# Time


def test_a_slow_line_to_the_source_is_asked_in_few_messages(
    engine: Engine, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(engine, 1, *range(35, 47))
    load(instance, "camunda")
    url = make_url(engine.reader_url)
    with slow_door(url.port or 5432, 0.6) as door:
        through = url.set(port=door.port).render_as_string(hide_password=False)
        monkeypatch.setenv("MARTS_CAMUNDA_URL", through)
        asked, said = evaluate("camunda_nightly", instance)
    assert asked == [] and said is not None
    assert said.startswith(f"the newest 30 days and all 12 older ones of {RAW} are as their source")
    assert door.messages < 25  # of 0.6 s each


def test_an_evaluation_ends_with_its_time_and_the_next_goes_on(
    engine: Engine, ephemeral_instance: DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_days(engine, 1, *range(35, 47))
    load(ephemeral_instance)
    url = make_url(engine.reader_url)
    compared = "SELECT count(*) FROM ops.partition_comparisons WHERE compared_at IS NOT NULL"
    counts: list[int] = []
    warehouse.rows("TRUNCATE ops.partition_comparisons")  # losing it costs nothing
    with slow_door(url.port or 5432, 0.1) as door:
        through = url.set(port=door.port).render_as_string(hide_password=False)
        monkeypatch.setenv("MARTS_CAMUNDA_URL", through)
        while not counts or (counts[-1] < 24 and len(counts) < 40):
            made = plan(select(RAW), RESOURCES, 12, swept=12, seconds=0.5)
            assert not made.errors
            counts.append(warehouse.one(compared))
            if counts[-1] < 24:
                (said,) = missed_in_words(made.coverage)
                assert "were not compared in time" in said and "the oldest comparison is of" in said
    # The newest ones and the older ones have all had their turn.
    assert counts[0] < 24 and counts[-1] == 24


def test_a_plan_of_10000_partitions_finds_each(
    engine: Engine, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.rows(
        "INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, fingerprint, "
        "rows_read, rows_written, rows_quarantined, finished_at) "
        "SELECT asset, (date '1999-01-01' + n)::text, 'r', 'r', 'success', 'x', 1, 1, 0, now() "
        "FROM generate_series(0, 9999) AS n, unnest(%s) AS asset",
        [RAW, "camunda/process_variables", "camunda/process_documents"],
    )
    warehouse.rows("ANALYZE ops.etl_run_log")
    start = datetime(1999, 1, 1, tzinfo=UTC)
    definition = dg.DailyPartitionsDefinition(start_date=start, timezone="UTC", end_offset=1)
    registered = [dataclasses.replace(found, partitions_def=definition) for found in select("camunda")]
    made = plan(registered, RESOURCES, 3, swept=3)
    assert len(made.pending[RAW]) >= 10_000


# Faults


def away(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Lets settings name servers that do not answer."""
    addresses = {
        "MARTS_CHAT_URL": "mysql://nobody:hidden@127.0.0.1:{}/chat",
        "MARTS_PROMETHEUS_URL": "http://127.0.0.1:{}",
        "MARTS_KAFKA_BOOTSTRAP": "127.0.0.1:{}",
    }
    for name in names:
        address = addresses.get(name, "postgresql://nobody:hidden@127.0.0.1:{}/source")
        monkeypatch.setenv(name, address.format(free_port()))


def test_a_source_that_is_away_stops_no_other_table_of_its_domain(
    warehouse: Warehouse, clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(
        monkeypatch, "MARTS_DELIVERY_URL", "MARTS_DELIVERY_REPLICA_URL", "MARTS_PROMETHEUS_URL",
        "MARTS_KAFKA_BOOTSTRAP",
    )  # fmt: skip
    monkeypatch.setenv("MARTS_KAFKA_TIMEOUT_SECONDS", "1")
    unreachable: dict[str, Exception] = {}
    made = compare(select("delivery"), unreachable=unreachable)
    assert set(made.errors) == {
        "delivery/orders", "delivery/pipelines", "delivery/stages", "delivery/deliveries", "delivery/events",
        "delivery/fact_metrics",
    }  # fmt: skip
    assert set(made.sources) == {"delivery/fact_events"}
    # One and the same: the server was asked once.
    assert len({id(error) for asset, error in made.errors.items() if asset != "delivery/events"}) == 2
    # The next round of a command asks none of them again.
    again = compare(select("delivery"), unreachable=unreachable)
    assert {asset: id(error) for asset, error in again.errors.items()} == {
        asset: id(error) for asset, error in made.errors.items()
    }


def test_the_command_names_each_fault_in_a_line_and_loads_the_rest(
    engine: Engine,
    instance: DagsterInstance,
    warehouse: Warehouse,
    clickhouse: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away(
        monkeypatch, "MARTS_DELIVERY_URL", "MARTS_DELIVERY_REPLICA_URL", "MARTS_PROMETHEUS_URL",
        "MARTS_KAFKA_BOOTSTRAP", "MARTS_CHAT_URL", "MARTS_TELEMETRY_URL",
    )  # fmt: skip
    monkeypatch.setenv("MARTS_KAFKA_TIMEOUT_SECONDS", "1")
    write_days(engine, 1, 40)
    selection = " or ".join(
        f'key:"{one}"'
        for one in ("camunda/*", "delivery/*", "chat/*", "shop/kafka_events", "bionicpro/telemetry")
    )
    with pytest.raises(ExpectedError) as raised:
        materialize_selection(selection, None, None)
    lines = str(raised.value).splitlines()
    assert len(lines) == 6, lines
    for assets in (
        "delivery/orders, delivery/pipelines", "delivery/events", "delivery/fact_metrics", "chat/",
        "shop/kafka_events", "bionicpro/telemetry",
    ):  # fmt: skip
        assert any(assets in line for line in lines), assets
    assert all("could not be compared with the source: " in line for line in lines)
    assert "hidden" not in str(raised.value)
    # What comes after them by name, and before, was loaded.
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 2


def test_a_probe_that_is_refused_ends_no_other(
    warehouse: Warehouse, clickhouse: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It answers, and has none of the tables.
    monkeypatch.setenv("MARTS_DELIVERY_URL", warehouse.url)
    monkeypatch.delenv("MARTS_DELIVERY_REPLICA_URL", raising=False)
    registered = [found for found in select("delivery") if found.mart.asset in {
        "delivery/orders", "delivery/stages", "delivery/fact_events", "delivery/fact_orders",
    }]  # fmt: skip
    made = compare(registered)
    assert set(made.errors) == {"delivery/orders", "delivery/stages"}
    assert len({id(error) for error in made.errors.values()}) == 2
    assert "delivery/fact_events" in made.sources


def test_a_sensor_all_of_whose_sources_are_away_fails(
    warehouse: Warehouse, instance: DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    away(monkeypatch, "MARTS_CAMUNDA_URL")
    with pytest.raises(Exception, match="could not be compared with the source") as fault:
        evaluate("camunda_changes", instance)
    assert "hidden" not in str(fault.value)


# What is said


def test_what_changes_while_it_is_loaded_is_loaded_once_and_named(
    engine: Engine,
    instance: DagsterInstance,
    warehouse: Warehouse,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write_days(engine, 1)
    run = demonstration.run_with_progress

    def changing(*arguments: Any, **options: Any) -> Sequence[AssetResult]:
        results = run(*arguments, **options)
        write_days(engine, 1)
        return results

    monkeypatch.setattr(demonstration, "run_with_progress", changing)
    materialize_selection("camunda", None, None)
    assert warehouse.log("partition_key", RAW) == [YESTERDAY.isoformat()]
    said = capsys.readouterr().out
    assert said.count(f"{RAW}, {YESTERDAY}: the source changed again while it was loaded") == 1
    # The next command loads it.
    monkeypatch.setattr(demonstration, "run_with_progress", run)
    materialize_selection("camunda", None, None)
    assert warehouse.one("SELECT count(*) FROM camunda.act_hi_detail") == 2


def test_warnings_and_rejected_rows_are_shown_once(capsys: pytest.CaptureFixture[str]) -> None:
    missing = "messages has no index by created_at"
    results = [
        AssetResult("shop/a", ["2024-03-01"], 10, 3, 2, 0.5, {"sums": False}, {missing: ["2024-03-01"] * 2}),
        AssetResult("shop/b", [None], 1, warnings={missing: ["the whole table"]}),
        AssetResult(
            "shop/c", warnings={"the check sums warns: rows 3": [f"2024-03-0{n}" for n in range(1, 7)]}
        ),
    ]
    demonstration.show_results(results)
    said = capsys.readouterr().out
    assert re.search(r"rows rejected +│ +values rejected|rows rejected . values rejected", said) or (
        "rows rejected" in said and "values rejected" in said
    )
    assert said.count(missing) == 1
    assert f"Warning: shop/a, 2024-03-01; shop/b, the whole table: {missing}" in said
    assert (
        "Warning: shop/c, 2024-03-01, 2024-03-02, 2024-03-03 and 3 more: the check sums warns: rows 3" in said
    )


def test_a_check_that_warns_and_quarantined_values_reach_the_terminal_and_the_metadata(
    engine: Engine, instance: DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    engine.write(change(at(YESTERDAY), text_="no JSON"))
    materialize_selection("camunda", None, None)
    said = capsys.readouterr().out
    assert re.search(r"Warning: camunda/process_documents, \S+: the check \w+ warns: ", said), said
    event = instance.get_latest_materialization_event(dg.AssetKey(["camunda", "process_documents"]))
    assert event is not None and event.asset_materialization is not None
    metadata = event.asset_materialization.metadata
    assert {"rows_quarantined", "values_quarantined", "rows_read", "rows_written"} <= metadata.keys()
