"""A value of a row, which MySQL quotes in its error, is not in the run log."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from marts_platform.core.rows import Query
from marts_platform_tests.io_managers.mysql.test_publication import _feed as feed
from marts_platform_tests.io_managers.mysql.test_publication import load
from marts_platform_tests.marts import Warehouse, WriteSql, write_sql
from marts_platform_tests.mysql_servers import MySQLAccess
from marts_platform_tests.test_row_values import CANARY, refuse_canary

__all__ = ["load", "write_sql"]


FEED = "SELECT at, sensor, value, note FROM mydb.feed"


@pytest.mark.parametrize(
    ("select", "kept"),
    [
        (f"{FEED} UNION ALL {FEED}", "Duplicate entry … for key"),
        (FEED.replace("at,", "CAST(note AS DATETIME(6)) AS at,"), "(1292, "),
    ],
)
def test_value_in_mysql_error_is_in_no_sink(
    mysql: MySQLAccess,
    load: Callable[..., Any],
    warehouse: Warehouse,
    write_sql: WriteSql,
    select: str,
    kept: str,
) -> None:
    feed(mysql, ("2024-03-01", 7654321, 1, CANARY))
    write_sql("probe/values.sql", select)
    with pytest.raises(Exception, match=r"1062|1292|1366|1525|1267"):
        load(Query("probe/values.sql"))
    ((error,),) = warehouse.rows("SELECT error FROM ops.etl_run_log WHERE status = 'failed'")
    refuse_canary(error)
    assert kept in error and "7654321" not in error
