"""The pipe between two engines: every byte arrives or the load fails; memory is constant, nothing stays.

Whoever fails first is who is reported: a retry depends on which fault it was.
"""

from __future__ import annotations

import gc
import hashlib
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marts_platform.core.rows import pump

MEGABYTE = 1 << 20


class SenderFault(Exception):
    """The source went away."""


class ReceiverFault(Exception):
    """The warehouse refused."""


class CancelledFault(Exception):
    """What a server answers to a statement that was cancelled."""


@dataclass
class Chunks:
    """Sends chunks, and fails after them if it is to; remembers what became of it."""

    chunks: list[bytes]
    fault: BaseException | None = None
    format: str = "postgres-binary"
    columns: tuple[str, ...] = ("at",)
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended_with: BaseException | None = None

    def send(self, sink: BinaryIO) -> int:
        try:
            for chunk in self.chunks:
                sink.write(chunk)
            if self.fault is not None:
                raise self.fault
        except BaseException as error:
            self.ended_with = error
            raise
        return len(self.chunks)

    def cancel(self) -> None:
        self.cancelled.set()


class Endless(Chunks):
    """Sends until its receiver has gone."""

    def send(self, sink: BinaryIO) -> int:
        try:
            while True:
                sink.write(bytes(MEGABYTE))
        except BaseException as error:
            self.ended_with = error
            raise


class WaitsAtTheServer(Chunks):
    """Sends something, then waits for a server that says something only when it is cancelled."""

    def send(self, sink: BinaryIO) -> int:
        sink.write(bytes(MEGABYTE))
        assert self.cancelled.wait(30), "nobody cancelled it"
        raise CancelledFault


class Sink:
    """Reads to the end, `size` bytes at a time, or fails after `limit` bytes."""

    def __init__(self, size: int = 8192, limit: int | None = None, *, wraps: bool = False) -> None:
        self.size = size
        self.limit = limit
        self.wraps = wraps
        self.data = bytearray()
        self.saw_the_end = False

    def __call__(self, source: BinaryIO) -> None:
        while self.limit is None or len(self.data) < self.limit:
            try:
                got = source.read(self.size)
            except SenderFault as error:
                if self.wraps:  # as psycopg2 does: "error in .read() call"
                    raise ReceiverFault from error
                raise
            if not got:
                self.saw_the_end = True
                return
            self.data += got
        raise ReceiverFault


@pytest.fixture(autouse=True)
def nothing_stays_behind() -> Iterator[None]:
    gc.collect()  # what earlier tests left to the collector would be closed in the midst of this one
    process = psutil.Process()
    descriptors = process.num_fds()
    yield
    for thread in _senders():
        thread.join(5)  # it says that it is done a moment before it ends
    assert _senders() == []
    assert process.num_fds() <= descriptors


def _senders() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "row-stream"]


examples = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
chunk_lists = st.lists(st.binary(max_size=3000) | st.integers(0, 400_000).map(bytes), max_size=8)
sizes = st.sampled_from([1 << 10, 8192, 1 << 18, -1])


@examples
@given(chunk_lists, sizes)
def test_every_byte_arrives_unchanged_and_in_order(chunks: list[bytes], size: int) -> None:
    sink = Sink(size)
    pumped = pump(Chunks(chunks), sink)
    assert bytes(sink.data) == b"".join(chunks)
    assert (pumped.rows, pumped.bytes) == (len(chunks), len(sink.data))


@examples
@given(chunk_lists, sizes, st.booleans())
def test_a_senders_fault_never_looks_like_a_complete_stream(
    chunks: list[bytes], size: int, wraps: bool
) -> None:
    sink = Sink(size, wraps=wraps)
    fault = SenderFault()
    with pytest.raises(SenderFault) as raised:
        pump(Chunks(chunks, fault), sink)
    assert raised.value is fault
    assert not sink.saw_the_end
    assert b"".join(chunks).startswith(bytes(sink.data))


@examples
@given(st.integers(0, 3 * MEGABYTE), sizes)
def test_a_receivers_fault_is_the_one_reported_and_ends_the_sender(limit: int, size: int) -> None:
    stream = Endless([])
    with pytest.raises(ReceiverFault):
        pump(stream, Sink(size, limit))
    assert stream.cancelled.is_set()
    assert isinstance(stream.ended_with, BrokenPipeError)


def test_what_a_sender_answers_to_its_cancellation_does_not_hide_the_receivers_fault() -> None:
    with pytest.raises(ReceiverFault):
        pump(WaitsAtTheServer([]), Sink(limit=1000))


def test_a_receiver_that_leaves_before_the_end_is_no_success() -> None:
    stream = Endless([])
    with pytest.raises(BrokenPipeError):
        pump(stream, lambda source: source.read(10))
    assert isinstance(stream.ended_with, BrokenPipeError)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_receiver_ends_the_sender(interruption: type[BaseException]) -> None:
    def interrupted(source: BinaryIO) -> None:
        source.read(10)
        raise interruption

    stream = Endless([])
    with pytest.raises(interruption):
        pump(stream, interrupted)
    assert isinstance(stream.ended_with, BrokenPipeError)


def test_memory_does_not_grow_with_what_passes() -> None:
    assert _peak_of(256) <= _peak_of(16) + MEGABYTE // 2


def _peak_of(megabytes: int) -> int:
    chunk = hashlib.sha256(b"rows").digest() * (MEGABYTE // 32)
    sent, received = hashlib.sha256(), hashlib.sha256()
    for _ in range(megabytes):
        sent.update(chunk)
    stream = Chunks([chunk] * megabytes)
    tracemalloc.start()
    try:
        pumped = pump(stream, _reader_into(received.update))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pumped.bytes == megabytes * MEGABYTE
    assert received.digest() == sent.digest()
    return peak


def _reader_into(update: Callable[[bytes], None]) -> Callable[[BinaryIO], None]:
    def read(source: BinaryIO) -> None:
        while got := source.read(1 << 18):
            update(got)

    return read
