"""The logical replica of the service's database: made, looked at and removed by the platform.

A publication and a slot at the source, and tables and a subscription in the replica, all under one name. The
slot is made by itself: CREATE SUBSCRIPTION would make it within its own transaction, and where source and
replica are databases of one cluster it would wait for itself without an end.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marts_platform import settings
from marts_platform.core.faults import is_passing, said_by
from marts_platform.core.sql import compose, read_sql
from marts_platform.delivery.replica_preconditions import (
    NAME,
    TABLES,
    ReplicaServer,
    SourceServer,
    TableForm,
    column_faults,
    lacking_columns,
    table_faults,
)
from marts_platform.delivery.replica_status import (
    ReplicaError,
    details_of,
    errors_of,
    forms_of,
    made_tables,
    missing,
    publication_of,
    publisher,
    row_of,
    slot_of,
    subscriber,
    subscription_of,
)
from marts_platform.fault_origin import server_of
from marts_platform.resources.postgres import Limits

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from psycopg2.extensions import connection as Connection
    from psycopg2.sql import Composable

_log = logging.getLogger(__name__)

_INDEXES = ("order", "pipeline", "stage")
_POLL_SECONDS = 0.02
_COPY_SECONDS = 3600
# A copy that fails is tried again every few seconds; one that has failed so often does not heal by itself.
_ERRORS = 3
# How long a slot may stay in use after its subscription has gone.
_RELEASE_SECONDS = 20
_LIMITS = Limits(statement_timeout=60, lock_timeout=20)


def create() -> bool:
    """Makes what is missing of the replica; again is harmless.

    Every precondition is looked at first. What fails later leaves nothing of this call behind: a slot that
    nobody reads would keep the source's log until its disk is full.

    Returns:
        Whether the subscription was made now; its tables are then being copied.

    Raises:
        ReplicaError: a precondition is missing, a part of an earlier replica is in the way, or a role lacks a
            right.
    """
    import psycopg2

    made = _Made()
    try:
        with (
            publisher().connect(_LIMITS, purpose="replica") as source,
            subscriber().connect(_LIMITS, purpose="replica") as replica,
        ):
            source.autocommit = replica.autocommit = True
            try:
                return _create(source, replica, made)
            except BaseException:
                _undo(made)
                raise
    except psycopg2.errors.InsufficientPrivilege as error:
        raise ReplicaError(f"a role lacks a right: {_said_of_server(error)}. {_RIGHTS}") from error
    except psycopg2.OperationalError as error:
        raise ReplicaError(_said_of_server(error)) from error


_RIGHTS = (
    "The source's role needs REPLICATION, SELECT on the tables, and either to own them or a publication that "
    f'their owner made (CREATE PUBLICATION {NAME} FOR TABLE "order", pipeline, stage, delivery, config); '
    "the replica's role needs CREATE in its database and pg_create_subscription (before PostgreSQL 16: to be "
    "superuser)."
)


def _said_of_server(error: Exception) -> str:
    """Return a server's error in one line, with the variable of the server."""
    variable = server_of(error) or "the source or the replica"
    verb = "did not answer" if is_passing(error) else "refused"
    return f"the server of {variable} {verb}: {said_by(error)}. See {variable} in `marts status`"


@dataclass(slots=True)
class _Made:
    """The objects that one call of `create` has made."""

    tables: list[str] = field(default_factory=list[str])
    publication: bool = False
    slot: bool = False


def _undo(made: _Made) -> None:
    """Remove what a call has made, so that it can be tried again; say of a slot that cannot be removed."""
    import psycopg2

    try:
        if made.slot or made.publication:
            with publisher().connect(_LIMITS, purpose="replica") as source:
                source.autocommit = True
                if made.slot:
                    _drop_slots(source, "0")
                if made.publication:
                    _execute(source, "drop_publication", {"name": _identifier(NAME)})
        if made.tables:
            with subscriber().connect(_LIMITS, purpose="replica") as replica:
                _execute_text(replica, "postgres/drop_table.sql", {"table": _table_list(made.tables)})
                replica.commit()
    except (psycopg2.Error, ReplicaError) as error:
        _log.warning(
            "Parts of the replica could not be removed (%s). While the slot %s is there, the source keeps "
            "its log for it: run `marts replica drop`",
            str(error).strip(),
            NAME,
        )


