"""The page as a person sees it: in a browser, which asks the network for nothing and complains of nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from marts_platform import settings
from marts_platform.page.asset import KEY, report_asset, write_page
from marts_platform.page.charts import Chart, Engine, Kind, charts_of
from marts_platform.page.queries import Absence, Answer, answer_to
from marts_platform.page.render import Card, Section, make_page, render
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests import mysql_servers
from marts_platform_tests.browser import Browser, browser
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

HOSTILE = "<img src=https://example.org/x onerror=alert(1)><script>alert(2)</script>"
MART_TABLES = """
    SELECT database, name FROM system.tables
    WHERE engine LIKE '%MergeTree%'
        AND (database = 'dds' OR match(database, '^(bionicpro|chat|delivery)_'))
"""
NOW = datetime(2024, 3, 1, 12, tzinfo=UTC)
LOADS = """
    INSERT INTO ops.etl_run_log (
        asset, partition_key, run_id, root_run_id, status, rows_written, bytes_read, started_at, finished_at,
        error
    )
    SELECT
        asset, (day::date)::text, 'r', 'r',
        CASE WHEN day::date = now()::date - 10 THEN 'failed' ELSE 'success' END,
        1000 + 10 * extract(day FROM day)::integer, 5000, day, day + interval '3 s',
        CASE WHEN day::date = now()::date - 10 THEN %s END
    FROM generate_series(now() - interval '29 days', now(), interval '1 day') AS day,
        unnest(ARRAY['camunda/act_hi_detail', 'shop/orders', %s]) AS asset
