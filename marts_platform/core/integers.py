"""Integer types of the engines by their real width: bits and sign, never the width of their display."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BITS = {
    "tinyint": 8,
    "smallint": 16,
    "year": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "bigint": 64,
}
_NAMED = re.compile(r"(?P<base>[a-z]+)(?:\(\d+\))?(?P<unsigned> unsigned)?(?: zerofill)?")
_CLICKHOUSE = re.compile(r"(?P<unsigned>U?)Int(?P<bits>\d+)")


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer type.

    Attributes:
        bits: of a value.
        is_signed: true if a value may be negative.
    """

    bits: int
    is_signed: bool

    def holds(self, other: Integer) -> bool:
        """Return true if each value of another integer type is one of this type."""
        if other.is_signed and not self.is_signed:
            return False
        return self.bits - self.is_signed >= other.bits - other.is_signed

    @property
    def least(self) -> int:
        """The smallest value."""
        return -(2 ** (self.bits - 1)) if self.is_signed else 0

    @property
    def most(self) -> int:
        """The largest value."""
        return 2 ** (self.bits - self.is_signed) - 1


def integer_of(type_: str) -> Integer | None:
    """Return the integer type of a name of Postgres, MySQL or ClickHouse; None for any other type."""
    found = _CLICKHOUSE.fullmatch(type_)
    if found:
        return Integer(int(found["bits"]), is_signed=not found["unsigned"])
    found = _NAMED.fullmatch(type_.lower())
    if found is None or found["base"] not in _BITS:
        return None
    return Integer(_BITS[found["base"]], is_signed=not found["unsigned"])
