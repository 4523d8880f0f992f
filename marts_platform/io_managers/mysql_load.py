"""One load into MySQL: staging, audits, publication, and the record of it in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.core import run_log
from marts_platform.core.audit import Verdict
from marts_platform.core.path import Append, Keyed, combined_fingerprint, with_scope
from marts_platform.core.run_log import Figures
from marts_platform.io_managers.mysql_columns import refuse_mismatch
from marts_platform.io_managers.mysql_session import column_list
from marts_platform.io_managers.mysql_staging import Staging
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Extract, Rejected
    from marts_platform.io_managers.clickhouse_session import WriterLock
    from marts_platform.io_managers.mysql_session import MySQLSession


class MySQLLoad:
    """One load of a slice. The caller holds the lock of the table's only writer."""

    def __init__(self, session: MySQLSession, connection: Connection, lock: WriterLock, log_id: int) -> None:
        if session.mart.quarantine is not None:
            raise ValueError(f"{session.mart.asset}: in MySQL the extract says which rows it rejects")
        self._session = session
        self._connection = connection
        self._lock = lock
        self._log_id = log_id
        self._staging = Staging(session)
        self._fingerprint: str | None = None
        self._read_until: datetime | None = None
        self._rejected: Sequence[Rejected] = ()

    def stage(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones."""
        session, mart = self._session, self._session.mart
        self._read_until = extract.read_until
        self._rejected = extract.rejected
        # The upstream's state is read before its rows: rows newer than the state cost one more run, a
        # state newer than the rows would hide them.
        upstream = self._upstream_fingerprint()
        session.create_stage()
        refuse_mismatch(session)
        self._staging.fill(extract)
        state = upstream
        if mart.fingerprint:
            (state,) = session.row(mart.fingerprint, {"staged": session.stage}, session.bounds).values()
        self._fingerprint = with_scope(state, extract.scope) or None

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        session = self._session
        places = {
            name: column_list((value,) if isinstance(value, str) else value)
            for name, value in audit.identifiers.items()
        }
        names = {"staged": session.stage, **places}
        figures = session.row(audit.file_for("mysql"), names, session.bounds)
        return Verdict(audit, session.slice.partition_key, bool(figures.pop("passed")), figures)

    def publish(self) -> Figures:
        """Makes the staged rows the table's, then records the success.

        The quarantine is brought in step before, in the transaction that records the success: what can fail
        has been done when readers see the rows. A crash between the two costs one more, harmless, run.
        """
        quarantined = self._quarantine()
        staging = self._staging
        figures = Figures(
            rows_read=staging.rows_read + len(self._rejected),
            rows_written=staging.rows_read + len(self._rejected) - quarantined.rows,
            rows_quarantined=quarantined.rows,
            values_quarantined=quarantined.values,
            rows_kept=staging.rows_kept,
            bytes_read=staging.bytes_read,
        )
        self._lock.check()
        self._publish_rows()
        run_log.succeed(self._connection, self._log_id, figures, self._fingerprint, self._read_until)
        return figures

    def _publish_rows(self) -> None:
        session = self._session
        publication = session.mart.publication
        names = {"table": session.table, "columns": session.columns, "stage": session.stage}
        if not isinstance(publication, Keyed | Append) and publication.column is None:
            # One statement renames both: readers find the old table or the new one.
            session.execute("mysql/rename.sql", {**names, "old": session.old})
            return
        session.connection.begin()
        if isinstance(publication, Keyed):
            matches = " AND ".join(
                f"live.{quoted(name)} = touched.{quoted(name)}" for name in session.mart.table.key
            )
            session.execute(
                "mysql/delete_touched.sql", {**names, "touched": session.touched, "matches": matches}
            )
        elif not isinstance(publication, Append):
            column = quoted(str(publication.column))
            session.execute("mysql/delete_window.sql", {**names, "column": column}, session.bounds)
        session.execute("mysql/insert_rows.sql", names)
        session.connection.commit()

    def _quarantine(self) -> run_log.Quarantined:
        session = self._session
        mart = session.mart
        find: list[Callable[[Cursor], object]] = []
        if self._rejected:
            find.append(run_log.found_rejected(self._rejected))
        judged = "new" if isinstance(mart.publication, Append) else "all"
        run = self._session.run
        return run_log.supersede_quarantine(self._connection, mart.asset, session.slice, run, find, judged)

    def _upstream_fingerprint(self) -> str | None:
        mart = self._session.mart
        if not mart.upstream:
            return None
        states = run_log.upstream_states(self._connection, mart.upstream, self._session.slice.partition_key)
        # Staging may take long, and nothing of it belongs into a transaction of Postgres.
        self._connection.commit()
        return combined_fingerprint(states)
