"""The run log, the quarantine and the Camunda mart."""

from __future__ import annotations

from alembic import op
from sqlalchemy.schema import CreateSchema, DropSchema

from marts_platform.migrations.ddl import execute_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# In the order of their dependencies, with the digest of what was released.
FILES = {
    "migrations/0001/etl_run_log.sql": "9237f4622fc4",
    "ops/ddl/etl_run_log_by_partition.sql": "b0594366fad7",
    "ops/ddl/etl_run_log_by_run.sql": "a2917062a2c4",
    "migrations/0001/quarantine.sql": "861b5123cdba",
    "ops/ddl/quarantine_standing.sql": "03bfd4619be9",
    "migrations/0001/json_of_bytes.sql": "471958b3b70a",
    "camunda/ddl/json_of_text.sql": "3cfcd0fb3333",
    "camunda/ddl/attached_documents.sql": "637a93df111e",
    "migrations/0001/act_hi_detail.sql": "3c59098019d4",
    "camunda/ddl/act_hi_detail_key.sql": "45232179ebb0",
    "camunda/ddl/act_hi_detail_by_process.sql": "25f3728432ad",
    "camunda/ddl/act_hi_detail_by_variable.sql": "e4da8209a63e",
    "migrations/0001/process_variables.sql": "556361644d3d",
    "camunda/ddl/process_variables_by_process.sql": "e421758286ca",
    "migrations/0001/process_variables_by_time.sql": "fb23ebe4421a",
    "migrations/0001/process_documents.sql": "013dfc522e23",
    "camunda/ddl/process_documents_by_document.sql": "297cb833f3d6",
    "camunda/ddl/process_documents_by_first_document.sql": "51acf3957308",
    "camunda/ddl/process_documents_contested.sql": "6a9faac2da91",
    "migrations/0001/process_documents_by_time.sql": "3a427bd4ccf5",
}
TABLES = (
    ("ops", "etl_run_log"),
    ("ops", "quarantine"),
    ("camunda", "process_documents"),
    ("camunda", "process_variables"),
    ("camunda", "act_hi_detail"),
)
FUNCTIONS = (
    "camunda.json_of_bytes(text, bytea)",
    "camunda.json_of_text(text)",
    "camunda.attached_documents(jsonb)",
)


def upgrade() -> None:
    for schema in ("camunda", "camunda_partitions"):
        op.execute(CreateSchema(schema, if_not_exists=True))
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    for schema, table in TABLES:
        op.drop_table(table, schema=schema)
    for function in FUNCTIONS:
        op.get_bind().exec_driver_sql(f"DROP FUNCTION {function}")
    for schema in ("camunda_partitions", "camunda"):
        op.execute(DropSchema(schema))
