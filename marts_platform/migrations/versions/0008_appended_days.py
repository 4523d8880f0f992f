"""The days that loads of appended tables add rows to: marts made of them by days are stale after it."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    execute_file("ops/ddl/appended_days.sql", "4bacd0f0b93a")


def downgrade() -> None:
    op.drop_table("appended_days", schema="ops")
