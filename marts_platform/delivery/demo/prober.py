"""The prober of the demo: it orders and cancels, counts how that went, and restarts every night.

What it counted at a time follows from that time alone, so a history that is sent again is the same one,
and the living prober goes on where the history ends.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP_SECONDS = 30
_RESTARTS_AT = timedelta(hours=3, minutes=17)
_LABELS = '{instance="prober:6200",job="prober"}'
# Which outcomes an attempt may have, and how often it fails.
_ATTEMPTS = (("create_orders", 0.03), ("cancel_orders", 0.08))
_SENT_AT_ONCE = 20_000  # lines


def samples(first: datetime, end: datetime) -> Iterator[str]:
    """Lines in Prometheus' text format, with times, from one time up to, and without, another (aware)."""
    step = -(-int(first.timestamp()) // STEP_SECONDS)
    last = -(-int(end.timestamp()) // STEP_SECONDS)
    counted = _counted_until(step)
    for number in range(step, last):
        if _begins(number):
            counted = dict.fromkeys(counted, 0)
        duration = _attempt(number, counted)
        at = number * STEP_SECONDS * 1000
        for name, value in counted.items():
            yield f"prober_{name}_total{_LABELS} {value} {at}"
        yield f"prober_create_orders_duration_seconds{_LABELS} {duration:.4f} {at}"


def send(url: str, first: datetime, end: datetime) -> int:
    """Sends the samples of a span to the demo's Prometheus; those it has stay. Returns their number."""
    import httpx

    parts = urlsplit(url)
    address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/api/v1/import/prometheus"
    auth = (unquote(parts.username or ""), unquote(parts.password or ""))
    lines = list(samples(first, end))
    with httpx.Client(auth=auth, timeout=60, trust_env=False) as client:
        for place in range(0, len(lines), _SENT_AT_ONCE):
            text = "".join(f"{line}\n" for line in lines[place : place + _SENT_AT_ONCE])
            client.post(address, content=text).raise_for_status()
    return len(lines)


def _begins(step: int) -> bool:
    moment = datetime.fromtimestamp(step * STEP_SECONDS, UTC)
    since_midnight = timedelta(hours=moment.hour, minutes=moment.minute, seconds=moment.second)
    return timedelta() <= since_midnight - _RESTARTS_AT < timedelta(seconds=STEP_SECONDS)


def _counted_until(step: int) -> dict[str, int]:
    """What was counted before a step, since the restart before it."""
    counted = {f"{kind}{outcome}": 0 for kind, _ in _ATTEMPTS for outcome in ("", "_success", "_fail")}
    begin = step
    while not _begins(begin):
        begin -= 1
    for number in range(begin, step):
        _attempt(number, counted)
    return counted


def _attempt(step: int, counted: dict[str, int]) -> float:
    """Adds what happens in a step, and returns how long the last order took, in seconds."""
    dice = Random(step)
    hour = step * STEP_SECONDS % 86_400 / 3600
    busy = 1 + math.sin((hour - 9) / 24 * 2 * math.pi)  # most in the afternoon
    for kind, fails in _ATTEMPTS:
        attempts = dice.randint(0, round(2 + 5 * busy)) // (1 if kind == "create_orders" else 4)
        failed = sum(dice.random() < fails for _ in range(attempts))
        counted[kind] += attempts
        counted[f"{kind}_success"] += attempts - failed
        counted[f"{kind}_fail"] += failed
    return dice.lognormvariate(math.log(0.08 + 0.05 * busy), 0.35)
