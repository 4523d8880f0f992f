"""Another account gets through closed folders, and nobody else does."""

from __future__ import annotations

import os
import pwd
import stat
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from marts_platform.embedded.account import Account, can_execute, let_through, make_readable, with_execute

_OWNER, _GROUP, _OTHER = (0x01, 7, 0xFFFFFFFF), (0x04, 0, 0xFFFFFFFF), (0x20, 0, 0xFFFFFFFF)


def _unpacked(raw: bytes) -> list[tuple[int, int, int]]:
    assert raw[:4] == struct.pack("<I", 2)
    return [(tag, permissions, owner) for tag, permissions, owner in struct.iter_unpack("<HHI", raw[4:])]


def test_a_plain_mode_becomes_a_list_with_one_more_user() -> None:
    mask = (0x10, 1, 0xFFFFFFFF)
    assert _unpacked(with_execute([_OWNER, _GROUP, _OTHER], 1001)) == [
        _OWNER,
        (0x02, 1, 1001),
        _GROUP,
        mask,
        _OTHER,
    ]


def test_what_others_were_granted_stays() -> None:
    entries = [_OWNER, (0x02, 6, 1001), (0x02, 5, 7), _GROUP, (0x08, 4, 50), (0x10, 6, 0xFFFFFFFF), _OTHER]
    assert _unpacked(with_execute(entries, 1001)) == [
        _OWNER, (0x02, 5, 7), (0x02, 7, 1001), _GROUP, (0x08, 4, 50), (0x10, 7, 0xFFFFFFFF), _OTHER,
    ]  # fmt: skip


@pytest.fixture
def closed() -> Iterator[Path]:
    """A folder below two closed to others. Not in pytest's own, which every pytest closes again."""
    if os.geteuid() != 0:
        pytest.skip("only root runs servers as another account")
    with TemporaryDirectory(prefix="marts-tests-") as folder:
        inner = Path(folder) / "a" / "b"
        inner.mkdir(parents=True)
        inner.parent.chmod(0o700)
        inner.chmod(0o755)
        yield inner


def _nobody() -> Account:
    entry = pwd.getpwnam("nobody")
    return Account("nobody", entry.pw_uid, entry.pw_gid)


def test_only_the_account_gets_through_and_sees_no_names(closed: Path) -> None:
    nobody, daemon = _nobody(), pwd.getpwnam("daemon")
    assert not can_execute(closed, nobody)
    let_through(closed, nobody)
    assert can_execute(closed, nobody)
    assert not can_execute(closed, Account("daemon", daemon.pw_uid, daemon.pw_gid))
    listing = subprocess.run(
        ["ls", str(closed.parent)],
        check=False,
        capture_output=True,
        cwd="/",
        user=nobody.uid,
        extra_groups=[],
    )
    assert listing.returncode != 0
    assert stat.S_IMODE(closed.parent.stat().st_mode) & stat.S_IRWXO == 0


def test_again_is_harmless_and_heals_what_chmod_undid(closed: Path) -> None:
    let_through(closed, _nobody())
    before = os.getxattr(closed.parent, "system.posix_acl_access")
    let_through(closed, _nobody())
    assert os.getxattr(closed.parent, "system.posix_acl_access") == before
    closed.parent.chmod(0o700)
    assert not can_execute(closed, _nobody())
    let_through(closed, _nobody())
    assert can_execute(closed, _nobody())


def test_without_access_lists_a_folder_opens_for_passing_only(
    closed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "setxattr", refuse)
    let_through(closed, _nobody())
    assert can_execute(closed, _nobody())
    assert stat.S_IMODE(closed.parent.stat().st_mode) == 0o701


def test_an_installation_made_under_a_strict_umask_becomes_readable(closed: Path) -> None:
    let_through(closed, _nobody())
    program, text = closed / "program", closed / "text"
    program.touch(0o700)
    text.touch(0o600)
    make_readable(closed)
    assert stat.S_IMODE(program.stat().st_mode) == 0o705
    assert stat.S_IMODE(text.stat().st_mode) == 0o604
