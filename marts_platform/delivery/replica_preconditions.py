"""Preconditions of source and replica, before the replica is made and for as long as it lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NAME = "marts_delivery"
"""Of publication, slot and subscription."""

TABLES = ("config", "delivery", "order", "pipeline", "stage")

# The slot, and the one of a table's copy beside it.
_SLOTS = 2
_KINDS = {"v": "a view", "m": "a materialised view", "f": "a foreign table"}
# Values of the one kind are read as the other's without a word, and mean something else.
_ZONES = {"timestamp with time zone", "timestamp without time zone"}
_TEXTS = ("character", "text", "citext", "bpchar")
_NUMBERS = ("double precision", "real", "numeric", "smallint", "integer", "bigint")


@dataclass(frozen=True, slots=True)
class SourceServer:
    """The limits of the source's server.

    Attributes:
        wal_level: has to be ``logical``.
        is_standby: whether it is a standby, which takes no publication.
        free_slots: slots that are not in use, of ``max_replication_slots``.
        free_senders: the same of ``max_wal_senders``.
        may_replicate: whether the role has REPLICATION.
        log_limit: ``max_slot_wal_keep_size``, -1 for no limit; None before PostgreSQL 13.
        foreign_slot: a slot of the replica's name that is not of its kind or database.
    """

    wal_level: str
    is_standby: bool
    free_slots: int
    free_senders: int
    may_replicate: bool
    log_limit: str | None
    foreign_slot: str | None

    def faults(self, *, needs_slot: bool) -> list[str]:
        """Return what keeps the server from feeding a replica, each with the statement that helps."""
        found: list[str] = []
        if self.is_standby:
            found.append("the source is a standby: MARTS_DELIVERY_URL has to name its primary")
        if self.wal_level != "logical":
            found.append(
                f"the source's wal_level is {self.wal_level}: ALTER SYSTEM SET wal_level = 'logical', and "
                f"restart it"
            )
        if not self.may_replicate:
            found.append("the source's role lacks REPLICATION: ALTER ROLE … REPLICATION")
        if self.foreign_slot:
            found.append(
                f"the source has another slot of the name {NAME} ({self.foreign_slot}): if nobody uses it, "
                f"run SELECT pg_drop_replication_slot('{NAME}') in that database"
            )
        if not needs_slot:
            return found
        for name, free in (
            ("max_replication_slots", self.free_slots),
            ("max_wal_senders", self.free_senders),
        ):
            if free < _SLOTS:
                found.append(
                    f"of the source's {name} {max(free, 0)} are free, and {_SLOTS} are needed: "
                    f"ALTER SYSTEM SET {name}, and restart it, or drop slots that nobody uses"
                )
        return found


@dataclass(frozen=True, slots=True)
class ReplicaServer:
    """The limits of the replica's server.

    Attributes:
        workers: ``max_logical_replication_workers``.
        free_origins: how many more subscriptions ``max_replication_slots`` has room for.
        may_create: whether the role may create in the database.
        may_create_tables: whether it may in the schema public.
    """

    workers: int
    free_origins: int
    may_create: bool
    may_create_tables: bool

    def faults(self) -> list[str]:
        """Return what keeps the server from following a source, each with the statement that helps."""
        found: list[str] = []
        if self.workers < _SLOTS:
            found.append(
                f"the replica's max_logical_replication_workers is {self.workers}: "
                f"ALTER SYSTEM SET max_logical_replication_workers = 4, and restart it"
            )
        if self.free_origins < 1:
            found.append(
                "the replica's max_replication_slots has no room for a subscription: "
                "ALTER SYSTEM SET max_replication_slots, and restart it"
            )
        if not self.may_create:
            found.append("the replica's role lacks a right: GRANT CREATE ON DATABASE … TO …")
        if not self.may_create_tables:
            found.append("the replica's role lacks a right: GRANT CREATE ON SCHEMA public TO …")
        return found


@dataclass(frozen=True, slots=True)
class TableForm:
    """A table of the source or the replica.

    Attributes:
        name: in the schema public.
        kind: Postgres' letter: r, p for partitioned, v, m, f.
        persistence: p, or u for unlogged, t for temporary.
        hides_rows: whether a policy of row security may hide rows from the role.
        may_read: whether the role may SELECT.
        is_owner: whether it owns the table.
        columns: types by name, without generated columns.
        without_identity: the table or those of its partitions that have no key for UPDATE and DELETE.
    """

    name: str
    kind: str
    persistence: str
    hides_rows: bool
    may_read: bool
    is_owner: bool
    columns: Mapping[str, str]
    without_identity: Sequence[str]


@dataclass(frozen=True, slots=True)
class Publication:
    """A publication that is there.

    Attributes:
        has_all_changes: whether it publishes INSERT, UPDATE, DELETE and TRUNCATE.
        is_via_root: whether partitioned tables come as one table.
        filtered: tables of which it publishes some rows only.
        columns: published columns by table; where the server has no lists of columns, none.
    """

    has_all_changes: bool
    is_via_root: bool
    filtered: Sequence[str]
    columns: Mapping[str, Sequence[str]]

    def faults(self, tables: Sequence[TableForm]) -> list[str]:
        """Return what the publication leaves out, each with the statement that its owner has to run."""
        alter = f"ALTER PUBLICATION {NAME}"
        found: list[str] = []
        if not self.has_all_changes:
            found.append(
                f"the publication {NAME} leaves out kinds of changes: "
                f"{alter} SET (publish = 'insert, update, delete, truncate')"
            )
        parted = [table.name for table in tables if table.kind == "p"]
        if parted and not self.is_via_root:
            found.append(
                f"the publication {NAME} has the partitions of {', '.join(parted)} each by itself: "
                f"{alter} SET (publish_via_partition_root = true)"
            )
        for name in self.filtered:
            if name in TABLES:
                found.append(
                    f"the publication {NAME} has a row filter for {name}: {alter} DROP TABLE {quoted(name)}, "
                    f"then {alter} ADD TABLE {quoted(name)}"
                )
        return found


def table_faults(tables: Sequence[TableForm], *, needs_ownership: bool) -> list[str]:
    """Return what keeps the source's tables from being published, each with the statement that helps."""
    by_name = {table.name: table for table in tables}
    found = [
        f"the source has no table {quoted(name)}: is MARTS_DELIVERY_URL the right database?"
        for name in TABLES
        if name not in by_name
    ]
    for table in tables:
        name = quoted(table.name)
        if table.kind in _KINDS:
            found.append(f"the source's {name} is {_KINDS[table.kind]}, which cannot be published")
        elif table.persistence != "p":
            found.append(f"the source's {name} is not in its log: ALTER TABLE {name} SET LOGGED")
        found += [
            f"the source's {leaf} has no key, and once it is published its service can neither UPDATE nor "
            f"DELETE there: ALTER TABLE {leaf} ADD PRIMARY KEY (…), or "
            f"ALTER TABLE {leaf} REPLICA IDENTITY FULL"
            for leaf in table.without_identity
        ]
        if table.hides_rows:
            found.append(
                f"row security may hide rows of the source's {name}: ALTER ROLE … BYPASSRLS, or "
                f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"
            )
        if not table.may_read:
            found.append(f"the source's role may not read: GRANT SELECT ON {name} TO …")
    strangers = [table.name for table in tables if not table.is_owner]
    if needs_ownership and strangers:
        found.append(
            f"the source's role owns {', '.join(strangers)} not, so the owner has to publish: "
            f"CREATE PUBLICATION {NAME} FOR TABLE {', '.join(map(quoted, TABLES))}"
            + (" WITH (publish_via_partition_root = true)" if any(t.kind == "p" for t in tables) else "")
        )
    return found


