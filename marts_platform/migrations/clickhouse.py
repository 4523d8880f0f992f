"""Brings ClickHouse to the declared DDL: what is missing is made, what was added is added.

Domains only write DDL files. Whatever would change or lose what is stored is for a person: the migration
fails, and says the statement.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from marts_platform import settings
from marts_platform.core import sql
from marts_platform.core.clickhouse import STAGING, literal, quoted, render
from marts_platform.core.table import parse_ddl
from marts_platform.migrations.turns import sole_writer, turn
from marts_platform.resources.clickhouse import ClickHouseResource, repeat_replacements, replacements
from marts_platform.resources.clickhouse_ddl import column_definition, create_table, on_cluster
from marts_platform.resources.clickhouse_form import Form, form_of
from marts_platform.resources.identity import write_clickhouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from clickhouse_connect.driver.httpclient import HttpClient

    from marts_platform.core.table import Table

_VIEW = re.compile(r"^CREATE VIEW (?P<database>\w+)\.(?P<name>\w+)\s+AS\b", re.M)
# What a table keeps all its life.
_KEPT = ("ENGINE", "PARTITION BY", "ORDER BY", "PRIMARY KEY")
_TABLE = re.compile(r"^CREATE TABLE (\w+)\.", re.M)


class ClickHouseSchemaError(settings.ExpectedError):
    """A table differs from its declaration in a way that a person has to decide about."""


@dataclass(frozen=True, slots=True)
class View:
    """A declared view: its name and its statement."""

    database: str
    name: str
    statement: str


def upgrade() -> list[str]:
    """Brings the ClickHouse warehouse to the declared DDL; again is harmless.

    Returns:
        What was changed, in words.

    Raises:
        ClickHouseSchemaError: tables differ in what no migration may change; the statements are named.
        BusyError: another migration, or a load whose table is to be put right, did not end in time.
    """
    cluster = settings.load().clickhouse_cluster
    tables = list(declared_clickhouse_tables())
    views = list(declared_clickhouse_views())
    changed: list[str] = []
    refused: list[str] = []
    with (
        turn("ClickHouse"),
        ClickHouseResource().client({"purpose": "migrate"}, database="default") as client,
    ):
        for database in sorted(
            {STAGING, *(table.schema for table in tables), *(view.database for view in views)}
        ):
            client.command(create_database(database, cluster))
        # Before the tables change: afterwards they would not match. A load that runs may be just at it.
        for table, kept in replacements(client):
            with sole_writer("clickhouse", table):
                repeat_replacements(client, [kept])
        for table in tables:
            statements, faults = _steps(client, table, cluster)
            refused += faults
            for statement in statements:
                client.command(statement)
                changed.append(statement.partition("\n")[0])
        if not refused:
            _make_views(client, views, cluster)
            write_clickhouse(client, "clickhouse_url", cluster)
    if refused:
        raise ClickHouseSchemaError(
            "ClickHouse is not as the DDL files declare it, in what a migration does not change by itself. "
            "Run what is right, or correct the files:\n" + ";\n".join(refused)
        )
    return changed


def create_database(name: str, cluster: str | None) -> str:
    """The statement that makes a database whose tables can be exchanged."""
    return f"CREATE DATABASE IF NOT EXISTS {quoted(name)}{on_cluster(cluster)} ENGINE = Atomic"


def declared_clickhouse_tables() -> Iterator[Table]:
    """Every table that a DDL file of ClickHouse declares."""
    for path in _ddl_files():
        text = path.read_text("utf-8")
        if _TABLE.search(text) and (table := parse_ddl(text, path.name)).is_clickhouse:
            yield table


def declared_clickhouse_views() -> Iterator[View]:
    """Every view of ClickHouse: in a folder of that name, or in a database that only ClickHouse has."""
    databases = {table.schema for table in declared_clickhouse_tables()}
    for path in _ddl_files():
        text = path.read_text("utf-8").strip().removesuffix(";")
        found = _VIEW.search(text)
        if found and (path.parent.name == "clickhouse" or found["database"] in databases - {"ops"}):
            yield View(found["database"], found["name"], text)


def _ddl_files() -> list[Path]:
    return sorted(sql.sql_root().glob("*/ddl/**/*.sql"))


def _steps(client: HttpClient, table: Table, cluster: str | None) -> tuple[list[str], list[str]]:
    live = form_of(client, table.schema, table.name)
    if live is None:
        return [create_table(table, table.schema, table.name, cluster=cluster, if_not_exists=True)], []
    # The server's own wording of the declaration, to compare like with like.
    scratch = f"migrate__{table.schema}__{table.name}"
    drop = render("clickhouse/drop_table.sql", table=quoted(STAGING, scratch), on_cluster="")
    client.command(drop)
    client.command(create_table(table, STAGING, scratch))
    declared = form_of(client, STAGING, scratch)
    client.command(drop)
    assert declared is not None  # it was just made
    return steps(table, declared, live, cluster)


def steps(table: Table, declared: Form, live: Form, cluster: str | None) -> tuple[list[str], list[str]]:
    """What brings a table to its declaration.

    Returns:
        The statements to run, and those that only a person may run.
    """
    alter = f"ALTER TABLE {quoted(table.schema, table.name)}{on_cluster(cluster)}"
    clauses: list[str] = []
    refused: list[str] = []
    before = ""
    for column in table.columns:
        wanted = declared.columns[column.name]
        have = live.columns.get(column.name)
        place = f"AFTER {quoted(before)}" if before else "FIRST"
        before = column.name
        if have is None:
            added = f"ADD COLUMN IF NOT EXISTS {column_definition(column)} {place}"
            # Without a value of its own, rows that are there would hold one that nobody gave.
            is_additive = column.nullable or column.generated or column.has_default
            (clauses if is_additive else refused).append(added if is_additive else f"{alter} {added}")
        elif have.admits_null(wanted):
            clauses.append(f"MODIFY COLUMN {column_definition(column)}")
        elif str(have) != str(wanted):
            refused.append(f"{alter} MODIFY COLUMN {column_definition(column)}")
        elif have.comment != wanted.comment:
            clauses.append(f"COMMENT COLUMN {quoted(column.name)} {literal(wanted.comment)}")
    refused += [
        f"{alter} DROP COLUMN {quoted(name)}" for name in live.columns if name not in declared.columns
    ]
    if live.clauses["TTL"] != declared.clauses["TTL"]:
        ttl = declared.clauses["TTL"]
        clauses.append(f"MODIFY TTL {ttl}" if ttl else "REMOVE TTL")
    if live.comment != declared.comment:
        clauses.append(f"MODIFY COMMENT {literal(declared.comment)}")
    if any(live.clauses[name] != declared.clauses[name] for name in _KEPT):
        refused.append(rebuild(table, cluster))
    # Before the elements: whether a table can have them may depend on its settings.
    refused += [
        f"{alter} MODIFY SETTING {name} = {value}"
        for name, value in declared.settings.items()
        if live.settings.get(name) != value
    ]
    refused += _elements(alter, declared, live)
    return [f"{alter} {clause}" for clause in clauses], refused


def _elements(alter: str, declared: Form, live: Form) -> list[str]:
    """The statements that give a table its declared indexes, projections and constraints."""
    statements: list[str] = []
    for name in sorted(declared.elements.keys() | live.elements.keys()):
        wanted, have = declared.elements.get(name), live.elements.get(name)
        if wanted == have:
            continue
        if have is not None:
            statements.append(f"{alter} DROP {name}")
        if wanted is not None:
            statements.append(f"{alter} ADD {wanted}")
            if not name.startswith("CONSTRAINT"):
                # Of the rows that are there; new ones have it.
                statements.append(f"{alter} MATERIALIZE {name}")
    return [";\n".join(statements)] if statements else []


def rebuild(table: Table, cluster: str | None) -> str:
    """The statements that give a table another engine or key: a new one takes its rows and its place."""
    new = f"{table.name}__new"
    names = ", ".join(quoted(column.name) for column in table.written)
    old, made = quoted(table.schema, table.name), quoted(table.schema, new)
    return ";\n".join(
        (
            create_table(table, table.schema, new, cluster=cluster),
            f"INSERT INTO {made} ({names}) SELECT {names} FROM {old}",  # noqa: S608 # quoted names
            f"EXCHANGE TABLES {old} AND {made}{on_cluster(cluster)}",
            f"DROP TABLE {made}{on_cluster(cluster)}",
        )
    )


def _make_views(client: HttpClient, views: list[View], cluster: str | None) -> None:
    from clickhouse_connect.driver.exceptions import DatabaseError

    # One may read another, so they are made in the order in which that works.
    waiting = list(views)
    while waiting:
        failed: list[View] = []
        fault: DatabaseError | None = None
        for view in waiting:
            head = f"CREATE OR REPLACE VIEW {quoted(view.database, view.name)}{on_cluster(cluster)} AS"
            try:
                client.command(_VIEW.sub(head, view.statement))
            except DatabaseError as error:
                failed.append(view)
                fault = error
        if len(failed) == len(waiting) and fault is not None:
            raise fault
        waiting = failed
