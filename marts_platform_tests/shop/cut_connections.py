"""A broker behind a door: whoever speaks with it does so through sockets that a test can cut."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Generator
from pathlib import Path

from marts_platform.embedded.kafka import KafkaServer, answers
from marts_platform.embedded.server import LOOPBACK, free_port


class Door(threading.Thread):
    """Passes bytes between clients and a broker until it is slammed: then all connections end."""

    def __init__(self, port: int, behind: int) -> None:
        super().__init__(name="door", daemon=True)
        self._behind = behind
        self._open: list[socket.socket] = []
        self._listening = socket.create_server((LOOPBACK, port))
        self.slams = self.cuts = 0

    def run(self) -> None:
        with contextlib.suppress(OSError):  # closed at the end
            while True:
                client, _ = self._listening.accept()
                broker = socket.create_connection((LOOPBACK, self._behind))
                self._open += [client, broker]
                for pair in ((client, broker), (broker, client)):
                    threading.Thread(target=_pass_on, args=pair, daemon=True).start()

    def slam(self) -> None:
        """Cuts every connection that is open now."""
        there, self._open = self._open, []
        self.slams += 1
        self.cuts += len(there)
        for end in there:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        """Lets nobody in any more."""
        self._listening.close()
        self.slam()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def broker_behind_a_door(folder: Path) -> Generator[tuple[str, Door]]:
    """The embedded broker, which tells its clients to come through the door: its address there, the door."""
    port, outside = free_port(), free_port()
    with subprocess.Popen(
        KafkaServer(folder, {}, lambda: None).command(port, advertised=outside),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as broker:  # fmt: skip
        try:
            while not answers(port):
                assert broker.poll() is None
            door = Door(outside, port)
            door.start()
            yield f"{LOOPBACK}:{outside}", door
            door.close()
        finally:
            broker.kill()
