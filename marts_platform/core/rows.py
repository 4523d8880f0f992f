"""What an asset returns: a description of its rows, in the form the engines move best."""

from __future__ import annotations

import contextlib
import io
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import BinaryIO

    import pandas as pd

# Linux gives a pipe 64 KiB; one MiB lets the two engines work a few hundred rows apart.
_PIPE_BYTES = 1 << 20
_BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Query:
    """Rows that a SELECT of the warehouse's own engine gives.

    Attributes:
        file: the SQL file, below ``sql/``.
        params: its bound values; ``start`` and ``end`` of the slice's window are bound as well.
    """

    file: str
    params: Mapping[str, object] = field(default_factory=dict[str, object])


@dataclass(frozen=True, slots=True)
class Replay:
    """The rows of the asset that stand in quarantine: what a replay reads in the source's stead."""


class RowStream(Protocol):
    """Rows that another system sends in a format of the engines, such as COPY's binary one."""

    @property
    def format(self) -> str:
        """The format of the bytes, such as ``postgres-binary``."""
        ...

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns in the order in which they come."""
        ...

    def send(self, sink: BinaryIO) -> int:
        """Writes everything to a sink and returns the number of rows sent; blocks until done."""
        ...

    def cancel(self) -> None:
        """Ends a `send` of another thread: the receiver has failed."""
        ...


class Transfer(Protocol):
    """Rows that others, such as a cluster, bring into a table of texts, past this process."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns, as the table of texts has them."""
        ...

    def describe(self) -> dict[str, str]:
        """The columns that the source gives, in order, with Postgres' names of their types."""
        ...

    def move(self, target: Any, table: str) -> int:
        """Appends every value's text to a table and returns the number of rows at the source.

        Args:
            target: the warehouse's resource.
            table: the table's quoted name; it is there, and empty.
        """
        ...


if TYPE_CHECKING:
    Rows: TypeAlias = Query | RowStream | Transfer | pd.DataFrame | Replay


@dataclass(frozen=True, slots=True)
class Pumped:
    """What went through `pump`."""

    rows: int
    bytes: int


class _CountedReader(io.RawIOBase):
    """The receiving end of the pipe. An end that came of a fault is an error here, never an end of data."""

    def __init__(self, descriptor: int, sender_fault: Callable[[], BaseException | None]) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._sender_fault = sender_fault
        self.bytes_read = 0
        self.passed_on: BaseException | None = None

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = os.read(self._descriptor, _BUFFER_BYTES if size < 0 else size)
        if not data and (fault := self._sender_fault()):
            self.passed_on = fault
            raise fault
        self.bytes_read += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


class _Sender(threading.Thread):
    def __init__(self, stream: RowStream, descriptor: int) -> None:
        super().__init__(name="row-stream", daemon=True)
        self._stream = stream
        self._descriptor = descriptor
        self._finished = threading.Event()
        self._fault: BaseException | None = None
        self.rows = 0

    def run(self) -> None:
        try:
            with open(self._descriptor, "wb", buffering=_BUFFER_BYTES) as sink:
                try:
                    self.rows = self._stream.send(sink)
                    sink.flush()
                except BaseException as error:
                    # Set before the descriptor closes: the reader looks for it at the end of data.
                    self._fault = error
                    raise
        except BrokenPipeError:
            # The receiver has gone; its own error is the one to report.
            pass
        except BaseException as error:  # noqa: BLE001 # a thread's fault has to reach the other thread
            self._fault = error
        finally:
            self._finished.set()

    def fault(self) -> BaseException | None:
        self._finished.wait()
        return self._fault


def pump(stream: RowStream, receive: Callable[[BinaryIO], object]) -> Pumped:
    """Streams rows from a sender to a receiver through a pipe, in constant memory.

    Args:
        stream: what sends; it runs in a thread of its own.
        receive: reads the file it is given to its end.

    Returns:
        The rows that the sender counted and the bytes that passed.

    Raises:
        BaseException: whatever the sender or the receiver raised. If the sender fails, the receiver's
            next read raises too, so a cut stream never looks like a complete one.
    """
    read_end, write_end = os.pipe()
    _widen(write_end)
    sender = _Sender(stream, write_end)
    sender.start()
    reader = _CountedReader(read_end, sender.fault)
    try:
        receive(reader)  # pyright: ignore[reportArgumentType] # a RawIOBase is all that drivers need
    except BaseException as error:
        os.close(read_end)
        stream.cancel()
        sender.fault()
        # A driver that is told of the sender's fault raises an error of its own. Any other fault is the
        # receiver's, and what the sender answers to its cancellation came of it.
        if reader.passed_on is not None and reader.passed_on is not error:
            raise reader.passed_on from error
        raise
    os.close(read_end)
    fault = sender.fault()
    if fault is not None:
        raise fault
    return Pumped(sender.rows, reader.bytes_read)


def _widen(descriptor: int) -> None:
    if os.name != "posix":
        return
    import fcntl

    # Linux only, and refused above the user's limit: the default size is slower, not wrong.
    with contextlib.suppress(OSError, AttributeError):
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
