"""A server of the stack that is a Python module of this package: HTTP on loopback, with a password.

The module takes ``--data FOLDER --port PORT --password-file FILE`` and serves until SIGTERM.
"""

from __future__ import annotations

import base64
import http.client
import os
import sys
from pathlib import Path
from typing import ClassVar

from typing_extensions import override

from marts_platform.embedded import processes
from marts_platform.embedded.process_server import ProcessServer, write_private
from marts_platform.embedded.server import LOOPBACK, StackError


class HttpServer(ProcessServer):
    """A `Server` whose process is one of this package's modules.

    Attributes:
        module: the module that is run.
        user: the one user that it knows.
        version_path: what answers its version to that user.
    """

    module: ClassVar[str]
    user: ClassVar[str]
    version_path: ClassVar[str]
    # Where the server finds this package and the others: it inherits neither folder nor variables.
    variables = {"PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)}

    @property
    def data(self) -> Path:
        """The folder of what it serves."""
        return self.folder / "data"

    @property
    def _password_file(self) -> Path:
        return self.folder / "password"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if self.is_alive() and not self._running_version():
            self.stop()  # its password is lost: the stack's file was deleted
        if not self.is_alive():
            write_private(self._password_file, self.secret(self.user))
            self.launch()
        version = self._running_version()
        if not version:
            raise StackError(f"{self.title} refuses its password; the end of {self.log}:\n{self.log_tail()}")
        self.memory["version"] = version
        self.remember()

    @property
    def url(self) -> str:
        """Where it answers, with the user and the password."""
        return f"http://{self.user}:{self.secret(self.user)}@{LOOPBACK}:{self.memory['port']}"

    @override
    def arguments(self, port: int) -> list[str]:
        return [
            *(sys.executable, "-m", self.module, "--data", str(self.data), "--port", str(port)),
            *("--password-file", str(self._password_file)),
        ]

    @override
    def is_ours(self, command: processes.CommandLine) -> bool:
        return self.module in command and str(self.data) in command

    @override
    def port_of(self, command: processes.CommandLine) -> int:
        return int(command[command.index("--port") + 1])

    @override
    def answers(self, port: int) -> bool:
        return self._version(port) is not None

    def _running_version(self) -> str:
        """The version of the server that runs, on whatever port it does; empty if it refuses the password.

        Raises:
            StackError: it does not answer.
        """
        self.await_answer()
        return self._version(self.memory["port"]) or ""

    def _version(self, port: int) -> str | None:
        """The version that the server on the port tells, empty if it refuses; None without an answer."""
        connection = http.client.HTTPConnection(LOOPBACK, port, timeout=10)
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
