"""Stacks of their own for tests that stop and kill servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from marts_platform_tests.embedded.keeper import Keeper

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Marts:
    """The command ``marts`` on a home of its own, as a process of its own."""

    home: Path

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        """Starts a command in a session of its own, without the test's settings but `variables`."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MARTS_")}
        return subprocess.Popen(
            [sys.executable, "-m", "marts_platform.cli", *arguments],
            env={**inherited, "PYTHONPATH": str(ROOT), "MARTS_HOME": str(self.home), **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, *arguments: str, **variables: str) -> tuple[int, str, str]:
        """Runs a command to its end; returns exit code, standard output and standard error."""
        process = self.start(*arguments, **variables)
        output, errors = process.communicate(timeout=180)
        return process.returncode, output, errors

    def __call__(self, *arguments: str) -> str:
        """Runs a command that must succeed; returns its standard output."""
        code, output, errors = self.run(*arguments)
        assert code == 0, errors
        return output


NewHome = Callable[[], Marts]


@pytest.fixture
def new_home() -> Iterator[NewHome]:
    """Makes homes, each with nothing in it yet; their stacks end with the test, also if pytest is killed.

    Not in `tmp_path`: every pytest that starts on the machine closes that folder to other accounts again.
    """
    with ExitStack() as keepers:

        def make() -> Marts:
            closed = Path(tempfile.mkdtemp(prefix="marts-tests-"))
            keepers.callback(shutil.rmtree, closed)
            home = closed / "home"
            home.mkdir(mode=0o700)
            keepers.enter_context(closing(Keeper(home)))
            return Marts(home)

        yield make


@pytest.fixture
def marts(new_home: NewHome) -> Marts:
    """The command ``marts`` on a home of its own with nothing in it yet."""
    return new_home()
