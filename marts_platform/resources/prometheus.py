"""Prometheus, read over its HTTP API: a window on a grid of times, in answers that stay below its limits."""

from __future__ import annotations

import contextlib
import math
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote, urlsplit

import dagster as dg

from marts_platform import settings
from marts_platform.core.faults import PassingFault, with_retries

if TYPE_CHECKING:
    from collections.abc import Collection, Generator, Iterator, Mapping

    import httpx

    from marts_platform.core.window import Window

# Prometheus refuses a range query with more than 11 000 points a series.
MAX_POINTS = 10_000
_CONNECT_SECONDS = 10
_ATTEMPTS = 3
# Too many requests, and what a proxy or a starting server answers, pass; other 4xx stay.
_TOO_MANY = 429
# What federations say of an answer in which series are missing, beside `warnings`.
_PARTIAL = ("isPartial", "partial")


_HELP = "`marts up prometheus` starts the embedded one, `marts status` lists all servers"


class PrometheusError(settings.ExpectedError):
    """Prometheus refused a request; the same one would be refused again. The message is the server's."""


@dataclass(frozen=True, slots=True)
class Series:
    """One time series of an answer.

    Attributes:
        labels: all of them, ``__name__`` too where the expression keeps it.
        points: time in milliseconds since 1970 and value, oldest first. NaN and infinities are values; where
            the series is stale there is no point.
        histograms: number of further points that are native histograms and no numbers.
    """

    labels: Mapping[str, str]
    points: tuple[tuple[int, float], ...]
    histograms: int = 0


