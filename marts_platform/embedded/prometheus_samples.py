"""The samples of the demo's Prometheus: kept in a file, held in memory, answered as Prometheus does.

It answers the expressions that the platform asks, and refuses all others:

* ``metric{label="x", other=~"y|z"}``, the newest sample of each series within five minutes,
* the same with a range, ``metric[1h]``: the samples themselves,
* ``resets(metric[1h])`` and ``last_over_time(metric[1h])``,
* ``sum_over_time(count(metric)[1h:15s])``.
"""

from __future__ import annotations

import math
import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

_LOOKBACK = 5 * 60 * 1000
_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_LABEL = re.compile(r'\s*(?P<name>\w+)\s*(?P<operator>=~|!~|!=|=)\s*"(?P<value>(?:[^"\\]|\\.)*)"\s*(?:,|$)')
_SELECTOR = re.compile(
    r'\s*(?P<name>[a-zA-Z_:][\w:]*)?\s*(?:\{(?P<labels>(?:"(?:[^"\\]|\\.)*"|[^"{}])*)\})?\s*'
)
_RANGE = re.compile(r"(?P<selector>.+)\[(?P<range>\w+)\]", re.S)
_FUNCTION = re.compile(r"(?P<function>resets|last_over_time)\((?P<selector>.+)\[(?P<range>\w+)\]\)", re.S)
_POINTS = re.compile(r"sum_over_time\(count\((?P<selector>.+)\)\[(?P<range>\w+):(?P<step>\w+)\]\)", re.S)
_LINE = re.compile(r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+) (?P<at>-?\d+)")
_ESCAPED = re.compile(r"\\(.)", re.S)

Labels: TypeAlias = "tuple[tuple[str, str], ...]"
Point: TypeAlias = "tuple[int, float]"
Answer: TypeAlias = "list[tuple[Labels, list[Point]]]"


class BadDataError(Exception):
    """The expression or the line cannot be read here; the message says why."""


@dataclass(slots=True)
class _Series:
    times: array[int] = field(default_factory=lambda: array("q"))
    values: array[float] = field(default_factory=lambda: array("d"))

    def add(self, at: int, value: float) -> bool:
        place = bisect_left(self.times, at)
        if place < len(self.times) and self.times[place] == at:
            return False  # what is there stays: the same samples sent again are harmless
        self.times.insert(place, at)
        self.values.insert(place, value)
        return True

    def between(self, after: int, until: int) -> list[Point]:
        """The samples in a span that is open at its older end."""
        first, end = bisect_right(self.times, after), bisect_right(self.times, until)
        return list(zip(self.times[first:end], self.values[first:end], strict=True))

    def newest(self, after: int, until: int) -> Point | None:
        place = bisect_right(self.times, until) - 1
        return (self.times[place], self.values[place]) if place >= 0 and self.times[place] > after else None


class Samples:
    """Samples by series, in a file of lines ``name{label="x"} value milliseconds`` that only grows."""

    def __init__(self, file: Path) -> None:
        """Reads what the file holds; a last line that a kill cut off is dropped."""
        self._file = file
        self._series: dict[Labels, _Series] = {}
        text = file.read_text("utf-8") if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:
            file.write_text(whole, "utf-8")
        self._keep(whole)

    def add(self, text: str) -> int:
        """Adds lines; all of them or, if one cannot be read, none. Returns how many samples are new."""
        fresh = self._keep(text)
        with self._file.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in fresh)
        return len(fresh)

    def labels(self) -> list[str]:
        """The names of all labels."""
        return sorted({name for labels in self._series for name, _ in labels})

    def matching(self, selector: str, after: int, until: int) -> list[Labels]:
        """The series of a selector that have samples in a span."""
        found = self._select(selector)
        return [labels for labels, series in found if series.newest(after, until) is not None]

    def query(self, expression: str, at: int) -> tuple[str, Answer]:
        """An expression at one time: Prometheus' name of the answer's type, and the series."""
        if ranged := _RANGE.fullmatch(expression):
            span = milliseconds(ranged["range"])
            found = self._select(ranged["selector"])
            raw = [(labels, series.between(at - span, at)) for labels, series in found]
            return "matrix", [(labels, points) for labels, points in raw if points]
        return "vector", [
            (labels, [(at, value)])
            for labels, evaluate in self._parsed(expression)
            if (value := evaluate(at)) is not None
        ]

    def query_range(self, expression: str, start: int, end: int, step: int) -> Answer:
        """An expression at evenly spaced times, both ends included."""
        answer: Answer = []
        for labels, evaluate in self._parsed(expression):
            values = ((at, evaluate(at)) for at in range(start, end + 1, step))
            points = [(at, value) for at, value in values if value is not None]
            if points:
                answer.append((labels, points))
        return answer

    def _keep(self, text: str) -> list[str]:
        lines = [line for line in text.splitlines() if line and not line.startswith("#")]
        read = [_sample(line) for line in lines]
        return [
            line
            for line, (labels, value, at) in zip(lines, read, strict=True)
            if self._series.setdefault(labels, _Series()).add(at, value)
        ]

    def _select(self, selector: str) -> list[tuple[Labels, _Series]]:
        matches = _matcher(selector)
        return [(labels, series) for labels, series in sorted(self._series.items()) if matches(dict(labels))]

    def _parsed(self, expression: str) -> Iterator[tuple[Labels, Callable[[int], float | None]]]:
        if found := _FUNCTION.fullmatch(expression):
            function, span = _FUNCTIONS[found["function"]], milliseconds(found["range"])
            keeps_name = found["function"] == "last_over_time"
            for labels, series in self._select(found["selector"]):
                shown = labels if keeps_name else tuple(pair for pair in labels if pair[0] != "__name__")
                yield shown, lambda at, series=series: function(series.between(at - span, at))
        elif found := _POINTS.fullmatch(expression):
            span, step = milliseconds(found["range"]), milliseconds(found["step"])
            selected = [series for _, series in self._select(found["selector"])]
            yield (), lambda at: _points(selected, at - span, at, step)
        else:
            for labels, series in self._select(expression):
                yield labels, lambda at, series=series: _value(series.newest(at - _LOOKBACK, at))


