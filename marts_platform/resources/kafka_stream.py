"""Messages of Kafka as the bytes of COPY's binary format, between offsets that were fixed before."""

from __future__ import annotations

import ctypes
import json
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from marts_platform.resources.kafka_client import (
    KafkaClient,
    KafkaUnavailableError,
    assign,
    connected,
    digest_of,
    place_of,
    topic_ids,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import BinaryIO

    from confluent_kafka import Message

    from marts_platform.core.streams import Place, Reading

COLUMNS = (
    "kafka_topic", "kafka_partition", "kafka_epoch", "kafka_offset", "kafka_time", "kafka_key",
    "kafka_headers", "message", "message_bytes",
)  # fmt: skip
_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_LENGTH = struct.Struct(">i")
_INTEGER = struct.Struct(">ii")
_BIGINT = struct.Struct(">iq")
# PostgreSQL counts microseconds from 2000-01-01, Kafka milliseconds from 1970-01-01.
_EPOCHS_APART = 946_684_800_000
# A producer says what it likes: microseconds are times beyond the year 9999, nanoseconds beyond COPY's.
_END_OF_TIME = 253_402_300_800_000
_MESSAGES_AT_ONCE = 1000


@dataclass(slots=True)
class KafkaStream:
    """The messages of some readings, as they come, each with its coordinates.

    A message that is UTF-8 without a zero byte comes as text, any other as its bytes; a time that is not
    of the years 1970 to 9999 as NULL.

    Attributes:
        readings: what is read.
        last: offset and digest of the last message of each partition, once they have been sent.
    """

    readings: Sequence[Reading]
    last: dict[Place, tuple[int, str]] = field(default_factory=dict["Place", "tuple[int, str]"], init=False)
    _cancelled: bool = field(default=False, init=False)

    @property
    def format(self) -> str:
        """The format of the bytes."""
        return "postgres-binary"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a message, in their order."""
        return COLUMNS

    def cancel(self) -> None:
        """Ends `send`, from another thread."""
        self._cancelled = True

    def send(self, sink: BinaryIO) -> int:
        """Writes every message of the readings and returns their number.

        Raises:
            KafkaUnavailableError: the broker went away for longer than it may, or the log is another one now.
        """
        sink.write(_HEADER)
        remaining = {reading.place: reading for reading in self.readings if reading.start < reading.end}
        rows = 0
        if remaining:
            with connected() as client:
                rows = self._send(client, sink, remaining)
                self._refuse_other_logs(client)
        sink.write(_TRAILER)
        return rows

    def _send(self, client: KafkaClient, sink: BinaryIO, remaining: dict[Place, Reading]) -> int:
        from confluent_kafka import TopicPartition

        prefixes = {place: _prefix(reading) for place, reading in remaining.items()}
        newest: dict[Place, Message] = {}
        assign(client, {place: reading.start for place, reading in remaining.items()})
        rows = 0
        heard = time.monotonic()
        while remaining:
            if self._cancelled:
                raise KafkaUnavailableError("the reading was cancelled")
            messages = client.consumer.consume(_MESSAGES_AT_ONCE, timeout=0.5)
            if messages:
                heard = time.monotonic()
            elif time.monotonic() - heard > client.timeout:
                raise client.fault(None, f"reading {min(remaining).topic} in the middle")
            chunks: list[bytes] = []
            for message in messages:
                place = place_of(message)
                reading = remaining.get(place)
                if reading is None:
                    continue  # it was fetched before the partition was left
                if _is_inside(client, message, reading):
                    chunks.append(prefixes[place] + encoded(message))
                    newest[place] = message
                if _is_last(message, reading):
                    del remaining[place]
                    client.consumer.pause([TopicPartition(*place)])
            sink.write(b"".join(chunks))
            rows += len(chunks)
        for place, message in newest.items():
            offset = message.offset()
            assert offset is not None
            self.last[place] = (offset, digest_of(message))
        return rows

    def _refuse_other_logs(self, client: KafkaClient) -> None:
        """What was read is one log's if its id is the same afterwards: an id never comes back."""
        before = {reading.place.topic: reading.log_id for reading in self.readings}
        after = topic_ids(client, list(before))
        for topic, log_id in before.items():
            if log_id and after.get(topic, ("", 0))[0] != log_id:
                raise KafkaUnavailableError(f"the topic {topic} was made anew while it was read")


def _is_inside(client: KafkaClient, message: Message, reading: Reading) -> bool:
    """Whether it is a message of the reading; not one behind its end, nor the news that the log has ended."""
    from confluent_kafka import KafkaError

    error, offset = message.error(), message.offset()
    if error is None:
        return offset is not None and offset < reading.end
    if error.code() != KafkaError._PARTITION_EOF:
        raise client.fault(error, f"reading {reading.place.topic}")
    if offset is not None and offset < reading.end:
        raise KafkaUnavailableError(
            f"{reading.place.topic}, partition {reading.place.partition}: its end went back from offset "
            f"{reading.end} to {offset} while it was read"
        )
    return False


def _is_last(message: Message, reading: Reading) -> bool:
    """Whether nothing of the reading comes after it: the offsets before the end may have no messages."""
    offset = message.offset()
    return offset is not None and offset + (message.error() is None) >= reading.end


def encoded(message: Message) -> bytes:
    """The fields of a message behind `_prefix`, in COPY's binary format."""
    offset = message.offset()
    assert offset is not None
    kind, milliseconds = message.timestamp()
    value = message.value()
    text, other = (value, None) if value is not None and _is_text(value) else (None, value)
    return b"".join(
        (
            _BIGINT.pack(8, offset),
            _time(milliseconds) if kind else _NULL,
            _bytes(message.key()),
            _bytes(_headers(message)),
            _bytes(text),
            _bytes(other),
        )
    )


def _prefix(reading: Reading) -> bytes:
    """The number of fields of a tuple, and those that all messages of a partition share."""
    return (
        struct.pack(">h", len(COLUMNS))
        + _bytes(reading.place.topic.encode())
        + _INTEGER.pack(4, reading.place.partition)
        + _INTEGER.pack(4, reading.epoch)
    )


def _time(milliseconds: int) -> bytes:
    is_sane = 0 <= milliseconds < _END_OF_TIME
    return _BIGINT.pack(8, (milliseconds - _EPOCHS_APART) * 1000) if is_sane else _NULL


def _bytes(value: bytes | None) -> bytes:
    return _NULL if value is None else _LENGTH.pack(len(value)) + value


def _is_text(value: bytes) -> bool:
    if b"\0" in value:
        return False
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _headers(message: Message) -> bytes | None:
    """Return the headers as jsonb: pairs of name and value, in their order; what is no text in hex."""
    pairs = [(name, _text_or_hex(value)) for name, value in _header_pairs(message)]
    return b"\x01" + json.dumps(pairs).encode() if pairs else None


def _header_pairs(message: Message) -> list[tuple[str | None, str | bytes | None]]:
    """Return the headers of a message, also where the client library cannot decode a name.

    At the first call the library decodes all names. A name that is no UTF-8 becomes a null pointer in the
    list that it keeps, and an error that holds the bytes of one such name: a single one is known by it, of
    several the names are None.
    """
    undecoded = None
    try:
        kept = _called(message)
    except (SystemError, UnicodeDecodeError) as error:
        undecoded = _undecoded(error)
        kept = _called(message)
    pairs: list[tuple[str | None, str | bytes | None]] = [
        (pair[0] if _has_name(pair) else None, pair[1]) for pair in kept
    ]
    unnamed = [place for place, (name, _) in enumerate(pairs) if name is None]
    if len(unnamed) == 1:
        pairs[unnamed[0]] = (undecoded, pairs[unnamed[0]][1])
    return pairs


def _called(message: Message) -> list[tuple[str, str | bytes | None]]:
    """Return the library's list of headers.

    The library returns a list and leaves an error set. Python sees that error where C code calls, as `map`
    does, and overlooks it where specialized bytecode does: some later statement would raise it.
    """
    (headers,) = map(type(message).headers, (message,))
    return cast("list[tuple[str, str | bytes | None]]", headers or [])


def _undecoded(error: BaseException | None) -> str:
    """Return the bytes that could not be decoded, in hex, from the error that says so or from its causes.

    Raises:
        BaseException: the error itself, if it is another one.
    """
    fault = error
    while fault is not None and not isinstance(fault, UnicodeDecodeError):
        fault = fault.__cause__
    if fault is None:
        assert error is not None
        raise error
    return f"\\x{fault.object.hex()}"


def _has_name(pair: tuple[object, ...]) -> bool:
    """Return whether the first item of a pair is an object and no null pointer, without touching it."""
    item = ctypes.pythonapi.PyTuple_GetItem
    item.argtypes, item.restype = [ctypes.py_object, ctypes.c_ssize_t], ctypes.c_void_p
    return item(pair, 0) is not None


def _text_or_hex(value: bytes | str | None) -> str | None:
    raw = value.encode() if isinstance(value, str) else value
    if raw is None:
        return None
    return raw.decode() if _is_text(raw) else f"\\x{raw.hex()}"
