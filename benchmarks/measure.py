"""Measures one piece of work in a process of its own: wall time, peak memory, what came of it.

The process imports and prepares first; only the work itself is timed. Memory is that of the whole process,
with what its child processes hold at the same time: a peer with a program of its own is not let off.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil

_SAMPLE_SECONDS = 0.2
_LIMIT_SECONDS = 3600
_ROOT = Path(__file__).resolve().parents[1]


class NotMeasuredError(Exception):
    """A contender did not run, or did not do the work; the message says why. It never becomes a figure."""


@dataclass(frozen=True)
class Job:
    """What a contender is given. It holds passwords: it goes through a pipe and stays out of messages.

    Attributes:
        source: connection string of the Camunda database, for the reading role.
        warehouse: connection string of the target database, for its owner.
        day: the day to move, as an ISO date (UTC).
        scratch: a folder for files.
        environment: of the platform's own process.
        options: what else a contender wants to know.
    """

    source: str = field(repr=False)
    warehouse: str = field(repr=False)
    day: str
    scratch: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Outcome:
    """What a contender says it did.

    Attributes:
        rows: rows that stand in the target afterwards, counted there.
        seconds: instead of the wall time, if it had to be scaled; `note` says from what.
        note: what a reader of the figure has to know.
        parts: seconds of parts of the work.
    """

    rows: int
    seconds: float | None = None
    note: str = ""
    parts: Mapping[str, float] = field(default_factory=dict[str, float])


Finish = Callable[[], Outcome]
Work = Callable[[], Finish]
"""Does what is timed; what it returns looks at what came of it, untimed."""
Contender = Callable[[Job], Work]


@dataclass(frozen=True)
class Measurement:
    """A finished piece of work.

    Attributes:
        seconds: wall time of the work.
        process_seconds: wall time of the whole process: its start, its imports and the work.
        processor_seconds: processor time of the work, of the process, its children and the server's sessions.
            A busy machine stretches wall time far more than this.
        peak_bytes: most memory held at a time, child processes included.
        before_bytes: memory when the work began, everything imported.
        load: the machine's one-minute load average when it began.
        outcome: what the contender says it did.
    """

    seconds: float
    process_seconds: float
    processor_seconds: float
    peak_bytes: int
    before_bytes: int
    load: float
    outcome: Outcome


def measure(contender: Contender, job: Job, server: psutil.Process) -> Measurement:
    """Runs a contender (a function of a module) in a fresh process.

    Args:
        contender: a function of a module that can be imported.
        job: what it gets.
        server: the server that source and warehouse are on: its children's processor time is counted.

    Raises:
        NotMeasuredError: it failed; the message ends with what it said, without passwords.
    """
    module, name = contender.__module__, getattr(contender, "__name__", "")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MARTS_", "PG"))}
    environment |= {"PYTHONPATH": str(_ROOT), **job.environment}
    load = os.getloadavg()[0]
    served = _ended_children(server)
    with tempfile.TemporaryFile("w+") as said, tempfile.TemporaryFile("w+") as answer:
        started = time.perf_counter()
        child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.measure", module, name],
            stdin=subprocess.PIPE,
            stdout=answer,
            stderr=said,
            env=environment,
            cwd=job.scratch,
            text=True,
        )
        assert child.stdin is not None
        child.stdin.write(json.dumps(asdict(job)))
        child.stdin.close()
        sampled = _watch(child)
        process_seconds = time.perf_counter() - started
        if child.returncode != 0:
            raise NotMeasuredError(_without_passwords(_tail(said), job))
        answer.seek(0)
        found: dict[str, Any] = json.load(answer)
    outcome = Outcome(**found["outcome"])
    return Measurement(
        seconds=found["seconds"] if outcome.seconds is None else outcome.seconds,
        process_seconds=process_seconds,
        processor_seconds=found["processor"] + _ended_children(server) - served,
        peak_bytes=max(sampled, found["peak"]),
        before_bytes=found["before"],
        load=load,
        outcome=replace(outcome, note=_without_passwords(outcome.note, job)),
    )


def _watch(child: subprocess.Popen[str]) -> int:
    """Waits for the process; returns the most memory that it and its children were seen to hold together."""
    process = psutil.Process(child.pid)
    deadline = time.monotonic() + _LIMIT_SECONDS
    most = 0
    try:
        while time.monotonic() < deadline:
            try:
                child.wait(_SAMPLE_SECONDS)
            except subprocess.TimeoutExpired:
                most = max(most, _resident(process))
            else:
                break
        return most
    finally:
        child.kill()  # does nothing to one that has ended
        child.wait()


def _ended_children(server: psutil.Process) -> float:
    """Processor seconds of the server's sessions that are over: those of a contender end with it."""
    times = server.cpu_times()
    return times.children_user + times.children_system


def _own_processor() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _resident(process: psutil.Process) -> int:
    held = 0
    try:
        for each in (process, *process.children(recursive=True)):
            held += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass  # one ended between being listed and being looked at: the next sample is near
    return held


def _tail(said: Any) -> str:
    said.seek(0)
    lines = said.read().strip().splitlines()
    return "\n".join(lines[-12:]) or "it ended without a word"


def _without_passwords(text: str, job: Job) -> str:
    urls = (job.source, job.warehouse, *job.environment.values())
    for password in {found for url in urls for found in re.findall(r"://[^:/@]+:([^@]+)@", url)}:
        text = text.replace(password, "********")
    return text


def _own_peak() -> int:
    """The most memory that this process has held, in bytes."""
    try:
        status = Path("/proc/self/status").read_text("utf-8")
    except FileNotFoundError:
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS, in bytes
    # Not ru_maxrss: on Linux a child starts with its parent's.
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024


def _main(module: str, name: str) -> None:
    # Whatever the contender prints goes with the errors: the answer is the only thing on standard output.
    answer = os.dup(1)
    os.dup2(2, 1)
    job = Job(**json.load(sys.stdin))
    work: Work = getattr(importlib.import_module(module), name)(job)
    before = psutil.Process().memory_info().rss
    processor, started = _own_processor(), time.perf_counter()
    finish = work()
    seconds, processor = time.perf_counter() - started, _own_processor() - processor
    peak = _own_peak()
    outcome = finish()
    found = {
        "outcome": asdict(outcome),
        "seconds": seconds,
        "processor": processor,
        "before": before,
        "peak": peak,
    }
    with os.fdopen(answer, "w") as stream:
        json.dump(found, stream)


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2])
