"""ClickHouse's SQL: names and literals in it, and a file's statement with what it is bound to."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from collections.abc import Mapping

# Where staging tables live, and the current database of a load's statements.
STAGING = "marts_staging"
# Ends the name of a table whose partitions the live one has, or was about to get: see
# `marts_platform.core.clickhouse_repetition`.
AGAIN = "__again"

_PARAMETER = re.compile(r"\{(\w+)\s*:")
_PLACE = re.compile(r"\{(\w+)\}")


def render(file: str, **places: str) -> str:
    """The statement of a file, its ``{name}`` places filled with SQL; ``{name:Type}`` stays to be bound.

    Raises:
        KeyError: a place has no text.
    """
    return _PLACE.sub(lambda found: places[found[1]], read_sql(file))


def bound(statement: str, values: Mapping[str, object]) -> dict[str, Any] | None:
    """The values that a statement takes, as the server reads them without loss; None if it takes none.

    Args:
        statement: with ``{name:Type}`` for each.
        values: more than it takes is no fault.

    Raises:
        KeyError: a value is missing.
    """
    names = set(_PARAMETER.findall(statement))
    missing = names - values.keys()
    if missing:
        raise KeyError(f"the statement takes {', '.join(sorted(missing))}, which nobody gave: {statement}")
    # The client would cut microseconds, and shift times to the server's zone.
    return {name: _parameter(values[name]) for name in names} or None


def _parameter(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError(f"a time that is bound needs a zone, got {value!r}")
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value.isoformat() if isinstance(value, date) else value


def quoted(*parts: str) -> str:
    """A name of an object, its parts quoted."""
    return ".".join("`" + part.replace("\\", "\\\\").replace("`", "\\`") + "`" for part in parts)


def literal(text: str) -> str:
    """A string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
