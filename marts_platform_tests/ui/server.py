"""Dagster's servers as processes of a test, and their GraphQL over HTTP: what the UI itself speaks."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil

from marts_platform import dagster_dev
from marts_platform_tests.ui import queries

T = TypeVar("T")

# Starting imports Dagster five times over, in as many processes.
_START_SECONDS = 300
_END_SECONDS = 60
_TAIL_LINES = 60


@dataclass(frozen=True)
class Ui:
    """A running webserver with its daemon and code location.

    Attributes:
        port: of the webserver, on loopback.
        log: what the processes print.
    """

    port: int
    log: Path

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """The data of a GraphQL query or mutation.

        Raises:
            AssertionError: the answer is an error.
        """
        answer = httpx.post(
            f"http://127.0.0.1:{self.port}/graphql",
            json={"query": query, "variables": variables},
            timeout=90,
        ).json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def is_ready(self) -> bool:
        """Whether the webserver answers and has loaded the code location."""
        try:
            location = self.ask(queries.LOCATION)["workspaceOrError"]["locationEntries"][0]
        except httpx.TransportError:
            return False
        error = (location["locationOrLoadError"] or {}).get("message")
        assert error is None, error
        return location["loadStatus"] == "LOADED"

    def tail(self) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-_TAIL_LINES:])


def wait(what: str, seconds: float, until: Callable[[], T | None], pause: float = 1.0) -> T:
    """What ``until`` gives once that is something: not None, False or empty.

    Raises:
        AssertionError: that takes longer than so many seconds.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := until():
            return found
        time.sleep(pause)
    raise AssertionError(f"not within {seconds:g} s: {what}")


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    log: Path,
    *,
    cwd: Path,
    environment: Mapping[str, str],
    ended_by: signal.Signals,
) -> Generator[Ui]:
    """A server that a command starts, ready to be asked; at the end no process of it is left.

    Args:
        command: what starts it.
        port: where its webserver will be.
        log: gets what it prints.
        cwd: its working folder.
        environment: all of its environment.
        ended_by: the signal that ends it. Unless that is SIGINT it starts with SIGINT ignored, as a
            background job of a script does.

    Raises:
        AssertionError: it does not get ready, or does not end when told to.
    """
    ui = Ui(port, log)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            process_group=0,
            preexec_fn=_follow_the_test if ended_by is signal.SIGINT else _follow_the_test_in_background,
        )
    family: list[psutil.Process] = []
    try:
        wait("the UI with its code location", _START_SECONDS, lambda: _is_up(ui, process))
        family = psutil.Process(process.pid).children(recursive=True)
        yield ui
        family = list({*family, *psutil.Process(process.pid).children(recursive=True)})
        process.send_signal(ended_by)
        process.wait(_END_SECONDS)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        raise AssertionError(f"{error}\n\nThe end of its log:\n{ui.tail()}") from error
    finally:
        _kill(process, family)


def _is_up(ui: Ui, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, f"it ended with exit code {process.returncode}"
    return ui.is_ready()


def _follow_the_test() -> None:
    dagster_dev._be_interruptible()  # a killed test interrupts its server


def _follow_the_test_in_background() -> None:
    _follow_the_test()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _kill(process: subprocess.Popen[bytes], family: Sequence[psutil.Process]) -> None:
    everyone = set(family)
    if process.poll() is None:
        everyone |= set(psutil.Process(process.pid).children(recursive=True))
        process.kill()
        process.wait()
    for member in everyone:
        if member.is_running():
            member.kill()
