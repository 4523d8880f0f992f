"""The demo's events: what generated users do on the shop's pages, and now and then what is no event."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from marts_platform.resources.kafka_topic import Produced, fill_topic

if TYPE_CHECKING:
    from collections.abc import Iterator

EVENTS = 10_000
# More than the shop has: the events of the others are kept, and a check counts them.
_USERS = 1000
_TYPES = ("page_view", "click", "purchase", "login", "logout")
_APART = timedelta(seconds=2)
_MALFORMED_EVERY = 500
_MALFORMED = (b"{", b"[]", b"\xff\xfe", b'{"event_type": "click", "user_id": "seven"}')


def seed_events(bootstrap: str, topic: str, scale: float = 1.0, *, until: datetime | None = None) -> int:
    """Fills the topic, if it is empty; so a broker that lost it gets it anew, and it is another one then.

    Args:
        bootstrap: the brokers.
        topic: its name.
        scale: multiplies the 10 000 events.
        until: the events end before it (aware); the start of today, UTC, by default.

    Returns:
        How many messages it wrote: none where there were some.
    """
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    count = max(round(EVENTS * scale), 1)
    return fill_topic(bootstrap, topic, lambda: messages(count, until=until or today))


def messages(count: int, *, until: datetime, seed: int = 1) -> Iterator[Produced]:
    """The messages, in their order of time: two seconds apart, and every 500th is no event.

    Args:
        count: how many.
        until: the last one is before it (aware).
        seed: the same one gives the same messages.
    """
    draw = Random(seed)
    for number in range(count):
        at = until - (count - number) * _APART
        if number % _MALFORMED_EVERY == _MALFORMED_EVERY - 1:
            yield Produced(_MALFORMED[number // _MALFORMED_EVERY % len(_MALFORMED)], at)
            continue
        # As Python writes a local time: without a zone, and without microseconds where there are none.
        local = at.replace(tzinfo=None, microsecond=draw.choice((0, draw.randrange(1_000_000))))
        page = f"{draw.choice(('product', 'category', 'cart'))}/{draw.randint(1, 50)}"
        fields = {
            "event_type": draw.choice(_TYPES),
            "user_id": draw.randint(1, _USERS),
            "timestamp": local.isoformat(),
            "page_url": f"https://shop.example/{page}",
            "ip_address": f"198.51.100.{draw.randint(1, 254)}",
        }
        yield Produced(json.dumps(fields).encode(), at)