def _create(source: Connection, replica: Connection, made: _Made) -> bool:
    _refuse_same_database(source, replica)
    slot, subscription = slot_of(source), subscription_of(replica)
    if subscription is not None and slot is None:
        raise ReplicaError(
            "the subscription's slot is gone at the source, and with it the changes since: make the replica "
            "anew (marts replica drop, marts replica create)"
        )
    if slot is not None and subscription is None:
        raise ReplicaError(
            f"the source has a slot {NAME} ({'in use' if slot.is_active else 'not in use'}) that is not this "
            f"replica's: another replica reads it, or it was left behind and keeps {slot.retained_bytes:,} "
            f"bytes of the source's log. If nobody needs it, run "
            f"SELECT pg_drop_replication_slot('{NAME}') at the source"
        )
    tables = forms_of(source)
    _refuse_missing_preconditions(source, replica, tables, needs_slot=slot is None)
    published = publication_of(source)
    _refuse_incomplete(published)
    made.tables = _create_tables(() if subscription is None else subscription.tables)
    _add_columns(replica, lacking_columns(tables, forms_of(replica), details_of(source)))
    if faults := column_faults(tables, forms_of(replica), details_of(source)):
        raise ReplicaError(f"the replica was not made: {'; '.join(faults)}")
    if published is None:
        names = {"name": _identifier(NAME), "tables": _table_list(TABLES)}
        is_parted = any(table.kind == "p" for table in tables)
        _execute(source, f"create_publication{'_via_root' if is_parted else ''}", names)
        made.publication = True
    if subscription is not None:
        if subscription.missing:
            _refresh(replica)
        return False
    _execute(source, "create_slot", values={"name": NAME})
    made.slot = True
    _subscribe()
    return True


def _refuse_missing_preconditions(
    source: Connection, replica: Connection, tables: Sequence[TableForm], *, needs_slot: bool
) -> None:
    server = SourceServer(**row_of(source, "source_server", values={"name": NAME}))
    publication = details_of(source)
    faults = server.faults(needs_slot=needs_slot)
    if needs_slot:
        faults += ReplicaServer(**row_of(replica, "replica_server")).faults()
    faults += table_faults(tables, needs_ownership=publication is None)
    if publication is not None:
        faults += publication.faults(tables)
    if faults:
        raise ReplicaError(f"the replica was not made: {'; '.join(faults)}")


def _add_columns(replica: Connection, lacking: Mapping[str, Mapping[str, str]]) -> None:
    """Add the columns that come and that the replica's tables have not: it would wait for ever."""
    from psycopg2.sql import SQL

    for table, columns in lacking.items():
        for name, type_ in columns.items():
            found = row_of(replica, "type_name", values={"type": type_})["name"]
            names = _quoted(table) | {"column": _identifier(name), "type": SQL(found)}
            _execute(replica, "add_column", names)


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


def _create_tables(followed: Collection[str]) -> list[str]:
    """Makes the tables with their indexes, all of them or none.

    Args:
        followed: the subscription's tables; any other will be copied, so it has to be empty.

    Returns:
        The tables that were made now.
    """
    new: list[str] = []
    with subscriber().connect(_LIMITS, purpose="replica") as replica:
        made = made_tables(replica)
        for table in TABLES:
            if table not in made:
                _create_table(replica, table)
                new.append(table)
            elif table not in followed and row_of(replica, "has_rows", _quoted(table))["has_rows"]:
                raise ReplicaError(
                    f'the replica\'s table "{table}" has rows of an earlier subscription, which the copy '
                    f"would meet again: run `marts replica drop` first"
                )
        for table in _INDEXES:
            _execute(replica, f"index_{table}")
        replica.commit()
    return new


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
        before = errors_of(replica)
        while (found := subscription_of(replica)) is None or found.tables_copying:
            errors = errors_of(replica) - before
            is_late = time.monotonic() > deadline or errors >= _ERRORS
            if found is None or not found.is_enabled or is_late:
                raise ReplicaError(
                    f"the tables are not being copied ({errors} errors): the log of the replica's server "
                    f"says why. The slot {NAME} stays and keeps the source's log: mend the cause, or run "
                    f"`marts replica drop`"
                )
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
        raise ReplicaError(f"a role lacks a right: {_said_of_server(error)}") from error
    except psycopg2.errors.DependentObjectsStillExist as error:
        raise ReplicaError(
            f"something hangs on the replica's tables, which stay: {str(error).strip()}. Remove it, and run "
            f"this again"
        ) from error
    except psycopg2.OperationalError as error:
        raise ReplicaError(
            f"{_said_of_server(error)}. While the slot {NAME} is there, the source keeps its log for it: run "
            f"`marts replica drop` again"
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
