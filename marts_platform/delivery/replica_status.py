"""The replica as it is: its parts at the source and in its own database, and how far it is behind."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from marts_platform import settings
from marts_platform.core.sql import compose
from marts_platform.delivery.replica_preconditions import (
    NAME,
    TABLES,
    Publication,
    TableForm,
    column_faults,
    lacking_columns,
    lacking_faults,
    table_faults,
)
from marts_platform.resources.postgres import Limits, PostgresResource

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

_POLL_SECONDS = 0.02


class ReplicaError(settings.ExpectedError):
    """The replica cannot be made, found or removed; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Slot:
    """The slot at the source. `retained_bytes`: how much of the log it keeps."""

    is_active: bool
    wal_status: str
    retained_bytes: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """The subscription in the replica.

    Attributes:
        oid: names the slots of its table copies.
        is_enabled: whether it is meant to run.
        has_worker: whether it does.
        heard_at: when the source sent what its worker received last; None before it has, or without one.
        tables_copying: tables whose first copy is not finished.
        tables: what it follows.
    """

    oid: str
    is_enabled: bool
    has_worker: bool
    heard_at: Any
    tables_copying: int
    tables: Sequence[str]

    @property
    def missing(self) -> list[str]:
        """The tables that it does not follow: the publication had them not, or got them later."""
        return missing(self.tables)


@dataclass(frozen=True, slots=True)
class Status:
    """The replica as it is now.

    Attributes:
        publication: the published tables; None if there is no publication.
        slot: None if there is none.
        subscription: None if there is none.
        errors: how often a change could not be applied, since the subscription was made.
        table_faults: what keeps changes of the tables from coming, or their service from making them.
        log_limit: the source's ``max_slot_wal_keep_size``; -1 for no limit.
        lag_seconds: how long the replica took to confirm what the source had when it was asked; None if it
            did not within the time it was given.
    """

    publication: tuple[str, ...] | None
    slot: Slot | None
    subscription: Subscription | None
    errors: int = 0
    lag_seconds: float | None = None
    table_faults: tuple[str, ...] = ()
    log_limit: str | None = None

    def faults(self, max_retained_bytes: int) -> list[str]:
        """What is wrong, in words; nothing if the replica is there and keeps up."""
        found: list[str] = []
        if self.publication is None:
            found.append("the source has no publication")
        elif lacking := missing(self.publication):
            found.append(f"the publication lacks {', '.join(lacking)}")
        if self.slot is None:
            found.append("the source has no slot")
        elif self.slot.wal_status in ("unreserved", "lost"):
            found.append(f"the slot's log is {self.slot.wal_status}: make the replica anew (drop, create)")
        elif self.slot.retained_bytes > max_retained_bytes:
            found.append(f"the slot holds {self.slot.retained_bytes:,} bytes of the source's log")
        if self.subscription is None:
            found.append("the replica has no subscription")
        elif not self.subscription.is_enabled:
            found.append("the subscription is disabled")
        elif self.subscription.missing:
            found.append(f"the subscription lacks {', '.join(self.subscription.missing)}")
        elif self.subscription.tables_copying:
            found.append(f"{self.subscription.tables_copying} tables are still being copied")
        if self.subscription is not None or self.slot is not None:
            found += self.table_faults
        if not found and self.lag_seconds is None:
            found.append("the replica stalls: it did not confirm in time what the source has committed")
        is_copying = self.subscription is not None and self.subscription.tables_copying > 0
        if self.errors and (self.lag_seconds is None or is_copying):
            found.append(
                f"{self.errors} changes or copies have failed: the log of the replica's server says why"
            )
        return found


def publisher() -> PostgresResource:
    """The source's server."""
    return PostgresResource(setting="delivery_url")


def subscriber() -> PostgresResource:
    """The replica's server."""
    return PostgresResource(setting="delivery_replica_url")


def status(patience: float) -> Status:
    """The replica as it is now.

    Args:
        patience: seconds to wait for it to confirm what the source has committed.

    Raises:
        psycopg2.OperationalError: a server cannot be reached.
    """
    limits = Limits(statement_timeout=settings.load().source_probe_timeout_seconds, read_only=True)
    with publisher().connect(limits, purpose="replica") as source:
        source.autocommit = True
        published, slot = publication_of(source), slot_of(source)
        tables, details = forms_of(source), details_of(source)
        server = row_of(source, "source_server", values={"name": NAME})
        with subscriber().connect(limits, purpose="replica") as replica:
            replica.autocommit = True
            subscription, errors = subscription_of(replica), errors_of(replica)
            faults = _table_faults(tables, forms_of(replica), details)
        lag = lag_seconds(source, patience) if slot is not None and subscription is not None else None
    return Status(published, slot, subscription, errors, lag, tuple(faults), server["log_limit"])


