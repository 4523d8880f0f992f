"""What every warehouse's IO manager shares: the run log, which stands in the Postgres warehouse."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import dagster as dg

from marts_platform import settings
from marts_platform.core import run_log, streams
from marts_platform.core.sql import compose
from marts_platform.resources.postgres import Limits, PostgresResource

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.path import Mart, Outcome
    from marts_platform.core.window import Slice

_log = logging.getLogger(__name__)

# By the entries' numbers. It reads the log twice, which takes a second if that holds 200,000 of them.
_FORGETS_EVERY = 1000


class SchemaMismatchError(Exception):
    """Columns are not the declared ones; nothing was written."""


class Ledger(dg.ConfigurableIOManager):
    """The base of the IO managers: `marts_platform.core.planning` asks it what was published.

    The platform's assets publish through their IO manager's ``load``; their output here is the list of what
    was published.
    """

    setting: str = "warehouse_url"

    @property
    def warehouse(self) -> PostgresResource:
        """The Postgres warehouse, where the run log is."""
        return PostgresResource(setting=self.setting)

    def begin(self, connection: Connection, asset: str, slice_: Slice, run: run_log.Run) -> int:
        """Writes that a load begins and returns the entry's id; the caller holds the table's writer lock.

        One load in a thousand has the log forget what is old, so that it needs no job of its own.
        """
        log_id = run_log.start(connection, asset, slice_, run)
        days = settings.load().run_log_days
        if days and log_id % _FORGETS_EVERY == 0:
            run_log.forget(connection, days)
        connection.commit()
        return log_id

    def published_by(self, mart: Mart, root_run_id: str) -> Mapping[str | None, int]:
        """The partitions that a chain of runs has published already, with the rows of each."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.published_by(connection, mart.asset, root_run_id)

    def last_published(self, asset: str) -> Mapping[str | None, run_log.Published]:
        """The last successful load of each partition of an asset."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.last_published(connection, asset)

    def failures(self, asset: str, partition_keys: list[str | None]) -> Mapping[str | None, run_log.Failures]:
        """How often, and when last, partitions failed since they last succeeded."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.failures_since_success(connection, asset, partition_keys)

    def read_until(self, asset: str, partition_key: str | None) -> datetime | None:
        """Up to where the last successful load read an open partition (UTC); None if it read it whole."""
        values = {"asset": asset, "partition_key": partition_key}
        with (
            self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(compose("ops/run_log_read_until.sql"), values)
            row = cursor.fetchone()
        return row[0] if row else None

    def stream_positions(self, asset: str) -> Mapping[streams.Place, streams.Position]:
        """Where an asset's reader of a log stands.

        Raises:
            PositionsLostError: it has read, and where it stood is not known.
        """
        with self.warehouse.kept(Limits(read_only=True), purpose="positions") as connection:
            stored = streams.stored_positions(connection, asset)
            streams.refuse_lost_positions(connection, asset, stored.keys())
        return stored

    def handle_output(self, context: dg.OutputContext, obj: list[Outcome]) -> None:
        """Nothing is left to do: `load` has published, and the asset reports the figures of each partition.

        Dagster would show an output's metadata with every partition of the run, as if it were that one's.
        """


def record_failure(connection: Connection, log_id: int, error: BaseException) -> None:
    """Writes that a load failed; what made it fail may keep that from being written, which is only logged."""
    import psycopg2

    try:
        run_log.fail(connection, log_id, f"{type(error).__name__}: {error}")
        connection.commit()
    except psycopg2.Error as fault:
        # The next load of the slice finds the entry still running and marks it as killed.
        _log.warning("The failure of load %s could not be recorded: %s", log_id, fault)
