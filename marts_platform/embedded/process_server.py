"""A server of the stack that is one process, recognised by its command line."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import psutil
from typing_extensions import override

from marts_platform.embedded import processes
from marts_platform.embedded.server import Server, ServerStatus, StackError, port_is_free

_LOG_BYTES = 10_000_000

# Started here and not waited for. A child that ended stays a zombie until somebody asks for its exit code.
_children: list[subprocess.Popen[bytes]] = []


class ProcessServer(Server):
    """A `Server` whose process is started here, with an environment that holds none of our passwords.

    Attributes:
        title: what messages call it.
        start_seconds: how long a start may take, after a kill as well.
        stop_seconds: how long it may take to end by itself.
        variables: the environment of its process, beside PATH and LC_ALL.
    """

    title: ClassVar[str]
    start_seconds: ClassVar[float] = 120
    stop_seconds: ClassVar[float] = 20
    variables: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def arguments(self, port: int) -> list[str]:
        """The command line that serves on the port; it must tell this stack's server from another's."""

    @abstractmethod
    def is_ours(self, command: processes.CommandLine) -> bool:
        """Whether a command line is this server's."""

    @abstractmethod
    def port_of(self, command: processes.CommandLine) -> int:
        """The port in the server's command line."""

    @abstractmethod
    def answers(self, port: int) -> bool:
        """Whether the server answers on the port."""

    @property
    def log(self) -> Path:
        """What the process prints."""
        return self.folder / "server.log"

    @override
    def is_alive(self) -> bool:
        return self.process() is not None

    @override
    def stop(self) -> None:
        ours = processes.matching(self.is_ours)
        try:
            for number, seconds in ((signal.SIGTERM, self.stop_seconds), (signal.SIGKILL, 10)):
                processes.send(ours, number)
                ours = processes.wait_until_gone(ours, seconds)
                if not ours:
                    return
        except psutil.AccessDenied as error:
            raise StackError(
                f"{self.title} (pid {error.pid}) runs under another user; stop it as that user or as root"
            ) from error
        raise StackError(f"{self.title} did not end: processes {[process.pid for process in ours]} still run")

    @override
    def status(self) -> ServerStatus:
        process = self.process()
        return ServerStatus(
            name=self.name,
            alive=process is not None,
            pid=process.pid if process else None,
            port=self.memory.get("port"),
            version=str(self.memory.get("version", "")),
        )

    def process(self) -> psutil.Process | None:
        """The server's process, None if it does not run."""
        for child in list(_children):
            if child.poll() is not None:
                _children.remove(child)
        return next(iter(processes.matching(self.is_ours)), None)

    def launch(self) -> None:
        """Starts the process on the remembered port, or on another one if that is taken, until it answers.

        Raises:
            StackError: it ends, or does not answer in time; the message has the end of its log.
        """
        for _ in range(5):
            port = self.choose_port()
            child = self._spawn(port)
            deadline = time.monotonic() + self.start_seconds
            while child.poll() is None and time.monotonic() < deadline:
                if self.answers(port):
                    return
                time.sleep(0.02)
            if port_is_free(port):
                break
        raise StackError(f"{self.title} did not start; the end of {self.log}:\n{self.log_tail()}")

    def await_answer(self) -> None:
        """Waits until the running server answers, and remembers its port.

        Not always the remembered one: a start that was killed half way may have brought it up on another.

        Raises:
            StackError: nothing answers there.
        """
        deadline = time.monotonic() + self.start_seconds
        while (process := self.process()) and time.monotonic() < deadline:
            try:
                port = self.port_of(process.cmdline())
            except psutil.NoSuchProcess:
                continue
            if self.memory.get("port") != port:
                self.memory["port"] = port
                self.remember()
            if self.answers(port):
                return
            time.sleep(0.02)
        raise StackError(f"{self.title} does not answer; the end of {self.log}:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """The end of the log, for a message."""
        try:
            return self.log.read_text("utf-8", errors="replace")[-2000:].strip()
        except FileNotFoundError:
            return "(no log)"

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.rename(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                self.arguments(port),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", **self.variables},
                start_new_session=True,
                umask=0o077,
            )
        _children.append(child)
        return child


def write_private(path: Path, text: str) -> None:
    """Writes a file that only its owner may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
