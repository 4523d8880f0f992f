"""The samples of a window as rows: what Prometheus answers on a grid, and by how much counters grew.

A counter's growth between two times of the grid is the difference of its values, unless it was reset in
between (its process restarted): then the raw samples of that one step tell it, exactly. Prometheus' own
``increase`` extrapolates, so its sums over windows are no whole numbers and depend on the windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from marts_platform.resources.prometheus import Grid, duration, matching, selector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from marts_platform.core.window import Window
    from marts_platform.resources.prometheus import Prometheus, PrometheusResource, Series

# A counter that was silent for a day before the window begins anew: what it had reached is not looked for.
_MEMORY = 24 * 3600 * 1000

_ESCAPES = str.maketrans({"\\": "\\\\", "'": "\\'", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# The labels of a series, as a key.
Identity: TypeAlias = "tuple[tuple[str, str], ...]"


class Kind(StrEnum):
    """What a metric is."""

    COUNTER = "counter"
    GAUGE = "gauge"


class ExtractCancelledError(Exception):
    """The receiver has failed, so nothing more is read."""


@dataclass(slots=True)
class Samples:
    """The samples of some metrics in a window, as rows in ClickHouse's tab-separated text.

    Attributes:
        source: the Prometheus.
        metrics: by name what they are.
        window: None if nothing of it can be read yet.
        step_seconds: between two times of the grid.
        timeout_seconds: of one request.
    """

    source: PrometheusResource
    metrics: Mapping[str, Kind]
    window: Window | None
    step_seconds: int
    timeout_seconds: float
    format: str = "TabSeparated"
    columns: tuple[str, ...] = ("at", "metric", "kind", "labels", "value", "increase")
    _is_cancelled: bool = field(default=False, init=False, repr=False)

    def send(self, sink: BinaryIO) -> int:
        """Writes every row, chunk by chunk of the grid, and returns their number."""
        rows = 0
        if self.window is None:
            return rows
        grid = Grid.of(self.window, self.step_seconds)
        with self.source.connect(self.timeout_seconds) as server:
            counters = Counters(server, [name for name, kind in self.metrics.items() if kind is Kind.COUNTER])
            counters.begin_at(grid)
            for chunk in grid.chunks():
                if self._is_cancelled:
                    raise ExtractCancelledError("the receiver of the samples has failed")
                found = server.query_range(selector(*self.metrics), chunk)
                growth = counters.growth(found, chunk)
                for series in found:
                    rows += self._write(sink, series, growth.get(identity(series), {}))
        return rows

    def cancel(self) -> None:
        """Ends `send` before its next request."""
        self._is_cancelled = True

    def _write(self, sink: BinaryIO, series: Series, growth: Mapping[int, float]) -> int:
        name = series.labels["__name__"]
        kind = self.metrics[name]
        labels = _map({key: text for key, text in sorted(series.labels.items()) if key != "__name__"})
        for at, value in series.points:
            moment = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
            shown = "\\N" if math.isnan(value) else repr(value)
            increase = repr(growth.get(at, 0.0)) if kind is Kind.COUNTER else "\\N"
            sink.write(f"{moment}\t{name}\t{kind}\t{labels}\t{shown}\t{increase}\n".encode())
        return len(series.points)


class Counters:
    """By how much counters grew, from one time of the grid to the next, across chunks and gaps."""

    def __init__(self, server: Prometheus, metrics: Collection[str]) -> None:
        self._server = server
        self._metrics = metrics
        self._reached: dict[Identity, float] = {}

    def begin_at(self, grid: Grid) -> None:
        """Remembers what each counter had reached before the first time of a grid."""
        if self._metrics and grid:
            expression = f"last_over_time({selector(*self._metrics)}[{duration(_MEMORY)}])"
            for series in self._server.query(expression, grid.first - grid.step):
                value = series.points[-1][1]
                if not math.isnan(value):
                    self._reached[identity(series)] = value

    def growth(self, found: Iterable[Series], grid: Grid) -> dict[Identity, dict[int, float]]:
        """The growth of each counter at each time of a grid; grids come one after another.

        Args:
            found: what Prometheus answers on the grid; series of other metrics are passed over.
            grid: the times.
        """
        resets = self._resets(grid)
        grown: dict[Identity, dict[int, float]] = {}
        for series in found:
            if series.labels["__name__"] not in self._metrics:
                continue
            key = identity(series)
            grown[key] = dict(self._grow(key, series, grid.step, resets.get(key, frozenset())))
        return grown

    def _grow(
        self, key: Identity, series: Series, step: int, resets: Collection[int]
    ) -> Iterator[tuple[int, float]]:
        for at, value in series.points:
            if math.isnan(value):
                continue
            before = self._reached.get(key)
            if before is None:
                # A new counter: what it counted before it was first seen is not known.
                seen = self._raw(series, at, step)
                yield at, growth_of(seen[0], seen) if seen else 0.0
            elif at in resets:
                yield at, growth_of(before, self._raw(series, at, step))
            else:
                yield at, growth_of(before, [value])
            self._reached[key] = value

    def _resets(self, grid: Grid) -> dict[Identity, frozenset[int]]:
        """The times of the grid before which, within two steps, a counter was reset."""
        found: dict[Identity, frozenset[int]] = {}
        for metric in self._metrics:
            # One metric at a time, for the answer has no names. Over two steps: the sample before counts.
            expression = f"resets({metric}[{duration(2 * grid.step)}])"
            for series in self._server.query_range(expression, grid):
                key = identity(series, __name__=metric)
                found[key] = frozenset(at for at, resets in series.points if resets > 0)
        return found

    def _raw(self, series: Series, at: int, step: int) -> list[float]:
        """The samples of one step, up to a time of the grid."""
        raw = self._server.query(f"{matching(series.labels)}[{duration(step)}]", at)
        for candidate in raw:
            # A series with more labels matches too. The range's older end is in it before Prometheus 3.
            if candidate.labels == series.labels:
                return [
                    value
                    for moment, value in candidate.points
                    if moment > at - step and not math.isnan(value)
                ]
        return []


def _map(labels: Mapping[str, str]) -> str:
    """A map in ClickHouse's text form, whose strings are escaped once, also between tabs."""
    return "{" + ",".join(f"{_quoted(name)}:{_quoted(text)}" for name, text in labels.items()) + "}"


def _quoted(text: str) -> str:
    return "'" + text.translate(_ESCAPES) + "'"


def growth_of(before: float, values: Iterable[float]) -> float:
    """By how much a counter grew from one value over others: a lower value began at zero."""
    grown = 0.0
    for value in values:
        grown += value - before if value >= before else value
        before = value
    return grown


def identity(series: Series, **more: str) -> Identity:
    """A series as a key."""
    return tuple(sorted({**series.labels, **more}.items()))
