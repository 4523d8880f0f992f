"""Values between PostgreSQL and Python where the driver, left alone, would change some of them in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from psycopg2.extensions import (
    PYDATE,
    PYDATETIME,
    PYDATETIMETZ,
    new_type,  # pyright: ignore[reportUnknownVariableType] # its stub leaves `baseobj` open
    register_type,
)
from psycopg2.extras import Json, register_default_json, register_default_jsonb

from marts_platform.io_managers.frames import json_value

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.table import Column

# Types of pg_type that are the same on every server.
_TIMES = ((1082, PYDATE), (1114, PYDATETIME), (1184, PYDATETIMETZ))


def read_exactly(connection: Connection) -> None:
    """Lets a connection read JSON without rounding its numbers, and refuse times that Python has not.

    psycopg2 makes a float of every number with a point, and 9999-12-31 of infinity.
    """
    register_default_json(connection, loads=json_value)
    register_default_jsonb(connection, loads=json_value)
    for oid, reading in _TIMES:
        register_type(new_type((oid,), "FINITE", _finite(reading)), connection)


def _finite(reading: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def read(value: str | None, cursor: Any) -> Any:
        if value is not None and value.endswith("infinity"):
            raise ValueError(f"Python has no time {value!r}: read it in SQL, or replace it there")
        return reading(value, cursor)

    return read


def written(values: Sequence[Any], column: Column) -> Sequence[Any]:
    """A column's values as the driver has to be given them.

    JSON is wrapped, and a float is its text: as a number in SQL it is a decimal first, which has no -0.
    """
    if column.type in ("json", "jsonb"):
        return [None if value is None else Json(value) for value in values]
    if column.type in ("real", "double precision"):
        return [None if value is None else repr(float(value)) for value in values]
    return values
