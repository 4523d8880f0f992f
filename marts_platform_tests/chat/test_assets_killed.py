"""Loads that are killed at any moment: readers have the old rows or the new ones, and the next load heals."""

from __future__ import annotations

import os
import signal
import time
from datetime import datetime, timedelta
from random import Random

from marts_platform.chat.demo import generated
from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase

START = datetime(2024, 5, 30)  # noqa: DTZ001 # as MySQL's times are
DAYS = 3
KILLS = 10


def killed_load(star: Star, seconds: float) -> None:
    """A process that loads what is pending, and is killed after some seconds, or ends before."""
    child = os.fork()
    if child == 0:
        try:
            star.load_bare()
        finally:
            os._exit(0)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG)[0]:
            return
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def test_a_kill_at_ten_random_moments_is_healed_by_the_next_load(star: Star, chat: ChatDatabase) -> None:
    chat.fill(generated.Size(20, 300, DAYS, START + timedelta(days=DAYS), 1))
    random = Random()
    began = time.monotonic()
    star.load_bare()
    duration = time.monotonic() - began
    star.expect(chat.for_oracle())
    for _ in range(KILLS):
        chat.disturb(random, START, DAYS, 4)
        killed_load(star, random.uniform(0, duration * 0.6))
        # Whatever is published now is whole: no message twice, none of half a load.
        assert star.one(
            "SELECT count() = uniqExact(message_id, created_at) FROM chat_analytics.message_facts"
        )
        assert star.one("SELECT count() = uniqExact(chat_id) FROM chat_analytics.chat_facts")
    star.load_bare()
    star.expect(chat.for_oracle())
    assert star.pending() == []
    assert star.ask("SELECT name FROM system.tables WHERE database = 'marts_staging'") == []
