"""Who keeps a session from a lock in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.core.sql import compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg2.extensions import connection as Connection


def lock_holders(connection: Connection, table: str | None, own: Sequence[int]) -> str:
    """Who holds locks: pid, role, application, how long their transaction is open, and what they do.

    Args:
        connection: to the database; its transaction ends.
        table: whose; None for any table and index that is not the server's.
        own: pids that do not count.

    Raises:
        psycopg2.Error: nobody could be asked.
    """
    with connection.cursor() as cursor:
        cursor.execute(compose("postgres/lock_holders.sql"), {"table": table, "own": list(own)})
        found = [_described(row) for row in cursor.fetchall()]
    connection.rollback()
    return "; ".join(found) or "nobody any more"


def _described(row: Sequence[object]) -> str:
    pid, user, application, state, transaction, statement, text = row
    who = f"pid {pid} ({user}, {application or 'no application_name'})"
    if transaction is None:
        return f"{who}, whose statement this role may not see"
    doing = "idle after" if str(state).startswith("idle") else "busy with"
    return f"{who}, in a transaction for {transaction} s, {doing} a statement begun {statement} s ago: {text}"
