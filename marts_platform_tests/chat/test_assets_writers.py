"""Forty writers insert, edit and delete while the platform loads, and nothing is missed."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pymysql
import pytest

from marts_platform_tests.chat.loads import Star
from marts_platform_tests.chat.source import ChatDatabase
from marts_platform_tests.mysql_servers import MySQLAccess, connect

WRITERS = 40
USERS = 50


class Writer(Thread):
    """Writes messages, now and of yesterday, in transactions that stay open for a moment."""

    def __init__(self, url: str, ended: Event) -> None:
        super().__init__(daemon=True)
        self._url = url
        self._ended = ended
        self.done = 0
        self.faults: list[str] = []

    def run(self) -> None:
        with connect(self._url) as connection:
            while not self._ended.is_set():
                connection.begin()
                try:
                    with connection.cursor() as cursor:
                        self._write(cursor)
                    # What commits late has a number and a time below what others read meanwhile.
                    self._ended.wait(random.uniform(0, 0.3))
                    if random.random() < 0.9:
                        connection.commit()
                    else:
                        connection.rollback()
                    self.done += 1
                except pymysql.MySQLError as fault:
                    connection.rollback()
                    if not isinstance(fault, pymysql.err.OperationalError):
                        self.faults.append(str(fault))

    def _write(self, cursor: pymysql.cursors.Cursor) -> None:
        at = datetime.now(UTC).replace(tzinfo=None) - random.choice((timedelta(), timedelta(days=1)))
        chat = random.randrange(1, USERS)
        sender = random.choice((chat, chat + 1))
        cursor.execute(
            "INSERT INTO messages (chat_id, sender_id, message, created_at) VALUES (%s, %s, %s, %s)",
            (chat, sender, f"at {at}", at),
        )
        cursor.execute("SELECT id FROM messages WHERE chat_id = %s ORDER BY id LIMIT 5", (chat,))
        there = [row[0] for row in cursor.fetchall()]
        if there:
            edit = random.choice(
                (
                    "UPDATE messages SET read_status = TRUE WHERE id = %s",
                    "UPDATE messages SET message = 'edited' WHERE id = %s",
                    "UPDATE messages SET created_at = created_at - INTERVAL 1 HOUR WHERE id = %s",
                    "DELETE FROM messages WHERE id = %s",
                )
            )
            cursor.execute(edit, (random.choice(there),))


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=[pytest.mark.soak, pytest.mark.timeout(600)])])
def test_nothing_is_missed_while_forty_write(
    star: Star, chat: ChatDatabase, embedded_mysql: MySQLAccess, seconds: float
) -> None:
    opened = datetime.now(UTC).replace(tzinfo=None, microsecond=0) - timedelta(days=1)
    for number in range(1, USERS + 1):
        chat.user(number, opened)
    for number in range(1, USERS):
        chat.chat(number, number, number + 1, opened)
    ended = Event()
    writers = [Writer(embedded_mysql.chat_owner_url, ended) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    deadline = time.monotonic() + seconds
    loads = 0
    while time.monotonic() < deadline:
        star.load_bare()
        loads += 1
    ended.set()
    for writer in writers:
        writer.join()
    assert [fault for writer in writers for fault in writer.faults] == []
    assert sum(writer.done for writer in writers) > WRITERS
    assert loads > 0
    star.load_bare()
    source = chat.for_oracle()
    assert len(source.messages) > WRITERS
    star.expect(source)
    assert star.pending() == []
