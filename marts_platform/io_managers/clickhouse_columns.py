"""Columns as they are declared, as they are in ClickHouse, and as they are given."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform.core.clickhouse import STAGING, literal, quoted, render
from marts_platform.core.integers import integer_of
from marts_platform.io_managers.clickhouse_types import bare, holds, holds_postgres, postgres_hint
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.resources.clickhouse_ddl import create_table
from marts_platform.resources.clickhouse_form import differences, form_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from marts_platform.core.path import Mart
    from marts_platform.core.table import Column
    from marts_platform.io_managers.clickhouse_session import ClickHouseSession
    from marts_platform.resources.clickhouse_form import Form


# Forms as this process has seen a server word declarations, by server and statement.
_declared_forms: dict[tuple[str, str], Form] = {}
# Columns of queries that were as declared, by server, asset, run and text.
_agreeing: dict[tuple[str, str, str, str], list[str]] = {}
_MOST_AGREEING = 200


def refuse_mismatch(session: ClickHouseSession) -> None:
    """Compares the live table with the staging table, which was made as the file declares it.

    Raises:
        SchemaMismatchError: the table is missing or differs; the message says in what.
    """
    table, live = session.mart.table, session.live
    if live is None:
        raise SchemaMismatchError(f"{table.qualified} does not exist in ClickHouse: run `marts migrate`")
    declaration = (session.client.url, create_table(table, STAGING, "declared"))
    seen = _declared_forms.get(declaration)
    if seen is not None and not differences(seen, live):
        return
    # Another version of the server may word it in another way.
    declared = form_of(session.client, STAGING, session.names.stage)
    assert declared is not None  # it was just made
    _declared_forms[declaration] = declared
    if faults := differences(declared, live):
        raise SchemaMismatchError(
            f"{table.qualified} is not as its DDL file declares it (run `marts migrate`, or correct it): "
            + "; ".join(faults)
        )


def refuse_query(session: ClickHouseSession, query: str, params: Mapping[str, object]) -> list[str]:
    """Compares a query's columns with the declared ones, by name and type; once in a run.

    Returns:
        The query's columns, in its order.

    Raises:
        SchemaMismatchError: they differ; the message says in what.
    """
    place = (session.client.url, session.mart.asset, session.run.run_id, query)
    if place in _agreeing:
        return _agreeing[place]
    statement = render("clickhouse/query_columns.sql", query=query)
    described = session.client.query(statement, parameters=dict(params) or None).result_rows
    given = {str(row[0]): str(row[1]) for row in described}
    faults = _name_faults(session.mart, Counter(str(row[0]) for row in described))
    faults += [
        f"{name} has type {type_}, declared {declared}"
        for name, type_ in given.items()
        if (declared := _declared(session.mart, name)) and not holds(declared, type_)
    ]
    _refuse(session.mart, "query", faults)
    if len(_agreeing) >= _MOST_AGREEING:
        _agreeing.clear()
    _agreeing[place] = list(given)
    return list(given)


def refuse_stream(session: ClickHouseSession, columns: Sequence[str], types: Mapping[str, str]) -> None:
    """Compares a stream's columns with the declared ones, and their Postgres types where those are known.

    Raises:
        SchemaMismatchError: they differ; the message says in what.
    """
    faults = _name_faults(session.mart, Counter(columns))
    if types and list(types) != list(columns):
        faults.append(f"they come as {', '.join(types)}, and are announced as {', '.join(columns)}")
    faults += [
        f"{name} is {type_} at the source, declared {declared}" + (f" ({hint})" if hint else "")
        for name, type_ in types.items()
        if (declared := _declared(session.mart, name)) and not holds_postgres(declared, type_)
        for hint in [postgres_hint(declared, type_)]
    ]
    _refuse(session.mart, "stream", faults)


def refuse_frame(mart: Mart, columns: Sequence[str], faults: Sequence[str] = ()) -> None:
    """Compares a DataFrame's columns with the declared ones.

    Args:
        mart: what is loaded.
        columns: of the DataFrame.
        faults: what is wrong with its values.

    Raises:
        SchemaMismatchError: they differ, or a value would not arrive as it is; the message says which.
    """
    _refuse(mart, "DataFrame", [*_name_faults(mart, Counter(columns)), *faults])


@dataclass(frozen=True, slots=True)
class Intake:
    """A column of the staging table that takes what a stream sends in the place of a declared one.

    Attributes:
        column: the declared one.
        expression: its value, of ``{}``, which is what came.
        example: a text of which it makes a value: the server checks the expression with it.
    """

    column: Column
    expression: str
    example: str = ""

    @property
    def name(self) -> str:
        """Its name."""
        return f"{self.column.name}__sent"

    def definitions(self) -> tuple[str, str]:
        """What ``ALTER TABLE`` has to say for it."""
        name = quoted(self.name)
        return (
            f"ADD COLUMN {name} Nullable(String) EPHEMERAL {literal(self.example)}",
            f"MODIFY COLUMN {quoted(self.column.name)} {self.column.type} "
            f"DEFAULT {self.expression.format(name)}",
        )


def intakes(columns: Sequence[Column], types: Mapping[str, str]) -> list[Intake]:
    """The columns of a text stream that the server, left alone, would read wrongly in silence.

    Args:
        columns: the declared ones that are sent.
        types: their Postgres types, where those are known.
    """
    found: list[Intake] = []
    for column in columns:
        if types.get(column.name) == "bytea":
            # COPY writes bytes as a backslash, x and hexadecimal digits.
            value = "unhex(substring({}, 3))"
            found.append(Intake(column, value if column.nullable else f"CAST({value} AS {column.type})"))
        elif _may_wrap(types.get(column.name, ""), bare(column.type)):
            # A number beyond the type's would be taken modulo 2^64. A cast to Nullable would make it NULL.
            value = f"accurateCast(ifNull({{0}}, '0'), {literal(bare(column.type))})"
            if column.nullable:
                value = f"if(isNull({{0}}), NULL, {value})"
            else:
                value = f"accurateCast(CAST({{0}} AS String), {literal(bare(column.type))})"
            found.append(Intake(column, value, example="0"))
        elif not column.nullable and re.match(r"String|FixedString|Enum", bare(column.type)):
            # \N for a text that takes no NULL becomes ''. A cast refuses it.
            names = re.search(r"^Enum\d+\('((?:[^'\\]|\\.)*)'", bare(column.type))
            found.append(Intake(column, f"CAST({{}} AS {column.type})", names[1] if names else ""))
    return found


def _may_wrap(given: str, target: str) -> bool:
    declared, sent = integer_of(target), integer_of(given)
    if declared is None:
        return False
    # The server itself refuses a minus sign for an unsigned type.
    return given.startswith("numeric") or (sent is not None and declared.most < sent.most)


def _name_faults(mart: Mart, given: Counter[str]) -> list[str]:
    required = {column.name for column in mart.table.written if not column.has_default}
    known = {column.name for column in mart.table.written}
    faults = [f"{name} is missing" for name in required - given.keys()]
    faults += [f"{name} is not declared" for name in given.keys() - known]
    return faults + [f"{name} is there {count} times" for name, count in given.items() if count > 1]


def _declared(mart: Mart, name: str) -> str | None:
    return next((column.type for column in mart.table.written if column.name == name), None)


def _refuse(mart: Mart, what: str, faults: Sequence[str]) -> None:
    if faults:
        raise SchemaMismatchError(
            f"{mart.asset}: the {what}'s columns are not those of {mart.table.qualified}, "
            f"nothing was written: {'; '.join(sorted(faults))}"
        )
