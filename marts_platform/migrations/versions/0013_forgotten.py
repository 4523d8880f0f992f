"""The log of what was forgotten on a person's request."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

FILES = {"ops/ddl/forgotten.sql": "c565d8509134"}


def upgrade() -> None:
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_table("forgotten", schema="ops")
