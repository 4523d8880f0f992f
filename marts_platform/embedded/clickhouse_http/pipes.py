"""Pipes, through which rows enter and leave the engine."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
from collections.abc import AsyncGenerator

PIPE_BYTES = 1 << 20


def new_pipe() -> tuple[int, int]:
    """A pipe's reading and writing end, with room for a megabyte where the system allows it."""
    source, target = os.pipe()
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        # A user's pipes may not exceed a limit together; then this one stays at 64 kB, and is slower.
        with contextlib.suppress(OSError):
            fcntl.fcntl(target, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return source, target


def write_all(target: int, data: bytes) -> None:
    """Writes all of the data, and waits while the pipe is full.

    Raises:
        BrokenPipeError: nobody reads any more.
    """
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(target, rest) :]


async def pieces(source: int) -> AsyncGenerator[bytes]:
    """What comes out of a pipe's reading end, which must not block, until the other end is closed."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            piece = os.read(source, PIPE_BYTES)
        except BlockingIOError:
            ready = asyncio.Event()
            loop.add_reader(source, ready.set)
            try:
                await ready.wait()
            finally:
                loop.remove_reader(source)
            continue
        if not piece:
            return
        yield piece
