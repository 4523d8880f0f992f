"""The Camunda demo source: the engine's tables with a real history and a generated one.

``seed`` does it all. The parts are here too, for the tests and the benchmark that want one of them.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg2

from marts_platform.camunda.demo.generated import GeneratedHistory, generate_history
from marts_platform.camunda.demo.real_history import load_real_history
from marts_platform.camunda.demo.schema import create_source
from marts_platform.core.demo import Demo, Shown

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DEMO",
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


def _seed(address: Callable[[str], str], scale: float) -> str:
    made = seed(address("camunda"), scale)
    return f"{made.real_details:,} changes of a real history, {made.generated.details:,} generated ones"


DEMO = Demo(
    seed=_seed,
    shown=[
        Shown(
            "postgres",
            "camunda.process_documents: what a process has attached, in one index look-up",
            "camunda/demo/newest_documents.sql",
        )
    ],
    hints=[
        'marts sql postgres "SELECT * FROM camunda.process_variables LIMIT 5"',
        'marts sql postgres "SELECT reason, count(*) FROM ops.quarantine GROUP BY 1"',
    ],
    # The real history has none of the two variables that are wanted by default.
    preferred={"MARTS_CAMUNDA_URL": {"MARTS_CAMUNDA_VARIABLES": "*"}},
)
