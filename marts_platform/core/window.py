"""Windows of time: half-open, aware, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# Zones have shifted their clocks by at most two hours in one transition within the years of our
# sources; one more hour is margin, and costs an index range of a few hours on a transition's day.
_TRANSITION_REACH = timedelta(hours=3)
# Samoa once left out a day: local times of it lie as far beyond what they are converted to.
_LONGEST_JUMP = timedelta(hours=26)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span of time ``[start, end)``; both ends are aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for bound in (self.start, self.end):
            if bound.tzinfo is None:
                raise ValueError(f"a window's bounds need a time zone, got {bound!r}")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.start >= self.end:
            raise ValueError(f"a window's start must lie before its end, got [{self.start}, {self.end})")

    @classmethod
    def of_day(cls, day: date) -> Window:
        """The UTC day."""
        start = datetime.combine(day, time.min, UTC)
        return cls(start, start + timedelta(days=1))

    @classmethod
    def of_days(cls, first: date, end: date) -> Window:
        """The UTC days from ``first`` up to, and without, ``end``."""
        return cls(datetime.combine(first, time.min, UTC), datetime.combine(end, time.min, UTC))

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def days(self) -> Iterator[date]:
        """The UTC days that the window touches, in order."""
        day = self.start.date()
        while datetime.combine(day, time.min, UTC) < self.end:
            yield day
            day += timedelta(days=1)

    def until(self, bound: datetime) -> Window | None:
        """The part of the window before ``bound``; None if nothing of it is."""
        end = min(self.end, bound.astimezone(UTC))
        return Window(self.start, end) if end > self.start else None

    def __str__(self) -> str:
        return f"[{self.start.isoformat()}, {self.end.isoformat()})"


@dataclass(frozen=True, slots=True)
class Slice:
    """What one publication rewrites: a partition and its window, or the whole table.

    Attributes:
        partition_key: Dagster's key of the partition, None for an unpartitioned asset.
        window: the partition's window, None for an unpartitioned asset.
    """

    partition_key: str | None = None
    window: Window | None = None

    def __str__(self) -> str:
        return self.partition_key or "the whole table"


def naive_bounds(window: Window, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The range of a zone's naive local times that holds every row of a window.

    A source that stores local times without a zone is read by this range of its indexed column.
    Where the zone's clocks shift near a bound, naive times do not run in step with UTC, so the
    range is wider there than the window: filter by the converted time as well, unless
    `naive_bounds_are_exact`.

    Returns:
        The lower (inclusive) and upper (exclusive) naive local time.
    """
    return _naive(window.start, zone, -_TRANSITION_REACH), _naive(window.end, zone, _TRANSITION_REACH)


def naive_bounds_are_exact(window: Window, zone: ZoneInfo) -> bool:
    """Whether the range of `naive_bounds` holds no row of another window: no clock shifts near a bound."""
    bounds = (window.start, window.end)
    return all(len(_offsets(bound, zone, (_TRANSITION_REACH, _LONGEST_JUMP))) == 1 for bound in bounds)


def _naive(moment: datetime, zone: ZoneInfo, slack: timedelta) -> datetime:
    local = moment.astimezone(zone).replace(tzinfo=None, fold=0)
    return local if len(_offsets(moment, zone, (_TRANSITION_REACH,))) == 1 else local + slack


def _offsets(moment: datetime, zone: ZoneInfo, reaches: Sequence[timedelta]) -> set[timedelta | None]:
    steps = [timedelta(0), *(sign * reach for reach in reaches for sign in (-1, 1))]
    return {(moment + step).astimezone(zone).utcoffset() for step in steps}
