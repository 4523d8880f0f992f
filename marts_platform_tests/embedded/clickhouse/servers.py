"""The ClickHouse servers that tests run against: the embedded one, and a real one where it is offered."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import clickhouse_connect
import httpx
import psutil
from clickhouse_connect.driver.httpclient import HttpClient

from marts_platform.embedded.clickhouse import ClickHouseServer
from marts_platform_tests.embedded.keeper import Keeper

REAL = "MARTS_TEST_CLICKHOUSE_URL"


@dataclass(frozen=True)
class Endpoint:
    """A server that answers ClickHouse's HTTP interface; `url` holds user and password."""

    url: str

    @property
    def address(self) -> str:
        """The URL without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port}"

    @property
    def credentials(self) -> tuple[str, str]:
        """User and password."""
        parts = urlsplit(self.url)
        return parts.username or "default", parts.password or ""

    def client(self, **options: Any) -> HttpClient:
        """An ordinary client of clickhouse-connect."""
        client = clickhouse_connect.get_client(dsn=self.url, **options)
        assert isinstance(client, HttpClient)
        return client

    def post(
        self, statement: str | bytes, headers: dict[str, str] | None = None, /, **parameters: str
    ) -> httpx.Response:
        """Sends a statement as the body of a POST."""
        content = statement.encode() if isinstance(statement, str) else statement
        with self.http() as client:
            return client.post(self.address, params=parameters, content=content, headers=headers)

    def get(self, statement: str, **parameters: str) -> httpx.Response:
        """Sends a statement in the URL of a GET."""
        with self.http() as client:
            return client.get(self.address, params={"query": statement, **parameters})

    def http(self) -> httpx.Client:
        """A client with the server's credentials, for whoever needs more of HTTP."""
        # Without certificates, which take longer to load than most statements to run.
        return httpx.Client(auth=self.credentials, timeout=120, verify=False, trust_env=False)


class Embedded:
    """An embedded server in a folder of its own, as the stack runs it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._remembered = home / "memory.json"
        self._memory: dict[str, Any] = {}

    def _remember(self) -> None:
        self._remembered.write_text(json.dumps(self._memory), "utf-8")

    @property
    def server(self) -> ClickHouseServer:
        """A new handle, as each command of the stack makes one; it knows what was written to disk."""
        if self._remembered.exists():
            self._memory = json.loads(self._remembered.read_text("utf-8"))
        return ClickHouseServer(self.home / "clickhouse", self._memory, self._remember)

    @property
    def endpoint(self) -> Endpoint:
        """Where it answers."""
        return Endpoint(self.server.environment()["MARTS_CLICKHOUSE_URL"])

    @property
    def process(self) -> psutil.Process:
        """Its process."""
        pid = self.server.status().pid
        assert pid is not None
        return psutil.Process(pid)

    @property
    def log(self) -> str:
        """What it has logged."""
        return (self.home / "clickhouse" / "server.log").read_text("utf-8")


@contextmanager
def embedded_home() -> Generator[Embedded]:
    """A home with a server that is not started yet; stopped at the end."""
    home = Path(tempfile.mkdtemp(prefix="marts-tests-"))
    keeper = Keeper(home)
    embedded = Embedded(home)
    try:
        yield embedded
    finally:
        embedded.server.stop()
        keeper.close()
        shutil.rmtree(home, ignore_errors=True)
