"""The days that loads of an appended table touched, so that what is made of them by days is stale after it.

Rows that join a table may belong to days of any age. The load that adds them notes their days in its
publishing transaction (``ops.appended_days``). A mart by days keeps, as the end of its data version, the
number of the load that it has seen: another number means rows that it lacks, without a look at the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Mapping

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

    from marts_platform.core.run_log import Published
    from marts_platform.core.window import Window

_PREFIX = "load "


def note_days(connection: Connection, asset: str, log_id: int, stage: Composable, column: Composable) -> None:
    """Note the days of staged rows, in the transaction that appends them."""
    with connection.cursor() as cursor:
        statement = compose("ops/appended_days_note.sql", {"stage": stage, "column": column})
        cursor.execute(statement, {"asset": asset, "load_id": log_id})


def loads_by_day(connection: Connection, asset: str, window: Window) -> dict[str, int]:
    """Return, by day of a window, the newest load that added rows of it."""
    values = {"asset": asset, "start": window.start, "end": window.end}
    with connection.cursor() as cursor:
        cursor.execute(compose("ops/appended_days_noted.sql"), values)
        return dict(cursor.fetchall())


def load_seen(load: int | None) -> str:
    """Return the end of a data version that reflects a load; empty before any load noted the day."""
    return "" if load is None else f"{_PREFIX}{load}"


def days_behind(loads: Mapping[str, int], published: Mapping[str | None, Published]) -> dict[str, str]:
    """Return the published days whose data version names another load, with the end that it should have.

    Args:
        loads: by day, from `loads_by_day`.
        published: the last successful loads of the mart by days.
    """
    return {
        day: load_seen(load)
        for day, load in loads.items()
        if day in published and not _ends_with(published[day].fingerprint, load_seen(load))
    }


def _ends_with(version: str | None, end: str) -> bool:
    return (version or "").rpartition("; ")[2] == end
