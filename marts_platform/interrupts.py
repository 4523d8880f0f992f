"""What asks a command to end is an interrupt, as Ctrl-C is: what it has begun is undone and recorded."""

from __future__ import annotations

import contextlib
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import FrameType


@contextlib.contextmanager
def ending_is_an_interrupt() -> Generator[None]:
    """Makes an interrupt of SIGTERM, and of SIGHUP: a terminal or an ssh session that closes.

    What is ignored stays so: ``nohup`` lets a command outlive its terminal. For the main thread only.
    """
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, _interrupt)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_: int, frame: FrameType | None) -> None:
    # Dagster has handlers of its own while it runs a step; a command in a script's background ignores Ctrl-C.
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        handler(signal.SIGINT, frame)
    else:
        raise KeyboardInterrupt
