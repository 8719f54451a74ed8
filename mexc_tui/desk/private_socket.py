"""Create a private Unix socket; never replace one that is in use."""

import errno
import fcntl
import os
import socket
import stat
import struct
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mexc_tui.desk.api_types import FrontEndError, SocketInUse

PRIVATE = 0o600
BACKLOG = 1024
"""Maximum connections that wait to be accepted; the system may allow fewer."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The peer process, as reported by the system."""

    uid: int
    pid: int


def peer_of(connection: socket.socket) -> Peer:
    """Return the peer process of a Unix socket."""
    size = struct.calcsize("3i")
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return Peer(uid, pid)


class DeskSocket:
    """A listening socket at a path, with a lock that is held while its engine runs."""

    def __init__(self, path: Path) -> None:
        """Listen at a path. Raises SocketInUse if an engine serves it, FrontEndError if that fails."""
        self.path = path
        self._lock = _lock(path.with_name(path.name + ".lock"))
        try:
            _remove_unused(path)
            self.socket = _listen(path)
            self._inode = path.stat().st_ino
        except OSError as error:
            os.close(self._lock)
            raise FrontEndError(f"Cannot create a socket at {path}: {error.strerror or error}.") from error
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close the socket, and remove its file unless another socket replaced it."""
        self.socket.close()
        with suppress(FileNotFoundError):
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()
        os.close(self._lock)


def _lock(path: Path) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)
    except OSError as error:
        raise FrontEndError(f"Cannot open {path}: {error.strerror}.") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise SocketInUse(f"An engine already serves {path.with_suffix('')}: attach to it.") from None
    return descriptor


def _remove_unused(path: Path) -> None:
    """Remove an unused socket."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FrontEndError(f"{path} is not a socket. Move it away.")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        problem = probe.connect_ex(str(path))
    if problem != errno.ECONNREFUSED:  # it accepts connections, or its queue is full: in use
        raise SocketInUse(f"An engine already serves {path}: attach to it.")
    path.unlink()


def _listen(path: Path) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX)
    try:
        # The file gets the mode of the socket, less the umask. Changing the umask instead would affect files
        # that other threads create at the same time.
        os.fchmod(listening.fileno(), PRIVATE)
        listening.bind(str(path))
        if stat.S_IMODE(path.stat().st_mode) & ~PRIVATE:
            path.unlink()
            raise FrontEndError(f"Other users can open sockets in {path.parent}: not serving there.")
        listening.listen(BACKLOG)
        listening.setblocking(False)
    except BaseException:
        listening.close()
        raise
    return listening
