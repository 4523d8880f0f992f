"""What a look-up in the mart reads, at two million rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2 import sql

from benchmarks.measure import NotMeasuredError

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

_LOOKUPS: Mapping[str, str] = {
    "by process": "SELECT * FROM camunda.process_documents WHERE proc_inst_id_ = %s",
    "by first document": "SELECT * FROM camunda.process_documents WHERE doc_id = %s",
    "by any document": "SELECT * FROM camunda.process_documents WHERE doc_ids @> ARRAY[%s]",
}
# Documents that bear an id of their own: an empty string or a test's "D-1" stands in very many rows.
_KEYS = """
    SELECT proc_inst_id_, doc_id, doc_ids[array_upper(doc_ids, 1)] FROM camunda.process_documents
    WHERE length(doc_id) > 30 AND length(doc_ids[array_upper(doc_ids, 1)]) > 30
    ORDER BY md5(proc_inst_id_) LIMIT 25
"""
# How a column of a copied row differs from the original's; the others are the same.
_RENAMED: Mapping[str, str] = {
    "proc_inst_id_": "proc_inst_id_ || '-' || copy",
    "doc_id": "doc_id || '-' || copy",
    "doc_ids": "ARRAY(SELECT document || '-' || copy FROM unnest(doc_ids) AS document)",
}


@dataclass(frozen=True)
class Lookup:
    """What 25 look-ups of one kind read.

    Attributes:
        rows: rows of the mart.
        most_buffers: pages of 8 kB that the dearest of them touched.
        nodes: the kinds of plan nodes seen.
    """

    rows: int
    most_buffers: int
    nodes: list[str]

    @property
    def is_index_scan(self) -> bool:
        """Whether no plan scanned the table."""
        return "Seq Scan" not in self.nodes


def measure_lookups(dsn: str, rows: int) -> dict[str, Lookup]:
    """Fills the mart of a warehouse up to ``rows`` rows, with copies under other keys, and explains look-ups.

    Raises:
        NotMeasuredError: there is no row to copy.
    """
    with closing(psycopg2.connect(dsn)) as connection:
        with connection, connection.cursor() as cursor:
            _fill(cursor, rows)
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE) camunda.process_documents")
            cursor.execute("SELECT count(*) FROM camunda.process_documents")
            found = int(cursor.fetchall()[0][0])
            cursor.execute(_KEYS)
            keys = cursor.fetchall()
            return {
                name: _explain(cursor, query, [key[place] for key in keys], found)
                for place, (name, query) in enumerate(_LOOKUPS.items())
            }


def _fill(cursor: Cursor, rows: int) -> None:
    cursor.execute("SELECT count(*) FROM camunda.process_documents")
    there = int(cursor.fetchall()[0][0])
    if there == 0:
        raise NotMeasuredError("camunda.process_documents is empty: there is nothing to look up")
    cursor.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'camunda.process_documents'::regclass "
        "AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    )
    names = [name for (name,) in cursor.fetchall()]
    statement = sql.SQL(
        "INSERT INTO camunda.process_documents ({}) SELECT {} "
        "FROM camunda.process_documents CROSS JOIN generate_series(1, %(copies)s) AS copy LIMIT %(missing)s"
    ).format(
        sql.SQL(", ").join(map(sql.Identifier, names)),
        sql.SQL(", ").join(
            sql.SQL(_RENAMED[name]) if name in _RENAMED else sql.Identifier(name) for name in names
        ),
    )
    cursor.execute(statement, {"copies": rows // there + 1, "missing": max(rows - there, 0)})


def _explain(cursor: Cursor, query: str, keys: list[str], rows: int) -> Lookup:
    most = 0
    nodes: set[str] = set()
    for key in keys:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + query, (key,))
        plan: dict[str, Any] = cursor.fetchall()[0][0][0]["Plan"]
        most = max(most, plan["Shared Hit Blocks"] + plan["Shared Read Blocks"])
        nodes |= set(_kinds(plan))
    return Lookup(rows, most, sorted(nodes))


def _kinds(plan: Mapping[str, Any]) -> Iterator[str]:
    yield plan["Node Type"]
    for child in plan.get("Plans", []):
        yield from _kinds(child)
