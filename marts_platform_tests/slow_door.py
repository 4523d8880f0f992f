"""A server behind a slow line: each message of a client takes its time to get through."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Generator

from marts_platform.embedded.server import LOOPBACK


class SlowDoor(threading.Thread):
    """Passes bytes between clients and a server; what a client sends arrives later.

    Attributes:
        messages: how many messages clients have sent.
        clients: how many clients have come.
    """

    def __init__(self, behind: int, seconds: float) -> None:
        super().__init__(name="slow door", daemon=True)
        self.messages = self.clients = 0
        self.seconds = seconds
        self._behind = behind
        self._listening = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listening.getsockname()[1]

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                client, _ = self._listening.accept()
                self.clients += 1
                server = socket.create_connection((LOOPBACK, self._behind))
                threading.Thread(target=self._serve, args=(client, server), daemon=True).start()

    def close(self) -> None:
        """Lets nobody in any more."""
        # Who waits for a client wakes by this only.
        with contextlib.suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.join(10)

    def _serve(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            back = threading.Thread(target=_at_once, args=(server, client), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65_536):
                    self.messages += 1
                    time.sleep(self.seconds)
                    server.sendall(data)
                server.shutdown(socket.SHUT_WR)
            back.join(10)


def _at_once(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def slow_door(behind: int, seconds: float) -> Generator[SlowDoor]:
    """A door to a port of this machine, through which each message takes so many seconds."""
    door = SlowDoor(behind, seconds)
    door.start()
    try:
        yield door
    finally:
        door.close()
