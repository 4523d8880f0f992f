"""Streams: where readers stand, what a replay needs of a row in quarantine; the shop's events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import CreateSchema, DropSchema

from marts_platform.migrations.ddl import execute_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

FILES = {
    "ops/ddl/json_of_text.sql": "0db2950cf6e6",
    "ops/ddl/stream_positions.sql": "7521fce4d31f",
    "shop/ddl/kafka_events.sql": "86d89fd56097",
    "shop/ddl/kafka_events_by_time.sql": "710d482e2198",
    "shop/ddl/kafka_events_by_user.sql": "1ed06985a80d",
}


def upgrade() -> None:
    op.add_column("quarantine", sa.Column("context", JSONB), schema="ops")
    op.execute(CreateSchema("shop", if_not_exists=True))
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_table("kafka_events", schema="shop")
    op.drop_table("stream_positions", schema="ops")
    op.get_bind().exec_driver_sql("DROP FUNCTION ops.json_of_text(text)")
    op.execute(DropSchema("shop"))
    op.drop_column("quarantine", "context", schema="ops")
