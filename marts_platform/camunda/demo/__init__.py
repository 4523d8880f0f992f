"""The Camunda demo source: the engine's tables with a real history and a generated one.

``seed`` does it all. The parts are here too, for the tests and the benchmark that want one of them.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg2

from marts_platform.camunda.demo.generated import GeneratedHistory, generate_history
from marts_platform.camunda.demo.real_history import load_real_history
from marts_platform.camunda.demo.schema import create_source

__all__ = [
    "GENERATED_DETAILS",
    "GeneratedHistory",
    "SeededSource",
    "create_source",
    "generate_history",
    "load_real_history",
    "seed",
]

GENERATED_DETAILS = 100_000


@dataclass(frozen=True)
class SeededSource:
    """What `seed` made. ``real_details``: rows of act_hi_detail in the real history."""

    real_details: int
    generated: GeneratedHistory


def seed(dsn: str, scale: float = 1.0, *, until: datetime | None = None) -> SeededSource:
    """Makes the demo source: tables, real history, generated history. Again is harmless.

    Args:
        dsn: of the demo database, for a role that may create tables there.
        scale: multiplies the 100 000 generated details.
        until: the generated history ends before it (aware); default is the start of today, UTC.

    Raises:
        ValueError: the scale leaves no history to generate.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with closing(psycopg2.connect(dsn)) as connection:
        create_source(connection)
        real_details = load_real_history(connection)
        generated = generate_history(
            connection, details=round(GENERATED_DETAILS * scale), until=today if until is None else until
        )
    return SeededSource(real_details, generated)
