"""What a ClickHouse server's death amid a REPLACE PARTITION leaves behind, and how it is put right.

ClickHouse replaces a partition's parts on disk one after another (except on a cluster, by its log): a
server that is killed amid that comes up with the old ones beside the new (its issue 107605). So the table
that has the new ones keeps a name of its own until the statement is done, and whoever finds that name
repeats the statement as the table's only writer: the embedded server before it listens, the table's next
load, and `marts migrate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from marts_platform.core.clickhouse import AGAIN, STAGING, quoted, render
from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from marts_platform.core.table import Table

    Query: TypeAlias = Callable[[str, dict[str, str]], Sequence[Sequence[Any]]]


def staged_prefix(table: Table) -> str:
    """What the names of a table's staging tables begin with.

    Raises:
        ValueError: the table's own name has two underscores in a row, which part those names.
    """
    if "__" in f"{table.schema} {table.name}":
        raise ValueError(f"{table.qualified}: two underscores in a row part the names of staging tables")
    return f"{table.schema}__{table.name}__"


def cut_short(query: Query) -> Sequence[Sequence[Any]]:
    """The replacements that were cut short, or are being made: database, table, what replaces, partitions."""
    named = {"beside": STAGING, "ending": AGAIN}
    return query(read_sql("clickhouse/replacements_cut_short.sql"), named)


def end_replacements(
    query: Query,
    command: Callable[[str, dict[str, str]], object],
    kept: Collection[str] | None = None,
) -> None:
    """Replaces partitions by those of tables that were kept for it, and drops these; again is harmless.

    Args:
        query: runs a statement with values for its ``{name:String}``, and returns its rows.
        command: runs one that gives none.
        kept: only these tables, by their bare names.
    """
    for database, table, name, partitions in cut_short(query):
        if kept is not None and name not in kept:
            continue
        live, source = quoted(database, table), quoted(STAGING, name)
        replace = render("clickhouse/replace_partition.sql", table=live, source=source)
        for partition in partitions:
            command(replace, {"partition": partition})
        command(render("clickhouse/drop_table.sql", table=source, on_cluster=""), {})
