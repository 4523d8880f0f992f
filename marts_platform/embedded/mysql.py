"""MySQL: OceanBase's seekdb, whose program the PyPI package ``pylibseekdb`` carries.

seekdb listens on every address and cannot be told otherwise (it ignores ``bind_address``). So its list of
invited addresses has loopback alone, and every other client is turned away before it may log in; the roles
have generated passwords all the same. It is administered through its socket file, which lies in a folder that
only its owner may enter.
"""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

from typing_extensions import override

from marts_platform.embedded import mysql_roles, processes
from marts_platform.embedded.process_server import ProcessServer
from marts_platform.embedded.server import LOOPBACK, StackError

if TYPE_CHECKING:
    from collections.abc import Collection

    from pymysql import Connection
    from pymysql.cursors import Cursor

_ACCESS_DENIED = 1045
# The least that seekdb takes for its caches and buffers. By itself it would take four fifths of the machine.
_PARAMETERS = {"memory_budget": "1G", "log_disk_size": "2G", "syslog_disk_size": "64M"}


class MySQLServer(ProcessServer):
    """The chat's demo source, and the shop's MySQL warehouse, as databases of one server."""

    name: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MySQL"
    variables = {"TZ": "UTC"}

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _socket(self) -> Path:
        return self._data / "run" / "sql.sock"

    @property
    def _password_file(self) -> Path:
        # Beside the data, which is of no use without it: the stack's file may get lost.
        return self.folder / "password"

    @override
    def start(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._recall_password()
        if not self.is_alive():
            self.launch()
        self.await_answer()
        with self._administer() as connection:
            self.memory["version"] = mysql_roles.provision(connection, self.secret)
        self.remember()

    @override
    def environment(self) -> dict[str, str]:
        urls = {database: self._url(role, database) for database, (role, _) in mysql_roles.DATABASES.items()}
        return {"MARTS_CHAT_URL": urls["chatdb"], "MARTS_SHOP_REPLICA_URL": urls["mydb"]}

    @classmethod
    @override
    def databases(cls) -> Collection[str]:
        return tuple(mysql_roles.DATABASES)

    @override
    def owners(self) -> dict[str, str]:
        return {database: self._url(mysql_roles.SUPERUSER, database) for database in mysql_roles.DATABASES}

    def _url(self, role: str, database: str) -> str:
        return (
            f"mysql://{role}:{quote(self.secret(role), safe='')}@{LOOPBACK}:{self.memory['port']}/{database}"
        )

    @override
    def arguments(self, port: int) -> list[str]:
        return [
            *(str(_program()), "--nodaemon", "--base-dir", str(self._data), "--port", str(port)),
            *("--log-level", "WARN"),
            *(word for name, value in _PARAMETERS.items() for word in ("--parameter", f"{name}={value}")),
        ]

    @override
    def is_ours(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name == "seekdb" and str(self._data) in command

    @override
    def port_of(self, command: processes.CommandLine) -> int:
        return int(command[command.index("--port") + 1])

    @override
    def answers(self, port: int) -> bool:
        from pymysql.err import MySQLError

        try:
            self._administer().close()
        except (MySQLError, OSError):
            return False
        return True

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


def _program() -> Path:
    found = importlib.util.find_spec("pylibseekdb")  # importing it would load 400 MB of libraries
    if found is None or found.origin is None:
        raise StackError("the package pylibseekdb is not installed; it carries the MySQL server")
    return Path(found.origin).with_name("seekdb")
