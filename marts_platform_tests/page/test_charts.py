"""Every chart's file is read and executed; what is drawn is what the rows say, and nothing else."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from marts_platform.embedded.stack import Stack
from marts_platform.migrations import mysql
from marts_platform.page import scales
from marts_platform.page.charts import (
    Chart,
    ChartDeclarationError,
    Engine,
    Kind,
    charts_of,
    domains_with_charts,
    parse_chart,
)
from marts_platform.page.drawing import draw
from marts_platform.page.queries import Absence, answer_to
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

CHARTS = [chart for domain in domains_with_charts() for chart in charts_of(domain)]
HOSTILE = '<script>alert(\'"&")</script>'


@pytest.mark.parametrize("chart", CHARTS, ids=lambda chart: chart.file)
def test_every_chart_is_answered_by_its_engine(
    chart: Chart, warehouse: Warehouse, stack: Stack, request: pytest.FixtureRequest
) -> None:
    fixtures = {Engine.CLICKHOUSE: "clickhouse", Engine.MYSQL: "embedded_mysql", Engine.DAGSTER: "instance"}
    if chart.engine in fixtures:
        request.getfixturevalue(fixtures[chart.engine])
    if chart.engine is Engine.MYSQL:
        mysql.upgrade()
    answer = answer_to(chart, datetime.now(UTC))
    # The tables are there, and empty.
    assert answer.absence in {None, Absence.EMPTY}, answer.reason
    least = {Kind.BARS: 2, Kind.LINES: 2, Kind.RANKING: 2, Kind.HEATMAP: 3, Kind.TILES: 2, Kind.TABLE: 1}
    # ClickHouse names no columns where there are no rows.
    assert not answer.columns or len(answer.columns) >= least[chart.kind]


def test_charts_say_what_they_are_and_domains_have_some() -> None:
    assert {"ops", "camunda"} <= set(domains_with_charts())
    assert all(chart.title for chart in CHARTS)
    assert len({chart.file for chart in CHARTS}) == len(CHARTS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SELECT 1", "first line"),
        ("-- Title\n-- @kind bars\nSELECT 1", "@engine"),
        ("-- Title\n-- @engine postgres\nSELECT 1", "@kind"),
        ("-- Title\n-- @engine oracle\n-- @kind bars\nSELECT 1", "oracle"),
        ("-- Title\n-- @engine postgres\n-- @kind pie\nSELECT 1", "pie"),
        ("-- Title\n-- @engine postgres\n-- @kind bars\n-- @color red\nSELECT 1", "color"),
    ],
)
def test_a_file_that_does_not_say_what_it_is_is_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(ChartDeclarationError, match=message) as caught:
        parse_chart("shop", "sales", text)
    assert "shop/charts/sales.sql" in str(caught.value)


def chart(kind: Kind) -> Chart:
    return Chart("shop", "sales", "Sales", "", Engine.POSTGRES, kind, "EUR")


DAYS = [date(2024, 3, 1) + timedelta(days=place) for place in range(10)]
BY_KIND: dict[Kind, list[list[Any]]] = {
    Kind.BARS: [[day, place * 10, name] for place, day in enumerate(DAYS) for name in ("a", HOSTILE)],
    Kind.LINES: [[day, None if place == 4 else Decimal(place), HOSTILE] for place, day in enumerate(DAYS)],
    Kind.RANKING: [[HOSTILE, 3.5], ["b", 2], ["c", 0]],
    Kind.HEATMAP: [[f"{hour:02}", HOSTILE, hour] for hour in range(24)],
}


@pytest.mark.parametrize("kind", BY_KIND)
def test_a_drawing_is_well_formed_and_escaped(kind: Kind) -> None:
    drawn = draw(chart(kind), BY_KIND[kind])
    assert "<script" not in drawn.svg
    picture = ElementTree.fromstring(str(drawn.svg))
    assert picture.get("role") == "img"
    numbers = [
        float(value)
        for element in picture.iter()
        for name, value in element.attrib.items()
        if name in {"x", "y", "width", "height", "cx", "cy", "x1", "x2", "y1", "y2"}
    ]
    _, _, width, height = (float(part) for part in str(picture.get("viewBox")).split())
    assert numbers and all(0 <= number <= max(width, height) for number in numbers)


def test_bars_are_as_long_as_their_values() -> None:
    drawn = draw(chart(Kind.BARS), [[day, value] for day, value in zip(DAYS, [1, 2, 4, 0], strict=False)])
    heights = [float(found) for found in re.findall(r'<rect [^>]*height="([\d.]+)"', drawn.svg)]
    assert len(heights) == 3  # nothing is drawn of a zero
    assert heights[1] == pytest.approx(2 * heights[0], abs=0.2)
    assert heights[2] == pytest.approx(4 * heights[0], abs=0.3)
    assert drawn.legend == []


def test_a_line_is_broken_where_a_value_is_missing() -> None:
    path = re.search(r' d="([^"]+)"', str(draw(chart(Kind.LINES), BY_KIND[Kind.LINES]).svg))
    assert path and path[1].count("M") == 2 and path[1].count("L") == 7


def test_more_series_than_colours_are_drawn_as_one() -> None:
    rows = [[day, place, f"series {place}"] for day in DAYS[:2] for place in range(1, 13)]
    drawn = draw(chart(Kind.BARS), rows)
    assert drawn.legend == [f"series {place}" for place in range(12, 5, -1)] + ["5 others"]
    assert "5 others: 15 EUR" in drawn.svg


def test_one_value_all_zeros_and_negative_ones_are_drawn() -> None:
    for rows in (
        [[DAYS[0], 5]],
        [[DAYS[0], 0], [DAYS[1], 0]],
        [[DAYS[0], -3], [DAYS[1], 2]],
        [["one", 1e15]],
    ):
        ElementTree.fromstring(str(draw(chart(Kind.BARS), rows).svg))
    for rows in ([[DAYS[0], None]], [[DAYS[0], float("nan")], [DAYS[1], 7]]):
        ElementTree.fromstring(str(draw(chart(Kind.LINES), rows).svg))


@pytest.mark.parametrize(
    ("highest", "lowest", "ticks"),
    [
        (7, 0, ["0", "2", "4", "6", "8"]),
        (1000, 0, ["0", "250", "500", "750", "1k"]),
        (0.003, 0, ["0", "0.001", "0.002", "0.003"]),
        (3, -2, ["-2", "0", "2", "4"]),
    ],
)
def test_numbers_on_an_axis_are_round(highest: float, lowest: float, ticks: list[str]) -> None:
    assert [tick.text for tick in scales.number_ticks(highest, lowest)] == ticks


@pytest.mark.parametrize(
    ("days", "first", "last"),
    [(0.5, "00:00", "12:00"), (9, "2 Mar", "10 Mar"), (200, "Mar 2024", "Sep 2024"), (4000, "2026", "2034")],
)
def test_times_on_an_axis_are_round(days: float, first: str, last: str) -> None:
    start = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
    ticks = scales.time_ticks(start, start + days * 86_400, 8)
    assert 3 <= len(ticks) <= 9
    assert all(start <= tick.at <= start + days * 86_400 for tick in ticks)
    assert (ticks[0].text in {first, "1 Mar"}, ticks[-1].text) == (True, last)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        (True, "yes"),
        (1234567, "1,234,567"),
        (Decimal("12.50"), "12.50"),
        (3.0, "3"),
        (0.00123, "0.00123"),
        (timedelta(hours=3, minutes=5), "3 h 5 min"),
        (timedelta(milliseconds=250), "250 ms"),
        (datetime(2024, 3, 1, 12, 30, tzinfo=UTC), "2024-03-01 12:30"),
        (date(2024, 3, 1), "2024-03-01"),
    ],
)
def test_values_are_written_for_people(value: object, text: str) -> None:
    assert scales.written(value) == text


def test_a_table_without_days_whose_source_has_not_changed_is_quiet_and_not_late(
    warehouse: Warehouse,
) -> None:
    now = datetime.now(UTC)
    for asset, day, hours, status in (
        ("a/days", "2024-03-01", 30, "success"),
        ("a/whole", None, 30, "success"),
        ("b/days", "2024-03-01", 25, "success"),
        ("b/whole", None, 30, "success"),
        ("b/whole", None, 1, "failed"),
    ):
        warehouse.rows(
            "INSERT INTO ops.etl_run_log (asset, partition_key, run_id, root_run_id, status, finished_at) "
            "VALUES (%s, %s, 'r', 'r', %s, %s)",
            asset, day, status, now - timedelta(hours=hours),
        )  # fmt: skip
    (chart,) = (chart for chart in charts_of("ops") if chart.file.endswith("4_freshness.sql"))
    assert [tuple(row[:2]) for row in answer_to(chart, now).rows] == [
        ("a/days", "late"),
        ("a/whole", "quiet"),
        ("b/days", "fresh"),
        ("b/whole", "failed"),
    ]