def milliseconds(duration: str) -> int:
    """A duration of PromQL, such as ``1h30m`` or ``1500ms``.

    Raises:
        BadDataError: it is none.
    """
    parts = re.findall(r"(\d+)(ms|[smhdw])", duration)
    if not parts or "".join(number + unit for number, unit in parts) != duration:
        raise BadDataError(f"not a valid duration: {duration!r}")
    return sum(int(number) * _UNITS[unit] for number, unit in parts)


def _value(point: Point | None) -> float | None:
    return None if point is None else point[1]


def _resets(points: list[Point]) -> float | None:
    if not points:
        return None
    return float(sum(after[1] < before[1] for before, after in zip(points, points[1:], strict=False)))


def _last(points: list[Point]) -> float | None:
    return points[-1][1] if points else None


_FUNCTIONS: Mapping[str, Callable[[list[Point]], float | None]] = {"resets": _resets, "last_over_time": _last}


def _points(selected: list[_Series], after: int, until: int, step: int) -> float | None:
    """How many points the series have on the multiples of a step, counted from 1970."""
    total = 0
    for at in range((after // step + 1) * step, until + 1, step):
        total += sum(series.newest(at - _LOOKBACK, at) is not None for series in selected)
    return float(total) if total else None


def _sample(line: str) -> tuple[Labels, float, int]:
    found = _LINE.fullmatch(line.strip())
    if found is None:
        raise BadDataError(f'not `name{{label="x"}} value milliseconds`: {line!r}')
    labels = {name: value for name, _, value in _pairs(found["labels"] or "")}
    try:
        return (
            tuple(sorted({"__name__": found["name"], **labels}.items())),
            float(found["value"]),
            int(found["at"]),
        )
    except ValueError as error:
        raise BadDataError(f"{found['value']!r} is no number: {line!r}") from error


def _matcher(selector: str) -> Callable[[Mapping[str, str]], bool]:
    found = _SELECTOR.fullmatch(selector)
    if found is None or not (found["name"] or found["labels"]):
        raise BadDataError(
            f"the demo's Prometheus answers selectors and a few functions of them, not {selector!r}; "
            f"set MARTS_PROMETHEUS_URL to a real one for more"
        )
    conditions = list(_pairs(found["labels"] or ""))
    if found["name"]:
        conditions.append(("__name__", "=", found["name"]))

    def matches(labels: Mapping[str, str]) -> bool:
        return all(_holds(labels.get(name, ""), operator, value) for name, operator, value in conditions)

    return matches


def _holds(label: str, operator: str, value: str) -> bool:
    is_equal = re.fullmatch(value, label) is not None if operator.endswith("~") else label == value
    return is_equal is not operator.startswith("!")


def _pairs(text: str) -> Iterator[tuple[str, str, str]]:
    place = 0
    while place < len(text.rstrip()):
        found = _LABEL.match(text, place)
        if found is None:
            raise BadDataError(f"not a list of labels: {text!r}")
        value = _ESCAPED.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], found["value"])
        yield found["name"], found["operator"], value
        place = found.end()


def shown(value: float) -> str:
    """A value as Prometheus writes it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value).removesuffix(".0")
