"""Which of ClickHouse's types hold which values exactly: of its own queries, and of a Postgres source."""

from __future__ import annotations

import re

from marts_platform.core.integers import integer_of

_WRAPPER = re.compile(r"(?:Nullable|LowCardinality|SimpleAggregateFunction)\((?:\w+(?:\([^()]*\))?, )?(.*)\)")
_INTEGER = re.compile(r"(?P<unsigned>U?)Int(?P<bits>\d+)")
_DECIMAL = re.compile(r"Decimal\((?P<precision>\d+), ?(?P<scale>\d+)\)")
_SIZED_DECIMAL = re.compile(r"Decimal(?P<bits>32|64|128|256)\((?P<scale>\d+)\)")
_DIGITS = {"32": 9, "64": 18, "128": 38, "256": 76}
_MOMENT = re.compile(r"DateTime64\((?P<digits>\d)(?:, ?'[^']*')?\)")
_MANTISSA = {"Float32": 24, "Float64": 53}
_NUMERIC = re.compile(r"numeric\((?P<precision>\d+),(?P<scale>\d+)\)")
_POSTGRES_FLOATS = {"real": "Float32", "double precision": "Float64"}
# What Postgres calls its own microseconds, and the name of their precision here.
_MICROSECONDS = 6


def bare(type_: str) -> str:
    """A type without Nullable, LowCardinality and SimpleAggregateFunction around it."""
    while (found := _WRAPPER.fullmatch(type_)) is not None:
        type_ = found[1]
    sized = _SIZED_DECIMAL.fullmatch(type_)
    return f"Decimal({_DIGITS[sized['bits']]}, {sized['scale']})" if sized else type_


def holds(declared: str, given: str) -> bool:
    """Whether a column holds each value of another of ClickHouse's types exactly.

    NULL is for the server to refuse, row by row: a query's column is often Nullable and never NULL.
    """
    target, source = bare(declared), bare(given)
    if target.replace(" ", "") == source.replace(" ", "") or source == "Nothing":
        return True
    whole = _INTEGER.fullmatch(source)
    if whole:
        return _holds_integer(target, int(whole["bits"]), is_signed=not whole["unsigned"])
    moment = _MOMENT.fullmatch(target)
    if moment:
        finer = _MOMENT.fullmatch(source)
        digits = int(finer["digits"]) if finer else 0
        return digits <= int(moment["digits"]) and source.startswith("DateTime")
    if source.startswith("Array(") and target.startswith("Array("):
        return holds(target[6:-1], source[6:-1])
    if _DECIMAL.fullmatch(source):
        return _holds_decimal(target, _DECIMAL.fullmatch(source))
    if source.startswith("DateTime"):
        return source.startswith("DateTime(") and target.startswith("DateTime") and "64" not in target
    return (
        (source, target) in {("Float32", "Float64"), ("Date", "Date32"), ("Bool", "UInt8")}
        # An unknown value is refused by the server.
        or (source == "String" and target.startswith("Enum"))
        or (source.startswith("Enum") and target == "String")
    )


def holds_postgres(declared: str, given: str) -> bool:
    """Whether a column holds each value of a Postgres type exactly, as COPY's text of it is read.

    A value that a load recognises as none of the column's counts as held, since it goes to quarantine: an
    integer beyond the column's, a negative one, a day beyond a Date. A value that ClickHouse would cut or
    round in silence does not.

    Args:
        declared: ClickHouse's type.
        given: as Postgres names it, a numeric with its precision and scale; or MySQL's integer type.
    """
    target = bare(declared)
    if target == "String":
        return True  # as Postgres prints it; bytes are decoded
    if integer_of(given):
        # Numbers beyond the column's are refused one by one: see `clickhouse_columns.intakes`.
        return integer_of(target) is not None or target == "Bool"
    if given in _POSTGRES_FLOATS:
        return target == _POSTGRES_FLOATS[given]
    if given.startswith("numeric"):
        digits = _NUMERIC.fullmatch(given)
        if _INTEGER.fullmatch(target):
            # A cast refuses the numbers beyond it: see `clickhouse_columns.intakes`.
            return digits is not None and digits["scale"] == "0"
        return _holds_decimal(target, digits)
    if given == "timestamp with time zone":
        moment = _MOMENT.fullmatch(target)
        return moment is not None and int(moment["digits"]) == _MICROSECONDS
    if given in ("text", "character varying"):
        return target.startswith("Enum")
    return (given, target) in {
        ("boolean", "Bool"),
        ("date", "Date32"),
        ("date", "Date"),
        ("uuid", "UUID"),
        ("oid", "UInt32"),
        ("inet", "IPv4"),
        ("inet", "IPv6"),
    }


def postgres_hint(declared: str, given: str) -> str:
    """What to do about a Postgres type that a column does not hold; '' if there is nothing to say."""
    if given == "timestamp without time zone":
        return "say its zone: column AT TIME ZONE 'UTC'"
    if given == "numeric":
        return "cast it to numeric(p,s)"
    if given.endswith("[]"):
        return "select array_to_json(column)::text into a String"
    if given in ("json", "jsonb"):
        return "declare String; the type JSON drops nulls and rounds numbers"
    return ""


def _holds_integer(target: str, bits: int, *, is_signed: bool) -> bool:
    whole = _INTEGER.fullmatch(target)
    if whole:
        room = int(whole["bits"]) - (0 if whole["unsigned"] else 1)
        return room >= bits - is_signed and not (is_signed and whole["unsigned"])
    if target in _MANTISSA:
        return bits - is_signed <= _MANTISSA[target]
    decimal = _DECIMAL.fullmatch(target)
    if decimal:
        digits = int(decimal["precision"]) - int(decimal["scale"])
        return 10**digits > 2 ** (bits - is_signed)
    # What a comparison gives.
    return target == "Bool" and bits == 8 and not is_signed


def _holds_decimal(target: str, source: re.Match[str] | None) -> bool:
    decimal = _DECIMAL.fullmatch(target)
    if decimal is None or source is None:
        return False
    scale, given_scale = int(decimal["scale"]), int(source["scale"])
    return (
        scale >= given_scale and int(decimal["precision"]) - scale >= int(source["precision"]) - given_scale
    )
