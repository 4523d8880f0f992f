"""One text for one value, in each engine: what data versions and checks of agreement compare.

A value is rendered by the type that its column is declared with in the warehouse, so it reads the same
wherever it stands: 12.0 and 12.00 of a decimal of two digits, 0042 and 42, true and 1, 12:00:00 and
12:00:00.000000, a text in cp1251 and in UTF-8 (as the hash of it). NULL is ``n``, a value begins with ``v``.
A value that the declared type does not hold is ``!`` and what the source shows of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from marts_platform.core.integers import Integer, integer_of

if TYPE_CHECKING:
    from collections.abc import Iterable

Kind: TypeAlias = Literal["integer", "decimal", "boolean", "moment", "day", "text"]

_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)")
_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_SIZED = re.compile(r"(?P<base>[a-z0-9 ]+?)(?:\((?P<sizes>[\d, ]+)\))?", re.I)
_LENGTHS = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1, "longtext": 2**32 - 1}
_KINDS: dict[str, Kind] = {
    "decimal": "decimal",
    "bool": "boolean",
    "datetime": "moment",
    "datetime64": "moment",
    "date": "day",
    "date32": "day",
    "string": "text",
    "char": "text",
    "varchar": "text",
    **dict.fromkeys(_LENGTHS, "text"),
}


@dataclass(frozen=True, slots=True)
class Checksum:
    """Rows, and a sum of the hashes of their texts, which does not depend on their order."""

    rows: int
    checksum: int


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a declared type's values.

    Attributes:
        kind: of the values.
        integer: their width, of integers.
        precision: digits in all, of decimals.
        scale: digits after the point, of decimals.
        characters: the longest text; None if there is no limit.
        octets: the same in bytes.
    """

    kind: Kind
    integer: Integer | None = None
    precision: int = 0
    scale: int = 0
    characters: int | None = None
    octets: int | None = None


def form_of(type_: str) -> Form:
    """Return the form of a type of ClickHouse or MySQL.

    Raises:
        ValueError: values of the type have no canonical text.
    """
    bare = type_
    while found := _WRAPPED.fullmatch(bare):
        bare = found[1]
    if integer := integer_of(bare):
        return Form("integer", integer)
    found = _SIZED.fullmatch(re.sub(r", ?'[^']*'", "", bare).lower())
    kind = _KINDS.get(found["base"]) if found else None
    if found is None or kind is None:
        raise ValueError(f"a value of {type_} has no canonical text")
    sizes = [int(size) for size in re.findall(r"\d+", found["sizes"] or "")]
    if kind == "decimal":
        precision, scale = [*sizes, 10, 0][:2] if len(sizes) != 1 else (sizes[0], 0)
        return Form(kind, precision=precision, scale=scale)
    if kind == "text":
        return Form(kind, characters=sizes[0] if sizes else None, octets=_LENGTHS.get(found["base"]))
    return Form(kind)


def clickhouse_row(columns: Iterable[tuple[str, str]]) -> str:
    """Return a row's text in ClickHouse.

    Args:
        columns: the name, quoted, and the declared type of each.
    """
    return _joined("concatWithSeparator('|', {})", (_clickhouse(form_of(t), name) for name, t in columns))


def _clickhouse(form: Form, name: str) -> str:
    texts = {
        "integer": f"toString({name})",
        "decimal": f"toDecimalString({name}, {form.scale})",
        "boolean": f"toString(toUInt8({name}))",
        "moment": f"toString(toDateTime64({name}, 6, 'UTC'))",
        "day": f"toString({name})",
        "text": f"lower(hex(MD5({name})))",
    }
    return f"ifNull(concat('v', {texts[form.kind]}), 'n')"


def mysql_row(columns: Iterable[tuple[str, str]], *, shows_faults: bool = False, bounds: str = "") -> str:
    """Return a row's text in MySQL, MariaDB or seekdb: of bytes, so that no two character sets meet.

    Args:
        columns: the name, quoted, and the declared type of each.
        shows_faults: true if a value that the type does not hold reads as the source shows it; else as NULL.
        bounds: of moments, as of `mysql_fault`.
    """
    parts = (_mysql(form_of(t), name, bounds, shows_faults=shows_faults) for name, t in columns)
    return _joined("concat_ws('|', {})", parts)


