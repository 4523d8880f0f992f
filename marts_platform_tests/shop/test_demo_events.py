"""The demo's events: the same for a seed, filled in once, and anew where a broker has lost them."""

from __future__ import annotations

from datetime import UTC, datetime

from marts_platform.shop.demo_events import EVENTS, messages, seed_events
from marts_platform_tests.shop.topic import Topic

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)


def test_the_same_seed_gives_the_same_messages_before_the_end() -> None:
    made = list(messages(1200, until=UNTIL))
    assert made == list(messages(1200, until=UNTIL))
    times = [message.time for message in made if message.time]
    assert len(times) == 1200 and times == sorted(times) and times[-1] < UNTIL


def test_seeding_again_adds_nothing_and_a_lost_topic_is_filled_anew(absent_topic: Topic) -> None:
    scale = 1200 / EVENTS
    for written in (1200, 0):
        assert seed_events(absent_topic.bootstrap, absent_topic.name, scale, until=UNTIL) == written
    figures = absent_topic.load().figures
    assert (figures.rows_read, figures.rows_quarantined) == (1200, 2)
    absent_topic.delete()
    assert seed_events(absent_topic.bootstrap, absent_topic.name, scale, until=UNTIL) == 1200
    assert absent_topic.load().figures.rows_read == 1200
    assert absent_topic.warehouse.one("SELECT max(kafka_epoch) FROM shop.kafka_events") == 1


def test_times_with_and_without_microseconds_are_among_them(absent_topic: Topic) -> None:
    seed_events(absent_topic.bootstrap, absent_topic.name, 0.02, until=UNTIL)
    absent_topic.load()
    whole = "SELECT count(*) FILTER (WHERE timestamp = date_trunc('second', timestamp)), count(*)"
    without, events = absent_topic.warehouse.one(f"{whole} FROM shop.kafka_events")
    assert 0 < without < events == 200
