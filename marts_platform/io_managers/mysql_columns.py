"""Columns as they are declared, as they are in MySQL, and as they are given."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from marts_platform.core.integers import integer_of
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.io_managers.mysql_frames import BITS, frame_faults
from marts_platform.resources.mysql import select_fields
from marts_platform.resources.mysql_form import differences, form_of
from marts_platform.resources.mysql_text import source_type

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marts_platform.core.path import Mart
    from marts_platform.io_managers.mysql_session import MySQLSession

_TYPE = re.compile(r"(?P<base>[a-z]+)(?:\((?P<size>\d+)(?:, ?(?P<scale>\d+))?\))?(?P<unsigned> unsigned)?")
_NUMERIC = re.compile(r"numeric\((?P<size>\d+),(?P<scale>\d+)\)")
_TEXTS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})


def refuse_mismatch(session: MySQLSession) -> list[str]:
    """Compares the live table with the staging table, which was made as the file declares it.

    Returns:
        The definitions of keys that the live table has beside the declared ones: a table that takes its place
        has to have them too.

    Raises:
        SchemaMismatchError: the table is missing or differs; the message says in what.
    """
    table = session.mart.table
    live = form_of(session.connection, table.schema, table.name)
    if not live.columns:
        raise SchemaMismatchError(f"{table.qualified} does not exist in MySQL: run `marts migrate`")
    declared = form_of(session.connection, table.schema, session.stem)
    faults = differences(declared, live)
    more = live.more_keys(declared)
    if session.swaps_tables:
        faults += [f"{key.definition} cannot be made anew" for key in more if not key.is_told]
    if faults:
        raise SchemaMismatchError(
            f"{table.qualified} is not as its DDL file declares it (run `marts migrate`, or correct it): "
            + "; ".join(faults)
        )
    return [key.definition for key in more]


def refuse_query(session: MySQLSession, query: str) -> None:
    """Compares a query's columns with the declared ones, by name and type.

    Raises:
        SchemaMismatchError: they differ; the message says in what.
    """
    fields = select_fields(session.connection, query)
    types = {field.name: source_type(field, utc=False) for field in fields}
    faults = _name_faults(session.mart, Counter(field.name for field in fields))
    _refuse(session.mart, "query", [*faults, *_type_faults(session.mart, types)])


def refuse_stream(mart: Mart, columns: Sequence[str], types: Mapping[str, str]) -> None:
    """Compares a stream's columns with the declared ones, and their Postgres types where those are known.

    Raises:
        SchemaMismatchError: they differ; the message says in what.
    """
    faults = _name_faults(mart, Counter(columns))
    if types and list(types) != list(columns):
        faults.append(f"they come as {', '.join(types)}, and are announced as {', '.join(columns)}")
    _refuse(mart, "stream", [*faults, *_type_faults(mart, types)])


def refuse_frame(mart: Mart, columns: Sequence[str], values: Sequence[Sequence[object]]) -> None:
    """Compares a DataFrame's columns with the declared ones, and its values with their types.

    Args:
        mart: what is loaded.
        columns: the DataFrame's.
        values: of each written column, as `plain_columns` gives them; none to compare the names only.

    Raises:
        SchemaMismatchError: they differ, or a value would not arrive as it is; the message says which.
    """
    faults = _name_faults(mart, Counter(columns))
    _refuse(mart, "DataFrame", faults + (frame_faults(mart.table.written, values) if values else []))


def holds(declared: str, given: str) -> bool:
    """Whether a column holds each value of a Postgres type exactly, or refuses it loudly.

    A text that is too long, a number that is too large, and a day that is none are refused by the server.
    What it would round in silence does not count as held.

    Args:
        declared: MySQL's type.
        given: as Postgres names it, a numeric with its precision and scale; or MySQL's integer type.
    """
    found = _TYPE.match(declared.lower())
    assert found is not None  # the server has made a table of it
    base = found["base"]
    if base in _TEXTS or base in ("enum", "json"):
        return given.startswith("character") or given in ("text", "uuid", "json", "jsonb")
    if base in BITS:
        # The server refuses a number beyond the column's. Not a boolean of Postgres: COPY writes t and f.
        return integer_of(given) is not None or given == "numeric(20,0)"
    if base == "decimal":
        digits = _NUMERIC.fullmatch(given)
        scale = int(found["scale"] or 0)
        return integer_of(given) is not None or (digits is not None and int(digits["scale"]) <= scale)
    if base in ("double", "float"):
        return given in ("real", "double precision") and (base == "double" or given == "real")
    if base == "datetime":
        return given == "timestamp without time zone" and found["size"] == "6"
    return (base, given) in {("date", "date"), ("time", "interval")}


def _type_faults(mart: Mart, types: Mapping[str, str]) -> list[str]:
    declared = {column.name: column.type for column in mart.table.columns}
    return [
        f"{name} is {type_}, declared {declared[name]}{_hint(type_)}"
        for name, type_ in types.items()
        if name in declared and not holds(declared[name], type_)
    ]


def _hint(given: str) -> str:
    if given == "timestamp with time zone":
        return " (MySQL has no zones: select column AT TIME ZONE 'UTC' into datetime(6))"
    return " (cast it to numeric(p,s))" if given == "numeric" else ""


def _name_faults(mart: Mart, given: Counter[str]) -> list[str]:
    required = {column.name for column in mart.table.written if not column.has_default}
    known = {column.name for column in mart.table.written}
    faults = [f"{name} is missing" for name in required - given.keys()]
    faults += [f"{name} is not declared" for name in given.keys() - known]
    return faults + [f"{name} is there {count} times" for name, count in given.items() if count > 1]


def _refuse(mart: Mart, what: str, faults: Sequence[str]) -> None:
    if faults:
        raise SchemaMismatchError(
            f"{mart.asset}: the {what}'s columns are not those of {mart.table.qualified}, "
            f"nothing was written: {'; '.join(sorted(faults))}"
        )
