"""The demo's Prometheus beside a real one: the same samples, the same questions, the same answers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from marts_platform.embedded.prometheus import PrometheusServer
from marts_platform.embedded.prometheus_samples import BadDataError, Samples
from marts_platform.resources.prometheus import Grid, PrometheusError, PrometheusResource
from marts_platform_tests.prometheus import History, RealPrometheus, demo_prometheus, real_prometheus

HISTORY = History()
ODD_VALUES = [0.25, math.nan, math.inf, -math.inf, 1e-9]
# Counters with resets, a gap that is longer than the look-back, odd labels and odd values. No sample lies on
# the older end of a range: that end belongs to the range up to Prometheus 2, and to none from 3 on, nor here.
HISTORY.add(
    "made_total", [(at + 0.001, float(at % 700)) for at in range(100, 7000, 10)], '{path="a\\"b\\\\c\\nd"}'
)
HISTORY.add("made_total", [(at + 0.123, float(at)) for at in range(100, 7000, 17)], '{path="b"}')
HISTORY.add("failed_total", [(at + 0.002, float(at)) for at in [*range(0, 1000, 15), *range(3000, 4000, 15)]])
HISTORY.add("seconds", [(60 * n + 0.003, ODD_VALUES[n % 5]) for n in range(100)])
SELECTORS = [
    "made_total",
    'made_total{path="a\\"b\\\\c\\nd"}',
    'made_total{path!="b"}',
    '{__name__=~"made_total|seconds"}',
    '{__name__=~".+_total", path!~"a.*"}',
    'made_total{path=~"a|b", nowhere=""}',
]
FUNCTIONS = [
    "resets(made_total[2m])",
    "resets(failed_total[1500s])",
    'last_over_time({__name__=~"made_total|failed_total"}[1h])',
    'sum_over_time(count({__name__=~"made_total|seconds"})[1799001ms:15s])',
]
GRID = Grid(1_000_000, 6_500_000, 15_000)


@pytest.fixture(scope="module")
def real() -> Iterator[RealPrometheus]:
    with real_prometheus(HISTORY) as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusServer]:
    with demo_prometheus(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="module")
def filled(server: PrometheusServer) -> PrometheusServer:
    for added in (sum(len(points) for by in HISTORY.samples.values() for points in by.values()), 0):
        answer = httpx.post(
            f"{server.url}/api/v1/import/prometheus", content=HISTORY.text(), trust_env=False, timeout=30
        )
        # The second time nothing is new.
        assert answer.json() == {"status": "success", "data": {"added": added}}
    return server


def asked(url: str, expression: str, patch: pytest.MonkeyPatch) -> list[str]:
    """The answers of a server, in a form in which NaN equals itself."""
    patch.setenv("MARTS_PROMETHEUS_URL", url)
    answers: list[str] = []
    with PrometheusResource().connect(30) as client:
        for at in (0, 1_000_000, 2_999_999, 3_000_000, 6_990_004):
            found = client.query(expression, at)
            answers += sorted(f"{at} {sorted(series.labels.items())} {series.points}" for series in found)
        if not expression.endswith("]"):
            found = client.query_range(expression, GRID)
            answers += sorted(f"{sorted(series.labels.items())} {series.points}" for series in found)
    return answers


@pytest.mark.parametrize("expression", [*SELECTORS, *(f"{one}[10m]" for one in SELECTORS), *FUNCTIONS])
def test_it_answers_as_a_real_one(
    expression: str, real: RealPrometheus, filled: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = asked(real.url, expression, monkeypatch), asked(filled.url, expression, monkeypatch)
    assert len(there) > 1
    assert here == there


def test_the_index_and_the_labels_are_as_a_real_ones(
    real: RealPrometheus, filled: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    spans = [(0, 50_000), (7_200_000, 9_000_000), (0, 8_000_000), (3_500_000, 3_600_000)]
    answers: list[list[bool]] = []
    for url in (real.url, filled.url):
        monkeypatch.setenv("MARTS_PROMETHEUS_URL", url)
        with PrometheusResource().connect(30) as client:
            answers.append([client.has_series("made_total", *span) for span in spans])
    assert answers[0] == answers[1] and set(answers[0]) == {True, False}
    labels = httpx.get(f"{filled.url}/api/v1/labels", trust_env=False).json()["data"]
    # It scrapes an exporter as well.
    assert labels == sorted({*real.ask("labels")} - {"instance", "job"})


@pytest.mark.parametrize(
    "expression", ["rate(made_total[5m])", "made_total + 1", "made_total[x]", "{path=b}", ""]
)
def test_what_it_cannot_answer_it_refuses(
    expression: str, filled: PrometheusServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MARTS_PROMETHEUS_URL", filled.url)
    with PrometheusResource().connect(30) as client, pytest.raises(PrometheusError):
        client.query(expression, 0)


def test_nobody_without_the_password_is_answered(filled: PrometheusServer) -> None:
    address = "http://" + filled.url.partition("@")[2]
    for path in ("/api/v1/query?query=up&time=0", "/version", "/api/v1/labels"):
        assert httpx.get(address + path, trust_env=False).status_code == 401
    assert (
        httpx.post(f"{address}/api/v1/import/prometheus", content="a 1 1", trust_env=False).status_code == 401
    )


def test_samples_outlive_the_process_and_a_line_that_a_kill_cut_off_does_not(tmp_path: Path) -> None:
    file = tmp_path / "samples.txt"
    kept = Samples(file)
    assert kept.add('up{a="b"} 1 1000\n# a comment\nup{a="b"} 2 2000\n') == 2
    with file.open("a") as cut:
        cut.write('up{a="b"} 3 30')
    again = Samples(file)
    assert (
        again.query("up", 5000)
        == kept.query("up", 5000)
        == (
            "vector",
            [((("__name__", "up"), ("a", "b")), [(5000, 2.0)])],
        )
    )
    assert again.add('up{a="b"} 3 3000') == 1
    assert Samples(file).query("up", 5000)[1][0][1] == [(5000, 3.0)]


def test_a_line_that_cannot_be_read_keeps_the_others_out_too(tmp_path: Path) -> None:
    kept = Samples(tmp_path / "samples.txt")
    with pytest.raises(BadDataError, match="not `name"):
        kept.add("up 1 1000\nup one")
    with pytest.raises(BadDataError, match="no number"):
        kept.add("up 1 1000\nup one 1000")
    assert kept.query("up", 5000) == ("vector", [])
