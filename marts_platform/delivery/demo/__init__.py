"""The delivery demo source: the service's tables, generated orders, and a service that goes on living."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2

from marts_platform import settings
from marts_platform.core.demo import Demo, ServerDownError, Shown, parts
from marts_platform.delivery import replica
from marts_platform.delivery.demo import prober
from marts_platform.delivery.demo.generated import GeneratedOrders, generate_orders
from marts_platform.delivery.demo.live import lives
from marts_platform.delivery.demo.schema import create_source
from marts_platform.delivery.demo.topics import fill_topics, publisher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from marts_platform.delivery.demo.live import Message

__all__ = ["DEMO", "GeneratedOrders", "create_source", "fill_topics", "generate_orders", "lives"]

GENERATED_ORDERS = 30_000
GENERATED_DAYS = 14
METRICS_HISTORY = timedelta(days=3)


def _seed(address: Callable[[str], str], scale: float) -> str:
    def orders() -> str:
        with closing(psycopg2.connect(address("delivery"))) as connection:
            create_source(connection)
            made = generate_orders(
                connection,
                orders=max(round(GENERATED_ORDERS * scale), 1),
                days=GENERATED_DAYS,
                until=datetime.now(UTC).date(),
            )
        return f"{made.orders:,} orders with {made.pipelines:,} pipelines and {made.stages:,} stages"

    def messages() -> str:
        return f"{fill_topics(address('delivery'), address('kafka')):,} new messages about them"

    def metrics() -> str:
        now = datetime.now(UTC)
        sent = prober.send(address("prometheus"), now - METRICS_HISTORY, now)
        return f"{sent:,} samples of its prober"

    def replicated() -> str:
        address("delivery_replica")  # raises where its server is down
        if settings.load().delivery_replica_url is None:
            return ""
        replica.create()
        replica.wait_until_copied()
        return "and their replica"

    return parts(orders, messages, metrics, replicated)


def _live(address: Callable[[str], str]) -> Iterator[str]:
    sent_until = datetime.now(UTC) - METRICS_HISTORY
    down: set[str] = set()
    try:
        publish: Callable[[Sequence[Message]], None] = publisher(address("kafka"))
    except ServerDownError as error:
        yield f"without messages: {error}"
        publish = _unheard
    for said in lives(address("delivery"), publish=publish):
        now = datetime.now(UTC)
        if now - sent_until >= timedelta(seconds=prober.STEP_SECONDS):
            try:
                prober.send(address("prometheus"), sent_until, now)
                sent_until = now
            except ServerDownError as error:
                if str(error) not in down:
                    down.add(str(error))
                    yield f"without metrics: {error}"
        yield said


def _unheard(_: Sequence[Message]) -> None:
    """Send nothing: Kafka is not up."""


DEMO = Demo(
    seed=_seed,
    live=_live,
    shown=[
        Shown(
            "clickhouse",
            "delivery_marts.order_conversion: what became of each day's orders",
            "delivery/shown/newest_conversion.sql",
        ),
        Shown(
            "clickhouse",
            "delivery_marts.courier_efficiency: how the busiest couriers do",
            "delivery/shown/busiest_couriers.sql",
        ),
    ],
    hints=[
        "marts seed delivery --live    # orders, stages and deliveries until Ctrl-C",
        "marts replica status",
        "marts report delivery         # its sample queries",
    ],
)
