"""The histories that are moved: generated once, into databases of the private stack."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

import psycopg2

from benchmarks.stack import PrivateStack
from marts_platform.camunda.demo import create_source, generate_history

# A day that is over on every machine: an open one is read up to a moving bound.
DAY = date(2025, 6, 16)

# What every contender moves: the wanted changes with their byte arrays. Peers that take a table get it.
# A keyed look-up for each byte array, not a LEFT JOIN: most changes have none, and a parallel hash join
# (18.6, default work_mem) puts all those NULL keys into one batch and splits it in vain 8192 times: 95 s.
WANTED_VIEW = """
    CREATE VIEW wanted_details AS
    SELECT
        detail.*,
        (
            SELECT stored.bytes_ FROM act_ge_bytearray AS stored WHERE stored.id_ = detail.bytearray_id_
        ) AS bytes_
    FROM act_hi_detail AS detail
    WHERE detail.name_ IN ('contextData', 'docIds')
"""


@dataclass(frozen=True)
class Source:
    """A generated Camunda database.

    Attributes:
        database: its name in the private stack.
        days: how many days of history it holds; the last one is `DAY`.
        details: changes of that day.
        wanted: those of the wanted variables.
        wanted_bytes: bytes of their values.
    """

    database: str
    days: int
    details: int
    wanted: int
    wanted_bytes: int


def make_source(
    stack: PrivateStack, database: str, *, details: int, wanted_share: float, instances: int, days: int = 1
) -> Source:
    """Generates days of ``details`` changes each; the last one is the same however many precede it."""
    stack.create_database(database, "postgres")
    until = datetime.combine(DAY + timedelta(days=1), time.min, UTC)
    with closing(psycopg2.connect(stack.superuser(database))) as connection:
        create_source(connection)
        if days > 1:
            generate_history(
                connection,
                details=details * (days - 1),
                days=days - 1,
                until=until - timedelta(days=1),
                seed=2,
                wanted_share=wanted_share,
                instances=instances * (days - 1),
            )
        made = generate_history(
            connection,
            details=details,
            days=1,
            until=until,
            seed=1,
            wanted_share=wanted_share,
            instances=instances,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(WANTED_VIEW)
    # Once, here: else the first contender would set the hint bits for all the others.
    stack.vacuum(database)
    return Source(database, days, made.details, made.wanted, made.wanted_bytes)
