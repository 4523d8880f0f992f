"""A headless Chromium that opens a file: what it asked the network for, and what it complained of."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from base64 import b64decode
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from marts_platform_tests import databases

BINARY = "MARTS_TEST_CHROMIUM"
_START_SECONDS = 60


@dataclass
class Browser:
    """A tab. `events` are what the browser told so far, by DevTools' names."""

    _connection: ClientConnection
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Sends a command and waits for its result."""
        number = next(self._numbers)
        self._connection.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            message = json.loads(self._connection.recv(timeout=60))
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def open(self, file: Path) -> None:
        """Opens a file and waits until it is loaded, everything that it asks for included."""
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(f"{domain}.enable")
        self.ask("Page.navigate", url=file.as_uri())
        while self.run("document.readyState") != "complete":
            time.sleep(0.05)
        self.ask("Page.getLayoutMetrics")

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def look(self, width: int, height: int, *, scheme: str = "light", media: str = "") -> None:
        """Sets the window's size, the colour scheme, and screen or print."""
        self.ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self.ask(
            "Emulation.setEmulatedMedia",
            media=media,
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )

    def screenshot(self, file: Path) -> None:
        """Writes what is to be seen as a PNG, the whole page."""
        picture = self.ask("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(b64decode(picture["data"]))

    def requests(self) -> list[str]:
        """The addresses that were asked for, but for files and data in the page."""
        asked = [
            event["params"]["request"]["url"]
            for event in self.events
            if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith(("file:", "data:"))]

    def complaints(self) -> list[str]:
        """What the console and the log say."""
        methods = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(event["params"]) for event in self.events if event["method"] in methods]


@contextmanager
def browser() -> Generator[Browser]:
    """Starts the program that `BINARY` names, with a profile of its own."""
    binary = databases.service(BINARY)
    with tempfile.TemporaryDirectory(prefix="marts-tests-chromium-", ignore_cleanup_errors=True) as profile:
        process = subprocess.Popen(
            # Root has no sandbox, and /dev/shm is small in a container.
            [binary, "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
            + ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
            + ["--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        try:
            with connect(_tab(Path(profile), process), max_size=None, proxy=None) as connection:
                yield Browser(connection)
        finally:
            process.kill()
            process.wait()


def _tab(profile: Path, process: subprocess.Popen[bytes]) -> str:
    """The address of the first tab's DevTools."""
    import httpx

    deadline = time.monotonic() + _START_SECONDS
    file = profile / "DevToolsActivePort"
    while time.monotonic() < deadline and process.poll() is None:
        if file.exists() and len(lines := file.read_text("utf-8").splitlines()) == 2:
            tabs = httpx.get(f"http://127.0.0.1:{lines[0]}/json/list", trust_env=False).json()
            pages = [tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page"]
            if pages:
                return pages[0]
        time.sleep(0.05)
    raise AssertionError(f"Chromium did not start; exit code {process.poll()}")
