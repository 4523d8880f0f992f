"""Publication in the Postgres warehouse: staged rows become the table's; readers see it at the commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.errors import UniqueViolation
from psycopg2.sql import SQL, Identifier

from marts_platform.core import run_log
from marts_platform.core.appended import note_days
from marts_platform.core.sql import compose
from marts_platform.io_managers.postgres_session import columns_of, quoted

if TYPE_CHECKING:
    from marts_platform.core.path import Replace
    from marts_platform.io_managers.postgres_session import LoadSession


def swap_partition(session: LoadSession, *, has_rows: bool) -> None:
    """Puts the staging table in the place of the window's partition; an empty window has none."""
    _drop_published_partition(session)
    if not has_rows:
        session.execute("postgres/drop_table.sql", {"table": session.stage})
        return
    partition = quoted(*session.partition)
    session.execute(
        "postgres/rename_partition.sql",
        {"stage": session.stage, "name": Identifier(session.partition[1])},
    )
    names = {"table": session.table, "partition": partition}
    session.execute("postgres/attach_partition.sql", names, session.bounds)
    session.execute("postgres/drop_window_constraint.sql", {"partition": partition})


def _drop_published_partition(session: LoadSession) -> None:
    params = {"table": session.mart.table.qualified, "name": session.partition[1]}
    with session.connection.cursor() as cursor:
        cursor.execute(compose("postgres/partition_of_window.sql"), params)
        found = cursor.fetchone()
    if found:
        partition = quoted(*found)
        names = {"table": session.table, "partition": partition}
        session.execute("postgres/detach_partition.sql", names)
        session.execute("postgres/drop_table.sql", {"table": partition})


def rewrite(session: LoadSession, replace: Replace) -> None:
    """Replace the rows of the window, or of the whole table, by the staged ones.

    Of a key over all windows, a staged row takes the place of the same key's row in another window. That
    window's data version is forgotten in the run log, so that it and what is made of it are loaded anew.
    """
    if replace.column is None:
        session.execute("postgres/delete_all.sql", {"table": session.table})
        _insert_staged(session)
        return
    names = {"table": session.table, "column": Identifier(replace.column)}
    session.execute("postgres/delete_window.sql", names, session.bounds)
    if not session.key_spans_windows:
        _insert_staged(session)
        return
    # Rows seldom move, and a look for each key would cost as much as its insertion.
    with session.connection.cursor() as cursor:
        cursor.execute("SAVEPOINT before_insert")
        try:
            _insert_staged(session)
        except UniqueViolation:
            cursor.execute("ROLLBACK TO SAVEPOINT before_insert")
            _take_moved(session, replace.column)
            _insert_staged(session)


def _take_moved(session: LoadSession, column: str) -> None:
    key = session.mart.table.key
    names = {
        "table": session.table,
        "stage": session.stage,
        "column": Identifier(column),
        "live_key": columns_of("live", key),
        "staged_key": columns_of("staged", key),
    }
    (moments,) = session.row("postgres/delete_moved.sql", names)
    run_log.unsettle(session.connection, session.mart.asset, moments or [])


def _insert_staged(session: LoadSession) -> None:
    names = {"table": session.table, "columns": session.columns, "stage": session.stage}
    session.execute("postgres/insert_staged.sql", names)


def append(session: LoadSession, column: str | None, log_id: int) -> None:
    """Add the staged rows to the table's, and note the days that they belong to.

    Args:
        session: of the load.
        column: the time column of a table without partitions, None if rows belong to no day.
        log_id: the load's entry in the run log.
    """
    _insert_staged(session)
    if column is not None and session.slice.window is None:
        note_days(session.connection, session.mart.asset, log_id, session.stage, Identifier(column))


def upsert(session: LoadSession) -> None:
    """Brings the touched keys in step with the staged rows, and leaves unchanged rows alone."""
    # The lock of the table's only writer is held, so no key can appear between these statements; plain
    # ones cost less than ON CONFLICT, which inserts speculatively.
    key = session.mart.table.key
    others = [column.name for column in session.mart.table.written if column.name not in key]
    names = {
        "table": session.table,
        "stage": session.stage,
        "touched": session.touched,
        "columns": session.columns,
        "key": SQL(", ").join(map(Identifier, key)),
        "assignments": SQL(", ").join(
            SQL("{} = staged.{}").format(Identifier(name), Identifier(name)) for name in others
        ),
        **{f"{side}_key": columns_of(side, key) for side in ("live", "touched", "staged")},
        **{f"{side}_values": columns_of(side, others) for side in ("live", "staged")},
    }
    for file in ("delete_touched", "update_changed", "insert_new"):
        session.execute(f"postgres/{file}.sql", names)
    for table in (session.stage, session.touched):
        session.execute("postgres/drop_table.sql", {"table": table})
