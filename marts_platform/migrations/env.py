"""Alembic's environment: one transaction for all revisions, the connection is the runner's."""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]

context.configure(connection=connection, version_table="schema_version", version_table_schema="ops")
with context.begin_transaction():
    context.run_migrations()
