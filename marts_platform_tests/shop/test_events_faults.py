"""What may happen to a topic is noticed and said, and no message is taken for one that is there already."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from marts_platform.core import faults
from marts_platform.core.window import Slice
from marts_platform.embedded.stack import Stack
from marts_platform.resources import kafka_client, kafka_stream
from marts_platform.resources.kafka_client import KafkaClient, KafkaRefusedError, KafkaUnavailableError
from marts_platform.settings import ExpectedError, SettingsError
from marts_platform.shop.events import ASSET, nothing_lost
from marts_platform_tests import kafka_wire
from marts_platform_tests.embedded.conftest import Marts
from marts_platform_tests.io_managers.probe import failure
from marts_platform_tests.kafka_wire import Record
from marts_platform_tests.marts import Warehouse
from marts_platform_tests.shop.topic import Topic, numbered

# librdkafka's own broker, for tests: it keeps the newest 100 000 messages of a partition, and 5 MiB of them.
_RETAINING_BROKER = """
import sys
from confluent_kafka import Producer
producer = Producer({"test.mock.num.brokers": 1, "bootstrap.servers": "none"})
(broker,) = producer.list_topics(timeout=10).brokers.values()
print(f"{broker.host}:{broker.port}", flush=True)
sys.stdin.read()
"""


@contextmanager
def retaining_broker() -> Generator[str]:
    """A broker whose retention is quick."""
    with subprocess.Popen(
        [sys.executable, "-c", _RETAINING_BROKER],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


def ids_by_metadata(client: KafkaClient, topics: Sequence[str]) -> dict[str, tuple[str, int]]:
    """What a broker tells that cannot describe a topic, as librdkafka's cannot: no id."""
    there = client.consumer.list_topics(timeout=10).topics
    return {topic: ("", len(there[topic].partitions)) for topic in topics}


def epochs(topic: Topic) -> list[tuple[int, int]]:
    """How many rows there are of each epoch."""
    return topic.warehouse.rows("SELECT kafka_epoch, count(*) FROM shop.kafka_events GROUP BY 1 ORDER BY 1")


