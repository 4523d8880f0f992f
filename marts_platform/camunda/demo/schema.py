"""The tables of a Camunda 7 engine that hold its history, with the engine's own indexes.

They go into the first schema of the connection's ``search_path`` (``public`` by default), as in the
engine's own scripts, which name no schema either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from psycopg2 import sql

from marts_platform.core.sql import read_sql

if TYPE_CHECKING:
    from psycopg2.extensions import connection as Connection
    from psycopg2.extensions import cursor as Cursor

READER = "camunda_reader"
"""The role that the platform reads as: it gets SELECT here, if it exists."""

INDEXES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "act_hi_detail": {
        "act_idx_hi_detail_root_pi": ("root_proc_inst_id_",),
        "act_idx_hi_detail_proc_inst": ("proc_inst_id_",),
        "act_idx_hi_detail_act_inst": ("act_inst_id_",),
        "act_idx_hi_detail_case_inst": ("case_inst_id_",),
        "act_idx_hi_detail_case_exec": ("case_execution_id_",),
        "act_idx_hi_detail_time": ("time_",),
        "act_idx_hi_detail_name": ("name_",),
        "act_idx_hi_detail_task_id": ("task_id_",),
        "act_idx_hi_detail_tenant_id": ("tenant_id_",),
        "act_idx_hi_detail_proc_def_key": ("proc_def_key_",),
        "act_idx_hi_detail_bytear": ("bytearray_id_",),
        "act_idx_hi_detail_rm_time": ("removal_time_",),
        "act_idx_hi_detail_task_bytear": ("bytearray_id_", "task_id_"),
        "act_idx_hi_detail_var_inst_id": ("var_inst_id_",),
    },
    "act_hi_varinst": {
        "act_idx_hi_varinst_root_pi": ("root_proc_inst_id_",),
        "act_idx_hi_procvar_proc_inst": ("proc_inst_id_",),
        "act_idx_hi_procvar_name_type": ("name_", "var_type_"),
        "act_idx_hi_casevar_case_inst": ("case_inst_id_",),
        "act_idx_hi_var_inst_tenant_id": ("tenant_id_",),
        "act_idx_hi_var_inst_proc_def_key": ("proc_def_key_",),
        "act_idx_hi_varinst_bytear": ("bytearray_id_",),
        "act_idx_hi_varinst_rm_time": ("removal_time_",),
        "act_idx_hi_var_pi_name_type": ("proc_inst_id_", "name_", "var_type_"),
        "act_idx_hi_varinst_name": ("name_",),
        "act_idx_hi_varinst_act_inst_id": ("act_inst_id_",),
    },
    "act_hi_procinst": {
        "act_idx_hi_pro_inst_end": ("end_time_",),
        "act_idx_hi_pro_i_buskey": ("business_key_",),
        "act_idx_hi_pro_inst_tenant_id": ("tenant_id_",),
        "act_idx_hi_pro_inst_proc_def_key": ("proc_def_key_",),
        "act_idx_hi_pro_inst_proc_time": ("start_time_", "end_time_"),
        "act_idx_hi_pi_pdefid_end_time": ("proc_def_id_", "end_time_"),
        "act_idx_hi_pro_inst_root_pi": ("root_proc_inst_id_",),
        "act_idx_hi_pro_inst_rm_time": ("removal_time_",),
        "act_idx_hi_pro_rst_pro_inst_id": ("restarted_proc_inst_id_",),
    },
    "act_ge_bytearray": {
        "act_idx_bytear_depl": ("deployment_id_",),
        "act_idx_bytearray_root_pi": ("root_proc_inst_id_",),
        "act_idx_bytearray_rm_time": ("removal_time_",),
        "act_idx_bytearray_name": ("name_",),
    },
}
"""The engine's secondary indexes: table -> index -> columns. A test of a plan needs the real ones."""


def create_source(connection: Connection) -> None:
    """Creates the tables and indexes that are missing, lets the platform's reader read them, commits."""
    with connection, connection.cursor() as cursor:
        for table in INDEXES:
            cursor.execute(read_sql(f"camunda/demo/create_{table}.sql"))
        create_indexes(cursor)
        _let_read(cursor)


def create_indexes(cursor: Cursor) -> None:
    """Creates those of `INDEXES` that are missing."""
    for table, indexes in INDEXES.items():
        for name, columns in indexes.items():
            cursor.execute(
                sql.SQL("CREATE INDEX IF NOT EXISTS {} ON {} ({})").format(
                    sql.Identifier(name),
                    sql.Identifier(table),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                )
            )


def drop_indexes(cursor: Cursor) -> None:
    """Drops the primary keys and secondary indexes, for a large load: built afterwards they cost a third.

    `restore_indexes` makes them again, in the same transaction.
    """
    for table, indexes in INDEXES.items():
        key = {"table": sql.Identifier(table), "name": sql.Identifier(f"{table}_pkey")}
        cursor.execute(sql.SQL("ALTER TABLE {table} DROP CONSTRAINT {name}").format(**key))
        for name in indexes:
            cursor.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(name)))


def restore_indexes(cursor: Cursor) -> None:
    """Makes again what `drop_indexes` dropped."""
    for table in INDEXES:
        cursor.execute(sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (id_)").format(sql.Identifier(table)))
    create_indexes(cursor)


def _let_read(cursor: Cursor) -> None:
    cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (READER,))
    if cursor.rowcount == 0:
        return
    tables = sql.SQL(", ").join(map(sql.Identifier, INDEXES))
    cursor.execute(sql.SQL("GRANT SELECT ON {} TO {}").format(tables, sql.Identifier(READER)))
    cursor.execute("SELECT current_schema()")
    for (schema,) in cursor.fetchall():
        cursor.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(sql.Identifier(schema), sql.Identifier(READER))
        )
