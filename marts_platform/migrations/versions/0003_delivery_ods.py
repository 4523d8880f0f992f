"""The ODS of the delivery service."""

from __future__ import annotations

from alembic import op
from sqlalchemy.schema import CreateSchema, DropSchema

from marts_platform.migrations.ddl import execute_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# In the order of their dependencies, with the digest of what was released.
FILES = {
    "delivery/ddl/orders.sql": "89c96966f0a3",
    "delivery/ddl/orders_by_time.sql": "c741baa627eb",
    "migrations/0003/pipelines.sql": "1cfc230a4408",
    "delivery/ddl/pipelines_by_time.sql": "226f29076dcd",
    "migrations/0003/stages.sql": "b3a88b8507da",
    "delivery/ddl/stages_by_time.sql": "2cfe20b303e0",
    "migrations/0003/deliveries.sql": "8f6592ffcf1d",
    "delivery/ddl/deliveries_by_time.sql": "dfb819adbfc7",
    "delivery/ddl/deliveries_by_performer.sql": "8e5f797ee658",
    "delivery/ddl/performers.sql": "5eadc6de8d76",
    "delivery/ddl/performers_by_first_delivery.sql": "98fbb285ec3c",
    "delivery/ddl/performers_by_last_delivery.sql": "c413da9bef2e",
}
# The second one is where the load of a keyed mart keeps its tables.
SCHEMAS = ("ods", "ods_partitions")
TABLES = ("performers", "deliveries", "stages", "pipelines", "orders")


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(CreateSchema(schema))
    for file, digest in FILES.items():
        execute_file(file, digest)


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table, schema="ods")
    for schema in SCHEMAS:
        op.execute(DropSchema(schema))
