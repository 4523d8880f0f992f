"""pgbouncer in front of a server: Debian's, where it is installed; CI installs it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

_PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def pooled(url: str, mode: str, *options: str) -> Generator[str]:
    """The URL of a pool of sessions of a server.

    Args:
        url: of the server.
        mode: ``session`` or ``transaction``.
        options: further lines of the pooler's configuration.
    """
    if _PROGRAM is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("pgbouncer is not installed")
    parts = urlsplit(url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="marts-pgbouncer-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # it does not run as root
        (folder / "users.txt").write_text(f'"{parts.username}" "{parts.password}"\n')
        (folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host={parts.hostname} port={parts.port}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = plain\n"
            f"auth_file = {folder}/users.txt\npool_mode = {mode}\n" + "\n".join(options) + "\n"
        )
        for file in folder.iterdir():
            file.chmod(0o644)
        command = [
            _PROGRAM,
            *(["-u", "nobody"] if os.getuid() == 0 else []),
            "-q",
            str(folder / "pgbouncer.ini"),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pooler:
            try:
                _wait_for(port)
                netloc = f"{parts.username}:{parts.password}@127.0.0.1:{port}"
                yield urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
            finally:
                pooler.terminate()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        else:
            return
