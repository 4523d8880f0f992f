"""What every warehouse's IO manager shares: the run log, which stands in the Postgres warehouse."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dagster as dg

from marts_platform import settings
from marts_platform.core import run_log, streams
from marts_platform.core.comparisons import comparisons_of, note_comparisons
from marts_platform.core.sql import compose
from marts_platform.masking import error_text
from marts_platform.resources.identity import Slot, is_of_a_driver
from marts_platform.resources.postgres import Limits, PostgresResource

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from psycopg2.extensions import connection as Connection

    from marts_platform.core.comparisons import Comparison
    from marts_platform.core.path import Mart, Outcome
    from marts_platform.core.window import Slice

_log = logging.getLogger(__name__)

# By the entries' numbers. It reads the log twice, which takes a second if that holds 200,000 of them.
_FORGETS_EVERY = 1000


class SchemaMismatchError(Exception):
    """Columns are not the declared ones; nothing was written."""


@dataclass(frozen=True, slots=True)
class Present:
    """The warehouse that a load goes into.

    Attributes:
        id: its identity; None for Postgres.
        elsewhere: the identities of warehouses whose loads do not count.
    """

    id: str | None
    elsewhere: Sequence[str]


def elsewhere(known: Sequence[run_log.KnownWarehouse], slot: Slot | None, identity: str | None) -> list[str]:
    """Return the identities of warehouses that the settings do not name now.

    A place in the settings that only one warehouse ever had is not looked at: no question arises there, and
    its server may be away.

    Args:
        known: the warehouses that the log has met.
        slot: the place of the warehouse that is asked, None for Postgres.
        identity: of the warehouse in that place; None if it is not known.
    """
    gone: list[str] = []
    for place in dict.fromkeys(Slot(one.engine, one.setting) for one in known):
        ids = [one.id for one in known if Slot(one.engine, one.setting) == place]
        there = identity
        if place != slot:
            there = place.identity_if_known() if len(ids) > 1 else None
        gone += [one for one in ids if there is not None and one != there]
    return gone


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

    @property
    def slot(self) -> Slot | None:
        """The place of this warehouse in the settings; None for Postgres, where the log itself is."""
        return None

    def present(self, connection: Connection) -> Present:
        """Return the identity of the warehouse, which the log knows from now on, and what is elsewhere.

        Raises:
            NotMigratedError: the warehouse has no identity.
            Exception: the driver's, if the server does not answer.
        """
        slot = self.slot
        identity = slot.identity() if slot else None
        known = run_log.known_warehouses(connection)
        if slot and identity and identity not in {one.id for one in known}:
            run_log.register_warehouse(
                connection, run_log.KnownWarehouse(identity, slot.engine, slot.setting)
            )
        connection.commit()
        return Present(identity, elsewhere(known, slot, identity))

    def _elsewhere(self, connection: Connection) -> list[str]:
        """Return the warehouses whose loads do not count; of a server that does not answer, none.

        Raises:
            NotMigratedError: this warehouse has no identity.
        """
        slot, identity = self.slot, None
        if slot is not None:
            try:
                identity = slot.identity()
            except Exception as error:
                # The load will say so. What is loaded elsewhere has nothing to do with it.
                if not is_of_a_driver(error):
                    raise
        return elsewhere(run_log.known_warehouses(connection), slot, identity)

    def begin(self, connection: Connection, asset: str, slice_: Slice, run: run_log.Run) -> int:
        """Writes that a load begins and returns the entry's id; the caller holds the table's writer lock.

        One load in a thousand has the log forget what is old, so that it needs no job of its own.
        """
        identity = self.slot.identity_if_known() if self.slot else None
        log_id = run_log.start(connection, asset, slice_, run, identity)
        days = settings.load().run_log_days
        if days and log_id % _FORGETS_EVERY == 0:
            run_log.forget(connection, days)
        connection.commit()
        return log_id

    def published_by(self, mart: Mart, root_run_id: str) -> Mapping[str | None, int]:
        """The partitions that a chain of runs has published already, with the rows of each."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.published_by(connection, mart.asset, root_run_id, self._elsewhere(connection))

    def last_published(self, asset: str) -> Mapping[str | None, run_log.Published]:
        """The last successful load of each partition of an asset."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.last_published(connection, asset, self._elsewhere(connection))

    def failures(self, asset: str, partition_keys: list[str | None]) -> Mapping[str | None, run_log.Failures]:
        """How often, and when last, partitions failed since they last succeeded."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return run_log.failures_since_success(
                connection, asset, partition_keys, self._elsewhere(connection)
            )

    def comparisons(self, asset: str) -> Mapping[str, Comparison]:
        """Return the last comparison of each partition of an asset; '' is a whole table's key."""
        with self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection:
            return comparisons_of(connection, asset)

    def note_comparisons(
        self,
        asset: str,
        tried: Collection[str | None],
        compared: Collection[str | None],
        stale: Collection[str | None],
    ) -> None:
        """Write that partitions of an asset were compared with their source now.

        Args:
            asset: the asset's key.
            tried: the partitions that the source was asked for.
            compared: those of them that it told the data version of.
            stale: those of these whose data version is another one than the loaded one.
        """
        with self.warehouse.kept(purpose="run log") as connection:
            note_comparisons(connection, asset, tried, compared, stale)
            connection.commit()

    def read_until(self, asset: str, partition_key: str | None) -> datetime | None:
        """Up to where the last successful load read an open partition (UTC); None if it read it whole."""
        with (
            self.warehouse.kept(Limits(read_only=True), purpose="run log") as connection,
            connection.cursor() as cursor,
        ):
            values = {
                "asset": asset,
                "partition_key": partition_key,
                "elsewhere": self._elsewhere(connection),
            }
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
        run_log.fail(connection, log_id, error_text(error))
        connection.commit()
    except psycopg2.Error as fault:
        # The next load of the slice finds the entry still running and marks it as killed.
        _log.warning("The failure of load %s could not be recorded: %s", log_id, fault)
