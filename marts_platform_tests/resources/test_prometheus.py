"""The samples of a window, as a real Prometheus has them."""

from __future__ import annotations

import ast
import base64
import io
import json
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any, ClassVar

import pytest
from typing_extensions import override

from marts_platform.core import faults
from marts_platform.core.faults import PassingFault
from marts_platform.core.window import Window
from marts_platform.embedded.server import free_port
from marts_platform.resources.prometheus import Grid, PrometheusError, PrometheusResource, selector
from marts_platform.resources.prometheus_samples import Kind, Samples, growth_of
from marts_platform_tests.prometheus import PASSWORD, History, RealPrometheus, real_prometheus, until

D1, D2 = date(2024, 3, 1), date(2024, 3, 2)
START = datetime(2024, 3, 1, tzinfo=UTC).timestamp()
METRICS = {"made_total": Kind.COUNTER, "failed_total": Kind.COUNTER, "seconds": Kind.GAUGE}
STRANGE = '{path="a\\"b\\\\c\\n\'d",zone="Ünder"}'
LOOKBACK = 300


@dataclass
class Past:
    """A history, and the samples of each of its series."""

    history: History
    series: dict[tuple[str, str], list[tuple[float, float]]]


def make_past() -> Past:
    """Two days: counters with resets within steps, across gaps and at midnight, a late one, odd gauges."""
    dice = random.Random(6)
    made: dict[tuple[str, str], list[tuple[float, float]]] = {}

    def counter(
        first: float, *, reset_share: float, gaps: list[tuple[float, float]]
    ) -> list[tuple[float, float]]:
        points: list[tuple[float, float]] = []
        value, at = float(dice.randrange(1000)), first
        while at < START + 2 * 86400 - 10:
            at += dice.choice([14.9, 15.0, 15.1])
            value = float(dice.randrange(4)) if dice.random() < reset_share else value + dice.randrange(3)
            if not any(begin <= at - START < end for begin, end in gaps):
                points.append((round(at, 3), value))
        return points

    # A gap that is longer than the look-back, one that ends with a reset, one over midnight.
    gaps = [(3600.0, 5000.0), (40_000.0, 40_400.0), (86_000.0, 87_000.0)]
    made["made_total", STRANGE] = counter(START - 7200, reset_share=0.002, gaps=gaps)
    made["made_total", '{path="other"}'] = counter(START - 7200, reset_share=0.05, gaps=[])
    # The same labels and one more.
    made["made_total", '{path="other",more="1"}'] = counter(START - 7200, reset_share=0.01, gaps=[])
    made["made_total", '{path="quick"}'] = quick_counter()
    made["failed_total", ""] = counter(START + 50_000, reset_share=0.0, gaps=[])
    odd = [math.nan, math.inf, -math.inf, 1e-300, 12345678.875, -0.5]
    made["seconds", ""] = [(START + 600 * place, odd[place % len(odd)]) for place in range(288)]
    made["other_seconds", ""] = [(START, 1.0)]
    history = History()
    for (metric, labels), points in made.items():
        history.add(metric, points, labels)
    return Past(history, made)


def quick_counter() -> list[tuple[float, float]]:
    """Restarts after shorter and longer times, and has grown again before the grid's next time."""
    points: list[tuple[float, float]] = []
    begin = START + 3.0
    for away in [20, 50, 100, 200, 290, 310, 400, 4000, 70, 130]:
        points += [(begin + 2.0 * place, float(place)) for place in range(4)]
        begin += 8 + away
    # At midnight as well: away since before it, or back before it.
    for begin in (START + 86_400 - 65, START + 86_400 - 8, START + 86_400 + 52):
        points += [(begin + 2.0 * place, float(place)) for place in range(4)]
    return points


PAST = make_past()


@pytest.fixture(scope="module")
def server() -> Iterator[RealPrometheus]:
    with real_prometheus(PAST.history) as running:
        yield running


