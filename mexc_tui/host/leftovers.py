"""Deletes leftover files of ended engines from the profile folders. Blocks, never raises."""

import fcntl
import os
import re
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mexc_tui.host.paths import Paths

OLD_MS = 86_400_000
"""Newer files may belong to a running process."""

_ACCOUNT_LOCK = re.compile(r"account-[0-9a-f]{16}(?:-simulated-\d+)?\.lock")
_PARTIAL_FILE = re.compile(r"(?:halt|ban|practice_day|listen-keys)\.(\d{1,10})")


def delete_leftovers(paths: Paths, now_ms: int) -> int:
    """Delete unused account locks, unserved sockets and partial files; return how many."""
    root = paths.state.parent
    unused = sum(delete_unused_lock(file) for file in _files(root) if _ACCOUNT_LOCK.fullmatch(file.name))
    stale = sum(_delete_stale_socket(file, now_ms) for file in _sockets(paths))
    notes = sum(
        _delete_old_partial_file(file, now_ms)
        for file in _files(paths.state)
        if _PARTIAL_FILE.fullmatch(file.name)
    )
    return unused + stale + notes


def delete_unused_lock(file: Path) -> bool:
    """Delete a free lock file; return whether it is deleted.

    It is deleted while locked, and only if it is still the file at its path. A process that opened it before
    finds another file or none after it gets the lock, and tries again.
    """
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not os.path.samestat(os.fstat(descriptor), os.lstat(file)):
            return False
        file.unlink()
    except OSError:  # locked, or already deleted
        return False
    finally:
        os.close(descriptor)
    return True


def _sockets(paths: Paths) -> Iterator[Path]:
    """Yield the sockets of other profiles, from the socket folder and the folders of profiles."""
    folders = {paths.socket.parent, *(folder for folder in _files(paths.state.parent) if folder.is_dir())}
    for folder in folders:
        yield from (file for file in _files(folder) if file.suffix == ".sock" and file != paths.socket)


def _delete_stale_socket(file: Path, now_ms: int) -> bool:
    with suppress(OSError):
        found = file.lstat()
        if not (stat.S_ISSOCK(found.st_mode) and _is_old(found, now_ms) and _is_refused(file)):
            return False
        if os.path.samestat(found, file.lstat()):  # no other engine has replaced it meanwhile
            file.unlink()
            return True
    return False


def _is_refused(file: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(file))
        except ConnectionRefusedError:
            return True
        except OSError:  # busy, or access denied
            return False
    return False


def _delete_old_partial_file(file: Path, now_ms: int) -> bool:
    with suppress(OSError):
        found = file.lstat()
        if stat.S_ISREG(found.st_mode) and _is_old(found, now_ms):
            file.unlink()
            return True
    return False


def _is_old(found: os.stat_result, now_ms: int) -> bool:
    return found.st_mtime_ns // 1_000_000 < now_ms - OLD_MS


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []
