"""Columns as they are declared, as they are in the warehouse, and as they are given."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from psycopg2.sql import SQL, Identifier

from marts_platform.core.sql import compose
from marts_platform.io_managers.frames import column_fault
from marts_platform.io_managers.ledger import SchemaMismatchError
from marts_platform.resources.postgres import CopyOut, column_types

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor
    from psycopg2.sql import Composable, Composed

    from marts_platform.core.path import Mart
    from marts_platform.core.rows import RowStream
    from marts_platform.core.table import Table
    from marts_platform.io_managers.postgres_session import LoadSession


def refuse_mismatch(connection: Connection, table: Table) -> None:
    """Compares the live table with its declaration: names, types, nullability.

    Raises:
        SchemaMismatchError: the table is missing or differs; the message says in what.
    """
    with connection.cursor() as cursor:
        live = _columns_of(cursor, table.qualified)
        definitions = SQL(", ").join(
            Identifier(column.name) + SQL(f" {column.type}") for column in table.columns
        )
        cursor.execute(compose("postgres/declared_columns.sql", {"definitions": definitions}))
        types = _columns_of(cursor, "pg_temp.declared_columns")
        cursor.execute(
            compose("postgres/drop_table.sql", {"table": Identifier("pg_temp", "declared_columns")})
        )
    if not live:
        raise SchemaMismatchError(f"{table.qualified} does not exist in the warehouse: run `marts migrate`")
    declared = {
        column.name: (types[column.name][0], column.nullable and column.name not in table.key)
        for column in table.columns
    }
    if live != declared:
        raise SchemaMismatchError(
            f"{table.qualified} is not as its DDL file declares it (run `marts migrate`, or correct it): "
            + "; ".join(differences(declared, live))
        )


def _columns_of(cursor: Cursor, table: str) -> dict[str, tuple[str, bool]]:
    cursor.execute(compose("postgres/live_columns.sql"), {"table": table})
    return {row[0]: (row[1], row[2]) for row in cursor.fetchall()}


def differences(
    declared: Mapping[str, tuple[str, bool]], live: Mapping[str, tuple[str, bool]]
) -> Iterable[str]:
    """In what two sets of columns (name to type and nullability) differ, in words."""
    for name in declared.keys() - live.keys():
        yield f"{name} is missing"
    for name in live.keys() - declared.keys():
        yield f"{name} is not declared"
    for name in declared.keys() & live.keys():
        if declared[name] != live[name]:
            want, have = (
                f"{t}{'' if nullable else ' NOT NULL'}" for t, nullable in (declared[name], live[name])
            )
            yield f"{name} is {have}, declared {want}"


def refuse_query(
    session: LoadSession, cursor: Cursor, query: Composed, params: Mapping[str, object], target: Composable
) -> None:
    """Compares a query's columns with those of the table that its rows are for, by name and type.

    Raises:
        SchemaMismatchError: they differ; the message says in what.
    """
    given = column_types(cursor, query, params)
    wanted_query = compose("postgres/select_all.sql", {"columns": session.columns, "table": target})
    _refuse(session.mart, "query", type_faults(given, column_types(cursor, wanted_query, {})))


def refuse_stream(session: LoadSession, cursor: Cursor, stream: RowStream) -> None:
    """Compares a stream's columns with the declared ones; their types at the source, where it can tell.

    Raises:
        SchemaMismatchError: they differ; the message says in what. A difference in types is raised where the
            stream begins to send.
    """
    table = session.mart.table
    required = {column.name for column in table.written if not column.has_default}
    faults = [f"{name} is missing" for name in required - set(stream.columns)]
    faults += [f"{name} is not declared" for name in set(stream.columns) - {c.name for c in table.written}]
    _refuse(session.mart, "stream", faults)
    if isinstance(stream, CopyOut):
        sent = SQL(", ").join(map(Identifier, stream.columns))
        query = compose("postgres/select_all.sql", {"columns": sent, "table": session.stage})
        wanted = column_types(cursor, query, {})
        stream.refuse = lambda given: _refuse(session.mart, "stream", stream_faults(given, wanted))


def refuse_frame(session: LoadSession, frame: pd.DataFrame, values: Sequence[Sequence[object]]) -> None:
    """Compares a DataFrame's columns with the declared ones.

    Args:
        session: of the load.
        frame: what is to be loaded.
        values: of each written column, as `plain_columns` gives them; none to compare the names only.

    Raises:
        SchemaMismatchError: they differ, or a value would not arrive as it is; the message says which.
    """
    written = session.mart.table.written
    given, wanted = Counter(map(str, frame.columns)), Counter(column.name for column in written)
    faults = [f"{name} is missing" for name in wanted - given]
    faults += [f"{name} is not declared, or there twice" for name in given - wanted]
    pairs = zip(values, written, strict=True) if values else ()
    faults += [fault for held, column in pairs if (fault := column_fault(held, column))]
    _refuse(session.mart, "DataFrame", faults)


def type_faults(given: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """In what given columns (name to type) differ from the wanted ones, in words."""
    faults = [f"{name} is missing" for name in wanted.keys() - given.keys()]
    faults += [f"{name} is not declared" for name in given.keys() - wanted.keys()]
    faults += [
        f"{name} has type {given[name]}, declared {wanted[name]}"
        for name in wanted.keys() & given.keys()
        if wanted[name] != given[name]
    ]
    return faults


def stream_faults(given: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """As `type_faults`; the order counts too, since COPY knows columns by their place."""
    if set(given) == set(wanted) and list(given) != list(wanted):
        return [f"they come as {', '.join(given)}, and are announced as {', '.join(wanted)}"]
    return type_faults(given, wanted)


def _refuse(mart: Mart, what: str, faults: Sequence[str]) -> None:
    if faults:
        raise SchemaMismatchError(
            f"{mart.asset}: the {what}'s columns are not those of {mart.table.qualified}, "
            f"nothing was written: {'; '.join(sorted(faults))}"
        )
