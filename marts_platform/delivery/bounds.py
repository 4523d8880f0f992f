"""Up to where a logical replica can be read, so that no row appears below it any more."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from marts_platform.delivery.replica_status import NAME, lag_seconds, row_of, subscription_of
from marts_platform.resources.postgres import Limits, PostgresResource
from marts_platform.resources.postgres_source import BLIND_MARGIN, CommitBound, commit_bound

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection

    from marts_platform.settings import Settings

# A replica that keeps up confirms within milliseconds. One that does not is not waited for: what is read
# stays below the moment that it has reached, and the next look reads the rest.
_PATIENCE_SECONDS = 3.0
# One that was behind a moment ago is asked again by every look and every load of a command.
_REMEMBERED_SECONDS = 60.0
_SHORT_PATIENCE_SECONDS = 0.2

# By the source's address, when (monotonic) this process found the replica behind.
_behind: dict[str, float] = {}


def replica_bound(replica: Connection, publisher: PostgresResource, now: Settings) -> CommitBound:
    """The bound of a logical replica; take the snapshot to read from *after*.

    A replica shows none of the source's open transactions, and applies the others in the order of their
    commits. So the source is asked for its bound, and then the replica for having all that the source had
    committed by that time. Where the source cannot be asked, or the replica is behind, the bound is a guess,
    and says so.

    Args:
        replica: a connection to the replica.
        publisher: the source.
        now: the settings in force.
    """
    import psycopg2

    margin = timedelta(seconds=now.commit_margin_seconds)
    limits = Limits(statement_timeout=now.source_probe_timeout_seconds, read_only=True)
    reason = "MARTS_DELIVERY_URL is not set, so the source's open transactions cannot be seen"
    if now.delivery_url is not None:
        try:
            with publisher.connect(limits, purpose="bound") as source:
                source.autocommit = True
                bound = commit_bound(source, margin)
                if _keeps_up(source, now.url("delivery_url")):
                    return bound
            reason = f"the replica is more than {_PATIENCE_SECONDS:g} s behind (its slot: {NAME})"
        except psycopg2.OperationalError:
            reason = "the source does not answer, so its open transactions cannot be seen"
    return _guess(replica, reason)


def _keeps_up(source: Connection, address: str) -> bool:
    found_at = _behind.pop(address, None)
    is_remembered = found_at is not None and time.monotonic() - found_at < _REMEMBERED_SECONDS
    keeps_up = (
        lag_seconds(source, _SHORT_PATIENCE_SECONDS if is_remembered else _PATIENCE_SECONDS) is not None
    )
    if not keeps_up:
        _behind[address] = found_at if is_remembered and found_at is not None else time.monotonic()
    return keeps_up


def _guess(replica: Connection, reason: str) -> CommitBound:
    # A worker that is away, or that cannot reach the source, has no news: then rows tell how far it is.
    subscription = subscription_of(replica)
    heard_at, what = subscription and subscription.heard_at, "last news"
    if heard_at is None:
        heard_at, what = row_of(replica, "newest_row")["moment"], "newest row"
    with replica.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        row = cursor.fetchone()
    assert row is not None  # one moment
    reached = row[0] if heard_at is None else min(heard_at, row[0])
    minutes = int(BLIND_MARGIN.total_seconds() // 60)
    return CommitBound(
        reached - BLIND_MARGIN,
        f"{reason}: the open partition is read up to {minutes} minutes before the replica's {what} only, "
        f"and the sensor compares twice as many days, since a later commit cannot be ruled out",
    )
