"""``marts replica``: makes, shows and removes the delivery service's replica."""

from __future__ import annotations

import psycopg2
from rich.table import Table

from marts_platform import settings
from marts_platform.console import screen
from marts_platform.delivery import replica, replica_status
from marts_platform.delivery.replica_status import ReplicaError, Status
from marts_platform.plain_faults import plain


def create() -> None:
    """Makes what is missing, and waits until the tables are copied."""
    made = replica.create()
    with screen().status("Copying the tables …"):
        replica.wait_until_copied()
    screen().print("The replica is made." if made else "The replica is there already.")


def status() -> None:
    """Shows the replica.

    Raises:
        ReplicaError: something is wrong with it.
    """
    now = settings.load()
    try:
        found = replica_status.status(now.delivery_replica_patience_seconds)
    except psycopg2.OperationalError as error:
        raise ReplicaError(plain(error)) from error
    table = Table(title="Replica of the delivery service", title_justify="left", show_header=False)
    for name, value in figures(found).items():
        table.add_row(name, value)
    screen().print(table)
    if faults := found.faults(now.delivery_replica_max_wal_bytes):
        raise ReplicaError("; ".join(faults))


def figures(found: Status) -> dict[str, str]:
    """A status in words, by what it is about."""
    slot, subscription = found.slot, found.subscription
    return {
        "publication": "none" if found.publication is None else ", ".join(found.publication),
        "slot": "none"
        if slot is None
        else f"{'in use' if slot.is_active else 'not in use'}, log {slot.wal_status}",
        "log kept at the source": "" if slot is None else f"{slot.retained_bytes:,} bytes",
        "limit of the log kept": "none: set max_slot_wal_keep_size at the source"
        if found.log_limit == "-1"
        else found.log_limit or "",
        "subscription": "none"
        if subscription is None
        else f"{'enabled' if subscription.is_enabled else 'disabled'}, "
        f"{'running' if subscription.has_worker else 'not running'}, {found.errors} errors",
        "tables still being copied": "" if subscription is None else str(subscription.tables_copying),
        "lag": "unknown" if found.lag_seconds is None else f"{found.lag_seconds:.2f} s",
    }


def drop() -> None:
    """Removes the replica."""
    replica.drop()
    screen().print("The replica is removed.")
