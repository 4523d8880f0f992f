"""Messages of any day, of any age, reach the facts and the hourly view that are made of them by days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from marts_platform import settings
from marts_platform.core.checks import Outside
from marts_platform.core.planning import plan
from marts_platform.core.sensors import run_requests
from marts_platform.core.window import Window
from marts_platform.definitions import RESOURCES
from marts_platform.delivery.assets import dds
from marts_platform.delivery.events import ASSET, undated_events
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.materialization import materialize, pending_batches, replayable, select
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.delivery.topics import Topics, result, trigger
from marts_platform_tests.delivery.warehouse import empty_clickhouse
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from marts_platform.core.mart import RegisteredMart

OLD, OLDER = datetime(2024, 3, 1, 12, tzinfo=UTC), datetime(2023, 5, 6, 7, tzinfo=UTC)
ASSETS = (ASSET, "delivery/fact_events", "delivery/hourly_events_mv")


class Events:
    """Topics, and the assets that come of them."""

    def __init__(self, topics: Topics, warehouse: Warehouse, instance: DagsterInstance) -> None:
        self.topics, self.warehouse, self.instance = topics, warehouse, instance

    def write(self, at: datetime, *payloads: object) -> None:
        self.topics.write(self.topics.results, payloads, timestamp=int(at.timestamp() * 1000))

    def load(self) -> list[str]:
        """Load what is pending, as the command does, and return the days of facts that were loaded."""
        days: list[str] = []
        for _ in range(3):
            work = pending_batches(registered())
            if not work:
                break
            materialize(work, self.instance, with_checks=False)
            days += [day for batch in work if ASSETS[1] in batch.assets for day in batch.partition_keys]
        return days

    def counted(self) -> dict[str, int]:
        """Return the events of each day in the hourly view, once the facts have as many."""
        hours = _by_day("SELECT toDate(hour), sum(events_count) FROM dds.hourly_events_mv GROUP BY 1")
        facts = _by_day("SELECT toDate(event_datetime), count() FROM dds.fact_events GROUP BY 1")
        assert hours == facts
        return facts


def _by_day(query: str) -> dict[str, int]:
    with ClickHouseResource().client(database="default", read_only=True) as client:
        return {str(day): int(count) for day, count in client.query(query).result_rows}


def registered() -> list[RegisteredMart]:
    return [found for asset in ASSETS for found in select(asset)]


@pytest.fixture
def events(
    kafka: str,
    clickhouse: str,
    warehouse: Warehouse,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> Events:
    """Empty topics and empty tables."""
    empty_clickhouse()
    return Events(Topics.named(kafka, monkeypatch), warehouse, ephemeral_instance)


def test_message_of_an_old_loaded_day_reaches_the_facts(events: Events) -> None:
    events.write(OLDER, result(1))
    events.write(OLD, result(2))
    assert events.load() == ["2023-05-06", "2024-03-01"]
    events.write(OLDER, result(3))
    assert events.load() == ["2023-05-06"]
    assert events.counted() == {"2023-05-06": 2, "2024-03-01": 1}
    assert events.load() == []


def test_sensor_asks_for_an_old_day_that_a_message_joined(events: Events) -> None:
    events.write(OLDER, result(1))
    events.load()
    events.write(OLDER, result(2))
    materialize(pending_batches(select(ASSET)), events.instance, with_checks=False)
    keys = [dds.fact_events.key, dds.hourly_events_mv.key]
    (asked,) = run_requests(keys, RESOURCES, events.instance, 1)
    assert asked.partition_key == "2023-05-06"
    assert asked.asset_selection == keys


def test_replayed_message_of_an_old_day_reaches_the_facts(events: Events) -> None:
    events.write(OLDER, result(1), b"{")
    events.load()
    assert events.counted() == {"2023-05-06": 1}
    events.warehouse.rows(
        "UPDATE ops.quarantine SET payload = %s",
        '{"stage_id": "00000000-0000-0000-0000-000000000002", "status": "failed", "message": null}',
    )
    materialize(replayable(ASSET), events.instance, with_checks=False, is_replay=True)
    assert events.load() == ["2023-05-06"]
    assert events.counted() == {"2023-05-06": 2}


def test_facts_loaded_before_days_were_noted_stay(events: Events) -> None:
    """A warehouse of an older release has no notes, and its data versions name no load."""
    events.write(OLDER, result(1))
    events.load()
    events.warehouse.rows("DELETE FROM ops.appended_days")
    events.warehouse.rows("UPDATE ops.etl_run_log SET fingerprint = split_part(fingerprint, '; load', 1)")
    made = plan(select("delivery/fact_events"), RESOURCES, 5000)
    assert made.pending == {"delivery/fact_events": {}}
    events.topics.write(events.topics.triggers, [trigger(1)], timestamp=int(OLDER.timestamp() * 1000))
    assert events.load() == ["2023-05-06"]
    assert events.counted() == {"2023-05-06": 2}


def test_messages_of_no_day_are_counted_and_named(events: Events) -> None:
    early, late = datetime(1970, 1, 2, tzinfo=UTC), datetime(2500, 1, 1, tzinfo=UTC)
    for moment in (early, datetime(2019, 5, 5, tzinfo=UTC), OLD, late):
        events.write(moment, result(1))
    (found,) = materialize(pending_batches(select(ASSET)), events.instance)
    assert found.checks == {"unique_event_id": True, "every_row_has_a_day": False, "nothing_lost": True}
    assert events.load() == ["2024-03-01"]
    whole = Window.of_days(settings.load().start, datetime.now(UTC).date() + timedelta(days=1))
    counted = undated_events(PostgresIOManager(), whole)
    keys = events.warehouse.rows("SELECT event_id::text FROM ods.events WHERE event_timestamp <> %s", OLD)
    assert counted == Outside(
        3, min(key for (key,) in keys), "1970-01-02 00:00:00+00", "2500-01-01 00:00:00+00"
    )
