"""Grafana's dashboards: valid, and each query executed with its macros filled as Grafana fills them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import yaml

from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.prometheus import History, RealPrometheus, real_prometheus

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

FOLDER = Path(__file__).resolve().parent.parent / "deploy" / "grafana"
DASHBOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted((FOLDER / "dashboards").glob("*.json"))
}
SOURCES: dict[str, dict[str, Any]] = {
    source["uid"]: source
    for source in yaml.safe_load((FOLDER / "provisioning/datasources/marts.yaml").read_text("utf-8"))[
        "datasources"
    ]
}
TO = datetime(2024, 3, 2, tzinfo=UTC)
FROM = TO - timedelta(days=7)
TIME_SERIES = {"timeseries", "time_series"}


def of(type_: str) -> list[Any]:
    """The queries of a type of data source."""
    return [
        pytest.param(panel, target, id=f"{name}-{panel['id']}{target['refId']}")
        for name, dashboard in DASHBOARDS.items()
        for panel in dashboard["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == type_
    ]


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_is_as_grafana_expects(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["uid"] == f"marts-{name}"
    assert dashboard["schemaVersion"] >= 36  # from then on a data source is an object with type and uid
    assert dashboard["title"] and dashboard["description"] and dashboard["timezone"] == "utc"
    assert "id" not in dashboard  # Grafana's own, of one installation
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24 and not cells & taken, panel["title"]
        taken |= cells
        references = [target["refId"] for target in panel["targets"]]
        assert references and len(set(references)) == len(references)
        for owner in (panel, *panel["targets"]):
            found = SOURCES[owner["datasource"]["uid"]]
            assert owner["datasource"] == {"type": found["type"], "uid": found["uid"]}


def test_there_are_three_dashboards_and_no_secrets() -> None:
    assert set(DASHBOARDS) == {"operations", "technical", "business"}
    for source in SOURCES.values():
        for value in source["secureJsonData"].values():
            assert re.fullmatch(r"\$\{GRAFANA_\w+\}", value)
    provider = yaml.safe_load((FOLDER / "provisioning/dashboards/marts.yaml").read_text("utf-8"))[
        "providers"
    ][0]
    assert provider["type"] == "file" and provider["options"]["path"]


def test_every_variable_of_the_sources_is_explained() -> None:
    text = (FOLDER / "provisioning/datasources/marts.yaml").read_text("utf-8")
    explained = (FOLDER.parent.parent / "docs/dashboards.md").read_text("utf-8")
    names = set(re.findall(r"\$\{(\w+)\}", text))
    assert len(names) >= 10
    assert sorted(name for name in names if name not in explained) == []


def postgres_macros(statement: str) -> str:
    """A statement as Grafana's Postgres data source fills it."""
    first, last = (f"'{moment:%Y-%m-%dT%H:%M:%SZ}'" for moment in (FROM, TO))
    statement = statement.replace("$__interval", "1h")
    statement = re.sub(r"\$__timeFilter\(([^()]+)\)", rf"\1 BETWEEN {first} AND {last}", statement)
    statement = re.sub(r"\$__timeTo\(\)", last, statement)
    seconds = {"1h": 3600, "'1d'": 86_400}

    def group(found: re.Match[str]) -> str:
        step = seconds[found[2].strip()]
        return f"floor(extract(epoch from {found[1]})/{step})*{step}"

    return re.sub(r"\$__timeGroup\(([^(),]+),([^()]+)\)", group, statement)


@pytest.mark.parametrize(("panel", "target"), of("grafana-postgresql-datasource"))
def test_a_query_of_postgres_runs(
    panel: dict[str, Any], target: dict[str, Any], warehouse: Warehouse
) -> None:
    assert target["rawQuery"] is True
    statement = postgres_macros(target["rawSql"])
    assert "$__" not in statement
    with closing(psycopg2.connect(warehouse.url)) as connection, connection.cursor() as cursor:
        connection.set_session(readonly=True)
        cursor.execute(statement)
        columns = [column.name for column in cursor.description or ()]
        rows = cursor.fetchall()
    assert len(set(columns)) == len(columns)
    if target["format"] in TIME_SERIES:
        assert columns[0] == "time"
    if panel["type"] == "stat":
        assert len(rows) == len(columns) == 1


def clickhouse_macros(statement: str) -> str:
    """A statement as Grafana's ClickHouse data source fills it."""
    first, last = (int(moment.timestamp()) for moment in (FROM, TO))
    times = rf"\1 >= toDateTime({first}) AND \1 <= toDateTime({last})"
    dates = rf"\1 >= toDate('{FROM:%Y-%m-%d}') AND \1 <= toDate('{TO:%Y-%m-%d}')"
    statement = re.sub(r"\$__timeFilter\(([^()]+)\)", times, statement)
    statement = re.sub(r"\$__dateFilter\(([^()]+)\)", dates, statement)
    step = r"toStartOfInterval(toDateTime(\1), INTERVAL 3600 second)"
    return re.sub(r"\$__timeInterval\(([^()]+)\)", step, statement)


@pytest.mark.parametrize(("panel", "target"), of("grafana-clickhouse-datasource"))
def test_a_query_of_clickhouse_runs(panel: dict[str, Any], target: dict[str, Any], clickhouse: str) -> None:
    statement = clickhouse_macros(target["rawSql"])
    assert "$__" not in statement
    with ClickHouseResource().client(database="default", read_only=True) as client:
        client.query(statement)
        described = client.query(f"DESCRIBE ({statement})").result_rows
    columns = {name: type_ for name, type_, *_ in described}
    if target["queryType"] in TIME_SERIES:
        assert target["format"] == 0 and columns["time"].startswith("DateTime")
        numbers = [name for name, type_ in columns.items() if re.search("Int|Float|Decimal", type_)]
        assert numbers, columns
    else:
        assert target["format"] == 1 and panel["type"] in {"table", "bargauge"}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[RealPrometheus]:
    history = History()
    for metric in re.findall(r"prober_\w+", json.dumps(DASHBOARDS["operations"])):
        if metric not in history.samples:
            first = FROM.timestamp()
            history.add(metric, [(first + 5 * n, float(n)) for n in range(120)], '{job="prober"}')
    with real_prometheus(history) as running:
        yield running


@pytest.mark.parametrize(("panel", "target"), of("prometheus"))
def test_a_query_of_prometheus_gives_points(
    panel: dict[str, Any], target: dict[str, Any], prometheus: RealPrometheus
) -> None:
    expression = target["expr"].replace("$__rate_interval", "1m").replace("$__interval", "15s")
    assert "$__" not in expression
    start = FROM.timestamp()
    found = prometheus.ask("query_range", query=expression, start=start, end=start + 600, step=15)
    assert len(found["result"]) == 1, panel["title"]
    assert found["result"][0]["values"]