def _mysql(form: Form, name: str, bounds: str, *, shows_faults: bool) -> str:
    texts = {
        # A number is computed with, since alone it would be shown with the zeros of ZEROFILL.
        "integer": f"{name} + 0",
        "boolean": f"{name} + 0",
        "decimal": f"CAST({name} AS DECIMAL(65, {form.scale}))",
        "moment": f"date_format({name}, '%Y-%m-%d %H:%i:%s.%f')",
        "day": f"date_format({name}, '%Y-%m-%d')",
        "text": f"md5(CAST(CONVERT({name} USING utf8mb4) AS BINARY))",
    }
    fault = mysql_fault(form, name, bounds)
    value = f"CAST(concat('v', {texts[form.kind]}) AS BINARY)"
    if not fault:
        return f"coalesce({value}, 'n')"
    shown = f"CAST(concat('!', {name}) AS BINARY)" if shows_faults else "'n'"
    return f"CASE WHEN {name} IS NULL THEN 'n' WHEN {fault} THEN {shown} ELSE {value} END"


def mysql_fault(form: Form, name: str, bounds: str = "") -> str:
    """Return the condition that a value is none of the declared type's; '' if each is one.

    Args:
        form: of the declared type.
        name: of the column, quoted.
        bounds: the condition that a moment ``{}`` is none; '' if there is no such moment.
    """
    if form.kind == "integer" and form.integer:
        return f"({name} + 0 < {form.integer.least} OR {name} + 0 > {form.integer.most})"
    if form.kind == "boolean":
        return f"{name} + 0 NOT IN (0, 1)"
    return bounds.format(name) if form.kind in ("moment", "day") else ""


def postgres_row(columns: Iterable[tuple[str, str]], *, shows_faults: bool = False) -> str:
    """Return a row's text in Postgres.

    Args:
        columns: the name, quoted, and the declared type of each.
        shows_faults: true if a value that the type does not hold reads as the source shows it; else as NULL.
    """
    parts = (_postgres(form_of(t), name, shows_faults=shows_faults) for name, t in columns)
    return _joined("concat_ws('|', {})", parts)


def _postgres(form: Form, name: str, *, shows_faults: bool) -> str:
    # concat takes a type's own output; a cast to text would trim a character(n).
    text = f"concat({name})"
    texts = {
        "integer": f"{name}::text",
        "decimal": f"round({name}::numeric, {form.scale})::text",
        "boolean": f"{name}::integer::text",
        "moment": f"to_char({name}, 'YYYY-MM-DD HH24:MI:SS.US')",
        "day": f"to_char({name}, 'YYYY-MM-DD')",
        "text": f"md5(convert_to({text}, 'UTF8'))",
    }
    fault = postgres_fault(form, name)
    shown = f"'!' || {text}" if shows_faults else "'n'"
    judged = f" WHEN {fault} THEN {shown}" if fault else ""
    return f"CASE WHEN {name} IS NULL THEN 'n'{judged} ELSE 'v' || {texts[form.kind]} END"


def postgres_fault(form: Form, name: str) -> str:
    """Return the condition that a value of Postgres is none of the declared type's; '' if each is one."""
    if form.kind == "integer" and form.integer:
        return f"({name} < {form.integer.least} OR {name} > {form.integer.most})"
    if form.kind == "decimal":
        # NaN counts as greater than each number.
        return f"abs({name}::numeric) >= 1{'0' * (form.precision - form.scale)}"
    if form.kind in ("moment", "day"):
        return f"NOT ({name} >= '0001-01-01' AND {name} < '10000-01-01')"
    if form.kind == "text" and form.characters is not None:
        return f"char_length(concat({name})) > {form.characters}"
    if form.kind == "text" and form.octets is not None:
        return f"octet_length(convert_to(concat({name}), 'UTF8')) > {form.octets}"
    return ""


def text_fault(form: Form, name: str) -> str:
    """Return MySQL's condition that a text, as Postgres writes values, is none of the declared type's.

    Args:
        form: of the declared type.
        name: of the column of texts, quoted.
    """
    if form.kind == "integer" and form.integer:
        number = f"CAST({name} AS DECIMAL(65, 0))"
        beyond = f"{number} < {form.integer.least} OR {number} > {form.integer.most}"
        # In this order: a cast of another text would be an error.
        return f"CASE WHEN {name} REGEXP '^-?[0-9]{{1,60}}$' THEN {beyond} ELSE TRUE END"
    if form.kind == "decimal":
        digits = max(1, form.precision - form.scale)
        return f"{name} NOT REGEXP '^-?[0-9]{{1,{digits}}}([.][0-9]*)?$'"
    if form.kind == "moment":
        return f"{name} NOT REGEXP '^{_DAY} [0-9]{{2}}:[0-9]{{2}}:[0-9]{{2}}([.][0-9]{{1,6}})?$'"
    if form.kind == "day":
        return f"{name} NOT REGEXP '^{_DAY}$'"
    if form.characters is not None:
        return f"char_length({name}) > {form.characters}"
    return f"length({name}) > {form.octets}" if form.octets is not None else ""


def _joined(call: str, parts: Iterable[str]) -> str:
    return call.format(", ".join(parts))
