"""Times that are none, and pipelines without an order, in the ODS of the delivery service."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLES = ("pipelines", "stages", "deliveries")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("source_times", sa.Text()), schema="ods")
    op.alter_column("pipelines", "order_registered_at", schema="ods", nullable=True)


def downgrade() -> None:
    op.execute(
        sa.text("DELETE FROM ods.pipelines WHERE order_registered_at IS NULL")  # it has no place for them
    )
    op.alter_column("pipelines", "order_registered_at", schema="ods", nullable=False)
    for table in TABLES:
        op.drop_column(table, "source_times", schema="ods")
