"""A topic of the shop's events, written and loaded by tests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from marts_platform.core.mart import mart_of
from marts_platform.core.path import Extract, load_slice
from marts_platform.core.rows import Replay
from marts_platform.core.run_log import Run
from marts_platform.core.window import Slice
from marts_platform.io_managers.postgres import PostgresIOManager
from marts_platform.resources.kafka import KafkaSource
from marts_platform.shop.events import ASSET, TOPICS, kafka_events
from marts_platform_tests.marts import Warehouse

if TYPE_CHECKING:
    from marts_platform.core.path import Outcome

EVENT = {
    "event_type": "click",
    "user_id": 7,
    "timestamp": "2026-03-01T12:00:00.000001",
    "page_url": "https://shop.example/a",
    "ip_address": "192.0.2.1",
}


def event(**changes: Any) -> bytes:
    """A good event with changes; None leaves a field out."""
    fields = {name: value for name, value in {**EVENT, **changes}.items() if value is not None}
    return json.dumps(fields).encode()


def numbered(numbers: Iterable[int | str]) -> list[bytes]:
    """Good events that are told apart by their page."""
    return [event(page_url=f"https://shop.example/{number}") for number in numbers]


@dataclass
class Topic:
    """A topic and the table that it is read into.

    Attributes:
        bootstrap: the broker.
        name: of the topic.
        warehouse: where ``shop.kafka_events`` is.
    """

    bootstrap: str
    name: str
    warehouse: Warehouse
    source: KafkaSource = field(default_factory=lambda: KafkaSource(topics=TOPICS))

    def create(self, partitions: int = 1) -> None:
        """Makes the topic."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.create_topics([NewTopic(self.name, partitions, 1)])[self.name].result(10)

    def delete(self) -> None:
        """Deletes it."""
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        admin.delete_topics([self.name])[self.name].result(10)

    def write(self, values: Sequence[bytes | None], partition: int = 0, **options: Any) -> None:
        """Appends messages."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "linger.ms": 5})
        for value in values:
            producer.produce(self.name, value, partition=partition, **options)
            producer.poll(0)
        assert producer.flush(20) == 0

    def load(self) -> Outcome:
        """One load, as a run does it, and quicker."""
        warehouse = PostgresIOManager()
        return self._load(lambda: self.source.read(ASSET, warehouse.stream_positions(ASSET)))

    def replay(self) -> Outcome:
        """A load of what stands in quarantine."""
        return self._load(lambda: Extract(Replay()))

    def _load(self, extract: Any) -> Outcome:
        run = str(uuid4())
        mart = mart_of(kafka_events.key).mart
        return load_slice(PostgresIOManager(), mart, Slice(), Run(run, run), extract)

    def pages(self) -> list[str]:
        """The last parts of the pages in the table, in the order of the messages."""
        rows = self.warehouse.rows(
            "SELECT page_url FROM shop.kafka_events "
            "ORDER BY kafka_topic, kafka_epoch, kafka_partition, kafka_offset"
        )
        return [page.rpartition("/")[2] for (page,) in rows]

    def quarantine(self) -> list[tuple[str, str | None]]:
        """Reasons and payloads that stand in quarantine, in the order of the messages."""
        return self.warehouse.rows(
            "SELECT reason, payload FROM ops.quarantine WHERE asset = %s AND replayed_at IS NULL "
            "ORDER BY (context ->> 'kafka_epoch')::integer, (context ->> 'kafka_offset')::integer",
            ASSET,
        )

    def balance(self) -> bool:
        """Whether rows read are rows written and rows quarantined in every load, and in sum what is there."""
        return self.warehouse.one(
            """
            SELECT bool_and(rows_read = rows_written + rows_quarantined)
                AND sum(rows_written) = (SELECT count(*) FROM shop.kafka_events)
            FROM ops.etl_run_log WHERE status = 'success'
            """
        )
