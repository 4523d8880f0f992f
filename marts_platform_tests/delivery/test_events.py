"""The delivery service's messages arrive once, from both topics, with an id and a time of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from marts_platform.core.mart import mart_of
from marts_platform.core.path import Outcome, load_slice
from marts_platform.core.run_log import Run
from marts_platform.core.streams import PositionsLostError
from marts_platform.core.window import Slice
from marts_platform.delivery.events import ASSET, TOPICS, events
from marts_platform.delivery.ods_events import OdsEvents
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.resources.kafka import KafkaSource
from marts_platform_tests.delivery.topics import Topics, result, trigger
from marts_platform_tests.marts import Warehouse


@pytest.fixture
def topics(kafka: str, monkeypatch: pytest.MonkeyPatch) -> Topics:
    return Topics.named(kafka, monkeypatch)


def load() -> Outcome:
    """One load, as a run does it, and quicker."""
    run, warehouse, source = str(uuid4()), PostgresIOManager(), KafkaSource(topics=TOPICS)
    return load_slice(
        warehouse,
        mart_of(events.key).mart,
        Slice(),
        Run(run, run),
        lambda: source.read(ASSET, warehouse.stream_positions(ASSET)),
    )


def test_results_and_triggers_arrive_with_the_brokers_time(topics: Topics, warehouse: Warehouse) -> None:
    # The original reads an id and a type that no message has, and never the triggers.
    topics.write(topics.results, [result(1, message="late")], timestamp=1_772_366_400_123)
    topics.write(topics.triggers, [trigger(2)], timestamp=1_772_366_401_000)
    load()
    rows = warehouse.rows(
        "SELECT event_type, event_data, event_timestamp, kafka_topic, kafka_offset, is_valid FROM ods.events "
        "ORDER BY event_timestamp"
    )
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert rows == [
        ("result", result(1, message="late"), at.replace(microsecond=123_000), topics.results, 0, True),
        ("trigger", trigger(2), at.replace(second=1), topics.triggers, 0, True),
    ]


def test_a_producers_time_that_is_none_stops_nobody(topics: Topics, warehouse: Warehouse) -> None:
    microseconds, nanoseconds, in_the_year_2500 = (
        1_772_366_400 * 10**6,
        1_772_366_400 * 10**9,
        16_725_225_600_000,
    )
    for number, timestamp in enumerate((nanoseconds, microseconds, in_the_year_2500, 1_772_366_400_000)):
        topics.write(topics.results, [result(number)], timestamp=timestamp)
    load()
    assert warehouse.rows("SELECT kafka_offset FROM ods.events ORDER BY 1") == [(2,), (3,)]
    reason = "the broker tells no time of the years 1970 to 9999"
    assert warehouse.rows(
        "SELECT reason, payload::jsonb, is_row FROM ops.quarantine ORDER BY source_key"
    ) == [
        (reason, result(0), True),
        (reason, result(1), True),
    ]
    # No partition holds a day of the future, so it is no day to be loaded.
    assert OdsEvents().source_state("delivery/fact_events", []).with_rows == {"2026-03-01"}


def test_an_event_has_one_id_whenever_it_is_read(topics: Topics, warehouse: Warehouse) -> None:
    topics.write(topics.results, [result(1), result(1)])
    load()
    first = warehouse.rows("SELECT event_id FROM ods.events ORDER BY kafka_offset")
    assert len(set(first)) == 2
    for table in ("ods.events", "ops.stream_positions", "ops.etl_run_log"):
        warehouse.rows(f"DELETE FROM {table}")
    load()
    assert warehouse.rows("SELECT event_id FROM ods.events ORDER BY kafka_offset") == first


def test_a_retry_doubles_nothing_and_the_second_topic_joins_when_it_is_there(
    topics: Topics, warehouse: Warehouse
) -> None:
    topics.write(topics.results, [result(number) for number in range(5)])
    assert load().warnings == [missing(topics.triggers, "MARTS_DELIVERY_TRIGGERS_TOPIC")]
    topics.write(topics.triggers, [trigger(number) for number in range(3)])
    assert load().figures.rows_read == 3
    assert load().figures.rows_read == 0
    assert warehouse.rows("SELECT event_type, count(*) FROM ods.events GROUP BY 1 ORDER BY 1") == [
        ("result", 5), ("trigger", 3),
    ]  # fmt: skip


def missing(topic: str, variable: str) -> str:
    return f"the topic {topic} ({variable}) does not exist, so nothing is read of it"


def test_read_before_the_topics_exist_reads_them_later(topics: Topics, warehouse: Warehouse) -> None:
    assert len(load().warnings) == 2
    topics.write(topics.results, [result(1)])
    assert load().figures.rows_written == 1
    topics.write(topics.triggers, [trigger(1), trigger(2)])
    assert load().figures.rows_written == 2


def test_read_with_one_topics_position_lost_refuses(topics: Topics, warehouse: Warehouse) -> None:
    topics.write(topics.results, [result(1)])
    topics.write(topics.triggers, [trigger(1)])
    load()
    warehouse.rows("DELETE FROM ops.stream_positions WHERE topic = %s", topics.triggers)
    with pytest.raises(PositionsLostError, match=f"reader stands in {topics.triggers}, partition 0"):
        load()


def test_what_is_no_event_stands_in_quarantine(topics: Topics, warehouse: Warehouse) -> None:
    results: list[tuple[Any, str]] = [
        (b"{", "no JSON"),
        (b"\xff", "no UTF-8 text"),
        ([], "no JSON object"),
        (trigger(1), "stage_id is missing or no uuid"),
        (result(1, stage_id="one"), "stage_id is missing or no uuid"),
        (result(1, status="pending"), "status is missing or none of succeeded, failed, canceled"),
        (result(1, status=None), "status is missing or none of succeeded, failed, canceled"),
        (result(1, message=3), "message is no text"),
    ]
    triggers: list[tuple[Any, str]] = [
        (result(1), "pipeline_id is missing or no uuid"),
        (trigger(1, stage_name=None), "stage_name is missing"),
    ]
    topics.write(topics.results, [*(payload for payload, _ in results), result(1)])
    topics.write(topics.triggers, [*(payload for payload, _ in triggers), trigger(1)])
    figures = load().figures
    assert (figures.rows_read, figures.rows_written) == (12, 2)
    standing = warehouse.rows("SELECT reason FROM ops.quarantine ORDER BY source_key")
    assert [reason for (reason,) in standing] == [reason for _, reason in (*results, *triggers)]
