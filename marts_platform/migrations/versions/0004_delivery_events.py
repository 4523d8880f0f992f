"""The delivery service's events."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

FILES = {
    "delivery/ddl/events.sql": "c80fe70a5874",
    "delivery/ddl/events_by_place.sql": "c87bc5b4507c",
    "delivery/ddl/events_by_time.sql": "b99b70ec2c4b",
}


def upgrade() -> None:
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    op.drop_table("events", schema="ods")
