"""Rows of a stream, judged value by value: for a stream that ClickHouse does not take as a whole.

A stream goes straight into the staging table as long as each of its values is one of its column's. Otherwise
it is read once more, as texts. A value that its column cannot hold stands in quarantine, and its row arrives
with NULL. Where the column is not Nullable, the row itself stands in quarantine. All other rows arrive.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform.core.clickhouse import literal, quoted, render
from marts_platform.core.integers import integer_of
from marts_platform.io_managers.clickhouse_types import bare

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marts_platform.core.table import Column

# ClickHouse's error codes (src/Common/ErrorCodes.cpp) of an INSERT whose text is none of the columns' values.
VALUE_FAULTS = frozenset(
    {
        6,  # CANNOT_PARSE_TEXT
        26,  # CANNOT_PARSE_QUOTED_STRING
        27,  # CANNOT_PARSE_INPUT_ASSERTION_FAILED
        33,  # CANNOT_READ_ALL_DATA
        36,  # BAD_ARGUMENTS: a name that an Enum does not have
        38,  # CANNOT_PARSE_DATE
        41,  # CANNOT_PARSE_DATETIME
        53,  # TYPE_MISMATCH
        69,  # ARGUMENT_OUT_OF_BOUND
        70,  # CANNOT_CONVERT_TYPE
        72,  # CANNOT_PARSE_NUMBER
        117,  # INCORRECT_DATA
        131,  # TOO_LARGE_STRING_SIZE
        321,  # VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
        349,  # CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
        376,  # CANNOT_PARSE_UUID
        407,  # DECIMAL_OVERFLOW
        467,  # CANNOT_PARSE_BOOL
        469,  # VIOLATED_CONSTRAINT: a NULL in a column that the source declares NOT NULL
        675,  # CANNOT_PARSE_IPV4
        676,  # CANNOT_PARSE_IPV6
        691,  # UNKNOWN_ELEMENT_OF_ENUM
    }
)
# Before a value that the source itself knows to be no time: see `marts_platform.resources.mysql_text`.
NO_TIME = "no time: "
_DAY = r"\\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])"
_MOMENT = rf"^{_DAY} \\d{{2}}:\\d{{2}}:\\d{{2}}(?:\\.\\d+)?(?:[+-]\\d{{2}}(?::?\\d{{2}}){{0,2}})?$"
_DATETIME64 = re.compile(r"DateTime64\((?P<digits>\d)(?:, ?(?P<zone>'[^']*'))?\)")
_ENUM_NAMES = re.compile(r"'((?:[^'\\]|\\.)*)' ?=")
_CAST = re.compile(r"Decimal\(|Float\d+|UUID|IPv[46]|Bool")


@dataclass(frozen=True, slots=True)
class Judge:
    """The SQL that judges the texts of a stream.

    Attributes:
        sent: the table of texts, quoted.
        columns: the declared columns that the stream sends.
        types: their types at the source, where those are known.
        never_null: columns in which a NULL is a fault although they are Nullable.
        key: columns of which a row's key is made; of rows with the same key, the first arrives.
        shown: columns that tell which row of the source an entry in quarantine is about.
    """

    sent: str
    columns: Sequence[Column]
    types: Mapping[str, str]
    never_null: Sequence[str] = ()
    key: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()

    @property
    def is_able(self) -> bool:
        """Return true if there is an expression for each column's values."""
        return all(parsed(column, self.types.get(column.name, "")) for column in self.columns)

    def definitions(self) -> str:
        """Return the columns of the table of texts."""
        return ", ".join(f"{quoted(column.name)} Nullable(String)" for column in self.columns)

    def judged(self) -> str:
        """Return the SELECT of all rows with their values and faults."""
        values = [quoted(column.name) for column in self.columns]
        values += [
            f"{parsed(column, self.types.get(column.name, ''))} AS {_value(column)}"
            for column in self.columns
        ]
        pairs = ", ".join(f"{literal(column.name)}, {_shown(quoted(column.name))}" for column in self.columns)
        return render(
            "clickhouse/judge_texts.sql",
            sent=self.sent,
            values=", ".join(values),
            place=self._place(),
            row_faults=_array([f for c in self.columns if not c.nullable for f in self._row_faults(c)], "''"),
            value_faults=_array(
                [f for c in self.columns if c.nullable for f in self._value_faults(c)],
                "('', CAST(NULL AS Nullable(String)))",
            ),
            source_key=self._source_key(),
            row=f"map({pairs})",
        )

    def repeated(self) -> str:
        """Return the reason of a row whose key another one has, as a literal."""
        return literal(f"another row has the same {', '.join(self.key)}")

    def inserted(self) -> str:
        """Return the values of the declared columns."""
        return ", ".join(_value(column) for column in self.columns)

    def _place(self) -> str:
        if not self.key:
            return "1"
        key = ", ".join(f"faults.{_bare_value(name)}" for name in self.key)
        numbered = (
            f"row_number() OVER (PARTITION BY {key}, empty(faults.row_faults) ORDER BY faults.row_text)"
        )
        return f"if(empty(faults.row_faults), {numbered}, 1)"

    def _source_key(self) -> str:
        if not self.shown:
            return "CAST(NULL AS Nullable(String))"
        parts = ", ".join(
            f"coalesce(toString({_bare_value(name)}), {quoted(name)}, 'NULL')" for name in self.shown
        )
        return f"CAST(concatWithSeparator(', ', {parts}) AS Nullable(String))"

    def _row_faults(self, column: Column) -> list[str]:
        name, value = quoted(column.name), _value(column)
        missing, wrong = literal(f"{column.name} is missing"), literal(_reason(column))
        return [f"multiIf(isNull({name}), {missing}, isNull({value}), {wrong}, '')"]

    def _value_faults(self, column: Column) -> list[str]:
        name, value = quoted(column.name), _value(column)
        faults: list[str] = []
        if bare(column.type) != "String":
            wrong = f"if(isNotNull({name}) AND isNull({value}), {literal(_reason(column))}, '')"
            faults.append(f"({wrong}, {_shown(name)})")
        if column.name in self.never_null:
            missing = literal(f"{column.name} is missing")
            faults.append(f"(if(isNull({name}), {missing}, ''), CAST(NULL AS Nullable(String)))")
        return faults


