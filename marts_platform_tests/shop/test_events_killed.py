"""Runs that are killed, and connections that are cut, at any moment: every message is there exactly once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from marts_platform_tests.marts import Warehouse
from marts_platform_tests.shop.cut_connections import Door, broker_behind_a_door
from marts_platform_tests.shop.topic import Topic, numbered

PARTITIONS = 3
# Runs whose broker's connections end under them, beside those that are killed.
CUTS = 2


class ReadingProcess:
    """The process that `reading_process` is."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._told("ready")

    @classmethod
    @contextmanager
    def started(cls, module: str = "reading_process") -> Generator[ReadingProcess]:
        """Starts it with this process's settings; ends it with the context."""
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", f"marts_platform_tests.shop.{module}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        with process:
            try:
                yield cls(process)
            finally:
                process.kill()

    def begin(self) -> int:
        """Begins a load and returns its process."""
        self._tell("load")
        return int(self._told("started"))

    def wait(self) -> int:
        """Waits until the load has ended and returns its status."""
        self._tell("wait")
        return int(self._told("ended"))

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def _told(self, word: str) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().split()
        assert line and line[0] == word, line
        return line[-1]


def malformed(number: int) -> bytes:
    """A message that is no event, and tells which one it is."""
    return [b"{%d", b"\xff%d", b"[%d]", b'{"user_id": %d}'][number % 4] % number


@pytest.fixture
def door_and_topic(
    tmp_path: Path, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Door, Topic]]:
    """A topic whose broker's connections can be cut."""
    with broker_behind_a_door(tmp_path) as (bootstrap, door):
        monkeypatch.setenv("MARTS_KAFKA_BOOTSTRAP", bootstrap)
        topic = Topic(bootstrap, "my_topic", warehouse)
        topic.create(PARTITIONS)
        yield door, topic


@pytest.mark.parametrize(
    ("events", "kills"),
    [
        (20_000, 10),
        pytest.param(200_000, 25, marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_kills_and_cuts_leave_every_message_exactly_once(
    door_and_topic: tuple[Door, Topic], events: int, kills: int
) -> None:
    door, topic = door_and_topic
    random = Random()
    values = numbered(range(events))
    bad = sorted(random.sample(range(events), events // 100))
    for number in bad:
        values[number] = malformed(number)
    # Something new comes before each run, and is read by the next that lives.
    rounds = kills + CUTS
    portions = [values[place :: rounds + 1] for place in range(rounds + 1)]
    cuts = set(random.sample(range(rounds), CUTS))
    died = 0
    with ReadingProcess.started() as process:
        topic.write(portions[0], partition=0)
        began = time.monotonic()
        process.begin()
        assert process.wait() == 0
        duration = time.monotonic() - began
        for number, portion in enumerate(portions[1:]):
            topic.write(portion, partition=number % PARTITIONS)
            run, began = process.begin(), time.monotonic()
            moment = random.uniform(0.1, 1) * duration
            if number in cuts:
                slammed = threading.Timer(moment, door.slam)
                slammed.start()
                process.wait()
                slammed.join()
                continue
            time.sleep(moment)
            os.kill(run, signal.SIGKILL)
            if process.wait() == -signal.SIGKILL:
                died += 1
            else:  # The first one was slow, as on a busy machine: aim at what a read takes now.
                duration = min(duration, (time.monotonic() - began) * 0.9)
        process.begin()
        assert process.wait() == 0
    assert died > kills // 4
    assert door.slams == CUTS and door.cuts >= CUTS
    pages = Counter(topic.pages())
    assert pages == Counter(str(number) for number in set(range(events)) - set(bad))
    standing = topic.warehouse.rows("SELECT payload FROM ops.quarantine WHERE is_row")
    expected = [
        malformed(number).decode() if number % 4 != 1 else f"\\x{malformed(number).hex()}" for number in bad
    ]
    assert sorted(payload for (payload,) in standing) == sorted(expected)
    assert topic.balance()
    ends = dict(topic.warehouse.rows("SELECT status, count(*) FROM ops.etl_run_log GROUP BY 1"))
    assert ends.keys() <= {"success", "killed", "failed"}
