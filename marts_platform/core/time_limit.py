"""The time that an evaluation may take: after 60 seconds Dagster ends a sensor's with nothing done."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeVar

T = TypeVar("T")

_end: ContextVar[float | None] = ContextVar("end", default=None)
# No statement is given less: a limit of zero is none.
_LEAST_SECONDS = 1.0


@contextmanager
def time_limit(seconds: float | None) -> Generator[None]:
    """Limit the time of what is done within; an outer limit that ends sooner stays.

    Args:
        seconds: from now on; None for no limit of its own.
    """
    own = None if seconds is None else time.monotonic() + seconds
    token = _end.set(min((end for end in (_end.get(), own) if end is not None), default=None))
    try:
        yield
    finally:
        _end.reset(token)


def seconds_left() -> float | None:
    """Return the seconds until the limit, below zero behind it; None without a limit."""
    end = _end.get()
    return None if end is None else end - time.monotonic()


def is_over() -> bool:
    """Return whether the limit has passed."""
    left = seconds_left()
    return left is not None and left <= 0


def within(seconds: float) -> float:
    """Return a statement's own limit, or the time that is left if that is less; at least a second."""
    left = seconds_left()
    return seconds if left is None else min(seconds, max(left, _LEAST_SECONDS))


def until_over(values: Iterable[T]) -> Iterator[T]:
    """Yield values while there is time; the first in any case, so that each evaluation comes further."""
    for place, value in enumerate(values):
        if place and is_over():
            return
        yield value
