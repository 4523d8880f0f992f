"""Charts as SVG: pure functions from rows to marks. Colours are classes, for the styles to fill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from marts_platform.page import scales
from marts_platform.page.charts import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from marts_platform.page.charts import Chart
    from marts_platform.page.scales import Tick

COLOURS = 8
_NARROW, _WIDE, _HEIGHT = 560, 1160, 250
_TOP, _BOTTOM, _RIGHT = 10, 26, 12
_LETTER = 7.2  # the width of a letter at 12 px, about; fonts differ
_MOST_ROWS = 15
_BAR, _GAP = 17, 9
_MOST_LETTERS, _MOST_LETTERS_WIDE = 34, 62


@dataclass(frozen=True, slots=True)
class Drawing:
    """A chart that is drawn: the SVG, and the names of its series in the order of their colours."""

    svg: Markup
    legend: Sequence[str] = ()


def draw(chart: Chart, rows: Sequence[Sequence[Any]]) -> Drawing:
    """Draws the rows of a chart; tables and tiles are no drawings.

    Raises:
        ValueError: a value that has to be a number is none.
    """
    return _DRAWERS[chart.kind](chart, rows)


def tag(name: str, content: str = "", /, *, hint: str = "", **attributes: object) -> Markup:
    """An element; `hint` is what a browser shows when the pointer rests there."""
    listed = Markup("").join(
        Markup(' {}="{}"').format(key.rstrip("_").replace("_", "-"), _rounded(value))
        for key, value in attributes.items()
    )
    title = Markup("<title>{}</title>").format(hint) if hint else ""
    return Markup("<{}{}>{}{}</{}>").format(Markup(name), listed, title, content, Markup(name))


def _rounded(value: object) -> object:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else value


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where the data lies in the picture; x and y map it there."""

    width: float
    left: float
    x: Callable[[float], float]
    y: Callable[[float], float]

    @property
    def bottom(self) -> float:
        return _HEIGHT - _BOTTOM


def _series(rows: Sequence[Sequence[Any]]) -> dict[str, list[tuple[Any, float | None]]]:
    """The points of each series, the largest series first; beyond the colours they are drawn as one."""
    found: dict[str, list[tuple[Any, float | None]]] = {}
    for row in rows:
        found.setdefault(str(row[2]) if len(row) > 2 else "", []).append((row[0], scales.number(row[1])))
    totals = {name: sum(abs(value or 0) for _, value in points) for name, points in found.items()}
    order = sorted(found, key=lambda name: -totals[name])
    kept = {name: found[name] for name in order[: COLOURS if len(order) <= COLOURS else COLOURS - 1]}
    others: dict[Any, float] = {}
    for name in order[len(kept) :]:
        for x, value in found[name]:
            others[x] = others.get(x, 0.0) + (value or 0.0)
    if others:
        kept[f"{len(order) - len(kept)} others"] = list(others.items())
    return kept


def _frame(
    chart: Chart, highest: float, lowest: float
) -> tuple[float, float, list[Tick], Callable[[float], float]]:
    width = _WIDE if chart.is_wide else _NARROW
    ticks = scales.number_ticks(highest, lowest)
    bottom, top = ticks[0].at, ticks[-1].at
    left = max(len(tick.text) for tick in ticks) * _LETTER + 12
    height = _HEIGHT - _TOP - _BOTTOM
    return width, left, ticks, lambda value: _TOP + height * (top - value) / (top - bottom)


def _canvas(
    chart: Chart, plot: _Plot, ticks: Sequence[Tick], labels: Sequence[Tick], marks: Markup
) -> Markup:
    grid = Markup("").join(
        tag("line", x1=plot.left, x2=plot.width - _RIGHT, y1=plot.y(tick.at), y2=plot.y(tick.at),
            class_="axis" if tick.at == 0 else "grid")
        + tag("text", tick.text, x=plot.left - 8, y=plot.y(tick.at) + 4, class_="end")
        for tick in ticks
    )  # fmt: skip
    below = Markup("").join(
        tag("text", label.text, x=_within(label.text, plot.x(label.at), plot.width), y=_HEIGHT - 8,
            class_="middle")
        for label in labels
    )  # fmt: skip
    return _svg(chart, plot.width, _HEIGHT, grid + marks + below)


