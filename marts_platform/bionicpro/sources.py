"""BionicPRO's sources: the telemetry's Postgres, and the CRM."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg

from marts_platform import settings
from marts_platform.core.checks import Outside
from marts_platform.core.path import Extract, Rejected, with_scope
from marts_platform.core.pending import SourceState
from marts_platform.core.sql import compose
from marts_platform.core.table import declared
from marts_platform.resources.crm import CrmResource
from marts_platform.resources.postgres import Limits, PostgresResource
from marts_platform.resources.postgres_source import NaiveSource, one_row, refuse_scans

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composed

    from marts_platform.core.pending import Key
    from marts_platform.core.window import Slice, Window


class TelemetrySource(dg.ConfigurableResource[Any]):
    """The table ``telemetry_data``, read through ``MARTS_TELEMETRY_URL``.

    Its ``created_at`` has no zone: it is of ``MARTS_TELEMETRY_TIMEZONE``.
    """

    setting: str = "telemetry_url"

    @property
    def server(self) -> PostgresResource:
        """The server."""
        return PostgresResource(setting=self.setting)

    def actions(self, slice_: Slice) -> Extract:
        """The rows of a partition as a stream; the open partition ends at the commit-safe bound.

        Raises:
            SourceScanRefusedError: the source would scan a big table.
        """
        columns = tuple(column.name for column in declared("bionicpro/ddl/telemetry.sql").columns)
        table = self._table()
        extract = table.extract(slice_, _over_actions("telemetry"), columns, "postgres-text")
        # A row that is corrected between the two statements has another state than either shows: a later
        # look sees that, and its day is loaded again.
        rows = table.window_rows(slice_, extract.read_until, _over_actions("telemetry_rejected"))
        return replace(
            extract,
            rejected=[
                Rejected(key, reason, payload, is_row)
                for key, reasons, payload, is_row, _ in rows
                for reason in (["; ".join(reasons)] if is_row else reasons)
            ],
            scope=with_scope(_rejected_state([int(row[-1]) for row in rows]), extract.scope),
        )

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """Which days have rows, and the fingerprints of some: indexed probes under a short time limit."""
        days = compose("bionicpro/source/telemetry_days.sql")
        return self._table().state(slices, _over_actions("telemetry_fingerprint"), days)

    def stored_state(self, slice_: Slice, read_until: datetime | None) -> str:
        """Return the data version of a partition's rows that can be stored, up to where it was read."""
        (state,) = self._table().check_row(slice_, read_until, _over_actions("telemetry_fingerprint"))
        return str(state).partition("; ")[0]

    def outside(self, whole: Window) -> Outside:
        """Count the source's rows whose time is missing or not in a window, by ranges of the index.

        Args:
            whole: the window of all partitions.

        Raises:
            SourceScanRefusedError: the source would scan a big table.
        """
        now = settings.load()
        limits = Limits(now.source_statement_timeout_seconds, read_only=True, by_index=True)
        query = compose("bionicpro/source/telemetry_undated.sql")
        values = {"zone": now.telemetry_timezone, "start": whole.start, "end": whole.end}
        with self.server.connect(limits, purpose="check") as connection:
            refuse_scans(connection, query, values, "the rows of telemetry_data outside of all days")
            return Outside(*one_row(connection, query, values))

    def _table(self) -> NaiveSource:
        zone = settings.load().telemetry_timezone
        return NaiveSource(self.server, zone, "bionicpro/telemetry", "telemetry", f"in {zone}", {})


def _over_actions(name: str) -> Callable[[Connection], Composed]:
    """Return a composer of a statement over a window's typed rows."""
    from psycopg2.sql import SQL

    def composed(connection: Connection) -> Composed:
        (has_key,) = one_row(connection, compose("bionicpro/source/telemetry_has_key.sql"), {})
        # Without a key, ids are told apart by a sort of the window's rows.
        place = SQL("1" if has_key else "row_number() OVER one_id")
        actions = compose("bionicpro/source/telemetry_actions.sql", {"place": place})
        return compose(f"bionicpro/source/{name}.sql", {"actions": actions})

    return composed


def _rejected_state(checksums: Sequence[int]) -> str:
    """Return the state of rejected rows as `telemetry_fingerprint.sql` words it; empty without any."""
    return f"{len(checksums)} rejected {sum(checksums)}" if checksums else ""


class CrmSource(dg.ConfigurableResource[Any]):
    """The CRM's customers: one snapshot of them a day, of the reports' time zone."""

    setting: str = "crm_url"

    def snapshot(self) -> Extract:
        """All customers as they are now; records that are none are rejected.

        Raises:
            CrmError: the CRM cannot be read.
            NoCustomersError: it gave records, and none of them is a customer.
        """
        from marts_platform.bionicpro.customers import customers_frame, refuse_none, validated

        taken_at = datetime.now(UTC)
        found = validated(CrmResource(setting=self.setting).users())
        refuse_none(found)
        frame = customers_frame(found.customers, taken_at)
        return Extract(frame, scope=_day_of(taken_at), rejected=found.rejected)

    def source_state(
        self, asset: str, slices: Sequence[Slice], published: Collection[Key] = ()
    ) -> SourceState:
        """That there is something to take, and of which day: the CRM itself is not asked."""
        return SourceState(frozenset({None}), {}, _day_of(datetime.now(UTC)))


def _day_of(moment: datetime) -> str:
    zone = settings.load().reports_timezone
    return f"the customers of {moment.astimezone(ZoneInfo(zone)).date()} in {zone}"
