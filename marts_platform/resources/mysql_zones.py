"""Local times of a MySQL source in UTC, as SQL.

MySQL's CONVERT_TZ knows zones by name only where somebody has loaded them, and gives NULL where nobody has.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from marts_platform.resources.mysql_text import is_no_time

if TYPE_CHECKING:
    from collections.abc import Iterator

# What MySQL's own TIMESTAMP can hold.
_FIRST, _LAST = datetime(1970, 1, 1), datetime(2038, 1, 19)  # noqa: DTZ001 # local times
_STEP = timedelta(days=1)
_SECOND = timedelta(seconds=1)


def in_utc(column: str, zone: ZoneInfo) -> str:
    """The SQL that turns a column of local times into times of UTC.

    Of the hour that a clock set back shows twice, the first one is meant. A date that is none stays as it is,
    and so does a time that the shift would move beyond the year 9999: MySQL would make NULL of them.

    Args:
        column: its name, as SQL.
        zone: of the local times.
    """
    shifts = list(_shifts(zone.key))
    cases = [
        f"WHEN {column} < '{until.isoformat(sep=' ')}' THEN {_shifted(column, offset)}"
        for until, offset in shifts[:-1]
        if until is not None
    ]
    last = _shifted(column, shifts[-1][1])
    if not cases and last == column:
        return column
    stays = f"WHEN {is_no_time(column)} THEN {column}"
    return f"coalesce(CASE {' '.join((stays, *cases))} ELSE {last} END, {column})"


def _shifted(column: str, offset: timedelta) -> str:
    seconds = int(offset.total_seconds())
    return f"{column} - INTERVAL {seconds} SECOND" if seconds else column


@cache
def _shifts(key: str) -> tuple[tuple[datetime | None, timedelta], ...]:
    return tuple(_walk(ZoneInfo(key)))


def _walk(zone: ZoneInfo) -> Iterator[tuple[datetime | None, timedelta]]:
    """The offsets of a zone, each with the local time at which it ends; None for the last one."""
    moment, offset = _FIRST, _offset(_FIRST, zone)
    while moment < _LAST:
        after = moment + _STEP
        if _offset(after, zone) == offset:
            moment = after
            continue
        begin, end = moment, after
        while end - begin > _SECOND:
            middle = begin + (end - begin) // _SECOND // 2 * _SECOND
            begin, end = (middle, end) if _offset(middle, zone) == offset else (begin, middle)
        yield end, offset
        moment, offset = end, _offset(end, zone)
    yield None, offset


def _offset(moment: datetime, zone: ZoneInfo) -> timedelta:
    offset = moment.replace(tzinfo=zone).utcoffset()
    assert offset is not None  # a zone of the tz database has one at any time
    return offset
