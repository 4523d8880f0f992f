"""Topics that are made and filled: for the demo sources. The platform itself writes to none."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

_SECONDS = 30


class Produced(NamedTuple):
    """A message to be written: its value, and its time (aware; None: the moment of writing)."""

    value: bytes
    time: datetime | None = None


def fill_topic(bootstrap: str, topic: str, messages: Callable[[], Iterable[Produced]]) -> int:
    """Makes a topic of one partition and writes messages to it; one that has any is left alone.

    Args:
        bootstrap: the brokers.
        topic: its name.
        messages: gives them; called only where they are needed.

    Returns:
        How many messages it wrote: none where there were some.

    Raises:
        TimeoutError: the broker did not take all of them in time.
    """
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    try:
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(_SECONDS)
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "marts_platform demo"})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=_SECONDS)
    finally:
        consumer.close()
    return 0 if end else write(bootstrap, [(topic, message) for message in messages()])


def write(bootstrap: str, messages: Sequence[tuple[str, Produced]]) -> int:
    """Writes messages, each to a topic, and returns their number.

    Raises:
        TimeoutError: the broker did not take all of them in time.
    """
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20})
    for topic, (value, time) in messages:
        milliseconds = int(time.timestamp() * 1000) if time else 0
        while True:
            try:
                producer.produce(topic, value, partition=0, timestamp=milliseconds)
                break
            except BufferError:
                producer.poll(0.1)
    if left := producer.flush(_SECONDS):
        raise TimeoutError(f"Kafka at {bootstrap} did not take {left} of {len(messages)} messages")
    return len(messages)
