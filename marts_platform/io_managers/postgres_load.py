"""One load into the Postgres warehouse: staging, audits and publication within one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg2.sql import SQL, Composable, Identifier

from marts_platform.core import run_log, streams
from marts_platform.core.audit import Verdict
from marts_platform.core.path import (
    Append,
    Extract,
    Keyed,
    combined_fingerprint,
    reads_only_what_is_new,
    with_scope,
)
from marts_platform.core.rows import Replay
from marts_platform.core.run_log import Figures
from marts_platform.core.sql import compose
from marts_platform.io_managers import postgres_publication
from marts_platform.io_managers.postgres_session import LoadSession
from marts_platform.io_managers.postgres_staging import Staging

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from typing import Literal

    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

    from marts_platform.core.audit import Audit
    from marts_platform.core.path import Mart, Rejected
    from marts_platform.core.run_log import Quarantined, Run
    from marts_platform.core.window import Slice
    from marts_platform.io_managers.ledger import Present


class PostgresLoad:
    """One load of a slice. The caller owns the transaction, and the lock of the slice's only writer."""

    def __init__(
        self, connection: Connection, mart: Mart, slice_: Slice, run: Run, log_id: int, present: Present
    ) -> None:
        self._session = LoadSession(connection, mart, slice_, run)
        self._elsewhere = present.elsewhere
        self._staging = Staging(self._session)
        self._log_id = log_id
        self._fingerprint: str | None = None
        self._read_until: datetime | None = None
        self._rejected: Sequence[Rejected] = ()
        self._extract = Extract(None)

    def stage(self, extract: Extract) -> None:
        """Brings the rows into the staging table, refusing columns that are not the declared ones."""
        self._extract = extract
        self._read_until = extract.read_until
        self._rejected = extract.rejected
        # The upstream's state is read before its rows: rows newer than the state cost one more run, a
        # state newer than the rows would hide them.
        upstream = self._upstream_fingerprint()
        self._staging.fill(extract)
        self._fingerprint = self._state(extract, upstream)
        # Only now: what stays of the rows published before is none of the source's.
        self._staging.complete(extract)

    def _state(self, extract: Extract, upstream: str | None) -> str | None:
        mart = self._session.mart
        if isinstance(extract.rows, Replay):
            # Nothing was read of the source, so what is known of its state is what was.
            key = self._session.slice.partition_key
            found = run_log.last_published_of(self._session.connection, mart.asset, key).get(key)
            return found.fingerprint if found else None
        state = self._staged_fingerprint(mart.fingerprint, extract) if mart.fingerprint else extract.state()
        return with_scope(state or upstream, extract.scope) or None

    def audit(self, audit: Audit) -> Verdict:
        """Asks one audit's question to the staged rows."""
        names: dict[str, Composable] = {
            name: SQL(", ").join(Identifier(part) for part in ((value,) if isinstance(value, str) else value))
            for name, value in audit.identifiers.items()
        }
        file = audit.file_for("postgres")
        with self._session.connection.cursor() as cursor:
            cursor.execute(compose(file, {"staged": self._session.stage, **names}), self._session.bounds)
            row = cursor.fetchone()
            columns = [column.name for column in cursor.description or ()]
        if row is None:
            raise ValueError(f"audit {audit.name}: {file} gave no row")
        figures = dict(zip(columns, row, strict=True))
        return Verdict(audit, self._session.slice.partition_key, bool(figures.pop("passed")), figures)

    def publish(self) -> Figures:
        """Makes the staged rows the table's; readers see them at the commit, with the run log's success."""
        if self._staging.index_fault:
            raise self._staging.index_fault
        quarantined = self._quarantine()
        publication = self._session.mart.publication
        if isinstance(publication, Keyed):
            postgres_publication.upsert(self._session)
        elif isinstance(publication, Append):
            postgres_publication.append(self._session, publication.column, self._log_id)
        elif self._session.is_partitioned:
            postgres_publication.swap_partition(self._session, has_rows=self._staging.has_rows)
        else:
            postgres_publication.rewrite(self._session, publication)
        figures = Figures.of(self._staging, self._rejected, quarantined)
        connection = self._session.connection
        if self._extract.positions is not None:
            streams.store_positions(connection, self._session.mart.asset, self._extract.positions())
        run_log.succeed(connection, self._log_id, figures, self._fingerprint, self._read_until)
        return figures

    def _quarantine(self) -> Quarantined:
        session = self._session
        find: list[Callable[[Cursor], object]] = []
        if session.mart.quarantine is not None:
            query = compose(session.mart.quarantine, {"staged": session.stage})
            find.append(run_log.found_by_query(query, session.bounds))
        if self._rejected:
            find.append(run_log.found_rejected(self._rejected))
        if session.mart.landing is not None:
            names = {"judged": session.judged, "landed": session.landed}
            find.append(run_log.found_landed(compose(session.mart.landing.rejected, names)))
        asset, connection = session.mart.asset, session.connection
        return run_log.supersede_quarantine(
            connection, asset, session.slice, session.run, find, self._judged()
        )

    def _judged(self) -> Literal["all", "landed", "new"]:
        if isinstance(self._extract.rows, Replay):
            return "landed"
        return "new" if reads_only_what_is_new(self._session.mart.publication) else "all"

    def _staged_fingerprint(self, file: str, extract: Extract) -> str:
        params = {**self._session.bounds, **extract.params}
        (state,) = self._session.row(file, {"staged": self._session.stage}, params)
        return str(state)

    def _upstream_fingerprint(self) -> str | None:
        session = self._session
        if not session.mart.upstream:
            return None
        states = run_log.upstream_states(
            session.connection, session.mart.upstream, session.slice.partition_key, self._elsewhere
        )
        return combined_fingerprint(states)
