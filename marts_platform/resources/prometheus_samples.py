"""The samples of a window as rows: what Prometheus answers on a grid, and by how much counters grew.

A counter's growth between two times of the grid is the difference of its values, unless it was reset in
between (its process restarted), or away: then the raw samples since tell it, exactly. Prometheus' own
``increase`` extrapolates, so its sums over windows are no whole numbers and depend on the windows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from marts_platform.core.path import Rejected
from marts_platform.resources.prometheus import Grid, duration, matching, selector

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from typing import BinaryIO

    from marts_platform.core.window import Window
    from marts_platform.resources.prometheus import Prometheus, PrometheusResource, Series

# A counter that was silent for a day before the window begins anew: what it had reached is not looked for.
_MEMORY = 24 * 3600 * 1000
# For how long Prometheus shows a sample that no other follows, unless its --query.lookback-delta is another.
_LOOKBACK = 5 * 60 * 1000

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
        rejected: the series with native histograms, once all rows have been sent: they are no numbers.
        warnings: a sentence on each metric that has some.
        seen: samples and histograms that Prometheus has of the window.
    """

    source: PrometheusResource
    metrics: Mapping[str, Kind]
    window: Window | None
    step_seconds: int
    timeout_seconds: float
    format: str = "TabSeparated"
    columns: tuple[str, ...] = ("at", "metric", "kind", "labels", "value", "increase")
    rejected: list[Rejected] = field(default_factory=list["Rejected"], init=False)
    warnings: list[str] = field(default_factory=list[str], init=False)
    seen: int = field(default=0, init=False)
    _is_cancelled: bool = field(default=False, init=False, repr=False)

    def send(self, sink: BinaryIO) -> int:
        """Writes every row, chunk by chunk of the grid, and returns their number."""
        rows = 0
        if self.window is None:
            return rows
        grid = Grid.of(self.window, self.step_seconds)
        histograms: dict[Identity, int] = {}
        with self.source.connect(self.timeout_seconds) as server:
            counters = Counters(server, [name for name, kind in self.metrics.items() if kind is Kind.COUNTER])
            counters.begin_at(grid)
            for chunk in grid.chunks():
                if self._is_cancelled:
                    raise ExtractCancelledError("the receiver of the samples has failed")
                found = server.query_range(selector(*self.metrics), chunk)
                growth = counters.growth(found, chunk)
                for series in found:
                    key = identity(series)
                    rows += self._write(sink, series, growth.get(key, {}))
                    if series.histograms:
                        histograms[key] = histograms.get(key, 0) + series.histograms
        self.seen = rows + sum(histograms.values())
        self._reject(histograms)
        return rows

    def _reject(self, histograms: Mapping[Identity, int]) -> None:
        for key, count in histograms.items():
            labels = dict(key)
            reason = f"{count} native histograms of {labels['__name__']}, which are no numbers"
            self.rejected.append(Rejected(matching(labels), reason, None))
        for name in sorted({dict(key)["__name__"] for key in histograms}):
            self.warnings.append(f"{name} has native histograms, which are not loaded; they are no numbers")

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
        self._reached: dict[Identity, tuple[int, float]] = {}
        self._began = 0

    def begin_at(self, grid: Grid) -> None:
        """Remembers what each counter had reached before the first time of a grid."""
        self._began = grid.first - grid.step
        if self._metrics and grid:
            expression = f"last_over_time({selector(*self._metrics)}[{duration(_MEMORY)}])"
            for series in self._server.query(expression, self._began):
                if series.points and not math.isnan(value := series.points[-1][1]):
                    self._reached[identity(series)] = self._began, value

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
            if key not in self._reached:
                # A new counter: what it counted before it was first seen is not known.
                seen = self._raw(series, self._began, at)
                yield at, growth_of(seen[0], seen) if seen else 0.0
            else:
                since, before = self._reached[key]
                # One that was away may have come back, been reset and have grown beyond what it was.
                is_told = since == at - step and at not in resets
                yield at, growth_of(before, [value] if is_told else self._raw(series, since, at))
            self._reached[key] = at, value

    def _resets(self, grid: Grid) -> dict[Identity, frozenset[int]]:
        """The times of the grid in whose steps a counter was reset.

        The sample before a step may be as old as the look-back. A reset counts for a step if one is seen over
        the look-back and the step, and not yet at the step's begin: both ranges have the same older end.
        """
        found: dict[Identity, frozenset[int]] = {}
        earlier = Grid(grid.first - grid.step, grid.last - grid.step, grid.step)
        for metric in self._metrics:
            # One metric at a time, for the answer has no names.
            known = self._resets_over(metric, _LOOKBACK, earlier)
            for key, counts in self._resets_over(metric, _LOOKBACK + grid.step, grid).items():
                before = known.get(key, {})
                found[key] = frozenset(
                    at for at, count in counts.items() if count > before.get(at - grid.step, 0)
                )
        return found

    def _resets_over(self, metric: str, span: int, grid: Grid) -> dict[Identity, dict[int, float]]:
        answer = self._server.query_range(f"resets({metric}[{duration(span)}])", grid)
        return {identity(series, __name__=metric): dict(series.points) for series in answer}

    def _raw(self, series: Series, since: int, at: int) -> list[float]:
        """The samples after one time, up to another."""
        raw = self._server.query(f"{matching(series.labels)}[{duration(at - since)}]", at)
        for candidate in raw:
            # A series with more labels matches too. The range's older end is in it before Prometheus 3.
            if candidate.labels == series.labels:
                return [
                    value for moment, value in candidate.points if moment > since and not math.isnan(value)
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
