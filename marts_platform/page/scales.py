"""Axes: round numbers, round times, and how values are written."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_HOUR, _DAY = 3600.0, 86400.0
# Seconds between two ticks; from a month on they are counted in months.
_STEPS = (
    60,
    300,
    900,
    _HOUR,
    3 * _HOUR,
    6 * _HOUR,
    12 * _HOUR,
    _DAY,
    2 * _DAY,
    3 * _DAY,
    7 * _DAY,
    14 * _DAY,
)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTH = 30.4 * _DAY
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where it is, in the data's own measure, and what stands beside it."""

    at: float
    text: str


def number_ticks(highest: float, lowest: float = 0.0, about: int = 4) -> list[Tick]:
    """Round numbers from at most the lowest value to at least the highest one."""
    span = highest - lowest or abs(highest) or 1.0
    raw = span / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power >= raw * 0.999)
    first, last = math.floor(lowest / step + 1e-9), math.ceil(highest / step - 1e-9)
    return [Tick(place * step, short(place * step)) for place in range(first, max(last, first + 1) + 1)]


def time_ticks(first: float, last: float, most: int) -> list[Tick]:
    """Round times (UTC) between two, in seconds since 1970."""
    span = max(last - first, 1.0)
    for step in _STEPS:
        if span / step <= most:
            begin = math.ceil(first / step) * step
            count = int((last - begin) // step) + 1
            return [_time_tick(begin + place * step, step) for place in range(max(count, 0))]
    months = next((step for step in _MONTHS if span / (step * _MONTH) <= most), _MONTHS[-1])
    begin = datetime.fromtimestamp(first, UTC)
    place = begin.year * 12 + begin.month - 1
    ticks: list[Tick] = []
    for month in range(place // months * months, place + int(span / _MONTH) + 2, months):
        moment = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
        if first <= moment.timestamp() <= last:
            ticks.append(Tick(moment.timestamp(), moment.strftime("%Y" if months >= 12 else "%b %Y")))
    return ticks


def _time_tick(at: float, step: float) -> Tick:
    moment = datetime.fromtimestamp(at, UTC)
    if step < _DAY and (moment.hour or moment.minute):
        return Tick(at, moment.strftime("%H:%M"))
    return Tick(at, f"{moment.day} {moment.strftime('%b')}")


def seconds(value: Any) -> float | None:
    """A date or a time as seconds since 1970; None if it is neither."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, date):
        return datetime.combine(value, time.min, UTC).timestamp()
    return None


def number(value: Any) -> float | None:
    """A number that can be drawn; None for NULL, NaN and infinities.

    Raises:
        ValueError: it is no number.
    """
    if value is None:
        return None
    if isinstance(value, timedelta):
        return value.total_seconds()
    drawn = float(value)
    return drawn if math.isfinite(drawn) else None


def short(value: float) -> str:
    """A number in at most five characters or so: 1.2k, 35M, 0.04."""
    for size, prefix in _PREFIXES:
        if abs(value) >= size * 0.9999:
            return f"{value / size:.3g}{prefix}"
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def written(value: Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%d %H:%M" if moment.second == 0 else "%Y-%m-%d %H:%M:%S")
    if isinstance(value, timedelta):
        return _duration(value.total_seconds())
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float | Decimal):
        if isinstance(value, float) and not math.isfinite(value):
            return str(value)
        text = f"{value:,.2f}" if abs(value) >= 1 or not value else f"{value:.3g}"
        return text.removesuffix(".00")
    return str(value)


def _duration(total: float) -> str:
    if abs(total) < 1:
        return f"{total * 1000:.0f} ms"
    parts: Sequence[tuple[str, float]] = (("d", _DAY), ("h", _HOUR), ("min", 60), ("s", 1))
    for place, (unit, size) in enumerate(parts):
        if abs(total) >= size:
            whole, rest = divmod(abs(total), size)
            shown = f"{'-' if total < 0 else ''}{whole:.0f} {unit}"
            if place + 1 < len(parts) and (more := rest // parts[place + 1][1]):
                shown += f" {more:.0f} {parts[place + 1][0]}"
            return shown
    return "0 s"
