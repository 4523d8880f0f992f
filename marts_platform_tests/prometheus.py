"""Prometheus for tests: a real one with a history of promtool's, the demo's, and an exporter to scrape."""

from __future__ import annotations

import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from typing_extensions import override

from marts_platform.embedded.prometheus import PrometheusServer
from marts_platform.embedded.server import free_port
from marts_platform_tests import databases

BINARY = "MARTS_TEST_PROMETHEUS"
USER, PASSWORD = "reader", "p@ss:wört/1"
# bcrypt, as Prometheus wants it, with few rounds, since it is checked with every request.
_PASSWORD_HASH = "$2b$04$4oG5MDxdr/OmxdZlDyrdmuOVQ8UN8NYyDST5rJv.dmF5Gq.epecrW"

Labels = Mapping[str, str]


@dataclass
class Exporter:
    """Answers what it is told to, in Prometheus' text format; it is down until it has something to say."""

    text: str = ""
    port: int = field(default_factory=free_port)

    def say(self, values: Mapping[str, float]) -> None:
        """Sets the samples, by name with labels."""
        self.text = "".join(f"{name} {value!r}\n" for name, value in values.items())

    @contextmanager
    def running(self) -> Generator[Exporter]:
        """Serves until the end."""
        exporter = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = exporter.text.encode()
                self.send_response(200 if body else 503)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@dataclass
class History:
    """Samples of the past: by metric, then by labels as ``{a="b"}``, times in seconds and values."""

    samples: dict[str, dict[str, list[tuple[float, float]]]] = field(
        default_factory=dict[str, dict[str, "list[tuple[float, float]]"]]
    )

    def add(self, metric: str, points: Iterable[tuple[float, float]], labels: str = "") -> None:
        """Adds samples of a series, oldest first."""
        self.samples.setdefault(metric, {}).setdefault(labels, []).extend(points)

    def openmetrics(self) -> str:
        """The text that promtool reads."""
        lines: list[str] = []
        for metric, by_labels in self.samples.items():
            # Without a type every name will do, also a counter's.
            lines.append(f"# TYPE {metric} unknown")
            for labels, points in by_labels.items():
                lines += [f"{metric}{labels} {value!r} {at:.3f}" for at, value in points]
        return "\n".join([*lines, "# EOF", ""])

    def text(self) -> str:
        """The text that the demo's Prometheus takes."""
        return "".join(
            f"{metric}{labels} {value!r} {round(at * 1000)}\n"
            for metric, by_labels in self.samples.items()
            for labels, points in by_labels.items()
            for at, value in points
        )


@dataclass(frozen=True)
class RealPrometheus:
    """A running server. `url` holds user and password."""

    url: str
    address: str
    exporter: Exporter

    def ask(self, endpoint: str, **form: str | float) -> Any:
        """The ``data`` of an answer, asked for without the platform's client."""
        answer = httpx.post(
            f"{self.address}/api/v1/{endpoint}", data=form, auth=(USER, PASSWORD), trust_env=False, timeout=30
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def real_prometheus(history: History) -> Generator[RealPrometheus]:
    """Runs the program that `BINARY` names over a history, and lets it scrape an exporter every second."""
    binary = databases.service(BINARY)
    with (
        tempfile.TemporaryDirectory(prefix="marts-tests-prometheus-") as name,
        Exporter().running() as exporter,
    ):
        folder = Path(name)
        (folder / "history.txt").write_text(history.openmetrics(), "utf-8")
        subprocess.run(
            [Path(binary).with_name("promtool"), "tsdb", "create-blocks-from", "openmetrics"]
            + ["history.txt", "data"],
            cwd=folder, check=True, capture_output=True,
        )  # fmt: skip
        (folder / "web.yml").write_text(f"basic_auth_users:\n  {USER}: {_PASSWORD_HASH}\n", "utf-8")
        (folder / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
            "scrape_configs:\n"
            f"- {{job_name: prober, static_configs: [{{targets: ['127.0.0.1:{exporter.port}']}}]}}\n",
            "utf-8",
        )
        port = free_port()
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [binary, "--config.file=prometheus.yml", "--web.config.file=web.yml"]
                + ["--storage.tsdb.path=data", "--storage.tsdb.retention.time=100y"]
                + [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"],
                cwd=folder, stderr=log, start_new_session=True,
            )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            until(lambda: _is_ready(address, process, folder / "log"))
            yield RealPrometheus(
                f"http://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}", address, exporter
            )
        finally:
            process.kill()
            process.wait()


def _is_ready(address: str, process: subprocess.Popen[bytes], log: Path) -> bool:
    assert process.poll() is None, log.read_text("utf-8")
    try:
        return (
            httpx.get(f"{address}/-/ready", auth=(USER, PASSWORD), trust_env=False, timeout=5).status_code
            == 200
        )
    except httpx.TransportError:
        return False


def until(holds: Callable[[], bool], seconds: float = 30) -> None:
    """Waits until something holds."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come to hold"
        time.sleep(0.05)


@contextmanager
def demo_prometheus(folder: Path) -> Generator[PrometheusServer]:
    """The demo's Prometheus, which can be sent samples of any time."""
    server = PrometheusServer(folder / "prometheus", {}, lambda: None)
    server.start()
    try:
        yield server
    finally:
        server.stop()
