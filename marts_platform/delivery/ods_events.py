"""The ODS's events as the source of the facts: they arrive by offsets, and the facts are made by days."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg

from marts_platform import settings
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.window import Window
from marts_platform.resources.postgres import Limits, PostgresResource
from marts_platform.resources.postgres_source import one_row

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from marts_platform.core.pending import Key
    from marts_platform.core.window import Slice


class OdsEvents(dg.ConfigurableResource[Any]):
    """``ods.events`` in the Postgres warehouse, looked at by days of the broker's time."""

    setting: str = "warehouse_url"

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """Which days have events, and the fingerprints of some."""
        from psycopg2.sql import Identifier

        now = settings.load()
        limits = Limits(now.source_probe_timeout_seconds, read_only=True)
        names = {"table": Identifier("ods", "events"), "column": Identifier("event_timestamp")}
        days_with_rows = compose("delivery/raw/days_with_rows.sql", names)
        with PostgresResource(setting=self.setting).connect(limits, purpose=f"probe {asset}") as connection:
            states: dict[str | None, str] = {}
            for slice_ in slices:
                assert slice_.window is not None  # the facts are partitioned
                params = {"start": slice_.window.start, "end": slice_.window.end}
                (state,) = one_row(connection, compose("delivery/ods/events_fingerprint.sql"), params)
                states[slice_.partition_key] = str(state)
            # Whatever the ODS has, the facts get; but a producer's time in the future has no partition yet.
            params = {"start": now.start_time, "bound": Window.of_day(datetime.now(UTC)).end}
            (days,) = one_row(connection, days_with_rows, params)
        return SourceState(frozenset(days or ()), states, "")
