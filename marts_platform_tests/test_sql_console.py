"""``marts sql clickhouse``: a table, or with a FORMAT of one's own exactly what the server sends."""

from __future__ import annotations

import pytest

from marts_platform import sql_console


def test_a_result_is_a_table_with_every_digit(clickhouse: str, capsys: pytest.CaptureFixture[str]) -> None:
    sql_console.run("clickhouse", "SELECT '12345678901234567890.5'::Decimal(38, 1) AS much, NULL AS nothing")
    shown = capsys.readouterr().out
    assert "much" in shown
    assert "12345678901234567890.5" in shown
    assert "NULL" in shown
    assert shown.endswith("1 row\n")


def test_a_value_with_a_line_separator_is_one_value(
    clickhouse: str, capsys: pytest.CaptureFixture[str]
) -> None:
    sql_console.run("clickhouse", "SELECT 'a\u2028b\u0085c' AS value")
    assert capsys.readouterr().out.endswith("1 row\n")


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("SELECT 1, 'a\tb' FORMAT TabSeparated", b"1\ta\\tb\n"),
        ("SELECT unhex('00ff0a') FORMAT RawBLOB", b"\x00\xff\n"),
        ("SELECT 1 AS a FORMAT JSONCompactEachRowWithNames", b'["a"]\n[1]\n'),
    ],
)
def test_a_format_of_ones_own_is_passed_on(
    clickhouse: str, capfdbinary: pytest.CaptureFixture[bytes], query: str, sent: bytes
) -> None:
    sql_console.run("clickhouse", query)
    assert capfdbinary.readouterr().out == sent


def test_an_error_is_the_servers(clickhouse: str) -> None:
    with pytest.raises(sql_console.QueryError, match="UNKNOWN_DATABASE"):
        sql_console.run("clickhouse", "SELECT * FROM nowhere.at_all")
