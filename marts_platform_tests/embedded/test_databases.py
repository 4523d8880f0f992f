"""The databases that tests get: fresh, for the right roles, gone afterwards; a missing service is said."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest

from marts_platform import settings
from marts_platform.embedded.stack import Stack
from marts_platform_tests.databases import NewDatabase, SourceServer, scratch_database, service

ROOT = Path(__file__).resolve().parents[2]


def test_each_database_is_new_and_belongs_to_the_warehouse(new_database: NewDatabase) -> None:
    first, second = new_database(), new_database()
    assert first != second
    for url in (first, second):
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE mine ()")
            row = connection.execute("SELECT current_user").fetchone()
            assert row == ("warehouse",)


def test_a_database_is_gone_afterwards_though_somebody_is_connected(stack: Stack) -> None:
    url = stack.owner_url("warehouse")
    with scratch_database(url, "warehouse") as name:
        guest = psycopg.connect(url, dbname=name)
    with psycopg.connect(url) as connection:
        left = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    guest.close()
    assert left is None


def test_a_source_is_read_by_a_careful_role(source_server: SourceServer) -> None:
    with psycopg.connect(source_server.owner_url) as owner:
        owner.execute("CREATE TABLE act_hi_detail AS SELECT 1 AS id_")
    with (
        psycopg.connect(source_server.owner_url) as owner,
        psycopg.connect(source_server.reader_url) as reader,
    ):
        owner.execute("SELECT 1")
        assert reader.execute("SELECT id_ FROM act_hi_detail").fetchone() == (1,)
        seen = reader.execute(
            "SELECT xact_start IS NOT NULL FROM pg_stat_activity WHERE pid = %s", [owner.info.backend_pid]
        ).fetchone()
        assert seen == (True,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute("INSERT INTO act_hi_detail VALUES (2)")


def test_a_missing_service_skips_here_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MARTS_TEST_NOTHING", raising=False)
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="MARTS_TEST_NOTHING"):
        service("MARTS_TEST_NOTHING")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="MARTS_TEST_NOTHING"):
        service("MARTS_TEST_NOTHING")


def test_tests_never_see_the_developers_stack() -> None:
    assert settings.home().name.startswith("marts-tests-")
    foreign = [
        name for name in os.environ if name.startswith("MARTS_") and not name.startswith("MARTS_TEST_")
    ]
    assert foreign == ["MARTS_HOME"]


def test_a_killed_session_leaves_no_server_and_no_folder(tmp_path: Path) -> None:
    """Starts a session of pytest of its own that kills itself with its stack running."""
    told = tmp_path / "told"
    plugin = tmp_path / "killing_itself.py"
    plugin.write_text(
        "import os, pathlib, signal\n"
        "from marts_platform import settings\n"
        "from marts_platform.embedded.stack import Stack\n"
        "def pytest_sessionstart(session):\n"
        "    Stack().start(['postgres'])\n"
        "    pid = next(server.pid for server in Stack().status() if server.name == 'postgres')\n"
        f"    pathlib.Path({str(told)!r}).write_text(f'{{settings.home()}} {{pid}}')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "killing_itself",
            "-q",
            str(ROOT / "marts_platform_tests/test_cli.py"),
        ],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        check=False,
    )
    assert done.returncode < 0
    folder, pid = told.read_text().split()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and (psutil.pid_exists(int(pid)) or Path(folder).exists()):
        time.sleep(0.1)
    assert not psutil.pid_exists(int(pid))
    assert not Path(folder).exists()
