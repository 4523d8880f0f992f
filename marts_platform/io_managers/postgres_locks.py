"""Who is in the way of a load that waited for a lock in vain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.core.faults import PassingFault
from marts_platform.resources.postgres_locks import lock_holders

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from marts_platform.core.path import Mart
    from marts_platform.core.window import Slice


class LockedOutError(PassingFault):
    """A lock was not to be had in time; the message says who holds it."""


def explained(
    fault: BaseException, mart: Mart, slice_: Slice, waiting: Connection, other: Connection
) -> BaseException:
    """A lock time-out, with who holds the lock, or that it was the source's; any other fault as it is.

    Args:
        fault: what ended the load.
        mart: what was loaded.
        slice_: which part of it.
        waiting: the load's connection, not closed yet.
        other: a connection to the same database that can be asked.
    """
    import psycopg2
    from psycopg2.errors import LockNotAvailable

    if not isinstance(fault, LockNotAvailable):
        return fault
    # A load reads a source over a connection of its own, which waits for locks as well.
    if fault.cursor is not None and fault.cursor.connection not in (waiting, other):
        return LockedOutError(
            f"{mart.asset}, {slice_}: reading waited in vain for a lock at the source, whose tables somebody "
            f"alters. Its pg_locks says who; end that, or wait. {str(fault).strip()}"
        )
    own = [connection.info.backend_pid for connection in (waiting, other)]
    try:
        who = lock_holders(other, mart.table.qualified, own)
    except psycopg2.Error:
        return fault  # which says less, and is what happened
    return LockedOutError(
        f"{mart.asset}, {slice_}: publishing waited in vain for a lock on {mart.table.qualified}, readers "
        f"keep what they had. Locks on it are held by: {who}. End it with pg_terminate_backend, or wait."
    )
