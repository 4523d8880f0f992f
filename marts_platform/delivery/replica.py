"""The logical replica of the service's database: made, looked at and removed by the platform.

A publication and a slot at the source, and tables and a subscription in the replica, all under one name. The
slot is made by itself: CREATE SUBSCRIPTION would make it within its own transaction, and where source and
replica are databases of one cluster it would wait for itself without an end.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from marts_platform import settings
from marts_platform.core.sql import compose, read_sql
from marts_platform.delivery.replica_status import (
    NAME,
    TABLES,
    ReplicaError,
    made_tables,
    missing,
    publication_of,
    publisher,
    row_of,
    slot_of,
    subscriber,
    subscription_of,
)
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

_INDEXES = ("order", "pipeline", "stage")
_POLL_SECONDS = 0.02
_COPY_SECONDS = 3600
# How long a slot may stay in use after its subscription has gone.
_RELEASE_SECONDS = 20
_LIMITS = Limits(statement_timeout=60, lock_timeout=20)


def create() -> bool:
    """Makes what is missing of the replica; again is harmless.

    Returns:
        Whether the subscription was made now; its tables are then being copied.

    Raises:
        ReplicaError: a part of an earlier replica is in the way, or a role lacks a right.
    """
    import psycopg2

    try:
        with (
            publisher().connect(_LIMITS, purpose="replica") as source,
            subscriber().connect(_LIMITS, purpose="replica") as replica,
        ):
            source.autocommit = replica.autocommit = True
            return _create(source, replica)
    except psycopg2.errors.InsufficientPrivilege as error:
        raise ReplicaError(f"a role lacks a right: {str(error).strip()}. {_RIGHTS}") from error
    except psycopg2.OperationalError as error:
        raise ReplicaError(f"source or replica did not answer: {str(error).strip()}") from error


_RIGHTS = (
    "The source's role needs REPLICATION, SELECT on the tables, and either to own them or a publication that "
    f'their owner made (CREATE PUBLICATION {NAME} FOR TABLE "order", pipeline, stage, delivery, config); '
    "the replica's role needs CREATE in its database and pg_create_subscription (before PostgreSQL 16: to be "
    "superuser)."
)


def _create(source: Connection, replica: Connection) -> bool:
    _refuse_same_database(source, replica)
    slot, subscription = slot_of(source), subscription_of(replica)
    if subscription is not None and slot is None:
        raise ReplicaError(
            "the subscription's slot is gone at the source, and with it the changes since: make the replica "
            "anew (marts replica drop, marts replica create)"
        )
    published = publication_of(source)
    _refuse_incomplete(published)
    _create_tables(() if subscription is None else subscription.tables)
    if published is None:
        names = {"name": _identifier(NAME), "tables": _table_list(TABLES)}
        _execute(source, "create_publication", names)
    if subscription is not None:
        if subscription.missing:
            _refresh(replica)
        return False
    if slot is None:
        _execute(source, "create_slot", values={"name": NAME})
    _subscribe()
    return True


def _refuse_same_database(source: Connection, replica: Connection) -> None:
    if row_of(source, "place") == row_of(replica, "place"):
        raise ReplicaError("MARTS_DELIVERY_URL and MARTS_DELIVERY_REPLICA_URL name one database")


def _refuse_incomplete(published: Collection[str] | None) -> None:
    """Refuses an owner's publication that lacks a table: nothing of it would ever come."""
    if published is not None and (lacking := missing(published)):
        tables = ", ".join(f'public."{table}"' for table in lacking)
        raise ReplicaError(
            f"the publication {NAME} lacks {', '.join(lacking)}: its owner adds them with "
            f"ALTER PUBLICATION {NAME} ADD TABLE {tables}"
        )


def _create_tables(followed: Collection[str]) -> None:
    """Makes the tables with their indexes, all of them or none.

    Args:
        followed: the subscription's tables; any other will be copied, so it has to be empty.
    """
    with subscriber().connect(_LIMITS, purpose="replica") as replica:
        made = made_tables(replica)
        for table in TABLES:
            if table not in made:
                _create_table(replica, table)
            elif table not in followed and row_of(replica, "has_rows", _quoted(table))["has_rows"]:
                raise ReplicaError(
                    f'the replica\'s table "{table}" has rows of an earlier subscription, which the copy '
                    f"would meet again: run `marts replica drop` first"
                )
        for table in _INDEXES:
            _execute(replica, f"index_{table}")
        replica.commit()


def _create_table(replica: Connection, table: str) -> None:
    if row_of(replica, "is_there", values={"table": f'public."{table}"'})["is_there"]:
        # Also one without rows: `drop` would remove it, by then maybe with somebody's.
        raise ReplicaError(
            f'the replica\'s database has a "{table}" that the platform did not make: is '
            f"MARTS_DELIVERY_REPLICA_URL the right database?"
        )
    _execute_text(replica, f"delivery/source/create_{table}.sql")
    _execute(replica, "mark_table", _quoted(table))


