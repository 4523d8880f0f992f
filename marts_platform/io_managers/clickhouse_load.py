"""One load into ClickHouse: staging, audits, publication, and the record of it in Postgres."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

from marts_platform.core import run_log
from marts_platform.core.audit import Verdict
from marts_platform.core.clickhouse import quoted, render
from marts_platform.core.path import Keyed
from marts_platform.core.sql import compose
from marts_platform.io_managers.clickhouse_publication import Publisher
from marts_platform.io_managers.clickhouse_staging import Staging

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import BinaryIO

    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Extract
    from marts_platform.core.run_log import Figures
    from marts_platform.io_managers.clickhouse_judged import Judge
    from marts_platform.io_managers.clickhouse_session import ClickHouseSession
    from marts_platform.io_managers.recorded_load import Record


class ClickHouseLoad:
    """One load of a slice. The caller holds the lock of the table's only writer, and ends the transaction."""

    def __init__(self, session: ClickHouseSession, record: Record) -> None:
        self._session = session
        self._record = record
        self._staging = Staging(session)

    def stage(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones."""
        mart = self._session.mart
        self._record.begin(extract)
        self._session.days = self._days_loaded()
        self._staging.create()
        self._staging.fill(extract)
        state = self._staged_fingerprint(mart.fingerprint) if mart.fingerprint else None
        self._record.note_state(state, extract)

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

        The quarantine is brought in step right before, in the transaction that records the success: what can
        fail has been done when readers see the rows, and what takes long before that transaction begins: one
        that is left idle is ended. A crash between the two costs one more, harmless, run.
        """
        file, staging = self._session.mart.quarantine, self._staging
        found = [partial(self._copy_found, file)] if file else []
        if staging.judge is not None:
            found.append(partial(self._copy_judged, staging.judge))
        show = Publisher(self._session, staging, self._record.lock.check).prepare()
        figures = self._record.figures(staging, found)
        show()
        self._record.succeed(figures)
        return figures

    def _copy_found(self, file: str, cursor: Cursor) -> None:
        found, params = self._session.query(file, {})
        self._copy(render("clickhouse/quarantine_found.sql", found=found), params, cursor)

    def _copy_judged(self, judge: Judge, cursor: Cursor) -> None:
        places = {"judged": judge.judged(), "repeated": judge.repeated()}
        self._copy(render("clickhouse/quarantine_judged.sql", **places), {}, cursor)

    def _copy(self, statement: str, params: Mapping[str, object], cursor: Cursor) -> None:
        rows = self._session.client.raw_stream(statement, parameters=dict(params) or None, fmt="TabSeparated")
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
        connection, elsewhere = self._record.connection, self._record.present.elsewhere
        days = run_log.days_loaded_since(connection, mart.asset, mart.upstream, elsewhere)
        connection.commit()
        return days