"""


@pytest.fixture
def filled(warehouse: Warehouse, clickhouse: str, instance: dg.DagsterInstance) -> Warehouse:
    """A warehouse with a run log of a month; names and errors in it try to be markup.

    The domains' tables are empty: what other tests left there would be drawn too.
    """
    _empty_the_marts()
    warehouse.rows(LOADS, HOSTILE, f"x/{HOSTILE}")
    warehouse.rows(
        "INSERT INTO ops.quarantine (asset, run_id, reason, is_row) VALUES ('shop/orders', 'r', %s, true)",
        HOSTILE,
    )
    return warehouse


def _empty_the_marts() -> None:
    with ClickHouseResource().client(database="default") as client:
        for database, table in client.query(MART_TABLES).result_rows:
            client.command(f"TRUNCATE TABLE `{database}`.`{table}` SYNC")
    if settings.load().shop_replica_url is not None:  # MySQL runs, for another test
        mysql_servers.embedded().clear()


def test_the_rows_published_are_those_that_stand(warehouse: Warehouse) -> None:
    entries = [
        ("shop/orders", "2024-03-01", "success", 5, 0),
        ("shop/orders", "2024-03-01", "success", 10, 2),
        ("shop/orders", "2024-03-01", "failed", None, None),  # what was published before it stands
        ("shop/orders", "2024-03-02", "success", 100, 0),
        ("shop/kafka_events", None, "success", 1000, 0),  # appended, the one to the other
        ("shop/kafka_events", None, "success", 3000, None),
    ]
    for asset, key, status, written, kept in entries:
        warehouse.rows(
            "INSERT INTO ops.etl_run_log "
            "(asset, partition_key, run_id, root_run_id, status, rows_written, rows_kept) "
            "VALUES (%s, %s, 'r', 'r', %s, %s, %s)",
            *(asset, key, status, written, kept),
        )
    warehouse.rows(
        "INSERT INTO ops.stream_positions (asset, topic, partition, epoch, next_offset, log_id) "
        "VALUES ('shop/kafka_events', 't', 0, 0, 4000, ''), ('shop/kafka_events', 't', 1, 0, 0, '')"
    )
    (overview,) = (chart for chart in charts_of("ops") if chart.title == "Overview")
    tiles = {label: value for label, value, _ in answer_to(overview, datetime.now(UTC)).rows}
    assert tiles["Rows published"] == 4112
    assert tiles["Days that failed last"] == 1


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser() as started:
        yield started


def test_it_opens_in_a_browser_without_network_or_complaint(
    filled: Warehouse, chromium: Browser, tmp_path: Path
) -> None:
    file = tmp_path / "report.html"
    page = write_page(file)
    assert page.failures == []
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["report.html"]
    for width, scheme, media in (
        (1440, "light", ""),
        (1440, "dark", ""),
        (390, "light", ""),
        (1000, "light", "print"),
    ):
        chromium.look(width, 900, scheme=scheme, media=media)
        chromium.open(file)
        assert chromium.requests() == []
        assert chromium.complaints() == []
        sizes = chromium.run(
            "[...document.querySelectorAll('svg')].map(svg => { const box = svg.getBoundingClientRect(); "
            "return [box.width, box.height, svg.querySelectorAll('rect,path,circle').length] })"
        )
        assert len(sizes) >= 3
        assert all(width > 100 and height > 20 and marks > 0 for width, height, marks in sizes), sizes
        # Nothing makes the page wider than the window: what is wide scrolls in itself.
        assert chromium.run("document.documentElement.scrollWidth <= window.innerWidth")
        assert chromium.run("document.querySelectorAll('script, img').length") == 0
        text = chromium.run("document.body.innerText")
        assert "Operations" in text and "Freshness" in text and "camunda/act_hi_detail" in text
        assert HOSTILE[:20] in text  # as text
        cut = chromium.run(
            "[...document.querySelectorAll('svg text')].filter(text => { "
            "const box = text.getBoundingClientRect(); "
            "const svg = text.ownerSVGElement.getBoundingClientRect(); "
            "return box.left < svg.left - 1 || box.right > svg.right + 1 }).map(text => text.textContent)"
        )
        assert cut == []
        tall = "document.documentElement.scrollHeight"
        assert chromium.run(tall) > 600
    colours = []
    for scheme in ("light", "dark"):
        chromium.look(1440, 900, scheme=scheme)
        colours.append(chromium.run("getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_charts_without_a_table_rows_or_a_warehouse_are_shown_as_such(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_DAGSTER_URL", "postgresql://nobody:s3cret@127.0.0.1:9/nowhere")
    warehouse.rows("DROP TABLE camunda.process_documents")
    page = make_page(NOW)
    assert "Nothing to show." in page.html
    camunda = next(section for section in page.sections if section.domain == "camunda")
    absences = {card.chart.name: card.answer.absence for card in camunda.cards}
    assert absences["2_documents"] is Absence.NOT_BUILT
    assert absences["1_changes"] is Absence.EMPTY
    # An engine that does not answer fails its charts, and no others, without a secret.
    assert any("ops/charts/7_checks.sql" in failure for failure in page.failures)
    assert "This chart failed." in page.html
    assert "s3cret" not in page.html


@pytest.mark.parametrize(
    ("absence", "words"),
    [
        (Absence.NOT_SET, "marts status"),
        (Absence.NOT_BUILT, "marts materialize shop"),
        (Absence.EMPTY, "have no rows yet"),
    ],
)
def test_a_domain_without_anything_is_one_sentence(absence: Absence, words: str) -> None:
    charts = [Chart("shop", name, "Sales", "", Engine.MYSQL, Kind.BARS) for name in ("a", "b")]
    html = render([Section("shop", "Shop", [Card(chart, Answer(absence=absence)) for chart in charts])], NOW)
    assert words in html
    assert "<figure" not in html


def test_rows_that_cannot_be_drawn_fail_their_chart_only(
    warehouse: Warehouse, clickhouse: str, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marts_platform.page import render as module

    monkeypatch.setattr(
        module, "answer_to", lambda *_: Answer(["x", "y", "z"], [["no time", "no number", "z"]])
    )
    page = make_page(NOW)
    assert any("cannot be drawn" in failure for failure in page.failures)
    assert "no number" in page.html  # tables and tiles take anything


def test_the_asset_writes_it_and_says_where(
    filled: Warehouse, ephemeral_instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from marts_platform.page import asset

    monkeypatch.setattr(asset, "default_file", lambda: tmp_path / "new" / "report.html")
    done = dg.materialize([report_asset([])], instance=ephemeral_instance)
    (made,) = done.asset_materializations_for_node("platform__report")
    assert made.asset_key == KEY
    assert made.metadata["failed_charts"].value == 0
    assert Path(str(made.metadata["path"].value)).read_text("utf-8").startswith("<!doctype html>")
    assert "Operations: " in str(made.metadata["charts"].value)
