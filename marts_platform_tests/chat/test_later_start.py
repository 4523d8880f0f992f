"""``MARTS_START`` set to a later day: earlier days stay as they are, and the rest loads."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest

from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.marts import start_on

NOON = datetime(2024, 6, 1, 12)  # noqa: DTZ001 # as MySQL's times are
TOTALS = "SELECT total_messages, start_time_id, end_time_id FROM chat_analytics.chat_facts"
BODIES = "SELECT message_id, message_length FROM chat_analytics.message_facts ORDER BY message_id"


def test_later_start_keeps_earlier_days_in_the_keyed_facts(
    star: Star, chat: ChatDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, name in ((1, "Anna"), (2, "Boris")):
        chat.user(number, NOON - timedelta(days=7), name)
    chat.chat(1, 1, 2, NOON)
    chat.message(1, 1, 1, NOON, "first")
    chat.message(2, 1, 2, NOON + timedelta(days=1), "second")
    star.load_pending()
    assert star.ask(TOTALS) == [(2, 20240601, 20240602)]
    chat.message(3, 1, 1, NOON + timedelta(hours=1), "of a day before the start")
    chat.message(4, 1, 1, NOON + timedelta(days=1, hours=1), "new")
    start_on(date(2024, 6, 2), monkeypatch)
    assert {key for batch in star.pending() for key in batch.partition_keys} == {"2024-06-02"}
    star.load_pending(with_checks=True)
    # The chat's totals are of all loaded days, the earlier one as it was loaded.
    assert star.ask(TOTALS) == [(3, 20240601, 20240602)]
    assert star.ask(BODIES) == [(1, 5), (2, 6), (4, 3)]
    assert star.pending() == []
