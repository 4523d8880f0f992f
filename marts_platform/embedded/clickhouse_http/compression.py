"""Compressed bodies and results: by HTTP's Content-Encoding, and in ClickHouse's own blocks (``compress=1``).

A body may be several frames one after another: clickhouse-connect compresses each block of rows by itself. An
answer is always one, since its readers take one.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, Protocol

import lz4.block
import lz4.frame
from backports import zstd

from marts_platform.embedded.clickhouse_http.errors import Code, ServerError, raised_here

# These have no types.
_city_hash_128: Callable[[bytes], int] = import_module("clickhouse_cityhash.cityhash").CityHash128
_lz4_block: Any = lz4.block
_lz4_frame: Any = lz4.frame

# ClickHouse, src/Compression/CompressionInfo.h: a checksum of 16 bytes; then, covered by it, the method, the
# size of all but the checksum, the size of the data, and the data.
_NONE, _LZ4, _ZSTD = 0x02, 0x82, 0x90
_HEADER = struct.Struct("<BII")
_CHECKSUM_BYTES = 16
_BLOCK_BYTES = 1 << 20
_MAX_BLOCK_BYTES = 1 << 30  # DBMS_MAX_COMPRESSED_SIZE


class Encoder(Protocol):
    """Compresses one answer, piece by piece."""

    def compress(self, data: bytes, /) -> bytes:
        """Takes a piece; returns what is ready, which may be nothing."""
        ...

    def flush(self) -> bytes:
        """Ends the answer; returns the rest."""
        ...


class _Decoder(Protocol):
    """One frame's decompressor, as lz4, zstd and zlib have it."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes | None: ...

    def decompress(self, data: bytes, /) -> bytes: ...


class _Lz4Frame:
    def __init__(self) -> None:
        self._frame = _lz4_frame.LZ4FrameCompressor()
        self._begun = False

    def compress(self, data: bytes) -> bytes:
        return self._begin() + self._frame.compress(data)

    def flush(self) -> bytes:
        return self._begin() + self._frame.flush()

    def _begin(self) -> bytes:
        if self._begun:
            return b""
        self._begun = True
        return self._frame.begin()


class _NativeBlocks:
    def __init__(self) -> None:
        self._pending = bytearray()

    def compress(self, data: bytes) -> bytes:
        self._pending += data
        ready = bytearray()
        while len(self._pending) >= _BLOCK_BYTES:
            ready += _native_block(bytes(self._pending[:_BLOCK_BYTES]))
            del self._pending[:_BLOCK_BYTES]
        return bytes(ready)

    def flush(self) -> bytes:
        return _native_block(bytes(self._pending)) if self._pending else b""


def encoder(accepted: Iterable[str], level: int) -> tuple[str, Encoder] | None:
    """The Content-Encoding for a client that accepts these, and its encoder; None if none of them is known.

    Args:
        accepted: names of encodings.
        level: zlib's level, for gzip and deflate.
    """
    # The first that the client takes: the server's order counts, as in ClickHouse.
    makers: dict[str, Callable[[], Encoder]] = {
        "lz4": _Lz4Frame,
        "zstd": lambda: zstd.ZstdCompressor(level=1),
        "gzip": lambda: zlib.compressobj(level, wbits=31),
        "deflate": lambda: zlib.compressobj(level),
    }
    names = set(accepted)
    return next(((name, make()) for name, make in makers.items() if name in names), None)


def native_encoder() -> Encoder:
    """The encoder of ``compress=1``."""
    return _NativeBlocks()


def decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """A body's content.

    Args:
        chunks: the body as it arrives, cut anywhere.
        encoding: its Content-Encoding in lower case; empty for none.

    Raises:
        ServerError: an unknown encoding, damaged data, or an end inside a frame.
    """
    makers: dict[str, Callable[[], _Decoder]] = {
        "lz4": _lz4_frame.LZ4FrameDecompressor,
        "zstd": zstd.ZstdDecompressor,
        "gzip": lambda: zlib.decompressobj(wbits=31),
        "x-gzip": lambda: zlib.decompressobj(wbits=31),
        "deflate": zlib.decompressobj,
    }
    if encoding in ("", "identity"):
        return chunks
    if encoding not in makers:
        raise raised_here(
            Code.NOT_IMPLEMENTED, f"Unknown Content-Encoding {encoding}; it takes {', '.join(makers)}."
        )
    return _frames(chunks, makers[encoding], encoding)


def native_decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """A body's content out of ClickHouse's own blocks (``decompress=1``).

    Raises:
        ServerError: a wrong checksum, an unknown method, damaged data, or an end inside a block.
    """
    buffer = bytearray()
    head = _CHECKSUM_BYTES + _HEADER.size
    for chunk in chunks:
        buffer += chunk
        while len(buffer) >= head:
            method, size, plain_size = _HEADER.unpack_from(buffer, _CHECKSUM_BYTES)
            if size < _HEADER.size or max(size, plain_size) > _MAX_BLOCK_BYTES:
                raise _damaged("block", "its size is impossible")
            if len(buffer) < _CHECKSUM_BYTES + size:
                break
            block = bytes(buffer[_CHECKSUM_BYTES : _CHECKSUM_BYTES + size])
            if _checksum(block) != bytes(buffer[:_CHECKSUM_BYTES]):
                raise _damaged("block", "its checksum is wrong")
            del buffer[: _CHECKSUM_BYTES + size]
            yield _plain(method, block[_HEADER.size :], plain_size)
    if buffer:
        raise _damaged("block", "the body ends inside of it")


def _frames(chunks: Iterator[bytes], make: Callable[[], _Decoder], encoding: str) -> Iterator[bytes]:
    frame: _Decoder | None = None
    for chunk in chunks:
        rest = chunk
        while rest:
            frame = frame or make()
            try:
                plain = frame.decompress(rest)
            except (RuntimeError, EOFError, zlib.error, zstd.ZstdError) as error:
                raise _damaged(f"{encoding} frame", str(error)) from None
            if plain:
                yield plain
            rest = b""
            if frame.eof:
                rest = frame.unused_data or b""
                frame = None
    if frame is not None:
        raise _damaged(f"{encoding} frame", "the body ends inside of it")


def _native_block(data: bytes) -> bytes:
    packed: bytes = _lz4_block.compress(data, store_size=False)
    block = _HEADER.pack(_LZ4, len(packed) + _HEADER.size, len(data)) + packed
    return _checksum(block) + block


def _checksum(block: bytes) -> bytes:
    value: int = _city_hash_128(block)
    return struct.pack("<QQ", value >> 64, value & 0xFFFF_FFFF_FFFF_FFFF)


def _plain(method: int, packed: bytes, size: int) -> bytes:
    try:
        if method == _LZ4:
            return _lz4_block.decompress(packed, uncompressed_size=size)
        if method == _ZSTD:
            return zstd.decompress(packed)
    except (_lz4_block.LZ4BlockError, zstd.ZstdError) as error:
        raise _damaged("block", str(error)) from None
    if method == _NONE:
        return packed
    raise raised_here(Code.UNKNOWN_COMPRESSION_METHOD, f"Unknown codec family code: {method}.")


def _damaged(what: str, reason: str) -> ServerError:
    return raised_here(Code.CANNOT_DECOMPRESS, f"Cannot decompress a {what} of the request's body: {reason}.")