def _table_faults(
    tables: Sequence[TableForm], replica: Sequence[TableForm], publication: Publication | None
) -> list[str]:
    """Return what is wrong with the tables of a replica that was made, each with what helps."""
    if publication is None:
        return []
    return [
        *table_faults(tables, needs_ownership=False),
        *publication.faults(tables),
        *lacking_faults(lacking_columns(tables, replica, publication)),
        *column_faults(tables, replica, publication),
    ]


def forms_of(connection: Connection) -> list[TableForm]:
    """Return the tables of source or replica that are there."""
    return [TableForm(**row) for row in rows_of(connection, "tables", values={"tables": list(TABLES)})]


def details_of(source: Connection) -> Publication | None:
    """Return what the publication leaves out; None if there is no publication."""
    rows = list(rows_of(source, "publication_details", values={"name": NAME}))
    return Publication(**rows[0]) if rows else None


def lag_seconds(source: Connection, patience: float) -> float | None:
    """How long the replica takes to confirm what the source has committed by now; None: too long.

    It asks the slot, so it tells a stall also where worker and connection look well: one that waits for a
    lock, or that fails and starts anew for ever.

    A source sends what it has flushed. What was written last may be no commit, such as a page that a query
    has cleaned up; then nobody flushes it before the next commit, or the background writer's note of every
    15 seconds, and a replica that has everything would look as if it were behind.

    Args:
        source: a connection in autocommit mode: the slot's state is looked at again and again.
        patience: in seconds.
    """
    values = {"name": NAME, **row_of(source, "position")}
    began = time.monotonic()
    is_flushed = False
    while True:
        confirmed = row_of(source, "has_confirmed", values=values)["has_confirmed"]
        passed = time.monotonic() - began
        if not confirmed and not is_flushed:
            row_of(source, "write_out")
            is_flushed = True
        if confirmed:
            return passed
        if confirmed is None or passed > patience:
            return None
        time.sleep(_POLL_SECONDS)


def missing(tables: Collection[str]) -> list[str]:
    """The tables of a replica that are not among these."""
    return [table for table in TABLES if table not in tables]


def publication_of(source: Connection) -> tuple[str, ...] | None:
    """The published tables; None if there is no publication."""
    tables = row_of(source, "publication", values={"name": NAME})["tables"]
    return None if tables is None else tuple(tables)


def slot_of(source: Connection) -> Slot | None:
    """The slot at the source; None if there is none."""
    rows = list(rows_of(source, "slot", values={"name": NAME}))
    return Slot(**rows[0]) if rows else None


def subscription_of(replica: Connection) -> Subscription | None:
    """The subscription in a database; None if there is none."""
    rows = list(rows_of(replica, "subscription", values={"name": NAME}))
    return Subscription(**rows[0]) if rows else None


def errors_of(replica: Connection) -> int:
    """Return how many changes or copies have failed since the subscription was made."""
    import psycopg2

    # Before PostgreSQL 15 nobody counts them.
    with contextlib.suppress(psycopg2.errors.UndefinedTable):
        return int(row_of(replica, "errors", values={"name": NAME})["errors"])
    return 0


def made_tables(replica: Connection) -> list[str]:
    """The tables that `marts replica create` made in a database."""
    return [str(row["name"]) for row in rows_of(replica, "made_tables")]


def rows_of(
    connection: Connection,
    step: str,
    names: Mapping[str, Composable] | None = None,
    values: Mapping[str, object] | None = None,
) -> Iterator[dict[str, Any]]:
    """The rows of a statement of the replica's folder, by column."""
    with connection.cursor() as cursor:
        cursor.execute(compose(f"delivery/replica/{step}.sql", names), values)
        columns = [column.name for column in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(columns, row, strict=True))


def row_of(
    connection: Connection,
    step: str,
    names: Mapping[str, Composable] | None = None,
    values: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """The one row of a statement of the replica's folder, by column."""
    (row,) = rows_of(connection, step, names, values)
    return row