@dataclass(frozen=True, slots=True)
class Grid:
    """Evenly spaced times, in milliseconds since 1970; both ends are among them.

    Attributes:
        first: the first time.
        last: the last one; before `first` if there is none.
        step: between two of them.
    """

    first: int
    last: int
    step: int

    @classmethod
    def of(cls, window: Window, step_seconds: int) -> Grid:
        """The multiples of the step, counted from 1970, in a half-open window."""
        step = step_seconds * 1000
        first = -(-milliseconds(window.start.timestamp()) // step) * step
        last = (-(-milliseconds(window.end.timestamp()) // step) - 1) * step
        return cls(first, last, step)

    def __len__(self) -> int:
        return max((self.last - self.first) // self.step + 1, 0)

    def chunks(self, points: int = MAX_POINTS) -> Iterator[Grid]:
        """The same times in pieces of so many."""
        for first in range(self.first, self.last + 1, points * self.step):
            yield Grid(first, min(self.last, first + (points - 1) * self.step), self.step)


class PrometheusResource(dg.ConfigurableResource[Any]):
    """A Prometheus, named by the setting that holds its URL; user and password of the URL are basic auth."""

    setting: str = "prometheus_url"

    @contextlib.contextmanager
    def connect(self, timeout_seconds: float) -> Generator[Prometheus]:
        """A client, whose connections are kept until the end.

        Args:
            timeout_seconds: of one request, here and as a limit of the query at the server.

        Raises:
            SettingsError: the URL is not set.
        """
        import httpx

        parts = urlsplit(settings.load().url(self.setting))
        host = parts.netloc.rpartition("@")[2]
        auth = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        with httpx.Client(
            base_url=f"{parts.scheme}://{host}{parts.path}".rstrip("/"),
            auth=auth,
            # A little more than the server's own limit, whose message says more.
            timeout=httpx.Timeout(timeout_seconds + 5, connect=_CONNECT_SECONDS),
            headers={"User-Agent": "marts_platform"},
        ) as client:
            yield Prometheus(client, settings.variable(self.setting), timeout_seconds)


class Prometheus:
    """The questions that the platform asks."""

    def __init__(self, client: httpx.Client, variable: str, timeout_seconds: float) -> None:
        """Asks through a client; `variable` names the setting in messages."""
        self._client = client
        self._where = f"Prometheus at {client.base_url.host}:{client.base_url.port or ''} ({variable})"
        self._see = f"See {variable} in `marts status`"
        self._timeout = timeout_seconds

    def query_range(self, expression: str, grid: Grid) -> list[Series]:
        """An expression at the times of a grid of at most `MAX_POINTS`; see `Grid.chunks`."""
        if not grid:
            return []
        bounds = {"start": _seconds(grid.first), "end": _seconds(grid.last), "step": _seconds(grid.step)}
        found = self._series("query_range", {"query": expression, **bounds}, ("matrix",))
        asked = range(grid.first, grid.last + 1, grid.step)
        if any(at not in asked for series in found for at, _ in series.points):
            raise PrometheusError(f"{self._where} answered {expression} at times that were not asked for")
        return found

    def query(self, expression: str, at: int) -> list[Series]:
        """An expression at one time (milliseconds since 1970).

        Of a plain expression a point a series; of a range such as ``up[1m]`` the raw samples.
        """
        return self._series("query", {"query": expression, "time": _seconds(at)}, ("vector", "matrix"))

    def has_series(self, selector: str, start: int, end: int) -> bool:
        """Whether any series has samples between two times (milliseconds since 1970), by the index."""
        bounds = {"start": _seconds(start), "end": _seconds(end)}
        found = self._ask("series", {"match[]": selector, **bounds})
        if not isinstance(found, list):
            raise PrometheusError(f"{self._where} answered series of {selector} with no list")
        return bool(cast("list[Any]", found))

    def _series(self, endpoint: str, form: dict[str, str], kinds: Collection[str]) -> list[Series]:
        """Ask for series.

        Raises:
            PrometheusError: the answer has another form.
        """
        data = self._ask(endpoint, form)
        try:
            if data["resultType"] not in kinds:
                raise ValueError(
                    f"a result of the kind {data['resultType']!r}, expected {' or '.join(kinds)}"
                )
            return [_parsed(found) for found in data["result"]]
        except (LookupError, TypeError, ValueError) as fault:
            raise PrometheusError(
                f"{self._where} answered {endpoint} of {form['query']} in a form that is not understood: "
                f"{type(fault).__name__}: {fault}"
            ) from fault

    def _ask(self, endpoint: str, form: dict[str, str]) -> Any:
        if endpoint != "series":
            form["timeout"] = f"{math.ceil(self._timeout)}s"
        return with_retries(lambda: self._try(endpoint, form), _ATTEMPTS)

    def _try(self, endpoint: str, form: Mapping[str, str]) -> Any:
        import httpx

        began = time.monotonic()
        try:
            answer = self._client.post(f"/api/v1/{endpoint}", data=dict(form))
        except httpx.TransportError as error:
            seconds = time.monotonic() - began
            reason = f"{type(error).__name__} after {seconds:.1f} s: {error}"
            raise PassingFault(f"{self._where} did not answer {endpoint}: {reason}. {_HELP}") from error
        return self._content(endpoint, form, answer)

    def _content(self, endpoint: str, form: Mapping[str, str], answer: httpx.Response) -> Any:
        body = _object(answer)
        if answer.is_success and body.get("status") == "success":
            warnings: list[str] = body.get("warnings") or []
            partial = [text for text in warnings if not text.startswith("PromQL ")]
            partial += [f"{name}: {body[name]}" for name in _PARTIAL if _says_yes(body.get(name))]
            if partial:
                # Of a federation (Thanos, Mimir, VictoriaMetrics): a store did not answer, so series miss.
                raise PassingFault(f"{self._where} answered {endpoint} only in part: {'; '.join(partial)}")
            if "data" not in body:
                fields = ", ".join(body)
                raise PrometheusError(f"{self._where} answered {endpoint} without data, with {fields}")
            return body["data"]
        said = body.get("error") or answer.text[:200].strip()
        asked = form.get("query") or form.get("match[]")
        message = (
            f"{self._where} answered {endpoint} of {asked} with {answer.status_code}: {said}. {self._see}"
        )
        if answer.is_server_error or answer.status_code == _TOO_MANY:
            raise PassingFault(message)
        raise PrometheusError(message)


def _object(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; an empty one where a proxy answered in something else."""
    try:
        body: Any = answer.json()
    except ValueError:
        return {}
    return cast("dict[str, Any]", body) if isinstance(body, dict) else {}


def milliseconds(seconds: float | str) -> int:
    """A time of the API, in seconds with up to three decimals, as milliseconds."""
    return round(float(seconds) * 1000)


def duration(span: int) -> str:
    """Milliseconds as a duration of PromQL."""
    return f"{span}ms"


def selector(*metrics: str) -> str:
    """Every series of these metrics."""
    return f'{{__name__=~"{"|".join(metrics)}"}}'


def matching(labels: Mapping[str, str]) -> str:
    """The one series with these labels."""
    return "{" + ",".join(f"{name}={_quoted(value)}" for name, value in sorted(labels.items())) + "}"


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _seconds(moment: int) -> str:
    return f"{moment // 1000}.{moment % 1000:03d}"


def _says_yes(value: object) -> bool:
    return value not in (None, False, 0, "", "false", "0")


def _parsed(found: Mapping[str, Any]) -> Series:
    """Return a series of an answer.

    Raises:
        ValueError: a value is no number, or times do not grow.
        LookupError: a part is missing.
    """
    # Values come as text: JSON has neither NaN nor Inf.
    points = tuple((milliseconds(at), float(value)) for at, value in _listed(found, "value"))
    histograms = len(_listed(found, "histogram"))
    if not points and not histograms:
        raise LookupError(f"a series has {', '.join(found)} and no values")
    if any(after <= before for (before, _), (after, _) in pairwise(points)):
        raise ValueError("the times of a series do not grow")
    return Series(dict(found["metric"]), points, histograms)


def _listed(found: Mapping[str, Any], name: str) -> list[Any]:
    """Return the points of a matrix (``values``) or the one of a vector (``value``)."""
    return found.get(f"{name}s") or ([found[name]] if name in found else [])