def _within(text: str, x: float, width: float) -> float:
    """Where the middle of a label goes so that none of it is cut off: a line begins and ends at the edges."""
    half = len(text) * _LETTER / 2
    return min(max(x, half), width - half)


def _svg(chart: Chart, width: float, height: float, content: Markup) -> Markup:
    key = f"{chart.domain}-{chart.name}"
    named = tag("title", chart.title, id=f"{key}-title")
    return tag("svg", named + content, viewBox=f"0 0 {width:.0f} {height:.0f}", role="img",
               aria_labelledby=f"{key}-title", xmlns="http://www.w3.org/2000/svg")  # fmt: skip


def _lines(chart: Chart, rows: Sequence[Sequence[Any]]) -> Drawing:
    series = _series(rows)
    values = [value for points in series.values() for _, value in points if value is not None]
    moments = [_moment(chart, x) for points in series.values() for x, _ in points]
    width, left, ticks, y = _frame(chart, max(values, default=1.0), min([0.0, *values]))
    first, last = min(moments), max(moments)
    span = (last - first) or 1.0
    plot = _Plot(width, left, lambda at: left + 4 + (width - left - _RIGHT - 8) * (at - first) / span, y)
    marks = Markup("")
    for place, (name, points) in enumerate(series.items()):
        placed = sorted((_moment(chart, x), x, value) for x, value in points)
        path, pen = "", "M"
        for at, _, value in placed:
            if value is None:
                pen = "M"
                continue
            path += f"{pen}{plot.x(at):.1f} {y(value):.1f}"
            pen = "L"
        marks += tag("path", d=path, class_=f"line s{place}")
        for at, x, value in placed if len(placed) <= 120 else ():
            if value is not None:
                hint = _hint(chart, x, value, name)
                marks += tag("circle", hint=hint, cx=plot.x(at), cy=y(value), r=2.5, class_=f"fill s{place}")
    return Drawing(_canvas(chart, plot, ticks, _labels(first, last, width), marks), _legend(series))


def _bars(chart: Chart, rows: Sequence[Sequence[Any]]) -> Drawing:
    series = _series(rows)
    xs = sorted({x for points in series.values() for x, _ in points}) if _is_time(rows) else _in_order(rows)
    stacked: dict[Any, float] = dict.fromkeys(xs, 0.0)
    for points in series.values():
        for x, value in points:
            stacked[x] += value or 0.0
    width, left, ticks, y = _frame(chart, max(stacked.values()), min(0.0, *stacked.values()))
    inner = width - left - _RIGHT
    if _is_time(rows):
        moments = [_moment(chart, x) for x in xs]
        step = min(
            (after - before for before, after in zip(moments, moments[1:], strict=False)), default=86400
        )
        first, last = moments[0] - step / 2, moments[-1] + step / 2
        slot = inner * step / (last - first)
        plot = _Plot(width, left, lambda at: left + inner * (at - first) / (last - first), y)
        labels, centre = _labels(moments[0], moments[-1], width), {x: _moment(chart, x) for x in xs}
    else:
        slot = inner / len(xs)
        plot = _Plot(width, left, lambda at: left + slot * (at + 0.5), y)
        centre = {x: float(place) for place, x in enumerate(xs)}
        labels = [scales.Tick(place, _cut(str(x), int(slot / _LETTER))) for x, place in centre.items()]
    thick = min(max(slot * 0.72, 1.0), 64.0)
    marks, base = Markup(""), dict.fromkeys(xs, 0.0)
    for place, (name, points) in enumerate(series.items()):
        for x, value in points:
            if not value:
                continue
            top, bottom = y(base[x] + value), y(base[x])
            marks += tag("rect", hint=_hint(chart, x, value, name), x=plot.x(centre[x]) - thick / 2,
                         y=min(top, bottom), width=thick, height=max(abs(bottom - top), 0.5),
                         class_=f"fill s{place}")  # fmt: skip
            base[x] += value
    return Drawing(_canvas(chart, plot, ticks, labels, marks), _legend(series))


