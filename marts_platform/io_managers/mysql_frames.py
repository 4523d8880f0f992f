"""Rows between MySQL and pandas, without losing what the types say."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from marts_platform.io_managers.frames import column_fault

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from marts_platform.core.table import Column

_TYPE = re.compile(r"(?P<base>[a-z]+)(?:\((?P<sizes>[\d, ]+)\))?(?P<unsigned> unsigned)?")
BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "integer": 32, "bigint": 64}
# Types as the shared check of a DataFrame's values knows them.
_KINDS = {
    **dict.fromkeys(BITS, "bigint"),
    **dict.fromkeys(
        ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "json"), "text"
    ),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "bytea"),
    "float": "double precision",
    "double": "double precision",
    "date": "date",
    "datetime": "timestamp",
    "timestamp": "timestamp",
}


def frame_type(type_: str) -> str:
    """The type of a DataFrame's column that holds every value of a MySQL type."""
    base, _, _ = _parts(type_)
    if base == "datetime":
        return "datetime64[us]"
    return "Int64" if base in BITS else "object"


def frame_faults(columns: Sequence[Column], values: Sequence[Sequence[Any]]) -> list[str]:
    """What of a DataFrame's values the declared columns would not hold exactly, in words.

    The server refuses a text that is too long; what it would round, or take for another, is found here.

    Args:
        columns: as they are declared.
        values: of each of them, as `frames.plain_columns` gives them.
    """
    pairs = zip(columns, values, strict=True)
    return [fault for column, held in pairs for fault in _faults(held, column)]


def _faults(values: Sequence[Any], column: Column) -> Generator[str]:
    base, sizes, is_unsigned = _parts(column.type)
    there = [_plain(value, base) for value in values if value is not None]
    if len(there) < len(values) and not column.nullable:
        yield f"{column.name} is declared {column.type} and holds NULL"
    kind = f"numeric({','.join(map(str, sizes))})" if base == "decimal" else _KINDS.get(base, base)
    fault = column_fault(there, replace(column, type=kind))
    if fault:
        yield fault.replace(f"declared {kind}", f"declared {column.type}")
        return
    beyond = [value for value in there if not _fits(value, base, sizes, is_unsigned=is_unsigned)]
    if beyond:
        yield f"{column.name} is declared {column.type}, which does not hold {beyond[0]!r}"


def _parts(type_: str) -> tuple[str, list[int], bool]:
    found = _TYPE.match(type_.lower())
    assert found is not None  # the server has made a table of it
    sizes = [int(part) for part in re.findall(r"\d+", found["sizes"] or "")]
    return found["base"], sizes, found["unsigned"] is not None


def _plain(value: Any, base: str) -> Any:
    """A value as MySQL has it: its booleans are numbers, and its times, which have no zone, are UTC here."""
    if isinstance(value, bool) and base in BITS:
        return int(value)
    if isinstance(value, datetime) and value.tzinfo is not None and base == "datetime":
        return value.astimezone(UTC).replace(tzinfo=None)
    return value


def _fits(value: Any, base: str, sizes: Sequence[int], *, is_unsigned: bool) -> bool:
    if base in BITS:
        bits = BITS[base]
        low, high = (0, 2**bits - 1) if is_unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        return low <= value <= high
    if base == "decimal":
        precision, scale = [*sizes, 10, 0][:2] if len(sizes) != 1 else (sizes[0], 0)
        return Decimal(str(value)).copy_abs() < Decimal(10) ** (precision - scale)
    if base in ("float", "double"):
        if not math.isfinite(value):
            return False
        return base != "float" or struct.unpack("f", struct.pack("f", value))[0] == value
    if base == "datetime":
        return value.microsecond % 10 ** (6 - (sizes[0] if sizes else 0)) == 0
    return True
