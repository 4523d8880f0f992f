"""What a database has, as its catalog says it: to compare two of them."""

from __future__ import annotations

from contextlib import closing

import psycopg2

# Alembic's own table, and what the server brings along.
_OURS = """
    namespace.nspname <> 'information_schema' AND namespace.nspname !~ '^pg_'
    AND relation.relname NOT IN ('schema_version', 'schema_version_pkc')
"""
_QUERIES = {
    "schemas": """
        SELECT nspname FROM pg_namespace AS namespace
        WHERE nspname <> 'information_schema' AND nspname !~ '^pg_'
    """,
    "tables": f"""
        SELECT
            namespace.nspname,
            relation.relname,
            relation.relkind,
            relation.reloptions::text,
            pg_get_partkeydef(relation.oid)
        FROM pg_class AS relation
        INNER JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
        WHERE relation.relkind <> 'i' AND relation.relkind <> 'I' AND {_OURS}
    """,
    "columns": f"""
        SELECT
            namespace.nspname,
            relation.relname,
            attribute.attnum,
            attribute.attname,
            format_type(attribute.atttypid, attribute.atttypmod),
            attribute.attnotnull,
            attribute.attgenerated,
            attribute.attidentity,
            attribute.attcompression,
            attribute.attcollation::regcollation::text,
            pg_get_expr(standard.adbin, standard.adrelid)
        FROM pg_attribute AS attribute
        INNER JOIN pg_class AS relation ON relation.oid = attribute.attrelid
        INNER JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
        LEFT JOIN pg_attrdef AS standard
            ON standard.adrelid = attribute.attrelid AND standard.adnum = attribute.attnum
        WHERE
            attribute.attnum > 0
            AND NOT attribute.attisdropped
            AND relation.relkind IN ('r', 'p')
            AND {_OURS}
    """,
    "indexes": f"""
        SELECT pg_get_indexdef(relation.oid)
        FROM pg_class AS relation
        INNER JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
        WHERE relation.relkind IN ('i', 'I') AND {_OURS}
    """,
    "constraints": f"""
        SELECT namespace.nspname, relation.relname, pg_get_constraintdef(rule.oid)
        FROM pg_constraint AS rule
        INNER JOIN pg_class AS relation ON relation.oid = rule.conrelid
        INNER JOIN pg_namespace AS namespace ON namespace.oid = relation.relnamespace
        WHERE {_OURS}
    """,
    "functions": """
        SELECT pg_get_functiondef(routine.oid)
        FROM pg_proc AS routine
        INNER JOIN pg_namespace AS namespace ON namespace.oid = routine.pronamespace
        WHERE namespace.nspname <> 'information_schema' AND namespace.nspname !~ '^pg_'
    """,
}


def catalog(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Schemas, tables, columns, indexes, constraints and functions of a database."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        found: dict[str, list[tuple[object, ...]]] = {}
        for kind, query in _QUERIES.items():
            cursor.execute(query)
            found[kind] = sorted(cursor.fetchall(), key=str)
        return found
