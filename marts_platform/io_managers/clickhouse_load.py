"""One load into ClickHouse: staging, audits, publication, and the record of it in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from marts_platform.core import run_log
from marts_platform.core.audit import Verdict
from marts_platform.core.path import Append, Keyed, combined_fingerprint, with_scope
from marts_platform.core.run_log import Figures
from marts_platform.core.sql import compose
from marts_platform.io_managers.clickhouse_publication import Publisher
from marts_platform.io_managers.clickhouse_staging import Staging
from marts_platform.resources.clickhouse import quoted, render

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import BinaryIO

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Extract, Rejected
    from marts_platform.io_managers.clickhouse_session import ClickHouseSession, WriterLock


class ClickHouseLoad:
    """One load of a slice. The caller holds the lock of the table's only writer, and ends the transaction."""

    def __init__(
        self, session: ClickHouseSession, connection: Connection, lock: WriterLock, log_id: int
    ) -> None:
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
        mart = self._session.mart
        self._read_until = extract.read_until
        self._rejected = extract.rejected
        # The upstream's state is read before its rows: rows newer than the state cost one more run, a
        # state newer than the rows would hide them.
        upstream = self._upstream_fingerprint()
        self._session.days = self._days_loaded()
        self._staging.create()
        self._staging.fill(extract)
        state = self._staged_fingerprint(mart.fingerprint) if mart.fingerprint else upstream
        self._fingerprint = with_scope(state, extract.scope) or None

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        session = self._session
        places = {
            name: ", ".join(map(quoted, (value,) if isinstance(value, str) else value))
            for name, value in audit.identifiers.items()
        }
        file = audit.file_for("clickhouse")
        statement, params = session.query(file, {}, **places)
        answer = session.client.query(statement, parameters=params or None)
        if len(answer.result_rows) != 1:
            raise ValueError(f"audit {audit.name}: {file} gave {len(answer.result_rows)} rows instead of one")
        figures = dict(zip(answer.column_names, answer.result_rows[0], strict=True))
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
        Publisher(self._session, staging.keys, self._lock.check).publish()
        run_log.succeed(self._connection, self._log_id, figures, self._fingerprint, self._read_until)
        return figures

    def _quarantine(self) -> run_log.Quarantined:
        session = self._session
        find: list[Callable[[Cursor], object]] = []
        if session.mart.quarantine is not None:
            file = session.mart.quarantine
            find.append(lambda cursor: self._copy_found(file, cursor))
        if self._rejected:
            find.append(run_log.found_rejected(self._rejected))
        # A load that reads only what is new says nothing of what was found before.
        publication = session.mart.publication
        reads_new = isinstance(publication, Append) and not publication.is_snapshot
        judged = "new" if reads_new else "all"
        return run_log.supersede_quarantine(
            self._connection, session.mart.asset, session.slice, session.run, find, judged
        )

    def _copy_found(self, file: str, cursor: Cursor) -> None:
        found, params = self._session.query(file, {})
        statement = render("clickhouse/quarantine_found.sql", found=found)
        rows = self._session.client.raw_stream(statement, parameters=params or None, fmt="TabSeparated")
        copy = compose("ops/quarantine_copy_found.sql")
        cursor.copy_expert(copy, cast("BinaryIO", rows))

    def _staged_fingerprint(self, file: str) -> str:
        statement, params = self._session.query(file, {})
        ((state,),) = self._session.client.query(statement, parameters=params or None).result_rows
        return str(state)

    def _days_loaded(self) -> list[str]:
        mart = self._session.mart
        if mart.is_partitioned or not isinstance(mart.publication, Keyed):
            return []
        days = run_log.days_loaded_since(self._connection, mart.asset, mart.upstream)
        self._connection.commit()
        return days

    def _upstream_fingerprint(self) -> str | None:
        mart = self._session.mart
        if not mart.upstream:
            return None
        states = run_log.upstream_states(self._connection, mart.upstream, self._session.slice.partition_key)
        # Staging may take long, and nothing of it belongs into a transaction of Postgres.
        self._connection.commit()
        return combined_fingerprint(states)
