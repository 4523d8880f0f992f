"""The stack survives a kill of anything, is harmless to start again, and lets nobody in."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from marts_platform.embedded.server import LOOPBACK
from marts_platform.embedded.stack import Stack
from marts_platform_tests.embedded.conftest import Marts, NewHome

pytestmark = pytest.mark.timeout(240)


# Whatever other servers the stack has: these tests are about this one and about the stack itself.
UP = ("up", "postgres")


def _content(marts: Marts) -> dict[str, Any]:
    return json.loads((marts.home / "stack.json").read_text())


def _warehouse(marts: Marts) -> str:
    return _content(marts)["environment"]["MARTS_WAREHOUSE_URL"]


def _postmaster(marts: Marts) -> psutil.Process:
    server = next(server for server in Stack(marts.home).status() if server.name == "postgres")
    assert server.alive and server.pid is not None
    return psutil.Process(server.pid)


def _passwords(marts: Marts) -> list[str]:
    servers: dict[str, dict[str, Any]] = _content(marts)["servers"]
    return [password for server in servers.values() for password in server.get("passwords", {}).values()]


def _kill(victims: list[psutil.Process]) -> None:
    for victim in victims:
        with contextlib.suppress(psutil.NoSuchProcess):
            victim.kill()


def _serves(marts: Marts) -> bool:
    names = ("MARTS_WAREHOUSE_URL", "MARTS_DAGSTER_URL", "MARTS_CAMUNDA_URL")
    urls = [_content(marts)["environment"][name] for name in names]
    for url in [*urls, *_content(marts)["owners"].values()]:
        with psycopg.connect(url) as connection:
            connection.execute("SELECT 1")
    return True


def _remember(marts: Marts, value: int) -> None:
    with psycopg.connect(_warehouse(marts)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])


def _remembered(marts: Marts) -> list[int]:
    with psycopg.connect(_warehouse(marts)) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_up_again_changes_nothing(marts: Marts) -> None:
    marts(*UP)
    before, pid = _content(marts), _postmaster(marts).pid
    marts(*UP)
    assert _content(marts) == before
    assert _postmaster(marts).pid == pid


def test_down_keeps_data_and_passwords_and_takes_back_the_settings(marts: Marts) -> None:
    marts(*UP)
    _remember(marts, 1)
    before = _content(marts)
    marts("down")
    assert _content(marts)["environment"] == {}
    marts(*UP)
    assert _content(marts) == before
    assert _remembered(marts) == [1]


def test_down_again_and_down_of_nothing(marts: Marts, tmp_path: Path) -> None:
    marts(*UP)
    marts("down")
    marts("down")
    absent = Marts(tmp_path / "absent")
    absent("down")
    assert not absent.home.exists()


def test_a_killed_postmaster_comes_back_with_its_data(marts: Marts) -> None:
    marts(*UP)
    for value in range(3):
        _remember(marts, value)
        _postmaster(marts).kill()
        marts(*UP)
    assert _remembered(marts) == [0, 1, 2]


def test_a_server_killed_with_all_its_processes_comes_back(marts: Marts) -> None:
    marts(*UP)
    _remember(marts, 1)
    postmaster = _postmaster(marts)
    _kill([*postmaster.children(recursive=True), postmaster])
    assert "stopped" in marts("status")
    marts(*UP)
    assert _remembered(marts) == [1]


def test_down_amid_the_recovery_from_a_crash_is_quick(marts: Marts) -> None:
    """PostgreSQL 18.6 hangs when it is asked to stop at that moment; an immediate one came a minute later."""
    marts(*UP)
    _remember(marts, 1)
    _kill(_postmaster(marts).children())
    began = time.monotonic()
    marts("down")
    assert time.monotonic() - began < 30
    marts(*UP)
    assert _remembered(marts) == [1]


def _up(stack: Stack) -> None:
    stack.start(UP[1:])


def _seconds(act: Callable[[Stack], object], marts: Marts) -> float:
    """How long it takes here and now."""
    began = time.monotonic()
    act(Stack(marts.home))
    return time.monotonic() - began


def _kill_at_random(
    act: Callable[[Stack], object], marts: Marts, seconds: float, *, with_children: bool
) -> None:
    """What a command does, in a process of its own that is killed within some seconds."""
    # Forked, and not the command itself: a second of each start is Python's, and nothing happens in it.
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
            act(Stack(marts.home))
        finally:
            os._exit(0)
    time.sleep(random.uniform(0, seconds))
    victims = psutil.Process(child).children(recursive=True) if with_children else []
    os.kill(child, signal.SIGKILL)
    _kill(victims)
    os.waitpid(child, 0)


@pytest.mark.parametrize("with_children", [False, True])
def test_up_killed_at_random_moments_of_a_first_start(new_home: NewHome, with_children: bool) -> None:
    seconds = _seconds(_up, new_home())
    for _ in range(2):
        marts = new_home()
        for _ in range(4):
            _kill_at_random(_up, marts, seconds, with_children=with_children)
        _up(Stack(marts.home))
        assert _serves(marts)
        assert not list((marts.home / "postgres").glob("new-*"))


def test_up_and_down_killed_at_random_moments_keep_data(marts: Marts) -> None:
    _up(Stack(marts.home))
    down, up = _seconds(Stack.stop, marts), _seconds(_up, marts)
    written: list[int] = []
    for value in range(4):
        _remember(marts, value)
        written.append(value)
        _kill_at_random(Stack.stop, marts, down, with_children=False)
        for _ in range(2):
            _kill_at_random(_up, marts, up, with_children=value % 2 == 0)
        _up(Stack(marts.home))
        assert _remembered(marts) == written
        assert _serves(marts)


def test_concurrent_ups_start_one_server(marts: Marts) -> None:
    started = [marts.start(*UP) for _ in range(4)]
    for process in started:
        _, errors = process.communicate(timeout=180)
        assert process.returncode == 0, errors
    data = str(marts.home / "postgres" / "data")
    postmasters = [
        process
        for process in psutil.process_iter()
        if process.name() == "postgres" and data in process.cmdline() and process.ppid() == _reaper(process)
    ]
    assert [process.pid for process in postmasters] == [_postmaster(marts).pid]
    assert _serves(marts)


def _reaper(process: psutil.Process) -> int:
    """The parent of a process that nobody waits for; a child of the postmaster has another."""
    parent = process.parent()
    return parent.pid if parent is not None and parent.name() != "postgres" else -1


def test_a_remembered_port_that_somebody_took_is_left_to_them(marts: Marts) -> None:
    marts(*UP)
    _remember(marts, 1)
    port = _content(marts)["servers"]["postgres"]["port"]
    marts("down")
    with socket.create_server((LOOPBACK, int(port))):
        marts(*UP)
        other = _content(marts)["servers"]["postgres"]["port"]
        assert other != port
        assert _remembered(marts) == [1]
        marts("down")
    marts(*UP)
    assert _content(marts)["servers"]["postgres"]["port"] == other


@pytest.mark.parametrize("kind", ["stranger", "zombie", "nobody"])
def test_a_stale_pid_file_is_seen_through(marts: Marts, kind: str) -> None:
    marts(*UP)
    _remember(marts, 1)
    pid_file = marts.home / "postgres" / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    _postmaster(marts).kill()
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        if kind != "stranger":
            stranger.kill()
            while psutil.Process(stranger.pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.01)
        if kind == "nobody":
            stranger.wait()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert "stopped" in marts("status")
        marts(*UP)
        assert _remembered(marts) == [1]
        assert kind != "stranger" or stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


@pytest.mark.parametrize("running", [True, False])
def test_a_lost_stack_file_is_made_again(marts: Marts, running: bool) -> None:
    marts(*UP)
    _remember(marts, 1)
    if not running:
        marts("down")
    (marts.home / "stack.json").unlink()
    marts(*UP)
    assert _remembered(marts) == [1]
    assert _serves(marts)


def test_a_stack_file_with_other_passwords_is_healed(marts: Marts) -> None:
    marts(*UP)
    _remember(marts, 1)
    marts("down")
    content = json.loads((marts.home / "stack.json").read_text())
    content["servers"]["postgres"]["passwords"] = {"superuser": "of-another-server"}
    (marts.home / "stack.json").write_text(json.dumps(content))
    marts(*UP)
    assert _remembered(marts) == [1]


def test_a_damaged_stack_file_is_named(marts: Marts) -> None:
    (marts.home / "stack.json").write_text("{")
    for command in ("up", "down", "status"):
        code, _, errors = marts.run(command)
        assert code == 1
        assert "stack.json" in errors and "Traceback" not in errors
    (marts.home / "stack.json").unlink()


def test_only_the_owner_may_read_the_stack_file(marts: Marts) -> None:
    marts(*UP)
    marts("down")
    marts(*UP)
    assert stat.S_IMODE((marts.home / "stack.json").stat().st_mode) == 0o600
    assert {path.name for path in marts.home.iterdir()} == {"postgres", "stack.json", "stack.lock"}
    assert stat.S_IMODE((marts.home / "postgres").stat().st_mode) == 0o700


def test_a_server_that_is_none_is_named(marts: Marts) -> None:
    code, _, errors = marts.run("up", "oracle")
    assert code == 1
    assert "oracle" in errors and "postgres" in errors and "Traceback" not in errors


def test_nothing_listens_beyond_loopback(marts: Marts) -> None:
    marts("up")
    for server in Stack(marts.home).status():
        assert server.alive and server.pid is not None
        process = psutil.Process(server.pid)
        listening = [
            found.laddr
            for member in [process, *process.children(recursive=True)]
            for found in member.net_connections("all")
            if found.status == psutil.CONN_LISTEN or (found.family == socket.AF_UNIX and found.laddr)
        ]
        if server.name == "mysql":
            continue  # seekdb cannot be told where to listen: test_mysql.py shows whom it turns away
        assert [tuple(address) for address in listening] == [(LOOPBACK, server.port)], server.name


def test_no_role_gets_in_without_its_password(marts: Marts) -> None:
    marts(*UP)
    for url in _content(marts)["owners"].values():
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url.replace(_passwords(marts)[0], "wrong"))
        with pytest.raises(psycopg.OperationalError, match="no password supplied"):
            psycopg.connect(url.replace(":" + _passwords(marts)[0], ""))


def test_no_process_and_no_file_shows_a_password(marts: Marts) -> None:
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        while not over.is_set():
            for process in psutil.process_iter():
                try:
                    seen.add(" ".join(process.cmdline()))
                    if process.name() in ("postgres", "pg_ctl", "initdb"):
                        seen.add(json.dumps(process.environ()))
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        marts("up")
        marts("down")
        marts("up")
    finally:
        over.set()
        watcher.join()
    passwords = _passwords(marts)
    assert len(passwords) >= 4 and all(len(password) >= 32 for password in passwords)
    assert any("initdb" in line for line in seen)
    assert not [line for line in seen for password in passwords if password in line]
    marts("down")
    files = [path for path in (marts.home / "postgres").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files for password in passwords if password.encode() in path.read_bytes()]


def test_the_postmaster_outlives_a_terminal(marts: Marts) -> None:
    process = marts.start(*UP)
    process.communicate(timeout=120)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, signal.SIGHUP)
    assert os.getsid(_postmaster(marts).pid) != process.pid


def test_closed_folders_open_for_the_servers_account_only(marts: Marts) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root runs servers as another account")
    marts(*UP)
    closed = [
        folder for folder in [marts.home, *marts.home.parents] if not folder.stat().st_mode & stat.S_IXOTH
    ]
    assert closed, "the temporary folder of this test is expected to be closed to others"
    stranger = subprocess.run(
        ["test", "-x", str(marts.home)], check=False, cwd="/", user="nobody", extra_groups=[]
    )
    assert stranger.returncode == 1
