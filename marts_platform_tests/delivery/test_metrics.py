"""``delivery/fact_metrics`` beside a real Prometheus, and as planning and the sensor see it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from dagster import AssetKey, DagsterInstance

from marts_platform import settings
from marts_platform.core.audit import AuditFailed
from marts_platform.core.mart import mart_of, slice_of
from marts_platform.core.partitions import DAILY
from marts_platform.core.path import Outcome, load_slice
from marts_platform.core.pending import Reason
from marts_platform.core.planning import plan
from marts_platform.core.run_log import Run
from marts_platform.delivery import metrics
from marts_platform.embedded.prometheus import PrometheusServer
from marts_platform.io_managers.clickhouse import ClickHouseIOManager
from marts_platform.materialization import materialize, pending_batches, select
from marts_platform.resources.clickhouse import ClickHouseResource
from marts_platform_tests.marts import Warehouse, migrated_database, warehouse, warehouse_template
from marts_platform_tests.prometheus import History, RealPrometheus, demo_prometheus, real_prometheus

__all__ = ["migrated_database", "warehouse", "warehouse_template"]

ASSET = "delivery/fact_metrics"
MADE, FAILED, SECONDS = (
    "prober_create_orders_total",
    "prober_create_orders_fail_total",
    "prober_create_orders_duration_seconds",
)
DAY, NEXT = "2024-03-01", "2024-03-02"
START = datetime(2024, 3, 1, tzinfo=UTC).timestamp()


def prober() -> History:
    """Two days: a counter with a reset just before midnight, a late one, a gauge with NaN and Inf."""
    history = History()
    made = [(START - 3600 + 60 * n, float((n * 7) % 10_000)) for n in range(3000)]
    history.add(MADE, made, '{instance="it\'s \\"one\\"",job="prober"}')
    history.add(FAILED, [(START + 40_000 + 30 * n, float(n // 10)) for n in range(500)], '{job="prober"}')
    odd = [0.25, math.nan, math.inf, 1e-7]
    history.add(SECONDS, [(START + 120 * n, odd[n % 4]) for n in range(1440)], '{job="prober"}')
    history.add("process_open_fds", [(START, 1.0)])
    return history


@pytest.fixture(scope="module")
def real() -> Iterator[RealPrometheus]:
    with real_prometheus(prober()) as running:
        yield running


@pytest.fixture
def table(clickhouse: str, warehouse: Warehouse) -> Iterator[None]:
    """The table, empty, and a run log of its own."""
    with ClickHouseResource().client(database="default") as client:
        client.command("TRUNCATE TABLE dds.fact_metrics")
    yield
    with ClickHouseResource().client(database="default") as client:
        client.command("TRUNCATE TABLE dds.fact_metrics")


def load(*days: str) -> list[Outcome]:
    """Loads days without Dagster."""
    mart, run = mart_of(AssetKey.from_user_string(ASSET)).mart, str(uuid4())
    source = metrics.MetricsSource()
    return [
        load_slice(
            ClickHouseIOManager(),
            mart,
            slice_of(DAILY, day),
            Run(run, run),
            lambda day=day: source.samples(slice_of(DAILY, day)),
        )
        for day in days
    ]


Key = tuple[str, str, float]


def published() -> dict[Key, tuple[float | None, float | None]]:
    """The table's rows, by metric, labels and time."""
    with ClickHouseResource().client(database="default", read_only=True) as client:
        rows = client.query("SELECT metric, labels, at, value, increase FROM dds.fact_metrics").result_rows
    found = {
        (metric, json.dumps(labels, sort_keys=True), at.timestamp()): (value, increase)
        for metric, labels, at, value, increase in rows
    }
    assert len(found) == len(rows)
    return found


def answered(server: RealPrometheus, day: float) -> dict[Key, float | None]:
    """What Prometheus answers of a day, metric by metric, with NULL for NaN."""
    found: dict[Key, float | None] = {}
    for metric in metrics.METRICS:
        data = server.ask("query_range", query=metric, start=day, end=day + 86_400 - 15, step=15)
        for series in data["result"]:
            labels = {name: text for name, text in series["metric"].items() if name != "__name__"}
            for at, value in series["values"]:
                number = float(value)
                found[metric, json.dumps(labels, sort_keys=True), at] = None if math.isnan(number) else number
    return found


def test_the_table_holds_what_prometheus_answers_in_whatever_order_days_are_loaded(
    real: RealPrometheus, table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", real.url)
    there = answered(real, START) | answered(real, START + 86_400)
    outcomes = load(NEXT, DAY)
    once = published()
    assert {key: value for key, (value, _) in once.items()} == there
    assert [outcome.figures.rows_written for outcome in outcomes] == [
        sum(at >= START + 86_400 for _, _, at in there),
        sum(at < START + 86_400 for _, _, at in there),
    ]
    assert None in there.values() and math.inf in there.values()
    # The sums of both days are whole: the reset before midnight loses nothing and counts nothing twice.
    grown = {
        name: sum(grown or 0 for (metric, _, _), (_, grown) in once.items() if metric == name)
        for name in (MADE, FAILED)
    }
    made = [
        value
        for at, value in prober().samples[MADE]['{instance="it\'s \\"one\\"",job="prober"}']
        if START - 60 <= at < START + 2 * 86_400 - 14
    ]
    assert grown[MADE] == sum(
        after - before if after >= before else after for before, after in zip(made, made[1:], strict=False)
    )
    assert grown[FAILED] == 49
    assert {increase for (metric, _, _), (_, increase) in once.items() if metric == SECONDS} == {None}
    load(DAY, NEXT)
    assert published() == once


@pytest.fixture
def demo_server(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PrometheusServer]:
    with demo_prometheus(tmp_path_factory.mktemp("metrics")) as server:
        monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url)
        yield server


