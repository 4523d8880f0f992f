"""What a server's death amid a REPLACE PARTITION leaves behind, and how it is put right.

ClickHouse replaces a partition's parts on disk one after another (except on a cluster, by its log): a
server that is killed amid that comes up with the old ones beside the new (its issue 107605). So the table
that has the new ones keeps a name of its own until the statement is done, and whoever finds that name
repeats the statement: the table's next load, and `marts migrate`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from marts_platform.resources.clickhouse import STAGING, bound, quoted, render

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from marts_platform.core.table import Table

# Ends the name of a table whose partitions the live one has, or was about to get.
AGAIN = "__again"


def staged_prefix(table: Table) -> str:
    """What the names of a table's staging tables begin with."""
    return f"{table.schema}__{table.name}__"


def repeat_replacement(client: Client, table: Table, name: str) -> None:
    """Replaces a table's partitions by those of a staging table, which stays; again is harmless."""
    live, source = quoted(table.schema, table.name), quoted(STAGING, name)
    replace = render("clickhouse/replace_partition.sql", table=live, source=source)
    for (partition,) in client.query(render("clickhouse/partitions.sql", table=source)).result_rows:
        client.command(replace, parameters=bound(replace, {"partition": partition}))
