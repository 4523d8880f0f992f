"""Dagster's instance as the shipped ``dagster.yaml`` makes it."""

from __future__ import annotations

import gc
import os
from pathlib import Path

import dagster as dg
import psycopg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.config import PoolGranularity
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import TickData, TickStatus
from dagster._serdes import serialize_value
from dagster_shared.error import SerializableErrorInfo
from psycopg.sql import SQL, Identifier

from marts_platform import settings
from marts_platform.dagster_home import dagster_home, shipped
from marts_platform.dagster_storage import storage_url
from marts_platform.embedded.stack import Stack

SECRET = "t0ken-Wert"  # of nothing


@dg.asset
def one() -> int:
    """An asset that prints."""
    print("printed by one")
    return 1


def test_runs_events_and_logs_are_kept(instance: dg.DagsterInstance) -> None:
    result = dg.materialize([one], instance=instance, resources={"io_manager": dg.mem_io_manager})
    assert result.success
    again = dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"])
    with again:
        record = again.get_run_record_by_id(result.run_id)
        assert record is not None and record.dagster_run.status is dg.DagsterRunStatus.SUCCESS
        assert again.get_latest_materialization_event(dg.AssetKey("one")) is not None
    printed = list((Path(os.environ["DAGSTER_HOME"]) / "storage").rglob("*.out"))
    assert any("printed by one" in path.read_text() for path in printed)


def test_what_the_shipped_file_switches_on(instance: dg.DagsterInstance) -> None:
    assert instance.run_monitoring_enabled
    assert instance.run_launcher.supports_check_run_worker_health
    assert instance.run_retries_enabled and instance.run_retries_max_retries == 3
    assert not instance.run_retries_retry_on_asset_or_op_failure
    assert not instance.telemetry_enabled
    concurrency = instance.get_concurrency_config()
    assert concurrency.pool_config.default_pool_limit == 1
    assert concurrency.pool_config.pool_granularity is PoolGranularity.OP
    assert concurrency.run_queue_config is not None
    assert concurrency.run_queue_config.max_concurrent_runs == 4
    assert int(instance.run_monitoring_settings["free_slots_after_run_end_seconds"]) > 0
    for kind in (
        (dg.InstigatorType.SENSOR, dg.InstigatorType.SCHEDULE) if hasattr(dg, "InstigatorType") else ()
    ):
        assert all(days > 0 for days in instance.get_tick_retention_settings(kind).values())


def test_what_children_are_told_holds_no_address_and_no_secret(instance: dg.DagsterInstance) -> None:
    # `dagster dev` passes this on the command line of its children.
    told = serialize_value(instance.get_ref())
    assert "postgresql" not in told
    assert settings.load().url("dagster_url").split("@")[1] not in told


def test_a_plain_dagster_in_the_checkout_uses_the_same_storage(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `dagster dev` does without DAGSTER_HOME: a temporary home, the working folder's configuration."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    ref = InstanceRef.from_dir(str(tmp_path), config_dir=str(shipped("dagster.yaml").parent))
    with (
        dg.DagsterInstance.from_ref(ref) as plain,
        dg.DagsterInstance.from_config(str(dagster_home())) as ours,
    ):
        run_id = plain.create_run_for_job(
            dg.Definitions(assets=[one]).resolve_implicit_global_asset_job_def()
        ).run_id
        assert ours.get_run_by_id(run_id) is not None
        assert (
            plain.storage_directory()
            == ours.storage_directory()
            == str(settings.home() / "dagster" / "storage")
        )
        ours.delete_run(run_id)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("postgresql://u:p@h:1/d", "postgresql+psycopg2://u:p@h:1/d"),
        ("postgres://u:p@h/d", "postgresql+psycopg2://u:p@h/d"),
        (
            "postgresql+psycopg://u:p%40%2F@h/d?sslmode=require",
            "postgresql+psycopg2://u:p%40%2F@h/d?sslmode=require",
        ),
    ],
)
def test_storage_url(url: str, wanted: str) -> None:
    assert storage_url(url) == wanted


