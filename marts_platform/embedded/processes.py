"""Finding and ending a server's processes.

They are recognised by their command line, not by a pid file: a pid in a file may be stale or belong to
somebody else by now. Not by their working folder either: root in a container may not read that of another
user's process.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable

import psutil

CommandLine = list[str]


def matching(is_ours: Callable[[CommandLine], bool]) -> list[psutil.Process]:
    """The processes whose command line satisfies `is_ours`; a zombie has none, so it is not among them."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        try:
            command = process.cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if command and is_ours(command):
            found.append(process)
    return found


def is_running(process: psutil.Process) -> bool:
    """Whether it still runs; a zombie (dead, but its parent has not looked) does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def wait_until_gone(processes: list[psutil.Process], seconds: float) -> list[psutil.Process]:
    """Waits for the processes to end, at most `seconds`; returns those that still run."""
    deadline = time.monotonic() + seconds
    left = [process for process in processes if is_running(process)]
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [process for process in left if is_running(process)]
    return left


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Signals each process that still runs.

    Raises:
        psutil.AccessDenied: one belongs to another user.
    """
    for process in processes:
        try:
            process.send_signal(number)  # refuses a pid that was reused meanwhile
        except psutil.NoSuchProcess:
            continue
