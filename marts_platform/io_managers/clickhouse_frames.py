"""Rows between ClickHouse and pandas, without losing what the types say."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from marts_platform.core.clickhouse import quoted, render
from marts_platform.core.imports import whole
from marts_platform.io_managers.clickhouse_session import within
from marts_platform.io_managers.clickhouse_types import bare
from marts_platform.io_managers.frames import column_fault, plain_columns

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import pandas as pd
    from clickhouse_connect.driver.httpclient import HttpClient

    from marts_platform.core.relation import Relation
    from marts_platform.core.table import Column

_PIECE_CHARACTERS = 1 << 20
_INTEGER = re.compile(r"(U?)Int(\d+)")
_MOMENT = re.compile(r"DateTime64\((\d)(?:, ?'[^']*')?\)")
_FLOATS = {"Float32": "float32", "Float64": "float64"}
# Types as the shared check of a DataFrame's values knows them.
_KINDS = {
    "Bool": "boolean",
    "UUID": "uuid",
    "Date": "date",
    "Date32": "date",
    "Float32": "double precision",
    "Float64": "double precision",
}
# What the elements of an array have to be, by the beginning of their type.
_ELEMENTS: dict[str, tuple[type, ...]] = {
    "DateTime": (datetime,),
    "Date": (date,),
    "Int": (int,),
    "UInt": (int,),
    "Float": (int, float),
    "Decimal": (int, Decimal),
}
# The engine's own bounds of types that it would leave in silence.
_DAYS = (date(1970, 1, 1), date(2149, 6, 6))
_SECONDS = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2106, 2, 7, 6, 28, 15, tzinfo=UTC))


def read_frame(client: HttpClient, relation: Relation) -> pd.DataFrame:
    """The rows of a relation, with types that hold every value exactly.

    Returns:
        Integers and booleans in pandas' nullable types, times in microseconds and UTC, floats as numpy's
        unless they may be NULL, everything else as objects: Decimal, date, str (bytes where they are no
        text), list, dict.
    """
    whole("pandas")
    import pandas as pd

    columns = ", ".join(quoted(column.name) for column in relation.table.columns)
    table = quoted(relation.table.schema, relation.table.name)
    if relation.window is not None and relation.column is not None:
        condition = within(relation.column, relation.table.column(relation.column).type, relation.window)
        statement = render("clickhouse/select_window.sql", columns=columns, table=table, condition=condition)
    else:
        statement = render("clickhouse/select_rows.sql", columns=columns, table=table)
    # Left alone, the client makes hexadecimal digits of a text that is none, and naive times.
    formats = {"DateTime*": "int", "String": "bytes", "FixedString": "bytes"}
    answer = client.query(statement, query_formats=formats, column_oriented=True)
    values: Sequence[Sequence[Any]] = answer.result_columns or [() for _ in relation.table.columns]
    return pd.DataFrame(
        {
            column.name: _series(list(given), column)
            for column, given in zip(relation.table.columns, values, strict=True)
        }
    )


def _series(values: list[Any], column: Column) -> pd.Series[Any]:
    import pandas as pd

    type_ = bare(column.type)
    whole = _INTEGER.fullmatch(type_)
    if whole and int(whole[2]) <= 64:
        return pd.Series(values, dtype=type_)
    if type_ == "Bool":
        return pd.Series(values, dtype="boolean")
    if type_.startswith("DateTime"):
        return _times(values, type_)
    if type_ in _FLOATS and not column.nullable:
        return pd.Series(values, dtype=_FLOATS[type_])
    return pd.Series([_object(value, type_) for value in values], dtype="object")


def _times(ticks: list[int | None], type_: str) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    moment = _MOMENT.fullmatch(type_)
    digits = int(moment[1]) if moment else 0
    unit, unit_digits = ("ns", 9) if digits > 6 else ("us", 6)
    missing = np.iinfo(np.int64).min
    scaled = [missing if tick is None else tick * 10 ** (unit_digits - digits) for tick in ticks]
    moments = np.array(scaled, dtype=np.int64).view(f"M8[{unit}]")
    return pd.Series(pd.DatetimeIndex(moments, tz="UTC"))


def _object(value: Any, type_: str) -> Any:
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value
    if isinstance(value, list | tuple):
        return [_object(part, "") for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        parts = cast("dict[Any, Any]", value)
        return {_object(key, ""): _object(part, "") for key, part in parts.items()}
    return str(value) if type_ in ("UUID", "IPv4", "IPv6") and value is not None else value


def frame_faults(frame: pd.DataFrame, columns: Sequence[Column]) -> list[str]:
    """What of a DataFrame's values the declared columns would not hold exactly, in words."""
    plain = _plain(frame, columns)
    pairs = zip(columns, plain, strict=True)
    return [fault for column, values in pairs for fault in _faults(values, column)]


def _plain(frame: pd.DataFrame, columns: Sequence[Column]) -> list[list[Any]]:
    # In a column of floats that takes no NULL, a NaN is a number.
    floats = [c.name for c in columns if bare(c.type) in _FLOATS and not c.nullable]
    known = [_as_known(column) for column in columns]
    return plain_columns(frame.astype(dict.fromkeys(floats, "object")), known)


