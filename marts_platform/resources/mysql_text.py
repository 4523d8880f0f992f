r"""What MySQL's columns are, and the SQL that renders their values in the text format of Postgres' COPY.

COPY's text is what every engine of ours takes (TabSeparated in ClickHouse, LOAD DATA in MySQL): a line a row,
tabs between the columns, ``\N`` for NULL, and a backslash before what would be taken for either. The server
renders the lines, so Python passes bytes on and looks at no value.
"""

from __future__ import annotations

from dataclasses import dataclass

_UNSIGNED = 32
_BINARY = 63  # the character set of what is no text
# pymysql.constants.FIELD_TYPE; the protocol's numbers.
_INTEGERS = {1: "smallint", 2: "smallint", 9: "integer", 3: "integer", 8: "bigint", 13: "smallint"}
_UNSIGNED_INTEGERS = {
    1: "smallint",
    2: "integer",
    9: "integer",
    3: "bigint",
    8: "numeric(20,0)",
    13: "smallint",
}
_TIMES = {7: "timestamp with time zone", 12: "timestamp without time zone", 10: "date", 14: "date"}
_TEXTS = frozenset({15, 249, 250, 251, 252, 253, 254, 247, 248})
_DECIMALS = frozenset({0, 246})
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


def postgres_type(field: Field, utc: bool) -> str:
    """The Postgres type that has a field's values, by which all warehouses judge what they take.

    Args:
        field: the column.
        utc: whether a DATETIME, which has no zone, is a time of UTC.
    """
    code, is_unsigned = field.code, bool(field.flags & _UNSIGNED)
    if code == 1 and field.length == 1:
        return "boolean"  # tinyint(1), MySQL's only kind of boolean
    if code in _INTEGERS:
        return (_UNSIGNED_INTEGERS if is_unsigned else _INTEGERS)[code]
    if code in _DECIMALS:
        digits = field.length - (0 if is_unsigned else 1) - (1 if field.decimals else 0)
        return f"numeric({digits},{field.decimals})"
    if code in _TIMES:
        return "timestamp with time zone" if code == 12 and utc else _TIMES[code]
    if field.is_bytes:
        return "bytea"
    names = {_FLOAT: "double precision", _DOUBLE: "double precision", _TIME: "interval", _JSON: "json"}
    if code == _BIT:
        return "bigint" if field.length < 64 else "numeric(20,0)"
    return names.get(code, "text")


def rendered(field: Field, name: str, zero_dates_are_null: bool) -> str:
    """The SQL of a column's value as COPY's text.

    Args:
        field: the column.
        name: quoted.
        zero_dates_are_null: whether a date that none is (0000-00-00) comes as NULL. Otherwise it comes as a
            text that no engine takes for a date: left as it is, ClickHouse would make 1970-01-01 of it.
    """
    value = name
    if field.code in _TIMES:
        value = _time(field, name, zero_dates_are_null)
    elif field.is_bytes:
        value = f"concat('\\\\\\\\x', lower(hex({name})))"
    elif field.code == _FLOAT:
        value = f"{name} + 0e0"  # as a float it is shown with six digits
    elif field.code == _BIT:
        value = f"{name} + 0"
    elif field.code in _TEXTS or field.code == _JSON:
        # A NUL stays as it is: after a backslash, the digits behind it would become part of it.
        value = name
        for raw, escaped in (("\\\\", "\\\\\\\\"), ("\\t", "\\\\t"), ("\\n", "\\\\n"), ("\\r", "\\\\r")):
            value = f"replace({value}, '{raw}', '{escaped}')"
    missing = f"{name} IS NULL"
    if field.code in _TIMES and zero_dates_are_null:
        missing += f" OR {_is_no_date(name)}"
    return f"CASE WHEN {missing} THEN '\\\\N' ELSE {value} END"


def line(fields: list[Field], zero_dates_are_null: bool) -> str:
    """The SQL of a whole line; it is NULL, which is no line, if the server could not hold it."""
    parts = [rendered(field, quoted(field.name), zero_dates_are_null) for field in fields]
    return "concat(" + ", '\\t', ".join(parts) + ")"


def quoted(*names: str) -> str:
    """A name of an object, its parts quoted."""
    return ".".join("`" + name.replace("`", "``") + "`" for name in names)


def _time(field: Field, name: str, zero_dates_are_null: bool) -> str:
    text = f"concat({name}, '+00')" if field.code == 7 else name
    if zero_dates_are_null:
        return text
    return f"CASE WHEN {_is_no_date(name)} THEN concat('no date: ', {name}) ELSE {text} END"


def _is_no_date(name: str) -> str:
    return f"(month({name}) = 0 OR dayofmonth({name}) = 0 OR month({name}) IS NULL)"
