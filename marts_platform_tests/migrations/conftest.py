"""What tests of the migrations take beside the root's fixtures."""

from __future__ import annotations

from marts_platform_tests.marts import migrated_database, warehouse, warehouse_template

__all__ = ["migrated_database", "warehouse", "warehouse_template"]