def parsed(column: Column, given: str) -> str:
    """Return the SQL of a column's value of its text: NULL if it is none. '' if there is no such SQL."""
    name, target = quoted(column.name), bare(column.type)
    if target == "String":
        return f"unhex(substring({name}, 3))" if given == "bytea" else name
    moment = _DATETIME64.fullmatch(target)
    if moment:
        zone = moment["zone"] or "'UTC'"
        value = f"parseDateTime64BestEffortOrNull({name}, {moment['digits']}, {zone})"
        return f"if(match({name}, '{_MOMENT}') AND NOT startsWith({name}, '0000'), {value}, NULL)"
    if target in ("Date", "Date32"):
        # A day that is none, or beyond the type's, would be moved to another one.
        value = f"accurateCastOrNull({name}, '{target}')"
        return f"if(toString({value}) = {name}, {value}, NULL)"
    if target.startswith("Enum"):
        names = ", ".join(f"'{one}'" for one in _ENUM_NAMES.findall(target))
        return f"CAST(if({name} IN ({names}), {name}, NULL) AS Nullable({target}))"
    if integer_of(target) or _CAST.match(target):
        return f"accurateCastOrNull({name}, {literal(target)})"
    return ""


def _value(column: Column) -> str:
    return _bare_value(column.name)


def _bare_value(name: str) -> str:
    return quoted(f"{name}__value")


def _shown(name: str) -> str:
    return f"if(startsWith({name}, '{NO_TIME}'), substring({name}, {len(NO_TIME) + 1}), {name})"


def _reason(column: Column) -> str:
    target = bare(column.type)
    if target == "Bool":
        return f"{column.name} is no boolean"
    if target.startswith("DateTime"):
        return f"{column.name} is no time that its column holds"
    if target.startswith("Date"):
        return f"{column.name} is no day that its column holds"
    if target.startswith("Enum"):
        return f"{column.name} is no name of its column's list"
    return f"{column.name} is no {target}"


def _array(elements: Sequence[str], empty: str) -> str:
    return f"[{', '.join(elements or [empty])}]"