@pytest.fixture
def resource(server: RealPrometheus, monkeypatch: pytest.MonkeyPatch) -> PrometheusResource:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url)
    return PrometheusResource()


Row = dict[str, Any]


def rows_of(samples: Samples) -> list[Row]:
    """What is sent, read as tab-separated text is."""
    sink = io.BytesIO()
    count = samples.send(sink)
    rows: list[Row] = []
    for line in sink.getvalue().decode().splitlines():
        row: Row = dict(zip(samples.columns, line.split("\t"), strict=True))
        at = datetime.strptime(row["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
        # Python reads ClickHouse's form of a map too.
        labels = json.dumps(ast.literal_eval(row["labels"]), sort_keys=True)
        numbers = {name: None if row[name] == "\\N" else float(row[name]) for name in ("value", "increase")}
        rows.append({**row, "at": at, "labels": labels, **numbers})
    assert count == len(rows)
    return rows


def samples_of(resource: PrometheusResource, window: Window | None, step: int = 15) -> Samples:
    return Samples(resource, METRICS, window, step, timeout_seconds=30)


def answered(
    server: RealPrometheus, start: float, end: float, step: int
) -> dict[tuple[str, str, float], float]:
    """What Prometheus answers for the same times, asked for in small pieces and without the platform."""
    found: dict[tuple[str, str, float], float] = {}
    for first in range(int(start), int(end), 3600):
        last = min(first + 3600, int(end)) - step
        data = server.ask("query_range", query=selector(*METRICS), start=first, end=last, step=step)
        for series in data["result"]:
            labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
            for at, value in series["values"]:
                key = series["metric"]["__name__"], json.dumps(labels, sort_keys=True), at
                found[key] = float(value)
    return found


def parsed(labels: str) -> str:
    """Labels in the text format as JSON."""
    pairs = {}
    for pair in filter(None, labels.strip("{}").split(",")):
        name, _, value = pair.partition("=")
        pairs[name] = json.loads(value)
    return json.dumps(pairs, sort_keys=True)


def true_growth(start: float, end: float, step: int) -> dict[tuple[str, str, float], float]:
    """By how much each counter grew before each time of the grid, told from every one of its samples."""
    grown: dict[tuple[str, str, float], float] = {}
    for (metric, labels), points in PAST.series.items():
        if METRICS.get(metric) is not Kind.COUNTER:
            continue
        previous: float | None = None
        pending, place = 0.0, 0
        for at in range(int(start) - 86_400, int(end), step):
            while place < len(points) and points[place][0] <= at:
                value = points[place][1]
                if previous is not None:
                    pending += value - previous if value >= previous else value
                previous, place = value, place + 1
            is_visible = place > 0 and points[place - 1][0] > at - LOOKBACK
            if is_visible:
                if at >= start:
                    grown[metric, parsed(labels), float(at)] = pending
                pending = 0.0
    return grown


@pytest.mark.parametrize("step", [5, 60])
def test_the_rows_of_a_day_are_what_prometheus_answers(
    server: RealPrometheus, resource: PrometheusResource, step: int
) -> None:
    there = answered(server, START, START + 86_400, step)
    rows = rows_of(samples_of(resource, Window.of_day(D1), step))
    # With steps of 5 s a day has more points than one answer may have.
    assert len(there) > 10_000 or step > 5
    here = {(row["metric"], row["labels"], row["at"]): row["value"] for row in rows}
    assert len(here) == len(rows)
    # NULL stands for NaN, which equals nothing.
    assert here == {key: None if math.isnan(value) else value for key, value in there.items()}
    assert {row["metric"] for row in rows} == set(METRICS)
    assert {value for value in here.values() if value is None or math.isinf(value)} == {
        None,
        math.inf,
        -math.inf,
    }


@pytest.mark.parametrize("step", [15, 60])
def test_counters_grow_by_what_all_of_their_samples_tell(resource: PrometheusResource, step: int) -> None:
    rows = [row for day in (D1, D2) for row in rows_of(samples_of(resource, Window.of_day(day), step))]
    here = {
        (row["metric"], row["labels"], row["at"]): row["increase"]
        for row in rows
        if row["increase"] is not None
    }
    assert here == true_growth(START, START + 2 * 86_400, step)
    assert {row["metric"] for row in rows if row["increase"] is None} == {"seconds"}


def test_the_growth_of_some_hours_is_near_prometheus_own_increase(
    server: RealPrometheus, resource: PrometheusResource
) -> None:
    # Which extrapolates to the window's ends. There is no gap in these hours.
    start = datetime(2024, 3, 2, 6, tzinfo=UTC)
    rows = rows_of(samples_of(resource, Window(start, start + timedelta(hours=6)), 60))
    there = server.ask("query", query="increase(made_total[6h])", time=start.timestamp() + 6 * 3600)["result"]
    assert len(there) == 3
    for series in there:
        labels = json.dumps(series["metric"], sort_keys=True)
        grown = sum(
            row["increase"] for row in rows if row["metric"] == "made_total" and row["labels"] == labels
        )
        assert grown == pytest.approx(float(series["value"][1]), rel=0.01)


def test_a_scraped_counter_goes_on_after_its_process_restarts(
    server: RealPrometheus, resource: PrometheusResource
) -> None:
    exporter = server.exporter

    def seen() -> float | None:
        found = server.ask("query", query='made_total{job="prober"}')["result"]
        return float(found[0]["value"][1]) if found else None

    began = datetime.now(UTC).replace(microsecond=0)
    for value in (5.0, 9.0):
        exporter.say({"made_total": value, "seconds": math.nan, "unasked_total": 1.0})
        until(lambda value=value: seen() == value)
    exporter.text = ""
    until(lambda: seen() is None)  # stale at once, not after five minutes
    exporter.say({"made_total": 3.0, "seconds": 0.25})
    until(lambda: seen() == 3.0)
    time.sleep(2)  # until a full second after it has passed
    window = Window(began, datetime.now(UTC).replace(microsecond=0))
    rows = rows_of(samples_of(resource, window, step=1))
    there = answered(server, window.start.timestamp(), window.end.timestamp(), 1)
    assert {(row["metric"], row["labels"], row["at"]) for row in rows} == set(there)
    counter = [row for row in rows if row["metric"] == "made_total"]
    assert sum(row["increase"] for row in counter) == 9 - 5 + 3, counter
    # A hole in the times shows that the exporter was down.
    assert len({row["at"] for row in counter}) < counter[-1]["at"] - counter[0]["at"] + 1


def test_a_window_without_samples_gives_no_rows(resource: PrometheusResource) -> None:
    assert rows_of(samples_of(resource, Window.of_day(date(2020, 1, 1)))) == []
    assert rows_of(samples_of(resource, None)) == []


def test_the_index_tells_which_spans_have_series(resource: PrometheusResource) -> None:
    def has(name: str, first: float, last: float) -> bool:
        with resource.connect(10) as server:
            return server.has_series(selector(name), round(first * 1000), round(last * 1000))

    assert has("made_total", START, START + 86_399)
    assert not has("made_total", START - 5 * 86_400, START - 2 * 86_400)
    assert not has("absent_total", START, START + 86_399)


def test_a_refused_query_fails_at_once_with_what_prometheus_said(resource: PrometheusResource) -> None:
    with resource.connect(10) as server, pytest.raises(PrometheusError, match="parse error") as caught:
        server.query("up{", 0)
    assert "MARTS_PROMETHEUS_URL" in str(caught.value)


def test_too_many_points_are_refused_and_never_asked_for(resource: PrometheusResource) -> None:
    grid = Grid.of(Window.of_days(D1, date(2024, 3, 9)), 15)
    with resource.connect(10) as server:
        with pytest.raises(PrometheusError, match="11,000 points"):
            server.query_range("made_total", grid)
        pieces = list(grid.chunks())
        assert all(len(piece) <= 11_000 for piece in pieces)
    assert sum(map(len, pieces)) == len(grid) == 8 * 86_400 // 15
    assert [after.first - before.last for before, after in zip(pieces, pieces[1:], strict=False)] == [
        15_000
    ] * (len(pieces) - 1)


def test_a_wrong_password_is_permanent_and_no_secret_is_said(
    server: RealPrometheus, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", server.url.replace("%2F1", "%2F2"))
    with PrometheusResource().connect(10) as client, pytest.raises(PrometheusError, match="401") as caught:
        client.query("up", 0)
    assert PASSWORD[:5] not in str(caught.value)


@dataclass
class Answers:
    """A server of HTTP that gives prepared answers, and notes who asked."""

    port: int
    asked: list[str]


@pytest.fixture
def answers(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Answers]:
    prepared: list[tuple[int, str]] = list(request.param)
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        left: ClassVar[list[tuple[int, str]]] = prepared

        def do_POST(self) -> None:
            asked.append(str(self.headers.get("Authorization")))
            self.rfile.read(int(self.headers["Content-Length"]))
            status, body = self.left.pop(0)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body.encode())

        @override
        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", free_port()), Handler)
    thread = Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", f"http://u:p%40ss@127.0.0.1:{server.server_port}/base/")
    # The waits between tries have a test of their own.
    monkeypatch.setattr(faults, "wait_random_exponential", lambda **_: lambda _: 0.0)
    yield Answers(server.server_port, asked)
    server.shutdown()
    thread.join()
    server.server_close()


SUCCESS = '{"status": "success", "data": {"resultType": "vector", "result": []}}'
PARTIAL = SUCCESS.replace('"data"', '"warnings": ["store 2 is down"], "data"')
IS_PARTIAL = SUCCESS.replace('"data"', '"isPartial": true, "data"')
WHOLE = SUCCESS.replace(
    '"data"', '"isPartial": false, "infos": ["hint"], "stats": {}, "warnings": null, "data"'
)
HINTED = SUCCESS.replace('"data"', '"warnings": ["PromQL info: metric might not be a counter"], "data"')


@pytest.mark.parametrize(
    "answers",
    [
        [(503, "starting"), (429, "later"), (200, SUCCESS)],
        [(503, '{"status": "error", "errorType": "timeout", "error": "slow"}'), (200, SUCCESS)],
        [(200, PARTIAL), (200, SUCCESS)],
        [(200, IS_PARTIAL), (200, SUCCESS)],
        [(200, HINTED)],
        [(200, WHOLE)],
    ],
    indirect=True,
)
def test_passing_faults_and_partial_answers_are_tried_again(answers: Answers) -> None:
    with PrometheusResource().connect(10) as client:
        assert client.query("up", 0) == []
    assert set(answers.asked) == {f"Basic {base64.b64encode(b'u:p@ss').decode()}"}


def matrix(*series: dict[str, Any], kind: str = "matrix") -> str:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": list(series)}})


LABELS = {"__name__": "made_total"}
HISTOGRAM = {"count": "3", "sum": "1.5", "buckets": []}


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([(200, matrix({"metric": LABELS, "values": [[15, "1"]]}, kind="streams"))], "kind 'streams'"),
        ([(200, matrix({"metric": LABELS, "points": [[15, "1"]]}))], "has metric, points and no values"),
        ([(200, matrix({"metric": LABELS, "values": [[15, "one"]]}))], "could not convert"),
        ([(200, matrix({"values": [[15, "1"]]}))], "KeyError: 'metric'"),
        ([(200, matrix({"metric": LABELS, "values": [[30, "1"], [15, "2"]]}))], "do not grow"),
        ([(200, matrix({"metric": LABELS, "values": [[20, "1"]]}))], "times that were not asked for"),
        ([(200, matrix({"metric": LABELS, "values": [[75, "1"]]}))], "times that were not asked for"),
        ([(200, '{"status": "success"}')], "without data, with status"),
        ([(200, '{"status": "success", "data": {"result": []}}')], "'resultType'"),
        ([(422, '{"status": "error", "errorType": "execution", "error": "too many samples"}')], "too many"),
        ([(200, "[]")], "with 200"),
    ],
    indirect=["answers"],
)
def test_answers_that_are_not_understood_are_refused_by_name(answers: Answers, said: str) -> None:
    grid = Grid(0, 60_000, 15_000)
    with PrometheusResource().connect(10) as client, pytest.raises(PrometheusError, match=said):
        client.query_range("made_total", grid)
    assert len(answers.asked) == 1


