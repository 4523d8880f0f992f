"""The text of COPY into MySQL: a pipe that LOAD DATA LOCAL INFILE reads as its file, in constant memory."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import BinaryIO

_PIECE_BYTES = 1 << 18
# What COPY writes for these two, LOAD DATA takes for the letters alone.
_ESCAPES = {b"\\f": b"\f", b"\\v": b"\v"}
_ESCAPED = re.compile(rb"\\.", re.S)


def feed(source: BinaryIO, load: Callable[[str], None]) -> None:
    """Lets a statement read a stream as a file.

    Args:
        source: the text of COPY.
        load: runs the statement; it takes the path of the file.

    Raises:
        BaseException: whatever the source or the statement raised; the statement's comes first.
    """
    read_end, write_end = os.pipe()
    faults: list[BaseException] = []

    def run() -> None:
        try:
            load(f"/dev/fd/{read_end}")
        except BaseException as error:  # noqa: BLE001 # a thread's fault has to reach the other thread
            faults.append(error)
        finally:
            os.close(read_end)

    loader = threading.Thread(target=run, name="load-data", daemon=True)
    loader.start()
    try:
        # A server that has failed takes no more: its own error is the one to report.
        with contextlib.suppress(BrokenPipeError), open(write_end, "wb", buffering=0) as sink:
            for piece in as_load_data(source):
                _write(sink, piece)
    finally:
        loader.join()
    if faults:
        raise faults[0]


def as_load_data(source: BinaryIO) -> Generator[bytes]:
    """The text of COPY in pieces as LOAD DATA reads it."""
    rest = b""
    while piece := source.read(_PIECE_BYTES):
        piece = rest + piece
        # A piece must not end within an escape: an odd number of backslashes at its end waits for the next.
        dangling = (len(piece) - len(piece.rstrip(b"\\"))) % 2
        rest = piece[len(piece) - dangling :]
        piece = piece[: len(piece) - dangling]
        if any(escape in piece for escape in _ESCAPES):
            piece = _ESCAPED.sub(lambda found: _ESCAPES.get(found[0], found[0]), piece)
        yield piece
    if rest:
        yield rest


def _write(sink: BinaryIO, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[sink.write(view) :]