def test_no_database_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    with pytest.raises(settings.SettingsError, match="marts up"):
        dg.DagsterInstance.from_config(str(dagster_home()))


def test_a_run_shares_a_few_connections(instance: dg.DagsterInstance) -> None:
    # Of its own it would open one for each of some forty statements.
    opened = "SELECT sessions FROM pg_stat_database WHERE datname = current_database()"
    with psycopg.connect(settings.load().url("dagster_url"), autocommit=True) as connection:

        def sessions() -> int:
            connection.execute("SELECT pg_stat_clear_snapshot()")
            return int(connection.execute(opened).fetchall()[0][0])

        before = sessions()
        assert dg.materialize([one], instance=instance, resources={"io_manager": dg.mem_io_manager}).success
        assert sessions() - before <= 3


def test_a_restart_of_the_server_is_survived(instance: dg.DagsterInstance) -> None:
    instance.get_runs()
    with psycopg.connect(settings.load().url("dagster_url"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert instance.get_runs() == []


def test_an_instance_that_is_gone_leaves_no_connection(instance: dg.DagsterInstance) -> None:
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as another:
        another.get_runs()
        assert _connected() >= 1
        before = _connected()
    del another
    gc.collect()
    assert _connected() < before


def _connected() -> int:
    url = settings.load().url("dagster_url")
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
    return int(found[0][0])


@dg.asset(key_prefix="camunda")
def failing() -> None:
    """Shows a secret and a value of a row in a log, in metadata, in its error and in the error's cause."""
    context = dg.AssetExecutionContext.get()
    context.log.warning("asked %s", f"http://u:{SECRET}@h")
    context.add_output_metadata({"note": SECRET, "table": dg.MetadataValue.md(f"| {SECRET} |")})
    try:
        raise ValueError(f"connection of {SECRET}")
    except ValueError as error:
        raise RuntimeError(
            'DETAIL:  Key (id)=(Kanarie7) already exists.\nCONTEXT:  COPY t, line 3: "x"'
        ) from error


def test_stored_events_ticks_and_backfills_show_no_secret_and_no_value(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A password like a domain's name: keys of assets stay what they are.
    monkeypatch.setenv("MARTS_CRM_TOKEN", SECRET)
    monkeypatch.setenv("MARTS_CHAT_URL", "mysql://u:camunda@h/d")
    result = dg.materialize(
        [failing], instance=instance, resources={"io_manager": dg.mem_io_manager}, raise_on_error=False
    )
    assert not result.success
    error = SerializableErrorInfo(f"tick of {SECRET}", [f"line of {SECRET}"], "ValueError")
    begun = TickData("origin", "sensor", InstigatorType.SENSOR, TickStatus.STARTED, 0.0, selector_id="s")
    instance.update_tick(instance.create_tick(begun).with_status(TickStatus.FAILURE, error=error))
    (kept,) = instance.get_ticks("origin", "s")
    assert kept.error is not None and kept.error.stack == ["line of ****"]
    skipped = instance.create_tick(begun).with_status(TickStatus.SKIPPED, skip_reason=f"for {SECRET}")
    instance.update_tick(skipped)
    with psycopg.connect(settings.load().url("dagster_url")) as connection:
        stored = "".join(
            str(row)
            for table in ("event_logs", "job_ticks", "runs", "asset_event_tags")
            for row in connection.execute(SQL("SELECT * FROM {}").format(Identifier(table)))
        )
    assert "already exists" in stored and "tick of ****" in stored and "asked http" in stored
    assert SECRET not in stored and "Kanarie7" not in stored
    (record,) = instance.get_records_for_run(result.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    event = record.event_log_entry.dagster_event
    assert event is not None and event.step_failure_data.error is not None
    assert event.step_key == "camunda__failing"
