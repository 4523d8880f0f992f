"""One load into MySQL: staging, audits, publication, and the record of it in Postgres."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import TYPE_CHECKING

from marts_platform.core import run_log
from marts_platform.core.audit import AuditFailed, Verdict
from marts_platform.core.path import Append, Keyed, Replace
from marts_platform.io_managers.mysql_columns import refuse_mismatch
from marts_platform.io_managers.mysql_session import column_list
from marts_platform.io_managers.mysql_staging import Staging
from marts_platform.resources.mysql_text import quoted

if TYPE_CHECKING:
    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Extract
    from marts_platform.core.run_log import Figures
    from marts_platform.io_managers.mysql_session import MySQLSession
    from marts_platform.io_managers.recorded_load import Record


class MySQLLoad:
    """One load of a slice. The caller holds the lock of the table's only writer."""

    def __init__(self, session: MySQLSession, record: Record) -> None:
        if session.mart.quarantine is not None:
            raise ValueError(f"{session.mart.asset}: in MySQL the extract says which rows it rejects")
        self._session = session
        self._record = record
        self._staging = Staging(session)

    def stage(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones.

        Raises:
            AuditFailed: two rows have one key, which the staging table cannot hold, and an audit asks for it.
        """
        from pymysql.err import IntegrityError

        session, mart = self._session, self._session.mart
        self._record.begin(extract)
        session.create_stage()
        more_keys = refuse_mismatch(session)
        try:
            self._staging.fill(extract)
        except IntegrityError:
            self._refuse_repeated_keys()
            raise
        if session.swaps_tables:
            session.add_keys(more_keys)
        state = None
        if mart.fingerprint:
            (state,) = session.row(mart.fingerprint, {"staged": session.stage}, session.bounds).values()
        self._record.note_state(state, extract)

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        return self._audit(audit, self._session.stage)

    def _audit(self, audit: Audit, staged: str) -> Verdict:
        session = self._session
        places = {
            name: column_list((value,) if isinstance(value, str) else value)
            for name, value in audit.identifiers.items()
        }
        names = {"staged": staged, **places}
        figures = session.row(audit.file_for("mysql"), names, session.bounds)
        return Verdict(audit, session.slice.partition_key, bool(figures.pop("passed")), figures)

    def _refuse_repeated_keys(self) -> None:
        # The staging table has the key already: made after the audits, it would cost the table once more. So
        # rows too many never get there, and the audit is asked of the rows as they came.
        mart, given = self._session.mart, self._staging.given
        key = set(mart.table.key)
        asked = [audit for audit in mart.audits if set(audit.identifiers.get("key", ())) == key]
        verdicts = [self._audit(audit, given) for audit in asked] if given else []
        if any(verdict.blocks for verdict in verdicts):
            raise AuditFailed(mart.asset, verdicts)

    def publish(self) -> Figures:
        """Makes the staged rows the table's, then records the success.

        The quarantine is brought in step before, in the transaction that records the success: what can fail
        has been done when readers see the rows. A crash between the two costs one more, harmless, run.
        """
        moved = self._moved()
        if moved:
            # Before they move: a crash after it costs a load more, one before it would leave a stale window.
            run_log.unsettle(self._record.connection, self._session.mart.asset, moved)
            self._record.connection.commit()
        judge = self._staging.judge
        figures = self._record.figures(self._staging, [] if judge is None else [judge.find])
        self._record.lock.check()
        self._publish_rows(has_moved=bool(moved))
        self._record.succeed(figures)
        return figures

    def _moved(self) -> list[datetime]:
        """Return the times of rows in other windows that have the key of a staged one."""
        session = self._session
        publication = session.mart.publication
        if not isinstance(publication, Replace) or not session.mart.key_spans_windows:
            return []
        names = {
            "table": session.table,
            "touched": session.stage,
            "column": quoted(str(publication.column)),
            "matches": self._matches(),
        }
        found = [row["moment"] for row in session.rows("mysql/moved_rows.sql", names, session.bounds)]
        # The warehouse's times are UTC's, without a zone; a day begins at midnight.
        times = [one if isinstance(one, datetime) else datetime.combine(one, time.min) for one in found]
        return [one.replace(tzinfo=UTC) for one in times]

    def _matches(self) -> str:
        key = self._session.mart.table.key
        return " AND ".join(f"live.{quoted(name)} = touched.{quoted(name)}" for name in key)

    def _publish_rows(self, *, has_moved: bool) -> None:
        session = self._session
        publication = session.mart.publication
        names = {"table": session.table, "columns": session.columns, "stage": session.stage}
        if session.swaps_tables:
            # One statement renames both: readers find the old table or the new one.
            session.execute("mysql/rename.sql", {**names, "old": session.old})
            return
        session.connection.begin()
        if isinstance(publication, Keyed):
            keys = {**names, "touched": session.touched, "matches": self._matches()}
            session.execute("mysql/delete_touched.sql", keys)
        elif not isinstance(publication, Append):
            column = quoted(str(publication.column))
            session.execute("mysql/delete_window.sql", {**names, "column": column}, session.bounds)
            if has_moved:
                keys = {**names, "touched": session.stage, "matches": self._matches()}
                session.execute("mysql/delete_touched.sql", keys)
        session.execute("mysql/insert_rows.sql", names)
        session.connection.commit()
