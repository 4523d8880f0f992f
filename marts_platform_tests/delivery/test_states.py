"""The data version of a day tells every change of every stored column."""

from __future__ import annotations

from typing import Any, LiteralString

import pytest
from psycopg.sql import SQL, Identifier

from marts_platform.core.mart import slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.delivery.sources import DeliverySource
from marts_platform_tests.delivery.service import DAYS, Service

TIMES = (
    None,
    "infinity",
    "-infinity",
    "0001-01-01 00:00:00+00",
    "1970-01-01 00:00:00+00",
    "2024-03-01 10:00:00+00",
    "2024-03-01 10:00:00.000001+00",
    "9999-12-31 23:59:59.999999+00",
)
TEXTS = (None, "", "NULL", "=", "~", "a", "a|b", '"a"', "(a,b)", "\\", " a")
UUIDS = ("00000000-0000-0000-0000-00000000000a", "00000000-0000-0000-0000-00000000000b")
COSTS = (None, 0, 0.01, 12.5, 12.505, "NaN", "infinity", "-infinity")
VALUES: dict[tuple[str, str], tuple[str, tuple[Any, ...]]] = {
    ("orders", "source_address_id"): ("order", UUIDS),
    ("orders", "target_address_id"): ("order", UUIDS),
    ("orders", "extra"): ("order", TEXTS),
    ("pipelines", "status"): ("pipeline", ("failed", "succeeded")),
    ("pipelines", "message"): ("pipeline", TEXTS),
    ("pipelines", "started_at"): ("pipeline", TIMES),
    ("pipelines", "finished_at"): ("pipeline", TIMES),
    ("pipelines", "registered_at"): ("order", TIMES[1:]),
    ("stages", "name"): ("stage", ("estimate_cost", "perform_delivery")),
    ("stages", "message"): ("stage", TEXTS),
    ("stages", "started_at"): ("stage", TIMES),
    ("stages", "finished_at"): ("stage", TIMES),
    ("deliveries", "cost"): ("delivery", COSTS),
    ("deliveries", "estimated_at"): ("delivery", TIMES),
    ("deliveries", "performer_id"): ("delivery", (None, *UUIDS)),
    ("deliveries", "assigned_at"): ("delivery", TIMES),
    ("deliveries", "released_at"): ("delivery", TIMES),
    ("deliveries", "extra"): ("order", TEXTS),
}
ONE: LiteralString = """
    SELECT "order".id AS "order", pipeline.id AS pipeline, pipeline.id AS delivery, stage.id AS stage
    FROM "order"
    JOIN pipeline ON order_id = "order".id
    JOIN delivery ON delivery.pipeline_id = pipeline.id
    JOIN stage ON stage.pipeline_id = pipeline.id
    WHERE pipeline.created_at < %s
    LIMIT 1
"""


@pytest.mark.parametrize(("asset", "column"), VALUES)
def test_state_differs_for_every_value_of_a_column(service: Service, asset: str, column: str) -> None:
    table, values = VALUES[asset, column]
    (keys,) = service.rows(ONE, DAYS[1])
    key = "pipeline_id" if table == "delivery" else "id"
    update = SQL("UPDATE {} SET {} = %s WHERE {} = %s").format(*map(Identifier, (table, column, key)))
    slice_ = slice_of(DAILY, DAYS[0].isoformat())
    states: dict[str, Any] = {}
    for value in values:
        service.connection.execute(update, (value, keys[table]))
        state = DeliverySource().source_state(f"delivery/{asset}", [slice_]).fingerprints[DAYS[0].isoformat()]
        assert state not in states, (value, states[state])
        states[state] = value
