"""Camunda's documents know since when they change: so far back their history is read, and no further."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Contested rows had it already. The others get it when they are next rebuilt: to fill it here would read
    # the whole history while readers wait for the table.
    op.alter_column("process_documents", "contested_from_", new_column_name="first_time_", schema="camunda")


def downgrade() -> None:
    # Rows that are not contested keep theirs until their next change: contested_until_ tells them apart.
    op.alter_column("process_documents", "first_time_", new_column_name="contested_from_", schema="camunda")
