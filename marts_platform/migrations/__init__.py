"""The warehouse's schema, as Alembic revisions that ship with the package."""
