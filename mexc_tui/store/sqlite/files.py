"""Folder and files of the store: must be private to one user (reliability D2, D9)."""

import os
import shlex
import stat
from pathlib import Path

from mexc_tui.model.storage import StorageRefused

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_COMPANIONS = ("", "-wal", "-shm", "-journal")


def prepare(path: Path) -> None:
    """Create the database folder and an empty file if missing, and check owner and modes.

    Raises StorageRefused with the command that fixes the problem.
    """
    _prepare_folder(path.parent)
    if not path.exists() and not path.is_symlink():
        create_private(path, exclusive=False)
    for companion in _COMPANIONS:
        _check_file(path.with_name(path.name + companion))


def create_private(path: Path, *, exclusive: bool = True) -> None:
    """Create an empty file with mode 0600 and make its name durable."""
    flags = os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | (os.O_EXCL if exclusive else 0)
    try:
        handle = os.open(path, flags, FILE_MODE)
    except OSError as error:
        raise StorageRefused(f"{path} cannot be created: {error.strerror}. Check owner and mount.") from error
    try:
        os.fchmod(handle, FILE_MODE)
        os.fsync(handle)
    finally:
        os.close(handle)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Flush the folder, so that its file names survive a power failure."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _prepare_folder(folder: Path) -> None:
    is_new = not folder.exists()
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        if is_new:
            sync_folder(folder.parent)
    except OSError as error:
        raise StorageRefused(
            f"{folder} cannot be created: {error.strerror}. Check its parent's owner and mount."
        ) from error
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise StorageRefused(f"{folder} belongs to another user. Run: chown {os.geteuid()} {_shell(folder)}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise StorageRefused(f"{folder} is open to other users. Run: chmod 700 {_shell(folder)}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise StorageRefused(
            f"{folder} cannot be written. Run: chmod 700 {_shell(folder)}, or mount it writable."
        )


def _check_file(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISREG(found.st_mode):
        raise StorageRefused(
            f"{path} is not a regular file. Move it away: mv {_shell(path)} {_shell(path)}.moved"
        )
    if found.st_uid != os.geteuid():
        raise StorageRefused(f"{path} belongs to another user. Run: chown {os.geteuid()} {_shell(path)}")
    if stat.S_IMODE(found.st_mode) & 0o177:
        raise StorageRefused(f"{path} is open to other users. Run: chmod 600 {_shell(path)}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise StorageRefused(
            f"{path} cannot be written. Run: chmod 600 {_shell(path)}, or mount it writable."
        )


def _shell(path: Path) -> str:
    return shlex.quote(str(path))
