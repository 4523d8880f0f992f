"""The last comparison of each partition with its source: the next evaluation goes on with the others."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

FILES = {"ops/ddl/partition_comparisons.sql": "e14a66b0e5e3"}


def upgrade() -> None:
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_table("partition_comparisons", schema="ops")
