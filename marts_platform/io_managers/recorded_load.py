"""A load into a warehouse other than Postgres: its writer's lock, quarantine and record stand in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from marts_platform.core import run_log
from marts_platform.core.faults import PassingFault
from marts_platform.core.path import combined_fingerprint, reads_only_what_is_new, with_scope
from marts_platform.core.run_log import Figures
from marts_platform.core.sql import compose
from marts_platform.core.table import writer_lock

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.path import Extract, Mart, Rejected
    from marts_platform.core.run_log import Run, Staged
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.ledger import Present

# How long a load waits for another writer of the same table to end.
_WRITER_WAIT_SECONDS = 1800


class WriterLock:
    """The table's only writer, across processes: an advisory lock of a session of the run log's server.

    ClickHouse has no locks of its own that a client could hold, and seekdb keeps those of a client that has
    gone. Whoever loses the session has lost the lock.
    """

    def __init__(self, connection: Connection, mart: Mart, engine: str) -> None:
        self._connection = connection
        self._mart = mart
        self._name = writer_lock(engine, mart.table.qualified)

    def take(self) -> None:
        """Waits for the table's other writers to end.

        Raises:
            psycopg2.errors.LockNotAvailable: one did not end in time.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(compose("postgres/lock_timeout.sql"), {"lock_timeout": f"{_WRITER_WAIT_SECONDS}s"})
            cursor.execute(compose("postgres/lock_writer_of_session.sql"), {"name": self._name})
        self._connection.commit()

    def check(self) -> None:
        """Makes sure that nobody else can have become the table's writer.

        Raises:
            PassingFault: the lock is lost.
            psycopg2.Error: so is the session.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(compose("postgres/writer_lock_held.sql"), {"name": self._name})
            row = cursor.fetchone()
        if row is None or not row[0]:
            raise PassingFault(
                f"{self._mart.asset}: another load may write {self._mart.table.qualified} by now, "
                f"the lock of its only writer is lost; nothing was published"
            )


class Target(Protocol):
    """What is loaded, and who does it: a session of either engine."""

    mart: Mart
    slice: Slice
    run: Run


class Record:
    """What a load writes in Postgres; the caller ends its transaction, right after the publication."""

    def __init__(
        self, target: Target, connection: Connection, lock: WriterLock, log_id: int, present: Present
    ) -> None:
        self.connection = connection
        self.lock = lock
        self.present = present
        self._target = target
        self._log_id = log_id
        self._upstream: str | None = None
        self._fingerprint: str | None = None
        self._read_until: datetime | None = None
        self._rejected: Sequence[Rejected] = ()

    def begin(self, extract: Extract) -> None:
        """Notes what the extract says beside its rows, and the upstream's state.

        That is read before its rows: rows newer than the state cost one more run, a state newer than the rows
        would hide them.

        Raises:
            ValueError: the extract has positions, which no transaction could store with the rows.
        """
        if extract.positions is not None:
            raise ValueError(
                f"{self._target.mart.asset}: a log's positions are stored in the transaction that publishes "
                f"its rows, so it is read into Postgres"
            )
        self._read_until = extract.read_until
        self._rejected = extract.rejected
        mart = self._target.mart
        if not mart.upstream:
            return
        key, elsewhere = self._target.slice.partition_key, self.present.elsewhere
        states = run_log.upstream_states(self.connection, mart.upstream, key, elsewhere)
        # Staging may take long, and nothing of it belongs into a transaction of Postgres.
        self.connection.commit()
        self._upstream = combined_fingerprint(states)

    def note_state(self, staged: str | None, extract: Extract) -> None:
        """Notes the state of the source.

        Args:
            staged: the state that the staged rows show, None if no file of the mart says it.
            extract: what says it then; if it does not either, the mart shows its upstream's.
        """
        told = extract.state() if staged is None else staged
        self._fingerprint = with_scope(self._upstream if told is None else told, extract.scope) or None

    def figures(self, staged: Staged, found: Sequence[Callable[[Cursor], object]] = ()) -> Figures:
        """Brings the quarantine in step, before anything is published, and gives the load's figures.

        Args:
            staged: what the staging table was filled with.
            found: each adds to ``quarantine_found`` what was found among the staged, or rejected, rows.
        """
        target = self._target
        find = list(found)
        if self._rejected:
            find.append(run_log.found_rejected(self._rejected))
        judged = "new" if reads_only_what_is_new(target.mart.publication) else "all"
        quarantined = run_log.supersede_quarantine(
            self.connection, target.mart.asset, target.slice, target.run, find, judged
        )
        return Figures.of(staged, self._rejected, quarantined)

    def succeed(self, figures: Figures) -> None:
        """Records the success."""
        run_log.succeed(
            self.connection, self._log_id, figures, self._fingerprint, self._read_until, self.present.id
        )
