"""Starting, stopping and describing the servers of one ``$MARTS_HOME``."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Collection, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from marts_platform import settings
from marts_platform.core.demo import ServerDownError
from marts_platform.embedded.clickhouse import ClickHouseServer
from marts_platform.embedded.crm import CrmServer
from marts_platform.embedded.kafka import KafkaServer
from marts_platform.embedded.mysql import MySQLServer
from marts_platform.embedded.postgres import PostgresServer
from marts_platform.embedded.prometheus import PrometheusServer
from marts_platform.embedded.server import Server, ServerStatus, StackError
from marts_platform.names import nearest

# In the order in which they start; they stop the other way round.
SERVERS: tuple[type[Server], ...] = (
    PostgresServer,
    ClickHouseServer,
    MySQLServer,
    KafkaServer,
    CrmServer,
    PrometheusServer,
)

_LOCK_SECONDS = 300


class Stack:
    """The embedded stack of one folder.

    ``stack.json`` there (mode 0600) holds:

    * ``environment``: what the running servers answer for, variable name to value; empty after `stop`;
    * ``preferred_with``: settings that go with a source's demo data, by the variable of its address;
    * ``owners``: connection URLs with full rights, by database;
    * ``servers``: what each server remembers (ports, passwords) whether it runs or not.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """A handle on the stack of `folder`, by default of ``$MARTS_HOME``; touches nothing yet."""
        self.folder = folder.absolute() if folder is not None else settings.home()

    def start(self, only: Collection[str] = ()) -> None:
        """Starts whatever does not run, and writes down where it is. Running servers are left alone.

        Args:
            only: names of the servers to start, none for all.

        Raises:
            StackError: a server does not start, a name is not one's, or another command holds the stack.
        """
        known = [kind.name for kind in SERVERS]
        if unknown := set(only) - set(known):
            near = nearest(min(unknown), known)
            raise StackError(f"no server {', '.join(sorted(unknown))}{near}; there are: {', '.join(known)}")
        with self._locked():
            content = self._read()
            for server in self._servers(content):
                if not only or server.name in only:
                    server.start()
            self._describe(content)

    def stop(self) -> None:
        """Stops every server and waits for it; a stack that is down stays so.

        Raises:
            StackError: a server does not end.
        """
        if not self.folder.is_dir():
            return
        with self._locked():
            content = self._read()
            for server in reversed(self._servers(content)):
                server.stop()
            self._describe(content)

    def status(self) -> list[ServerStatus]:
        """Each server as it is now. Takes no lock: it answers also while another command starts the stack."""
        return [server.status() for server in self._servers(self._read())]

    def owner_url(self, database: str) -> str:
        """The connection URL of a database's superuser: for demo data and tests, never for the platform.

        Raises:
            ServerDownError: the server of that database does not run.
            StackError: no server has it.
        """
        content = self._read()
        server = next((found for found in self._servers(content) if database in found.databases()), None)
        if server is None:
            raise StackError(f"the embedded stack has no server with a database {database!r}")
        owners: dict[str, str] = content.get("owners", {})
        if database not in owners or not server.is_alive():
            name = server.name
            raise ServerDownError(
                f"{name} is not up in the embedded stack of {self.folder}; run `marts up {name}`"
            )
        return owners[database]

    def prefer(self, values: Mapping[str, Mapping[str, str]]) -> None:
        """Settings that go with the demo data of the stack's sources; the environment overrules them.

        Args:
            values: by the variable of the source's address, by variable name.
        """
        with self._locked():
            content = self._read()
            content["preferred_with"] = {address: dict(preferred) for address, preferred in values.items()}
            self._write(content)

    def _servers(self, content: dict[str, Any]) -> list[Server]:
        memories: dict[str, dict[str, Any]] = content.setdefault("servers", {})
        return [
            kind(self.folder / kind.name, memories.setdefault(kind.name, {}), lambda: self._write(content))
            for kind in SERVERS
        ]

    def _describe(self, content: dict[str, Any]) -> None:
        environment: dict[str, str] = {}
        owners: dict[str, str] = {}
        for server in self._servers(content):
            if server.is_alive():
                environment |= server.environment()
                owners |= server.owners()
        content["environment"], content["owners"] = environment, owners
        self._write(content)

    def _read(self) -> dict[str, Any]:
        path = self.folder / settings.STACK_FILE
        return settings.stack_content(path)

    def _write(self, content: dict[str, Any]) -> None:
        # Aside, then renamed: a reader, or the next start after a kill, sees the old file or the new one.
        aside = self.folder / f".{settings.STACK_FILE}-{secrets.token_hex(4)}"
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(self.folder / settings.STACK_FILE)

    @contextmanager
    def _locked(self) -> Generator[None]:
        # The kernel drops this lock with the process that held it, however that process ended.
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.folder / "stack.lock").open("w") as file:
            deadline = time.monotonic() + _LOCK_SECONDS
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        held = f"another marts command has held {file.name} for {_LOCK_SECONDS} s"
                        raise StackError(f"{held}; wait for it or end it") from None
                    time.sleep(0.05)
            for stale in self.folder.glob(f".{settings.STACK_FILE}-*"):
                stale.unlink(missing_ok=True)  # a write that was killed
            yield