EMPTY = matrix()


@pytest.mark.parametrize(
    "answers",
    [
        [
            (200, matrix({"metric": LABELS, "histogram": [0, HISTOGRAM]}, kind="vector")),
            (
                200,
                matrix(
                    {"metric": LABELS, "values": [[START, "2"]], "histograms": [[START + 15, HISTOGRAM]]},
                    {"metric": {"__name__": "seconds"}, "histograms": [[START, HISTOGRAM]] * 2},
                    {"metric": {"__name__": "failed_total"}, "values": [[START, "7"]]},
                ),
            ),
            # The resets of both counters, now and a step before, and the samples of their first growth.
            *[(200, EMPTY)] * 4,
            *[(200, EMPTY)] * 2,
        ]
    ],
    indirect=True,
)
def test_native_histograms_are_named_and_other_samples_load(answers: Answers) -> None:
    start = datetime.fromtimestamp(START, UTC)
    samples = samples_of(PrometheusResource(), Window(start, start + timedelta(minutes=1)))
    assert [(row["metric"], row["value"]) for row in rows_of(samples)] == [
        ("made_total", 2.0), ("failed_total", 7.0),
    ]  # fmt: skip
    assert [(found.source_key, found.reason) for found in samples.rejected] == [
        ('{__name__="made_total"}', "1 native histograms of made_total, which are no numbers"),
        ('{__name__="seconds"}', "2 native histograms of seconds, which are no numbers"),
    ]
    assert samples.seen == 5
    assert [text.split()[0] for text in samples.warnings] == ["made_total", "seconds"]


