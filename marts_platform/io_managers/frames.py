"""Rows between engines and pandas, without losing what the types say."""

from __future__ import annotations

import json
import math
import re
from datetime import date, datetime, time
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any
from uuid import UUID

from marts_platform.core.imports import whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from marts_platform.core.table import Column, Table

# pandas' own types turn NULL into NaN, an integer beside it into a float, and times into nanoseconds.
_EXACT = {
    "smallint": "Int64",
    "integer": "Int64",
    "bigint": "Int64",
    "boolean": "boolean",
    "timestamptz": "datetime64[us, UTC]",
    "timestamp": "datetime64[us]",
}
_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_FLOATS = frozenset({"real", "double precision"})
# Beyond it a float no longer tells neighbouring integers apart.
_EXACT_FLOATS = 2**53
# Types whose values have one kind of Python object; what is not here is left to the server.
_TAKES: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "text": (str,),
    "varchar": (str,),
    "uuid": (str,),
    "bytea": (bytes, bytearray, memoryview),
}


def typed_frame(rows: Sequence[tuple[Any, ...]], table: Table) -> pd.DataFrame:
    """A DataFrame of a table's columns with types that hold every value exactly.

    Args:
        rows: with the table's columns in their order.
        table: the declaration.

    Returns:
        Integers and booleans in pandas' nullable types, times in microseconds (UTC where aware),
        everything else as objects: Decimal, float (NaN is a number, None is NULL), str, bytes, list, dict.
    """
    whole("pandas")
    import pandas as pd

    def typed(values: list[Any], type_: str) -> Any:
        if type_ == "bytea":
            values = [None if value is None else bytes(value) for value in values]
        return pd.Series(values, dtype=_EXACT.get(type_, "object"))

    # Column by column: pandas would make one float of an integer beside a NULL, whatever it is told.
    return pd.DataFrame(
        {
            column.name: typed([row[place] for row in rows], column.type)
            for place, column in enumerate(table.columns)
        }
    )


def json_value(text: str) -> Any:
    """A JSON text as Python's values; a number that no float holds exactly is a Decimal."""
    return json.loads(text, parse_float=_number)


def _number(text: str) -> float | Decimal:
    value = float(text)
    return value if Decimal(repr(value)) == Decimal(text) else Decimal(text)


def plain_columns(frame: pd.DataFrame, columns: Sequence[Column]) -> list[list[Any]]:
    """The values of a frame's columns as plain Python objects, None for what pandas calls missing.

    NaN is missing as well, except in a column of objects that is declared as a number with a NaN of its
    own: there it is that, and None is missing.
    """
    return [_plain_column(frame[column.name], column) for column in columns]


def _plain_column(series: pd.Series[Any], column: Column) -> list[Any]:
    has_nan = str(series.dtype) == "object" and _base(column.type) in _FLOATS | {"numeric"}
    return [_plain(value, has_nan=has_nan) for value in series.tolist()]


def _plain(value: Any, *, has_nan: bool) -> Any:
    import pandas as pd

    if isinstance(value, list | dict | tuple | str | bytes | bytearray | memoryview):
        return value  # pyright: ignore[reportUnknownVariableType] # whatever is in it
    if hasattr(value, "tolist"):
        value = value.tolist()  # a numpy array or scalar
    if isinstance(value, list):
        return value  # pyright: ignore[reportUnknownVariableType]
    if has_nan and isinstance(value, float | Decimal):
        return value
    if pd.isna(value):
        return None
    if isinstance(value, pd.Timestamp):
        return value if value.nanosecond else value.to_pydatetime()
    return str(value) if isinstance(value, UUID) else value


def column_fault(values: Sequence[Any], column: Column) -> str | None:
    """Says which kinds of values a column cannot hold exactly; None if it can hold all of them.

    A server would round, cut, or take a zone for granted without a word.
    """
    base, scale = _base(column.type), _scale(column.type)
    kinds = {_kind(value) for value in values if value is not None and not _is_exact(value, base, scale)}
    if not kinds:
        return None
    return f"{column.name} is declared {column.type} and holds {', '.join(sorted(kinds))}"


def _is_exact(value: Any, base: str, scale: int | None) -> bool:
    if isinstance(value, bool):
        return base == "boolean" or not (base in _TAKES or base in _INTEGERS | _FLOATS | {"numeric", "date"})
    if base in _INTEGERS:
        return isinstance(value, int) or (
            isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOATS
        )
    if base in _FLOATS:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT_FLOATS)
    if base == "numeric":
        return isinstance(value, int | float | Decimal) and _fits(value, scale)
    if base == "date":
        midnight = isinstance(value, datetime) and value.tzinfo is None and value.time() == time()
        return midnight or (isinstance(value, date) and not isinstance(value, datetime))
    if base in ("timestamptz", "timestamp"):
        return (
            isinstance(value, datetime)
            and (value.tzinfo is not None) == (base == "timestamptz")
            and not getattr(value, "nanosecond", 0)
        )
    return base not in _TAKES or isinstance(value, _TAKES[base])


def _fits(value: float | Decimal, scale: int | None) -> bool:
    if math.isnan(value):
        return True
    if math.isinf(value):
        return False  # psycopg2 would send it as NaN
    digits = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    with localcontext() as context:
        # Otherwise a number of many digits would be rounded here.
        context.prec = max(len(digits.as_tuple().digits), 1)
        exponent = digits.normalize().as_tuple().exponent
    return scale is None or not isinstance(exponent, int) or -exponent <= scale


def _kind(value: Any) -> str:
    if isinstance(value, datetime):
        if getattr(value, "nanosecond", 0):
            return "times with nanoseconds"
        return "times without a zone" if value.tzinfo is None else "times with a zone"
    if isinstance(value, float | Decimal):
        return f"{type(value).__name__} values that it would round"
    return f"{type(value).__name__} values"


def _base(type_: str) -> str:
    """A type without its modifiers: ``numeric`` of ``numeric(38,18)``; an array is a type of its own."""
    return re.sub(r"\(.*?\)", "", type_).strip()


def _scale(type_: str) -> int | None:
    """How many digits a numeric type holds after its point; None where it holds any number of them."""
    found = re.fullmatch(r"numeric\s*\(\s*\d+\s*(?:,\s*(-?\d+)\s*)?\)", type_)
    return int(found[1] or 0) if found else None
