"""Creates the folders of a profile for this user only, and refuses folders that others can access."""

import os
import stat
from pathlib import Path

from mexc_tui.host.paths import Paths, PathsError, check_socket

PRIVATE = 0o700


def make_folders(paths: Paths) -> None:
    """Create missing state, socket and settings folders. Raises PathsError."""
    check_socket(paths)
    for folder in (paths.state, paths.socket.parent):
        _make_private(folder)
    _make(paths.config)


def _make_private(folder: Path) -> None:
    _make(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise PathsError(f"{folder} is not a regular folder. Move it away.")
    if found.st_uid != os.geteuid():
        raise PathsError(f"{folder} belongs to another user. Change its owner, or choose another --profile.")
    if found.st_mode & 0o077:
        raise PathsError(
            f"Other users can access {folder}, which holds private data. Run: chmod 700 {folder}"
        )


def _make(folder: Path) -> None:
    try:
        folder.mkdir(PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise PathsError(f"Cannot create the folder {folder}: {error.strerror}.") from None