def _refresh(replica: Connection) -> None:
    import psycopg2

    try:
        _execute(replica, "refresh_subscription", {"name": _identifier(NAME)})
    except psycopg2.Error as error:
        raise ReplicaError(f"the replica could not look at the publication again: {error}") from error


def _subscribe() -> None:
    # psycopg 3 binds at the server: the password is in a parameter, never in a statement.
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo

    now = settings.load()
    url = now.url("delivery_publisher_url" if now.delivery_publisher_url else "delivery_url")
    dsn: dict[str, Any] = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    with psycopg.connect(now.url("delivery_replica_url"), connect_timeout=10) as connection:
        for name, value in (("marts.name", NAME), ("marts.connection", make_conninfo("", **dsn))):
            connection.execute("SELECT set_config(%s, %s, true)", [name, value])
        try:
            connection.execute(read_sql("delivery/replica/create_subscription.sql").encode())
        except psycopg.errors.InsufficientPrivilege as error:
            raise ReplicaError(
                f"the replica's role may not subscribe: {error.diag.message_primary}. {_RIGHTS}"
            ) from None
        except psycopg.Error as error:
            raise ReplicaError(f"the replica could not subscribe: {error.diag.message_primary}") from None


def wait_until_copied() -> None:
    """Waits for the first copy of the tables.

    Raises:
        ReplicaError: the copies fail, or take more than an hour.
    """
    deadline = time.monotonic() + _COPY_SECONDS
    with subscriber().connect(_LIMITS, purpose="replica") as replica:
        replica.autocommit = True
        while (found := subscription_of(replica)) is None or found.tables_copying:
            if found is None or not found.is_enabled or time.monotonic() > deadline:
                raise ReplicaError("the tables are not being copied: see the log of the replica's server")
            time.sleep(_POLL_SECONDS)


def drop() -> None:
    """Removes subscription, slots, publication and the replica's tables; what is gone already is passed over.

    Raises:
        ReplicaError: the source did not answer, so its slot is still there and holds its log; or a role
            lacks a right.
    """
    import psycopg2

    try:
        oid = _unsubscribe()
        with publisher().connect(_LIMITS, purpose="replica") as source:
            source.autocommit = True
            _drop_slots(source, oid)
            _execute(source, "drop_publication", {"name": _identifier(NAME)})
        _drop_tables()
    except psycopg2.errors.InsufficientPrivilege as error:
        raise ReplicaError(f"a role lacks a right: {str(error).strip()}") from error
    except psycopg2.errors.DependentObjectsStillExist as error:
        raise ReplicaError(
            f"something hangs on the replica's tables, which stay: {str(error).strip()}. Remove it, and run "
            f"this again"
        ) from error
    except psycopg2.OperationalError as error:
        raise ReplicaError(
            f"source or replica did not answer ({str(error).strip()}): while the slot {NAME} is there, the "
            f"source keeps its log for it; run this again"
        ) from error


def _unsubscribe() -> str:
    """Removes the subscription; returns its oid, 0 if there was none."""
    name = {"name": _identifier(NAME)}
    with subscriber().connect(_LIMITS, purpose="replica") as replica:
        replica.autocommit = True
        subscription = subscription_of(replica)
        if subscription is not None:
            for step in ("disable_subscription", "detach_slot", "drop_subscription"):
                _execute(replica, step, name)
    return subscription.oid if subscription else "0"


def _drop_tables() -> None:
    """Removes the tables that `create` made, all of them or none."""
    with subscriber().connect(_LIMITS, purpose="replica") as replica:
        made = made_tables(replica)
        if made:
            # In one statement, so that they may refer to each other.
            _execute_text(replica, "postgres/drop_table.sql", {"table": _table_list(made)})
        replica.commit()


def _drop_slots(source: Connection, subscription_oid: str) -> None:
    import psycopg2

    deadline = time.monotonic() + _RELEASE_SECONDS
    while True:
        try:
            _execute(source, "drop_slots", values={"name": NAME, "subscription_oid": subscription_oid})
        except psycopg2.errors.ObjectInUse as error:
            # The worker of the dropped subscription lets go of it in a moment.
            if time.monotonic() > deadline:
                raise ReplicaError(f"the slot is still in use: {str(error).strip()}") from error
            time.sleep(_POLL_SECONDS)
        else:
            return


def _table_list(tables: Collection[str]) -> Composable:
    from psycopg2.sql import SQL, Identifier

    return SQL(", ").join(Identifier("public", table) for table in tables)


def _quoted(table: str) -> dict[str, Composable]:
    return {"table": _table_list([table])}


def _identifier(name: str) -> Composable:
    from psycopg2.sql import Identifier

    return Identifier(name)


def _execute(
    connection: Connection,
    step: str,
    names: Mapping[str, Composable] | None = None,
    values: Mapping[str, object] | None = None,
) -> None:
    _execute_text(connection, f"delivery/replica/{step}.sql", names, values)


def _execute_text(
    connection: Connection,
    file: str,
    names: Mapping[str, Composable] | None = None,
    values: Mapping[str, object] | None = None,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(compose(file, names), values)
