"""Camunda's marts by time: a B-tree, since rows that change leave no order of time for a BRIN index."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = {
    "migrations/0001/process_variables_by_time.sql": "fb23ebe4421a",
    "migrations/0001/process_documents_by_time.sql": "3a427bd4ccf5",
}
FILES = {
    "camunda/ddl/process_variables_by_time.sql": "2819fbd5c1e4",
    "camunda/ddl/process_documents_by_doc_ids_time.sql": "f90d2c90feb1",
    "camunda/ddl/process_documents_by_context_data_time.sql": "53e538e52b22",
}


def upgrade() -> None:
    op.drop_index("process_variables_by_time", schema="camunda")
    op.drop_index("process_documents_by_time", schema="camunda")
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_index("process_variables_by_time", schema="camunda")
    op.drop_index("process_documents_by_doc_ids_time", schema="camunda")
    op.drop_index("process_documents_by_context_data_time", schema="camunda")
    for file, digest in BEFORE.items():
        execute_file(file, digest)
