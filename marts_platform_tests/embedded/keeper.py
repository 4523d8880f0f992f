"""Stops the stack of a test session when the session is over, however it ended: also by a kill -9.

Run as a process of its own that holds the reading end of a pipe; the session holds the other end, which the
kernel closes with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from marts_platform.embedded.stack import Stack


class Keeper:
    """The session's side: once closed, or when this process dies, `folder`'s stack ends and is deleted."""

    def __init__(self, folder: Path) -> None:
        root = Path(__file__).resolve().parents[2]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "marts_platform_tests.embedded.keeper", str(folder)],
            stdin=subprocess.PIPE,
            cwd=root,
            env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root), *sys.path])},
            start_new_session=True,  # a Ctrl-C at the terminal is not for it
        )

    def close(self) -> None:
        """Stops the stack and waits for it.

        Raises:
            RuntimeError: it did not stop.
        """
        self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"the test stack did not stop (exit code {self._process.returncode})")


def _keep(folder: Path) -> None:
    sys.stdin.buffer.read()
    Stack(folder).stop()
    shutil.rmtree(folder)


if __name__ == "__main__":
    _keep(Path(sys.argv[1]))
