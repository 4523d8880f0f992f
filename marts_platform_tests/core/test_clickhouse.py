"""ClickHouse's SQL as the platform words it: names, literals, bound values, names of staging tables."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marts_platform.core.clickhouse import bound, literal, quoted, render
from marts_platform.core.clickhouse_repetition import staged_prefix
from marts_platform.core.table import parse_ddl
from marts_platform_tests.io_managers.clickhouse.probe import connected


@given(st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=8), max_size=4))
def test_literals_and_names_come_back_as_they_were(clickhouse: str, texts: list[str]) -> None:
    with connected(clickhouse) as client:
        for text in texts:
            name = quoted(text or "empty")
            answer = client.query(f"SELECT {name} FROM (SELECT {literal(text)} AS {name})")
            assert answer.result_rows == [(text,)]
            assert answer.column_names == (text or "empty",)


def test_a_time_is_bound_in_utc_to_the_microsecond_and_a_naive_one_refused() -> None:
    moment = datetime(2024, 3, 1, 1, 2, 3, 4, timezone(timedelta(hours=3)))
    statement = "SELECT {at:DateTime64(6, 'UTC')}, {day:Date}, {at:String}"
    assert bound(statement, {"at": moment, "day": date(2024, 3, 1), "more": 1}) == {
        "at": "2024-02-29 22:02:03.000004",
        "day": "2024-03-01",
    }
    with pytest.raises(ValueError, match="needs a zone"):
        bound(statement, {"at": moment.replace(tzinfo=None), "day": date(2024, 3, 1)})
    with pytest.raises(KeyError, match="takes at, which nobody gave"):
        bound(statement, {"day": date(2024, 3, 1)})
    assert bound("SELECT 1", {"at": datetime(2024, 3, 1, tzinfo=UTC)}) is None


def test_a_place_without_text_is_refused() -> None:
    with pytest.raises(KeyError, match="source"):
        render("clickhouse/replace_partition.sql", table="`a`.`b`")


def test_a_table_whose_name_would_part_that_of_its_staging_tables_is_refused() -> None:
    ddl = "-- All.\nCREATE TABLE probe.{} (\n    id Int32 -- The key.\n)\nENGINE = MergeTree\nORDER BY id\n"
    assert staged_prefix(parse_ddl(ddl.format("of_a_day"), "x.sql")) == "probe__of_a_day__"
    with pytest.raises(ValueError, match="two underscores"):
        staged_prefix(parse_ddl(ddl.format("of__a_day"), "x.sql"))
