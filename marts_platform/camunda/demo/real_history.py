"""The real history: written by an engine 7.13 at history level FULL (see ``fixtures/README.md``)."""

from __future__ import annotations

import csv
import gzip
from importlib import resources
from typing import TYPE_CHECKING

from psycopg2 import sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

TABLES = ("act_hi_procinst", "act_hi_varinst", "act_hi_detail")


def load_real_history(connection: Connection) -> int:
    """Loads the real history's rows that are not there yet, and commits.

    Its bulk is 2022-10-18 to 2022-11-02. The engine's zone is not known; times are taken as they are.

    Returns:
        How many rows of ``act_hi_detail`` the real history has (not: how many were missing).
    """
    counts: dict[str, int] = {}
    with connection, connection.cursor() as cursor:
        for table in TABLES:
            counts[table] = _load(cursor, table)
            cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(table)))
    return counts["act_hi_detail"]


def _load(cursor: Cursor, table: str) -> int:
    file = resources.files("marts_platform.camunda") / "fixtures" / f"{table}.csv.gz"
    with file.open("rb") as packed, gzip.open(packed, "rt", encoding="utf-8", newline="") as rows:
        # The header names the columns: an older engine's table has fewer than ours.
        names = next(csv.reader(rows))
        columns = sql.SQL(", ").join(map(sql.Identifier, names))
        places = {
            "target": sql.Identifier(table),
            "staged": sql.Identifier(f"real_{table}"),
            "columns": columns,
        }
        cursor.execute(sql.SQL("CREATE TEMP TABLE {staged} (LIKE {target}) ON COMMIT DROP").format(**places))
        copy = sql.SQL("COPY {staged} ({columns}) FROM STDIN (FORMAT csv)").format(**places)
        cursor.copy_expert(copy.as_string(cursor), rows)
    count = cursor.rowcount
    cursor.execute(
        sql.SQL("INSERT INTO {target} SELECT * FROM {staged} ON CONFLICT (id_) DO NOTHING").format(**places)
    )
    return count
