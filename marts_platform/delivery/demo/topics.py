"""The demo service's topics: what it said of the stages in its database, and what it says as it lives."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import psycopg2

from marts_platform import settings
from marts_platform.core.sql import read_sql
from marts_platform.resources.kafka_topic import Produced, fill_topic, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marts_platform.delivery.demo.live import Message


def fill_topics(url: str, bootstrap: str) -> int:
    """Writes the triggers and the results of all stages to topics that are empty; returns how many it wrote.

    Args:
        url: of the service's database.
        bootstrap: of the brokers.
    """
    now = settings.load()

    def said(kind: str) -> Iterator[Produced]:
        with closing(psycopg2.connect(url)) as connection, connection.cursor(kind) as cursor:
            cursor.execute(read_sql(f"delivery/demo/said_{kind}.sql"))
            for payload, time in cursor:
                yield Produced(json.dumps(payload).encode(), time)

    return fill_topic(bootstrap, now.delivery_triggers_topic, lambda: said("triggers")) + fill_topic(
        bootstrap, now.delivery_results_topic, lambda: said("results")
    )


def publisher(bootstrap: str) -> Callable[[Sequence[Message]], None]:
    """What sends the messages of a living service to its topics."""

    def publish(messages: Sequence[Message]) -> None:
        write(
            bootstrap,
            [(message.topic, Produced(json.dumps(message.payload).encode())) for message in messages],
        )

    return publish
