"""A changed SQL file of a mart is a changed version of its code, wherever the file is named."""

from __future__ import annotations

import dagster as dg
import pytest

from marts_platform.core.mart import mart
from marts_platform.core.path import Replace
from marts_platform.core.rows import Query
from marts_platform.core.window import Slice
from marts_platform_tests.marts import WriteSql, write_sql

__all__ = ["write_sql"]

DDL = "-- Days.\nCREATE TABLE probe.days (\n    day date NOT NULL, -- The day.\n    PRIMARY KEY (day)\n)\n"


def _version() -> str | None:
    def days(slice_: Slice) -> Query:
        return Query("probe/marts/days.sql")

    made = mart(
        asset="probe/days",
        ddl="probe/ddl/days.sql",
        publication=Replace(keep="probe/raw/kept.sql"),
        warehouse="postgres",
    )(days)
    return made.code_versions_by_key[dg.AssetKey(["probe", "days"])]


@pytest.mark.parametrize(
    ("file", "is_code"),
    [("ddl/days.sql", True), ("marts/days.sql", True), ("raw/kept.sql", True), ("marts/hours.sql", False)],
)
def test_it_changes_with_the_tables_files_and_no_others(
    write_sql: WriteSql, file: str, is_code: bool
) -> None:
    for name in ("marts/days.sql", "raw/kept.sql", "marts/hours.sql"):
        write_sql(f"probe/{name}", "SELECT current_date AS day")
    write_sql("probe/ddl/days.sql", DDL)
    before = _version()
    assert before == _version()
    write_sql(
        f"probe/{file}",
        DDL.replace("The day.", "Which day.") if "ddl" in file else "SELECT 'today'::date AS day",
    )
    assert (_version() != before) is is_code