def check_of(topic: Topic) -> Any:
    """The check of what is lost, as a run of it sees it."""
    from dagster import DagsterInstance, materialize

    from marts_platform.io_managers.postgres import PostgresIOManager
    from marts_platform.shop.events import kafka_events

    with DagsterInstance.ephemeral() as instance:
        run = materialize(
            [kafka_events, nothing_lost],
            instance=instance,
            resources={"postgres": PostgresIOManager(), "kafka": topic.source},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
    assert run.success, failure(run)
    return next(found for found in run.get_asset_check_evaluations() if found.check_name == "nothing_lost")


def test_a_topic_that_was_made_anew_is_read_as_another_one(topic: Topic) -> None:
    topic.write(numbered(range(5)))
    topic.load()
    topic.delete()
    topic.create()
    # Longer than the old one: neither its end nor its offsets tell.
    topic.write(numbered(range(100, 107)))
    (warning,) = topic.load().warnings
    assert "the topic was made anew" in warning
    assert "it is read from its beginning (offset 0), as epoch 1" in warning
    assert epochs(topic) == [(0, 5), (1, 7)]
    assert not topic.load().warnings
    assert topic.balance()
    check = check_of(topic)
    assert not check.passed
    assert "made anew" in str(check.metadata["incidents"].value)


def test_a_broker_that_comes_back_empty_is_noticed(
    marts: Marts, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = Stack(marts.home)
    stack.start(only=["kafka"])
    topic = Topic(stack.owner_url("kafka"), "my_topic", warehouse)
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", topic.bootstrap)
    topic.create()
    topic.write(numbered(range(10)))
    topic.load()
    broker = next(server.pid for server in stack.status() if server.name == "kafka")
    psutil.Process(broker).kill()
    stack.start(only=["kafka"])
    (missing,) = topic.load().warnings
    assert "my_topic (MARTS_SHOP_EVENTS_TOPIC) does not exist" in missing
    topic.create()
    topic.write(numbered(range(100, 104)))
    (warning,) = topic.load().warnings
    assert "made anew" in warning
    assert epochs(topic) == [(0, 10), (1, 4)]
    assert topic.pages()[10:] == ["100", "101", "102", "103"]
    assert topic.balance()


def test_without_topic_ids_the_last_message_tells(topic: Topic) -> None:
    topic.write(numbered(range(5)))
    topic.load()
    topic.warehouse.rows("UPDATE ops.stream_positions SET log_id = ''")
    topic.write(numbered(range(5, 8)))
    assert list(topic.load().warnings) == []
    topic.warehouse.rows("UPDATE ops.stream_positions SET log_id = ''")
    topic.delete()
    topic.create()
    topic.write(numbered(range(100, 120)))
    (warning,) = topic.load().warnings
    assert "another message stands at offset 7, which was read last" in warning
    assert epochs(topic) == [(0, 8), (1, 20)]


def test_a_log_that_ends_before_the_stored_offset_is_another_one(topic: Topic) -> None:
    topic.write(numbered(range(5)))
    topic.load()
    topic.warehouse.rows("UPDATE ops.stream_positions SET next_offset = 900, last_offset = 899")
    (warning,) = topic.load().warnings
    assert "the log ends at offset 5 and was read up to 900" in warning
    assert epochs(topic) == [(0, 5), (1, 5)]


def test_retention_that_overtook_the_reader_is_said_and_the_rest_is_read(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    with retaining_broker() as bootstrap:
        monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", bootstrap)
        monkeypatch.setenv("MARTS_SHOP_EVENTS_TOPIC", "short")
        for module in (kafka_client, kafka_stream):
            monkeypatch.setattr(module, "topic_ids", ids_by_metadata)
        topic = Topic(bootstrap, "short", warehouse)
        topic.write(numbered(range(3)))
        topic.load()
        big = numbered(f"{number}?{'x' * 400_000}" for number in range(3, 23))
        for value in big:
            topic.write([value])
        outcome = topic.load()
        (warning,) = outcome.warnings
        assert "retention overtook the reader" in warning and "offsets 3 to" in warning
        numbers = [int(page.partition("?")[0]) for page in topic.pages()]
        assert numbers[:3] == [0, 1, 2] and numbers[3:] == list(range(numbers[3], 23)) and numbers[3] > 3
        assert "were deleted before they were read" in warning
        assert epochs(topic) == [(0, len(numbers))]


def test_a_broker_that_is_away_is_said_with_its_address_and_retried(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", "127.0.0.1:9")
    monkeypatch.setenv("MARTS_KAFKA_TIMEOUT_SECONDS", "1")
    for ask in (lambda: topic.source.read(ASSET, {}), lambda: topic.source.source_state(ASSET, [Slice()])):
        with pytest.raises(
            KafkaUnavailableError, match=r"Kafka at 127\.0\.0\.1:9 .* is the broker up\?"
        ) as caught:
            ask()
        assert faults.is_passing(caught.value) and isinstance(caught.value, ExpectedError)


def test_marks_of_transactions_at_the_end_end_the_reading(topic: Topic) -> None:
    """No message follows at their offsets, so the last offset never comes."""
    mark = Record(bytes(6), struct.pack(">hh", 0, 1))
    kafka_wire.produce(topic.bootstrap, topic.name, [Record(numbered([0])[0])])
    kafka_wire.produce(topic.bootstrap, topic.name, [mark], attributes=0x30)
    assert topic.load().figures.rows_read == 1
    kafka_wire.produce(topic.bootstrap, topic.name, [Record(numbered([1])[0])])
    assert topic.load().figures.rows_read == 1
    assert topic.load().figures.rows_read == 0
    kafka_wire.produce(topic.bootstrap, topic.name, [mark], attributes=0x30)
    outcome = topic.load()
    assert (outcome.figures.rows_read, outcome.warnings) == (0, [])
    topic.write(numbered([2]))
    topic.load()
    assert topic.pages() == ["0", "1", "2"]
    assert epochs(topic) == [(0, 3)]


def test_a_batch_that_nobody_can_read_is_refused_with_its_offset(topic: Topic) -> None:
    topic.write(numbered([0]))
    topic.load()
    # What says that it is compressed, and is not.
    kafka_wire.produce(topic.bootstrap, topic.name, [Record(numbered([1])[0])], attributes=1)
    with pytest.raises(KafkaRefusedError, match=f"reading {topic.name}: Decompression .* at 1 of"):
        topic.load()
    assert topic.pages() == ["0"]
    topic.warehouse.rows("UPDATE ops.stream_positions SET next_offset = 2")
    topic.write(numbered([2]))
    topic.load()
    assert topic.pages() == ["0", "2"]


def test_options_reach_the_client_and_no_secret_reaches_an_error(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "sasl.password=very-secret"
    monkeypatch.setenv("MARTS_KAFKA_OPTIONS", f"security.protocol=very-secret {secret}")
    with pytest.raises(SettingsError, match="MARTS_KAFKA_OPTIONS") as caught:
        topic.source.read(ASSET, {})
    assert "very-secret" not in str(caught.value)
    monkeypatch.setenv("MARTS_KAFKA_OPTIONS", "very-secret")
    with pytest.raises(SettingsError, match="each option is name=value") as caught:
        topic.source.read(ASSET, {})
    assert "very-secret" not in str(caught.value)


def test_without_a_broker_in_the_settings_the_way_out_is_said(
    topic: Topic, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.delenv("MARTS_KAFKA_BOOTSTRAP")
    monkeypatch.setenv("MARTS_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="MARTS_KAFKA_BOOTSTRAP is not set .* `marts up`"):
        topic.source.read(ASSET, {})
