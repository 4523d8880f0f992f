"""The run log by its newest successes and by what still runs: a look costs what it finds."""

from __future__ import annotations

from alembic import op

from marts_platform.migrations.ddl import execute_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

FILES = {
    "ops/ddl/etl_run_log_published.sql": "091cc81ae7eb",
    "ops/ddl/etl_run_log_running.sql": "8b53d26cf1ba",
}


def upgrade() -> None:
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    for index in ("etl_run_log_published", "etl_run_log_running"):
        op.drop_index(index, schema="ops")