@pytest.mark.parametrize("answers", [[(502, "<html>bad gateway")] * 3], indirect=True)
def test_a_fault_that_stays_is_said_with_where_it_was(answers: Answers) -> None:
    expected = rf"127.0.0.1:{answers.port} \(MARTS_PROMETHEUS_URL\).*502.*bad gateway"
    with PrometheusResource().connect(10) as client, pytest.raises(PassingFault, match=expected):
        client.query("up", 0)
    assert len(answers.asked) == 3


def test_a_server_that_is_not_there_is_a_passing_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", f"http://u:s3cret@127.0.0.1:{free_port()}")
    monkeypatch.setattr(faults, "wait_random_exponential", lambda **_: lambda _: 0.0)
    with (
        PrometheusResource().connect(1) as client,
        pytest.raises(PassingFault, match="did not answer") as caught,
    ):
        client.query("up", 0)
    assert "s3cret" not in str(caught.value)


def test_a_lower_value_of_a_counter_began_at_zero() -> None:
    assert growth_of(5, [7, 8, 1, 1, 4]) == 3 + 1 + 3
    assert growth_of(5, []) == 0


def test_a_grid_holds_the_multiples_of_its_step_within_the_window() -> None:
    start = datetime(2024, 3, 1, 0, 0, 7, tzinfo=UTC)
    grid = Grid.of(Window(start, start + timedelta(seconds=30)), 15)
    assert (grid.first, grid.last, len(grid)) == (
        round(START * 1000) + 15_000,
        round(START * 1000) + 30_000,
        2,
    )
    assert len(Grid.of(Window(start, start + timedelta(seconds=3)), 15)) == 0
