"""The ODS's events as the source of the facts: they arrive by offsets, and the facts are made by days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.appended import days_behind, load_seen, loads_by_day
from marts_platform.core.path import with_scope
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.time_limit import within
from marts_platform.core.window import Window
from marts_platform.delivery.events import ASSET as EVENTS
from marts_platform.resources.postgres import Limits, PostgresResource
from marts_platform.resources.postgres_source import one_row, states_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.pending import Key
    from marts_platform.core.run_log import Published
    from marts_platform.core.window import Slice


class OdsEvents(dg.ConfigurableResource[Any]):
    """``ods.events`` in the Postgres warehouse, looked at by days of the broker's time."""

    setting: str = "warehouse_url"

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Mapping[Key, Published] | None = None
    ) -> SourceState:
        """Return the days with events, the data versions of some, and of each day that gained events since.

        The days asked for are counted. Of all other published days the loads that added events are compared,
        whatever the days' age.
        """
        now = settings.load()
        # Whatever the ODS has, the facts get; but a producer's time in the future has no partition yet.
        span = Window(now.start_time, Window.of_day(datetime.now(UTC)).end)
        with self._connected(f"probe {asset}") as connection:
            loads = loads_by_day(connection, EVENTS, span)
            states: dict[Key, str] = {**days_behind(loads, published or {})}
            params = {"start": span.start, "bound": span.end}
            (days,) = one_row(connection, _days_with_rows(), params)
            asked = states_of(
                connection,
                compose("delivery/ods/events_fingerprint.sql"),
                slices,
                _bounds,
                now.source_probe_timeout_seconds,
            )
        states |= {
            key: with_scope(state, load_seen(loads.get(key or ""))) for key, state in asked.states.items()
        }
        return SourceState(frozenset(days or ()), states, "", out_of_time=asked.out_of_time)

    def load_seen(self, slice_: Slice) -> str:
        """Return the end of a day's data version, to be read before the day's events are.

        Events that come in between cost one more load; a version newer than the rows would hide them.
        """
        assert slice_.window is not None  # the facts are partitioned
        with self._connected(f"events {slice_}") as connection:
            return load_seen(loads_by_day(connection, EVENTS, slice_.window).get(slice_.partition_key or ""))

    def _connected(self, purpose: str) -> AbstractContextManager[Connection]:
        limits = Limits(within(settings.load().source_probe_timeout_seconds), read_only=True)
        return PostgresResource(setting=self.setting).connect(limits, purpose=purpose)


def _bounds(slice_: Slice) -> Mapping[str, object]:
    assert slice_.window is not None  # the facts are partitioned
    return {"start": slice_.window.start, "end": slice_.window.end}


def _days_with_rows() -> Composable:
    from psycopg2.sql import Identifier

    names = {"table": Identifier("ods", "events"), "column": Identifier("event_timestamp")}
    return compose("delivery/raw/days_with_rows.sql", names)
