"""A process that reads the shop's events in children of its own, which may be killed at any moment.

It imports everything once and forks for each load, so that an attempt costs no seconds of import. On standard
input: ``load``, answered by ``started PID``; ``wait``, answered by ``ended STATUS`` (negative: the signal).
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from uuid import uuid4


def _load() -> None:
    from marts_platform.core.mart import mart_of
    from marts_platform.core.path import load_slice
    from marts_platform.core.run_log import Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.postgres import PostgresIOManager
    from marts_platform.resources.kafka import KafkaSource
    from marts_platform.shop.events import ASSET, TOPICS, kafka_events

    run, warehouse, source = str(uuid4()), PostgresIOManager(), KafkaSource(topics=TOPICS)
    load_slice(
        warehouse,
        mart_of(kafka_events.key).mart,
        Slice(),
        Run(run, run),
        lambda: source.read(ASSET, warehouse.stream_positions(ASSET)),
    )


def main() -> None:
    """Loads until standard input ends."""
    for module in (
        "marts_platform.shop.events", "confluent_kafka.admin", "psycopg2.extras",
        "marts_platform.io_managers.postgres_load",
    ):  # fmt: skip
        import_module(module)
    print("ready", flush=True)
    child = 0
    for line in sys.stdin:
        if line.strip() == "wait":
            _, status = os.waitpid(child, 0)
            print("ended", os.waitstatus_to_exitcode(status), flush=True)
            continue
        child = os.fork()
        if child == 0:
            _load()
            os._exit(0)
        print("started", child, flush=True)


if __name__ == "__main__":
    main()
