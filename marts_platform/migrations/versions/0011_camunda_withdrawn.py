"""Mark changes that are gone in Camunda though no clean-up can have taken them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = {
    "act_hi_detail": "is_withdrawn_",
    "process_variables": "is_withdrawn",
    "process_documents": "is_withdrawn",
}


def upgrade() -> None:
    for table, name in COLUMNS.items():
        column = sa.Column(name, sa.Boolean, nullable=False, server_default=sa.text("false"))
        op.add_column(table, column, schema="camunda")


def downgrade() -> None:
    for table, name in COLUMNS.items():
        op.drop_column(table, name, schema="camunda")