def _as_known(column: Column) -> Column:
    return replace(column, type=_kind(bare(column.type)))


def _kind(type_: str) -> str:
    if _INTEGER.fullmatch(type_):
        return "bigint"
    if type_.startswith("DateTime"):
        return "timestamptz"
    if type_.startswith("Decimal"):
        return type_.replace("Decimal", "numeric").replace(" ", "")
    return _KINDS.get(type_, type_)


def _faults(values: Sequence[Any], column: Column) -> Generator[str]:
    type_ = bare(column.type)
    there = [value for value in values if value is not None]
    if len(there) < len(values) and not column.nullable:
        yield f"{column.name} is declared {column.type} and holds NULL"
    fault = column_fault(there, _as_known(column))
    if fault:
        yield fault.replace(f"declared {_kind(type_)}", f"declared {column.type}")
        return
    beyond = [value for value in there if not _fits(value, type_)]
    if beyond:
        yield f"{column.name} is declared {column.type}, which does not hold {beyond[0]!r}"


def _fits(value: Any, type_: str) -> bool:
    whole, moment = _INTEGER.fullmatch(type_), _MOMENT.fullmatch(type_)
    if whole:
        bits = int(whole[2])
        low, high = (0, 2**bits - 1) if whole[1] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return low <= value <= high
    if moment:
        return value.microsecond % 10 ** max(6 - int(moment[1]), 0) == 0
    if type_.startswith("DateTime"):
        return value.microsecond == 0 and _SECONDS[0] <= value <= _SECONDS[1]
    if type_ == "Date":
        day = value.date() if isinstance(value, datetime) else value
        return _DAYS[0] <= day <= _DAYS[1]
    if type_.startswith("Decimal"):
        precision, scale = (int(part) for part in re.findall(r"\d+", type_)[:2])
        return Decimal(str(value)).copy_abs() < Decimal(10) ** (precision - scale)
    if type_ == "Float32":
        return value != value or struct.unpack("f", struct.pack("f", value))[0] == value
    if type_ == "String":
        return isinstance(value, str | bytes | bytearray | memoryview)
    if type_.startswith("Array("):
        if not isinstance(value, list | tuple):
            return False
        return all(_element_fits(part, type_[6:-1]) for part in cast("list[Any]", value))
    if type_.startswith("JSON"):
        return isinstance(value, dict) and _json_fits(cast("dict[str, Any]", value))
    return True


def _element_fits(value: Any, type_: str) -> bool:
    if value is None:
        return type_.startswith(("Nullable(", "LowCardinality(Nullable("))
    inner = bare(type_)
    return (
        (not isinstance(value, bool) or inner == "Bool") and _fits_kind(value, inner) and _fits(value, inner)
    )


def _fits_kind(value: Any, type_: str) -> bool:
    for name, kinds in _ELEMENTS.items():
        if type_.startswith(name):
            return isinstance(value, kinds)
    return True


def _json_fits(value: Any) -> bool:
    """Whether ClickHouse's type JSON gives a value back as it is: it drops nulls, and keys with dots nest."""
    if isinstance(value, dict):
        parts = cast("dict[str, Any]", value)
        return all(
            "." not in key and part is not None and part != {} and _json_fits(part)
            for key, part in parts.items()
        )
    if isinstance(value, list):
        elements = cast("list[Any]", value)
        kinds: set[type] = {type(part) for part in elements}
        return len(kinds) == 1 and kinds <= {str, bool, float, int} and all(map(_json_fits, elements))
    if isinstance(value, int) and not isinstance(value, bool):
        return -(2**63) <= value < 2**63
    return isinstance(value, str | bool | float)


def json_lines(frame: pd.DataFrame, columns: Sequence[Column]) -> Generator[bytes]:
    """A DataFrame's rows as ClickHouse's ``JSONEachRow``, in pieces."""
    plain = _plain(frame, columns)
    names = [column.name for column in columns]
    lines: list[str] = []
    size = 0
    for row in zip(*plain, strict=True):
        record: Mapping[str, Any] = dict(zip(names, map(_sent, row), strict=True))
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        lines.append(line)
        size += len(line)
        if size > _PIECE_CHARACTERS:
            yield _encoded(lines)
            lines, size = [], 0
    if lines:
        yield _encoded(lines)


def _encoded(lines: Sequence[str]) -> bytes:
    # Bytes that are no text travel as surrogates, and leave as they were.
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogateescape")


def _sent(value: Any) -> Any:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(cast("bytes", value)).decode("utf-8", "surrogateescape")
    if isinstance(value, datetime):
        moment = value if value.tzinfo is None else value.astimezone(UTC)
        return moment.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, float) and not abs(value) < float("inf"):
        return str(value)
    if isinstance(value, list | tuple):
        return [_sent(part) for part in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {key: _sent(part) for key, part in cast("dict[str, Any]", value).items()}
    return value
