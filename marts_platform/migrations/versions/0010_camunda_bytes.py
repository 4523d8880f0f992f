"""JSON in byte arrays of every variable type, and the reason why a value could not be read."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

FILES = {
    "camunda/ddl/json_of_bytes.sql": "d2c2254b1038",
    "camunda/ddl/unreadable.sql": "6727b2241878",
}
BEFORE = {"migrations/0010/json_of_bytes.sql": "e93c21b83941"}


def upgrade() -> None:
    # Values stored before are decoded when their day is loaded again.
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.get_bind().exec_driver_sql("DROP FUNCTION camunda.unreadable(text, text, text, text, bytea)")
    for file, digest in BEFORE.items():
        execute_file(file, digest)