def send(server: PrometheusServer, *lines: str) -> None:
    text = "".join(f"{line}\n" for line in lines)
    answer = httpx.post(f"{server.url}/api/v1/import/prometheus", content=text, trust_env=False)
    assert answer.status_code == 200, answer.text


def pending() -> dict[str | None, Reason]:
    registered = select(ASSET)
    resources = {"clickhouse": ClickHouseIOManager(), "prometheus": metrics.MetricsSource()}
    return dict(plan(registered, resources, lookback=3).pending[ASSET])


def test_planning_finds_new_days_late_samples_and_another_step(
    demo_server: PrometheusServer,
    table: None,
    ephemeral_instance: DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    noon = round(datetime.combine(yesterday, datetime.min.time(), UTC).timestamp() + 43_200) * 1000
    send(
        demo_server,
        f"{MADE} 5 {noon}",
        f"{MADE} 9 {round(START) * 1000 + 500}",
        f"other_total 9 {noon - 86_400_000}",
    )
    day = yesterday.isoformat()
    assert pending() == {DAY: Reason.NEW, day: Reason.NEW}
    materialize(pending_batches(select(ASSET)), ephemeral_instance)
    assert pending() == {}
    before = len(published())
    send(demo_server, f"{MADE} 7 {noon + 600_000}")
    assert pending() == {day: Reason.CHANGED}
    materialize(pending_batches(select(ASSET)), ephemeral_instance)
    assert pending() == {}
    assert len(published()) == before + 20  # a sample is seen for five minutes
    monkeypatch.setenv("MARTS_METRICS_STEP_SECONDS", "60")
    assert pending() == {DAY: Reason.CHANGED, day: Reason.CHANGED}


def test_what_prometheus_forgets_stays_in_the_table(
    demo_server: PrometheusServer,
    table: None,
    ephemeral_instance: DagsterInstance,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    yesterday = datetime.combine(datetime.now(UTC).date() - timedelta(days=1), datetime.min.time(), UTC)
    noon = round(yesterday.timestamp() + 43_200) * 1000
    late = [f"{MADE} {value} {noon + value * 60_000}" for value in range(3)]
    send(demo_server, f"{MADE} 0 {noon - 21_600_000}", *late)
    materialize(pending_batches(select(ASSET)), ephemeral_instance)
    before = published()
    with demo_prometheus(tmp_path_factory.mktemp("later")) as server:
        monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url)
        # All of the day is forgotten, then all but its end is there.
        assert pending() == {}
        with pytest.raises(AuditFailed, match="nothing_forgotten"):
            load(yesterday.date().isoformat())
        send(server, *late)
        assert pending() == {}
        with pytest.raises(AuditFailed, match="nothing_forgotten"):
            load(yesterday.date().isoformat())
        assert published() == before
        # Late samples are news, as ever, where nothing is forgotten.
        send(server, f"{MADE} 0 {noon - 21_600_000}", f"{MADE} 9 {noon + 7_200_000}")
        assert pending() == {yesterday.date().isoformat(): Reason.CHANGED}
        load(yesterday.date().isoformat())
        assert len(published()) == len(before) + 20


def test_day_is_not_overwritten_by_one_that_lacks_a_series_or_hours(
    demo_server: PrometheusServer,
    table: None,
    ephemeral_instance: DagsterInstance,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store of a federation that is away leaves the day's first time as it is."""
    begin = round(START) * 1000

    def lines(metric: str, *hours: int) -> list[str]:
        return [f"{metric} {hour} {begin + hour * 3_600_000}" for hour in hours]

    send(demo_server, *lines(MADE, 1, 5, 9), *lines(FAILED, 1, 5))
    load(DAY)
    before = published()
    for place, part in enumerate(
        [
            # A series is gone, and another has more samples than both had.
            lines(MADE, 1, 2, 3, 4, 5, 6, 7, 8, 9),
            # Hours in the middle, or at the end, are gone.
            [*lines(MADE, 1, 2, 9), *lines(FAILED, 1, 5)],
            [*lines(MADE, 1, 5), *lines(FAILED, 1, 5)],
        ]
    ):
        with demo_prometheus(tmp_path_factory.mktemp(f"part{place}")) as server:
            monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url)
            send(server, *part)
            with pytest.raises(AuditFailed, match="nothing_forgotten"):
                load(DAY)
    assert published() == before
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", demo_server.url)
    send(demo_server, *lines(MADE, 12))
    load(DAY)
    # Under a longer step, single samples fall between its times.
    monkeypatch.setenv("MARTS_METRICS_STEP_SECONDS", "1800")
    load(DAY)
    assert len(published()) == 6


def test_today_is_read_up_to_a_multiple_of_the_refresh_and_grows_with_it(
    demo_server: PrometheusServer, table: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    monkeypatch.setenv("MARTS_METRICS_REFRESH_SECONDS", "20")
    extract = metrics.MetricsSource().samples(slice_of(DAILY, now.date().isoformat()))
    assert extract.read_until is not None
    assert now - timedelta(seconds=60) < extract.read_until <= datetime.now(UTC) - timedelta(seconds=15)
    assert extract.read_until.timestamp() % 20 == 0
    assert metrics.MetricsSource().samples(slice_of(DAILY, DAY)).read_until is None


def test_the_bound_leaves_scrapes_their_time() -> None:
    now = settings.load()
    moment = datetime(2024, 3, 1, 12, 5, 14, tzinfo=UTC)
    assert metrics.read_bound(moment, now) == datetime(2024, 3, 1, 12, tzinfo=UTC)
    assert metrics.read_bound(moment + timedelta(seconds=1), now) == datetime(2024, 3, 1, 12, 5, tzinfo=UTC)
    assert date(2024, 3, 1) == moment.date()
