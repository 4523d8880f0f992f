"""Named queries: what a file's head says, the values they are run with, and what is said of wrong ones."""

from __future__ import annotations

from datetime import date

import pytest

from marts_platform.reports import ReportError, parse_report, reports_of, show, values_of
from marts_platform_tests.marts import (
    Warehouse,
    WriteSql,
    migrated_database,
    warehouse,
    warehouse_template,
    write_sql,
)

__all__ = ["migrated_database", "warehouse", "warehouse_template", "write_sql"]

TODAY = date(2024, 3, 1)
TEXT = """
-- Numbers up to a limit,
-- doubled.
-- @engine postgres
-- @param least: the first number
-- @param since = today-30: a day
-- @param rows=3: how many
SELECT
    number,
    number * 2 AS doubled,
    %(since)s::date AS since
FROM generate_series(%(least)s::integer, 100) AS numbers (number)
LIMIT %(rows)s
""".strip()


def test_the_head_of_a_file_says_what_it_is() -> None:
    report = parse_report("shop", "numbers", TEXT)
    assert (report.description, report.engine) == ("Numbers up to a limit, doubled.", "postgres")
    assert [(given.name, given.default, given.description) for given in report.parameters] == [
        ("least", None, "the first number"),
        ("since", "today-30", "a day"),
        ("rows", "3", "how many"),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("SELECT 1", "@engine"),
        ("-- What.\n-- @engine oracle\nSELECT 1", "clickhouse, postgres, mysql"),
        ("-- @engine postgres\nSELECT 1", "what it shows"),
        ("-- What.\n-- @engine postgres\n-- @param 7\nSELECT 1", "@param name = default"),
    ],
)
def test_a_head_that_says_too_little(text: str, says: str) -> None:
    with pytest.raises(ReportError, match=says):
        parse_report("shop", "numbers", text)


def test_values_are_the_given_ones_and_the_defaults() -> None:
    report = parse_report("shop", "numbers", TEXT)
    assert values_of(report, ["least=5", "rows=a=b"], TODAY) == {
        "least": "5", "rows": "a=b", "since": "2024-01-31",
    }  # fmt: skip
    assert values_of(report, ["least=today+1", "since=today"], TODAY)["least"] == "2024-03-02"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "needs --param least=… \\(the first number\\)"),
        (["most=1"], "'most=1' is not name=value of one that it takes; parameters: least, since, rows"),
        (["least"], "is not name=value"),
        (["least=1", "least=2"], "given twice"),
    ],
)
def test_wrong_values_are_said(given: list[str], says: str) -> None:
    with pytest.raises(ReportError, match=says):
        values_of(parse_report("shop", "numbers", TEXT), given, TODAY)


def test_a_report_of_postgres(
    warehouse: Warehouse, write_sql: WriteSql, capsys: pytest.CaptureFixture[str]
) -> None:
    write_sql("probe/report/numbers.sql", TEXT)
    show("probe", None, [])
    listed = capsys.readouterr().out
    assert "marts report probe numbers" in listed
    assert "--param rows=3  how many" in listed
    show("probe", "numbers", ["least=40", "since=2024-01-05"])
    shown = capsys.readouterr().out
    assert "3 rows" in shown
    assert all(text in shown for text in ("doubled", "42", "84", "2024-01-05"))
    with pytest.raises(ReportError, match="invalid input syntax for type date"):
        show("probe", "numbers", ["least=40", "since='; DROP TABLE x"])
    with pytest.raises(ReportError, match="'other'; there are: numbers"):
        show("probe", "other", [])


def test_a_report_cannot_write(warehouse: Warehouse, write_sql: WriteSql) -> None:
    write_sql("probe/report/writing.sql", "-- Writes.\n-- @engine postgres\nCREATE TABLE written (a integer)")
    with pytest.raises(ReportError, match="read-only transaction"):
        show("probe", "writing", [])


@pytest.mark.parametrize("domain", ["nothing", "../sql", ""])
def test_a_domain_without_reports_is_said(domain: str) -> None:
    with pytest.raises(ReportError, match=r"has no reports; .*bionicpro"):
        reports_of(domain)