def _ranking(chart: Chart, rows: Sequence[Sequence[Any]]) -> Drawing:
    series = _series(rows)
    names = _in_order(rows)[:_MOST_ROWS]
    totals: dict[Any, float] = dict.fromkeys(names, 0.0)
    for points in series.values():
        for name, value in points:
            if name in totals:
                totals[name] += value or 0.0
    width = _WIDE if chart.is_wide else _NARROW
    letters = _MOST_LETTERS_WIDE if chart.is_wide else _MOST_LETTERS
    left = min(max(len(str(name)) for name in names), letters) * _LETTER + 10
    highest = max(*totals.values(), 0.0) or 1.0
    room = width - left - 12 * _LETTER
    height = len(names) * (_BAR + _GAP) + _GAP
    marks, base = Markup(""), dict.fromkeys(names, 0.0)
    for place, name in enumerate(names):
        middle = _GAP + place * (_BAR + _GAP) + _BAR / 2
        marks += tag("text", _cut(str(name), letters), x=left - 8, y=middle + 4, class_="end label")
        value = f"{scales.short(totals[name])} {chart.unit}".strip()
        marks += tag("text", value, x=left + room * totals[name] / highest + 7, y=middle + 4, class_="value")
    for place, (one, points) in enumerate(series.items()):
        for name, value in points:
            if name not in totals or not value:
                continue
            left_end = left + room * base[name] / highest
            marks += tag("rect", hint=_hint(chart, name, value, one), x=left_end, height=_BAR, rx=2,
                         y=_GAP + names.index(name) * (_BAR + _GAP), width=max(room * value / highest, 1.0),
                         class_=f"fill s{place}")  # fmt: skip
            base[name] += value
    return Drawing(_svg(chart, width, height, marks), _legend(series))


def _heatmap(chart: Chart, rows: Sequence[Sequence[Any]]) -> Drawing:
    columns, lines = _in_order(rows), _in_order([[row[1]] for row in rows])
    values = {(row[0], row[1]): scales.number(row[2]) or 0.0 for row in rows}
    highest = max(values.values()) or 1.0
    width = _WIDE if chart.is_wide else _NARROW
    left = max(len(str(line)) for line in lines) * _LETTER + 10
    cell, tall = (width - left - _RIGHT) / len(columns), 24
    marks = Markup("")
    for row, line in enumerate(lines):
        marks += tag("text", str(line), x=left - 8, y=row * tall + 22, class_="end")
        for place, column in enumerate(columns):
            value = values.get((column, line), 0.0)
            marks += tag("rect", hint=_hint(chart, f"{line}, {column}", value, ""), x=left + place * cell + 1,
                         y=row * tall + 7, width=cell - 2, height=tall - 2, rx=2, class_="fill s0",
                         fill_opacity=round(0.06 + 0.94 * value / highest, 3))  # fmt: skip
    every = -(-len(columns) // max(int((width - left) / 34), 1))
    for place, column in enumerate(columns[::every]):
        marks += tag("text", str(column), x=left + (place * every + 0.5) * cell, y=len(lines) * tall + 24,
                     class_="middle")  # fmt: skip
    return Drawing(_svg(chart, width, len(lines) * tall + 32, marks))


def _in_order(rows: Sequence[Sequence[Any]]) -> list[Any]:
    return list(dict.fromkeys(row[0] for row in rows))


def _is_time(rows: Sequence[Sequence[Any]]) -> bool:
    return scales.seconds(rows[0][0]) is not None


def _moment(chart: Chart, x: Any) -> float:
    at = scales.seconds(x)
    if at is None:
        raise ValueError(f"{chart.file}: {x!r} is no time")
    return at


def _labels(first: float, last: float, width: float) -> list[Tick]:
    return scales.time_ticks(first, last, int(width / 68))


def _legend(series: Mapping[str, object]) -> list[str]:
    return list(series) if len(series) > 1 else []


def _hint(chart: Chart, x: Any, value: float, series: str) -> str:
    where = f"{scales.written(x)}, {series}" if series else scales.written(x)
    return f"{where}: {scales.written(value)} {chart.unit}".strip()


def _cut(text: str, letters: int) -> str:
    return text if len(text) <= letters else text[: max(letters - 1, 1)] + "…"


_DRAWERS: Mapping[Kind, Callable[[Chart, Sequence[Sequence[Any]]], Drawing]] = {
    Kind.BARS: _bars,
    Kind.LINES: _lines,
    Kind.RANKING: _ranking,
    Kind.HEATMAP: _heatmap,
}