def published_columns(table: TableForm, publication: Publication | None) -> dict[str, str]:
    """Return the columns that come, with their types."""
    listed = publication.columns.get(table.name) if publication else None
    return {name: type_ for name, type_ in table.columns.items() if listed is None or name in listed}


def lacking_columns(
    source: Sequence[TableForm], replica: Sequence[TableForm], publication: Publication | None
) -> dict[str, dict[str, str]]:
    """Return the columns that come and that the replica's tables lack: the next change stops it.

    Returns:
        By table the columns with their types at the source.
    """
    there = {table.name: table.columns for table in replica}
    found: dict[str, dict[str, str]] = {}
    for table in source:
        columns = published_columns(table, publication)
        lacking = {name: columns[name] for name in columns if name not in there.get(table.name, columns)}
        if lacking:
            found[table.name] = lacking
    return found


def column_faults(
    source: Sequence[TableForm], replica: Sequence[TableForm], publication: Publication | None
) -> list[str]:
    """Return columns of the replica that do not come, or come as values of another kind."""
    there = {table.name: table for table in source}
    found: list[str] = []
    for table in replica:
        if table.name not in there:
            continue
        columns = published_columns(there[table.name], publication)
        for name, type_ in table.columns.items():
            if name not in columns:
                alter, full = f"ALTER PUBLICATION {NAME}", quoted(table.name)
                found.append(
                    f"the publication {NAME} leaves out the column {name} of {table.name}: "
                    f"{alter} DROP TABLE {full}, then {alter} ADD TABLE {full}"
                    if name in there[table.name].columns
                    else f"the source's {full} has no column {name}"
                )
            elif not _fits(columns[name], type_):
                found.append(
                    f"the column {name} of {table.name} is {columns[name]} at the source and {type_} in the "
                    f"replica"
                )
    return found


def lacking_faults(lacking: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Say which columns the replica lacks, and what adds them."""
    return [
        f"the replica's {name} lacks {', '.join(columns)}, which the source has: "
        f"run `marts replica create`, which adds columns"
        for name, columns in lacking.items()
    ]


def quoted(table: str) -> str:
    """Return a table's name as SQL."""
    return f'public."{table}"'


def _fits(source: str, replica: str) -> bool:
    """Return whether the text of any value of a type is read as the same value of another."""
    if source == replica or replica.startswith(_TEXTS):
        return True
    if {source, replica} <= _ZONES:
        return False
    return source.startswith(_NUMBERS) and replica.startswith(_NUMBERS)
