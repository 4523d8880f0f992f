"""The embedded broker: comes back after a kill, empty; on loopback alone; serves an ordinary client."""

from __future__ import annotations

import socket

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from marts_platform.embedded import kafka
from marts_platform.embedded.server import LOOPBACK, ServerStatus, StackError
from marts_platform.embedded.stack import Stack
from marts_platform_tests.embedded.conftest import Marts


@pytest.fixture
def stack(marts: Marts) -> Stack:
    """A running broker on a home of its own."""
    stack = Stack(marts.home)
    stack.start(only=["kafka"])
    return stack


def status(stack: Stack) -> ServerStatus:
    return next(server for server in stack.status() if server.name == "kafka")


def broker(stack: Stack) -> psutil.Process:
    return psutil.Process(status(stack).pid)


def topics(stack: Stack) -> set[str]:
    admin = AdminClient({"bootstrap.servers": stack.owner_url("kafka")})
    return set(admin.list_topics(timeout=10).topics)


def produce(stack: Stack, topic: str) -> None:
    producer = Producer({"bootstrap.servers": stack.owner_url("kafka")})
    producer.produce(topic, b"a message")
    assert producer.flush(10) == 0


def test_it_serves_and_starting_it_again_changes_nothing(stack: Stack) -> None:
    produce(stack, "kept")
    pid = status(stack).pid
    stack.start(only=["kafka"])
    assert status(stack).pid == pid
    assert topics(stack) == {"kept"}
    assert status(stack).version


def test_a_killed_broker_comes_back_on_its_port_and_empty(stack: Stack) -> None:
    produce(stack, "lost")
    before = status(stack)
    killed = broker(stack)
    killed.kill()
    # The kernel closes the port a moment after the signal; a port that is still open is left to its owner.
    killed.wait(10)
    stack.start(only=["kafka"])
    after = status(stack)
    assert after.alive and after.pid != before.pid and after.port == before.port
    assert topics(stack) == set()


def test_it_is_found_again_by_a_stack_that_lost_its_file(stack: Stack, marts: Marts) -> None:
    before = status(stack)
    (marts.home / "stack.json").unlink()
    stack.start(only=["kafka"])
    assert (status(stack).pid, status(stack).port) == (before.pid, before.port)


def test_a_taken_port_is_left_for_another(stack: Stack) -> None:
    port = status(stack).port
    stack.stop()
    assert not status(stack).alive
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind((LOOPBACK, port or 0))
        taken.listen()
        stack.start(only=["kafka"])
        assert status(stack).port not in (None, port)
        produce(stack, "moved")


def test_it_listens_on_loopback_alone(stack: Stack) -> None:
    listening = [c for c in broker(stack).net_connections(kind="inet") if c.status == psutil.CONN_LISTEN]
    assert [c.laddr.ip for c in listening] == [LOOPBACK]


def test_a_package_without_a_program_is_said(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.stop()
    monkeypatch.setattr(kafka.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(StackError, match="no broker for this system; set MARTS_KAFKA_BOOTSTRAP"):
        stack.start(only=["kafka"])
