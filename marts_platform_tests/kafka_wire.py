"""Messages that no client library writes: record batches made by hand, in Kafka's wire format.

Kafka's brokers store the names of headers as they come, and other languages' clients write names that are no
UTF-8.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass

_PRODUCE, _VERSION = 0, 3


@dataclass(frozen=True)
class Record:
    """A message in bytes.

    Attributes:
        value: None for a tombstone.
        key: None for none.
        headers: pairs of name and value.
    """

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()


def produce(
    bootstrap: str,
    topic: str,
    records: Sequence[Record],
    timestamp: int = 1_772_366_400_000,
    *,
    attributes: int = 0,
) -> None:
    """Append records to partition 0 of a topic as one batch.

    Args:
        bootstrap: the broker.
        topic: its name.
        records: the messages.
        timestamp: of all of them, in milliseconds since 1970.
        attributes: of the batch; 1 says that it is compressed, 0x30 that it is a transaction's mark.

    Raises:
        AssertionError: the broker refuses.
    """
    batch = _batch(records, timestamp, attributes)
    name = topic.encode()
    body = (
        struct.pack(">hhih", _PRODUCE, _VERSION, 1, -1)
        + struct.pack(">hhii", -1, -1, 10_000, 1)
        + struct.pack(">h", len(name)) + name
        + struct.pack(">iii", 1, 0, len(batch)) + batch
    )  # fmt: skip
    host, _, port = bootstrap.partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(struct.pack(">i", len(body)) + body)
        (length,) = struct.unpack(">i", _exactly(connection, 4))
        answer = _exactly(connection, length)
    # Correlation id, one topic, its name, one partition, its number, the error.
    (error,) = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(name) + 4 + 4)
    assert error == 0, f"error {error}"


def _exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        more = connection.recv(count - len(found))
        assert more, "the broker closed the connection"
        found += more
    return found


def _batch(records: Sequence[Record], timestamp: int, attributes: int) -> bytes:
    encoded = b"".join(_record(number, record) for number, record in enumerate(records))
    checked = struct.pack(
        ">hiqqqhii", attributes, len(records) - 1, timestamp, timestamp, -1, -1, -1, len(records)
    ) + encoded  # fmt: skip
    rest = struct.pack(">ibI", -1, 2, _crc32c(checked)) + checked
    return struct.pack(">qi", 0, len(rest)) + rest


def _record(number: int, record: Record) -> bytes:
    body = b"\0" + _varint(0) + _varint(number) + _bytes(record.key) + _bytes(record.value)
    body += _varint(len(record.headers))
    body += b"".join(_bytes(name) + _bytes(value) for name, value in record.headers)
    return _varint(len(body)) + body


def _bytes(value: bytes | None) -> bytes:
    return _varint(-1) if value is None else _varint(len(value)) + value


def _varint(number: int) -> bytes:
    left = (number << 1) ^ (number >> 63)
    found = bytearray()
    while left > 0x7F:
        found.append(left & 0x7F | 0x80)
        left >>= 7
    found.append(left)
    return bytes(found)


def _crc32c(data: bytes) -> int:
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF
