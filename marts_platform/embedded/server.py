"""What a server of the embedded stack is.

Adding one: a file with a `Server`, and its class in `stack.SERVERS`.
"""

from __future__ import annotations

import random
import secrets
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from marts_platform.settings import ExpectedError

LOOPBACK = "127.0.0.1"

# Below the usual ephemeral ranges (Linux 32768-60999, macOS 49152-65535): otherwise any outgoing connection
# of the machine may sit on the remembered port by the time the stack starts again.
_PORTS = range(20_000, 32_000)


class StackError(ExpectedError):
    """The embedded stack cannot do what it was asked; the message says what happened and what to do."""


@dataclass(frozen=True)
class ServerStatus:
    """What ``marts status`` shows of a server; pid and port are None where they are unknown."""

    name: str
    alive: bool
    pid: int | None
    port: int | None
    version: str


class Server(ABC):
    """One server of the stack.

    The stack calls `start` and `stop` under its lock, so a server need not think of other commands. It must
    think of every one before it: of a start that was killed half way, of processes and files left by a kill.
    """

    name: ClassVar[str]

    def __init__(self, folder: Path, memory: dict[str, Any], remember: Callable[[], None]) -> None:
        """Prepares a handle; starts nothing and touches no file.

        Args:
            folder: the server's own folder under ``$MARTS_HOME``; it need not exist yet.
            memory: what the server has to remember (ports, passwords); JSON values only.
            remember: writes the memory to disk. To be called before anything depends on what is in it.
        """
        self.folder = folder
        self.memory = memory
        self.remember = remember

    @abstractmethod
    def start(self) -> None:
        """Makes the server run and serve, from whatever state it is in; a running server is left alone.

        Raises:
            StackError: it cannot; the message says why.
        """

    @abstractmethod
    def is_alive(self) -> bool:
        """Whether the server's process runs (not a zombie, not somebody else with its pid)."""

    @abstractmethod
    def stop(self) -> None:
        """Stops the server and waits until it is gone; no server is no error."""

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """The settings that this server answers for, as variable name to value, secrets in the clear."""

    @abstractmethod
    def status(self) -> ServerStatus:
        """What to show of it. Never raises for a server that is down."""

    @classmethod
    def databases(cls) -> Collection[str]:
        """Return the names of what `owners` gives URLs for, whether the server runs or not."""
        return (cls.name,)

    def owners(self) -> dict[str, str]:
        """Connection URLs with full rights, by database: for demo data and tests, not for the platform."""
        return {}

    def secret(self, name: str) -> str:
        """A password, generated at the first call for `name` and the same ever after."""
        passwords: dict[str, str] = self.memory.setdefault("passwords", {})
        if name not in passwords:
            passwords[name] = secrets.token_urlsafe(24)
            self.remember()
        return passwords[name]

    def choose_port(self) -> int:
        """The remembered port if it is free, else another one, remembered from now on."""
        port: int | None = self.memory.get("port")
        if port is None or not port_is_free(port):
            port = free_port()
            self.memory["port"] = port
            self.remember()
        return port


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: without it a port in TIME_WAIT looks taken. A listening socket still refuses.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """A loopback port that is free now, outside of the ephemeral range.

    Raises:
        StackError: none was found.
    """
    for port in random.SystemRandom().sample(_PORTS, 200):
        if port_is_free(port):
            return port
    raise StackError(
        f"no free port between {_PORTS.start} and {_PORTS.stop} on {LOOPBACK}; free some and try again"
    )
