"""The warehouses that loads went into: the run log counts a load for the warehouse that it wrote."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FILES = {"ops/ddl/warehouses.sql": "b5795713ffb8"}


def upgrade() -> None:
    op.add_column("etl_run_log", sa.Column("warehouse_id", sa.Text()), schema="ops")
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_table("warehouses", schema="ops")
    op.drop_column("etl_run_log", "warehouse_id", schema="ops")
