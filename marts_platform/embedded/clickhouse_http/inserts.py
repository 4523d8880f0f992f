"""INSERTs with rows: the engine reads them from a pipe (``FROM INFILE '/dev/fd/N'``) while they arrive.

The end of a pipe does not tell a complete body from one that was cut off, and the engine would commit what
it has. So the pipe carries an LZ4 frame of uncompressed blocks: a body that fails ends with a block that is
none; then the engine fails, and drops what is not committed yet. As on a server, that is everything but whole
blocks of about a million rows (min_insert_block_size_rows), which are committed one by one.

Not by chdb's streaming insert (send_insert): as of 26.9 it reports success when the engine refuses the rows
at the end (too many partitions, a constraint, a materialised view that throws), and they are lost.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import lz4.frame

from marts_platform.embedded.clickhouse_http.engine import Connection, Summary
from marts_platform.embedded.clickhouse_http.pipes import new_pipe, write_all
from marts_platform.embedded.clickhouse_http.sql import Insert

# LZ4 frame format 1.6: a header, then blocks. Each begins with its size; the highest bit is set for
# uncompressed data, and size 0 ends the frame.
_lz4_frame: Any = lz4.frame  # it has no types
_MAX_BLOCK: int = _lz4_frame.BLOCKSIZE_MAX4MB
_BEGIN: bytes = _lz4_frame.LZ4FrameCompressor(block_size=_MAX_BLOCK, block_linked=False).begin()
_BLOCK_BYTES = 4 << 20
_SIZE = struct.Struct("<I")
_UNCOMPRESSED = 1 << 31
_END = _SIZE.pack(0)
_BROKEN = _SIZE.pack(0x7FFF_FFFF)  # larger than a block may be: the engine refuses it


class Inserts:
    """Runs inserts; each takes a second thread while it lasts, which writes what the engine reads."""

    def __init__(self, at_once: int) -> None:
        # As many as there may be: one that had to wait for a thread would keep its engine waiting.
        self._feeders = ThreadPoolExecutor(at_once, "rows")

    def run(
        self,
        connection: Connection,
        insert: Insert,
        rows: Iterator[bytes],
        parameters: Mapping[str, str],
        summary: Summary,
    ) -> None:
        """Inserts rows as they come.

        Args:
            connection: where to.
            insert: the statement.
            rows: pieces of the data, cut anywhere. If it raises, the insert fails with that.
            parameters: values for ``{name:Type}`` in the statement.
            summary: filled with what it wrote.

        Raises:
            ServerError: the engine refuses or fails.
        """
        source, target = new_pipe()
        feeding = self._feeders.submit(_feed, rows, target)
        statement = insert.from_file(f"/dev/fd/{source}", "lz4")
        try:
            connection.execute(statement, parameters=parameters, summary=summary)
        finally:
            os.close(source)  # wakes a feeder that waits in a full pipe
            failure = feeding.exception()
            if failure is not None and not isinstance(failure, BrokenPipeError):
                raise failure from None


def _feed(rows: Iterator[bytes], target: int) -> None:
    """Writes rows into the pipe as a frame, which is a broken one unless `rows` came to its end."""
    ending = _BROKEN
    try:
        write_all(target, _BEGIN)
        for piece in rows:
            for start in range(0, len(piece), _BLOCK_BYTES):
                block = piece[start : start + _BLOCK_BYTES]
                write_all(target, _SIZE.pack(len(block) | _UNCOMPRESSED) + block)
        ending = _END
    finally:
        try:
            write_all(target, ending)
        finally:
            os.close(target)
