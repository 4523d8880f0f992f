"""A warehouse for the run log of loads into MySQL."""

from __future__ import annotations

from marts_platform_tests.marts import migrated_database, warehouse

__all__ = ["migrated_database", "warehouse"]
