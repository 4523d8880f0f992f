r"""What MySQL's columns are, and the SQL that renders their values in the text format of Postgres' COPY.

COPY's text is what every engine of ours takes (TabSeparated in ClickHouse, LOAD DATA in MySQL): a line a row,
tabs between the columns, ``\N`` for NULL, and a backslash before what would be taken for either. The server
renders the lines, so Python passes bytes on and looks at no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_UNSIGNED = 32
_YEAR, _TIMESTAMP = 13, 7
_BINARY = 63  # the character set of what is no text
# pymysql.constants.FIELD_TYPE; the protocol's numbers.
_INTEGERS = {1: "tinyint", 2: "smallint", 9: "mediumint", 3: "int", 8: "bigint", 13: "year"}
_TIMES = {7: "timestamp with time zone", 12: "timestamp without time zone", 10: "date", 14: "date"}
_TEXTS = frozenset({15, 249, 250, 251, 252, 253, 254, 247, 248})
_DECIMALS = frozenset({0, 246})
# Before a time that is none: no engine takes the text for one. ClickHouse makes 1970-01-01 of 0000-00-00.
NO_TIME = "no time: "
_FLOAT, _DOUBLE, _TIME, _BIT, _JSON, _NULL = 4, 5, 11, 16, 245, 6


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a SELECT, as the protocol describes it.

    Attributes:
        name: the column's.
        code: the protocol's number of its type.
        flags: unsigned and others.
        character_set: 63 for bytes.
        length: in bytes, as shown.
        decimals: digits after the point.
    """

    name: str
    code: int
    flags: int
    character_set: int
    length: int
    decimals: int

    @property
    def is_bytes(self) -> bool:
        """Whether it holds bytes that are no text."""
        return self.code in _TEXTS and self.character_set == _BINARY

    @property
    def is_text(self) -> bool:
        """True for a column of text."""
        return self.code == _JSON or (self.code in _TEXTS and not self.is_bytes)


def source_type(field: Field, utc: bool) -> str:
    """Return the type of a field's values, by which all warehouses judge what they take.

    Integers have MySQL's names, without the width of their display: a tinyint(1) holds what a tinyint holds.
    All other types have Postgres' names.

    Args:
        field: the column.
        utc: whether a DATETIME, which has no zone, is a time of UTC.
    """
    code, is_unsigned = field.code, bool(field.flags & _UNSIGNED)
    if code in _INTEGERS:
        return _INTEGERS[code] + (" unsigned" if is_unsigned and code != _YEAR else "")
    if code in _DECIMALS:
        digits = field.length - (0 if is_unsigned else 1) - (1 if field.decimals else 0)
        return f"numeric({digits},{field.decimals})"
    if code in _TIMES:
        return "timestamp with time zone" if code == 12 and utc else _TIMES[code]
    if field.is_bytes:
        return "bytea"
    names = {_FLOAT: "double precision", _DOUBLE: "double precision", _TIME: "interval", _JSON: "json"}
    return "bigint unsigned" if code == _BIT else names.get(code, "text")


def rendered(field: Field, name: str, no_time: str = "", *, is_converted: bool = False) -> str:
    """Return the SQL of a column's value as COPY's text.

    Args:
        field: the column.
        name: quoted.
        no_time: the condition that a time ``{0}`` is none; '' for `is_no_time`.
        is_converted: whether a text has another character set than utf8mb4.
    """
    value = name
    if field.code in _TIMES:
        text = f"concat({name}, '+00')" if field.code == _TIMESTAMP else name
        fault = (no_time or is_no_time("{0}")).format(name)
        value = f"CASE WHEN {fault} THEN concat('{NO_TIME}', {name}) ELSE {text} END"
    elif field.is_bytes:
        value = f"concat('\\\\\\\\x', lower(hex({name})))"
    elif field.code == _FLOAT:
        value = f"{name} + 0e0"  # as a float it is shown with six digits
    elif field.code == _BIT:
        value = f"{name} + 0"
    elif field.is_text:
        # Of one character set, since a line of several is refused. The rest stays as it is: seekdb joins no
        # line of more than 16 MB of converted texts.
        value = f"CONVERT({name} USING utf8mb4)" if is_converted else name
        # A NUL stays as it is: after a backslash, the digits behind it would become part of it.
        for raw, escaped in (("\\\\", "\\\\\\\\"), ("\\t", "\\\\t"), ("\\n", "\\\\n"), ("\\r", "\\\\r")):
            value = f"replace({value}, '{raw}', '{escaped}')"
    return f"CASE WHEN {name} IS NULL THEN '\\\\N' ELSE {value} END"


def line(fields: list[Field], no_time: str = "", converted: Collection[str] = ()) -> str:
    """Return the SQL of a whole line; it is NULL, which is no line, if the server could not hold it.

    Args:
        fields: the columns.
        no_time: as of `rendered`.
        converted: names of columns whose text has another character set than utf8mb4.
    """
    parts = [
        rendered(field, quoted(field.name), no_time, is_converted=field.name in converted) for field in fields
    ]
    return "concat(" + ", '\\t', ".join(parts) + ")"


def quoted(*names: str) -> str:
    """A name of an object, its parts quoted."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def is_no_time(name: str) -> str:
    """Return the condition that a date or time has no year, month or day: 0000-00-00, 2024-00-00."""
    return f"(year({name}) = 0 OR month({name}) = 0 OR dayofmonth({name}) = 0 OR month({name}) IS NULL)"
