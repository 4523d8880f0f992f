"""A server of the stack that is a Python module of this package: HTTP on loopback, with a password.

The module takes ``--data FOLDER --port PORT --password-file FILE`` and serves until SIGTERM.
"""

from __future__ import annotations

import base64
import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import ClassVar

import psutil
from typing_extensions import override

from marts_platform.embedded import processes
from marts_platform.embedded.server import LOOPBACK, Server, ServerStatus, StackError, port_is_free

_START_SECONDS = 120  # a database may have many parts to load after a kill
_STOP_SECONDS = 20
_LOG_BYTES = 10_000_000

# Started here and not waited for. A child that ended stays a zombie until somebody asks for its exit code.
_children: list[subprocess.Popen[bytes]] = []


class HttpServer(Server):
    """A `Server` whose process is one of this package's modules.

    Attributes:
        title: what messages call it.
        module: the module that is run.
        user: the one user that it knows.
        version_path: what answers its version to that user.
    """

    title: ClassVar[str]
    module: ClassVar[str]
    user: ClassVar[str]
    version_path: ClassVar[str]

    @property
    def data(self) -> Path:
        """The folder of what it serves."""
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_alive() and self._running_version() is None:
            self.stop()  # its password is lost: the stack's file was deleted
        if not self.is_alive():
            self._launch()
        version = self._running_version()
        if version is None:
            raise StackError(
                f"{self.title} refuses its password; the end of {self._log}:\n{self._log_tail()}"
            )
        self.memory["version"] = version
        self.remember()

    @override
    def is_alive(self) -> bool:
        return self._process() is not None

    @override
    def stop(self) -> None:
        ours = processes.matching(self._is_ours)
        try:
            for number, seconds in ((signal.SIGTERM, _STOP_SECONDS), (signal.SIGKILL, 10)):
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
        process = self._process()
        return ServerStatus(
            name=self.name,
            alive=process is not None,
            pid=process.pid if process else None,
            port=self.memory.get("port"),
            version=str(self.memory.get("version", "")),
        )

    @property
    def url(self) -> str:
        """Where it answers, with the user and the password."""
        return f"http://{self.user}:{self.secret(self.user)}@{LOOPBACK}:{self.memory['port']}"

    def _is_ours(self, command: processes.CommandLine) -> bool:
        return self.module in command and str(self.data) in command

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
                if self._answers() is not None:
                    return
                time.sleep(0.05)
            if port_is_free(port):
                break
        raise StackError(f"{self.title} did not start; the end of {self._log}:\n{self._log_tail()}")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        _write_private(self._password_file, self.secret(self.user))
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", self.module, "--data", str(self.data), "--port", str(port)]
                + ["--password-file", str(self._password_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                # Nothing of our environment: it holds passwords.
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "PYTHONPATH": _python_path()},
                start_new_session=True,
            )
        _children.append(child)
        return child

    def _running_version(self) -> str | None:
        """The version of the server that runs, on whatever port it does; None if it refuses the password.

        Not always the remembered port: a start that was killed half way may have brought it up on another.

        Raises:
            StackError: it does not answer.
        """
        deadline = time.monotonic() + _START_SECONDS
        while (process := self._process()) and time.monotonic() < deadline:
            try:
                command = process.cmdline()
            except psutil.NoSuchProcess:
                continue
            port = int(command[command.index("--port") + 1])
            if self.memory.get("port") != port:
                self.memory["port"] = port
                self.remember()
            answer = self._answers()
            if answer is not None:
                return answer or None
            time.sleep(0.05)
        raise StackError(f"{self.title} does not answer; the end of {self._log}:\n{self._log_tail()}")

    def _answers(self) -> str | None:
        """The version that the server on the port tells, empty if it refuses; None without an answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.memory["port"], timeout=10)
        token = base64.b64encode(f"{self.user}:{self.secret(self.user)}".encode()).decode()
        try:
            connection.request("GET", self.version_path, headers={"Authorization": f"Basic {token}"})
            answer = connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return text.strip() if answer.status == 200 else ""

    def _log_tail(self) -> str:
        try:
            return self._log.read_text("utf-8", errors="replace")[-2000:].strip()
        except FileNotFoundError:
            return "(no log)"


def _python_path() -> str:
    """Where the server finds this package and the others: it inherits neither folder nor variables."""
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)


def _write_private(path: Path, text: str) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
