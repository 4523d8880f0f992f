"""MySQL: OceanBase's seekdb, whose program the PyPI package ``pylibseekdb`` carries.

seekdb listens on every address and cannot be told otherwise (it ignores ``bind_address``). So its list of
invited addresses has loopback alone, and every other client is turned away before it may log in; the roles
have generated passwords all the same. It is administered through its socket file, which lies in a folder that
only its owner may enter.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import psutil
from typing_extensions import override

from marts_platform.embedded import mysql_roles, processes
from marts_platform.embedded.server import LOOPBACK, Server, ServerStatus, StackError, port_is_free

if TYPE_CHECKING:
    from pymysql import Connection
    from pymysql.cursors import Cursor

_START_SECONDS = 120  # after a kill it reads its redo log
_STOP_SECONDS = 20
_LOG_BYTES = 10_000_000
_ACCESS_DENIED = 1045
# The least that seekdb takes for its caches and buffers. By itself it would take four fifths of the machine.
_PARAMETERS = {"memory_budget": "1G", "log_disk_size": "2G", "syslog_disk_size": "64M"}

# Started here and not waited for. A child that ended stays a zombie until somebody asks for its exit code.
_children: list[subprocess.Popen[bytes]] = []


class MySQLServer(Server):
    """The chat's demo source, and the shop's MySQL warehouse, as databases of one server."""

    name: ClassVar[str] = "mysql"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _socket(self) -> Path:
        return self._data / "run" / "sql.sock"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _password_file(self) -> Path:
        # Beside the data, which is of no use without it: the stack's file may get lost.
        return self.folder / "password"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._recall_password()
        if not self.is_alive():
            self._launch()
        self._remember_running_port()
        with self._administer() as connection:
            self.memory["version"] = mysql_roles.provision(connection, self.secret)
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
                f"MySQL (pid {error.pid}) runs under another user; stop it as that user or as root"
            ) from error
        raise StackError(f"MySQL did not end: processes {[process.pid for process in ours]} still run")

    @override
    def environment(self) -> dict[str, str]:
        urls = {database: self._url(role, database) for database, (role, _) in mysql_roles.DATABASES.items()}
        return {"MARTS_CHAT_URL": urls["chatdb"], "MARTS_SHOP_REPLICA_URL": urls["mydb"]}

    @override
    def owners(self) -> dict[str, str]:
        return {database: self._url(mysql_roles.SUPERUSER, database) for database in mysql_roles.DATABASES}

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

    def _url(self, role: str, database: str) -> str:
        return (
            f"mysql://{role}:{quote(self.secret(role), safe='')}@{LOOPBACK}:{self.memory['port']}/{database}"
        )

    def _is_ours(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name == "seekdb" and str(self._data) in command

    def _process(self) -> psutil.Process | None:
        for child in list(_children):
            if child.poll() is not None:
                _children.remove(child)
        return next(iter(processes.matching(self._is_ours)), None)

    def _recall_password(self) -> None:
        """The superuser's password is the one that the server was given, whatever the stack's file says."""
        if self._password_file.exists() and (password := self._password_file.read_text("utf-8")):
            self.memory.setdefault("passwords", {})[mysql_roles.SUPERUSER] = password
            return
        aside = self._password_file.with_suffix(".new")
        with open(
            os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(self.secret(mysql_roles.SUPERUSER))
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self._password_file)

    def _launch(self) -> None:
        for _ in range(5):
            port = self.choose_port()
            child = self._spawn(port)
            deadline = time.monotonic() + _START_SECONDS
            while child.poll() is None and time.monotonic() < deadline:
                if self._answers():
                    return
                time.sleep(0.02)
            if port_is_free(port):
                break
        raise StackError(f"MySQL did not start; the end of {self._log}:\n{self._log_tail()}")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))
        parameters = [
            word for name, value in _PARAMETERS.items() for word in ("--parameter", f"{name}={value}")
        ]
        with self._log.open("ab") as log:
            child = subprocess.Popen(
                [str(_program()), "--nodaemon", "--base-dir", str(self._data), "--port", str(port)]
                + ["--log-level", "WARN", *parameters],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                # Nothing of our environment: it holds passwords.
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
                start_new_session=True,
                umask=0o077,
            )
        _children.append(child)
        return child

    def _remember_running_port(self) -> None:
        """Not always the remembered one: a start that was killed half way may have used another."""
        process = self._process()
        if process is None:
            raise StackError(f"MySQL ended at once; the end of {self._log}:\n{self._log_tail()}")
        command = process.cmdline()
        self.memory["port"] = int(command[command.index("--port") + 1])
        self.remember()

    def _answers(self) -> bool:
        from pymysql.err import MySQLError

        try:
            self._administer().close()
        except (MySQLError, OSError):
            return False
        return True

    def _administer(self) -> Connection[Cursor]:
        """A connection as the superuser; a server that was just made gets its password here."""
        from pymysql.err import OperationalError

        try:
            return self._connect(self.secret(mysql_roles.SUPERUSER))
        except OperationalError as error:
            if error.args[0] != _ACCESS_DENIED:
                raise
        try:
            with self._connect("") as connection:
                mysql_roles.secure(connection, self.secret(mysql_roles.SUPERUSER))
        except OperationalError as error:
            raise StackError(
                f"MySQL refuses the superuser's password of {self._password_file}, and an empty one"
            ) from error
        return self._connect(self.secret(mysql_roles.SUPERUSER))

    def _connect(self, password: str) -> Connection[Cursor]:
        import pymysql

        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._reach(made)
            connection = pymysql.connect(
                user=mysql_roles.SUPERUSER, password=password, autocommit=True, defer_connect=True
            )
            connection.connect(made)
        except BaseException:
            made.close()  # PyMySQL leaves it open
            raise
        return connection

    def _reach(self, made: socket.socket) -> None:
        folder = os.open(self._socket.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            # A socket's name may have about 100 characters, a folder of ours has more.
            link = Path(f"/proc/self/fd/{folder}")
            made.settimeout(10)
            made.connect(str(link / self._socket.name if link.exists() else self._socket))
            made.settimeout(None)
        finally:
            os.close(folder)

    def _log_tail(self) -> str:
        try:
            return self._log.read_text("utf-8", errors="replace")[-2000:].strip()
        except FileNotFoundError:
            return "(no log)"


def _program() -> Path:
    found = importlib.util.find_spec("pylibseekdb")  # importing it would load 400 MB of libraries
    if found is None or found.origin is None:
        raise StackError("the package pylibseekdb is not installed; it carries the MySQL server")
    return Path(found.origin).with_name("seekdb")
